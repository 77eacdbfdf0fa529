//! Writing: answers gathered in one buffer until there is nothing left to execute, or until it is full.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use spg_engine::Session;
use spg_engine::session::{Receipt, Unsettled};
use spg_wire::ErrorFields;
use spg_wire::message::server::error_response;

use super::delivery::Deliveries;
use super::end::End;
use super::translate;
use crate::limits::{FLUSH_BYTES, IDLE_BYTES_RETAINED, OUTPUT_BYTES_RETAINED};
use crate::registry::Handle;

/// The answer of one statement in the output, which must not be sent before its commit is durable.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) unsettled: Unsettled,
    pub(super) answer: Range<usize>,
    /// Room within it that is kept for the commit's receipt.
    pub(super) receipt: Range<usize>,
}

/// The sending side of a connection.
#[derive(Debug)]
pub(super) struct Output {
    /// Frames not sent yet. Invariant: begins at the beginning of a frame.
    pub(super) bytes: Vec<u8>,
    /// Answers among them that rest on commits in flight, in order.
    pub(super) held: Vec<Held>,
    pub(super) handle: Arc<Handle>,
    /// Answers that others send.
    deliveries: Arc<Deliveries>,
    /// Whether the last of them was not waited for yet.
    is_handed_over: bool,
    /// A write has failed: nothing more can be sent.
    is_broken: bool,
}

impl Output {
    pub(super) fn new(handle: &Arc<Handle>) -> Self {
        Self {
            bytes: Vec::new(),
            held: Vec::new(),
            handle: Arc::clone(handle),
            deliveries: Arc::default(),
            is_handed_over: false,
            is_broken: false,
        }
    }

    /// Whether there is so much that it should be sent.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FLUSH_BYTES
    }

    /// Sends what there is, waiting as long as the client reads, however slowly. Nothing of it may be held.
    #[inline]
    pub(super) fn send(&mut self) -> Result<(), End> {
        debug_assert!(self.held.is_empty(), "an answer before its commit is durable");
        if self.bytes.is_empty() {
            return Ok(());
        }
        if self.is_handed_over {
            self.wait_for_delivery();
        }
        if self.is_broken {
            return Err(End::Closed);
        }
        let result = self.handle.socket.write_all(&self.bytes);
        self.handle.counters().bytes_sent.add(self.bytes.len() as u64);
        self.bytes.clear();
        if self.bytes.capacity() > OUTPUT_BYTES_RETAINED {
            self.bytes = Vec::new();
        }
        result.map_err(|error| self.broken(&error))
    }

    /// Whether the held answers may be left to others: nothing of this connection is under way.
    pub(super) fn can_hand_over(&self) -> bool {
        !(self.is_broken || self.is_handed_over && self.deliveries.is_under_way())
    }

    /// Leaves the held answers, and all before and behind them, to whoever settles what they rest on.
    pub(super) fn hand_over(&mut self, session: &mut Session) -> Result<(), End> {
        if self.is_handed_over {
            self.wait_for_delivery();
        }
        let Some(last) = self.held.last().map(|held| held.unsettled.clone()) else {
            return self.send();
        };
        self.held.iter().for_each(|held| session.leave(&held.unsettled));
        let (bytes, held) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.held));
        let delivery = self.deliveries.begin(&self.handle, bytes, held);
        self.is_handed_over = true;
        session.settle_later(&last, delivery);
        Ok(())
    }

    /// Waits until what was handed over is sent, and takes over how that went.
    #[cold]
    fn wait_for_delivery(&mut self) {
        let delivered = self.deliveries.wait();
        self.is_handed_over = false;
        self.is_broken |= delivered.is_broken;
        self.handle.counters().bytes_sent.add(delivered.sent);
        self.handle.counters().errors.add(delivered.errors);
    }

    /// Waits until everything is durable that held answers rest on. Answers whether all went well.
    pub(super) fn settle(&mut self, session: &mut Session) -> bool {
        let held = std::mem::take(&mut self.held);
        let errors = settle_held(held, &mut self.bytes, |unsettled| session.settle(unsettled));
        self.handle.counters().errors.add(errors);
        errors == 0
    }

    /// Whether a write has failed.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    #[cold]
    fn broken(&mut self, error: &io::Error) -> End {
        self.is_broken = true;
        let id = self.handle.id;
        if error.kind() == io::ErrorKind::TimedOut {
            log::info!("connection {id} ends: its client does not read");
        } else {
            log::debug!("connection {id}: could not write: {error}");
        }
        End::Closed
    }

    /// Gives a large buffer back before a wait that may be long.
    #[inline]
    pub(super) fn release(&mut self) {
        if self.bytes.capacity() > IDLE_BYTES_RETAINED && self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }

    /// Sends what there is, up to the last whole frame, and then why the connection ends.
    pub(super) fn send_last(&mut self, fields: &ErrorFields) {
        // A panic may have left answers held: nobody knows of what they rest on.
        if let Some(first) = self.held.first() {
            self.bytes.truncate(first.answer.start);
            self.held.clear();
        }
        self.bytes.truncate(whole_frames(&self.bytes));
        error_response(&mut self.bytes, fields);
        // The client has gone if it fails: there is nobody to tell.
        let _ = self.send();
    }
}

/// Fills the receipts of held answers in, and puts errors in the place of those whose commits have failed. Answers how many
/// have.
pub(super) fn settle_held(
    all: Vec<Held>,
    bytes: &mut Vec<u8>,
    mut settle: impl FnMut(Unsettled) -> spg_engine::Result<Option<Receipt>>,
) -> u64 {
    let mut errors = 0;
    // How much longer the output has become by errors in the place of answers.
    let mut grown = 0_isize;
    for Held { unsettled, answer, receipt: room } in all {
        let place = moved(&answer, grown);
        let error = match settle(unsettled) {
            Ok(receipt) => {
                if let Some(receipt) = receipt.filter(|_| !room.is_empty()) {
                    translate::receipt(&receipt).fill(&mut bytes[moved(&room, grown)]);
                }
                continue;
            }
            Err(error) => error,
        };
        errors += 1;
        let mut answer = Vec::new();
        error_response(&mut answer, &translate::error_fields(&error));
        grown += answer.len() as isize - place.len() as isize;
        bytes.splice(place, answer);
    }
    errors
}

fn moved(range: &Range<usize>, by: isize) -> Range<usize> {
    range.start.saturating_add_signed(by)..range.end.saturating_add_signed(by)
}

/// Bytes of the whole frames at the beginning: a panic may have left one unfinished behind them.
fn whole_frames(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(header) = bytes.get(end..).and_then(<[u8]>::first_chunk::<4>) {
        let length = u32::from_le_bytes(*header) as usize;
        if length == 0 || bytes.len() - end - 4 < length {
            break;
        }
        end += 4 + length;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use spg_wire::message::server::{command_complete, pong};
    use spg_wire::{Opcode, encode::FrameWriter};

    #[test]
    fn an_unfinished_frame_is_cut_off() {
        let mut bytes = Vec::new();
        assert_eq!(whole_frames(&bytes), 0);
        pong(&mut bytes, 1);
        command_complete(&mut bytes, "SELECT", Some(5), None);
        let whole = bytes.len();
        assert_eq!(whole_frames(&bytes), whole);
        let mut frame = FrameWriter::begin(&mut bytes, Opcode::DataRow);
        frame.u16(7);
        drop(frame);
        assert_eq!(whole_frames(&bytes), whole);
        bytes.truncate(whole + 3);
        assert_eq!(whole_frames(&bytes), whole);
    }
}
