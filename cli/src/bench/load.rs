//! The load: all clients, before they begin and while they run, and what runs beside them.

use std::io::{self, IsTerminal};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use spg_engine::{Database, SqlState};
use spg_wire::client::Error;

use crate::bench::lane::Lane;
use crate::bench::own_session::OwnSession;
use crate::bench::place::Place;
use crate::bench::tables::Tables;
use crate::bench::tally::Tally;
use crate::bench::worker::{Schedule, Worker};
use crate::bench::workload::Script;
use crate::bench::{BenchArguments, WARM_UP};
use crate::failure::{Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::messages;
use crate::target::Target;

/// How long to wait for the next checkpoint, so that one with nothing to do costs nothing.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(10);

/// A thread of the load.
enum Client {
    /// Connections to a server.
    Connections(Box<Worker>, String),
    /// A session in this process.
    Session(Box<OwnSession>),
}

impl Client {
    fn run(self, schedule: Schedule, interrupt: &Interrupt) -> Outcome<Tally> {
        match self {
            Self::Connections(worker, address) => {
                worker.run(schedule, interrupt).map_err(|error| Failure::of_client(error, &address))
            }
            Self::Session(session) => Ok(session.run(schedule, interrupt)),
        }
    }
}

/// All clients, before they begin.
pub(super) struct Load {
    measured: Vec<Client>,
    /// Those beside, which are not measured.
    writers: Vec<Client>,
    /// A session that makes one checkpoint after the other.
    checkpoints: Option<Target>,
    /// Operations that each of the measured has done.
    counts: Vec<Arc<AtomicU64>>,
}

/// What a load has found.
pub(super) struct Found {
    /// What the measured clients have counted.
    pub(super) measured: Tally,
    /// What the writers beside them have.
    pub(super) writers: Tally,
    /// The checkpoints beside them, with the time of each.
    pub(super) checkpoints: Tally,
}

impl Load {
    /// Opens all sessions and prepares their statements.
    pub(super) fn open(
        arguments: &BenchArguments,
        tables: &Tables,
        place: &Place,
    ) -> Outcome<Self> {
        let mut load = Self {
            measured: Vec::new(),
            writers: Vec::new(),
            checkpoints: None,
            counts: Vec::new(),
        };
        match place {
            Place::Server(address) => {
                let opened = load.connect(arguments, tables, &address.text);
                opened.map_err(|error| Failure::of_client(error, &address.text))?;
            }
            Place::Here(database) => load.open_sessions(arguments, tables, database)?,
        }
        if arguments.checkpoints {
            load.checkpoints = Some(place.target()?);
        }
        Ok(load)
    }

    fn connect(
        &mut self,
        arguments: &BenchArguments,
        tables: &Tables,
        text: &str,
    ) -> Result<(), Error> {
        let address = resolve(text)?;
        let spin = Duration::from_micros(arguments.poll_us);
        let (clients, threads) = (u64::from(arguments.clients()), arguments.thread_count());
        let lane = |script: &Arc<Script>, pipeline, index, count| {
            let settings = arguments.settings();
            Lane::new(Arc::clone(script), arguments.mode(), pipeline, settings, index, count)
        };
        let script = Arc::new(Script::new(arguments.workload, tables));
        let mut groups: Vec<Vec<Lane>> = (0..threads).map(|_| Vec::new()).collect();
        for index in 0..clients {
            groups[(index % u64::from(threads)) as usize].push(lane(
                &script,
                arguments.pipeline as usize,
                index,
                clients,
            ));
        }
        let open = |lanes, count| -> Result<Client, Error> {
            let worker = Worker::open(lanes, &address, spin, count)?;
            Ok(Client::Connections(Box::new(worker), text.to_owned()))
        };
        for lanes in groups {
            let count = Arc::new(AtomicU64::new(0));
            self.counts.push(Arc::clone(&count));
            self.measured.push(open(lanes, count)?);
        }
        if arguments.writers > 0 {
            let script = Arc::new(Script::writer(tables));
            let all = clients + u64::from(arguments.writers);
            let lanes = (clients..all).map(|index| lane(&script, 1, index, all)).collect();
            self.writers.push(open(lanes, Arc::default())?);
        }
        Ok(())
    }

    fn open_sessions(
        &mut self,
        arguments: &BenchArguments,
        tables: &Tables,
        database: &Arc<Database>,
    ) -> Outcome<()> {
        let clients = u64::from(arguments.clients_here());
        let all = clients + u64::from(arguments.writers);
        let open = |script: &Arc<Script>, place, count| -> Outcome<Client> {
            let settings: Vec<String> = arguments
                .settings()
                .iter()
                .map(|(name, value)| format!("SET {name} = '{value}'"))
                .collect();
            let script = Arc::clone(script);
            let session =
                OwnSession::open(database, script, arguments.mode(), place, &settings, count)?;
            Ok(Client::Session(Box::new(session)))
        };
        let script = Arc::new(Script::new(arguments.workload, tables));
        for index in 0..clients {
            let count = Arc::new(AtomicU64::new(0));
            self.counts.push(Arc::clone(&count));
            self.measured.push(open(&script, (index, clients), count)?);
        }
        if arguments.writers > 0 {
            let script = Arc::new(Script::writer(tables));
            for index in clients..all {
                self.writers.push(open(&script, (index, all), Arc::default())?);
            }
        }
        Ok(())
    }

    /// Runs all of it; what was counted.
    pub(super) fn run(self, arguments: &BenchArguments, interrupt: &Interrupt) -> Outcome<Found> {
        let begin = Instant::now() + WARM_UP;
        let end = begin + Duration::from_secs(u64::from(arguments.seconds));
        let schedule = Schedule { begin, end };
        let run = |client: Client| {
            let interrupt = interrupt.clone();
            spawn(move || client.run(schedule, &interrupt))
        };
        let measured: Vec<JoinHandle<_>> =
            self.measured.into_iter().map(run).collect::<Outcome<_>>()?;
        let writers: Vec<JoinHandle<_>> =
            self.writers.into_iter().map(run).collect::<Outcome<_>>()?;
        let checkpoints = self
            .checkpoints
            .map(|target| {
                let interrupt = interrupt.clone();
                spawn(move || make_checkpoints(target, schedule, &interrupt))
            })
            .transpose()?;
        if io::stderr().is_terminal() {
            watch(&measured, &self.counts, &arguments.workload.name(), schedule);
        }
        // All are waited for, whatever one of them ends with: none may still write when the tables go.
        let (measured, writers, checkpoints) = (join(measured), join(writers), join(checkpoints));
        Ok(Found { measured: measured?, writers: writers?, checkpoints: checkpoints? })
    }
}

fn spawn(
    work: impl FnOnce() -> Outcome<Tally> + Send + 'static,
) -> Outcome<JoinHandle<Outcome<Tally>>> {
    thread::Builder::new().name("spg-bench".to_owned()).spawn(work).map_err(|error| {
        Failure::new(SqlState::IoError, format!("could not start a thread: {error}"))
    })
}

/// One checkpoint after the other while the load runs.
fn make_checkpoints(
    mut target: Target,
    schedule: Schedule,
    interrupt: &Interrupt,
) -> Outcome<Tally> {
    let mut tally = Tally::default();
    while Instant::now() < schedule.end && !interrupt.is_requested() {
        let started = Instant::now();
        target.command("CHECKPOINT")?;
        if started >= schedule.begin {
            tally.done(started.elapsed());
        }
        thread::sleep(CHECKPOINT_PAUSE);
    }
    Ok(tally)
}

/// Waits for all threads; what they have counted together.
fn join(threads: impl IntoIterator<Item = JoinHandle<Outcome<Tally>>>) -> Outcome<Tally> {
    let mut all = Tally::default();
    let mut failure = None;
    for thread in threads {
        match thread.join().expect("a thread of the load ends with a result") {
            Ok(tally) => all.merge(tally),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(all), Err)
}

/// Shows a line that follows the load, until its end.
fn watch(
    threads: &[JoinHandle<Outcome<Tally>>],
    counts: &[Arc<AtomicU64>],
    name: &str,
    schedule: Schedule,
) {
    while !threads.iter().all(JoinHandle::is_finished) {
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
