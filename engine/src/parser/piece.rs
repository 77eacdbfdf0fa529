//! A text in pieces, for those who colour or complete it.

use std::ops::Range;

use super::ast::Identifier;
use super::keyword::Keyword;
use super::lexer::Lexer;
use super::token::TokenKind;
use crate::types::Position;

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A keyword.
    Keyword,
    /// A number or a string.
    Literal,
    /// `$1`.
    Parameter,
    /// What no statement can contain, such as a string without its end.
    Broken,
    /// A name, an operator, punctuation.
    Other,
}

/// The pieces of a text with the bytes that they take; blanks and comments lie between them.
pub fn pieces(text: &str) -> impl Iterator<Item = (Piece, Range<usize>)> {
    let mut lexer = Lexer::new(text);
    std::iter::from_fn(move || {
        let token = lexer.next_token();
        let piece = match token.kind {
            TokenKind::End => return None,
            TokenKind::Keyword(_) => Piece::Keyword,
            TokenKind::Number | TokenKind::String(_) => Piece::Literal,
            TokenKind::Parameter => Piece::Parameter,
            TokenKind::Invalid(_) => Piece::Broken,
            _ => Piece::Other,
        };
        Some((piece, token.start..token.end))
    })
}

/// The words of the language, in lower case.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    Keyword::words()
}

/// A name as it is written in a statement: in quotes where it must be.
pub fn quote_name(name: &str) -> String {
    Identifier { name: name.to_owned(), position: Position::UNKNOWN }.to_string()
}
