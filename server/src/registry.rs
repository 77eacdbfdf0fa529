//! All connections: their handles, by which other threads see them, end them and cancel what they run.

use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use spg_engine::session::Canceller;
use spg_wire::message::CancelKey;
use spg_wire::socket::Socket;

use crate::shared::lock;

/// Without a deadline.
const NEVER: u64 = u64::MAX;

/// What another thread asks of a connection; its own thread looks before each frame and when a read comes back empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Demand {
    /// Nothing.
    None,
    /// End: the client is gone.
    ClientGone,
    /// End: what it waited for did not come in time.
    DeadlinePassed,
    /// End: another session asked it to.
    Terminated,
    /// End: the server ends.
    Stopping,
}

/// One connection as other threads see it.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) id: u64,
    pub(crate) secret: [u8; 16],
    pub(crate) peer: SocketAddr,
    pub(crate) socket: Arc<Socket>,
    canceller: OnceLock<Canceller>,
    /// Apart from all other connections': written for every read.
    progress: CachePadded<Progress>,
}

/// Written by the connection's thread with plain stores, but for `demand` and `turn_seen`.
#[derive(Debug)]
struct Progress {
    /// Odd while frames are executed, even while it waits for the client.
    turn: AtomicU64,
    /// The turn that the watcher saw last.
    turn_seen: AtomicU64,
    /// Until when the client must have sent something, in milliseconds since the server's start.
    deadline: AtomicU64,
    demand: AtomicU8,
    in_transaction: AtomicU8,
    counters: Counters,
}

/// What a connection has done.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) statements: Counter,
    pub(crate) errors: Counter,
    pub(crate) rows_sent: Counter,
    pub(crate) bytes_received: Counter,
    pub(crate) bytes_sent: Counter,
}

/// A counter with one writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds; for the one thread that does.
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    fn add_all(&self, other: &Self) {
        self.statements.add(other.statements.get());
        self.errors.add(other.errors.get());
        self.rows_sent.add(other.rows_sent.get());
        self.bytes_received.add(other.bytes_received.get());
        self.bytes_sent.add(other.bytes_sent.get());
    }
}

/// What the watcher learns about a connection.
pub(crate) struct Watched {
    /// It did something since the last look.
    pub(crate) is_active: bool,
    /// It has been executing the same frames since the last look.
    pub(crate) is_busy: bool,
}

impl Handle {
    pub(crate) fn new(id: u64, secret: [u8; 16], peer: SocketAddr, socket: Arc<Socket>) -> Self {
        let progress = Progress {
            turn: AtomicU64::new(0),
            turn_seen: AtomicU64::new(0),
            deadline: AtomicU64::new(NEVER),
            demand: AtomicU8::new(Demand::None as u8),
            in_transaction: AtomicU8::new(0),
            counters: Counters::default(),
        };
        let canceller = OnceLock::new();
        Self { id, secret, peer, socket, canceller, progress: CachePadded::new(progress) }
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.progress.counters
    }

    /// What cancels its statements from now on.
    pub(crate) fn set_canceller(&self, canceller: Canceller) {
        let _ = self.canceller.set(canceller);
    }

    /// Frames are executed from here on.
    #[inline]
    pub(crate) fn begin_turn(&self) {
        self.progress.turn.store(self.progress.turn.load(Ordering::Relaxed) | 1, Ordering::Relaxed);
    }

    /// All is answered.
    #[inline]
    pub(crate) fn end_turn(&self) {
        let turn = self.progress.turn.load(Ordering::Relaxed);
        self.progress.turn.store(turn.wrapping_add(turn & 1), Ordering::Relaxed);
    }

    /// Whether what was executed leaves a transaction block open.
    #[inline]
    pub(crate) fn set_in_transaction(&self, in_transaction: bool) {
        self.progress.in_transaction.store(u8::from(in_transaction), Ordering::Relaxed);
    }

    /// Whether it executes frames, or waits for its client to read the answers.
    fn is_executing(&self) -> bool {
        self.progress.turn.load(Ordering::Relaxed) & 1 == 1
    }

    /// Whether it is inside a transaction block.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.progress.in_transaction.load(Ordering::Relaxed) != 0
    }

    /// Until when the client must have sent something, in milliseconds since the server's start; None for ever.
    #[inline]
    pub(crate) fn set_deadline(&self, deadline: Option<u64>) {
        self.progress.deadline.store(deadline.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// What is asked of it.
    #[inline]
    pub(crate) fn demand(&self) -> Demand {
        match self.progress.demand.load(Ordering::Relaxed) {
            0 => Demand::None,
            1 => Demand::ClientGone,
            2 => Demand::DeadlinePassed,
            3 => Demand::Terminated,
            _ => Demand::Stopping,
        }
    }

    /// Asks it to end: before its next frame, or at once if it waits for one.
    pub(crate) fn end(&self, demand: Demand) {
        self.progress.demand.fetch_max(demand as u8, Ordering::Relaxed);
        // It fails only where the connection has ended already.
        let _ = self.socket.shutdown(Shutdown::Read);
    }

    /// Cancels what it runs, and has it end after that.
    pub(crate) fn abandon(&self) {
        self.progress.demand.fetch_max(Demand::ClientGone as u8, Ordering::Relaxed);
        self.cancel();
    }

    /// Ends both directions, so that even a write comes back whose client does not read.
    pub(crate) fn disconnect(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Cancels what it runs.
    pub(crate) fn cancel(&self) {
        if let Some(canceller) = self.canceller.get() {
            canceller.cancel();
        }
    }

    /// Whether its session is to end.
    fn is_terminated(&self) -> bool {
        self.canceller.get().is_some_and(Canceller::is_terminated)
    }

    /// Looks at it: ends it if its deadline has passed or its session is to end, and tells what it is doing.
    pub(crate) fn watch(&self, now: u64) -> Watched {
        if self.is_terminated() && self.demand() == Demand::None {
            self.end(Demand::Terminated);
        }
        if self.progress.deadline.load(Ordering::Relaxed) <= now && self.demand() == Demand::None {
            self.end(Demand::DeadlinePassed);
        }
        let turn = self.progress.turn.load(Ordering::Relaxed);
        let seen = self.progress.turn_seen.swap(turn, Ordering::Relaxed);
        let is_executing = turn & 1 == 1;
        Watched { is_active: is_executing || turn != seen, is_busy: is_executing && turn == seen }
    }
}

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    inner: Mutex<Inner>,
    /// Signalled when the last one has gone.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    connections: BTreeMap<u64, Arc<Handle>>,
    last_id: u64,
    refused: u64,
    /// Of connections that have gone.
    counters: Counters,
}

/// Sums over all connections, those that have gone included.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) connections_now: usize,
    pub(crate) connections_active: usize,
    pub(crate) connections_total: u64,
    pub(crate) connections_refused: u64,
    pub(crate) in_transaction: usize,
    pub(crate) counters: Counters,
}

impl Registry {
    /// Adds a connection, made by `make` with a new id, unless there are `connections_max`.
    pub(crate) fn add(
        &self,
        connections_max: usize,
        make: impl FnOnce(u64) -> Handle,
    ) -> Option<Arc<Handle>> {
        let mut inner = lock(&self.inner);
        if inner.connections.len() >= connections_max {
            return None;
        }
        inner.last_id += 1;
        let handle = Arc::new(make(inner.last_id));
        inner.connections.insert(handle.id, Arc::clone(&handle));
        Some(handle)
    }

    /// Whether there is no connection.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inner).connections.is_empty()
    }

    /// Removes a connection.
    pub(crate) fn remove(&self, id: u64) {
        let mut inner = lock(&self.inner);
        let removed = inner.connections.remove(&id);
        if let Some(handle) = &removed {
            inner.counters.add_all(handle.counters());
        }
        if inner.connections.is_empty() {
            self.emptied.notify_all();
        }
        drop(inner);
        // Its socket is closed outside the lock.
        drop(removed);
    }

    /// Counts a connection that was refused.
    pub(crate) fn count_refused(&self) {
        lock(&self.inner).refused += 1;
    }

    /// Does something with each connection.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Handle>)) {
        lock(&self.inner).connections.values().for_each(&mut visit);
    }

    /// Waits until there is no connection, or until `deadline`; whether there is none.
    pub(crate) fn wait_until_empty(&self, deadline: Instant) -> bool {
        let mut inner = lock(&self.inner);
        while !inner.connections.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inner =
                self.emptied.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Cancels what the connection of this key runs. Nobody learns whether there was one.
    pub(crate) fn cancel(&self, key: CancelKey) {
        let handle = lock(&self.inner).connections.get(&key.session_id).map(Arc::clone);
        if let Some(handle) = handle
            && is_equal(&handle.secret, &key.secret)
        {
            handle.cancel();
        }
    }

    /// Sums over all connections.
    pub(crate) fn totals(&self) -> Totals {
        let inner = lock(&self.inner);
        let mut totals = Totals {
            connections_now: inner.connections.len(),
            connections_total: inner.last_id,
            connections_refused: inner.refused,
            ..Totals::default()
        };
        totals.counters.add_all(&inner.counters);
        for handle in inner.connections.values() {
            totals.connections_active += usize::from(handle.is_executing());
            totals.in_transaction += usize::from(handle.is_in_transaction());
            totals.counters.add_all(handle.counters());
        }
        totals
    }
}

/// Compares in a time that does not depend on where they differ.
fn is_equal(left: &[u8; 16], right: &[u8; 16]) -> bool {
    let difference = left.iter().zip(right).fold(0, |sum, (left, right)| sum | (left ^ right));
    std::hint::black_box(difference) == 0
}

/// A pause that ends early when the last connection has gone.
pub(crate) const STOP_POLL: Duration = Duration::from_millis(20);
