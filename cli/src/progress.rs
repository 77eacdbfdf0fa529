//! How far a long job is: a bar on a terminal's standard error, nothing elsewhere.

use std::io::{self, IsTerminal, Read};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long nothing is shown of a job whose end cannot be seen.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar, removed from the screen when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar over `bytes`; 0 is unknown.
    pub(crate) fn start(label: &'static str, bytes: u64) -> Self {
        let template = if bytes == 0 {
            "{msg} {spinner} {binary_bytes}"
        } else {
            "{msg} [{bar:30}] {binary_bytes} of {binary_total_bytes}, {eta} left"
        };
        Self::new(label, (bytes > 0).then_some(bytes), template)
    }

    /// A count of rows whose end is not known.
    pub(crate) fn rows(label: &'static str) -> Self {
        Self::new(label, None, "{msg} {spinner} {human_pos} rows")
    }

    fn new(label: &'static str, length: Option<u64>, template: &str) -> Self {
        if !io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        bar.set_style(style);
        bar.set_message(label);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Moves on by `amount`.
    pub(crate) fn advance(&self, amount: u64) {
        self.bar.inc(amount);
    }

    /// `input`, whose bytes move the bar as they are read.
    pub(crate) fn count<R>(self, input: R) -> Counted<R> {
        Counted { input, progress: self }
    }
}

/// Does `work`; people on a terminal see that it is being done once it has taken a while.
pub(crate) fn during<T>(label: &'static str, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    let (is_done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _shown = Progress::new(label, None, "{msg} {spinner} {elapsed}");
                // Ends with an error when the other end is dropped.
                let _ = waiting.recv();
            }
        });
        let answer = work();
        drop(is_done);
        answer
    })
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// An input that moves a bar.
#[derive(Debug)]
pub(crate) struct Counted<R> {
    input: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.progress.advance(length as u64);
        Ok(length)
    }
}
