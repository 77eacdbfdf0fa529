//! The format of a golden script: statements with the answers that follow them.
//!
//! ```text
//! # a comment                      lines without an indent are the author's
//! > SELECT 1 AS one                a statement of the session without a name
//! a> UPDATE t SET x = 1            a statement of session `a`
//! | WHERE id = 2                   a further line of it
//!   UPDATE 1                       lines with an indent of two are the answer: rewritten, never written by hand
//! [plan]> SELECT * FROM t          also prints EXPLAIN's tree
//! [changes:t] a> DELETE FROM t     also prints the rows of `t` that the statement took away (-) and added (+)
//! [waits] a> UPDATE t SET x = 2    the statement has to wait for another session, and goes on waiting
//! [ends] a>                        it ends now: its answer
//! ```

use std::fmt::Write as _;

use crate::answer::Answer;

/// One line or statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A comment or an empty line, kept as it stands.
    Text(String),
    /// A statement.
    Step(Step),
}

/// A statement and what it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Lines of the script that make it, kept as they stand.
    pub source: Vec<String>,
    /// Whose it is.
    pub session: String,
    /// The statement's text.
    pub sql: String,
    /// Whether EXPLAIN is asked first.
    pub plan: bool,
    /// The table whose rows are compared before and after.
    pub changes: Option<String>,
    /// Whether the statement waits, and when it ends.
    pub wait: Wait,
    /// Lines of the answer, without their indent.
    pub answer: Vec<String>,
}

/// Where a step stands to a wait of its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Its statement does not wait.
    #[default]
    None,
    /// It begins one.
    Begins,
    /// It is the end of one.
    Ends,
}

/// Reads a script.
pub fn parse(text: &str) -> Result<Vec<Item>, String> {
    let mut items: Vec<Item> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let last = items.last_mut();
        if let Some(answer) = line.strip_prefix("  ") {
            let Some(Item::Step(step)) = last else {
                return Err(format!("line {number}: an answer without a statement"));
            };
            step.answer.push(answer.to_owned());
        } else if let Some(more) = line.strip_prefix('|') {
            let Some(Item::Step(step)) = last else {
                return Err(format!("line {number}: a further line of no statement"));
            };
            step.source.push(line.to_owned());
            step.sql.push('\n');
            step.sql.push_str(more.strip_prefix(' ').unwrap_or(more));
        } else if line.is_empty() || line.starts_with('#') {
            items.push(Item::Text(line.to_owned()));
        } else {
            items.push(Item::Step(
                parse_step(line).map_err(|what| format!("line {number}: {what}"))?,
            ));
        }
    }
    Ok(items)
}

fn parse_step(line: &str) -> Result<Step, String> {
    let (tags, rest) = match line.strip_prefix('[') {
        Some(inner) => inner.split_once(']').ok_or("a tag without ]")?,
        None => ("", line),
    };
    let (session, sql) =
        rest.split_once('>').ok_or("neither a statement, a comment nor an answer")?;
    let session = session.trim();
    if !session.chars().all(char::is_alphanumeric) {
        return Err(format!("{session:?} is no name of a session"));
    }
    let mut step = Step {
        source: vec![line.to_owned()],
        session: session.to_owned(),
        sql: sql.strip_prefix(' ').unwrap_or(sql).to_owned(),
        plan: false,
        changes: None,
        wait: Wait::None,
        answer: Vec::new(),
    };
    for tag in tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        match tag.split_once(':') {
            None if tag == "plan" => step.plan = true,
            None if tag == "waits" => step.wait = Wait::Begins,
            None if tag == "ends" => step.wait = Wait::Ends,
            Some(("changes", table)) => step.changes = Some(table.to_owned()),
            _ => return Err(format!("unknown tag {tag:?}")),
        }
    }
    Ok(step)
}

/// Writes a script: `parse(render(items)) == items`.
pub fn render(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        match item {
            Item::Text(line) => {
                text.push_str(line);
                text.push('\n');
            }
            Item::Step(step) => {
                for line in &step.source {
                    text.push_str(line);
                    text.push('\n');
                }
                for line in &step.answer {
                    writeln!(text, "  {line}").expect("a String takes everything");
                }
            }
        }
    }
    text
}

/// The lines that a step answers when `run` runs its statements.
pub fn answer_lines(step: &Step, run: &mut dyn FnMut(&str) -> Answer) -> Vec<String> {
    let mut lines = Vec::new();
    if step.plan {
        let plan = run(&format!("EXPLAIN {}", step.sql));
        let texts = plan.rows.iter().map(|row| row.iter().flatten().cloned().collect::<String>());
        lines.extend(texts.map(|text| format!("plan: {text}")));
        lines.extend(plan.failure.iter().map(|failure| format!("plan: {}", failure.message)));
    }
    let Some(table) = &step.changes else {
        lines.extend(run(&step.sql).lines());
        return lines;
    };
    let content = format!("SELECT * FROM {table}");
    let before = row_lines(&run(&content));
    lines.extend(run(&step.sql).lines());
    let after = row_lines(&run(&content));
    let gone = before.iter().filter(|row| !after.contains(row)).map(|row| format!("- {row}"));
    let new = after.iter().filter(|row| !before.contains(row)).map(|row| format!("+ {row}"));
    lines.extend(gone.chain(new));
    lines
}

/// The rows in an order of their own: a table has none.
fn row_lines(answer: &Answer) -> Vec<String> {
    let mut rows: Vec<String> = answer.rows.iter().map(|row| answer.row_line(row)).collect();
    rows.sort();
    rows
}
