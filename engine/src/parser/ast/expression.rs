//! Expressions of the syntax tree.

use super::{Identifier, ObjectName, Query, TypeName};
use crate::types::Position;

/// An expression with the place PostgreSQL would report for it (an operator's own place for binary operators).
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where it stands.
    pub position: Position,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// NULL.
    Null,
    /// TRUE or FALSE.
    Boolean(bool),
    /// An integer or decimal literal as written, with the minus sign that stood before it, if any.
    Number(String),
    /// A string literal of any form, decoded.
    String(String),
    /// `[1.0, 2.0]`: a vector literal; its elements are numbers with their signs (checked by the parser).
    Vector(Vec<String>),
    /// $n.
    Parameter(u32),
    /// DEFAULT, in VALUES of INSERT and SET only (elsewhere the binder refuses it: 42601).
    Default,
    /// [table.]column.
    Column {
        /// table (a schema before it is checked to be `public` by the parser's caller).
        table: Option<ObjectName>,
        /// column.
        column: Identifier,
    },
    /// + - NOT.
    Unary {
        /// Which.
        operator: UnaryOperator,
        /// On what.
        operand: Box<Expression>,
    },
    /// left operator right, save AND and OR.
    Binary {
        /// Which.
        operator: BinaryOperator,
        /// Left.
        left: Box<Expression>,
        /// Right.
        right: Box<Expression>,
    },
    /// A chain of AND of two or more, flattened so that a long one is not deep.
    And(Vec<Expression>),
    /// A chain of OR of two or more, flattened likewise.
    Or(Vec<Expression>),
    /// IS \[NOT\] NULL, TRUE, FALSE or UNKNOWN.
    Is {
        /// Tested.
        operand: Box<Expression>,
        /// For what.
        test: IsTest,
        /// NOT.
        negated: bool,
    },
    /// IS \[NOT\] DISTINCT FROM.
    IsDistinctFrom {
        /// Left.
        left: Box<Expression>,
        /// Right.
        right: Box<Expression>,
        /// NOT.
        negated: bool,
    },
    /// \[NOT\] BETWEEN \[SYMMETRIC\] low AND high.
    Between {
        /// Tested.
        operand: Box<Expression>,
        /// Lower bound.
        low: Box<Expression>,
        /// Upper bound.
        high: Box<Expression>,
        /// SYMMETRIC.
        symmetric: bool,
        /// NOT.
        negated: bool,
    },
    /// \[NOT\] IN (list).
    InList {
        /// Tested.
        operand: Box<Expression>,
        /// The list, at least one.
        list: Vec<Expression>,
        /// NOT.
        negated: bool,
    },
    /// \[NOT\] IN (SELECT ...).
    InSubquery {
        /// Tested.
        operand: Box<Expression>,
        /// The query.
        query: Box<Query>,
        /// NOT.
        negated: bool,
    },
    /// \[NOT\] EXISTS is Unary Not over this.
    Exists(Box<Query>),
    /// (SELECT ...) as a value.
    ScalarSubquery(Box<Query>),
    /// \[NOT\] LIKE or ILIKE, with ESCAPE.
    Like {
        /// Tested.
        operand: Box<Expression>,
        /// Pattern.
        pattern: Box<Expression>,
        /// ESCAPE.
        escape: Option<Box<Expression>>,
        /// ILIKE.
        case_insensitive: bool,
        /// NOT.
        negated: bool,
    },
    /// CASE \[operand\] WHEN ... THEN ... \[ELSE ...\] END.
    Case {
        /// The operand of the simple form.
        operand: Option<Box<Expression>>,
        /// WHEN and THEN, at least one.
        branches: Vec<(Expression, Expression)>,
        /// ELSE.
        otherwise: Option<Box<Expression>>,
    },
    /// CAST(operand AS type), `operand::type`, type 'literal'.
    Cast {
        /// What is cast.
        operand: Box<Expression>,
        /// To what.
        target: TypeName,
    },
    /// name(arguments); also COALESCE, NULLIF, GREATEST, LEAST and the special forms of substring, trim, position
    /// and overlay, brought to plain calls (`substring(s from 1 for 2)` is substring(s, 1, 2);
    /// `trim(both x from s)` is btrim(s, x); `position(a in b)` is position(b, a), with the name `position`).
    Function(Box<FunctionCall>),
}

/// name(arguments).
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    /// The name.
    pub name: Identifier,
    /// The arguments.
    pub arguments: Vec<Expression>,
    /// count(*).
    pub star: bool,
    /// DISTINCT before the arguments.
    pub distinct: bool,
}

/// What IS tests for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsTest {
    /// NULL.
    Null,
    /// TRUE.
    True,
    /// FALSE.
    False,
    /// UNKNOWN.
    Unknown,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// NOT.
    Not,
    /// -.
    Minus,
    /// +.
    Plus,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `=`
    Equal,
    /// `<>` and `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`
    Power,
    /// `||`
    Concatenate,
    /// `<->`: Euclidean distance.
    DistanceEuclidean,
    /// `<#>`: negative inner product.
    DistanceInnerProduct,
    /// `<=>`: cosine distance.
    DistanceCosine,
    /// `<+>`: taxicab distance.
    DistanceTaxicab,
}
