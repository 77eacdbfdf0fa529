//! Answers handed over: whoever has written the commits that they rest on sends them, and the connection's thread waits for
//! its client's next message meanwhile. A thread less is woken for each commit.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use spg_engine::session::OnSettled;

use super::output::{Held, settle_held};
use crate::registry::Handle;

/// Where a connection's handed over answers stand.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_under_way: bool,
    /// Whether the connection's thread sleeps until it is done. A wake-up of nobody is a system call all the same.
    is_awaited: bool,
    delivered: Delivered,
}

/// What became of an answer that was handed over.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// Bytes sent.
    pub(super) sent: u64,
    /// Errors among the answers.
    pub(super) errors: u64,
    /// The socket takes no more.
    pub(super) is_broken: bool,
}

impl Deliveries {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer that is delivered when it is told so. One at a time: the one before was waited for.
    pub(super) fn begin(
        self: &Arc<Self>,
        handle: &Arc<Handle>,
        bytes: Vec<u8>,
        held: Vec<Held>,
    ) -> Box<dyn OnSettled> {
        let mut state = self.lock();
        debug_assert!(!state.is_under_way, "one delivery at a time");
        state.is_under_way = true;
        drop(state);
        let (deliveries, handle) = (Arc::clone(self), Arc::clone(handle));
        Box::new(Delivery { deliveries, handle, bytes, held, delivered: None })
    }

    /// Whether the last one is under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.lock().is_under_way
    }

    /// Waits until the last one is delivered, or cannot be.
    pub(super) fn wait(&self) -> Delivered {
        let mut state = self.lock();
        while state.is_under_way {
            state.is_awaited = true;
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_awaited = false;
        std::mem::take(&mut state.delivered)
    }

    fn end(&self, delivered: Delivered) {
        let mut state = self.lock();
        state.delivered = delivered;
        state.is_under_way = false;
        let is_awaited = state.is_awaited;
        drop(state);
        if is_awaited {
            self.done.notify_one();
        }
    }
}

/// An answer that rests on commits in flight.
#[derive(Debug)]
struct Delivery {
    deliveries: Arc<Deliveries>,
    handle: Arc<Handle>,
    bytes: Vec<u8>,
    held: Vec<Held>,
    /// How it went; None, nothing was sent: that is told too, when it is dropped.
    delivered: Option<Delivered>,
}

impl OnSettled for Delivery {
    fn settled(mut self: Box<Self>) {
        let held = std::mem::take(&mut self.held);
        let errors = settle_held(held, &mut self.bytes, |unsettled| {
            unsettled.result().expect("the commit is settled")
        });
        let sent = self.handle.socket.try_write(&self.bytes);
        let length = sent.as_ref().map_or(0, |length| *length);
        let is_broken = length < self.bytes.len();
        self.delivered = Some(Delivered { sent: length as u64, errors, is_broken });
        if is_broken && sent.is_ok() {
            self.send_rest(length);
        }
    }
}

impl Delivery {
    /// The client has not read what was sent before: whoever writes commits cannot wait for it, another thread does.
    #[cold]
    fn send_rest(mut self: Box<Self>, sent: usize) {
        let handle = Arc::clone(&self.handle);
        let builder = std::thread::Builder::new().name(format!("delivery {}", handle.id));
        let spawned = builder.spawn(move || {
            let is_broken = self.handle.socket.write_all(&self.bytes[sent..]).is_err();
            if let Some(delivered) = &mut self.delivered {
                delivered.sent = self.bytes.len() as u64;
                delivered.is_broken = is_broken;
            }
        });
        if let Err(error) = spawned {
            log::warn!("connection {} ends: no thread for its answer: {error}", handle.id);
            handle.disconnect();
        }
    }
}

impl Drop for Delivery {
    /// The connection's thread may wait for it, however it ends.
    fn drop(&mut self) {
        let undelivered = Delivered { is_broken: true, ..Delivered::default() };
        self.deliveries.end(self.delivered.take().unwrap_or(undelivered));
    }
}
