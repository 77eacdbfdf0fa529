//! What a line that begins with a backslash says.

use std::path::PathBuf;
use std::{env, iter};

use spg_engine::{Error, Result, SqlState};

use super::hints;
use crate::command_line::shell_commands::HELP;
use crate::describe::Listed;
use crate::display::Expansion;

/// The commands by name.
pub(crate) const COMMANDS: [&str; 21] = [
    "\\?",
    "\\conninfo",
    "\\d",
    "\\di",
    "\\ds",
    "\\dt",
    "\\dv",
    "\\e",
    "\\export",
    "\\g",
    "\\gx",
    "\\i",
    "\\import",
    "\\o",
    "\\p",
    "\\pset",
    "\\q",
    "\\r",
    "\\timing",
    "\\watch",
    "\\x",
];

/// Seconds between two runs of `\watch` where it does not say.
const WATCH_SECONDS: f64 = 2.0;

/// The longest that it may say: a day.
const WATCH_SECONDS_MAX: f64 = 86_400.0;

/// A command that was understood.
#[derive(Debug, PartialEq)]
pub(super) enum MetaCommand {
    Import {
        table: String,
        file: PathBuf,
        create: bool,
    },
    Export {
        table: String,
        file: PathBuf,
    },
    Include(PathBuf),
    /// Relations of a kind, those that a pattern matches.
    List(Listed, Option<String>),
    Describe(String),
    /// None turns it on or off again.
    Expanded(Option<Expansion>),
    Null(String),
    Pager(Option<bool>),
    Output(Option<PathBuf>),
    Edit(Option<PathBuf>),
    Run {
        is_expanded: bool,
    },
    Watch(f64),
    Print,
    ConnectionInfo,
    Timing(Option<bool>),
    Reset,
    Quit,
    Help,
}

impl MetaCommand {
    /// Whether the statement that has begun ends with it.
    pub(super) fn ends_statement(&self) -> bool {
        matches!(self, Self::Reset | Self::Run { .. } | Self::Watch(_))
    }
}

/// Reads a command.
pub(super) fn parse(line: &str) -> Result<MetaCommand> {
    let mut words = words(without_semicolons(line))?;
    let create = words.iter().position(|word| word == "--create");
    let is_import = words.first().is_some_and(|word| word == "\\import");
    if let (true, Some(place)) = (is_import, create) {
        words.remove(place);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((name, arguments)) = words.split_first() else {
        return Err(syntax_error("no command".to_owned()));
    };
    if let Some(refused) = refused_output(name, arguments) {
        return Err(refused);
    }
    match (*name, arguments) {
        ("\\import", [table, path]) => {
            let (table, create) = ((*table).to_owned(), create.is_some());
            Ok(MetaCommand::Import { table, file: file(path), create })
        }
        ("\\export", [table, path]) => {
            Ok(MetaCommand::Export { table: (*table).to_owned(), file: file(path) })
        }
        ("\\i", [path]) => Ok(MetaCommand::Include(file(path))),
        ("\\x", []) => Ok(MetaCommand::Expanded(None)),
        ("\\x", ["on"]) => Ok(MetaCommand::Expanded(Some(Expansion::On))),
        ("\\x", ["off"]) => Ok(MetaCommand::Expanded(Some(Expansion::Off))),
        ("\\x", ["auto"]) => Ok(MetaCommand::Expanded(Some(Expansion::Auto))),
        ("\\pset", ["null", text]) => Ok(MetaCommand::Null(unquoted(text))),
        ("\\pset", ["pager"]) => Ok(MetaCommand::Pager(None)),
        ("\\pset", ["pager", state @ ("on" | "off")]) => {
            Ok(MetaCommand::Pager(Some(*state == "on")))
        }
        ("\\o", []) => Ok(MetaCommand::Output(None)),
        ("\\o", [path]) => Ok(MetaCommand::Output(Some(file(path)))),
        ("\\e", []) => Ok(MetaCommand::Edit(None)),
        ("\\e", [path]) => Ok(MetaCommand::Edit(Some(file(path)))),
        ("\\g", []) => Ok(MetaCommand::Run { is_expanded: false }),
        ("\\gx", []) => Ok(MetaCommand::Run { is_expanded: true }),
        ("\\watch", []) => Ok(MetaCommand::Watch(WATCH_SECONDS)),
        ("\\watch", [seconds]) => watch(seconds),
        ("\\p", []) => Ok(MetaCommand::Print),
        ("\\conninfo", []) => Ok(MetaCommand::ConnectionInfo),
        ("\\timing", []) => Ok(MetaCommand::Timing(None)),
        ("\\timing", [state @ ("on" | "off")]) => Ok(MetaCommand::Timing(Some(*state == "on"))),
        ("\\r", []) => Ok(MetaCommand::Reset),
        ("\\q", []) => Ok(MetaCommand::Quit),
        ("\\?", []) => Ok(MetaCommand::Help),
        (name, arguments) => description(name, arguments).ok_or_else(|| refusal(name, arguments)),
    }
}

/// 0A000 for what psql writes to and this shell does not: programs, and files of one statement. A name in quotes may
/// begin with a bar.
fn refused_output(name: &str, arguments: &[&str]) -> Option<Error> {
    let is_run = matches!(name, "\\g" | "\\gx");
    let is_program = arguments.iter().any(|argument| argument.starts_with('|'));
    let what = match name {
        "\\o" | "\\export" | "\\g" | "\\gx" if is_program => "program",
        _ if is_run && !arguments.is_empty() => "file",
        _ => return None,
    };
    let message = format!("{name} writes to no {what}");
    let hint = match (name, arguments.first()) {
        ("\\export", Some(table)) => {
            format!("\\export TABLE FILE writes a file; a program reads spg export {table}.")
        }
        _ => "\\o FILE sends answers to a file, \\o alone to the output again; a program reads spg query."
            .to_owned(),
    };
    Some(Error::new(SqlState::FeatureNotSupported, message).with_hint(hint))
}

/// `\d` and its kin. A `+` or an `S` behind one asks psql for more; here everything is told.
fn description(name: &str, arguments: &[&str]) -> Option<MetaCommand> {
    let listed = match name.trim_end_matches(['+', 'S']) {
        "\\d" => Listed::All,
        "\\dt" => Listed::Tables,
        "\\di" => Listed::Indexes,
        "\\ds" => Listed::Sequences,
        "\\dv" => Listed::Views,
        _ => return None,
    };
    match arguments {
        [] => Some(MetaCommand::List(listed, None)),
        [name] if listed == Listed::All => Some(MetaCommand::Describe((*name).to_owned())),
        [pattern] => Some(MetaCommand::List(listed, Some((*pattern).to_owned()))),
        _ => None,
    }
}

fn watch(seconds: &str) -> Result<MetaCommand> {
    match seconds.parse::<f64>() {
        Ok(seconds) if (0.0..=WATCH_SECONDS_MAX).contains(&seconds) => {
            Ok(MetaCommand::Watch(seconds))
        }
        _ => Err(syntax_error(format!("\\watch takes seconds from 0 to {WATCH_SECONDS_MAX}"))),
    }
}

/// Why a command is none, and what to do instead.
fn refusal(name: &str, arguments: &[&str]) -> Error {
    let known = name.trim_end_matches(['+', 'S']);
    if !COMMANDS.contains(&known) {
        return syntax_error(format!("invalid command {name}")).with_hint(hints::of_command(known));
    }
    let option = arguments.first().filter(|_| known == "\\pset");
    let hint = option.and_then(|option| hints::of_option(option));
    syntax_error(format!("{name} does not take these arguments"))
        .with_hint(hint.map_or_else(|| usage(known), str::to_owned))
}

/// As `Write \pset null TEXT or \pset pager [on|off].`
fn usage(name: &str) -> String {
    let usages = HELP.lines().filter_map(|line| line.split("  ").next());
    let is_its = |usage: &&str| usage.split([' ', ',']).any(|word| word == name);
    format!("Write {}.", usages.filter(is_its).collect::<Vec<_>>().join(" or "))
}

pub(super) fn syntax_error(message: String) -> Error {
    Error::new(SqlState::SyntaxError, message)
}

/// A semicolon behind a command is a habit, and says nothing.
fn without_semicolons(line: &str) -> &str {
    line.trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}

/// The words of a line; quotes, which stay, keep blanks together.
fn words(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let mut quote = None;
        let end = rest.char_indices().find(|&(_, c)| {
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                _ => {}
            }
            quote.is_none() && c.is_whitespace()
        });
        if quote.is_some() {
            return Err(syntax_error("unterminated quoted string".to_owned()));
        }
        let (word, behind) = rest.split_at(end.map_or(rest.len(), |(place, _)| place));
        words.push(word.to_owned());
        rest = behind.trim_start();
    }
    Ok(words)
}

/// A file's name, which may stand in quotes of either kind; `~` is the user's home.
pub(crate) fn file(word: &str) -> PathBuf {
    let name = unquoted(word);
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    match (name.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.into(),
        (Some(rest), Some(home)) if rest.starts_with('/') => {
            PathBuf::from(home).join(rest.trim_start_matches('/'))
        }
        _ => name.into(),
    }
}

/// A text, which may stand in quotes of either kind.
fn unquoted(word: &str) -> String {
    let inner = ['"', '\''].into_iter().find_map(|quote| {
        let inner = word.strip_prefix(quote)?.strip_suffix(quote)?;
        let doubled: String = iter::repeat_n(quote, 2).collect();
        Some(inner.replace(&doubled, &quote.to_string()))
    });
    inner.unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_parsed() {
        let import = |table: &str, file: &str, create| MetaCommand::Import {
            table: table.to_owned(),
            file: file.into(),
            create,
        };
        for (line, expected) in [
            ("\\q", MetaCommand::Quit),
            ("\\q  ", MetaCommand::Quit),
            ("\\?", MetaCommand::Help),
            ("\\timing", MetaCommand::Timing(None)),
            ("\\timing off", MetaCommand::Timing(Some(false))),
            ("\\r", MetaCommand::Reset),
            ("\\conninfo", MetaCommand::ConnectionInfo),
            ("\\d", MetaCommand::List(Listed::All, None)),
            ("\\dt", MetaCommand::List(Listed::Tables, None)),
            ("\\dt+", MetaCommand::List(Listed::Tables, None)),
            ("\\dtS", MetaCommand::List(Listed::Tables, None)),
            ("\\dt;", MetaCommand::List(Listed::Tables, None)),
            ("\\dt te*", MetaCommand::List(Listed::Tables, Some("te*".to_owned()))),
            ("\\di", MetaCommand::List(Listed::Indexes, None)),
            ("\\ds", MetaCommand::List(Listed::Sequences, None)),
            ("\\d+ t ;; ", MetaCommand::Describe("t".to_owned())),
            ("\\d \"My T\"", MetaCommand::Describe("\"My T\"".to_owned())),
            ("\\x", MetaCommand::Expanded(None)),
            ("\\x on", MetaCommand::Expanded(Some(Expansion::On))),
            ("\\x auto;", MetaCommand::Expanded(Some(Expansion::Auto))),
            ("\\pset null ''", MetaCommand::Null(String::new())),
            ("\\pset null '(null)'", MetaCommand::Null("(null)".to_owned())),
            ("\\pset pager off", MetaCommand::Pager(Some(false))),
            ("\\pset pager", MetaCommand::Pager(None)),
            ("\\pset null ';'", MetaCommand::Null(";".to_owned())),
            ("\\o", MetaCommand::Output(None)),
            ("\\o a.txt", MetaCommand::Output(Some("a.txt".into()))),
            ("\\e", MetaCommand::Edit(None)),
            ("\\g", MetaCommand::Run { is_expanded: false }),
            ("\\gx ;", MetaCommand::Run { is_expanded: true }),
            ("\\p", MetaCommand::Print),
            ("\\watch", MetaCommand::Watch(2.0)),
            ("\\watch 0.5", MetaCommand::Watch(0.5)),
            ("\\i a.sql", MetaCommand::Include("a.sql".into())),
            ("\\i 'it''s here.sql'", MetaCommand::Include("it's here.sql".into())),
            ("\\import t a.csv", import("t", "a.csv", false)),
            ("\\import t  a.csv --create", import("t", "a.csv", true)),
            ("\\import --create t a.csv", import("t", "a.csv", true)),
            ("\\import \"My T\" \"a b.csv\"", import("\"My T\"", "a b.csv", false)),
            ("\\import public.\"T\" 'a b.csv'", import("public.\"T\"", "a b.csv", false)),
        ] {
            assert_eq!(parse(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_explained() {
        for (line, message, hint) in [
            ("\\nosuch t", "invalid command \\nosuch", Some("\\? lists the commands.")),
            ("\\d a b", "\\d does not take these arguments", Some("Write \\d [NAME].")),
            ("\\watch x", "\\watch takes seconds from 0 to 86400", None),
            (
                "\\pset",
                "\\pset does not take these arguments",
                Some("Write \\pset null TEXT or \\pset pager [on|off]."),
            ),
            (
                "\\pset format csv",
                "\\pset does not take these arguments",
                Some(
                    "spg --format csv, json or jsonl writes answers for programs; \\export writes a table as CSV.",
                ),
            ),
            (
                "\\copy t from 'x'",
                "invalid command \\copy",
                Some("\\import TABLE FILE loads a CSV file, \\export TABLE FILE writes one."),
            ),
            ("\\l+", "invalid command \\l+", Some(hints::of_command("\\l"))),
            (
                "\\import t",
                "\\import does not take these arguments",
                Some("Write \\import TABLE FILE [--create]."),
            ),
            ("\\i", "\\i does not take these arguments", Some("Write \\i FILE.")),
            ("\\i 'a", "unterminated quoted string", None),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.message(), message);
            assert_eq!(error.fields().hint.as_deref(), hint);
            assert_eq!(error.sqlstate(), SqlState::SyntaxError);
        }
    }
}
