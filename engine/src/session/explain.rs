//! EXPLAIN: a plan as it will run; with ANALYZE as it ran.

use std::time::Instant;

use crate::binder::bind;
use crate::binder::bound::OutputColumn;
use crate::error::Result;
use crate::executor::profile::Profile;
use crate::parser::ast::{Explain, Statement};
use crate::planner::{Measured, explain_with, plan};
use crate::session::variable::answer_texts;
use crate::session::{CommandTag, Notice, Prepared, RowSink, Session, TransactionStatus};
use crate::storage::batch::Batch;
use crate::storage::root::Root;
use crate::types::Value;

impl Session {
    /// EXPLAIN: the tree, one line a row.
    pub(super) fn explain(
        &mut self,
        explain: &Explain,
        prepared: &Prepared,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<CommandTag> {
        self.refresh_snapshot()?;
        let lines = if explain.options.analyze {
            self.explain_analyze(explain, prepared, parameters, sink)?
        } else {
            self.on_root(|root| {
                let started = Instant::now();
                let planned = plan(bind(&explain.statement, root)?, root)?;
                Ok(explain_with(&planned, root, explain.options, None, started.elapsed()))
            })?
        };
        answer_texts(sink, &["QUERY PLAN"], &[lines])?;
        Ok(CommandTag::Plain("EXPLAIN"))
    }

    fn on_root<T>(&mut self, look: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
        let heads = self.database.heads();
        if self.status == TransactionStatus::Idle {
            look(&heads.published())
        } else {
            look(self.block.root(heads))
        }
    }

    /// Runs the statement, its rows thrown away.
    fn explain_analyze(
        &mut self,
        explain: &Explain,
        prepared: &Prepared,
        parameters: &[Value],
        sink: &mut dyn RowSink,
    ) -> Result<Vec<String>> {
        let statement = Statement::clone(&explain.statement);
        let inner = Prepared::new(&prepared.text, statement, self.database.id(), &[]);
        let planning = self.on_root(|root| {
            let started = Instant::now();
            inner.plan_for(root)?;
            Ok(started.elapsed())
        })?;
        self.own.profile = Some(Profile::new(explain.options.timing));
        let started = Instant::now();
        let mut discarded = Discarded(sink);
        let ran = match &inner.statement {
            Statement::Query(_) => self.query(&inner, parameters, &mut discarded),
            _ => self.write(&inner, parameters, &mut discarded),
        };
        let execution = started.elapsed();
        let profile = self.own.profile.take();
        let rows = match ran? {
            CommandTag::Rows(_, rows) => rows,
            CommandTag::Plain(_) => 0,
        };
        let profile = profile.unwrap_or_else(|| Profile::new(false));
        let measured = Measured { profile: &profile, rows, planning, execution };
        self.on_root(|root| {
            // The plan that ran: its operators are known by where they are.
            let planned = match inner.planned() {
                Some(planned) => planned,
                None => inner.plan_for(root)?,
            };
            Ok(explain_with(&planned.plan, root, explain.options, Some(&measured), planning))
        })
    }
}

/// Lets notices through, and nothing else.
struct Discarded<'s>(&'s mut dyn RowSink);

impl RowSink for Discarded<'_> {
    fn columns(&mut self, _: &[OutputColumn]) -> Result<()> {
        Ok(())
    }

    fn batch(&mut self, _: &Batch<'_>) -> Result<()> {
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        self.0.notice(notice);
    }
}

#[cfg(test)]
mod tests {
    use crate::database::{Database, Options};
    use crate::session::Rows;
    use crate::types::Value;

    fn lines(session: &mut crate::Session, text: &str) -> Vec<String> {
        let mut rows = Rows::default();
        session.execute(text, &[], &mut rows).unwrap();
        let text = |row: &Vec<Value>| match &row[0] {
            Value::Text(text) => text.to_string(),
            other => unreachable!("{other:?}"),
        };
        rows.rows.iter().map(text).collect()
    }

    /// Times are numbers that nobody knows before.
    #[test]
    fn times_are_told_and_contain_those_of_the_inputs() {
        let database = Database::open(Options::default()).unwrap();
        let mut session = database.session();
        lines(&mut session, "CREATE TABLE t (id INT PRIMARY KEY)");
        lines(&mut session, "INSERT INTO t VALUES (1), (2), (3)");
        let told = lines(&mut session, "EXPLAIN ANALYZE SELECT count(*) FROM t WHERE id + 0 > 1");
        let time = |line: &str| -> (f64, f64) {
            let times = line.split("actual time=").nth(1).unwrap().split(' ').next().unwrap();
            let (startup, total) = times.split_once("..").unwrap();
            (startup.parse().unwrap(), total.parse().unwrap())
        };
        let (outer, inner) = (time(&told[0]), time(&told[2]));
        assert!(outer.0 <= outer.1 && inner.0 <= inner.1 && inner.1 <= outer.1, "{told:?}");
        assert!(told[told.len() - 2].starts_with("Planning Time: "), "{told:?}");
        assert!(told[told.len() - 1].starts_with("Execution Time: "), "{told:?}");
        let json = lines(&mut session, "EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM t");
        assert!(json[0].contains("\"Actual Total Time\": "), "{json:?}");
    }
}
