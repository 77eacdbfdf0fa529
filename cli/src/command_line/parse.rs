//! How values are written: what clap calls to read them.

/// Checks that a text is `HOST:PORT`.
pub(crate) fn address(text: &str) -> Result<String, String> {
    let valid = text.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let is_host = !host.is_empty() && (bracketed || !host.contains(':'));
        is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if valid {
        Ok(text.to_owned())
    } else {
        Err("expected HOST:PORT, such as 127.0.0.1:5544".to_owned())
    }
}

/// Checks that a session has a name.
pub(crate) fn session(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("a session's name is not empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Reads the secret that `\conninfo` tells: 32 hexadecimal digits.
pub(crate) fn secret(text: &str) -> Result<[u8; 16], String> {
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

/// Checks that a text is a head.
pub(crate) fn head(text: &str) -> Result<String, String> {
    match head_bytes(text) {
        Some(_) => Ok(text.to_ascii_lowercase()),
        None => Err("expected the 64 hexadecimal digits that `spg audit head` prints".to_owned()),
    }
}

/// The hash that 64 hexadecimal digits write.
pub(crate) fn head_bytes(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for text in ["127.0.0.1:5544", "localhost:1", "[::1]:5544", "db.example:65535"] {
            assert_eq!(address(text).as_deref(), Ok(text));
        }
        for text in ["", "localhost", ":5544", "localhost:", "h:0", "h:65536", "::1:5544", "h:x"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn heads_have_64_digits() {
        let digits = format!("{}aF", "00".repeat(31));
        assert_eq!(head_bytes(&digits).unwrap()[31], 0xaf);
        for text in
            ["", "0", &digits[1..], &format!("{digits}0"), &"+1".repeat(32), &"é".repeat(32)]
        {
            assert_eq!(head_bytes(text), None, "{text}");
        }
    }
}
