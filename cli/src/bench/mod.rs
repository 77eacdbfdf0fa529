//! `bench`: what pgbench and redis-benchmark are to theirs.
//!
//! [`tables`] makes and fills the tables at a [`place`], a server or a database in this process. The [`load`] has the
//! clients: a [`worker`] is a thread that serves several connections ([`lane`]) of a [`workload`], an [`own_session`]
//! one with a session in this process; operations consist of [`statement`]s. Latencies go into a [`histogram`], [`holds`] asks how
//! long the writer lock was held, and the [`summary`] shows both. [`raw_sync`] measures the disk alone.

mod histogram;
mod holds;
mod lane;
mod load;
mod own_session;
mod place;
mod random;
mod raw_sync;
mod statement;
mod summary;
mod tables;
mod tally;
mod worker;
mod workload;

use std::io;
use std::path::Path;
use std::time::Duration;

use clap::Parser;

use crate::arguments::{Arguments, Command, FormatName};
use crate::bench::holds::Holds;
use crate::bench::lane::Mode;
use crate::bench::load::{Found, Load};
use crate::bench::place::Place;
use crate::bench::summary::{Contention, Summary};
use crate::bench::tables::Tables;
use crate::bench::tally::Tally;
use crate::command_line::{BenchArguments, Durability, Isolation, Workload};
use crate::exit::Status;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::interrupt::Interrupt;
use crate::messages;
use crate::report;

/// How long what is measured is used before.
const WARM_UP: Duration = Duration::from_secs(1);

/// Up to so many connections one thread is enough: it costs the server least of the machine.
const CLIENTS_OF_ONE_THREAD: u32 = 50;

/// Clients unless something else is said.
const CLIENTS_DEFAULT: u32 = 8;

impl Isolation {
    /// As settings spell it.
    fn setting(self) -> &'static str {
        match self {
            Self::ReadCommitted => "read committed",
            Self::RepeatableRead => "repeatable read",
            Self::Serializable => "serializable",
        }
    }
}

impl BenchArguments {
    /// What among the options excludes each other; `is_here` tells that the database is in this process.
    pub(crate) fn contradiction(&self, is_here: bool) -> Option<&'static str> {
        let is_raw = self.workload == Workload::RawSync;
        if is_raw && (is_here || self.has_options_of_load()) {
            Some("raw-sync needs no database and has one thread: it takes --seconds and --dir")
        } else if self.dir.is_some() && !is_raw {
            Some("--dir is for raw-sync")
        } else if self.writers > 0 && !self.workload.has_accounts() {
            Some(
                "--writers updates the table of point-read, range-read, update and mixed: give one of them",
            )
        } else if is_here && self.pipeline > 1 {
            Some("--pipeline is for a server: nothing is sent to a database in this process")
        } else if is_here && self.threads.zip(self.clients).is_some_and(|(a, b)| a != b) {
            Some("in this process each client is a thread: give --threads or --clients")
        } else {
            None
        }
    }

    fn has_options_of_load(&self) -> bool {
        self.clients.or(self.threads).is_some()
            || self.pipeline > 1
            || self.rows.is_some()
            || self.prepared
            || self.simple
            || self.writers > 0
            || self.checkpoints
            || self.contention
            || self.durability.is_some()
            || self.isolation.is_some()
    }

    fn mode(&self) -> Mode {
        if self.simple { Mode::Simple } else { Mode::Prepared }
    }

    fn clients(&self) -> u32 {
        self.clients.unwrap_or(CLIENTS_DEFAULT)
    }

    /// Clients of a database in this process.
    fn clients_here(&self) -> u32 {
        self.threads.unwrap_or_else(|| self.clients())
    }

    fn thread_count(&self) -> u32 {
        let default = if self.clients() <= CLIENTS_OF_ONE_THREAD { 1 } else { 2 };
        self.threads.unwrap_or(default).min(self.clients())
    }

    /// Settings of each session.
    fn settings(&self) -> Vec<(&'static str, &'static str)> {
        let durability = self.durability.map(|durability| match durability {
            Durability::On => ("synchronous_commit", "on"),
            Durability::Off => ("synchronous_commit", "off"),
        });
        let isolation =
            self.isolation.map(|level| ("default_transaction_isolation", level.setting()));
        durability.into_iter().chain(isolation).collect()
    }
}

/// Measures and shows what was found.
pub(crate) fn run(bench: &BenchArguments, arguments: &Arguments) -> io::Result<Status> {
    let interrupt = Interrupt::default();
    // What runs is not cancelled but ended: the tables have to be dropped. Where this fails, they stay behind.
    interrupt.listen_to_all(Box::new(|| {})).ok();
    let measured = interrupt.during(|| match bench.workload {
        Workload::RawSync => measure_disk(bench, &interrupt),
        _ => measure_at(bench, arguments, &interrupt),
    });
    let (mut out, format) = (io::stdout(), arguments.format);
    match measured {
        Ok((summary, beside)) => {
            let status = tell(&summary, &beside);
            if matches!(format, FormatName::Json | FormatName::Jsonl) {
                summary.write_json(&mut out)?;
            } else {
                report::show(Ok(summary.report()), format::open(format, Box::new(out)))?;
            }
            Ok(status)
        }
        Err(failure) => {
            // One object here, too.
            let format = if format == FormatName::Json { FormatName::Jsonl } else { format };
            report::show(Err(failure), format::open(format, Box::new(out)))
        }
    }
}

/// Figures of a run that somebody else shows.
pub(crate) struct Figures {
    /// Operations a second.
    pub(crate) per_second: f64,
    /// 99 of 100 take no longer, in microseconds.
    pub(crate) p99_us: f64,
    /// Of all writers beside.
    pub(crate) writers_per_second: f64,
}

/// Measures what a command line says, its first word included; it is the caller's own and right.
pub(crate) fn figures(words: &[&str]) -> Outcome<Figures> {
    let arguments = Arguments::try_parse_from(words)
        .map_err(|error| Failure::new(spg_engine::SqlState::InternalError, error.to_string()))?;
    let Command::Bench(bench) = &arguments.command else {
        return Err(Failure::new(spg_engine::SqlState::InternalError, "the command is no bench"));
    };
    let (summary, beside) = measure_at(bench, &arguments, &Interrupt::default())?;
    let error = summary.tally.first_error.as_ref().or(beside.writers.first_error.as_ref());
    if let Some(error) = error {
        return Err(Failure::new(spg_engine::SqlState::InternalError, error.clone()));
    }
    Ok(Figures {
        per_second: summary.per_second(),
        p99_us: summary.quantile_us(0.99),
        writers_per_second: beside.writers.latencies.count() as f64 / f64::from(bench.seconds),
    })
}

/// What ran beside what is summed up.
#[derive(Default)]
struct Beside {
    writers: Tally,
    checkpoints: Tally,
}

/// Says on standard error what is no figure of the summary.
fn tell(summary: &Summary, beside: &Beside) -> Status {
    let Beside { writers, checkpoints } = beside;
    if writers.latencies.count() > 0 {
        let per_second = writers.latencies.count() as f64 / f64::from(summary.seconds);
        messages::line(&format!("writers: {per_second:.1} per second"));
    }
    if checkpoints.latencies.count() > 0 {
        let milliseconds = |nanoseconds: u64| nanoseconds as f64 / 1e6;
        messages::line(&format!(
            "checkpoints: {}, half of them within {:.1} ms, the longest {:.1} ms",
            checkpoints.latencies.count(),
            milliseconds(checkpoints.latencies.quantile(0.5)),
            milliseconds(checkpoints.latencies.max())
        ));
    }
    let mut status = Status::Done;
    for (who, tally) in [("clients", &summary.tally), ("writers", writers)] {
        if tally.conflicts > 0 {
            messages::line(&format!("{who}: {} conflicts, each done again", tally.conflicts));
        }
        if let Some(error) = &tally.first_error {
            messages::line(&format!("{who}: {} failed, the first with: {error}", tally.failures()));
            status = Status::Failed;
        }
    }
    status
}

/// Measures the disk.
fn measure_disk(bench: &BenchArguments, interrupt: &Interrupt) -> Outcome<(Summary, Beside)> {
    let directory = bench.dir.as_deref().unwrap_or(Path::new("."));
    let tally = raw_sync::measure(directory, bench.seconds, interrupt)?;
    let summary = Summary {
        workload: bench.workload.name(),
        clients: 1,
        pipeline: 1,
        seconds: bench.seconds,
        tally,
        contention: None,
    };
    Ok((summary, Beside::default()))
}

/// Opens what is measured, and closes it in order whatever happened.
fn measure_at(
    bench: &BenchArguments,
    arguments: &Arguments,
    interrupt: &Interrupt,
) -> Outcome<(Summary, Beside)> {
    let place = Place::open(arguments)?;
    let measured = measure(bench, &place, interrupt);
    let closed = place.close();
    let measured = measured?;
    closed.map(|()| measured)
}

/// Fills the tables, runs the load, drops the tables.
fn measure(
    bench: &BenchArguments,
    place: &Place,
    interrupt: &Interrupt,
) -> Outcome<(Summary, Beside)> {
    let mut target = place.target()?;
    let rows = bench.rows.unwrap_or(bench.workload.rows_default());
    let mut tables = Tables::new(bench.workload, rows, &target, place);
    tables.make(&mut target, interrupt)?;
    let load = Load::open(bench, &tables, place)?;
    let mut holds = || bench.contention.then(|| Holds::of(&mut target)).transpose();
    let before = holds()?;
    let Found { measured, writers, checkpoints } = load.run(bench, interrupt)?;
    let contention = before.zip(holds()?).map(|(before, after)| Contention {
        clients: measured.spread(),
        writer_hold_p99_us: after.since(&before).quantile_us(0.99),
    });
    interrupt.check()?;
    let clients = match place {
        Place::Server(_) => bench.clients(),
        Place::Here(_) => bench.clients_here(),
    };
    let summary = Summary {
        workload: bench.workload.name(),
        clients,
        pipeline: bench.pipeline,
        seconds: bench.seconds,
        tally: measured,
        contention,
    };
    Ok((summary, Beside { writers, checkpoints }))
}
