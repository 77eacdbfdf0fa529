//! Bound expressions, their functions and aggregates.

use super::ColumnId;
use crate::types::{DataType, Value};

/// An aggregate in a query.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateCall {
    /// Which.
    pub function: AggregateFunction,
    /// Its argument, cast to what the function works on; None for count(*).
    pub argument: Option<Expression>,
    /// DISTINCT.
    pub distinct: bool,
    /// Type of the result: count Int8; sum of integers Int8 (22003 beyond), of float4 Float4, of float8 Float8;
    /// avg Float8; min and max that of the argument; sum and avg of vectors Vector.
    pub data_type: DataType,
}

/// The aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    /// count(*)
    CountStar,
    /// count(x)
    Count,
    /// sum(x)
    Sum,
    /// avg(x)
    Average,
    /// min(x)
    Min,
    /// max(x)
    Max,
}

/// A typed expression. Operands have the types the function works on: the binder wrote the casts.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A constant.
    Literal {
        /// The value, NULL or of the type.
        value: Value,
        /// The type.
        data_type: DataType,
    },
    /// $n.
    Parameter {
        /// n - 1.
        index: usize,
        /// The type it was inferred to have; the value given is of it or NULL.
        data_type: DataType,
    },
    /// A column of the input: by [`ColumnId`] in a [`Relation`], by ordinal of the input batch in a plan.
    Column {
        /// Which.
        id: ColumnId,
        /// Its type.
        data_type: DataType,
    },
    /// A function or operator over all its arguments.
    Call {
        /// Which.
        function: Function,
        /// The arguments.
        arguments: Vec<Expression>,
        /// The type of the result.
        data_type: DataType,
    },
    /// A cast; text to anything parses, anything to text prints.
    Cast {
        /// Of what.
        operand: Box<Expression>,
        /// To what, modifier included.
        target: DataType,
        /// Written in the statement: a text too long for VARCHAR(n) is cut. Otherwise (assignment): 22001.
        explicit: bool,
    },
    /// All true; evaluated left to right, a later operand only for rows where no earlier one is false.
    And(Vec<Expression>),
    /// Any true; likewise for rows where no earlier one is true.
    Or(Vec<Expression>),
    /// NOT.
    Not(Box<Expression>),
    /// IS [NOT] NULL.
    IsNull {
        /// Tested.
        operand: Box<Expression>,
        /// NOT.
        negated: bool,
    },
    /// IS [NOT] TRUE or FALSE (UNKNOWN is `IsNull` over a boolean).
    IsBoolean {
        /// Tested, boolean.
        operand: Box<Expression>,
        /// TRUE or FALSE.
        value: bool,
        /// NOT.
        negated: bool,
    },
    /// [NOT] IN (list): three-valued.
    InList {
        /// Tested.
        operand: Box<Expression>,
        /// Of the operand's type.
        list: Vec<Expression>,
        /// NOT.
        negated: bool,
    },
    /// CASE WHEN condition THEN value ... ELSE value END; a branch is evaluated only for the rows that reach it.
    Case {
        /// Conditions (boolean) and values.
        branches: Vec<(Expression, Expression)>,
        /// ELSE; None is NULL.
        otherwise: Option<Box<Expression>>,
        /// The type of the values.
        data_type: DataType,
    },
    /// COALESCE; a later operand only for the rows where all earlier ones are NULL.
    Coalesce {
        /// The operands, of one type.
        operands: Vec<Expression>,
        /// Their type.
        data_type: DataType,
    },
    /// An uncorrelated subquery's one value, NULL for no row (21000 for several).
    ScalarSubquery {
        /// Index in [`Bound::subqueries`].
        index: usize,
        /// Type of its one column.
        data_type: DataType,
    },
    /// Whether an uncorrelated subquery has a row.
    Exists {
        /// Index in [`Bound::subqueries`].
        index: usize,
    },
    /// [NOT] IN (SELECT ...): three-valued.
    InSubquery {
        /// Tested, of the type of the subquery's one column.
        operand: Box<Expression>,
        /// Index in [`Bound::subqueries`].
        index: usize,
        /// NOT.
        negated: bool,
    },
}

/// Functions and operators whose arguments are all evaluated. Strict (a NULL argument gives NULL) unless noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `=` and its kin: two arguments of one kind of type; NaN equals NaN and is above all, -0 equals 0, text by bytes.
    Compare(Comparison),
    /// IS [NOT] DISTINCT FROM (the flag is NOT); not strict.
    DistinctFrom(bool),
    /// `+ - * / %` over two arguments of one numeric type (or vectors: + - *), and `^` over Float8.
    Arithmetic(Arithmetic),
    /// Unary minus.
    Negate,
    /// `||` over text.
    Concatenate,
    /// LIKE: text, pattern, and optionally the escape character (a third argument; absent: backslash).
    Like,
    /// ILIKE likewise.
    ILike,
    /// `<->`.
    DistanceEuclidean,
    /// `<#>`.
    DistanceInnerProduct,
    /// `<=>`.
    DistanceCosine,
    /// `<+>`.
    DistanceTaxicab,
    /// NULLIF(a, b); not strict in b.
    NullIf,
    /// GREATEST; NULLs ignored.
    Greatest,
    /// LEAST; NULLs ignored.
    Least,
    /// Every other function by name.
    Scalar(ScalarFunction),
}

/// `=` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
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
}

/// Named functions. Numeric ones work on the argument's own type where PostgreSQL's do, else on Float8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarFunction {
    /// abs(n)
    Abs,
    /// ceil(f), ceiling(f)
    Ceil,
    /// floor(f)
    Floor,
    /// round(f) to even as PostgreSQL's dround, round(f, digits) half away from zero
    Round,
    /// trunc(f)
    Trunc,
    /// sign(f)
    Sign,
    /// mod(n, n)
    Mod,
    /// power(f, f), pow
    Power,
    /// sqrt(f)
    Sqrt,
    /// exp(f)
    Exp,
    /// ln(f)
    Ln,
    /// log(f), log10
    Log10,
    /// pi()
    Pi,
    /// length(t), char_length, character_length: in characters
    Length,
    /// octet_length(t)
    OctetLength,
    /// lower(t)
    Lower,
    /// upper(t)
    Upper,
    /// substr(t, from[, count]), substring
    Substring,
    /// btrim(t[, characters])
    TrimBoth,
    /// ltrim(t[, characters])
    TrimLeft,
    /// rtrim(t[, characters])
    TrimRight,
    /// replace(t, from, to)
    Replace,
    /// strpos(t, sought), position
    StringPosition,
    /// left(t, n)
    Left,
    /// right(t, n)
    Right,
    /// concat(...): NULLs skipped; not strict
    Concat,
    /// concat_ws(separator, ...): NULLs skipped; strict in the separator
    ConcatWithSeparator,
    /// repeat(t, n)
    Repeat,
    /// reverse(t)
    Reverse,
    /// lpad(t, n[, fill])
    PadLeft,
    /// rpad(t, n[, fill])
    PadRight,
    /// starts_with(t, prefix)
    StartsWith,
    /// split_part(t, separator, n)
    SplitPart,
    /// vector_dims(v)
    VectorDimensions,
    /// vector_norm(v)
    VectorNorm,
    /// inner_product(v, v)
    InnerProduct,
}

impl Expression {
    /// The type of its value.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Literal { data_type, .. }
            | Self::Parameter { data_type, .. }
            | Self::Column { data_type, .. }
            | Self::Call { data_type, .. }
            | Self::Case { data_type, .. }
            | Self::Coalesce { data_type, .. }
            | Self::ScalarSubquery { data_type, .. } => *data_type,
            Self::Cast { target, .. } => *target,
            Self::And(_)
            | Self::Or(_)
            | Self::Not(_)
            | Self::IsNull { .. }
            | Self::IsBoolean { .. }
            | Self::InList { .. }
            | Self::Exists { .. }
            | Self::InSubquery { .. } => DataType::Bool,
        }
    }

    /// Calls `visit` for each direct operand, left to right.
    pub fn each_child<'e>(&'e self, visit: &mut dyn FnMut(&'e Self)) {
        match self {
            Self::Literal { .. }
            | Self::Parameter { .. }
            | Self::Column { .. }
            | Self::ScalarSubquery { .. }
            | Self::Exists { .. } => {}
            Self::Call { arguments: operands, .. }
            | Self::And(operands)
            | Self::Or(operands)
            | Self::Coalesce { operands, .. } => operands.iter().for_each(visit),
            Self::Cast { operand, .. }
            | Self::Not(operand)
            | Self::IsNull { operand, .. }
            | Self::IsBoolean { operand, .. }
            | Self::InSubquery { operand, .. } => visit(operand),
            Self::InList { operand, list, .. } => {
                visit(operand);
                list.iter().for_each(visit);
            }
            Self::Case { branches, otherwise, .. } => {
                for (condition, value) in branches {
                    visit(condition);
                    visit(value);
                }
                if let Some(otherwise) = otherwise {
                    visit(otherwise);
                }
            }
        }
    }

    /// Calls `visit` for each direct operand, left to right, which it may change.
    pub fn each_child_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        match self {
            Self::Literal { .. }
            | Self::Parameter { .. }
            | Self::Column { .. }
            | Self::ScalarSubquery { .. }
            | Self::Exists { .. } => {}
            Self::Call { arguments: operands, .. }
            | Self::And(operands)
            | Self::Or(operands)
            | Self::Coalesce { operands, .. } => operands.iter_mut().for_each(visit),
            Self::Cast { operand, .. }
            | Self::Not(operand)
            | Self::IsNull { operand, .. }
            | Self::IsBoolean { operand, .. }
            | Self::InSubquery { operand, .. } => visit(operand),
            Self::InList { operand, list, .. } => {
                visit(operand);
                list.iter_mut().for_each(visit);
            }
            Self::Case { branches, otherwise, .. } => {
                for (condition, value) in branches {
                    visit(condition);
                    visit(value);
                }
                if let Some(otherwise) = otherwise {
                    visit(otherwise);
                }
            }
        }
    }
}
