//! One thread that looks at all connections every few milliseconds, so that they need not look at clocks or at sockets
//! that they are not reading: it ends those whose deadline has passed, cancels statements whose client is gone, forgets
//! named sessions that nobody came back for, and decides whether connections may poll.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::limits::WATCH_INTERVAL;
use crate::registry::Handle;
use crate::shared::{Phase, Shared};

/// A look now and then while there is nothing to look at; a new connection ends the sleep.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs until the server ends.
pub(crate) fn run(shared: &Shared) {
    let cores = if shared.options.poll.is_zero() { 0 } else { crate::cores::to_poll_on() };
    shared.may_poll.store(cores > 0, Ordering::Relaxed);
    let mut busy: Vec<Arc<Handle>> = Vec::new();
    while shared.phase() != Phase::Stopping {
        if shared.registry.is_empty() && shared.named_sessions.is_empty() {
            std::thread::park_timeout(IDLE_INTERVAL);
        } else {
            std::thread::sleep(WATCH_INTERVAL);
        }
        let now = Instant::now();
        let milliseconds = shared.milliseconds(now);
        let mut active = 0;
        shared.registry.for_each(|handle| {
            let watched = handle.watch(milliseconds);
            active += usize::from(watched.is_active);
            if watched.is_busy {
                busy.push(Arc::clone(handle));
            }
        });
        let may_poll = active < cores;
        if shared.may_poll.load(Ordering::Relaxed) != may_poll {
            shared.may_poll.store(may_poll, Ordering::Relaxed);
        }
        // Once the server ends, it has closed the receiving side itself.
        if shared.phase() != Phase::Stopping {
            abandon_those_without_client(&busy);
        }
        busy.clear();
        shared.named_sessions.expire(now, shared.options.named_session_idle);
    }
}

/// Cancels what runs for clients that have closed their end. That is seen behind bytes not read yet, too.
fn abandon_those_without_client(busy: &[Arc<Handle>]) {
    if busy.is_empty() {
        return;
    }
    let closed = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    let mut sockets: Vec<PollFd<'_>> =
        busy.iter().map(|handle| PollFd::new(&handle.socket, PollFlags::RDHUP)).collect();
    if rustix::event::poll(&mut sockets, Some(&Timespec::default())).is_err() {
        return;
    }
    for (handle, socket) in busy.iter().zip(&sockets) {
        if socket.revents().intersects(closed) {
            handle.abandon();
        }
    }
}
