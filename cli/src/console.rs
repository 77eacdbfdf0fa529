//! What query, shell, import and export share: a session, the format of its answers, and how it went so far.

use std::io;
use std::time::Instant;

use spg_engine::{Result, Session};

use crate::format::Format;
use crate::interrupt::Interrupt;
use crate::messages;

/// Runs statements and shows their answers.
pub(crate) struct Console {
    /// Where statements run.
    pub(crate) session: Session,
    /// Ctrl-C.
    pub(crate) interrupt: Interrupt,
    /// Whether the time of each statement is told.
    pub(crate) timing: bool,
    format: Box<dyn Format>,
    any_failed: bool,
}

impl Console {
    pub(crate) fn new(session: Session, format: Box<dyn Format>) -> Self {
        let interrupt = Interrupt::default();
        Self { session, interrupt, timing: false, format, any_failed: false }
    }

    /// Runs one statement. Only an error of the output is one here: the statement's own is shown and counted.
    pub(crate) fn statement(&mut self, text: &str) -> io::Result<()> {
        let started = Instant::now();
        let result = self.session.execute(text, &[], self.format.as_mut());
        let result = result.map(|tag| tag.to_string());
        self.show(&result, text)?;
        self.tell_time(started);
        Ok(())
    }

    /// Tells how long something took that began at `started`, if that is asked for.
    pub(crate) fn tell_time(&self, started: Instant) {
        if self.timing {
            let milliseconds = started.elapsed().as_secs_f64() * 1_000.0;
            messages::line(&format!("Time: {milliseconds:.3} ms"));
        }
    }

    /// Shows how something ended: its tag, or the error with its place in `text`.
    pub(crate) fn show(&mut self, result: &Result<String>, text: &str) -> io::Result<()> {
        match result {
            Ok(tag) => self.format.complete(tag),
            Err(error) => {
                // Where the output itself ended the statement, that is what is answered here.
                self.format.fail(error, text)?;
                self.any_failed = true;
                Ok(())
            }
        }
    }

    /// Ends the output; answers whether all went well. `so_far` is how the output fared.
    pub(crate) fn finish(mut self, so_far: io::Result<()>) -> io::Result<bool> {
        match so_far.and_then(|()| self.format.finish()) {
            Ok(()) => Ok(!self.any_failed),
            // Whoever read the output has seen enough: that is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(!self.any_failed),
            Err(error) => Err(error),
        }
    }
}
