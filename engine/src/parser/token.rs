//! Tokens: what the lexer yields, cheap to copy; literals are decoded only when the parser takes them.

use super::keyword::Keyword;
use crate::error::{Error, SqlState};
use crate::types::Position;

/// One token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: TokenKind,
    /// Its first byte in the text.
    pub(super) start: usize,
    /// The byte behind it.
    pub(super) end: usize,
    /// Its place in characters.
    pub(super) position: Position,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// An unquoted word that is a keyword.
    Keyword(Keyword),
    /// An unquoted word that is none.
    Word,
    /// `"name"`.
    QuotedName,
    /// `1`, `1.5`, `.5`, `1e10`.
    Number,
    /// A string literal.
    String(StringStyle),
    /// `$1`.
    Parameter,
    /// One of `, ( ) [ ] . ; : + - * / % ^ < > =`.
    Symbol(u8),
    /// `::`.
    TypeCast,
    /// `..`.
    DotDot,
    /// `:=`.
    ColonEquals,
    /// `=>`.
    Arrow,
    /// `<=`.
    LessOrEqual,
    /// `>=`.
    GreaterOrEqual,
    /// `<>` or `!=`.
    NotEqual,
    /// Any other operator.
    Operator,
    /// What no token can start with, or a token that is broken.
    Invalid(LexicalError),
    /// The end of the text.
    End,
}

/// How a string literal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StringStyle {
    /// `'...'`.
    Plain,
    /// `E'...'`.
    Escape,
    /// `$tag$...$tag$`.
    Dollar,
}

/// Why a token is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LexicalError {
    /// A character that starts no token.
    Character,
    /// A string without its closing quote.
    UnterminatedString,
    /// `$$...` without its end.
    UnterminatedDollarString,
    /// A name without its closing quote.
    UnterminatedName,
    /// A comment without `*/`.
    UnterminatedComment,
    /// `""`.
    EmptyName,
    /// `1a`.
    NumberJunk,
    /// `$1a`.
    ParameterJunk,
    /// An operator of more than 63 characters.
    LongOperator,
    /// A literal that PostgreSQL has and SPG has not.
    NotSupported(&'static str),
}

impl LexicalError {
    /// The error for the token of this text.
    #[cold]
    pub(super) fn error(self, text: &str, position: Position) -> Error {
        let what = match self {
            Self::Character => "syntax error",
            Self::UnterminatedString => "unterminated quoted string",
            Self::UnterminatedDollarString => "unterminated dollar-quoted string",
            Self::UnterminatedName => "unterminated quoted identifier",
            Self::UnterminatedComment => "unterminated /* comment",
            Self::EmptyName => "zero-length delimited identifier",
            Self::NumberJunk => "trailing junk after numeric literal",
            Self::ParameterJunk => "trailing junk after parameter",
            Self::LongOperator => "operator too long",
            Self::NotSupported(what) => return Error::not_supported(what, position),
        };
        Error::new(SqlState::SyntaxError, format!("{what} at or near \"{text}\"")).at(position)
    }
}
