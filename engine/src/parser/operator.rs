//! Operators: how tightly they bind, which ones SPG has, and which ones only PostgreSQL has.

use super::ast::BinaryOperator;
use super::cursor::Parser;
use super::keyword::Keyword;
use super::token::TokenKind;
use crate::error::{Error, SqlState};
use crate::types::Position;

/// How tightly an operator binds; PostgreSQL's table, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Anything.
    Lowest,
    Or,
    And,
    Not,
    /// IS, ISNULL, NOTNULL; does not associate.
    Is,
    /// `< > = <= >= <>`; does not associate.
    Comparison,
    /// BETWEEN, IN, LIKE, ILIKE, SIMILAR; does not associate.
    Pattern,
    /// Any other operator.
    Other,
    Additive,
    Multiplicative,
    Power,
    AtTimeZone,
    Collate,
    /// `-x` and `+x`.
    Sign,
    TypeCast,
}

impl Level {
    /// The next tighter level: what the right operand of a left-associative operator must reach.
    pub(super) fn above(self) -> Self {
        match self {
            Self::Lowest => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Is,
            Self::Is => Self::Comparison,
            Self::Comparison => Self::Pattern,
            Self::Pattern => Self::Other,
            Self::Other => Self::Additive,
            Self::Additive => Self::Multiplicative,
            Self::Multiplicative => Self::Power,
            Self::Power => Self::AtTimeZone,
            Self::AtTimeZone => Self::Collate,
            Self::Collate => Self::Sign,
            Self::Sign | Self::TypeCast => Self::TypeCast,
        }
    }
}

/// How much of the expression grammar is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All (PostgreSQL's `a_expr`).
    Full,
    /// Without AND, OR, NOT, BETWEEN, IN, LIKE and IS NULL (`b_expr`), where such a word behind the expression
    /// belongs to what is around it.
    Restricted,
}

impl Parser<'_> {
    /// How tightly the infix or postfix operator binds that stands here, if one does.
    pub(super) fn infix_level(&self, extent: Extent) -> Option<Level> {
        let level = match self.kind() {
            TokenKind::Symbol(b'<' | b'>' | b'=')
            | TokenKind::LessOrEqual
            | TokenKind::GreaterOrEqual
            | TokenKind::NotEqual => Level::Comparison,
            TokenKind::Symbol(b'+' | b'-') => Level::Additive,
            TokenKind::Symbol(b'*' | b'/' | b'%') => Level::Multiplicative,
            TokenKind::Symbol(b'^') => Level::Power,
            TokenKind::Operator => Level::Other,
            TokenKind::TypeCast => Level::TypeCast,
            TokenKind::Keyword(keyword) => return self.keyword_level(keyword, extent),
            _ => return None,
        };
        Some(level)
    }

    fn keyword_level(&self, keyword: Keyword, extent: Extent) -> Option<Level> {
        let level = match keyword {
            Keyword::Is => Level::Is,
            Keyword::Operator if self.next_is_symbol(b'(') => Level::Other,
            _ if extent == Extent::Restricted => return None,
            Keyword::Or => Level::Or,
            Keyword::And => Level::And,
            Keyword::Isnull | Keyword::Notnull => Level::Is,
            Keyword::Between | Keyword::In | Keyword::Like | Keyword::Ilike | Keyword::Similar => {
                Level::Pattern
            }
            Keyword::Not => match self.next_kind() {
                TokenKind::Keyword(
                    Keyword::Between
                    | Keyword::In
                    | Keyword::Like
                    | Keyword::Ilike
                    | Keyword::Similar,
                ) => Level::Pattern,
                _ => return None,
            },
            Keyword::At if self.next_is_keyword(Keyword::Time) => Level::AtTimeZone,
            Keyword::Collate => Level::Collate,
            _ => return None,
        };
        Some(level)
    }

    /// The infix operator that stands here, which is no keyword.
    pub(super) fn binary_operator(&self) -> Result<BinaryOperator, Error> {
        Ok(match self.kind() {
            TokenKind::Symbol(b'=') => BinaryOperator::Equal,
            TokenKind::NotEqual => BinaryOperator::NotEqual,
            TokenKind::Symbol(b'<') => BinaryOperator::Less,
            TokenKind::LessOrEqual => BinaryOperator::LessOrEqual,
            TokenKind::Symbol(b'>') => BinaryOperator::Greater,
            TokenKind::GreaterOrEqual => BinaryOperator::GreaterOrEqual,
            TokenKind::Symbol(b'+') => BinaryOperator::Add,
            TokenKind::Symbol(b'-') => BinaryOperator::Subtract,
            TokenKind::Symbol(b'*') => BinaryOperator::Multiply,
            TokenKind::Symbol(b'/') => BinaryOperator::Divide,
            TokenKind::Symbol(b'%') => BinaryOperator::Modulo,
            TokenKind::Symbol(b'^') => BinaryOperator::Power,
            _ => match self.token_text() {
                "||" => BinaryOperator::Concatenate,
                "<->" => BinaryOperator::DistanceEuclidean,
                "<#>" => BinaryOperator::DistanceInnerProduct,
                "<=>" => BinaryOperator::DistanceCosine,
                "<+>" => BinaryOperator::DistanceTaxicab,
                other => return Err(foreign_operator(other, self.position())),
            },
        })
    }
}

/// The sign of an infix operator.
pub(super) fn symbol(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Equal => "=",
        BinaryOperator::NotEqual => "<>",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::Power => "^",
        BinaryOperator::Concatenate => "||",
        BinaryOperator::DistanceEuclidean => "<->",
        BinaryOperator::DistanceInnerProduct => "<#>",
        BinaryOperator::DistanceCosine => "<=>",
        BinaryOperator::DistanceTaxicab => "<+>",
    }
}

/// Operators of PostgreSQL 15 that SPG has not.
const UNSUPPORTED: &[&str] = &[
    "!!", "!~", "!~*", "!~~", "!~~*", "#", "##", "#-", "#>", "#>>", "&", "&&", "&<", "&<|", "&>",
    "*<", "*<=", "*<>", "*=", "*>", "*>=", "->", "->>", "-|-", "<<", "<<=", "<<|", "<@", "<^",
    ">>", ">>=", ">^", "?", "?#", "?&", "?-", "?-|", "?|", "?||", "@", "@-@", "@>", "@?", "@@",
    "@@@", "^@", "|", "|&>", "|/", "|>>", "||/", "~", "~*", "~<=~", "~<~", "~=", "~>=~", "~>~",
    "~~", "~~*",
];

/// 0A000 for an operator that PostgreSQL has, 42883 for one that it has not either.
#[cold]
pub(super) fn foreign_operator(text: &str, position: Position) -> Error {
    if UNSUPPORTED.contains(&text) {
        return Error::not_supported(&format!("operator {text}"), position);
    }
    Error::new(SqlState::UndefinedFunction, format!("operator does not exist: {text}")).at(position)
}
