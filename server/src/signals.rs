//! The signals that end the daemon.

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use spg_server::Stopper;

use crate::init_scripts::Interrupted;
use crate::supervisor;

/// Signals that come this soon after the first say the same: `timeout` sends SIGTERM to the process and then to its group, and
/// a terminal's Ctrl-C may come beside a supervisor's SIGTERM.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// The first of the signals ends the server, a later one the process.
pub(crate) fn end_on_signals(stopper: Stopper, interrupted: Arc<Interrupted>) -> io::Result<()> {
    let hangup = (!is_hangup_ignored()).then_some(SIGHUP);
    let mut signals = Signals::new([SIGTERM, SIGINT].into_iter().chain(hangup))?;
    let watch = move || {
        let mut asked: Option<Instant> = None;
        for signal in signals.forever() {
            match asked {
                None => {
                    let why = if signal == SIGHUP { ": its terminal is gone (SIGHUP)" } else { "" };
                    log::info!("stopping{why}");
                    supervisor::notify("STOPPING=1");
                    asked = Some(Instant::now());
                    stopper.stop();
                    interrupted.give();
                }
                Some(asked) if asked.elapsed() < SAME_SIGNAL => {}
                Some(_) => {
                    log::warn!("ended at once");
                    std::process::exit(0);
                }
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(|_| ())
}

/// Whether the process was started by nohup, or something like it.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (SIGHUP - 1) & 1 == 1)
}
