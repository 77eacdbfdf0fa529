//! SELECT, VALUES and set operations, with ORDER BY, LIMIT and OFFSET.

use super::ast::{
    Expression, Identifier, LockStrength, LockWait, Locking, ObjectName, OrderItem, Query,
    QueryBody, Select, SelectItem, SetOperator, TableReference, Values,
};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::name;
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};
use crate::limits::IN_LIST_MAX;

/// Clauses of row locks in one query: more than there are strengths and ways to wait says nothing new of any table.
const LOCKING_CLAUSES_MAX: usize = 256;

impl Parser<'_> {
    /// Whether a query starts here that is not in parentheses.
    pub(super) fn starts_query(&self) -> bool {
        match self.kind() {
            TokenKind::Keyword(Keyword::Select | Keyword::With | Keyword::Table) => true,
            TokenKind::Keyword(Keyword::Values) => self.next_is_symbol(b'('),
            _ => false,
        }
    }

    /// Whether what stands behind a query in parentheses makes it a part of a larger query.
    pub(super) fn continues_query(&self) -> bool {
        matches!(
            self.kind(),
            TokenKind::Symbol(b')')
                | TokenKind::Keyword(
                    Keyword::Union
                        | Keyword::Intersect
                        | Keyword::Except
                        | Keyword::Order
                        | Keyword::Limit
                        | Keyword::Offset
                        | Keyword::Fetch
                        | Keyword::For
                )
        )
    }

    /// A query, in parentheses or not.
    pub(super) fn query(&mut self) -> Result<Box<Query>> {
        self.nested(|parser| {
            let first = parser.query_operand()?;
            parser.query_continued(first)
        })
    }

    /// `(query)`.
    pub(super) fn enclosed_query(&mut self) -> Result<Box<Query>> {
        self.nested(|parser| {
            parser.expect_symbol(b'(')?;
            let query = parser.query()?;
            parser.expect_symbol(b')')?;
            Ok(query)
        })
    }

    /// The rest of a query whose first operand has been parsed since the innermost `nested` began.
    pub(super) fn query_continued(&mut self, first: QueryBody) -> Result<Box<Query>> {
        let body = self.set_operations(first, 0)?;
        let order_by = self.order_by()?;
        let mut locking = self.locking()?;
        let (limit, offset) = self.limit_and_offset()?;
        if locking.is_empty() {
            locking = self.locking()?;
        }
        self.deepen()?;
        match body {
            // Parentheses around a whole query mean nothing.
            QueryBody::Nested(query)
                if order_by.is_empty()
                    && limit.is_none()
                    && offset.is_none()
                    && locking.is_empty() =>
            {
                Ok(query)
            }
            body => Ok(Box::new(Query { body, order_by, limit, offset, locking })),
        }
    }

    /// FOR UPDATE and its kin, as often as they come.
    fn locking(&mut self) -> Result<Vec<Locking>> {
        let mut clauses = Vec::new();
        while self.is_keyword(Keyword::For) {
            // FOR READ ONLY asks for nothing.
            if self.next_is_keyword(Keyword::Read) {
                self.advance();
                self.advance();
                self.expect_keyword(Keyword::Only)?;
                continue;
            }
            if clauses.len() >= LOCKING_CLAUSES_MAX {
                return Err(self.unexpected());
            }
            self.advance();
            let strength = self.lock_strength()?;
            let of = if self.accept_keyword(Keyword::Of) {
                self.comma_separated(Self::object_name)?
            } else {
                Vec::new()
            };
            let wait = if self.accept_keyword(Keyword::Nowait) {
                LockWait::NoWait
            } else if self.accept_keyword(Keyword::Skip) {
                self.expect_keyword(Keyword::Locked)?;
                LockWait::SkipLocked
            } else {
                LockWait::Block
            };
            clauses.push(Locking { strength, of, wait });
        }
        Ok(clauses)
    }

    fn lock_strength(&mut self) -> Result<LockStrength> {
        if self.accept_keyword(Keyword::Update) {
            return Ok(LockStrength::Update);
        }
        if self.accept_keyword(Keyword::Share) {
            return Ok(LockStrength::Share);
        }
        if self.accept_keyword(Keyword::No) {
            self.expect_keyword(Keyword::Key)?;
            self.expect_keyword(Keyword::Update)?;
            return Ok(LockStrength::NoKeyUpdate);
        }
        self.expect_keyword(Keyword::Key)?;
        self.expect_keyword(Keyword::Share)?;
        Ok(LockStrength::KeyShare)
    }

    fn query_operand(&mut self) -> Result<QueryBody> {
        match self.kind() {
            TokenKind::Keyword(Keyword::Select) => Ok(QueryBody::Select(Box::new(self.select()?))),
            TokenKind::Keyword(Keyword::Values) => Ok(QueryBody::Values(self.values()?)),
            TokenKind::Symbol(b'(') => Ok(QueryBody::Nested(self.enclosed_query()?)),
            TokenKind::Keyword(Keyword::With) => Err(self.not_supported("WITH")),
            TokenKind::Keyword(Keyword::Table) => {
                Ok(QueryBody::Select(Box::new(self.whole_table()?)))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `TABLE relation`: all columns of all its rows.
    fn whole_table(&mut self) -> Result<Select> {
        let position = self.advance().position;
        let name = self.relation()?;
        Ok(Select {
            distinct: false,
            items: vec![SelectItem::Wildcard(position)],
            from: vec![TableReference::Table { name, alias: None }],
            filter: None,
            group_by: Vec::new(),
            having: None,
            position,
        })
    }

    /// `left UNION right ...`, of operators that bind at least as tightly as `binding_min`.
    fn set_operations(&mut self, mut left: QueryBody, binding_min: u8) -> Result<QueryBody> {
        loop {
            let (operator, binding) = match self.kind() {
                TokenKind::Keyword(Keyword::Union) => (SetOperator::Union, 1),
                TokenKind::Keyword(Keyword::Except) => (SetOperator::Except, 1),
                TokenKind::Keyword(Keyword::Intersect) => (SetOperator::Intersect, 2),
                _ => return Ok(left),
            };
            if binding < binding_min {
                return Ok(left);
            }
            let position = self.advance().position;
            let all = self.accept_keyword(Keyword::All);
            if !all {
                self.accept_keyword(Keyword::Distinct);
            }
            let right = self.nested(|parser| {
                let operand = parser.query_operand()?;
                parser.set_operations(operand, binding + 1)
            })?;
            self.deepen()?;
            left = QueryBody::SetOperation {
                operator,
                all,
                left: Box::new(left),
                right: Box::new(right),
                position,
            };
        }
    }

    fn values(&mut self) -> Result<Values> {
        let position = self.advance().position;
        let mut rows: Vec<Vec<Expression>> = Vec::new();
        let mut count = 0;
        loop {
            self.expect_symbol(b'(')?;
            let row_position = self.position();
            let row = self.comma_separated(Self::expression)?;
            self.expect_symbol(b')')?;
            count += row.len();
            if count > IN_LIST_MAX {
                let message = format!("VALUES lists are limited to {IN_LIST_MAX} values");
                return Err(Error::new(SqlState::ProgramLimitExceeded, message).at(position));
            }
            if rows.first().is_some_and(|first| first.len() != row.len()) {
                let message = "VALUES lists must all be the same length";
                return Err(Self::syntax_error(message, row_position));
            }
            rows.push(row);
            if !self.accept_symbol(b',') {
                return Ok(Values { rows, position });
            }
        }
    }

    fn select(&mut self) -> Result<Select> {
        let position = self.advance().position;
        let distinct = self.accept_keyword(Keyword::Distinct);
        if distinct {
            self.refuse_keyword(Keyword::On, "DISTINCT ON")?;
        } else {
            self.accept_keyword(Keyword::All);
        }
        let items =
            if distinct || !self.ends_select_list() { self.select_items()? } else { Vec::new() };
        self.refuse_keyword(Keyword::Into, "SELECT INTO")?;
        let from = if self.accept_keyword(Keyword::From) {
            self.comma_separated(Self::table_reference)?
        } else {
            Vec::new()
        };
        let filter = self.filter()?;
        let group_by = self.group_by()?;
        let having =
            if self.accept_keyword(Keyword::Having) { Some(self.expression()?) } else { None };
        self.refuse_keyword(Keyword::Window, "WINDOW")?;
        Ok(Select { distinct, items, from, filter, group_by, having, position })
    }

    /// Whether what stands here may follow SELECT without a select list.
    fn ends_select_list(&self) -> bool {
        match self.kind() {
            TokenKind::End | TokenKind::Symbol(b')' | b';') => true,
            TokenKind::Keyword(keyword) => matches!(
                keyword,
                Keyword::Into
                    | Keyword::From
                    | Keyword::Where
                    | Keyword::Group
                    | Keyword::Having
                    | Keyword::Window
                    | Keyword::Union
                    | Keyword::Intersect
                    | Keyword::Except
                    | Keyword::Order
                    | Keyword::Limit
                    | Keyword::Offset
                    | Keyword::Fetch
                    | Keyword::For
                    | Keyword::On
                    | Keyword::Returning
            ),
            _ => false,
        }
    }

    /// A select list or what RETURNING lists.
    pub(super) fn select_items(&mut self) -> Result<Vec<SelectItem>> {
        self.comma_separated(Self::select_item)
    }

    fn select_item(&mut self) -> Result<SelectItem> {
        if self.is_symbol(b'*') {
            return Ok(SelectItem::Wildcard(self.advance().position));
        }
        let expression = if Self::is_column_name(self.kind()) && self.next_is_symbol(b'.') {
            let function = Self::is_function_name(self.kind());
            let parts = self.qualified_name()?;
            if self.accept_symbol(b'.') {
                self.expect_symbol(b'*')?;
                if self.is_keyword(Keyword::As) || Self::is_bare_label(self.kind()) {
                    return Err(self.not_supported("alias of *"));
                }
                return Ok(SelectItem::TableWildcard(wildcard_table(parts)?));
            }
            self.nested(|parser| {
                let first = parser.named_tail(parts, function)?;
                parser.continued(first)
            })?
        } else {
            self.expression()?
        };
        let alias = if self.accept_keyword(Keyword::As) {
            Some(self.label()?)
        } else if Self::is_bare_label(self.kind()) {
            Some(self.take_name())
        } else {
            None
        };
        Ok(SelectItem::Expression { expression, alias })
    }

    /// [WHERE condition].
    pub(super) fn filter(&mut self) -> Result<Option<Expression>> {
        if self.accept_keyword(Keyword::Where) { self.expression().map(Some) } else { Ok(None) }
    }

    fn group_by(&mut self) -> Result<Vec<Expression>> {
        if !self.accept_keywords(&[Keyword::Group, Keyword::By])? {
            return Ok(Vec::new());
        }
        self.refuse_keyword(Keyword::Distinct, "GROUP BY DISTINCT")?;
        self.accept_keyword(Keyword::All);
        self.comma_separated(|parser| {
            let what = match parser.kind() {
                TokenKind::Keyword(Keyword::Rollup) if parser.next_is_symbol(b'(') => "ROLLUP",
                TokenKind::Keyword(Keyword::Cube) if parser.next_is_symbol(b'(') => "CUBE",
                TokenKind::Keyword(Keyword::Grouping) if parser.next_is_keyword(Keyword::Sets) => {
                    "GROUPING SETS"
                }
                TokenKind::Symbol(b'(') if parser.next_is_symbol(b')') => "empty grouping set",
                _ => return parser.expression(),
            };
            Err(parser.not_supported(what))
        })
    }

    fn order_by(&mut self) -> Result<Vec<OrderItem>> {
        if !self.accept_keywords(&[Keyword::Order, Keyword::By])? {
            return Ok(Vec::new());
        }
        self.comma_separated(|parser| {
            let expression = parser.expression()?;
            parser.refuse_keyword(Keyword::Using, "ORDER BY ... USING")?;
            let (descending, nulls_first) = parser.direction();
            Ok(OrderItem { expression, descending, nulls_first })
        })
    }

    /// \[ASC | DESC\] [NULLS FIRST | LAST]: whether it is DESC, and whether NULLS FIRST if written.
    pub(super) fn direction(&mut self) -> (bool, Option<bool>) {
        let descending = self.accept_keyword(Keyword::Desc);
        if !descending {
            self.accept_keyword(Keyword::Asc);
        }
        let first = self.next_is_keyword(Keyword::First);
        if !self.is_keyword(Keyword::Nulls) || !(first || self.next_is_keyword(Keyword::Last)) {
            return (descending, None);
        }
        self.advance();
        self.advance();
        (descending, Some(first))
    }

    /// LIMIT and OFFSET in either order, each at most once.
    fn limit_and_offset(&mut self) -> Result<(Option<Expression>, Option<Expression>)> {
        let (mut limit, mut offset) = (None, None);
        let (mut limited, mut moved) = (false, false);
        loop {
            self.refuse_keyword(Keyword::Fetch, "FETCH FIRST")?;
            if !limited && self.is_keyword(Keyword::Limit) {
                limited = true;
                limit = self.limit()?;
            } else if !moved && self.accept_keyword(Keyword::Offset) {
                moved = true;
                offset = Some(self.expression()?);
                if !self.accept_keyword(Keyword::Rows) {
                    self.accept_keyword(Keyword::Row);
                }
            } else {
                return Ok((limit, offset));
            }
        }
    }

    fn limit(&mut self) -> Result<Option<Expression>> {
        let position = self.advance().position;
        if self.accept_keyword(Keyword::All) {
            return Ok(None);
        }
        let limit = self.expression()?;
        if self.is_symbol(b',') {
            return Err(Self::syntax_error("LIMIT #,# syntax is not supported", position)
                .with_hint("Use separate LIMIT and OFFSET clauses."));
        }
        Ok(Some(limit))
    }
}

/// The table of `table.*`.
fn wildcard_table(mut parts: Vec<Identifier>) -> Result<ObjectName> {
    if parts.len() > 2 {
        let full = format!("{}.*", name::join(&parts));
        return Err(if parts.len() == 3 {
            name::cross_database(&parts, &full)
        } else {
            name::too_many_names(&parts)
        });
    }
    let table = parts.pop().expect("a name has a part");
    Ok(ObjectName { schema: parts.pop(), name: table })
}
