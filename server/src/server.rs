//! Server: binds, loads, serves, ends.

use std::fmt;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use spg_engine::Database;

use crate::limits::{BACKLOG, CANCEL_GRACE};
use crate::options::Options;
use crate::registry::{Demand, STOP_POLL};
use crate::shared::{Phase, Served, Shared};
use crate::{listener, watcher};

/// A server that listens, but does not serve yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    wake: UnixStream,
    stopper: Stopper,
}

/// Ends a server from any thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    shared: Arc<Shared>,
    wake: Arc<UnixStream>,
}

impl Stopper {
    /// Begins the end: nobody is accepted any more, running statements may go on for a while, everybody else is told
    /// 57P01. [`Server::run`] returns when that is done.
    pub fn stop(&self) {
        self.shared.stop();
        // It fails only where nobody listens any more.
        let _ = (&*self.wake).write_all(&[1]);
    }

    /// Whether the end has begun.
    pub fn is_stopping(&self) -> bool {
        self.shared.phase() == Phase::Stopping
    }
}

/// Why a server has not run, or has not ended in order.
#[derive(Debug)]
pub enum RunError<E> {
    /// A thread could not be started, or there are no random numbers.
    Io(io::Error),
    /// The database did not open.
    Open(E),
    /// The database was not closed in order: the next start recovers it.
    Close(spg_engine::Error),
}

impl<E: fmt::Display> fmt::Display for RunError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(formatter, "{error}"),
            Self::Open(error) => write!(formatter, "{error}"),
            Self::Close(error) => write!(formatter, "could not close the database: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for RunError<E> {}

impl<E> From<io::Error> for RunError<E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Server {
    /// Binds the address, so that clients that come are answered (57P03) as soon as [`Self::run`] is called.
    pub fn bind(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(&options.addresses[..])?;
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (wake, waker) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        let shared = Arc::new(Shared::new(options));
        let stopper = Stopper { shared: Arc::clone(&shared), wake: Arc::new(waker) };
        Ok(Self { listener, address, shared, wake, stopper })
    }

    /// The address that is bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What ends it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Opens the database, answering 57P03 meanwhile, serves it until a [`Stopper`] ends that, and closes it once its
    /// sessions have ended.
    pub fn run<E>(
        self,
        open: impl FnOnce() -> Result<Arc<Database>, E>,
    ) -> Result<(), RunError<E>> {
        let Self { listener, shared, wake, stopper, .. } = self;
        let watched = Arc::clone(&shared);
        let watcher = std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || watcher::run(&watched))?;
        shared.set_watcher(watcher.thread().clone());
        let accepted = Arc::clone(&shared);
        // The listening socket is closed when this thread ends.
        let acceptor = std::thread::Builder::new()
            .name("listener".to_owned())
            .spawn(move || listener::run(&listener, &wake, &accepted));
        let acceptor = match acceptor {
            Ok(acceptor) => acceptor,
            Err(error) => {
                stopper.stop();
                return Err(error.into());
            }
        };
        let opened = load(&shared, open);
        if opened.is_err() {
            stopper.stop();
        }
        shared.wait_for_stop();
        // Nobody who panicked there holds anything that is needed below.
        let _ = acceptor.join();
        drain(&shared);
        shared.wake_watcher();
        let _ = watcher.join();
        opened?;
        shared.served().map_or(Ok(()), |served| served.database.close()).map_err(RunError::Close)
    }
}

fn load<E>(
    shared: &Shared,
    open: impl FnOnce() -> Result<Arc<Database>, E>,
) -> Result<(), RunError<E>> {
    let database = open().map_err(RunError::Open)?;
    let uuid = match database.database_id() {
        Some(id) => id.0,
        None => random_uuid()?,
    };
    shared.serve(Served { database, uuid });
    Ok(())
}

/// Of a database in memory, which is another one in each process.
fn random_uuid() -> io::Result<[u8; 16]> {
    let mut uuid = [0; 16];
    getrandom::fill(&mut uuid).map_err(io::Error::other)?;
    Ok(uuid)
}

/// Ends all connections: those that wait at once, the others when their statement is done or its time is over.
fn drain(shared: &Shared) {
    let registry = &shared.registry;
    registry.for_each(|handle| handle.end(Demand::Stopping));
    if !registry.wait_until_empty(Instant::now() + shared.options.stop_grace) {
        log::warn!("statements still run: cancelling them");
        let cancelled = Instant::now();
        let mut is_empty = false;
        while !is_empty && cancelled.elapsed() < CANCEL_GRACE {
            let is_late = cancelled.elapsed() >= CANCEL_GRACE / 2;
            registry.for_each(|handle| {
                // A statement that starts now forgets what was cancelled before.
                handle.cancel();
                if is_late {
                    handle.disconnect();
                }
            });
            is_empty = registry.wait_until_empty(Instant::now() + STOP_POLL);
        }
        if !is_empty {
            log::warn!("some connections did not end in time");
        }
    }
    shared.named_sessions.clear();
}
