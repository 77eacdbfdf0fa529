//! Which statement it is.

use super::ast::{DropObjects, Statement};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, Result};
use crate::types::Position;

impl Parser<'_> {
    /// One statement, up to the end of the text.
    pub(super) fn whole_statement(&mut self) -> Result<Statement> {
        let statement = self.statement()?;
        if !self.accept_symbol(b';') && !self.is(TokenKind::End) {
            return Err(self.unexpected());
        }
        while self.accept_symbol(b';') {}
        if self.is(TokenKind::End) {
            return Ok(statement);
        }
        let message = "cannot insert multiple commands into a prepared statement";
        Err(Self::syntax_error(message, self.position()))
    }

    pub(super) fn statement(&mut self) -> Result<Statement> {
        if self.is_symbol(b'(') || self.is_keyword(Keyword::Values) || self.starts_query() {
            return Ok(Statement::Query(self.query()?));
        }
        let TokenKind::Keyword(keyword) = self.kind() else {
            return Err(self.unexpected());
        };
        match keyword {
            Keyword::Insert => self.insert(),
            Keyword::Update => self.update(),
            Keyword::Delete => self.delete(),
            Keyword::Truncate => self.truncate(),
            Keyword::Create => self.create(),
            Keyword::Drop => self.drop_statement(),
            Keyword::Alter if self.next_is_keyword(Keyword::Sequence) => self.alter_sequence(),
            Keyword::Alter if self.next_is_keyword(Keyword::Table) => self.alter_table(),
            Keyword::Alter if self.next_is_keyword(Keyword::Index) => self.alter_index(),
            Keyword::Begin => self.begin(),
            Keyword::Start => self.start_transaction(),
            Keyword::Commit | Keyword::End => self.commit(),
            Keyword::Rollback | Keyword::Abort => self.rollback(keyword),
            Keyword::Savepoint => self.savepoint(),
            Keyword::Release => self.release(),
            Keyword::Set => self.set(),
            Keyword::Show => self.show(),
            Keyword::Reset => self.reset(),
            Keyword::Explain => self.explain(),
            Keyword::Discard => self.discard(),
            Keyword::Checkpoint => {
                self.advance();
                Ok(Statement::Checkpoint)
            }
            other => Err(self.foreign_statement(other)),
        }
    }

    fn create(&mut self) -> Result<Statement> {
        let position = self.advance().position;
        match self.kind() {
            TokenKind::Keyword(Keyword::Table) => self.create_table(),
            TokenKind::Keyword(Keyword::Unique | Keyword::Index) => self.create_index(),
            TokenKind::Keyword(Keyword::Sequence) => self.create_sequence(),
            TokenKind::Keyword(
                Keyword::Temp | Keyword::Temporary | Keyword::Local | Keyword::Global,
            ) if self.next_is_keyword(Keyword::Sequence) => {
                Err(Error::not_supported("CREATE TEMPORARY SEQUENCE", position))
            }
            TokenKind::Keyword(
                Keyword::Temp | Keyword::Temporary | Keyword::Local | Keyword::Global,
            ) => Err(Error::not_supported("CREATE TEMPORARY TABLE", position)),
            TokenKind::Keyword(Keyword::Unlogged) => {
                Err(Error::not_supported("CREATE UNLOGGED TABLE", position))
            }
            TokenKind::Keyword(Keyword::Or) => self.create_or_replace(position),
            TokenKind::Keyword(keyword) if is_object_kind(keyword) => {
                Err(Error::not_supported(&format!("CREATE {}", upper(keyword)), position))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// What PostgreSQL replaces is not supported; of anything else it says that it is no statement.
    fn create_or_replace(&mut self, position: Position) -> Result<Statement> {
        self.advance();
        self.expect_keyword(Keyword::Replace)?;
        let is_replaced = matches!(
            self.kind(),
            TokenKind::Keyword(
                Keyword::Aggregate
                    | Keyword::Constraint
                    | Keyword::Function
                    | Keyword::Language
                    | Keyword::Procedural
                    | Keyword::Procedure
                    | Keyword::Recursive
                    | Keyword::Rule
                    | Keyword::Temp
                    | Keyword::Temporary
                    | Keyword::Transform
                    | Keyword::Trigger
                    | Keyword::Trusted
                    | Keyword::View
            )
        );
        let error = Error::not_supported("CREATE OR REPLACE", position);
        Err(if is_replaced { error } else { self.unexpected() })
    }

    fn drop_statement(&mut self) -> Result<Statement> {
        let position = self.advance().position;
        match self.kind() {
            TokenKind::Keyword(Keyword::Table) => {
                self.advance();
                Ok(Statement::DropTable(self.drop_objects()?))
            }
            TokenKind::Keyword(Keyword::Index) => {
                self.advance();
                let concurrently = self.accept_keyword(Keyword::Concurrently);
                Ok(Statement::DropIndex(DropObjects { concurrently, ..self.drop_objects()? }))
            }
            TokenKind::Keyword(Keyword::Sequence) => {
                self.advance();
                Ok(Statement::DropSequence(self.drop_objects()?))
            }
            TokenKind::Keyword(keyword) if is_object_kind(keyword) || keyword == Keyword::Owned => {
                Err(Error::not_supported(&format!("DROP {}", upper(keyword)), position))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn drop_objects(&mut self) -> Result<DropObjects> {
        let if_exists = self.accept_keywords(&[Keyword::If, Keyword::Exists])?;
        let names = self.comma_separated(Self::object_name)?;
        let cascade = self.accept_keyword(Keyword::Cascade);
        if !cascade {
            self.accept_keyword(Keyword::Restrict);
        }
        Ok(DropObjects { if_exists, names, cascade, concurrently: false })
    }

    /// 0A000 for a statement that PostgreSQL has and SPG has not, else 42601.
    #[cold]
    fn foreign_statement(&mut self, keyword: Keyword) -> Error {
        let name = match (keyword, self.next_kind()) {
            (Keyword::Alter, TokenKind::Keyword(object)) if is_object_kind(object) => {
                format!("ALTER {}", upper(object))
            }
            (Keyword::Prepare, TokenKind::Keyword(Keyword::Transaction)) => {
                "PREPARE TRANSACTION".to_owned()
            }
            (Keyword::Analyse, _) => "ANALYZE".to_owned(),
            (_, TokenKind::End | TokenKind::Symbol(b';'))
                if is_statement(keyword) && !stands_alone(keyword) =>
            {
                self.advance();
                return self.unexpected();
            }
            _ if is_statement(keyword) => upper(keyword),
            _ => return self.unexpected(),
        };
        self.not_supported(&name)
    }
}

/// Whether the word alone is a statement.
fn stands_alone(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::Analyze | Keyword::Analyse | Keyword::Cluster | Keyword::Vacuum)
}

fn upper(keyword: Keyword) -> String {
    keyword.word().to_ascii_uppercase()
}

/// Whether PostgreSQL 15 has statements that start with this word, beside those that SPG has too.
fn is_statement(keyword: Keyword) -> bool {
    stands_alone(keyword)
        || matches!(
            keyword,
            Keyword::Alter
                | Keyword::Call
                | Keyword::Close
                | Keyword::Comment
                | Keyword::Copy
                | Keyword::Deallocate
                | Keyword::Declare
                | Keyword::Do
                | Keyword::Execute
                | Keyword::Fetch
                | Keyword::Grant
                | Keyword::Import
                | Keyword::Listen
                | Keyword::Load
                | Keyword::Lock
                | Keyword::Merge
                | Keyword::Move
                | Keyword::Notify
                | Keyword::Prepare
                | Keyword::Reassign
                | Keyword::Refresh
                | Keyword::Reindex
                | Keyword::Revoke
                | Keyword::Security
                | Keyword::Unlisten
        )
}

/// Whether the word may follow CREATE or DROP for an object that SPG has not.
fn is_object_kind(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::Access
            | Keyword::Aggregate
            | Keyword::Cast
            | Keyword::Collation
            | Keyword::Constraint
            | Keyword::Conversion
            | Keyword::Database
            | Keyword::Default
            | Keyword::Domain
            | Keyword::Event
            | Keyword::Extension
            | Keyword::Foreign
            | Keyword::Function
            | Keyword::Group
            | Keyword::Language
            | Keyword::Materialized
            | Keyword::Operator
            | Keyword::Policy
            | Keyword::Procedural
            | Keyword::Procedure
            | Keyword::Publication
            | Keyword::Recursive
            | Keyword::Role
            | Keyword::Routine
            | Keyword::Rule
            | Keyword::Schema
            | Keyword::Server
            | Keyword::Statistics
            | Keyword::Subscription
            | Keyword::Tablespace
            | Keyword::Text
            | Keyword::Transform
            | Keyword::Trigger
            | Keyword::Trusted
            | Keyword::Type
            | Keyword::User
            | Keyword::View
    )
}
