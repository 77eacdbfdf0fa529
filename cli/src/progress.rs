//! How far a long job is: a bar on a terminal's standard error, nothing elsewhere.

use std::io::{self, IsTerminal, Read};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spg_engine::binder::bound::OutputColumn;
use spg_engine::session::{Notice, RowSink};
use spg_engine::storage::batch::Batch;

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
        Self::hidden_bar(label, bytes).shown()
    }

    /// A count of rows whose end is not known.
    pub(crate) fn rows(label: &'static str) -> Self {
        Self::hidden(label, None, "{msg} {spinner} {human_pos} rows").shown()
    }

    /// A bar over `bytes` that is not shown yet, and knows from then on how fast the work goes.
    fn hidden_bar(label: &'static str, bytes: u64) -> Self {
        let template = if bytes == 0 {
            "{msg} {spinner} {binary_bytes}, {binary_bytes_per_sec}"
        } else {
            "{msg} [{bar:30}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left"
        };
        Self::hidden(label, (bytes > 0).then_some(bytes), template)
    }

    fn hidden(label: &'static str, length: Option<u64>, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        bar.set_style(style);
        bar.set_message(label);
        Self { bar }
    }

    /// Shows it from now on, where anybody sees it.
    fn shown(self) -> Self {
        self.show();
        self
    }

    fn show(&self) {
        if is_shown() && self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
    }

    /// Moves on by `amount`.
    pub(crate) fn advance(&self, amount: u64) {
        self.bar.inc(amount);
    }

    /// Stands at `bytes` of `total`, which may be another than before.
    fn set(&self, bytes: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(bytes);
    }

    /// `input`, whose bytes move the bar as they are read.
    pub(crate) fn count<R>(self, input: R) -> Counted<R> {
        Counted { input, progress: self }
    }
}

/// Whether anybody sees how far a job is.
pub(crate) fn is_shown() -> bool {
    io::stderr().is_terminal()
}

/// Does `work`; people on a terminal see that it is being done once it has taken a while.
pub(crate) fn during<T>(label: &'static str, work: impl FnOnce() -> T) -> T {
    if !is_shown() {
        return work();
    }
    let (is_done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _shown = Progress::hidden(label, None, "{msg} {spinner} {elapsed}").shown();
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

/// An answer on its way to a sink; notices that tell how far the work is become a bar once it has taken a while.
pub(crate) struct Watched<'a> {
    label: &'static str,
    began: Instant,
    bar: Option<Progress>,
    sink: &'a mut dyn RowSink,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(label: &'static str, sink: &'a mut dyn RowSink) -> Self {
        Self { label, began: Instant::now(), bar: None, sink }
    }
}

impl RowSink for Watched<'_> {
    fn columns(&mut self, columns: &[OutputColumn]) -> spg_engine::Result<()> {
        // What follows is written where the bar is.
        self.bar = None;
        self.sink.columns(columns)
    }

    fn batch(&mut self, batch: &Batch<'_>) -> spg_engine::Result<()> {
        self.sink.batch(batch)
    }

    fn notice(&mut self, notice: &Notice) {
        match told(notice) {
            Some((bytes, total)) => {
                let begin = || Progress::hidden_bar(self.label, total);
                let bar = self.bar.get_or_insert_with(begin);
                bar.set(bytes, total);
                if self.began.elapsed() >= PATIENCE {
                    bar.show();
                }
            }
            None => self.sink.notice(notice),
        }
    }
}

/// Bytes that are done, and bytes in all, if that is what a notice tells.
fn told(notice: &Notice) -> Option<(u64, u64)> {
    let (bytes, total) = notice.message.split_once(' ').filter(|_| notice.severity == "INFO")?;
    Some((bytes.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use spg_engine::SqlState;

    use super::*;

    #[test]
    fn notices_tell_how_far_work_is() {
        let notice = |severity, message: &str| {
            Notice::new(severity, SqlState::SuccessfulCompletion, message.to_owned())
        };
        assert_eq!(told(&notice("INFO", "5 17")), Some((5, 17)));
        for (severity, message) in
            [("NOTICE", "5 17"), ("INFO", "5"), ("INFO", "a b"), ("INFO", "5 17 1")]
        {
            assert_eq!(told(&notice(severity, message)), None, "{severity} {message}");
        }
    }
}
