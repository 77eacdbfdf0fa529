//! Every crash of a workload, several ways, and every crash of the recoveries; on all cores. A failure is made small and told.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use spg_engine::disk::simulated::SimulatedDisk;

use crate::crash::check::{Probe, check_crash};
use crate::crash::history::{Reference, record};
use crate::crash::mode::Mode;
use crate::crash::recorder::{Bounds, Capture, Recorder};
use crate::crash::workload::Action;

/// How a crash happens: the process is killed, or the power is cut with this seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// All that was written is there.
    Kill,
    /// Of what was not synced anything may be there.
    Cut(u64),
}

impl Crash {
    /// What it leaves of a disk.
    pub fn of(self, disk: &SimulatedDisk) -> SimulatedDisk {
        match self {
            Self::Kill => disk.process_kill(),
            Self::Cut(seed) => disk.power_cut(seed),
        }
    }
}

/// A crash after which something was not as it must be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The operation before which the machine stopped, and how; then the same of the recovery, and so on.
    pub crashes: Vec<(usize, Crash)>,
    /// What is wrong.
    pub message: String,
    /// What was done to the disk.
    pub log: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n  after crashes {:?}\n{}", self.message, self.crashes, self.log)
    }
}

/// How thorough a campaign is.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Power cuts at each operation, beside the kill.
    pub cuts: u64,
    /// Of so many crashes one has its recovery crashed everywhere.
    pub recovery_every: u64,
    /// Of so many crashed recoveries one has its recovery crashed everywhere.
    pub second_recovery_every: u64,
}

/// What all threads of a campaign share.
struct Campaign<'a> {
    mode: Mode,
    reference: &'a Reference,
    effort: Effort,
    points: AtomicU64,
    failure: Mutex<Option<Failure>>,
}

/// Crashes a workload everywhere, and answers how often that was.
pub fn run(mode: Mode, actions: &[Action], effort: Effort) -> Result<u64, Failure> {
    let failed = |message, log| Failure { crashes: Vec::new(), message, log };
    let reference = Reference::of(actions).map_err(|message| failed(message, String::new()))?;
    let recorder = Recorder::new(SimulatedDisk::new(), Bounds::default());
    record(mode, actions, &reference, &recorder)
        .map_err(|message| failed(message, recorder.log(usize::MAX)))?;
    let captures = recorder.stop();
    let campaign = Campaign {
        mode,
        reference: &reference,
        effort,
        points: AtomicU64::new(0),
        failure: Mutex::new(None),
    };
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(capture) = captures.get(next.fetch_add(1, Ordering::Relaxed)) {
                    campaign.crash(capture, &[], 0);
                    if campaign.failure().is_some() {
                        break;
                    }
                }
            });
        }
    });
    let failure = campaign.failure().take();
    match failure {
        None => Ok(campaign.points.load(Ordering::Relaxed)),
        Some(mut failure) => {
            failure.log =
                failure.crashes.first().map_or(String::new(), |first| recorder.log(first.0));
            Err(failure)
        }
    }
}

impl Campaign<'_> {
    fn failure(&self) -> std::sync::MutexGuard<'_, Option<Failure>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn crash(&self, capture: &Capture, before: &[(usize, Crash)], depth: u32) {
        let number = capture.number as u64;
        let every = match depth {
            0 => self.effort.recovery_every,
            1 => self.effort.second_recovery_every,
            _ => u64::MAX,
        };
        let cuts = if depth == 0 { self.effort.cuts } else { 1 };
        for way in 0..=cuts {
            let crash = if way == 0 { Crash::Kill } else { Crash::Cut(number * 31 + way) };
            let crashes = [before, &[(capture.number, crash)]].concat();
            let disk = crash.of(&capture.disk);
            let point = self.points.fetch_add(1, Ordering::Relaxed);
            let keeps_crashes = depth < 2 && (number + way).is_multiple_of(every);
            let probe = Probe { is_closed_after: point.is_multiple_of(2), keeps_crashes };
            let checked = catch_unwind(AssertUnwindSafe(|| {
                check_crash(self.mode, disk, capture.bounds, self.reference, probe)
            }));
            let checked = checked.unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                Err(format!("panic: {}", text.unwrap_or_default()))
            });
            match checked {
                Err(message) => {
                    self.failure().get_or_insert(Failure { crashes, message, log: String::new() });
                    return;
                }
                Ok(recovery) => {
                    for capture in &recovery {
                        self.crash(capture, &crashes, depth + 1);
                    }
                }
            }
        }
    }
}

/// The smallest workload found that fails, and how: pieces are left out while it still does.
pub fn shrink(
    mode: Mode,
    actions: &[Action],
    effort: Effort,
    failure: Failure,
) -> (Vec<Action>, Failure) {
    let (mut smallest, mut failure) = (actions.to_vec(), failure);
    let mut piece = smallest.len() / 2;
    let mut left = 60;
    while piece > 0 && left > 0 {
        let mut from = 0;
        while from < smallest.len() && left > 0 {
            let end = smallest.len().min(from + piece);
            let fewer = [&smallest[..from], &smallest[end..]].concat();
            left -= 1;
            match run(mode, &fewer, effort) {
                Err(smaller) => (smallest, failure) = (fewer, smaller),
                Ok(_) => from = end,
            }
        }
        piece = piece.min(smallest.len()) / 2;
    }
    (smallest, failure)
}

/// The report of a failure, with its smallest workload.
pub fn report(mode: Mode, actions: &[Action], effort: Effort, failure: Failure) -> String {
    let (smallest, failure) = shrink(mode, actions, effort, failure);
    let actions: Vec<String> = smallest.iter().map(|action| format!("  {action}")).collect();
    format!("{mode:?}:\n{}\n{failure}", actions.join("\n"))
}
