//! `bench`: what pgbench and redis-benchmark are to theirs.
//!
//! [`tables`] makes and fills the tables, a [`worker`] is a thread that serves several connections ([`lane`]) of a
//! [`workload`], whose operations consist of [`statement`]s; latencies go into a [`histogram`], and the [`summary`] shows
//! them.

mod histogram;
mod lane;
mod random;
mod statement;
mod summary;
mod tables;
mod tally;
mod worker;
mod workload;

use std::io::{self, IsTerminal};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::Args;
use spg_wire::client::Error;

use crate::arguments::FormatName;
use crate::bench::lane::{Lane, Mode};
use crate::bench::summary::Summary;
use crate::bench::tables::Tables;
use crate::bench::tally::Tally;
use crate::bench::worker::{Schedule, Worker};
use crate::bench::workload::{Script, Workload};
use crate::connect::{Address, CONNECT_TIMEOUT};
use crate::exit::Status;
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::interrupt::Interrupt;
use crate::messages;
use crate::report;

/// How long the server is used before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Up to so many connections one thread is enough: it costs the server least of the machine.
const CLIENTS_OF_ONE_THREAD: u32 = 50;

/// Options of `bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// What the clients do
    #[arg(value_enum)]
    workload: Workload,

    /// How many clients
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: u32,

    /// How many operations a client sends before it waits for their answers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pipeline: u32,

    /// How long to measure, after a second of warm-up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,

    /// Rows of the table [default: 1000000; knn: 100000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    rows: Option<u64>,

    /// Prepare statements once; this is the default
    #[arg(long, conflicts_with = "simple")]
    prepared: bool,

    /// Send each statement as text
    #[arg(long)]
    simple: bool,

    /// Clients that update rows without pause beside those that are measured
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    writers: u32,

    /// Threads of the load [default: 1 up to 50 clients, else 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    threads: Option<u32>,

    /// Microseconds that a single client looks for an answer before it sleeps
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    poll_us: u64,
}

impl BenchArguments {
    /// What among the options excludes each other.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        (self.writers > 0 && !self.workload.has_accounts())
            .then_some("--writers updates the table of point-read, range-read, update and mixed: give one of them")
    }

    fn mode(&self) -> Mode {
        if self.simple { Mode::Simple } else { Mode::Prepared }
    }

    fn thread_count(&self) -> u32 {
        let default = if self.clients <= CLIENTS_OF_ONE_THREAD { 1 } else { 2 };
        self.threads.unwrap_or(default).min(self.clients)
    }
}

/// Measures and shows what was found.
pub(crate) fn run(
    arguments: &BenchArguments,
    address: &Address,
    format: FormatName,
) -> io::Result<Status> {
    let interrupt = Interrupt::default();
    // What runs is not cancelled but ended: the tables have to be dropped. Where this fails, they stay behind.
    interrupt.listen_to_all().ok();
    let measured = interrupt.during(|| measure(arguments, address, &interrupt));
    let mut out = io::stdout();
    match measured {
        Ok((summary, writers)) => {
            let status = tell(&summary, &writers);
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

/// Says on standard error what is no figure of the summary.
fn tell(summary: &Summary, writers: &Tally) -> Status {
    if writers.latencies.count() > 0 {
        let per_second = writers.latencies.count() as f64 / f64::from(summary.seconds);
        messages::line(&format!("writers: {per_second:.1} per second"));
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

/// Fills the tables, runs the load, drops the tables.
fn measure(
    arguments: &BenchArguments,
    address: &Address,
    interrupt: &Interrupt,
) -> Outcome<(Summary, Tally)> {
    let mut client = address.connect(CONNECT_TIMEOUT)?;
    let rows = arguments.rows.unwrap_or(arguments.workload.rows_default());
    let mut tables = Tables::new(arguments.workload, rows, &client, &address.text);
    tables.make(&mut client, interrupt)?;
    let failed = |error| Failure::of_client(error, &address.text);
    let load = Load::open(arguments, &tables, &address.text).map_err(failed)?;
    let (tally, writers) = load.run(arguments, interrupt).map_err(failed)?;
    interrupt.check()?;
    let summary = Summary {
        workload: arguments.workload.name(),
        clients: arguments.clients,
        pipeline: arguments.pipeline,
        seconds: arguments.seconds,
        tally,
    };
    Ok((summary, writers))
}

/// All connections, before they begin.
struct Load {
    measured: Vec<Worker>,
    /// Those beside, which are not measured.
    writers: Option<Worker>,
    /// Operations that each of the measured has done.
    counts: Vec<Arc<AtomicU64>>,
}

impl Load {
    fn open(arguments: &BenchArguments, tables: &Tables, address: &str) -> Result<Self, Error> {
        let address = resolve(address)?;
        let spin = Duration::from_micros(arguments.poll_us);
        let (mode, clients) = (arguments.mode(), u64::from(arguments.clients));
        let script = Arc::new(Script::new(arguments.workload, tables));
        let threads = arguments.thread_count();
        let mut groups: Vec<Vec<Lane>> = (0..threads).map(|_| Vec::new()).collect();
        for index in 0..clients {
            let lane =
                Lane::new(Arc::clone(&script), mode, arguments.pipeline as usize, index, clients);
            groups[(index % u64::from(threads)) as usize].push(lane);
        }
        let mut load = Self { measured: Vec::new(), writers: None, counts: Vec::new() };
        for lanes in groups {
            let count = Arc::new(AtomicU64::new(0));
            load.counts.push(Arc::clone(&count));
            load.measured.push(Worker::open(lanes, &address, spin, count)?);
        }
        if arguments.writers > 0 {
            let script = Arc::new(Script::writer(tables));
            let writers = u64::from(arguments.writers);
            let lane =
                |index| Lane::new(Arc::clone(&script), mode, 1, clients + index, clients + writers);
            let lanes = (0..writers).map(lane).collect();
            load.writers = Some(Worker::open(lanes, &address, spin, Arc::default())?);
        }
        Ok(load)
    }

    /// Answers what the measured connections have counted, and what the writers.
    fn run(
        self,
        arguments: &BenchArguments,
        interrupt: &Interrupt,
    ) -> Result<(Tally, Tally), Error> {
        let begin = Instant::now() + WARM_UP;
        let end = begin + Duration::from_secs(u64::from(arguments.seconds));
        let schedule = Schedule { begin, end };
        let spawn = |worker: Worker| {
            let interrupt = interrupt.clone();
            let name = "spg-bench".to_owned();
            thread::Builder::new()
                .name(name)
                .spawn(move || worker.run(schedule, &interrupt))
                .map_err(Error::Io)
        };
        let measured: Vec<JoinHandle<_>> =
            self.measured.into_iter().map(spawn).collect::<Result<_, _>>()?;
        let writers = self.writers.map(spawn).transpose()?;
        if io::stderr().is_terminal() {
            watch(&measured, &self.counts, &arguments.workload.name(), schedule);
        }
        Ok((join(measured)?, join(writers)?))
    }
}

/// Waits for all workers; what they have counted together.
fn join(
    workers: impl IntoIterator<Item = JoinHandle<Result<Tally, Error>>>,
) -> Result<Tally, Error> {
    let mut all = Tally::default();
    let mut failure = None;
    for worker in workers {
        match worker.join().expect("a worker ends with a result") {
            Ok(tally) => all.merge(tally),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(all), Err)
}

/// Shows a line that follows the load, until its end.
fn watch(
    workers: &[JoinHandle<Result<Tally, Error>>],
    counts: &[Arc<AtomicU64>],
    name: &str,
    schedule: Schedule,
) {
    while !workers.iter().all(JoinHandle::is_finished) {
        thread::sleep(Duration::from_millis(500));
        let now = Instant::now();
        let line = match now.checked_duration_since(schedule.begin) {
            None => "warming up".to_owned(),
            Some(past) => {
                let past = past.min(schedule.end.duration_since(schedule.begin)).as_secs_f64();
                let done: u64 = counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
                format!("{past:.1} s, {:.0} operations per second", done as f64 / past.max(0.001))
            }
        };
        messages::text(&format!("\r\x1b[K{name}: {line}"));
    }
    messages::text("\r\x1b[K");
}

fn resolve(address: &str) -> Result<SocketAddr, Error> {
    let first = address.to_socket_addrs().map_err(Error::Connect)?.next();
    first.ok_or_else(|| Error::Connect(io::Error::from(io::ErrorKind::NotFound)))
}
