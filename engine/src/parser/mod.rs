//! Stage 1: text to [`ast::Statement`].
//!
//! Reading order: [`token`] names what the lexer yields, `lexer` cuts text into tokens, `statement` and its
//! siblings are recursive descent, `expression` is a Pratt parser with PostgreSQL's precedence, [`ast`] is the result.

pub mod ast;
