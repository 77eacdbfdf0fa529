//! Reading: frames as they arrive, with a bound on how long each may take.

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use spg_engine::session::{Deadline, Timeout};
use spg_wire::frame::{CLIENT_FRAME_LENGTH_MAX, FrameSpan, HELLO_FRAME_LENGTH_MAX};
use spg_wire::socket::Polling;
use spg_wire::{Frame, FrameBuffer, ProtocolError};

use super::end::End;
use crate::limits::{
    FRAME_BYTES_FREE, FRAME_BYTES_PER_SECOND, IDLE_BYTES_RETAINED, INCOMPLETE_BYTES_MAX, LINGER,
    LINGER_BYTES_MAX,
};
use crate::registry::{Demand, Handle};
use crate::shared::Shared;

/// The receiving side of a connection.
#[derive(Debug)]
pub(super) struct Input {
    buffer: FrameBuffer,
    shared: Arc<Shared>,
    handle: Arc<Handle>,
    /// When the frame that is not whole yet was first seen.
    frame_since: Option<Instant>,
    /// Until when the Hello must have come; None once it has.
    hello_deadline: Option<Instant>,
    /// What ends the client's transaction if nothing comes.
    timeout: Timeout,
    polling: Polling,
    /// Its part of [`Shared::incomplete_bytes`].
    asked_bytes: usize,
}

impl Drop for Input {
    fn drop(&mut self) {
        self.shared.incomplete_bytes.fetch_sub(self.asked_bytes, Ordering::Relaxed);
    }
}

impl Input {
    pub(super) fn new(shared: &Arc<Shared>, handle: &Arc<Handle>) -> Self {
        Self {
            buffer: FrameBuffer::new(HELLO_FRAME_LENGTH_MAX),
            shared: Arc::clone(shared),
            handle: Arc::clone(handle),
            frame_since: None,
            hello_deadline: Some(Instant::now() + shared.options.hello_timeout),
            timeout: Timeout::Idle,
            polling: Polling::new(shared.options.poll),
            asked_bytes: 0,
        }
    }

    /// The client is no stranger any more: longer frames are allowed.
    pub(super) fn admit(&mut self) {
        self.buffer.set_length_max(CLIENT_FRAME_LENGTH_MAX);
        self.hello_deadline = None;
    }

    /// The next frame, if all of it has arrived.
    #[inline]
    pub(super) fn next_span(&mut self) -> Result<Option<FrameSpan>, ProtocolError> {
        let span = self.buffer.next_span()?;
        if span.is_some() {
            self.frame_since = None;
        }
        Ok(span)
    }

    /// The frame of a span that was yielded since the last wait.
    #[inline]
    pub(super) fn frame(&self, span: FrameSpan) -> Frame<'_> {
        self.buffer.frame(span)
    }

    /// Waits until the Hello has arrived further.
    pub(super) fn wait_for_hello(&mut self) -> Result<(), End> {
        self.receive(self.hello_deadline)
    }

    /// Waits until something more has arrived.
    #[inline]
    pub(super) fn wait(&mut self, deadline: Option<Deadline>) -> Result<(), End> {
        let deadline = if self.buffer.is_empty() {
            self.timeout = deadline.map_or(Timeout::Idle, |deadline| deadline.timeout);
            deadline.map(|deadline| deadline.at)
        } else {
            Some(self.frame_deadline())
        };
        let asked_bytes = self.buffer.waiting_bytes().saturating_sub(FRAME_BYTES_FREE);
        if asked_bytes != self.asked_bytes {
            self.ask(asked_bytes)?;
        }
        self.receive(deadline)
    }

    /// Asks for room for what has arrived of a long frame, or gives it back.
    #[cold]
    fn ask(&mut self, bytes: usize) -> Result<(), End> {
        let all = &self.shared.incomplete_bytes;
        if bytes < self.asked_bytes {
            all.fetch_sub(self.asked_bytes - bytes, Ordering::Relaxed);
        } else {
            let more = bytes - self.asked_bytes;
            let before = all.fetch_add(more, Ordering::Relaxed);
            if before + more > INCOMPLETE_BYTES_MAX {
                all.fetch_sub(more, Ordering::Relaxed);
                log::warn!("connection {} ends: long messages take too much", self.handle.id);
                return Err(End::out_of_memory());
            }
        }
        self.asked_bytes = bytes;
        Ok(())
    }

    fn receive(&mut self, deadline: Option<Instant>) -> Result<(), End> {
        if self.buffer.capacity() > IDLE_BYTES_RETAINED {
            self.buffer.release();
        }
        let may_poll = self.shared.may_poll.load(Ordering::Relaxed);
        let (handle, polling) = (&*self.handle, &mut self.polling);
        handle.set_deadline(deadline.map(|deadline| self.shared.milliseconds(deadline)));
        handle.end_turn();
        let received = self.buffer.fill(|bytes| {
            if may_poll {
                polling.read_some(&handle.socket, bytes)
            } else {
                handle.socket.read_some(bytes, Duration::ZERO)
            }
        });
        handle.begin_turn();
        if deadline.is_some() {
            // What runs now may run longer than its client may be silent.
            handle.set_deadline(None);
        }
        match received {
            Ok(0) => Err(self.end()),
            Ok(length) => {
                handle.counters().bytes_received.add(length as u64);
                Ok(())
            }
            Err(error) => {
                log::debug!("connection {}: could not read: {error}", handle.id);
                Err(End::Closed)
            }
        }
    }

    /// Why nothing more comes, or why the connection has to end.
    #[cold]
    pub(super) fn end(&self) -> End {
        match self.handle.demand() {
            Demand::None | Demand::ClientGone => End::Closed,
            Demand::Terminated | Demand::Stopping => End::terminated(),
            Demand::DeadlinePassed if self.hello_deadline.is_some() => End::too_slow("Hello"),
            Demand::DeadlinePassed if self.frame_since.is_some() => End::too_slow("a frame"),
            Demand::DeadlinePassed => End::transaction_over(self.timeout),
        }
    }

    /// Until when the frame that has begun must be whole. A header's word does not count, only what has arrived.
    fn frame_deadline(&mut self) -> Instant {
        let since = *self.frame_since.get_or_insert_with(Instant::now);
        let more = self.buffer.waiting_bytes() / FRAME_BYTES_PER_SECOND;
        since + self.shared.options.frame_timeout + Duration::from_secs(more as u64)
    }

    /// Reads on for a moment, so that closing does not take the last message away from the client.
    pub(super) fn linger(&self) {
        let socket = &self.handle.socket;
        if socket.shutdown(Shutdown::Write).is_err()
            || socket.set_read_timeout(Some(LINGER)).is_err()
        {
            return;
        }
        let deadline = Instant::now() + LINGER;
        let mut left = LINGER_BYTES_MAX;
        let mut bytes = Vec::with_capacity(IDLE_BYTES_RETAINED);
        while left > 0 && Instant::now() < deadline {
            bytes.clear();
            match socket.read_some(&mut bytes, Duration::ZERO) {
                Ok(length) if length > 0 => left = left.saturating_sub(length),
                _ => return,
            }
        }
    }
}
