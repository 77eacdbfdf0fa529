//! What the line editor asks of the shell: completions, and the line in colours.

use std::borrow::Cow;

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};
use spg_engine::Value;
use spg_engine::session::{Rows, TransactionStatus};

use super::completion::{Words, complete};
use super::highlight;
use crate::console::Console;

/// Names that are completed at most: of a schema with more, the first.
const NAMES_MAX: usize = 20_000;

/// What there is to complete is asked of the catalog.
const NAMES: &str = "SELECT table_name, column_name FROM information_schema.columns \
     WHERE table_schema = 'public' ORDER BY 1, 2";

/// The editor's helper.
pub(super) struct ShellHelper {
    words: Words,
    has_colors: bool,
}

impl ShellHelper {
    pub(super) fn new(has_colors: bool) -> Self {
        Self { words: Words::default(), has_colors }
    }

    /// Learns the names of tables and columns anew, if they may be others than before.
    pub(super) fn look_at(&mut self, console: &mut Console) {
        // A block takes its snapshot at its first query, which shall be the user's.
        let is_idle = !console.is_lost() && console.target.status() == TransactionStatus::Idle;
        if !is_idle || !console.take_schema_changed() {
            return;
        }
        let mut rows = Rows::default();
        // Whoever is without names completes keywords all the same.
        if console.target.execute(NAMES, &mut rows).is_ok() {
            let text = |value: &Value| match value {
                Value::Text(text) => text.to_string(),
                _ => String::new(),
            };
            let names = rows.rows.iter().take(NAMES_MAX);
            self.words = Words::new(names.map(|row| (text(&row[0]), text(&row[1]))));
        }
    }
}

impl Completer for ShellHelper {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        Ok(complete(&line[..pos], &self.words))
    }
}

impl Highlighter for ShellHelper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.has_colors { highlight::highlight(line) } else { Cow::Borrowed(line) }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.has_colors && kind != CmdKind::MoveCursor
    }
}

impl Hinter for ShellHelper {
    type Hint = String;
}

impl Validator for ShellHelper {}

impl Helper for ShellHelper {}
