//! The shell's own commands: lines that begin with a backslash.

use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{io, iter};

use spg_engine::{Error, Result, SqlState};

use crate::console::Console;
use crate::describe::{self, Listed};
use crate::import::{self, Import};
use crate::pager::PagedOutput;
use crate::shell::{self, Flow};
use crate::{export, messages};

/// Scripts that `\i` may nest.
const INCLUDE_DEPTH_MAX: usize = 16;

/// What `\?` prints.
const HELP: &str = "\
\\d [NAME]                        describe a table, an index, a sequence or a view, or list them
\\dt, \\di                        list tables with their sizes, indexes with theirs
\\x [on|off]                      show a line for each value, or a line for each row again
\\pset null TEXT                  show TEXT where a value is NULL
\\pset pager {on|off}             show long answers in a pager, or do not
\\timing [on|off]                 tell the time of each statement, or stop it
\\watch [SECONDS]                 repeat the statement begun, or the last, every 2 seconds, until Ctrl-C
\\e [FILE]                        edit the statement begun, or the last, or a file, and run it
\\i FILE                          run a script
\\o [FILE]                        send answers to a file, or to standard output again
\\import TABLE FILE [--create]    load a CSV file, plain or gzipped, into a table
\\export TABLE FILE               write a table as CSV, gzipped if FILE ends in .gz
\\conninfo                        tell where statements run, and what cancels them
\\r                               forget the statement that has begun
\\q                               leave
\\?                               this help
";

/// The commands by name.
pub(crate) const COMMANDS: [&str; 16] = [
    "\\?",
    "\\conninfo",
    "\\d",
    "\\di",
    "\\dt",
    "\\e",
    "\\export",
    "\\i",
    "\\import",
    "\\o",
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

/// How long a wait goes on before Ctrl-C is looked at.
const WATCH_STEP: Duration = Duration::from_millis(20);

/// A command that was understood.
#[derive(Debug, PartialEq)]
enum MetaCommand {
    Import { table: String, file: PathBuf, create: bool },
    Export { table: String, file: PathBuf },
    Include(PathBuf),
    List(Listed),
    Describe(String),
    Expanded(Option<bool>),
    Null(String),
    Pager(bool),
    Output(Option<PathBuf>),
    Edit(Option<PathBuf>),
    Watch(f64),
    ConnectionInfo,
    Timing(Option<bool>),
    Reset,
    Quit,
    Help,
}

/// Runs the command on `line`; `begun` is the statement that stands before it unfinished, and `depth` counts the scripts
/// around it.
pub(crate) fn run(
    line: &str,
    begun: Option<&str>,
    console: &mut Console,
    depth: usize,
) -> io::Result<Flow> {
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
        Ok(MetaCommand::List(what)) => describe::list(what, console)?,
        Ok(MetaCommand::Describe(name)) => describe::describe(&name, console)?,
        Ok(MetaCommand::Expanded(is_on)) => expanded(is_on, console),
        Ok(MetaCommand::Null(text)) => set_null(text, console),
        Ok(MetaCommand::Pager(is_on)) => console.set_paged(is_on),
        Ok(MetaCommand::Output(path)) => send_to(path.as_deref(), console)?,
        Ok(MetaCommand::Edit(path)) => return edit(path, begun, console),
        Ok(MetaCommand::Watch(seconds)) => watch(seconds, begun, console)?,
        Ok(MetaCommand::ConnectionInfo) => connection_info(console),
        Ok(MetaCommand::Timing(is_on)) => {
            console.timing = is_on.unwrap_or(!console.timing);
            let state = if console.timing { "on" } else { "off" };
            messages::line(&format!("Timing is {state}."));
        }
        Ok(MetaCommand::Reset) => messages::line("The statement that has begun is forgotten."),
        Ok(MetaCommand::Quit) => return Ok(Flow::Quit),
        Ok(MetaCommand::Help) => help(),
        Err(error) => console.show(&Err(error.into()), "")?,
    }
    Ok(Flow::Continue)
}

/// Prints the commands.
pub(crate) fn help() {
    messages::text(HELP);
}

fn connection_info(console: &Console) {
    messages::line(&console.target.description());
    if console.is_lost() {
        messages::line("This connection is lost; the next statement connects again.");
    }
}

fn expanded(is_on: Option<bool>, console: &mut Console) {
    let Some(display) = console.display() else { return not_for_programs("\\x") };
    display.is_expanded = is_on.unwrap_or(!display.is_expanded);
    let state = if display.is_expanded { "on" } else { "off" };
    messages::line(&format!("Expanded display is {state}."));
}

fn set_null(text: String, console: &mut Console) {
    let Some(display) = console.display() else { return not_for_programs("\\pset null") };
    // What somebody chose is to be seen as it is.
    display.dims_null = false;
    messages::line(&format!("Null display is \"{text}\"."));
    display.null = text;
}

fn not_for_programs(command: &str) {
    messages::line(&format!(
        "WARNING:  {command} is about tables, and answers are written for programs"
    ));
}

fn send_to(path: Option<&Path>, console: &mut Console) -> io::Result<()> {
    let out: Box<dyn Write> = match path {
        None if io::stdout().is_terminal() => Box::new(PagedOutput::new()),
        None => crate::format::standard_output(),
        Some(path) => match File::create(path) {
            Ok(file) => Box::new(BufWriter::new(file)),
            Err(error) => {
                let message = format!("could not open \"{}\": {error}", path.display());
                return console.show(&Err(Error::new(SqlState::IoError, message).into()), "");
            }
        },
    };
    if !console.redirect(out) {
        let message = "a JSON array cannot go on in another file; use --format jsonl";
        return console.show(&Err(Error::new(SqlState::FeatureNotSupported, message).into()), "");
    }
    Ok(())
}

/// Has the user edit a text, which is then run.
fn edit(path: Option<PathBuf>, begun: Option<&str>, console: &mut Console) -> io::Result<Flow> {
    let text = match (begun, console.last_statement.as_str()) {
        (Some(begun), _) => begun.to_owned(),
        (None, "") => String::new(),
        (None, last) => format!("{last};\n"),
    };
    match edited(path, &text) {
        Ok(text) => Ok(Flow::Run(text)),
        Err(error) => {
            let message = format!("could not edit: {error}");
            console.show(&Err(Error::new(SqlState::IoError, message).into()), "")?;
            Ok(Flow::Continue)
        }
    }
}

/// What an editor leaves of the file, or of `text`.
fn edited(path: Option<PathBuf>, text: &str) -> io::Result<String> {
    // Readable by its owner only, and gone afterwards.
    let temporary = tempfile::Builder::new().suffix(".sql").tempfile()?;
    let path = if let Some(path) = path {
        path
    } else {
        std::fs::write(temporary.path(), text)?;
        temporary.path().to_owned()
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let editor =
        variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = std::process::Command::new(program).args(words).arg(&path).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{editor} ended with {status}")));
    }
    std::fs::read_to_string(&path)
}

/// Runs the statement begun, or the last one, again and again.
fn watch(seconds: f64, begun: Option<&str>, console: &mut Console) -> io::Result<()> {
    let statement = begun.unwrap_or(&console.last_statement).to_owned();
    if statement.is_empty() {
        let error = syntax_error("\\watch repeats a statement, and none has been run".to_owned());
        return console.show(&Err(error.into()), "");
    }
    let pause = Duration::from_secs_f64(seconds);
    loop {
        let started = Instant::now();
        console.statement(&statement)?;
        while started.elapsed() < pause && !console.is_over() {
            let left = pause.saturating_sub(started.elapsed());
            console.interrupt.during(|| std::thread::sleep(left.min(WATCH_STEP)));
        }
        if console.is_over() {
            // Ctrl-C ends this, and nothing else.
            console.interrupt.reset();
            return Ok(());
        }
    }
}

fn include(path: &Path, console: &mut Console, depth: usize) -> io::Result<Flow> {
    if depth == INCLUDE_DEPTH_MAX {
        let message = format!("scripts include each other more than {INCLUDE_DEPTH_MAX} deep");
        let error = Error::new(SqlState::StatementTooComplex, message);
        return console.show(&Err(error.into()), "").map(|()| Flow::Continue);
    }
    match File::open(path) {
        Ok(file) => {
            // A script ends where the connection is lost, so it does not begin there.
            if let Err(failure) = console.reconnect() {
                return console.show(&Err(failure), "").map(|()| Flow::Continue);
            }
            let name = path.display().to_string();
            shell::script(&mut BufReader::new(file), &name, console, depth + 1)?;
        }
        Err(error) => console.show(&Err(import::cannot_open(path, &error).into()), "")?,
    }
    // \q in a script ends that script.
    Ok(Flow::Continue)
}

/// Whether the statement that has begun ends with it.
pub(crate) fn ends_statement(line: &str) -> bool {
    matches!(parse(line), Ok(MetaCommand::Reset | MetaCommand::Watch(_)))
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
        ["\\d"] => Ok(MetaCommand::List(Listed::All)),
        ["\\dt"] => Ok(MetaCommand::List(Listed::Tables)),
        ["\\di"] => Ok(MetaCommand::List(Listed::Indexes)),
        ["\\d", name] => Ok(MetaCommand::Describe((*name).to_owned())),
        ["\\x"] => Ok(MetaCommand::Expanded(None)),
        ["\\x", state @ ("on" | "off")] => Ok(MetaCommand::Expanded(Some(*state == "on"))),
        ["\\pset", "null", text] => Ok(MetaCommand::Null(plain(text))),
        ["\\pset", "pager", state @ ("on" | "off")] => Ok(MetaCommand::Pager(*state == "on")),
        ["\\o"] => Ok(MetaCommand::Output(None)),
        ["\\o", file] => Ok(MetaCommand::Output(Some(unquoted(file)))),
        ["\\e"] => Ok(MetaCommand::Edit(None)),
        ["\\e", file] => Ok(MetaCommand::Edit(Some(unquoted(file)))),
        ["\\watch"] => Ok(MetaCommand::Watch(WATCH_SECONDS)),
        ["\\watch", seconds] => match seconds.parse::<f64>() {
            Ok(seconds) if (0.0..=WATCH_SECONDS_MAX).contains(&seconds) => {
                Ok(MetaCommand::Watch(seconds))
            }
            _ => Err(syntax_error(format!("\\watch takes seconds from 0 to {WATCH_SECONDS_MAX}"))),
        },
        ["\\conninfo"] => Ok(MetaCommand::ConnectionInfo),
        ["\\timing"] => Ok(MetaCommand::Timing(None)),
        ["\\timing", state @ ("on" | "off")] => Ok(MetaCommand::Timing(Some(*state == "on"))),
        ["\\r"] => Ok(MetaCommand::Reset),
        ["\\q"] => Ok(MetaCommand::Quit),
        ["\\?"] => Ok(MetaCommand::Help),
        [name, ..] if COMMANDS.contains(name) => {
            let is_its = |line: &&str| line.split([' ', ',']).any(|word| word == *name);
            let usage = HELP.lines().find(is_its);
            let usage = usage.and_then(|line| line.split("  ").next()).unwrap_or_default();
            Err(syntax_error(format!("{name} does not take these arguments"))
                .with_hint(format!("Write {usage}.")))
        }
        [name, ..] => {
            Err(syntax_error(format!("invalid command {name}"))
                .with_hint("\\? lists the commands."))
        }
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

/// A text, which may stand in quotes.
fn plain(word: &str) -> String {
    unquoted(word).to_string_lossy().into_owned()
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
            ("\\d", MetaCommand::List(Listed::All)),
            ("\\dt", MetaCommand::List(Listed::Tables)),
            ("\\di", MetaCommand::List(Listed::Indexes)),
            ("\\d \"My T\"", MetaCommand::Describe("\"My T\"".to_owned())),
            ("\\x", MetaCommand::Expanded(None)),
            ("\\x on", MetaCommand::Expanded(Some(true))),
            ("\\pset null ''", MetaCommand::Null(String::new())),
            ("\\pset null '(null)'", MetaCommand::Null("(null)".to_owned())),
            ("\\pset pager off", MetaCommand::Pager(false)),
            ("\\o", MetaCommand::Output(None)),
            ("\\o a.txt", MetaCommand::Output(Some("a.txt".into()))),
            ("\\e", MetaCommand::Edit(None)),
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
            ("\\pset", "\\pset does not take these arguments", Some("Write \\pset null TEXT.")),
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
