//! Expressions as SQL again.

use std::fmt::{self, Display, Formatter};

use super::ast::{
    BinaryOperator, Expression, ExpressionKind, FunctionCall, IsTest, TypeName, UnaryOperator,
};
use super::display::{list, name, quoted};
use super::keyword::{Category, Keyword};
use super::operator::symbol;

/// An expression as an operand: in parentheses unless nothing can tear it apart.
pub(super) fn operand(formatter: &mut Formatter<'_>, expression: &Expression) -> fmt::Result {
    let atomic = match &expression.kind {
        ExpressionKind::Number(number) => !number.starts_with('-'),
        ExpressionKind::Null
        | ExpressionKind::Boolean(_)
        | ExpressionKind::String(_)
        | ExpressionKind::Vector(_)
        | ExpressionKind::Parameter(_)
        | ExpressionKind::Column { .. }
        | ExpressionKind::Case { .. }
        | ExpressionKind::Cast { .. }
        | ExpressionKind::Exists(_)
        | ExpressionKind::ScalarSubquery(_)
        | ExpressionKind::Function(_) => true,
        _ => false,
    };
    if atomic { expression.fmt(formatter) } else { write!(formatter, "({expression})") }
}

/// An expression shown as an operand.
struct Operand<'a>(&'a Expression);

impl Display for Operand<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        operand(formatter, self.0)
    }
}

impl Display for Expression {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExpressionKind::Null => formatter.write_str("NULL"),
            ExpressionKind::Boolean(value) => {
                formatter.write_str(if *value { "TRUE" } else { "FALSE" })
            }
            ExpressionKind::Number(number) => formatter.write_str(number),
            ExpressionKind::String(text) => quoted(formatter, text, '\''),
            ExpressionKind::Vector(elements) => {
                formatter.write_str("[")?;
                list(formatter, elements, ", ")?;
                formatter.write_str("]")
            }
            ExpressionKind::Parameter(number) => write!(formatter, "${number}"),
            ExpressionKind::Default => formatter.write_str("DEFAULT"),
            ExpressionKind::Column { table, column } => {
                if let Some(table) = table {
                    write!(formatter, "{table}.")?;
                }
                column.fmt(formatter)
            }
            ExpressionKind::Function(call) => call.fmt(formatter),
            ExpressionKind::ScalarSubquery(query) => write!(formatter, "({query})"),
            ExpressionKind::Exists(query) => write!(formatter, "EXISTS ({query})"),
            ExpressionKind::And(operands) => chain(formatter, operands, " AND "),
            ExpressionKind::Or(operands) => chain(formatter, operands, " OR "),
            ExpressionKind::Unary { operator, operand } => unary(formatter, *operator, operand),
            ExpressionKind::Binary { operator, left, right } => {
                binary(formatter, *operator, left, right)
            }
            ExpressionKind::Cast { operand, target } => {
                write!(formatter, "{}::{target}", Operand(operand))
            }
            ExpressionKind::Case { operand, branches, otherwise } => {
                case(formatter, operand.as_deref(), branches, otherwise.as_deref())
            }
            ExpressionKind::Is { operand, test, negated } => {
                is(formatter, operand, *test, *negated)
            }
            ExpressionKind::IsDistinctFrom { left, right, negated } => {
                let (left, right) = (Operand(left), Operand(right));
                write!(formatter, "{left} IS {}DISTINCT FROM {right}", not(*negated))
            }
            ExpressionKind::Between { operand, low, high, symmetric, negated } => {
                let symmetric = if *symmetric { "SYMMETRIC " } else { "" };
                let (low, high) = (Operand(low), Operand(high));
                let (operand, not) = (Operand(operand), not(*negated));
                write!(formatter, "{operand} {not}BETWEEN {symmetric}{low} AND {high}")
            }
            ExpressionKind::InList { operand, list: items, negated } => {
                write!(formatter, "{} {}IN (", Operand(operand), not(*negated))?;
                list(formatter, items, ", ")?;
                formatter.write_str(")")
            }
            ExpressionKind::InSubquery { operand, query, negated } => {
                write!(formatter, "{} {}IN ({query})", Operand(operand), not(*negated))
            }
            ExpressionKind::Like { operand, pattern, escape, case_insensitive, negated } => {
                let like = if *case_insensitive { "ILIKE" } else { "LIKE" };
                let not = not(*negated);
                write!(formatter, "{} {not}{like} {}", Operand(operand), Operand(pattern))?;
                match escape {
                    Some(escape) => write!(formatter, " ESCAPE {}", Operand(escape)),
                    None => Ok(()),
                }
            }
        }
    }
}

fn chain(formatter: &mut Formatter<'_>, operands: &[Expression], separator: &str) -> fmt::Result {
    for (index, item) in operands.iter().enumerate() {
        formatter.write_str(if index > 0 { separator } else { "" })?;
        operand(formatter, item)?;
    }
    Ok(())
}

fn unary(
    formatter: &mut Formatter<'_>,
    operator: UnaryOperator,
    inner: &Expression,
) -> fmt::Result {
    formatter.write_str(match operator {
        UnaryOperator::Not => "NOT ",
        UnaryOperator::Minus => "-",
        UnaryOperator::Plus => "+",
    })?;
    operand(formatter, inner)
}

fn binary(
    formatter: &mut Formatter<'_>,
    operator: BinaryOperator,
    left: &Expression,
    right: &Expression,
) -> fmt::Result {
    write!(formatter, "{} {} {}", Operand(left), symbol(operator), Operand(right))
}

fn case(
    formatter: &mut Formatter<'_>,
    operand: Option<&Expression>,
    branches: &[(Expression, Expression)],
    otherwise: Option<&Expression>,
) -> fmt::Result {
    formatter.write_str("CASE")?;
    if let Some(operand) = operand {
        write!(formatter, " {operand}")?;
    }
    for (condition, value) in branches {
        write!(formatter, " WHEN {condition} THEN {value}")?;
    }
    if let Some(otherwise) = otherwise {
        write!(formatter, " ELSE {otherwise}")?;
    }
    formatter.write_str(" END")
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn is(
    formatter: &mut Formatter<'_>,
    operand: &Expression,
    test: IsTest,
    negated: bool,
) -> fmt::Result {
    let test = match test {
        IsTest::Null => "NULL",
        IsTest::True => "TRUE",
        IsTest::False => "FALSE",
        IsTest::Unknown => "UNKNOWN",
    };
    write!(formatter, "{} IS {}{test}", Operand(operand), not(negated))
}

/// Whether a call is written as a word without parentheses, `CURRENT_TIMESTAMP`: with some PostgreSQL has no such function.
fn is_bare(call: &FunctionCall) -> bool {
    let keyword = Keyword::find(&call.name.name);
    let is_word = matches!(
        keyword,
        Some(
            Keyword::CurrentCatalog
                | Keyword::CurrentDate
                | Keyword::CurrentRole
                | Keyword::CurrentSchema
                | Keyword::CurrentTimestamp
                | Keyword::CurrentUser
                | Keyword::Localtime
                | Keyword::Localtimestamp
                | Keyword::SessionUser
                | Keyword::User
        )
    );
    is_word && !call.star && !call.distinct && call.arguments.is_empty()
}

impl Display for FunctionCall {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if is_bare(self) {
            return formatter.write_str(&self.name.name.to_ascii_uppercase());
        }
        name(formatter, &self.name.name, |keyword| match keyword.category() {
            // These three mean something else before a parenthesis.
            Category::Unreserved => {
                !matches!(keyword, Keyword::Operator | Keyword::Rollup | Keyword::Cube)
            }
            Category::TypeOrFunction => true,
            Category::Reserved => false,
            Category::ColumnName => matches!(
                keyword,
                Keyword::Coalesce
                    | Keyword::Greatest
                    | Keyword::Least
                    | Keyword::Nullif
                    | Keyword::Substring
            ),
        })?;
        if self.star {
            return formatter.write_str("(*)");
        }
        formatter.write_str(if self.distinct { "(DISTINCT " } else { "(" })?;
        list(formatter, &self.arguments, ", ")?;
        formatter.write_str(")")
    }
}

impl Display for TypeName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.data_type.fmt(formatter)
    }
}
