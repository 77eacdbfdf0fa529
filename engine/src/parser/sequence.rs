//! CREATE SEQUENCE, ALTER SEQUENCE, and the options of identity columns.

use super::ast::{
    AlterAction, AlterSequence, CreateSequence, Identifier, IdentitySpecification, ObjectName,
    SequenceOptions, Statement,
};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};

impl Parser<'_> {
    /// SEQUENCE \[IF NOT EXISTS\] name options.
    pub(super) fn create_sequence(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        let options = self.sequence_options()?;
        Ok(Statement::CreateSequence(Box::new(CreateSequence { if_not_exists, name, options })))
    }

    /// ALTER SEQUENCE \[IF EXISTS\] name options.
    pub(super) fn alter_sequence(&mut self) -> Result<Statement> {
        self.advance();
        self.advance();
        let if_exists = self.accept_keywords(&[Keyword::If, Keyword::Exists])?;
        let name = self.object_name()?;
        match self.kind() {
            TokenKind::Keyword(Keyword::Rename) => {
                return Err(self.not_supported("ALTER SEQUENCE ... RENAME"));
            }
            TokenKind::Keyword(Keyword::Owner) => {
                return Err(self.not_supported("ALTER SEQUENCE ... OWNER"));
            }
            TokenKind::Keyword(Keyword::Set) => {
                return Err(self.not_supported("ALTER SEQUENCE ... SET"));
            }
            _ => {}
        }
        let options = self.sequence_options()?;
        if options.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Statement::AlterSequence(Box::new(AlterSequence { if_exists, name, options })))
    }

    /// What follows ALTER COLUMN column: {SET GENERATED ... | SET option | RESTART \[\[WITH\] n\]} ...
    pub(super) fn set_identity(&mut self, column: Identifier) -> Result<AlterAction> {
        let mut always = None;
        let mut options = SequenceOptions { position: self.position(), ..Default::default() };
        loop {
            if self.is_keyword(Keyword::Restart) {
                self.sequence_option(&mut options)?;
            } else if !self.accept_keyword(Keyword::Set) {
                return Ok(AlterAction::SetIdentity { column, always, options });
            } else if self.is_keyword(Keyword::Generated) {
                if always.replace(self.generated()?).is_some() {
                    let message = "conflicting or redundant options";
                    return Err(Error::new(SqlState::SyntaxError, message));
                }
            } else {
                self.identity_option(&mut options)?;
            }
        }
    }

    /// An option of the sequence of a column, which stays of its type and its column's.
    fn identity_option(&mut self, options: &mut SequenceOptions) -> Result<()> {
        let position = self.position();
        let refused = match self.kind() {
            TokenKind::Keyword(Keyword::As) => Some("as"),
            TokenKind::Keyword(Keyword::Owned) => Some("owned_by"),
            _ => None,
        };
        if !self.sequence_option(options)? {
            return Err(self.unexpected());
        }
        if let Some(option) = refused {
            let message = format!("sequence option \"{option}\" not supported here");
            return Err(Self::syntax_error(message, position));
        }
        Ok(())
    }

    /// GENERATED {ALWAYS | BY DEFAULT}: whether ALWAYS.
    fn generated(&mut self) -> Result<bool> {
        self.expect_keyword(Keyword::Generated)?;
        let always = self.accept_keyword(Keyword::Always);
        if !always {
            self.expect_keyword(Keyword::By)?;
            self.expect_keyword(Keyword::Default)?;
        }
        Ok(always)
    }

    /// GENERATED {ALWAYS | BY DEFAULT} AS IDENTITY \[(options)\].
    pub(super) fn identity(&mut self) -> Result<IdentitySpecification> {
        let always = self.generated()?;
        self.expect_keyword(Keyword::As)?;
        if self.is_symbol(b'(') && always {
            return Err(self.not_supported("generated column"));
        }
        self.expect_keyword(Keyword::Identity)?;
        let (mut options, mut sequence_name) = (SequenceOptions::default(), None);
        if self.accept_symbol(b'(') {
            options.position = self.position();
            let mut position = self.position();
            while self.sequence_name(&mut sequence_name)? || self.sequence_option(&mut options)? {
                if options.data_type.is_some() {
                    return Err(Self::syntax_error("conflicting or redundant options", position));
                }
                position = self.position();
            }
            if options.is_empty() && sequence_name.is_none() {
                return Err(self.unexpected());
            }
            self.expect_symbol(b')')?;
        }
        Ok(IdentitySpecification { always, sequence_name, options })
    }

    /// SEQUENCE NAME name, as dumps have it; false if it does not stand here.
    fn sequence_name(&mut self, name: &mut Option<ObjectName>) -> Result<bool> {
        let position = self.position();
        if !self.accept_keyword(Keyword::Sequence) {
            return Ok(false);
        }
        self.expect_keyword(Keyword::Name)?;
        if name.replace(self.object_name()?).is_some() {
            return Err(Self::syntax_error("conflicting or redundant options", position));
        }
        Ok(true)
    }

    fn sequence_options(&mut self) -> Result<SequenceOptions> {
        let mut options = SequenceOptions { position: self.position(), ..Default::default() };
        while self.sequence_option(&mut options)? {}
        Ok(options)
    }

    /// One option; false if none stands here.
    fn sequence_option(&mut self, options: &mut SequenceOptions) -> Result<bool> {
        let position = self.position();
        let TokenKind::Keyword(keyword) = self.kind() else { return Ok(false) };
        let fresh = match keyword {
            Keyword::As => {
                self.advance();
                options.data_type.replace(self.type_name()?).is_none()
            }
            Keyword::Increment => {
                self.advance();
                self.accept_keyword(Keyword::By);
                options.increment.replace(self.signed_integer()?).is_none()
            }
            Keyword::Minvalue => {
                self.advance();
                options.min.replace(Some(self.signed_integer()?)).is_none()
            }
            Keyword::Maxvalue => {
                self.advance();
                options.max.replace(Some(self.signed_integer()?)).is_none()
            }
            Keyword::Start => {
                self.advance();
                self.accept_keyword(Keyword::With);
                options.start.replace(self.signed_integer()?).is_none()
            }
            Keyword::Restart => {
                self.advance();
                let with = self.accept_keyword(Keyword::With);
                let value =
                    if with || self.starts_number() { Some(self.signed_integer()?) } else { None };
                options.restart.replace(value).is_none()
            }
            Keyword::Cache => {
                self.advance();
                options.cache.replace(self.signed_integer()?).is_none()
            }
            Keyword::Cycle => {
                self.advance();
                options.cycle.replace(true).is_none()
            }
            Keyword::No => self.absent_option(options)?,
            Keyword::Owned => {
                self.advance();
                self.expect_keyword(Keyword::By)?;
                let owner = self.owner()?;
                options.owned_by.replace(owner).is_none()
            }
            _ => return Ok(false),
        };
        if !fresh {
            return Err(Self::syntax_error("conflicting or redundant options", position));
        }
        Ok(true)
    }

    /// NO {MINVALUE | MAXVALUE | CYCLE}; whether it was not said before.
    fn absent_option(&mut self, options: &mut SequenceOptions) -> Result<bool> {
        self.advance();
        let fresh = match self.kind() {
            TokenKind::Keyword(Keyword::Minvalue) => options.min.replace(None).is_none(),
            TokenKind::Keyword(Keyword::Maxvalue) => options.max.replace(None).is_none(),
            TokenKind::Keyword(Keyword::Cycle) => options.cycle.replace(false).is_none(),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(fresh)
    }

    /// `[schema.]table.column`, or NONE.
    fn owner(&mut self) -> Result<Option<(ObjectName, Identifier)>> {
        let mut parts = self.dotted_name()?;
        let column = parts.pop().expect("a name has a part");
        match parts.len() {
            0 if column.name == "none" => Ok(None),
            0 => Err(Error::new(SqlState::SyntaxError, "invalid OWNED BY option")
                .with_hint("Specify OWNED BY table.column or OWNED BY NONE.")),
            1 => {
                let name = parts.pop().expect("there is one");
                Ok(Some((ObjectName { schema: None, name }, column)))
            }
            2 => {
                let name = parts.pop().expect("there are two");
                Ok(Some((ObjectName { schema: parts.pop(), name }, column)))
            }
            _ => {
                parts.push(column);
                Err(super::name::too_many_names(&parts))
            }
        }
    }

    fn starts_number(&self) -> bool {
        matches!(self.kind(), TokenKind::Number | TokenKind::Symbol(b'-' | b'+'))
    }

    /// `[+ | -] n`, of 64 bits.
    fn signed_integer(&mut self) -> Result<i64> {
        let negative = self.is_symbol(b'-');
        if negative || self.is_symbol(b'+') {
            self.advance();
        }
        if !self.is(TokenKind::Number) {
            return Err(self.unexpected());
        }
        let digits = self.token_text();
        let text = if negative { format!("-{digits}") } else { digits.to_owned() };
        self.advance();
        text.parse().map_err(|_| {
            if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                let message = format!("value \"{text}\" is out of range for type bigint");
                Error::new(SqlState::NumericValueOutOfRange, message)
            } else {
                Error::invalid_text("bigint", &text)
            }
        })
    }
}
