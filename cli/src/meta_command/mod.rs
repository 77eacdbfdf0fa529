//! The shell's own commands, which begin with a backslash.
//!
//! [`mod@parse`] reads one, [`hints`] tells users of psql what there is here instead of a command that is not; the rest is
//! what they do.

mod edit;
mod hints;
mod parse;
mod watch;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::time::Instant;

use spg_engine::{Error, Result, SqlState};

use crate::command_line::shell_commands::HELP;
use crate::console::Console;
use crate::display::Expansion;
use crate::failure::Failure;
use crate::import::{self, Import};
use crate::meta_command::edit::edit;
use crate::meta_command::parse::{MetaCommand, parse, syntax_error};
use crate::meta_command::watch::watch;
use crate::place::Place;
use crate::printable::printable;
use crate::shell::{self, Flow};
use crate::{describe, export, messages};

pub(crate) use crate::meta_command::parse::{COMMANDS, file};

/// Scripts that `\i` may nest.
const INCLUDE_DEPTH_MAX: usize = 16;

/// A command on its line, or why it is none.
pub(crate) struct Given(Result<MetaCommand>);

impl Given {
    /// Reads a command.
    pub(crate) fn read(line: &str) -> Self {
        Self(parse(line))
    }

    /// Whether the statement that has begun ends with it.
    pub(crate) fn ends_statement(&self) -> bool {
        self.0.as_ref().is_ok_and(MetaCommand::ends_statement)
    }
}

/// Runs a command; `begun` is the statement that stands before it unfinished, and `depth` counts the scripts around it.
pub(crate) fn run(
    given: Given,
    begun: Option<&str>,
    console: &mut Console,
    depth: usize,
) -> io::Result<Flow> {
    let command = match given.0 {
        Ok(command) => command,
        Err(error) => return console.show(&Err(error.into()), "").map(|()| Flow::Continue),
    };
    let started = Instant::now();
    match command {
        MetaCommand::Import { table, file, create } => {
            let import = Import { table: &table, file: &file, create };
            console.work(|target, interrupt| import::run(&import, target, interrupt))?;
            console.tell_time(started);
        }
        MetaCommand::Export { table, file } => {
            console.work(|target, _| export::to_file(&table, &file, target))?;
            console.tell_time(started);
        }
        MetaCommand::Include(path) => include(&path, console, depth)?,
        MetaCommand::List(what, pattern) => describe::list(what, pattern.as_deref(), console)?,
        MetaCommand::Describe(name) => describe::describe(&name, console)?,
        MetaCommand::Expanded(expansion) => expanded(expansion, console),
        MetaCommand::Null(text) => set_null(&text, console),
        MetaCommand::Pager(is_on) => set_paged(is_on, console),
        MetaCommand::Output(path) => send_to(path.as_deref(), console)?,
        MetaCommand::Edit(path) => return edit(path, begun, console),
        MetaCommand::Run { is_expanded } => run_again(is_expanded, begun, console)?,
        MetaCommand::Watch(seconds) => watch(seconds, begun, console)?,
        MetaCommand::Print => {
            let text = begun.unwrap_or(&console.last_statement);
            messages::line(&printable(text));
        }
        MetaCommand::ConnectionInfo => connection_info(console),
        MetaCommand::Timing(is_on) => {
            console.timing = is_on.unwrap_or(!console.timing);
            let state = if console.timing { "on" } else { "off" };
            messages::line(&format!("Timing is {state}."));
        }
        MetaCommand::Reset => messages::line("The statement that has begun is forgotten."),
        MetaCommand::Quit => return Ok(Flow::Quit),
        MetaCommand::Help => help(),
    }
    Ok(Flow::Continue)
}

/// What to do instead of a statement that failed, if it is a command of another shell's.
pub(crate) fn hint_of(failure: &Failure, statement: &str) -> Option<String> {
    let is_unknown = ["42601", "42704"].contains(&failure.code());
    if !is_unknown || failure.fields.hint.is_some() {
        return None;
    }
    let place = failure.fields.position.and_then(|position| position.checked_sub(1));
    let found = place.and_then(|place| statement.chars().nth(place as usize));
    if found == Some('\\') && !statement.starts_with('\\') {
        return Some("Commands with a backslash are those of spg shell.".to_owned());
    }
    hints::of_statement(statement)
}

/// Prints the commands.
pub(crate) fn help() {
    messages::text(HELP.trim_start());
}

fn connection_info(console: &Console) {
    messages::line(&console.target.description());
    if console.is_lost() {
        messages::line("This connection is lost; the next statement connects again.");
    }
}

fn expanded(expansion: Option<Expansion>, console: &mut Console) {
    let Some(display) = console.display() else { return not_for_programs("\\x") };
    display.expansion = expansion.unwrap_or(match display.expansion {
        Expansion::Off => Expansion::On,
        Expansion::On | Expansion::Auto => Expansion::Off,
    });
    messages::line(match display.expansion {
        Expansion::Off => "Expanded display is off.",
        Expansion::On => "Expanded display is on.",
        Expansion::Auto => "Expanded display is used where rows are wider than the terminal.",
    });
}

fn set_null(text: &str, console: &mut Console) {
    let Some(display) = console.display() else { return not_for_programs("\\pset null") };
    // What somebody chose is to be seen as it is, but it drives no terminal.
    (display.null, display.dims_null) = (printable(text), false);
    messages::line(&format!("Null display is \"{}\".", display.null));
}

fn set_paged(is_on: Option<bool>, console: &mut Console) {
    let Some(display) = console.display() else { return not_for_programs("\\pset pager") };
    let is_on = is_on.unwrap_or(!display.is_paged);
    console.set_paged(is_on);
    messages::line(if is_on {
        "Long answers are shown in a pager."
    } else {
        "Long answers are shown as they are."
    });
}

fn not_for_programs(command: &str) {
    messages::line(&format!(
        "WARNING:  {command} is about tables, and answers are written for programs"
    ));
}

fn send_to(path: Option<&Path>, console: &mut Console) -> io::Result<()> {
    let sent = match path {
        Some(path) => console.send_to(path),
        None => Ok(console.send_to_output()),
    };
    let error = match sent {
        Ok(true) => return Ok(()),
        Ok(false) => {
            let message = "a JSON array cannot go on in another file; use --format jsonl";
            Error::new(SqlState::FeatureNotSupported, message)
        }
        Err(error) => {
            let path = path.unwrap_or(Path::new("")).display();
            Error::new(SqlState::IoError, format!("could not open \"{path}\": {error}"))
        }
    };
    console.show(&Err(error.into()), "")
}

/// The statement begun or else the last one, for `command`; None where there is neither, which is shown.
fn at_hand(
    begun: Option<&str>,
    command: &str,
    console: &mut Console,
) -> io::Result<Option<String>> {
    let statement = begun.unwrap_or(&console.last_statement).to_owned();
    if statement.is_empty() {
        let message = format!("{command} runs the last statement again, and none has been run");
        console.show(&Err(syntax_error(message).into()), "")?;
        return Ok(None);
    }
    Ok(Some(statement))
}

/// Runs the statement begun, or the last one, `is_expanded` with a line for each value.
fn run_again(is_expanded: bool, begun: Option<&str>, console: &mut Console) -> io::Result<()> {
    let command = if is_expanded { "\\gx" } else { "\\g" };
    let Some(statement) = at_hand(begun, command, console)? else { return Ok(()) };
    if !is_expanded {
        return console.statement(&statement);
    }
    let expand = |expansion: Expansion, console: &mut Console| {
        console.display().map(|display| std::mem::replace(&mut display.expansion, expansion))
    };
    let before = expand(Expansion::On, console);
    let ran = console.statement(&statement);
    if let Some(before) = before {
        expand(before, console);
    }
    ran
}

/// Runs a script; `\q` in it ends that script only.
fn include(path: &Path, console: &mut Console, depth: usize) -> io::Result<()> {
    if depth == INCLUDE_DEPTH_MAX {
        let message = format!("scripts include each other more than {INCLUDE_DEPTH_MAX} deep");
        let error = Error::new(SqlState::StatementTooComplex, message);
        return console.show(&Err(error.into()), "");
    }
    match File::open(path) {
        Ok(file) => {
            // A script ends where the connection is lost, so it does not begin there.
            if let Err(failure) = console.reconnect() {
                return console.show(&Err(failure), "");
            }
            let name = path.display().to_string();
            let around = console.place.replace(Place::new(&name));
            let run = shell::script(&mut BufReader::new(file), &name, console, depth + 1);
            console.place = around;
            run
        }
        Err(error) => console.show(&Err(import::cannot_open(path, &error).into()), ""),
    }
}
