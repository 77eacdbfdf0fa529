//! How answers are shown to people: what `\x`, `\pset` and the terminal decide.

/// What can be chosen about the display of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Display {
    /// `\x`: a line for each value instead of one for each row.
    pub(crate) is_expanded: bool,
    /// What stands for NULL.
    pub(crate) null: String,
    /// Whether NULL is shown dim, so that it is no text that reads the same.
    pub(crate) dims_null: bool,
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
