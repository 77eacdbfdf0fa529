//! EXPLAIN and its options.

use super::ast::{Explain, ExplainFormat, ExplainOptions, Identifier, Statement};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};

impl Parser<'_> {
    /// EXPLAIN of a statement that has a plan.
    pub(super) fn explain(&mut self) -> Result<Statement> {
        self.advance();
        let mut options = ExplainOptions::default();
        if self.is_symbol(b'(') && !self.query_follows() {
            options = self.explain_options()?;
        } else {
            options.analyze =
                self.accept_keyword(Keyword::Analyze) || self.accept_keyword(Keyword::Analyse);
            self.refuse_keyword(Keyword::Verbose, "EXPLAIN VERBOSE")?;
        }
        let explained = match self.kind() {
            TokenKind::Keyword(
                Keyword::Insert
                | Keyword::Update
                | Keyword::Delete
                | Keyword::Merge
                | Keyword::Declare
                | Keyword::Execute
                | Keyword::Select
                | Keyword::Values
                | Keyword::With
                | Keyword::Table,
            )
            | TokenKind::Symbol(b'(') => self.nested(Self::statement)?,
            TokenKind::Keyword(Keyword::Create | Keyword::Refresh) => {
                return Err(self.not_supported("EXPLAIN of this statement"));
            }
            _ => return Err(self.unexpected()),
        };
        self.deepen()?;
        Ok(Statement::Explain(Explain { options, statement: Box::new(explained) }))
    }

    /// Whether the parenthesis here opens a query.
    fn query_follows(&self) -> bool {
        match self.next_kind() {
            TokenKind::Symbol(b'(') => true,
            TokenKind::Keyword(keyword) => matches!(
                keyword,
                Keyword::Select | Keyword::Values | Keyword::With | Keyword::Table
            ),
            _ => false,
        }
    }

    /// `(option [value], ...)`.
    fn explain_options(&mut self) -> Result<ExplainOptions> {
        self.advance();
        let mut options = ExplainOptions::default();
        let mut timing = None;
        loop {
            let option = self.label()?;
            let value = self.option_value()?;
            match option.name.as_str() {
                "analyze" => options.analyze = boolean(&option, value.as_ref())?,
                "costs" => options.costs = boolean(&option, value.as_ref())?,
                "timing" => timing = Some(boolean(&option, value.as_ref())?),
                "summary" => options.summary = Some(boolean(&option, value.as_ref())?),
                "format" => options.format = format(&option, value.as_ref())?,
                "verbose" | "buffers" | "settings" | "wal" => {
                    if boolean(&option, value.as_ref())? {
                        let what = format!("EXPLAIN {}", option.name.to_ascii_uppercase());
                        return Err(Error::not_supported(&what, option.position));
                    }
                }
                name => {
                    let message = format!("unrecognized EXPLAIN option \"{name}\"");
                    return Err(Parser::syntax_error(message, option.position));
                }
            }
            if !self.accept_symbol(b',') {
                break;
            }
        }
        self.expect_symbol(b')')?;
        if timing == Some(true) && !options.analyze {
            let message = "EXPLAIN option TIMING requires ANALYZE";
            return Err(Error::new(SqlState::InvalidParameterValue, message));
        }
        options.timing = timing.unwrap_or(true);
        Ok(options)
    }

    /// A word, a number or a string behind an option's name.
    fn option_value(&mut self) -> Result<Option<Identifier>> {
        let position = self.position();
        match self.kind() {
            TokenKind::Symbol(b',' | b')') => Ok(None),
            TokenKind::String(_) => Ok(Some(Identifier { name: self.string()?, position })),
            TokenKind::Number => {
                let name = self.token_text().to_owned();
                self.advance();
                Ok(Some(Identifier { name, position }))
            }
            _ => self.label().map(Some),
        }
    }
}

/// Nothing is true.
fn boolean(option: &Identifier, value: Option<&Identifier>) -> Result<bool> {
    let Some(value) = value else { return Ok(true) };
    match value.name.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => {
            let message = format!("{} requires a Boolean value", option.name);
            Err(Parser::syntax_error(message, crate::types::Position::UNKNOWN))
        }
    }
}

fn format(option: &Identifier, value: Option<&Identifier>) -> Result<ExplainFormat> {
    let word = value.map_or("", |value| &value.name);
    match word.to_ascii_lowercase().as_str() {
        "text" => Ok(ExplainFormat::Text),
        "json" => Ok(ExplainFormat::Json),
        "xml" | "yaml" => {
            Err(Error::not_supported(&format!("EXPLAIN (FORMAT {word})"), option.position))
        }
        "" => Err(Parser::syntax_error(
            "format requires a parameter".to_owned(),
            crate::types::Position::UNKNOWN,
        )),
        _ => {
            let message = format!("unrecognized value for EXPLAIN option \"format\": \"{word}\"");
            Err(Error::new(SqlState::InvalidParameterValue, message).at(option.position))
        }
    }
}
