//! Function calls, and the functions with a syntax of their own.

use super::ast::{Expression, ExpressionKind, FunctionCall, Identifier};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::operator::{Extent, Level};
use super::token::TokenKind;
use super::type_name::named_type;
use crate::error::{Error, Result};
use crate::types::Position;

impl Parser<'_> {
    /// The call of a function of these names; the opening parenthesis stands here.
    pub(super) fn function_call(&mut self, mut parts: Vec<Identifier>) -> Result<Expression> {
        let position = parts[0].position;
        self.advance();
        let star = self.accept_symbol(b'*');
        let distinct = !star && self.accept_keyword(Keyword::Distinct);
        let all = !star && !distinct && self.accept_keyword(Keyword::All);
        let empty = star || (!distinct && !all && self.is_symbol(b')'));
        let arguments =
            if empty { Vec::new() } else { self.comma_separated(Self::function_argument)? };
        self.refuse_keyword(Keyword::Order, "ORDER BY in a function call")?;
        self.expect_symbol(b')')?;
        if matches!(self.kind(), TokenKind::String(_)) && !star && !distinct && !all {
            let target = named_type(&parts, &arguments)?;
            return self.literal_of_type(target);
        }
        self.refuse_function_clauses()?;
        let name = parts.pop().expect("a name has a part");
        if parts.iter().any(|qualifier| qualifier.name != "pg_catalog") || parts.len() > 1 {
            return Err(Error::not_supported("function name with a schema", position));
        }
        let mut arguments = arguments;
        if matches!(name.name.as_str(), "nextval" | "currval" | "setval") {
            unwrap_regclass(&mut arguments);
        }
        self.deepen()?;
        let call = FunctionCall { name, arguments, star, distinct };
        Ok(Expression { kind: ExpressionKind::Function(Box::new(call)), position })
    }

    fn function_argument(&mut self) -> Result<Expression> {
        self.refuse_keyword(Keyword::Variadic, "VARIADIC")?;
        if Self::is_label(self.kind())
            && matches!(self.next_kind(), TokenKind::Arrow | TokenKind::ColonEquals)
        {
            return Err(self.not_supported("named argument"));
        }
        self.expression()
    }

    fn refuse_function_clauses(&self) -> Result<()> {
        match self.kind() {
            TokenKind::Keyword(Keyword::Within) if self.next_is_keyword(Keyword::Group) => {
                Err(self.not_supported("WITHIN GROUP"))
            }
            TokenKind::Keyword(Keyword::Filter) if self.next_is_symbol(b'(') => {
                Err(self.not_supported("FILTER"))
            }
            TokenKind::Keyword(Keyword::Over)
                if self.next_is_symbol(b'(') || Self::is_column_name(self.next_kind()) =>
            {
                Err(self.not_supported("OVER"))
            }
            _ => Ok(()),
        }
    }

    /// What starts with a keyword: a function with a syntax of its own, else a name.
    pub(super) fn special_function(&mut self, keyword: Keyword) -> Result<Expression> {
        if !self.next_is_symbol(b'(') {
            return self.other_keyword(keyword);
        }
        let parse = match keyword {
            Keyword::Coalesce | Keyword::Greatest | Keyword::Least | Keyword::Nullif => {
                Self::conditional_function
            }
            Keyword::Substring => Self::substring,
            Keyword::Trim => Self::trim,
            Keyword::Position => Self::position_function,
            Keyword::Extract => Self::extract,
            _ => return self.other_keyword(keyword),
        };
        let call = self.nested(parse)?;
        self.deepen()?;
        Ok(call)
    }

    /// A keyword that is a name, or a function that SPG has not.
    fn other_keyword(&mut self, keyword: Keyword) -> Result<Expression> {
        let what = match keyword {
            Keyword::CurrentDate
            | Keyword::CurrentTimestamp
            | Keyword::Localtime
            | Keyword::Localtimestamp => return self.clock(keyword),
            Keyword::CurrentRole
            | Keyword::CurrentUser
            | Keyword::User
            | Keyword::SessionUser
            | Keyword::CurrentCatalog => {
                let position = self.advance().position;
                return Ok(call(keyword.word(), Vec::new(), position));
            }
            Keyword::CurrentSchema if !self.next_is_symbol(b'(') => {
                let position = self.advance().position;
                return Ok(call(keyword.word(), Vec::new(), position));
            }
            Keyword::CurrentTime => keyword.word().to_ascii_uppercase(),
            Keyword::Collation if self.next_is_keyword(Keyword::For) => "COLLATION FOR".to_owned(),
            _ if !self.next_is_symbol(b'(') => return self.named_primary(),
            Keyword::Row => "row constructor".to_owned(),
            Keyword::Grouping
            | Keyword::Overlay
            | Keyword::Normalize
            | Keyword::Treat
            | Keyword::Xmlconcat
            | Keyword::Xmlelement
            | Keyword::Xmlexists
            | Keyword::Xmlforest
            | Keyword::Xmlparse
            | Keyword::Xmlpi
            | Keyword::Xmlroot
            | Keyword::Xmlserialize => keyword.word().to_ascii_uppercase(),
            _ => return self.named_primary(),
        };
        Err(self.not_supported(&what))
    }

    /// COALESCE, GREATEST, LEAST, NULLIF.
    fn conditional_function(&mut self) -> Result<Expression> {
        let name = self.take_name();
        self.expect_symbol(b'(')?;
        let mut arguments = vec![self.expression()?];
        if name.name == "nullif" {
            self.expect_symbol(b',')?;
            arguments.push(self.expression()?);
        } else {
            while self.accept_symbol(b',') {
                arguments.push(self.expression()?);
            }
        }
        self.expect_symbol(b')')?;
        Ok(call(&name.name, arguments, name.position))
    }

    /// substring(s, from, for), substring(s FROM from FOR for), with FROM and FOR in either order.
    fn substring(&mut self) -> Result<Expression> {
        let position = self.advance().position;
        self.expect_symbol(b'(')?;
        if self.accept_symbol(b')') {
            return Ok(call("substring", Vec::new(), position));
        }
        let mut arguments = vec![self.function_argument()?];
        let mut start = None;
        let mut length = None;
        match self.kind() {
            TokenKind::Keyword(Keyword::From) => {
                start = self.keyword_argument(Keyword::From)?;
                length = self.keyword_argument(Keyword::For)?;
            }
            TokenKind::Keyword(Keyword::For) => {
                length = self.keyword_argument(Keyword::For)?;
                start = self.keyword_argument(Keyword::From)?;
            }
            TokenKind::Keyword(Keyword::Similar) => {
                return Err(self.not_supported("SUBSTRING with SIMILAR"));
            }
            _ => {
                while self.accept_symbol(b',') {
                    arguments.push(self.function_argument()?);
                }
            }
        }
        self.expect_symbol(b')')?;
        if length.is_some() && start.is_none() {
            let kind = ExpressionKind::Number("1".to_owned());
            start = Some(Expression { kind, position });
        }
        arguments.extend(start);
        arguments.extend(length);
        Ok(call("substring", arguments, position))
    }

    fn keyword_argument(&mut self, keyword: Keyword) -> Result<Option<Expression>> {
        if self.accept_keyword(keyword) { self.expression().map(Some) } else { Ok(None) }
    }

    /// trim(\[BOTH | LEADING | TRAILING\] [characters FROM] s), also trim(s, characters).
    fn trim(&mut self) -> Result<Expression> {
        let position = self.advance().position;
        self.expect_symbol(b'(')?;
        let name = match self.kind() {
            TokenKind::Keyword(Keyword::Leading) => "ltrim",
            TokenKind::Keyword(Keyword::Trailing) => "rtrim",
            _ => "btrim",
        };
        if matches!(
            self.kind(),
            TokenKind::Keyword(Keyword::Leading | Keyword::Trailing | Keyword::Both)
        ) {
            self.advance();
        }
        let mut arguments = Vec::new();
        if self.accept_keyword(Keyword::From) {
            arguments.append(&mut self.comma_separated(Self::expression)?);
        } else {
            let first = self.expression()?;
            if self.accept_keyword(Keyword::From) {
                arguments.append(&mut self.comma_separated(Self::expression)?);
                arguments.push(first);
            } else {
                arguments.push(first);
                while self.accept_symbol(b',') {
                    arguments.push(self.expression()?);
                }
            }
        }
        self.expect_symbol(b')')?;
        Ok(call(name, arguments, position))
    }

    /// `CURRENT_TIMESTAMP` and its kin, which stand without parentheses; of their precisions all have 6.
    fn clock(&mut self, keyword: Keyword) -> Result<Expression> {
        let position = self.advance().position;
        if keyword != Keyword::CurrentDate && self.is_symbol(b'(') {
            let what = format!("{} with a precision", keyword.word().to_ascii_uppercase());
            self.advance();
            let is_six = self.is(TokenKind::Number) && self.token_text() == "6";
            if !is_six {
                return Err(Error::not_supported(&what, position));
            }
            self.advance();
            self.expect_symbol(b')')?;
        }
        Ok(call(keyword.word(), Vec::new(), position))
    }

    /// extract(field FROM x), which is extract('field', x).
    fn extract(&mut self) -> Result<Expression> {
        let position = self.advance().position;
        self.expect_symbol(b'(')?;
        let place = self.position();
        let field = if matches!(self.kind(), TokenKind::String(_)) {
            self.string()?
        } else {
            self.label()?.name
        };
        let field = Expression { kind: ExpressionKind::String(field), position: place };
        self.expect_keyword(Keyword::From)?;
        let of = self.expression()?;
        self.expect_symbol(b')')?;
        Ok(call("extract", vec![field, of], position))
    }

    /// position(part IN whole), which is position(whole, part).
    fn position_function(&mut self) -> Result<Expression> {
        let position = self.advance().position;
        self.expect_symbol(b'(')?;
        let part = self.expression_at(Level::Lowest, Extent::Restricted)?;
        self.expect_keyword(Keyword::In)?;
        let whole = self.expression_at(Level::Lowest, Extent::Restricted)?;
        self.expect_symbol(b')')?;
        Ok(call("position", vec![whole, part], position))
    }
}

/// `nextval('s'::regclass)`, as dumps write it, is `nextval('s')`.
fn unwrap_regclass(arguments: &mut [Expression]) {
    if let Some(first) = arguments.first_mut()
        && let ExpressionKind::Function(call) = &mut first.kind
        && call.name.name == "regclass"
        && let [Expression { kind: ExpressionKind::String(_), .. }] = call.arguments.as_slice()
        && let Some(name) = call.arguments.pop()
    {
        *first = name;
    }
}

pub(super) fn call(name: &str, arguments: Vec<Expression>, position: Position) -> Expression {
    let name = Identifier { name: name.to_owned(), position };
    let call = FunctionCall { name, arguments, star: false, distinct: false };
    Expression { kind: ExpressionKind::Function(Box::new(call)), position }
}
