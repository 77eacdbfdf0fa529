//! The lexer: cuts text into tokens by PostgreSQL 15's rules (its `scan.l`), one at a time.
//!
//! It never fails: a broken token is a token too ([`TokenKind::Invalid`]), so that an error earlier in the text is
//! reported first and a script can be cut into statements around it.

use super::keyword::Keyword;
use super::token::{LexicalError, StringStyle, Token, TokenKind};
use crate::types::Position;

/// Bytes of an operator; PostgreSQL's NAMEDATALEN less one.
const OPERATOR_BYTES_MAX: usize = 63;

/// Yields the tokens of a text.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    offset: usize,
    /// A byte whose number in characters is known; tokens are numbered by counting on from here.
    counted_bytes: usize,
    counted_characters: u32,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), offset: 0, counted_bytes: 0, counted_characters: 0 }
    }

    /// The next token; [`TokenKind::End`] again and again at the end.
    pub(super) fn next_token(&mut self) -> Token {
        let unterminated = self.skip_blank();
        let start = self.offset;
        let position = self.position_of(start);
        let kind = match unterminated {
            Some(error) => {
                self.offset = self.bytes.len();
                TokenKind::Invalid(error)
            }
            None => self.scan(start),
        };
        Token { kind, start, end: self.offset, position }
    }

    fn position_of(&mut self, byte: usize) -> Position {
        self.counted_characters += self.text[self.counted_bytes..byte].chars().count() as u32;
        self.counted_bytes = byte;
        Position(self.counted_characters + 1)
    }

    fn byte(&self, ahead: usize) -> u8 {
        // NUL is in no valid text, so it can stand for the end.
        self.bytes.get(self.offset + ahead).copied().unwrap_or(0)
    }

    /// Moves behind white space and comments; an unterminated comment is left as the rest of the text.
    fn skip_blank(&mut self) -> Option<LexicalError> {
        loop {
            match self.byte(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c => self.offset += 1,
                b'-' if self.byte(1) == b'-' => self.skip_line(),
                b'/' if self.byte(1) == b'*' => {
                    if !self.skip_comment() {
                        return Some(LexicalError::UnterminatedComment);
                    }
                }
                _ => return None,
            }
        }
    }

    fn skip_line(&mut self) {
        while !matches!(self.byte(0), b'\n' | b'\r') && self.offset < self.bytes.len() {
            self.offset += 1;
        }
    }

    /// Moves behind a nested comment, or stays and answers false if it has no end.
    fn skip_comment(&mut self) -> bool {
        let mut depth = 0_usize;
        let mut index = self.offset;
        while index < self.bytes.len() {
            match (self.bytes[index], self.bytes.get(index + 1)) {
                (b'/', Some(b'*')) => {
                    depth += 1;
                    index += 2;
                }
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    index += 2;
                    if depth == 0 {
                        self.offset = index;
                        return true;
                    }
                }
                _ => index += 1,
            }
        }
        false
    }

    fn scan(&mut self, start: usize) -> TokenKind {
        match self.byte(0) {
            _ if start >= self.bytes.len() => TokenKind::End,
            b'\'' => self.string(1, StringStyle::Plain),
            b'"' => self.quoted_name(),
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            b'$' => self.dollar(),
            first if is_name_start(first) => self.word_or_prefix(first),
            first if is_operator(first) => self.operator(),
            b'.' if self.byte(1) == b'.' => self.fixed(2, TokenKind::DotDot),
            b':' if self.byte(1) == b':' => self.fixed(2, TokenKind::TypeCast),
            b':' if self.byte(1) == b'=' => self.fixed(2, TokenKind::ColonEquals),
            symbol @ (b',' | b'(' | b')' | b'[' | b']' | b'.' | b';' | b':') => {
                self.fixed(1, TokenKind::Symbol(symbol))
            }
            _ => self.fixed(1, TokenKind::Invalid(LexicalError::Character)),
        }
    }

    fn fixed(&mut self, bytes: usize, kind: TokenKind) -> TokenKind {
        self.offset += bytes;
        kind
    }

    fn skip_name(&mut self) {
        while is_name_part(self.byte(0)) {
            self.offset += 1;
        }
    }

    /// A word, or a string literal with a letter before its quote.
    fn word_or_prefix(&mut self, first: u8) -> TokenKind {
        let national = LexicalError::NotSupported("national character literal");
        match (first.to_ascii_lowercase(), self.byte(1), self.byte(2)) {
            (b'e', b'\'', _) => return self.string(2, StringStyle::Escape),
            (b'b' | b'x', b'\'', _) => {
                return self.unsupported(1, LexicalError::NotSupported("bit string literal"));
            }
            (b'n', b'\'', _) => return self.unsupported(1, national),
            (b'u', b'&', b'\'') => {
                return self.unsupported(2, LexicalError::NotSupported("U& string literal"));
            }
            (b'u', b'&', b'"') => {
                self.offset += 2;
                self.quoted_name();
                return TokenKind::Invalid(LexicalError::NotSupported("U& identifier"));
            }
            _ => {}
        }
        let start = self.offset;
        self.skip_name();
        Keyword::find(&self.text[start..self.offset]).map_or(TokenKind::Word, TokenKind::Keyword)
    }

    /// A whole string literal behind a prefix that is not supported.
    fn unsupported(&mut self, prefix: usize, error: LexicalError) -> TokenKind {
        self.offset += prefix;
        match self.string(1, StringStyle::Plain) {
            TokenKind::Invalid(unterminated) => TokenKind::Invalid(unterminated),
            _ => TokenKind::Invalid(error),
        }
    }

    /// A quoted string whose text starts `opening` bytes ahead, with its continuations on following lines.
    fn string(&mut self, opening: usize, style: StringStyle) -> TokenKind {
        self.offset += opening;
        loop {
            match self.byte(0) {
                _ if self.offset >= self.bytes.len() => {
                    return TokenKind::Invalid(LexicalError::UnterminatedString);
                }
                b'\\' if style == StringStyle::Escape && self.offset + 1 < self.bytes.len() => {
                    self.offset += 2;
                }
                b'\'' if self.byte(1) == b'\'' => self.offset += 2,
                b'\'' => {
                    self.offset += 1;
                    match continuation(self.bytes, self.offset) {
                        Some(next) => self.offset = next,
                        None => return TokenKind::String(style),
                    }
                }
                _ => self.offset += 1,
            }
        }
    }

    fn quoted_name(&mut self) -> TokenKind {
        let start = self.offset;
        self.offset += 1;
        loop {
            match self.byte(0) {
                _ if self.offset >= self.bytes.len() => {
                    return TokenKind::Invalid(LexicalError::UnterminatedName);
                }
                b'"' if self.byte(1) == b'"' => self.offset += 2,
                b'"' => break,
                _ => self.offset += 1,
            }
        }
        self.offset += 1;
        if self.offset - start == 2 {
            return TokenKind::Invalid(LexicalError::EmptyName);
        }
        TokenKind::QuotedName
    }

    fn skip_digits(&mut self) -> bool {
        let start = self.offset;
        while self.byte(0).is_ascii_digit() {
            self.offset += 1;
        }
        self.offset > start
    }

    fn number(&mut self) -> TokenKind {
        self.skip_digits();
        // `1..` is the number 1 and the token `..`.
        if self.byte(0) == b'.' && self.byte(1) != b'.' {
            self.offset += 1;
            self.skip_digits();
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                self.offset += 1 + sign;
                self.skip_digits();
            } else if sign == 1 {
                self.offset += 2;
                return TokenKind::Invalid(LexicalError::NumberJunk);
            }
        }
        self.end_of_digits(TokenKind::Number, LexicalError::NumberJunk)
    }

    fn end_of_digits(&mut self, kind: TokenKind, junk: LexicalError) -> TokenKind {
        if !is_name_start(self.byte(0)) {
            return kind;
        }
        self.skip_name();
        TokenKind::Invalid(junk)
    }

    /// `$1`, `$$...$$` or `$tag$...$tag$`.
    fn dollar(&mut self) -> TokenKind {
        if self.byte(1).is_ascii_digit() {
            self.offset += 1;
            self.skip_digits();
            return self.end_of_digits(TokenKind::Parameter, LexicalError::ParameterJunk);
        }
        let mut ahead = 1;
        if is_name_start(self.byte(ahead)) {
            while is_name_part(self.byte(ahead)) && self.byte(ahead) != b'$' {
                ahead += 1;
            }
        }
        if self.byte(ahead) != b'$' {
            return self.fixed(1, TokenKind::Invalid(LexicalError::Character));
        }
        let body = self.offset + ahead + 1;
        let tag = &self.text[self.offset..body];
        if let Some(length) = self.text[body..].find(tag) {
            self.offset = body + length + tag.len();
            return TokenKind::String(StringStyle::Dollar);
        }
        self.offset = self.bytes.len();
        TokenKind::Invalid(LexicalError::UnterminatedDollarString)
    }

    /// The longest operator, cut before a comment and before trailing signs: `a<->-1` is `a <-> -1`, but a
    /// sign stays part of an operator that holds one of ``~ ! @ # ^ & | ` ? %``.
    fn operator(&mut self) -> TokenKind {
        let start = self.offset;
        let mut length = 0;
        while is_operator(self.byte(length)) {
            let comment =
                matches!((self.byte(length), self.byte(length + 1)), (b'-', b'-') | (b'/', b'*'));
            if comment && length > 0 {
                break;
            }
            length += 1;
        }
        let keeps_sign = |operator: &[u8]| operator.iter().any(|byte| b"~!@#^&|`?%".contains(byte));
        while length > 1
            && matches!(self.byte(length - 1), b'+' | b'-')
            && !keeps_sign(&self.bytes[start..start + length - 1])
        {
            length -= 1;
        }
        self.offset += length;
        match &self.bytes[start..self.offset] {
            [symbol @ (b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'<' | b'>' | b'=')] => {
                TokenKind::Symbol(*symbol)
            }
            b"=>" => TokenKind::Arrow,
            b"<=" => TokenKind::LessOrEqual,
            b">=" => TokenKind::GreaterOrEqual,
            b"<>" | b"!=" => TokenKind::NotEqual,
            operator if operator.len() > OPERATOR_BYTES_MAX => {
                TokenKind::Invalid(LexicalError::LongOperator)
            }
            _ => TokenKind::Operator,
        }
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name_part(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

/// Where a string goes on behind its closing quote: behind white space (with `--` comments) that holds a line
/// break, and another quote.
pub(super) fn continuation(bytes: &[u8], mut index: usize) -> Option<usize> {
    let mut line_break = false;
    loop {
        match bytes.get(index)? {
            b'\n' | b'\r' => line_break = true,
            b' ' | b'\t' | 0x0c => {}
            b'-' if bytes.get(index + 1) == Some(&b'-') => {
                while !matches!(bytes.get(index + 1)?, b'\n' | b'\r') {
                    index += 1;
                }
            }
            b'\'' if line_break => return Some(index + 1),
            _ => return None,
        }
        index += 1;
    }
}
