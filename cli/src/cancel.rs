//! `cancel`: ends what a session runs, from another invocation.

use spg_wire::client::{CancelToken, cancel_session};
use spg_wire::message::CancelKey;

use crate::connect::Address;
use crate::failure::{Failure, Outcome};
use crate::report::Report;

/// Reads the secret that `\conninfo` tells: 32 hexadecimal digits.
pub(crate) fn parse_secret(text: &str) -> Result<[u8; 16], String> {
    let reason = || "expected the 32 hexadecimal digits that \\conninfo tells".to_owned();
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(reason());
    }
    let mut secret = [0; 16];
    for (byte, digits) in secret.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| reason())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| reason())?;
    }
    Ok(secret)
}

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
