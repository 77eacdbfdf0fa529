//! `cancel`: ends what a session runs, from another invocation.

use spg_wire::client::{CancelToken, cancel_session};
use spg_wire::message::CancelKey;

use crate::connect::Address;
use crate::failure::{Failure, Outcome};
use crate::report::Report;

/// Cancels what the session of `key` runs, or else the named session of `address`; answers when the server has got the
/// request.
pub(crate) fn run(address: &Address, key: Option<(u64, [u8; 16])>) -> Outcome<Report> {
    let cancelled = match (key, &address.session) {
        (Some((session_id, secret)), _) => {
            let key = CancelKey { session_id, secret };
            CancelToken::from_key(&address.text, key).and_then(|token| token.cancel())
        }
        (None, Some(name)) => cancel_session(&address.text, name),
        (None, None) => unreachable!("a usage error that was found before"),
    };
    cancelled.map_err(|error| Failure::of_client(error, &address.text))?;
    Ok(Report::new("CANCEL"))
}
