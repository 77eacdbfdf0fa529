//! Text functions over rows: which arguments are NULL, what type the result has, how long it may be.
//!
//! Lengths and positions are in characters. lower and upper follow Unicode, where PostgreSQL in the C locale changes
//! only ASCII.

use smallvec::SmallVec;

use crate::binder::bound::ScalarFunction;
use crate::error::{Error, Result, SqlState};
use crate::executor::context::Context;
use crate::executor::expression::operand::{Operand, constants, unbound};
use crate::executor::expression::text_edit;
use crate::executor::memory::MemoryBudget;
use crate::limits::TEXT_BYTES_MAX;
use crate::storage::column::Column;
use crate::types::{DataType, Value, ValueRef, format_value};

/// Results from this size on are counted in the statement's memory before they are made.
const COUNTED_BYTES_MIN: usize = 1 << 20;

/// A result under construction.
pub(super) struct Output<'m> {
    text: String,
    /// Bytes of the batch's earlier results.
    earlier: usize,
    /// Bytes counted in the budget.
    reserved: usize,
    memory: &'m MemoryBudget,
}

impl Output<'_> {
    /// Makes sure that `bytes` more may be appended: 54000 beyond the longest text, 53200 beyond the memory.
    pub(super) fn reserve(&mut self, bytes: usize) -> Result<()> {
        let total = self.text.len().saturating_add(bytes);
        if total > TEXT_BYTES_MAX {
            return Err(too_long());
        }
        self.count(total)?;
        self.text.reserve(bytes);
        Ok(())
    }

    /// Counts the batch's results so far and one of `bytes`; what the batch then keeps is its consumer's to count.
    fn count(&mut self, bytes: usize) -> Result<()> {
        let total = self.earlier.saturating_add(bytes);
        if total >= COUNTED_BYTES_MIN && total > self.reserved {
            self.memory.reserve(total - self.reserved)?;
            self.reserved = total;
        }
        Ok(())
    }

    /// Appends a text.
    pub(super) fn push_str(&mut self, text: &str) -> Result<()> {
        self.reserve(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    /// Appends a value as its type's output function writes it.
    fn push_value(&mut self, value: ValueRef<'_>) -> Result<()> {
        if let ValueRef::Text(text) = value {
            return self.push_str(text);
        }
        format_value(value, &mut self.text);
        Ok(())
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        self.memory.release(self.reserved);
    }
}

/// 54000 for a text beyond [`TEXT_BYTES_MAX`].
#[cold]
pub(super) fn too_long() -> Error {
    Error::new(SqlState::ProgramLimitExceeded, "requested length too large")
}

/// What a text function yields.
enum Outcome<'a> {
    /// NULL.
    Null,
    /// What stands in the output.
    Output,
    /// A part of an argument.
    Part(&'a str),
    /// Another type.
    Value(ValueRef<'static>),
}

/// A text function over its operands.
pub(super) fn text(
    function: ScalarFunction,
    data_type: DataType,
    operands: &[Operand<'_>],
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    map_rows(data_type, operands, rows, context, |arguments, output| {
        apply(function, arguments, output)
    })
}

/// `||`: as concat, but NULL where an operand is.
pub(super) fn concatenate(
    data_type: DataType,
    operands: &[Operand<'_>],
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    map_rows(data_type, operands, rows, context, |arguments, output| {
        if arguments.iter().any(|argument| argument.is_null()) {
            return Ok(Outcome::Null);
        }
        concat(arguments, output)
    })
}

/// Calls `function` for each row with its arguments.
fn map_rows<'o>(
    data_type: DataType,
    operands: &'o [Operand<'_>],
    rows: usize,
    context: &Context<'_>,
    function: impl Fn(&[ValueRef<'o>], &mut Output<'_>) -> Result<Outcome<'o>>,
) -> Result<Operand<'static>> {
    let mut output =
        Output { text: String::new(), earlier: 0, reserved: 0, memory: context.memory };
    if let Some(arguments) = constants(operands) {
        return Ok(Operand::Constant(match function(&arguments, &mut output)? {
            Outcome::Null => Value::Null,
            Outcome::Output => Value::Text(output.text.as_str().into()),
            Outcome::Part(part) => Value::Text(part.into()),
            Outcome::Value(value) => value.to_value(),
        }));
    }
    let mut column = Column::with_capacity(data_type, rows);
    let mut arguments = SmallVec::<[ValueRef<'o>; 4]>::new();
    for row in 0..rows {
        arguments.clear();
        arguments.extend(operands.iter().map(|operand| operand.get(row)));
        output.text.clear();
        let bytes = match function(&arguments, &mut output)? {
            Outcome::Null => push(&mut column, ValueRef::Null),
            Outcome::Output => push(&mut column, ValueRef::Text(&output.text)),
            Outcome::Part(part) => {
                output.count(part.len())?;
                push(&mut column, ValueRef::Text(part))
            }
            Outcome::Value(value) => push(&mut column, value),
        };
        output.earlier += bytes;
        if bytes >= COUNTED_BYTES_MIN {
            context.interrupt.check()?;
        }
    }
    Ok(Operand::owned(column))
}

/// Appends a result; its length in bytes, if it is a text.
fn push(column: &mut Column, value: ValueRef<'_>) -> usize {
    column.push(value);
    if let ValueRef::Text(text) = value { text.len() } else { 0 }
}

fn apply<'a>(
    function: ScalarFunction,
    arguments: &[ValueRef<'a>],
    output: &mut Output<'_>,
) -> Result<Outcome<'a>> {
    match function {
        ScalarFunction::Concat => return concat(arguments, output),
        ScalarFunction::ConcatWithSeparator => return concat_with_separator(arguments, output),
        _ => {}
    }
    if arguments.iter().any(|argument| argument.is_null()) {
        return Ok(Outcome::Null);
    }
    match arguments {
        [ValueRef::Text(text)] => of_one(function, text, output),
        [ValueRef::Text(text), ValueRef::Text(other)] => of_two(function, text, other),
        [ValueRef::Text(text), numbers @ ..] => of_numbers(function, text, numbers, output),
        _ => Err(unbound("a text function's arguments")),
    }
}

fn concat<'a>(arguments: &[ValueRef<'a>], output: &mut Output<'_>) -> Result<Outcome<'a>> {
    for &argument in arguments {
        output.push_value(argument)?;
    }
    Ok(Outcome::Output)
}

fn concat_with_separator<'a>(
    arguments: &[ValueRef<'a>],
    output: &mut Output<'_>,
) -> Result<Outcome<'a>> {
    let [ValueRef::Text(separator), rest @ ..] = arguments else { return Ok(Outcome::Null) };
    let mut first = true;
    for &argument in rest.iter().filter(|argument| !argument.is_null()) {
        if !first {
            output.push_str(separator)?;
        }
        first = false;
        output.push_value(argument)?;
    }
    Ok(Outcome::Output)
}

fn int4(count: usize) -> Outcome<'static> {
    Outcome::Value(ValueRef::Int4(i32::try_from(count).unwrap_or(i32::MAX)))
}

/// The number of characters.
fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

fn of_one<'a>(
    function: ScalarFunction,
    text: &'a str,
    output: &mut Output<'_>,
) -> Result<Outcome<'a>> {
    Ok(match function {
        ScalarFunction::Length => int4(length(text)),
        ScalarFunction::OctetLength => int4(text.len()),
        ScalarFunction::Lower | ScalarFunction::Upper => {
            // The longest growth of a case mapping is threefold.
            output.reserve(text.len().saturating_mul(if text.is_ascii() { 1 } else { 3 }))?;
            if function == ScalarFunction::Lower {
                output.text.push_str(&text.to_lowercase());
            } else {
                output.text.extend(text.chars().flat_map(char::to_uppercase));
            }
            Outcome::Output
        }
        ScalarFunction::Reverse => {
            output.reserve(text.len())?;
            output.text.extend(text.chars().rev());
            Outcome::Output
        }
        ScalarFunction::TrimBoth | ScalarFunction::TrimLeft | ScalarFunction::TrimRight => {
            Outcome::Part(trim(function, text, " "))
        }
        _ => return Err(unbound("a text function of one argument")),
    })
}

fn of_two<'a>(function: ScalarFunction, text: &'a str, other: &str) -> Result<Outcome<'a>> {
    Ok(match function {
        ScalarFunction::TrimBoth | ScalarFunction::TrimLeft | ScalarFunction::TrimRight => {
            Outcome::Part(trim(function, text, other))
        }
        ScalarFunction::StringPosition => {
            int4(text.find(other).map_or(0, |start| length(&text[..start]) + 1))
        }
        ScalarFunction::StartsWith => Outcome::Value(ValueRef::Bool(text.starts_with(other))),
        _ => return Err(unbound("a text function of two texts")),
    })
}

fn trim<'a>(function: ScalarFunction, text: &'a str, characters: &str) -> &'a str {
    let trimmed = |character: char| characters.contains(character);
    match function {
        ScalarFunction::TrimLeft => text.trim_start_matches(trimmed),
        ScalarFunction::TrimRight => text.trim_end_matches(trimmed),
        _ => text.trim_matches(trimmed),
    }
}

/// A count or a position, of whichever integer type.
fn integer(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Int2(value) => Some(value.into()),
        ValueRef::Int4(value) => Some(value.into()),
        ValueRef::Int8(value) => Some(value),
        _ => None,
    }
}

fn of_numbers<'a>(
    function: ScalarFunction,
    text: &'a str,
    rest: &[ValueRef<'a>],
    output: &mut Output<'_>,
) -> Result<Outcome<'a>> {
    let number = |place: usize| {
        rest.get(place).copied().and_then(integer).ok_or_else(|| unbound("a number of characters"))
    };
    let part = match (function, rest) {
        (ScalarFunction::Left, [_]) => text_edit::left(text, number(0)?),
        (ScalarFunction::Right, [_]) => text_edit::right(text, number(0)?),
        (ScalarFunction::Substring, [_]) => text_edit::substring(text, number(0)?, None)?,
        (ScalarFunction::Substring, [_, _]) => {
            text_edit::substring(text, number(0)?, Some(number(1)?))?
        }
        (ScalarFunction::SplitPart, [ValueRef::Text(separator), _]) => {
            text_edit::split_part(text, separator, number(1)?)?
        }
        (ScalarFunction::Replace, [ValueRef::Text(from), ValueRef::Text(to)]) => {
            return replace(text, from, to, output);
        }
        (ScalarFunction::Repeat, [_]) => {
            let times = number(0)?.max(0) as usize;
            output.reserve(text.len().saturating_mul(times))?;
            for _ in 0..if text.is_empty() { 0 } else { times } {
                output.text.push_str(text);
            }
            return Ok(Outcome::Output);
        }
        (ScalarFunction::PadLeft | ScalarFunction::PadRight, [_, fill @ ..]) => {
            let fill = match fill {
                [ValueRef::Text(fill)] => fill,
                _ => " ",
            };
            pad(function, text, number(0)?, fill, output)?;
            return Ok(Outcome::Output);
        }
        _ => return Err(unbound("a text function's arguments")),
    };
    Ok(Outcome::Part(part))
}

fn replace<'a>(
    text: &'a str,
    from: &str,
    to: &str,
    output: &mut Output<'_>,
) -> Result<Outcome<'a>> {
    if from.is_empty() || !text.contains(from) {
        return Ok(Outcome::Part(text));
    }
    let mut parts = text.split(from);
    output.push_str(parts.next().unwrap_or_default())?;
    for part in parts {
        output.push_str(to)?;
        output.push_str(part)?;
    }
    Ok(Outcome::Output)
}

/// lpad and rpad: cut to `width` characters, or filled up with `fill` over and over.
fn pad(
    function: ScalarFunction,
    text: &str,
    width: i64,
    fill: &str,
    output: &mut Output<'_>,
) -> Result<()> {
    let width = usize::try_from(width).unwrap_or(0);
    let kept = text_edit::left(text, width as i64);
    let fill_length = length(fill);
    let missing = if fill_length == 0 { 0 } else { width - length(kept) };
    let whole = missing.checked_div(fill_length).unwrap_or(0);
    let tail = text_edit::left(fill, (missing - whole * fill_length) as i64);
    let fill_bytes = whole.saturating_mul(fill.len()).saturating_add(tail.len());
    output.reserve(fill_bytes.saturating_add(kept.len()))?;
    if function == ScalarFunction::PadRight {
        output.text.push_str(kept);
    }
    for _ in 0..whole {
        output.text.push_str(fill);
    }
    output.text.push_str(tail);
    if function == ScalarFunction::PadLeft {
        output.text.push_str(kept);
    }
    Ok(())
}
