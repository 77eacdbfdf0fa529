//! `query`: the statements of one text, one after the other.

use std::io;

use crate::console::Console;
use crate::statement_buffer::StatementBuffer;

/// Runs all statements of `text`, also those after one that failed; after a lost connection or Ctrl-C no further one.
pub(crate) fn run(text: &str, console: &mut Console) -> io::Result<()> {
    let mut buffer = StatementBuffer::default();
    buffer.push(text);
    while let Some(statement) = buffer.next_statement() {
        console.statement(&statement)?;
        if console.is_over() {
            return Ok(());
        }
    }
    match buffer.take_rest() {
        Some(statement) => console.statement(&statement),
        None => Ok(()),
    }
}
