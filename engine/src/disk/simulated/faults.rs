//! Which operation of a simulated disk fails and how, and the log of the last ones.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

use super::random::Chances;

/// Operations that the log keeps.
const LOGGED_MAX: usize = 64;

/// How an operation fails. A sync that fails, in whatever way, has lost what it should have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// ENOSPC.
    StorageFull,
    /// EDQUOT.
    QuotaExceeded,
    /// EFBIG.
    FileTooLarge,
    /// EIO.
    InputOutput,
    /// Half of the bytes are written, then ENOSPC. Other operations than writes fail with ENOSPC.
    ShortWrite,
}

impl Fault {
    pub(super) fn error(self) -> io::Error {
        let number = match self {
            Self::StorageFull | Self::ShortWrite => Errno::NOSPC,
            Self::QuotaExceeded => Errno::DQUOT,
            Self::FileTooLarge => Errno::FBIG,
            Self::InputOutput => Errno::IO,
        };
        number.into()
    }
}

/// What is asked of the disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Open,
    Create,
    Rename,
    Remove,
    SyncDirectory,
    MakeDirectory,
    List,
    Read { offset: u64, len: usize },
    Write { offset: u64, len: usize },
    Sync,
    SetLen { len: u64 },
    Len,
}

impl Operation {
    fn is_read(self) -> bool {
        matches!(self, Self::Open | Self::List | Self::Read { .. } | Self::Len)
    }
}

/// What is to happen to an operation.
pub(super) enum Verdict {
    Proceed,
    Fail(io::Error),
    /// A write: so many bytes, then the error.
    Part(usize, io::Error),
}

/// Counts operations and says which fail.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) operation_count: u64,
    pub(super) counts_reads: bool,
    pub(super) crash_at: Option<u64>,
    pub(super) has_crashed: bool,
    pub(super) planned: BTreeMap<u64, Fault>,
    pub(super) bytes_max: Option<u64>,
    log: VecDeque<Logged>,
}

#[derive(Debug)]
struct Logged {
    /// None when not counted.
    number: Option<u64>,
    operation: Operation,
    path: Arc<Path>,
    fate: &'static str,
}

impl Faults {
    /// The next operation's fate.
    pub(super) fn next(&mut self, operation: Operation, path: &Arc<Path>) -> Verdict {
        if self.has_crashed {
            return Verdict::Fail(gone());
        }
        let is_counted = self.counts_reads || !operation.is_read();
        let number = is_counted.then_some(self.operation_count);
        self.operation_count += u64::from(is_counted);
        let (fate, verdict) = self.fate(operation, number);
        if is_counted || !matches!(verdict, Verdict::Proceed) {
            if self.log.len() == LOGGED_MAX {
                self.log.pop_front();
            }
            self.log.push_back(Logged { number, operation, path: path.clone(), fate });
        }
        verdict
    }

    fn fate(&mut self, operation: Operation, number: Option<u64>) -> (&'static str, Verdict) {
        if number.is_some() && number == self.crash_at {
            self.has_crashed = true;
            let seed = number.unwrap_or_default();
            return match operation {
                Operation::Write { len, .. } => {
                    let part = Chances::new(seed).below(len + 1);
                    (": crash, written in part", Verdict::Part(part, gone()))
                }
                _ => (": crash", Verdict::Fail(gone())),
            };
        }
        let fault = number.and_then(|number| self.planned.remove(&number));
        match (fault, operation) {
            (None, _) => ("", Verdict::Proceed),
            (Some(Fault::ShortWrite), Operation::Write { len, .. }) => {
                (": short write", Verdict::Part(len / 2, Fault::ShortWrite.error()))
            }
            (Some(fault), _) => (": failed", Verdict::Fail(fault.error())),
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the simulated machine is gone")
}

impl fmt::Display for Faults {
    /// `  17 write 4096 bytes at 8192 of /d/wal.log: short write`, a line for each.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for logged in &self.log {
            match logged.number {
                Some(number) => write!(formatter, "{number:>6} ")?,
                None => write!(formatter, "{:>6} ", "-")?,
            }
            match logged.operation {
                Operation::Open => write!(formatter, "open")?,
                Operation::Create => write!(formatter, "create")?,
                Operation::Rename => write!(formatter, "rename to")?,
                Operation::Remove => write!(formatter, "remove")?,
                Operation::SyncDirectory => write!(formatter, "sync directory")?,
                Operation::MakeDirectory => write!(formatter, "make directory")?,
                Operation::List => write!(formatter, "list")?,
                Operation::Read { offset, len } => {
                    write!(formatter, "read {len} bytes at {offset} of")?;
                }
                Operation::Write { offset, len } => {
                    write!(formatter, "write {len} bytes at {offset} of")?;
                }
                Operation::Sync => write!(formatter, "sync")?,
                Operation::SetLen { len } => write!(formatter, "set length {len} of")?,
                Operation::Len => write!(formatter, "length of")?,
            }
            writeln!(formatter, " {}{}", logged.path.display(), logged.fate)?;
        }
        Ok(())
    }
}
