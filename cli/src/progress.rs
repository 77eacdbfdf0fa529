//! How far a long job is: a bar on a terminal's standard error, nothing elsewhere.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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
