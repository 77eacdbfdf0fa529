//! Which statement it is.

use super::ast::{DropObjects, Statement};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, Result};

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

    fn statement(&mut self) -> Result<Statement> {
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
            Keyword::Checkpoint => {
                self.advance();
                Ok(Statement::Checkpoint)
            }
            other => Err(self.foreign_statement(other)),
        }
    }

    /// EXPLAIN of a statement that has a plan.
    fn explain(&mut self) -> Result<Statement> {
        self.advance();
        self.refuse_keyword(Keyword::Analyze, "EXPLAIN ANALYZE")?;
        self.refuse_keyword(Keyword::Analyse, "EXPLAIN ANALYZE")?;
        self.refuse_keyword(Keyword::Verbose, "EXPLAIN VERBOSE")?;
        if self.is_symbol(b'(') {
            let query = match self.next_kind() {
                TokenKind::Symbol(b'(') => true,
                TokenKind::Keyword(keyword) => matches!(
                    keyword,
                    Keyword::Select | Keyword::Values | Keyword::With | Keyword::Table
                ),
                _ => false,
            };
            if !query {
                return Err(self.not_supported("EXPLAIN with options"));
            }
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
        Ok(Statement::Explain(Box::new(explained)))
    }

    fn create(&mut self) -> Result<Statement> {
        let position = self.advance().position;
        match self.kind() {
            TokenKind::Keyword(Keyword::Table) => self.create_table(),
            TokenKind::Keyword(Keyword::Unique | Keyword::Index) => self.create_index(),
            TokenKind::Keyword(
                Keyword::Temp | Keyword::Temporary | Keyword::Local | Keyword::Global,
            ) => Err(Error::not_supported("CREATE TEMPORARY TABLE", position)),
            TokenKind::Keyword(Keyword::Unlogged) => {
                Err(Error::not_supported("CREATE UNLOGGED TABLE", position))
            }
            TokenKind::Keyword(Keyword::Or) => {
                Err(Error::not_supported("CREATE OR REPLACE", position))
            }
            TokenKind::Keyword(keyword) if is_object_kind(keyword) => {
                Err(Error::not_supported(&format!("CREATE {}", upper(keyword)), position))
            }
            _ => Err(self.unexpected()),
        }
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
                self.refuse_keyword(Keyword::Concurrently, "DROP INDEX CONCURRENTLY")?;
                Ok(Statement::DropIndex(self.drop_objects()?))
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
        Ok(DropObjects { if_exists, names, cascade })
    }

    /// 0A000 for a statement that PostgreSQL has and SPG has not, else 42601.
    #[cold]
    fn foreign_statement(&mut self, keyword: Keyword) -> Error {
        let name = match (keyword, self.next_kind()) {
            (Keyword::Alter, TokenKind::Keyword(object))
                if is_object_kind(object)
                    || object == Keyword::Table
                    || object == Keyword::Index =>
            {
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
                | Keyword::Discard
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
            | Keyword::Sequence
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
