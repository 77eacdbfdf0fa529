//! The shell's own commands: lines that begin with a backslash.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{io, iter};

use spg_engine::{Error, Result, SqlState};

use crate::console::Console;
use crate::import::{self, Import};
use crate::shell::{self, Flow};
use crate::{export, messages};

/// Scripts that `\i` may nest.
const INCLUDE_DEPTH_MAX: usize = 16;

/// What `\?` prints.
const HELP: &str = "\
\\import TABLE FILE [--create]   load a CSV file, plain or gzipped, into a table
\\export TABLE FILE              write a table as CSV, gzipped if FILE ends in .gz
\\i FILE                         run a script
\\conninfo                       tell where statements run, and what cancels them
\\timing                         tell the time of each statement, or stop it
\\q                              leave
\\?                              this help
";

/// A command that was understood.
#[derive(Debug, PartialEq, Eq)]
enum MetaCommand {
    Import { table: String, file: PathBuf, create: bool },
    Export { table: String, file: PathBuf },
    Include(PathBuf),
    ConnectionInfo,
    Timing,
    Quit,
    Help,
}

/// Runs the command on `line`; `depth` counts the scripts around it.
pub(crate) fn run(line: &str, console: &mut Console, depth: usize) -> io::Result<Flow> {
    let started = Instant::now();
    match parse(line) {
        Ok(MetaCommand::Import { table, file, create }) => {
            let import = Import { table: &table, file: &file, create };
            console.work(|target, interrupt| import::run(&import, target, interrupt))?;
            console.tell_time(started);
        }
        Ok(MetaCommand::Export { table, file }) => {
            console.work(|target, _| export::to_file(&table, &file, target))?;
            console.tell_time(started);
        }
        Ok(MetaCommand::Include(path)) => return include(&path, console, depth),
        Ok(MetaCommand::ConnectionInfo) => messages::line(&console.target.description()),
        Ok(MetaCommand::Timing) => {
            console.timing = !console.timing;
            let state = if console.timing { "on" } else { "off" };
            messages::line(&format!("Timing is {state}."));
        }
        Ok(MetaCommand::Quit) => return Ok(Flow::Quit),
        Ok(MetaCommand::Help) => messages::text(HELP),
        Err(error) => console.show(&Err(error.into()), "")?,
    }
    Ok(Flow::Continue)
}

fn include(path: &Path, console: &mut Console, depth: usize) -> io::Result<Flow> {
    if depth == INCLUDE_DEPTH_MAX {
        let message = format!("scripts include each other more than {INCLUDE_DEPTH_MAX} deep");
        let error = Error::new(SqlState::StatementTooComplex, message);
        return console.show(&Err(error.into()), "").map(|()| Flow::Continue);
    }
    match File::open(path) {
        Ok(file) => {
            let name = path.display().to_string();
            shell::script(&mut BufReader::new(file), &name, console, depth + 1)?;
        }
        Err(error) => console.show(&Err(import::cannot_open(path, &error).into()), "")?,
    }
    // \q in a script ends that script.
    Ok(Flow::Continue)
}

fn parse(line: &str) -> Result<MetaCommand> {
    let mut words = words(line)?;
    let create = words.iter().position(|word| word == "--create");
    let is_import = words.first().is_some_and(|word| word == "\\import");
    if let (true, Some(place)) = (is_import, create) {
        words.remove(place);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["\\import", table, file] => Ok(MetaCommand::Import {
            table: (*table).to_owned(),
            file: unquoted(file),
            create: create.is_some(),
        }),
        ["\\export", table, file] => {
            Ok(MetaCommand::Export { table: (*table).to_owned(), file: unquoted(file) })
        }
        ["\\i", file] => Ok(MetaCommand::Include(unquoted(file))),
        ["\\conninfo"] => Ok(MetaCommand::ConnectionInfo),
        ["\\timing"] => Ok(MetaCommand::Timing),
        ["\\q"] => Ok(MetaCommand::Quit),
        ["\\?"] => Ok(MetaCommand::Help),
        [
            name @ ("\\import" | "\\export" | "\\i" | "\\conninfo" | "\\timing" | "\\q" | "\\?"),
            ..,
        ] => {
            let usage = HELP.lines().find(|line| line.split(' ').next() == Some(name));
            let usage = usage.and_then(|line| line.split("   ").next()).unwrap_or_default();
            Err(syntax_error(format!("{name} does not take these arguments"))
                .with_hint(format!("Write {usage}.")))
        }
        [name, ..] => Err(syntax_error(format!("invalid command {name}"))
            .with_hint("Commands are \\import, \\export, \\i, \\conninfo, \\timing, \\q and \\?.")),
        [] => Err(syntax_error("no command".to_owned())),
    }
}

fn syntax_error(message: String) -> Error {
    Error::new(SqlState::SyntaxError, message)
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

/// A file's name, which may stand in quotes of either kind.
fn unquoted(word: &str) -> PathBuf {
    let inner = ['"', '\''].into_iter().find_map(|quote| {
        let inner = word.strip_prefix(quote)?.strip_suffix(quote)?;
        let doubled: String = iter::repeat_n(quote, 2).collect();
        Some(inner.replace(&doubled, &quote.to_string()))
    });
    PathBuf::from(inner.unwrap_or_else(|| word.to_owned()))
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
            ("\\timing", MetaCommand::Timing),
            ("\\conninfo", MetaCommand::ConnectionInfo),
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
            (
                "\\d t",
                "invalid command \\d",
                Some("Commands are \\import, \\export, \\i, \\conninfo, \\timing, \\q and \\?."),
            ),
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
