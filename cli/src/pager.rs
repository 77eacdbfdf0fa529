//! A pager for answers that are longer or wider than the terminal.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use crate::display::terminal_size;

/// What shows long answers where `PAGER` names nothing.
const PAGER_DEFAULT: &str = "less";

/// How less behaves where `LESS` says nothing: it ends by itself where all fits, shows colours, and cuts long lines.
const LESS_DEFAULT: &str = "FRSX";

/// Lines that the prompt and the line above it take.
const PROMPT_LINES: usize = 2;

/// Standard output, by way of a pager where what is written between two flushes is more than the terminal shows.
pub(crate) struct PagedOutput {
    /// What has been written since the last flush, while it may still fit.
    held: Vec<u8>,
    pager: Option<Child>,
    /// Whether the pager has been left: nobody reads the rest.
    is_left: bool,
}

impl PagedOutput {
    pub(crate) fn new() -> Self {
        Self { held: Vec::new(), pager: None, is_left: false }
    }

    /// Starts a pager and gives it what was held; without one everything is written at once.
    fn start(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        match spawn() {
            Some(pager) => self.pager = Some(pager),
            None => return write_all(&held),
        }
        self.give(&held)
    }

    /// A pager that is left early is no failure.
    fn give(&mut self, bytes: &[u8]) -> io::Result<()> {
        let input = self.pager.as_mut().and_then(|pager| pager.stdin.as_mut());
        match input.map(|input| input.write_all(bytes)) {
            Some(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_left = true;
                Ok(())
            }
            Some(written) => written,
            None => write_all(bytes),
        }
    }
}

fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// The pager of the environment; None where it is `cat` or empty, or does not start.
fn spawn() -> Option<Child> {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| PAGER_DEFAULT.to_owned());
    let mut words = pager.split_whitespace();
    let program = words.next().filter(|program| *program != "cat")?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS_DEFAULT);
    }
    command.spawn().ok()
}

/// Whether a text is shown whole on so many lines and columns.
fn fits(text: &[u8], (lines, columns): (usize, usize)) -> bool {
    let is_narrow = |line: &[u8]| line.len() <= columns || width(line) <= columns;
    // The last piece is what follows the last line end.
    let mut count = 0;
    let all_narrow = text.split(|byte| *byte == b'\n').all(|line| {
        count += 1;
        is_narrow(line)
    });
    all_narrow && count - 1 + PROMPT_LINES <= lines
}

fn width(line: &[u8]) -> usize {
    unicode_width::UnicodeWidthStr::width(String::from_utf8_lossy(line).as_ref())
}

impl Write for PagedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_left {
            return Ok(bytes.len());
        }
        if self.pager.is_some() {
            self.give(bytes)?;
            return Ok(bytes.len());
        }
        self.held.extend_from_slice(bytes);
        if terminal_size().is_some_and(|size| !fits(&self.held, size)) {
            self.start()?;
        }
        Ok(bytes.len())
    }

    /// An answer is whole: shows it, and waits until the user has seen enough of it.
    fn flush(&mut self) -> io::Result<()> {
        self.is_left = false;
        if let Some(mut pager) = self.pager.take() {
            drop(pager.stdin.take());
            pager.wait()?;
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        write_all(&held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_paged() {
        assert!(fits(b"a\nb\n", (4, 10)));
        assert!(!fits(b"a\nb\nc\n", (4, 10)));
        assert!(!fits(b"a long line\n", (4, 10)));
        assert!(fits("äöüäöüäöüä\n".as_bytes(), (4, 10)), "columns, not bytes");
    }
}
