//! What query, shell, import and export share: a target, the format of its answers, and how it went so far.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use spg_engine::session::{Rows, TransactionStatus};

use crate::audit::{LastRows, Request};
use crate::display::{Caption, Display, has_colors};
use crate::error_display;
use crate::exit::Status;
use crate::failure::{Ended, Failure, Outcome, Written};
use crate::format::{self, Format};
use crate::interrupt::Interrupt;
use crate::messages;
use crate::meta_command;
use crate::pager::PagedOutput;
use crate::place::Place;
use crate::progress::Watched;
use crate::redirection::Redirection;
use crate::target::Target;

/// Whether statements reach the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    There,
    Lost,
}

/// What is done about a lost connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenLost {
    /// Nothing more is run.
    End,
    /// It is made anew when the next statement comes: for a user, who sees that.
    Reconnect,
}

/// Runs statements and shows their answers.
pub(crate) struct Console {
    /// Where statements run.
    pub(crate) target: Target,
    /// Ctrl-C.
    pub(crate) interrupt: Interrupt,
    /// Whether the time of each statement is told.
    pub(crate) timing: bool,
    /// Whether each commit's receipt is told.
    pub(crate) tells_receipts: bool,
    /// The last statement that was run: what `\watch` and `\e` take up.
    pub(crate) last_statement: String,
    /// Where in a script that `\i` runs the next statement begins.
    pub(crate) place: Option<Place>,
    /// Whether tables and columns may have other names than when it was last asked.
    schema_changed: bool,
    connection: Connection,
    when_lost: WhenLost,
    format: Box<dyn Format>,
    /// The file that answers are sent to, if one was named.
    redirection: Option<Redirection>,
    status: Status,
}

impl Console {
    pub(crate) fn new(target: Target, format: Box<dyn Format>) -> Self {
        let interrupt = Interrupt::default();
        let status = Status::Done;
        let (last_statement, schema_changed) = (String::new(), true);
        Self {
            target,
            interrupt,
            timing: false,
            tells_receipts: false,
            last_statement,
            place: None,
            schema_changed,
            connection: Connection::There,
            when_lost: WhenLost::End,
            format,
            redirection: None,
            status,
        }
    }

    /// A user reads the answers on a terminal: long ones go through a pager, NULL is told apart, and a lost connection
    /// is no end.
    pub(crate) fn begin_shell(&mut self) {
        self.when_lost = WhenLost::Reconnect;
        let is_terminal = io::stdout().is_terminal();
        if let Some(display) = self.format.display()
            && is_terminal
        {
            // Without colours the word alone tells it from the empty text.
            (display.null, display.dims_null) = ("NULL".to_owned(), has_colors(is_terminal));
            self.set_paged(true);
        }
    }

    /// Whether a user types the statements on a terminal.
    pub(crate) fn is_shell(&self) -> bool {
        self.when_lost == WhenLost::Reconnect
    }

    /// Whether answers go through a pager where they are longer than the terminal.
    pub(crate) fn set_paged(&mut self, is_paged: bool) {
        if let Some(display) = self.format.display() {
            display.is_paged = is_paged;
        }
        if self.redirection.is_none() {
            self.send_to_output();
        }
    }

    /// Sends answers to a file from now on; false where the format cannot change in the middle.
    pub(crate) fn send_to(&mut self, path: &Path) -> io::Result<bool> {
        let (redirection, out) = Redirection::open(path)?;
        let is_sent = self.format.redirect(out);
        if is_sent {
            self.redirection = Some(redirection);
        }
        Ok(is_sent)
    }

    /// Sends answers to standard output again; false where the format cannot change in the middle.
    pub(crate) fn send_to_output(&mut self) -> bool {
        self.redirection = None;
        let is_paged = self.format.display().is_some_and(|display| display.is_paged);
        let out: Box<dyn Write> =
            if is_paged { Box::new(PagedOutput::new()) } else { format::standard_output() };
        self.format.redirect(out)
    }

    /// Shows why the file that answers are sent to takes no more, if that is so; the next ones go to standard output.
    fn check_redirection(&mut self) -> io::Result<()> {
        let Some(failure) = self.redirection.as_ref().and_then(Redirection::failure) else {
            return Ok(());
        };
        self.send_to_output();
        self.fail(&failure, "")
    }

    /// How rows are shown, if that can be chosen.
    pub(crate) fn display(&mut self) -> Option<&mut Display> {
        self.format.display()
    }

    /// Whether tables and columns may have other names than when this was last asked.
    pub(crate) fn take_schema_changed(&mut self) -> bool {
        std::mem::take(&mut self.schema_changed)
    }

    /// Writes a line between answers that people read.
    pub(crate) fn head(&mut self, line: &str) -> io::Result<()> {
        self.format.head(line)
    }

    /// Runs a statement of the shell's own, its rows shown with what stands around them.
    pub(crate) fn captioned(&mut self, text: &str, caption: Caption) -> io::Result<()> {
        self.format.set_caption(caption);
        let result = self.ask(|target, format, _| target.execute(text, format));
        self.show(&result, "")
    }

    /// The rows that a statement of the shell's own answers.
    pub(crate) fn rows(&mut self, text: &str) -> Outcome<Rows> {
        let mut rows = Rows::default();
        self.ask(|target, _, _| target.execute(text, &mut rows))?;
        Ok(rows)
    }

    /// Runs one statement. Only an error of the output is one here: the statement's own is shown and counted.
    pub(crate) fn statement(&mut self, text: &str) -> io::Result<()> {
        self.attempt(text).map(drop)
    }

    /// The same; answers whether it went well.
    pub(crate) fn attempt(&mut self, text: &str) -> io::Result<bool> {
        let started = Instant::now();
        let mut result = self.ask(|target, format, _| target.execute(text, format));
        if let Err(failure) = &mut result
            && let Some(hint) = meta_command::hint_of(failure, text)
        {
            failure.fields.hint = Some(hint);
        }
        if text != self.last_statement {
            text.clone_into(&mut self.last_statement);
        }
        let is_redirected = self.redirection.is_some();
        self.show(&result, text)?;
        self.tell_time(started);
        self.tell_receipt();
        Ok(result.is_ok() && self.redirection.is_some() == is_redirected)
    }

    /// Tells what the last statement committed, if that is asked for: the commit's number and the audit chain's head.
    fn tell_receipt(&mut self) {
        if self.tells_receipts
            && let Some(receipt) = self.target.take_receipt()
        {
            let told = receipt.replacen(' ', ", head ", 1);
            messages::line(&format!("RECEIPT:  commit {told}"));
        }
    }

    /// Asks the database what is no SQL, and shows its answer.
    pub(crate) fn administer(&mut self, request: &Request) -> io::Result<()> {
        let result = self.ask(|target, format, _| target.administer(request, format));
        self.show(&result, "")
    }

    /// The same; of the answer's rows the last `count` are shown.
    pub(crate) fn administer_last(&mut self, request: &Request, count: usize) -> io::Result<()> {
        let result = self.ask(|target, format, _| {
            let mut last = LastRows::new(count, format);
            target.administer(request, &mut last)?;
            Ok(format!("SELECT {}", last.finish()?))
        });
        self.show(&result, "")
    }

    /// The same for what takes long and tells how far it is.
    pub(crate) fn administer_watched(
        &mut self,
        request: &Request,
        label: &'static str,
    ) -> io::Result<()> {
        let result = self
            .ask(|target, format, _| target.administer(request, &mut Watched::new(label, format)));
        self.show(&result, "")
    }

    /// Does `work` on the target, and shows its tag.
    pub(crate) fn work(
        &mut self,
        work: impl FnOnce(&mut Target, &Interrupt) -> Outcome<String>,
    ) -> io::Result<()> {
        let result = self.ask(|target, _, interrupt| work(target, interrupt));
        self.show(&result, "")
    }

    /// Does on the target what Ctrl-C can cancel; a lost connection is made anew before, where that is wanted.
    fn ask<T>(
        &mut self,
        work: impl FnOnce(&mut Target, &mut dyn Format, &Interrupt) -> Outcome<T>,
    ) -> Outcome<T> {
        self.reconnect()?;
        let (target, format) = (&mut self.target, self.format.as_mut());
        self.interrupt.during(|| work(target, format, &self.interrupt))
    }

    /// Makes a lost connection anew, and says so, where that is wanted.
    pub(crate) fn reconnect(&mut self) -> Outcome<()> {
        if self.is_lost() && self.is_shell() {
            self.target.reconnect()?;
            self.connection = Connection::There;
            messages::line(&format!("Connected again: {}", self.target.renewal()));
        }
        Ok(())
    }

    /// Shows how the writing of `what` to standard output ended, which is for that alone; only an error is an answer there.
    pub(crate) fn show_written(&mut self, what: &str, written: Written) -> io::Result<()> {
        self.format.stand_back();
        match written {
            Ok(()) => self.show_loss(),
            Err(Ended::Statement(failure)) => self.show(&Err(failure), ""),
            // Of answers somebody may have seen enough; a copy that is cut off is none.
            Err(Ended::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                messages::line(&format!("spg: the {what} was cut off: whoever read it has gone"));
                self.status = self.status.max(Status::Failed);
                Ok(())
            }
            Err(Ended::Output(error)) => Err(error),
        }
    }

    /// Tells how long something took that began at `started`, if that is asked for.
    pub(crate) fn tell_time(&self, started: Instant) {
        if self.timing {
            let milliseconds = started.elapsed().as_secs_f64() * 1_000.0;
            messages::line(&format!("Time: {milliseconds:.3} ms"));
        }
    }

    /// Shows how something ended: its tag, or the error with its place in `text`.
    pub(crate) fn show(&mut self, result: &Outcome<String>, text: &str) -> io::Result<()> {
        match result {
            Ok(tag) => {
                let kept =
                    ["SELECT", "INSERT", "UPDATE", "DELETE", "SHOW", "SET", "BEGIN", "COMMIT"];
                self.schema_changed |= !kept.iter().any(|kept| tag.starts_with(kept));
                self.format.complete(tag)?;
            }
            Err(failure) => self.fail(failure, text)?,
        }
        self.check_redirection()?;
        self.show_loss()
    }

    /// Shows what ended the connection behind the last answer, if something did.
    pub(crate) fn show_loss(&mut self) -> io::Result<()> {
        match self.target.take_loss() {
            Some(loss) => self.fail(&loss, ""),
            None => Ok(()),
        }
    }

    fn fail(&mut self, failure: &Failure, text: &str) -> io::Result<()> {
        let told = match &self.place {
            Some(place) if self.format.is_for_people() => &place.tell(failure.clone()),
            _ => failure,
        };
        // Where the output itself ended the statement, that is what is answered here.
        self.format.fail(&told.fields, text)?;
        if failure.ends_connection() {
            self.connection = Connection::Lost;
            if self.is_shell() {
                messages::line("HINT:  The next statement connects again; \\q leaves.");
            }
            // Whether it stays lost is known at the end.
            self.status = self.status.max(Status::Failed);
        } else {
            self.status = self.status.max(failure.status);
        }
        Ok(())
    }

    /// Whether nothing more can be done: the connection is lost, or Ctrl-C was pressed.
    pub(crate) fn is_over(&self) -> bool {
        self.is_lost() || self.interrupt.is_requested()
    }

    /// Whether the connection is lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.connection == Connection::Lost
    }

    /// Ends the session and the output; answers how all went. `so_far` is how the output fared.
    pub(crate) fn finish(mut self, so_far: io::Result<()>) -> io::Result<Status> {
        self.end_block();
        if self.is_lost() {
            self.status = self.status.max(Status::NoConnection);
        }
        let Self { target, mut format, mut status, .. } = self;
        let mut written = so_far;
        if let Err(failure) = target.close() {
            status = status.max(failure.status);
            match written {
                Ok(()) => written = format.fail(&failure.fields, ""),
                // Where nobody reads the output any more it is said all the same.
                Err(_) => messages::text(&error_display::render(&failure.fields, "")),
            }
        }
        match written.and_then(|()| format.finish()) {
            Ok(()) => Ok(status),
            // Whoever read the output has seen enough: that is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(status),
            Err(error) => Err(error),
        }
    }

    /// A block that is open at the end is rolled back, unless the server keeps it for the next invocation.
    fn end_block(&mut self) {
        if self.is_lost()
            || self.target.status() == TransactionStatus::Idle
            || self.target.keeps_block()
        {
            return;
        }
        // Ending the session does it anyhow; an answer means that it has been done.
        let rolled_back = self.target.command("ROLLBACK");
        messages::line("WARNING:  the transaction block was left open and has been rolled back");
        let is_lost = rolled_back.is_err_and(|failure| failure.ends_connection());
        self.status = self.status.max(if is_lost { Status::NoConnection } else { Status::Failed });
    }
}
