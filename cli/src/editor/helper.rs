//! What the line editor asks of the shell: completions, and the line in colours.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::{Duration, Instant};

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};
use spg_engine::session::TransactionStatus;

use super::completion::complete;
use super::highlight;
use super::words::Words;
use crate::console::Console;

/// How long names are good for: others make tables too.
const NAMES_AGE_MAX: Duration = Duration::from_secs(3);

/// The editor's helper.
pub(super) struct ShellHelper<'c> {
    /// Whom to ask for names; nobody else does while the editor reads a line.
    console: &'c RefCell<&'c mut Console>,
    names: RefCell<Names>,
    /// The lines of the statement that has begun.
    pub(super) begun: String,
    has_colors: bool,
}

/// Names, and when they were learned.
#[derive(Default)]
struct Names {
    words: Words,
    learned: Option<Instant>,
}

impl<'c> ShellHelper<'c> {
    pub(super) fn new(console: &'c RefCell<&'c mut Console>, has_colors: bool) -> Self {
        let names = RefCell::default();
        Self { console, names, begun: String::new(), has_colors }
    }

    /// Learns the names anew if a statement may have changed them, or if what is known is older than `age_max`.
    pub(super) fn learn(&self, age_max: Duration) {
        let (Ok(mut console), Ok(mut names)) =
            (self.console.try_borrow_mut(), self.names.try_borrow_mut())
        else {
            return;
        };
        // A block takes its snapshot at its first query, which shall be the user's.
        if console.is_lost() || console.target.status() != TransactionStatus::Idle {
            return;
        }
        let is_fresh = names.learned.is_some_and(|learned| learned.elapsed() < age_max);
        if !console.take_schema_changed() && is_fresh {
            return;
        }
        // Whoever is without names completes keywords all the same.
        if let Ok(words) = Words::ask(&mut console) {
            *names = Names { words, learned: Some(Instant::now()) };
        }
    }
}

impl Completer for ShellHelper<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        self.learn(NAMES_AGE_MAX);
        Ok(complete(&self.begun, &line[..pos], &self.names.borrow().words))
    }
}

impl Highlighter for ShellHelper<'_> {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.has_colors { highlight::highlight(line) } else { Cow::Borrowed(line) }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.has_colors && kind != CmdKind::MoveCursor
    }
}

impl Hinter for ShellHelper<'_> {
    type Hint = String;
}

impl Validator for ShellHelper<'_> {}

impl Helper for ShellHelper<'_> {}
