//! Decoding of literals and names: what a token's text means.

use super::lexer::continuation;
use super::token::StringStyle;
use crate::error::{Error, Result, SqlState};
use crate::limits::NAME_BYTES_MAX;
use crate::types::Position;

/// An unquoted name: ASCII letters in lower case, cut to the length of a name.
pub(super) fn fold_name(text: &str) -> String {
    let mut name = cut_name(text).to_owned();
    name.make_ascii_lowercase();
    name
}

/// A quoted name with its quotes.
pub(super) fn quoted_name(text: &str) -> String {
    let inner = &text[1..text.len() - 1];
    let name = if inner.contains('"') { inner.replace("\"\"", "\"") } else { inner.to_owned() };
    cut_name(&name).to_owned()
}

fn cut_name(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}

/// The value of a string literal; `position` is that of its token.
pub(super) fn string(text: &str, style: StringStyle, position: Position) -> Result<String> {
    match style {
        StringStyle::Dollar => {
            let tag = text[1..].find('$').expect("a dollar string starts with its tag") + 2;
            Ok(text[tag..text.len() - tag].to_owned())
        }
        StringStyle::Plain => Ok(plain(text)),
        StringStyle::Escape => Escaped { text, index: 2, value: Vec::new(), position }.decode(),
    }
}

fn plain(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut index = 1;
    while let Some(length) = text[index..].find('\'') {
        value.push_str(&text[index..index + length]);
        index += length + 1;
        if text[index..].starts_with('\'') {
            value.push('\'');
            index += 1;
        } else if let Some(next) = continuation(text.as_bytes(), index) {
            index = next;
        }
    }
    value
}

/// An `E'...'` literal being decoded. Escapes may write single bytes, so the value is bytes until the end.
struct Escaped<'a> {
    text: &'a str,
    index: usize,
    value: Vec<u8>,
    position: Position,
}

impl<'a> Escaped<'a> {
    fn decode(mut self) -> Result<String> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.index) {
            match byte {
                b'\\' => self.escape()?,
                b'\'' if bytes.get(self.index + 1) == Some(&b'\'') => {
                    self.value.push(b'\'');
                    self.index += 2;
                }
                b'\'' => match continuation(bytes, self.index + 1) {
                    Some(next) => self.index = next,
                    None => break,
                },
                _ => {
                    self.value.push(byte);
                    self.index += 1;
                }
            }
        }
        utf8(self.value)
    }

    /// One escape; the backslash stands at `index` and, the literal being closed, something follows it.
    fn escape(&mut self) -> Result<()> {
        let letter = self.text.as_bytes()[self.index + 1];
        let value = match letter {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0'..=b'7' => return self.byte_value(1, 3, 8),
            b'x' => return self.byte_value(2, 2, 16),
            b'u' => return self.unicode(4),
            b'U' => return self.unicode(8),
            other => other,
        };
        self.value.push(value);
        self.index += 2;
        Ok(())
    }

    /// `\ooo` or `\xhh`: up to `digits_max` digits that start `skip` bytes ahead; `\x` without any is an x.
    fn byte_value(&mut self, skip: usize, digits_max: usize, radix: u32) -> Result<()> {
        let digits = self.digits(self.index + skip, digits_max, radix);
        self.index += skip + digits.len();
        // `\777` keeps its low eight bits, as in PostgreSQL.
        let byte = match u32::from_str_radix(digits, radix) {
            Ok(value) => value as u8,
            Err(_) => b'x',
        };
        if byte == 0 {
            return Err(invalid_bytes(&[0]));
        }
        self.value.push(byte);
        Ok(())
    }

    fn digits(&self, start: usize, count_max: usize, radix: u32) -> &'a str {
        let rest = &self.text[start..];
        let digit = |character: char| character.is_digit(radix);
        let count = rest.chars().take(count_max).take_while(|&character| digit(character)).count();
        &rest[..count]
    }

    /// `\uXXXX` or `\UXXXXXXXX`, or two of them as a surrogate pair.
    fn unicode(&mut self, digit_count: usize) -> Result<()> {
        let start = self.index;
        let first = self.code(digit_count)?;
        let code = match first {
            0xd800..=0xdbff => {
                let second = match self.text[self.index..].get(..2) {
                    Some("\\u") => self.code(4)?,
                    Some("\\U") => self.code(8)?,
                    _ => return Err(self.surrogate_error(self.index, self.index + 1)),
                };
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.surrogate_error(self.index - 6, self.index));
                }
                0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff)
            }
            0xdc00..=0xdfff => return Err(self.surrogate_error(start, self.index)),
            other => other,
        };
        let character = char::from_u32(code).filter(|&character| character != '\0');
        let character = character
            .ok_or_else(|| self.error("invalid Unicode escape value", start, self.index))?;
        self.value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn code(&mut self, digit_count: usize) -> Result<u32> {
        let digits = self.digits(self.index + 2, digit_count, 16);
        if digits.len() < digit_count {
            let position = self.position_at(self.index);
            return Err(Error::new(SqlState::InvalidEscapeSequence, "invalid Unicode escape")
                .with_hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.")
                .at(position));
        }
        let code = u32::from_str_radix(digits, 16).expect("at most eight hexadecimal digits");
        self.index += 2 + digit_count;
        Ok(code)
    }

    fn surrogate_error(&self, start: usize, end: usize) -> Error {
        self.error("invalid Unicode surrogate pair", start, end)
    }

    fn error(&self, what: &str, start: usize, end: usize) -> Error {
        let near = self.text.get(start..end).unwrap_or(&self.text[start..]);
        Error::new(SqlState::SyntaxError, format!("{what} at or near \"{near}\""))
            .at(self.position_at(start))
    }

    fn position_at(&self, index: usize) -> Position {
        Position(self.position.0 + self.text[..index].chars().count() as u32)
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        let bytes = &error.as_bytes()[start..];
        // PostgreSQL shows as many bytes as the first one announces.
        let length = match bytes[0] {
            0xf0..=0xf7 => 4,
            0xe0..=0xef => 3,
            0xc0..=0xdf => 2,
            _ => 1,
        };
        invalid_bytes(&bytes[..length.min(bytes.len())])
    })
}

/// 22021 `invalid byte sequence for encoding "UTF8": 0x00`.
pub(super) fn invalid_bytes(bytes: &[u8]) -> Error {
    let shown: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    Error::new(
        SqlState::CharacterNotInRepertoire,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}

#[cfg(test)]
mod tests {
    use crate::parser::ast::ExpressionKind;
    use crate::parser::parse_expression;

    #[test]
    fn strings() {
        for (text, expected) in [
            ("'a''b'", "a'b"),
            ("'a\\n'", "a\\n"),
            ("'a' \n -- x\n 'b'\n'c'", "abc"),
            ("E'\\b\\f\\n\\r\\t\\\\\\'\\q'", "\u{8}\u{c}\n\r\t\\'q"),
            ("e'\\101\\x41\\x4g\\x'", "AA\u{4}gx"),
            ("E'\\xc3\\xa9\\u00e9\\U0001F600\\uD83D\\uDE00'", "éé😀😀"),
            ("E'a'\n'\\t''b'", "a\t'b"),
            ("$$a'b$$", "a'b"),
            ("$a$ $$ $a$", " $$ "),
            ("$é$x$é$", "x"),
        ] {
            let kind = parse_expression(text).map(|tree| tree.kind);
            assert_eq!(kind, Ok(ExpressionKind::String(expected.to_owned())), "{text}");
        }
    }

    #[test]
    fn names_fold_unless_quoted() {
        let long = "x".repeat(70);
        for (text, expected) in [
            ("AbC", "abc"),
            ("\"AbC\"", "AbC"),
            ("\"a\"\"b\"", "a\"b"),
            ("ÄB_1$", "Äb_1$"),
            (long.as_str(), &long[..63]),
        ] {
            let kind = parse_expression(text).map(|tree| tree.kind);
            let Ok(ExpressionKind::Column { table: None, column }) = kind else {
                panic!("{text}: {kind:?}");
            };
            assert_eq!(column.name, expected);
        }
    }
}
