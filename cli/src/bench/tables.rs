//! The tables that workloads run on: made and filled before, dropped afterwards whatever happened.

use spg_engine::limits::BATCH_ROWS_MAX;
use spg_engine::storage::column::Column;
use spg_wire::ValueRef;
use spg_wire::value::Floats;

use crate::bench::place::Place;
use crate::bench::random::Random;
use crate::bench::workload::DIMENSIONS;
use crate::command_line::Workload;
use crate::failure::Outcome;
use crate::interrupt::Interrupt;
use crate::messages;
use crate::progress::Progress;
use crate::table_name::TableName;
use crate::target::{Local, Remote, Target, engine_value};

/// Accounts of a branch, as in pgbench.
pub(super) const ACCOUNTS_OF_A_BRANCH: u64 = 100_000;

/// Tellers of a branch, as in pgbench.
pub(super) const TELLERS_OF_A_BRANCH: u64 = 10;

/// What makes an account as long as pgbench's: 84 characters.
pub(super) const FILLER: &str =
    "------------------------------------------------------------------------------------";

/// Rows between two looks at the progress.
const PROGRESS_ROWS: u64 = BATCH_ROWS_MAX as u64;

/// PostgreSQL's `duplicate_table`.
const DUPLICATE_TABLE: &str = "42P07";

/// The tables of a run, which nobody else's have the names of.
#[derive(Debug)]
pub(super) struct Tables {
    place: Place,
    prefix: String,
    workload: Workload,
    /// Rows of the largest.
    pub(super) rows: u64,
    /// Names of those that are there.
    made: Vec<String>,
}

/// Shows the values of the row with a number.
type Row = fn(u64, &mut Vec<f32>, &mut dyn FnMut(&[ValueRef<'_>]));

/// A table: its name, its columns, its rows and what each has.
struct Table {
    name: &'static str,
    columns: &'static str,
    rows: u64,
    row: Row,
}

impl Tables {
    /// The tables of a session, which gives them their names.
    pub(super) fn new(workload: Workload, rows: u64, target: &Target, place: &Place) -> Self {
        let prefix = format!("spg_bench_{}_", target.session_id());
        Self { place: place.clone(), prefix, workload, rows, made: Vec::new() }
    }

    /// The name of a table.
    pub(super) fn name(&self, table: &str) -> String {
        format!("{}{table}", self.prefix)
    }

    /// Makes and fills them; 57014 once the user asks for an end.
    pub(super) fn make(&mut self, target: &mut Target, interrupt: &Interrupt) -> Outcome<()> {
        let progress = Progress::rows("filling");
        for table in self.list() {
            let name = self.name(table.name);
            create(&name, table.columns, target)?;
            self.made.push(name.clone());
            let name = TableName::parse(&name)?;
            match target {
                Target::Local(local) => table.fill_here(&name, local, interrupt, &progress)?,
                Target::Remote(remote) => table.fill_there(&name, remote, interrupt, &progress)?,
            }
        }
        Ok(())
    }

    /// Drops them in a session of its own: that of the load may be lost, or in the middle of something.
    fn drop_all(&self) -> Outcome<()> {
        let mut target = self.place.target()?;
        for name in &self.made {
            target.command(&format!("DROP TABLE {name}"))?;
        }
        self.place.leave(target)
    }

    fn list(&self) -> Vec<Table> {
        let rows = self.rows;
        let branches = rows.div_ceil(ACCOUNTS_OF_A_BRANCH);
        let of_branch = "id INT PRIMARY KEY, balance INT NOT NULL";
        let accounts = Table {
            name: "accounts",
            columns: "id INT PRIMARY KEY, branch INT NOT NULL, balance INT NOT NULL, filler TEXT NOT NULL",
            rows,
            row: account,
        };
        match self.workload {
            Workload::PointRead | Workload::RangeRead | Workload::Update | Workload::Mixed => {
                vec![accounts]
            }
            Workload::Insert => vec![Table {
                name: "events",
                columns: "id BIGINT PRIMARY KEY, value INT NOT NULL, filler TEXT NOT NULL",
                rows,
                row: event,
            }],
            Workload::Knn => vec![Table {
                name: "vectors",
                columns: "id INT PRIMARY KEY, v VECTOR(128) NOT NULL",
                rows,
                row: vector,
            }],
            Workload::TpcbLike => vec![
                accounts,
                Table { name: "branches", columns: of_branch, rows: branches, row: balance },
                Table {
                    name: "tellers",
                    columns: of_branch,
                    rows: branches * TELLERS_OF_A_BRANCH,
                    row: balance,
                },
                Table {
                    name: "history",
                    columns: "teller INT, branch INT, account INT, delta INT",
                    rows: 0,
                    row: history,
                },
            ],
            Workload::RawSync => Vec::new(),
        }
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        if !self.made.is_empty()
            && let Err(failure) = self.drop_all()
        {
            let message = &failure.fields.message;
            messages::line(&format!("WARNING:  could not drop tables {}*: {message}", self.prefix));
        }
    }
}

impl Table {
    fn fill_here(
        &self,
        name: &TableName,
        local: &mut Local,
        interrupt: &Interrupt,
        progress: &Progress,
    ) -> Outcome<()> {
        let types = local.types(name)?;
        let (mut numbers, mut aligned) = (Vec::new(), Vec::new());
        let mut next = 0;
        let batches = &mut || {
            interrupt.check()?;
            let end = self.rows.min(next + PROGRESS_ROWS);
            let mut columns: Vec<Column> = types
                .iter()
                .map(|&data_type| Column::with_capacity(data_type, (end - next) as usize))
                .collect();
            for id in next..end {
                (self.row)(id, &mut numbers, &mut |values| {
                    for (column, value) in columns.iter_mut().zip(values) {
                        column.push(engine_value(*value, &mut aligned));
                    }
                });
            }
            progress.advance(end - next);
            let is_any = next < end;
            next = end;
            Ok(is_any.then_some(columns))
        };
        local.load(name, &[], batches).map(drop)
    }

    fn fill_there(
        &self,
        name: &TableName,
        remote: &mut Remote,
        interrupt: &Interrupt,
        progress: &Progress,
    ) -> Outcome<()> {
        let mut loading = remote.load(name, &[])?;
        let mut numbers = Vec::new();
        for id in 0..self.rows {
            loading.row(|row| {
                (self.row)(id, &mut numbers, &mut |values| {
                    for value in values {
                        row.push(*value);
                    }
                });
                Ok(())
            })?;
            if id % PROGRESS_ROWS == 0 {
                interrupt.check()?;
                progress.advance(PROGRESS_ROWS);
            }
        }
        loading.finish().map(drop)
    }
}

/// Makes a table. One that is there was left by a run that was killed: no session that lives has its number.
fn create(name: &str, columns: &str, target: &mut Target) -> Outcome<()> {
    let text = format!("CREATE TABLE {name} ({columns})");
    match target.command(&text) {
        Err(failure) if failure.code() == DUPLICATE_TABLE => {
            target.command(&format!("DROP TABLE {name}"))?;
            target.command(&text)
        }
        created => created,
    }
}

fn account(id: u64, _: &mut Vec<f32>, show: &mut dyn FnMut(&[ValueRef<'_>])) {
    let branch = ValueRef::Int4((id / ACCOUNTS_OF_A_BRANCH) as i32);
    show(&[ValueRef::Int4(id as i32), branch, ValueRef::Int4(0), ValueRef::Text(FILLER)]);
}

fn balance(id: u64, _: &mut Vec<f32>, show: &mut dyn FnMut(&[ValueRef<'_>])) {
    show(&[ValueRef::Int4(id as i32), ValueRef::Int4(0)]);
}

fn history(_: u64, _: &mut Vec<f32>, show: &mut dyn FnMut(&[ValueRef<'_>])) {
    show(&[ValueRef::Int4(0); 4]);
}

fn event(id: u64, _: &mut Vec<f32>, show: &mut dyn FnMut(&[ValueRef<'_>])) {
    show(&[ValueRef::Int8(id as i64), ValueRef::Int4(0), ValueRef::Text(FILLER)]);
}

fn vector(id: u64, numbers: &mut Vec<f32>, show: &mut dyn FnMut(&[ValueRef<'_>])) {
    let mut random = Random::new(id);
    numbers.clear();
    numbers.extend((0..DIMENSIONS).map(|_| random.float()));
    show(&[ValueRef::Int4(id as i32), ValueRef::Vector(Floats::Numbers(numbers))]);
}
