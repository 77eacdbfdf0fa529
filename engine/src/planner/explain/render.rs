//! The tree as PostgreSQL's text, or as its JSON.

use std::fmt::Write as _;
use std::time::Duration;

use super::tree::{Actual, Node};
use crate::executor::profile::Figures;
use crate::parser::ast::ExplainOptions;

/// Times of the whole, with their names.
type Times<'t> = [(&'t str, Duration)];

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

impl Figures {
    /// Startup and total time of one run, in milliseconds, and its rows, as PostgreSQL tells them.
    fn of_one_run(&self) -> (f64, f64, u64) {
        let loops = self.loops.max(1);
        let time = |time: Duration| milliseconds(time) / loops as f64;
        (time(self.startup), time(self.total), (self.rows + loops / 2) / loops)
    }
}

/// An indented tree, a line for each operator and each of its details.
pub(super) fn text(tree: &Node, times: &Times<'_>, options: ExplainOptions) -> Vec<String> {
    let mut lines = Vec::new();
    node_text(tree, 0, options, &mut lines);
    lines.extend(times.iter().map(|(name, time)| format!("{name}: {:.3} ms", milliseconds(*time))));
    lines
}

fn node_text(node: &Node, indent: usize, options: ExplainOptions, lines: &mut Vec<String>) {
    let mut indent = indent;
    if let Some(label) = &node.label {
        // It stands between the operators of its depth and is their input's depth deeper.
        indent = 2;
        lines.push(format!("{:indent$}{label}", ""));
        indent = 4;
    }
    let arrow = if indent == 0 { "" } else { "->  " };
    let mut line = format!("{:indent$}{arrow}{}", "", title(node));
    if let Some(rows) = node.expected_rows.filter(|_| options.costs) {
        write!(line, "  (rows={rows:.0})").expect("writing to memory cannot fail");
    }
    line.push_str(&actual_text(node.actual, options));
    lines.push(line);
    let below = indent + if indent == 0 { 2 } else { 6 };
    lines.extend(node.details.iter().map(|(name, text)| format!("{:below$}{name}: {text}", "")));
    for input in &node.inputs {
        node_text(input, below, options, lines);
    }
}

/// `Index Scan using t_pkey on t alias`.
fn title(node: &Node) -> String {
    let mut title = node.kind.clone();
    for (word, name) in [(" using ", &node.index), (" on ", &node.relation), (" ", &node.alias)] {
        if let Some(name) = name {
            title.push_str(word);
            title.push_str(name);
        }
    }
    title
}

fn actual_text(actual: Actual, options: ExplainOptions) -> String {
    match actual {
        Actual::Unknown => String::new(),
        Actual::NeverRan => " (never executed)".to_owned(),
        Actual::Did(figures) => {
            let (startup, total, rows) = figures.of_one_run();
            let loops = figures.loops;
            if options.timing {
                format!(" (actual time={startup:.3}..{total:.3} rows={rows} loops={loops})")
            } else {
                format!(" (actual rows={rows} loops={loops})")
            }
        }
    }
}

/// One JSON text of several lines, indented by two.
pub(super) fn json(tree: &Node, times: &Times<'_>, options: ExplainOptions) -> String {
    let mut text = "[\n  {\n    \"Plan\": ".to_owned();
    node_json(tree, 4, options, &mut text);
    for (name, time) in times {
        write!(text, ",\n    \"{name}\": {:.3}", milliseconds(*time))
            .expect("writing to memory cannot fail");
    }
    text.push_str("\n  }\n]");
    text
}

fn node_json(node: &Node, indent: usize, options: ExplainOptions, out: &mut String) {
    let mut fields = vec![("Node Type", quoted(&node.kind))];
    let names = [
        ("Subplan Name", &node.label),
        ("Index Name", &node.index),
        ("Relation Name", &node.relation),
        ("Alias", if node.alias.is_some() { &node.alias } else { &node.relation }),
    ];
    for (name, value) in names {
        fields.extend(value.as_ref().map(|value| (name, quoted(value))));
    }
    if let Some(rows) = node.expected_rows.filter(|_| options.costs) {
        fields.push(("Plan Rows", format!("{rows:.0}")));
    }
    let figures = match node.actual {
        Actual::Unknown => None,
        Actual::NeverRan => Some(Figures::default()),
        Actual::Did(figures) => Some(figures),
    };
    if let Some(figures) = figures {
        let (startup, total, rows) = figures.of_one_run();
        if options.timing {
            fields.push(("Actual Startup Time", format!("{startup:.3}")));
            fields.push(("Actual Total Time", format!("{total:.3}")));
        }
        fields.push(("Actual Rows", rows.to_string()));
        fields.push(("Actual Loops", figures.loops.to_string()));
    }
    fields.extend(node.details.iter().map(|(name, text)| (*name, quoted(text))));
    let inner = indent + 2;
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{:inner$}\"{name}\": {value}", "")).collect();
    out.push_str("{\n");
    out.push_str(&fields.join(",\n"));
    if !node.inputs.is_empty() {
        write!(out, ",\n{:inner$}\"Plans\": [", "").expect("writing to memory cannot fail");
        for (place, input) in node.inputs.iter().enumerate() {
            let deeper = inner + 2;
            write!(out, "{}\n{:deeper$}", if place > 0 { "," } else { "" }, "")
                .expect("writing to memory cannot fail");
            node_json(input, deeper, options, out);
        }
        write!(out, "\n{:inner$}]", "").expect("writing to memory cannot fail");
    }
    write!(out, "\n{:indent$}}}", "").expect("writing to memory cannot fail");
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            other if other < ' ' => {
                write!(quoted, "\\u{:04x}", other as u32).expect("writing to memory cannot fail");
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
