//! Runs a script up to the first error, which names its line.

use std::io::{BufRead, Read};
use std::path::Path;

use spg_engine::limits::{STATEMENT_BYTES_MAX, TEXT_BYTES_MAX};
use spg_engine::session::TransactionStatus;
use spg_engine::{Error, SqlState};

use crate::dump::long_statement::with_parameters;
use crate::failure::Outcome;
use crate::import;
use crate::interrupt::Interrupt;
use crate::place::Place;
use crate::shell::BYTE_ORDER_MARK;
use crate::statement_buffer::StatementBuffer;
use crate::target::Target;

/// Bytes of one statement: the longest text, all of it quotes, and what is around it.
const LOADED_BYTES_MAX: usize = 2 * TEXT_BYTES_MAX + STATEMENT_BYTES_MAX;

/// Runs the script in `path`, gzipped or plain, or on standard input if it is `-`; answers its tag. After an error nothing
/// further runs, and what was not committed by then is rolled back.
pub(crate) fn load(path: &Path, target: &mut Target, interrupt: &Interrupt) -> Outcome<String> {
    let result = if path == Path::new("-") {
        run(&mut std::io::stdin().lock(), "standard input", target, interrupt)
    } else {
        let mut source = import::open_source(path, "loading")?;
        run(&mut source, &path.display().to_string(), target, interrupt)
    };
    if target.status() != TransactionStatus::Idle {
        if result.is_ok() {
            let message = "the script ended within a transaction block, which is rolled back";
            target.command("ROLLBACK")?;
            return Err(Error::new(SqlState::ActiveSqlTransaction, message).into());
        }
        // What failed first says more than a connection that is lost by now.
        target.command("ROLLBACK").ok();
    }
    result.map(|count| format!("LOAD {count}"))
}

/// Answers how many statements there were.
fn run(
    input: &mut dyn BufRead,
    name: &str,
    target: &mut Target,
    interrupt: &Interrupt,
) -> Outcome<u64> {
    let mut buffer = StatementBuffer::default();
    let mut place = Place::new(name);
    let mut count = 0_u64;
    loop {
        let line = read_line(input, name)?;
        if line.is_empty() {
            break;
        }
        place.take_line(buffer.at_boundary());
        buffer.push(if place.line() == 1 {
            line.trim_start_matches(BYTE_ORDER_MARK)
        } else {
            &line
        });
        if buffer.rest_bytes() > LOADED_BYTES_MAX {
            let message = format!("statement is longer than {LOADED_BYTES_MAX} bytes");
            let error = Error::new(SqlState::ProgramLimitExceeded, message);
            return Err(place.tell(error.into()));
        }
        while let Some(statement) = buffer.next_statement() {
            interrupt.check()?;
            execute(&statement, &place, target)?;
            count += 1;
            place.end_statement();
        }
    }
    if let Some(statement) = buffer.take_rest() {
        execute(&statement, &place, target)?;
        count += 1;
    }
    Ok(count)
}

fn execute(statement: &str, place: &Place, target: &mut Target) -> Outcome<()> {
    let done = if statement.len() > STATEMENT_BYTES_MAX {
        let (text, values) = with_parameters(statement);
        target.command_with(&text, values)
    } else {
        target.command(statement)
    };
    done.map_err(|failure| {
        let mut failure = place.tell(failure);
        // It is one of the statement, which is not shown.
        failure.fields.position = None;
        failure
    })
}

fn read_line(input: &mut dyn BufRead, name: &str) -> Outcome<String> {
    let mut line = Vec::new();
    let mut limited = input.take(LOADED_BYTES_MAX as u64 + 1);
    limited.read_until(b'\n', &mut line).map_err(|error| {
        Error::new(SqlState::IoError, format!("could not read {name}: {error}"))
    })?;
    String::from_utf8(line).map_err(|_| {
        let message = "invalid byte sequence for encoding \"UTF8\"";
        Error::new(SqlState::CharacterNotInRepertoire, message).with_detail(name).into()
    })
}
