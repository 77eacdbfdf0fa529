//! PostgreSQL's choice among functions of one name, and among operators: `func_select_candidate`.

use crate::binder::coercion::{
    Category, Coercion, can_coerce, category, is_preferred, without_modifier,
};
use crate::types::DataType;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The candidate of this index.
    One(usize),
    /// None takes these arguments.
    None,
    /// Several do, equally well.
    Ambiguous,
}

/// Chooses among candidates by their parameter types, each list as long as `arguments`.
pub(super) fn choose(candidates: &[&[DataType]], arguments: &[DataType]) -> Choice {
    let arguments: Vec<DataType> = arguments.iter().copied().map(without_modifier).collect();
    if let Some(index) = candidates.iter().position(|parameters| **parameters == *arguments) {
        return Choice::One(index);
    }
    let mut left: Vec<usize> = (0..candidates.len())
        .filter(|&index| {
            candidates[index]
                .iter()
                .zip(&arguments)
                .all(|(target, source)| can_coerce(*source, *target, Coercion::Implicit))
        })
        .collect();
    keep_best(&mut left, |index| exact_matches(candidates[index], &arguments, false));
    keep_best(&mut left, |index| exact_matches(candidates[index], &arguments, true));
    if left.len() > 1 && arguments.contains(&DataType::Unknown) {
        narrow_by_category(&mut left, candidates, &arguments);
        narrow_by_known_type(&mut left, candidates, &arguments);
    }
    match *left {
        [] => Choice::None,
        [index] => Choice::One(index),
        _ => Choice::Ambiguous,
    }
}

/// Keeps the candidates with the highest score.
fn keep_best(left: &mut Vec<usize>, score: impl Fn(usize) -> usize) {
    let best = left.iter().map(|&index| score(index)).max().unwrap_or(0);
    left.retain(|&index| score(index) == best);
}

/// Known arguments that need no cast; with `or_preferred` also those cast to the preferred type of a category.
fn exact_matches(parameters: &[DataType], arguments: &[DataType], or_preferred: bool) -> usize {
    parameters
        .iter()
        .zip(arguments)
        .filter(|(target, source)| {
            **source != DataType::Unknown
                && (target == source || or_preferred && is_preferred(**target))
        })
        .count()
}

/// For each untyped argument decides a category: string if a candidate takes one, else the one that all agree on.
fn narrow_by_category(left: &mut Vec<usize>, candidates: &[&[DataType]], arguments: &[DataType]) {
    let mut decided = Vec::new();
    for (position, _) in arguments.iter().enumerate().filter(|(_, t)| **t == DataType::Unknown) {
        let mut categories = left.iter().map(|&index| category(candidates[index][position]));
        let first = categories.next().unwrap_or(Category::Unknown);
        let chosen =
            if first == Category::String || categories.clone().any(|c| c == Category::String) {
                Category::String
            } else if categories.all(|other| other == first) {
                first
            } else {
                return;
            };
        let preferred = left.iter().any(|&index| {
            let target = candidates[index][position];
            category(target) == chosen && is_preferred(target)
        });
        decided.push((position, chosen, preferred));
    }
    let fitting: Vec<usize> = left
        .iter()
        .copied()
        .filter(|&index| {
            decided.iter().all(|&(position, chosen, preferred)| {
                let target = candidates[index][position];
                category(target) == chosen && (!preferred || is_preferred(target))
            })
        })
        .collect();
    if !fitting.is_empty() {
        *left = fitting;
    }
}

/// If all known arguments are of one type, takes the untyped ones for that type too.
fn narrow_by_known_type(left: &mut Vec<usize>, candidates: &[&[DataType]], arguments: &[DataType]) {
    let mut known = arguments.iter().copied().filter(|t| *t != DataType::Unknown);
    let Some(first) = known.next() else { return };
    if left.len() < 2 || known.any(|other| other != first) {
        return;
    }
    let fitting: Vec<usize> = left
        .iter()
        .copied()
        .filter(|&index| {
            candidates[index].iter().all(|target| can_coerce(first, *target, Coercion::Implicit))
        })
        .collect();
    if let [index] = *fitting {
        *left = vec![index];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::{Float8, Int2, Int4, Int8, Text, Unknown};

    #[test]
    fn chooses_as_postgresql() {
        let abs: &[&[DataType]] = &[&[Int2], &[Int4], &[Int8], &[DataType::Float4], &[Float8]];
        let modulo: &[&[DataType]] = &[&[Int2, Int2], &[Int4, Int4], &[Int8, Int8]];
        let text: &[&[DataType]] = &[&[Text, Text], &[Text, Int4]];
        for (candidates, arguments, expected) in [
            (abs, &[Int4][..], Choice::One(1)),
            (abs, &[Unknown], Choice::One(4)),
            (abs, &[Text], Choice::None),
            (modulo, &[Int2, Int4], Choice::One(1)),
            (modulo, &[Int8, Int2], Choice::One(2)),
            (modulo, &[Unknown, Int2], Choice::One(0)),
            (modulo, &[Unknown, Unknown], Choice::Ambiguous),
            (modulo, &[Float8, Int2], Choice::None),
            (text, &[Unknown, Unknown], Choice::One(0)),
            (text, &[DataType::Varchar(Some(3)), Int2], Choice::One(1)),
        ] {
            assert_eq!(choose(candidates, arguments), expected, "{arguments:?}");
        }
    }
}
