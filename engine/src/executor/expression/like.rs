//! LIKE and ILIKE: a pattern compiled once, plain prefixes, suffixes and parts found without a walk.
//!
//! The general walk goes back only to the last `%`, so its time is at most text times pattern, never exponential.

use std::borrow::Cow;

use crate::error::{Error, Result, SqlState};
use crate::executor::context::Context;
use crate::executor::expression::operand::{
    Operand, native_column, try_rows, unbound, union_of_nulls,
};
use crate::executor::interrupt::Interrupt;
use crate::types::{Value, ValueRef};

/// Steps of one walk between two looks at the interrupt.
const STEPS_PER_CHECK: usize = 1 << 16;

/// A compiled pattern.
#[derive(Debug, PartialEq)]
enum Pattern {
    /// `abc`
    Exact(String),
    /// `abc%`
    Prefix(String),
    /// `%abc`
    Suffix(String),
    /// `%abc%`
    Part(String),
    /// Anything else.
    General(Vec<Token>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    /// This character.
    Character(char),
    /// `_`
    One,
    /// `%`
    Many,
    /// An escape character with nothing behind it: 22025 when a text gets this far.
    Dangling,
}

/// LIKE, or ILIKE (`fold`), over text, pattern and optionally the escape character.
pub(super) fn like(
    operands: &[Operand<'_>],
    fold: bool,
    rows: usize,
    context: &Context<'_>,
) -> Result<Operand<'static>> {
    if operands.iter().any(Operand::is_null) {
        return Ok(Operand::null());
    }
    let [text, pattern, escape @ ..] = operands else {
        return Err(unbound("LIKE"));
    };
    let compiled = |row: usize| {
        let escape = match escape.first() {
            Some(escape) => Some(text_at(escape, row)?),
            None => None,
        };
        compile(text_at(pattern, row)?, escape, fold)
    };
    let constant_pattern = match (pattern, escape) {
        (Operand::Constant(_), [] | [Operand::Constant(_)]) => Some(compiled(0)?),
        _ => None,
    };
    if let (Operand::Constant(_), Some(pattern)) = (text, &constant_pattern) {
        let matched = matches(pattern, text_at(text, 0)?, fold, context.interrupt)?;
        return Ok(Operand::Constant(Value::Bool(matched)));
    }
    let nulls = union_of_nulls(operands);
    let values = try_rows(rows, nulls.as_ref(), |row| {
        let text = text_at(text, row)?;
        match &constant_pattern {
            Some(pattern) => matches(pattern, text, fold, context.interrupt),
            None => matches(&compiled(row)?, text, fold, context.interrupt),
        }
    })?;
    Ok(Operand::owned(native_column(values, nulls)))
}

fn text_at<'o>(operand: &'o Operand<'_>, row: usize) -> Result<&'o str> {
    match operand.get(row) {
        ValueRef::Text(text) => Ok(text),
        _ => Err(unbound("LIKE over another type than text")),
    }
}

/// Lower case character by character, so that text and pattern fold alike wherever a character stands.
fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

fn compile(pattern: &str, escape: Option<&str>, fold: bool) -> Result<Pattern> {
    let escape = match escape {
        None => Some('\\'),
        Some(escape) => {
            let mut characters = escape.chars();
            let first = characters.next();
            if characters.next().is_some() {
                return Err(Error::new(SqlState::InvalidEscapeSequence, "invalid escape string")
                    .with_hint("Escape string must be empty or one character."));
            }
            first
        }
    };
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if Some(character) == escape {
            match characters.next() {
                Some(escaped) => push_character(&mut tokens, escaped, fold),
                None => tokens.push(Token::Dangling),
            }
        } else if character == '%' {
            if tokens.last() != Some(&Token::Many) {
                tokens.push(Token::Many);
            }
        } else if character == '_' {
            tokens.push(Token::One);
        } else {
            push_character(&mut tokens, character, fold);
        }
    }
    Ok(simplify(tokens))
}

fn push_character(tokens: &mut Vec<Token>, character: char, fold: bool) {
    if fold {
        tokens.extend(character.to_lowercase().map(Token::Character));
    } else {
        tokens.push(Token::Character(character));
    }
}

fn simplify(tokens: Vec<Token>) -> Pattern {
    let literal = |tokens: &[Token]| -> Option<String> {
        tokens
            .iter()
            .map(
                |token| {
                    if let Token::Character(character) = token { Some(*character) } else { None }
                },
            )
            .collect()
    };
    let simple = match tokens.as_slice() {
        [Token::Many, middle @ .., Token::Many] => literal(middle).map(Pattern::Part),
        [Token::Many, rest @ ..] => literal(rest).map(Pattern::Suffix),
        [rest @ .., Token::Many] => literal(rest).map(Pattern::Prefix),
        all => literal(all).map(Pattern::Exact),
    };
    simple.unwrap_or(Pattern::General(tokens))
}

fn matches(pattern: &Pattern, text: &str, fold: bool, interrupt: &Interrupt) -> Result<bool> {
    let text = if fold { lower(text) } else { Cow::Borrowed(text) };
    match pattern {
        Pattern::Exact(literal) => Ok(text == literal.as_str()),
        Pattern::Prefix(literal) => Ok(text.starts_with(literal.as_str())),
        Pattern::Suffix(literal) => Ok(text.ends_with(literal.as_str())),
        Pattern::Part(literal) => Ok(text.contains(literal.as_str())),
        Pattern::General(tokens) => walk(tokens, &text, interrupt),
    }
}

/// Matches greedily; after a mismatch the last `%` takes one character more.
fn walk(tokens: &[Token], text: &str, interrupt: &Interrupt) -> Result<bool> {
    let mut rest = text.chars();
    let mut place = 0;
    let mut last_many: Option<(usize, std::str::Chars<'_>)> = None;
    let mut steps = 0_usize;
    loop {
        steps += 1;
        if steps.is_multiple_of(STEPS_PER_CHECK) {
            interrupt.check()?;
        }
        let before = rest.clone();
        let Some(character) = rest.next() else { break };
        match tokens.get(place) {
            Some(Token::Many) => {
                place += 1;
                if place == tokens.len() {
                    return Ok(true);
                }
                rest = before;
                last_many = Some((place, rest.clone()));
                continue;
            }
            Some(Token::Dangling) => return Err(dangling_escape()),
            Some(Token::One) => {
                place += 1;
                continue;
            }
            Some(Token::Character(wanted)) if *wanted == character => {
                place += 1;
                continue;
            }
            Some(Token::Character(_)) | None => {}
        }
        let Some((after_many, mut from)) = last_many.take() else { return Ok(false) };
        from.next();
        rest = from.clone();
        place = after_many;
        last_many = Some((after_many, from));
    }
    Ok(tokens[place..].iter().all(|token| *token == Token::Many))
}

#[cold]
fn dangling_escape() -> Error {
    Error::new(SqlState::InvalidEscapeSequence, "LIKE pattern must not end with escape character")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_postgresql() {
        let cases = [
            ("abc", "a%", None, Ok(true)),
            ("abc", "_b_", None, Ok(true)),
            ("abc", "a\\%", None, Ok(false)),
            ("a%", "a\\%", None, Ok(true)),
            ("abc", "abc\\", None, Ok(false)),
            ("abcd", "abc\\", None, Err("22025")),
            ("abc", "%\\", None, Err("22025")),
            ("", "%\\", None, Ok(false)),
            ("", "\\", None, Ok(false)),
            ("", "", None, Ok(true)),
            ("", "%", None, Ok(true)),
            ("abc", "", None, Ok(false)),
            ("abc", "a!%", Some("!"), Ok(false)),
            ("a%", "a!%", Some("!"), Ok(true)),
            ("abc", "a!!", Some("!!"), Err("22025")),
            ("a\\b", "a\\b", Some(""), Ok(true)),
            ("a\\", "a\\", Some("!"), Ok(true)),
            ("x", "%%%x%%_%", None, Ok(false)),
            ("xy", "%%%x%%_%", None, Ok(true)),
            ("héllo", "h_llo", None, Ok(true)),
            ("aXbXc", "a%X_", None, Ok(true)),
            ("mississippi", "%iss%ip%i", None, Ok(true)),
            ("mississippi", "m%iss_ss%", None, Ok(true)),
            ("mississippi", "m%ss_ss_ss%", None, Ok(false)),
            ("ab", "%ab%", None, Ok(true)),
            ("ab", "%b_%", None, Ok(false)),
        ];
        let interrupt = Interrupt::default();
        for (text, pattern, escape, expected) in cases {
            let outcome = compile(pattern, escape, false)
                .and_then(|pattern| matches(&pattern, text, false, &interrupt))
                .map_err(|error| error.sqlstate().code());
            assert_eq!(outcome, expected, "{text:?} LIKE {pattern:?}");
        }
    }

    #[test]
    fn ilike_folds_both_sides() {
        let interrupt = Interrupt::default();
        for (text, pattern, expected) in
            [("ABC", "a_c", true), ("Ä", "ä", true), ("ΟΔΟΣ", "%δοσ", true), ("x", "Y%", false)]
        {
            let pattern = compile(pattern, None, true).unwrap();
            assert_eq!(matches(&pattern, text, true, &interrupt).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn hostile_patterns_take_bounded_time() {
        let text = "a".repeat(5_000);
        let pattern = compile(&"%a_".repeat(200), None, false).unwrap();
        assert!(matches(&pattern, &text, false, &Interrupt::default()).unwrap());
        let pattern = compile(&("%a_a".repeat(200) + "b"), None, false).unwrap();
        assert!(!matches(&pattern, &text, false, &Interrupt::default()).unwrap());
    }
}
