//! How answers are shown to people: what `\x`, `\pset` and the terminal decide.

use std::io;

/// What can be chosen about the display of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Display {
    /// `\x`.
    pub(crate) expansion: Expansion,
    /// What stands for NULL.
    pub(crate) null: String,
    /// Whether long answers go through a pager.
    pub(crate) is_paged: bool,
    /// Whether NULL is shown dim, so that it is no text that reads the same.
    pub(crate) dims_null: bool,
}

/// Whether there is a line for each value instead of one for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Expansion {
    /// No.
    #[default]
    Off,
    /// Yes.
    On,
    /// Where rows are wider than the terminal.
    Auto,
}

/// What stands around the rows of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caption {
    /// Above them.
    pub(crate) title: String,
    /// Lines below them, in place of their number.
    pub(crate) footer: Vec<String>,
}

/// Whether colours may be shown: on a terminal that has them, unless `NO_COLOR` says otherwise (no-color.org).
pub(crate) fn has_colors(is_terminal: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    is_terminal && !is_set("NO_COLOR") && !is_dumb
}

/// Lines and columns of the terminal that standard output is.
pub(crate) fn terminal_size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_row > 0).then_some((size.ws_row.into(), size.ws_col.into()))
}
