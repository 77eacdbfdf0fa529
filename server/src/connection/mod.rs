//! One client's connection: a thread from accept to close.
//!
//! `input` reads frames and `output` holds answers; `handshake` greets; [`Conversation`] is what
//! follows: it executes all frames that have arrived, in order, and writes once, or has `delivery` do so. `simple` runs scripts, `extended` prepared
//! statements, `copy_in` and `copy_out` rows in bulk. `reply` writes rows as the engine yields them, `translate` says in
//! the wire's words what the engine says in its own.

mod conversation;
mod copy_in;
mod copy_out;
mod delivery;
mod end;
mod extended;
mod handshake;
mod input;
mod output;
mod reply;
mod simple;
mod translate;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use conversation::Conversation;
use end::End;
use handshake::Greeted;
use input::Input;
use output::Output;

use crate::registry::Handle;
use crate::shared::Shared;

/// Takes a connection off the registry however its thread ends.
struct Registered<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.shared.registry.remove(self.id);
    }
}

/// Serves a connection to its end.
pub(crate) fn run(shared: &Arc<Shared>, handle: &Arc<Handle>) {
    let _registered = Registered { shared, id: handle.id };
    log::debug!("connection {} from {}", handle.id, handle.peer);
    let mut input = Input::new(shared, handle);
    let mut output = Output::new(handle);
    let served = catch_unwind(AssertUnwindSafe(|| serve(shared, handle, &mut input, &mut output)));
    let end = served.unwrap_or_else(|panic| {
        log::error!("connection {}: a statement panicked: {}", handle.id, reason(&*panic));
        End::panicked()
    });
    if let End::Told(fields) = end {
        log::debug!("connection {} ends: {}", handle.id, fields.message);
        output.send_last(&fields);
        input.linger();
    }
    log::debug!("connection {} has ended", handle.id);
}

/// Greets and converses; answers why it ended. A session is dropped with its open block, unless it has a name and
/// is not to end.
fn serve(shared: &Arc<Shared>, handle: &Handle, input: &mut Input, output: &mut Output) -> End {
    let greeted = match handshake::greet(shared, handle, input, output) {
        Ok(greeted) => greeted,
        Err(end) => return end,
    };
    let Greeted { session, version, name } = greeted;
    // Invariant: if the conversation panics, the session is dropped, and its name is free again.
    let kept = name.map(|name| KeptName { shared, name });
    handle.set_canceller(session.canceller());
    let mut conversation = Conversation::new(shared, handle, (session, version), input, output);
    let end = conversation.converse();
    let session = conversation.into_session();
    if let Some(kept) = kept
        && !session.canceller().is_terminated()
    {
        kept.shared.named_sessions.detach(&kept.name, session);
        std::mem::forget(kept);
    }
    end
}

/// Forgets a named session that is not given back.
struct KeptName<'a> {
    shared: &'a Shared,
    name: String,
}

impl Drop for KeptName<'_> {
    fn drop(&mut self) {
        self.shared.named_sessions.forget(&self.name);
    }
}

/// What a panic says.
fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}
