//! `shell`: statements and commands from a script or a terminal, one after the other.

use std::io::{self, BufRead, IsTerminal, Read};

use spg_engine::limits::STATEMENT_BYTES_MAX;
use spg_engine::{Error, SqlState};

use crate::console::Console;
use crate::place::Place;
use crate::statement_buffer::StatementBuffer;
use crate::{editor, meta_command};

/// What may stand before a text that is UTF-8.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Whether to go on reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on.
    Continue,
    /// `\q`.
    Quit,
    /// Nothing more of this input is run: the connection is lost, or Ctrl-C was pressed.
    Stop,
    /// Run this text, which an editor left.
    Run(String),
}

/// Runs standard input: lines of a user if it is a terminal, else a script.
pub(crate) fn run(console: &mut Console) -> io::Result<()> {
    let input = io::stdin();
    if input.is_terminal() {
        editor::run(console, editor::history_path().as_deref())
    } else {
        script(&mut input.lock(), "standard input", console, 0)
    }
}

/// Runs a script called `name`, which goes on after an error; `depth` counts the scripts around it.
pub(crate) fn script(
    input: &mut dyn BufRead,
    name: &str,
    console: &mut Console,
    depth: usize,
) -> io::Result<()> {
    let mut buffer = StatementBuffer::default();
    let mut number = 0_u64;
    loop {
        number += 1;
        let line = match read_line(input, buffer.rest_bytes()) {
            Ok(line) => line,
            // Where the next statement begins is not known then, so nothing more of this script is run.
            Err(error) => {
                let error = error.with_detail(format!("{name}, line {number}"));
                console.place = None;
                return console.show(&Err(error.into()), "");
            }
        };
        if line.is_empty() {
            break;
        }
        // Editors of Windows begin a file with the mark.
        let line = if number == 1 { line.trim_start_matches(BYTE_ORDER_MARK) } else { &line };
        if let Some(place) = &mut console.place {
            place.take_line(buffer.at_boundary());
        }
        if matches!(self::line(line, &mut buffer, console, depth)?, Flow::Quit | Flow::Stop) {
            return Ok(());
        }
    }
    match buffer.take_rest() {
        Some(statement) => console.statement(&statement),
        None => Ok(()),
    }
}

/// Takes one line: runs the statements that become whole with it, and then the command that it ends with.
pub(crate) fn line(
    line: &str,
    buffer: &mut StatementBuffer,
    console: &mut Console,
    depth: usize,
) -> io::Result<Flow> {
    if line.starts_with('.') && buffer.at_boundary() {
        buffer.clear();
        let error = dot_command(line);
        return console.show(&Err(error.into()), "").map(|()| Flow::Continue);
    }
    let Some(start) = buffer.command_start(line) else {
        buffer.push(line);
        return run_whole(buffer, console);
    };
    let (text, command) = line.split_at(start);
    buffer.push(text);
    if run_whole(buffer, console)? == Flow::Stop {
        return Ok(Flow::Stop);
    }
    run_command(command, buffer, console, depth)
}

/// Runs the statements that are whole.
fn run_whole(buffer: &mut StatementBuffer, console: &mut Console) -> io::Result<Flow> {
    while let Some(statement) = buffer.next_statement() {
        console.statement(&statement)?;
        if let Some(place) = &mut console.place {
            place.end_statement();
        }
        if console.is_over() {
            buffer.clear();
            return Ok(Flow::Stop);
        }
    }
    Ok(Flow::Continue)
}

/// Runs a command. As in psql also behind a statement's beginning, which stays: whoever is lost there finds help and the
/// way out.
fn run_command(
    command: &str,
    buffer: &mut StatementBuffer,
    console: &mut Console,
    depth: usize,
) -> io::Result<Flow> {
    let begun = buffer.begun().map(str::to_owned);
    let command = meta_command::Given::read(command);
    let ends = begun.is_none() || command.ends_statement();
    if ends {
        buffer.clear();
    } else {
        buffer.push("\n");
    }
    let before = console.place.clone();
    if !ends {
        // It is no part of the statement.
        console.place = before.as_ref().map(Place::of_line);
    }
    let flow = meta_command::run(command, begun.as_deref(), console, depth)?;
    console.place = before;
    if ends && let Some(place) = &mut console.place {
        place.end_statement();
    }
    match flow {
        Flow::Quit => Ok(Flow::Quit),
        _ if console.is_over() => Ok(Flow::Stop),
        Flow::Run(text) => {
            buffer.clear();
            buffer.push(&text);
            run_whole(buffer, console)
        }
        flow => Ok(flow),
    }
}

/// What a user means who writes a bare word where a statement would begin; None for anything else.
pub(crate) fn word(line: &str) -> Option<Flow> {
    match line.trim().trim_end_matches(';').to_ascii_lowercase().as_str() {
        "quit" | "exit" => Some(Flow::Quit),
        "help" => {
            meta_command::help();
            Some(Flow::Continue)
        }
        _ => None,
    }
}

/// Whether a line is such a word.
pub(crate) fn is_word(line: &str) -> bool {
    let word = line.trim().trim_end_matches(';').to_ascii_lowercase();
    ["quit", "exit", "help"].contains(&word.as_str())
}

/// 42601 for one of sqlite's commands, with what it is here.
fn dot_command(line: &str) -> Error {
    let name = line.split_whitespace().next().unwrap_or_default();
    let error = Error::new(SqlState::SyntaxError, format!("invalid command {name}"));
    error.with_hint(match name {
        ".tables" => "\\dt lists the tables.",
        ".schema" | ".indexes" | ".indices" => "\\d NAME describes a table, \\di lists indexes.",
        ".quit" | ".exit" => "\\q leaves.",
        ".read" => "\\i FILE runs a script.",
        ".import" => "\\import TABLE FILE [--create] loads a CSV file.",
        ".output" | ".once" => "\\o FILE sends answers to a file.",
        ".mode" => "\\x shows a line for each value; spg --format has csv, json and jsonl.",
        _ => "Commands begin with a backslash here: \\? lists them.",
    })
}

/// The next line with its end; empty at the end of the input. `begun_bytes` of its statement came before it.
fn read_line(input: &mut dyn BufRead, begun_bytes: usize) -> spg_engine::Result<String> {
    let room = STATEMENT_BYTES_MAX.saturating_sub(begun_bytes) + 1;
    let mut line = Vec::new();
    input.take(room as u64).read_until(b'\n', &mut line).map_err(|error| {
        Error::new(SqlState::IoError, format!("could not read the script: {error}"))
    })?;
    if line.len() == room {
        let message = format!("statement is longer than {STATEMENT_BYTES_MAX} bytes");
        return Err(Error::new(SqlState::ProgramLimitExceeded, message));
    }
    String::from_utf8(line).map_err(|_| {
        let message = "invalid byte sequence for encoding \"UTF8\"";
        Error::new(SqlState::CharacterNotInRepertoire, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_text() {
        let mut input = &b"a\nb\r\nc"[..];
        let lines: Vec<String> = (0..4).map(|_| read_line(&mut input, 0).unwrap()).collect();
        assert_eq!(lines, ["a\n", "b\r\n", "c", ""]);

        let error = read_line(&mut &b"\xff\n"[..], 0).unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::CharacterNotInRepertoire);

        let error = read_line(&mut &b"abcd"[..], STATEMENT_BYTES_MAX - 3).unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::ProgramLimitExceeded);
        assert_eq!(read_line(&mut &b"abc"[..], STATEMENT_BYTES_MAX - 3).unwrap(), "abc");
    }
}
