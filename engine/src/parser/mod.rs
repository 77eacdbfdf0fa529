//! Stage 1: text to [`ast::Statement`].
//!
//! Reading order: `token` names what the `lexer` yields, one token at a time; `literal` says what a literal's text
//! means; `keyword` which words may be names. `cursor` is the parser's state: the token at hand, one token of
//! lookahead and the count of nesting. The rest is recursive descent, one file for each part of the grammar, around
//! `statement`; `expression` is a Pratt parser with PostgreSQL's precedence, which `operator` holds. [`ast`] is the
//! result, `display` writes it as SQL again, and `script` cuts a text of many statements.

mod keyword;
mod lexer;
mod literal;
mod token;

mod alter;
pub mod ast;
mod constraint;
mod cursor;
mod data;
mod definition;
mod display;
mod display_definition;
mod display_expression;
mod display_query;
mod display_sequence;
mod explain;
mod expression;
mod from;
mod function;
mod name;
mod normalize;
mod on_conflict;
mod operator;
mod piece;
mod primary;
mod qualified_name;
mod query;
mod script;
mod sequence;
mod setting;
mod statement;
mod transaction;
mod type_name;

use crate::error::{Error, Result, SqlState};
use crate::limits::STATEMENT_BYTES_MAX;
use cursor::Parser;
use token::TokenKind;

pub use normalize::normalize;
pub use piece::{Piece, keywords, pieces, quote_name};
pub use qualified_name::qualified_name;
pub use script::{first_parameter, statements};

/// Parses exactly one statement, with or without its semicolon.
///
/// Positions in the tree and in errors count the characters of `text` from 1. A syntax error is 42601, a clause that
/// PostgreSQL 15 has and SPG has not is 0A000, too deep nesting 54001, a text over [`STATEMENT_BYTES_MAX`] 54000.
pub fn parse(text: &str) -> Result<ast::Statement> {
    parser(text)?.whole_statement()
}

/// Parses exactly one expression, such as the stored text of a DEFAULT.
pub fn parse_expression(text: &str) -> Result<ast::Expression> {
    let mut parser = parser(text)?;
    let expression = parser.expression()?;
    if parser.is(TokenKind::End) { Ok(expression) } else { Err(parser.unexpected()) }
}

fn parser(text: &str) -> Result<Parser<'_>> {
    if text.len() > STATEMENT_BYTES_MAX {
        let message = format!("statement is longer than {STATEMENT_BYTES_MAX} bytes");
        return Err(Error::new(SqlState::ProgramLimitExceeded, message));
    }
    if text.as_bytes().contains(&0) {
        return Err(literal::invalid_bytes(&[0]));
    }
    Ok(Parser::new(text))
}

#[cfg(test)]
mod generator;
#[cfg(test)]
mod generator_definition;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tests;
