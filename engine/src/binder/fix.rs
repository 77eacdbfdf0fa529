//! Literals of a definition whose meaning is the session's to say: `'now'`, a TIMESTAMPTZ without its zone. A definition
//! fixes them as what they mean when it is made, as PostgreSQL does: whoever writes a row later has another clock and zone.

use hashbrown::HashMap;

use crate::binder::bound::Expression;
use crate::binder::context::{Clause, Context};
use crate::error::Result;
use crate::parser::ast;
use crate::parser::ast::ExpressionKind;
use crate::types::{DataType, Position, Value};

/// What evaluates an expression without columns in the session that makes a definition.
pub type Evaluate<'a> = &'a dyn Fn(&Expression) -> Result<Value>;

/// Notes how an untyped literal is read, if a definition has to fix it.
pub(super) fn note_reading(context: &mut Context<'_>, reading: &Expression, position: Position) {
    let clause = context.levels.last().map(|level| level.clause);
    if !matches!(clause, Some(Clause::Default | Clause::Check)) {
        return;
    }
    // What does not need the session is read already.
    if let Expression::Cast { operand, target, .. } = reading
        && operand.data_type() == DataType::Text
        && (target.is_datetime() || *target == DataType::Time)
    {
        context.readings.push((position, reading.clone()));
    }
}

/// A bound expression of a definition as it is kept: the literals that were noted say what they mean now.
pub(super) fn fixed(
    context: &Context<'_>,
    expression: &ast::Expression,
    evaluate: Evaluate<'_>,
) -> Result<ast::Expression> {
    let mut texts = HashMap::with_capacity(context.readings.len());
    for (position, reading) in &context.readings {
        // As the session shows it, a TIMESTAMPTZ with its zone's offset: where the literal is read as a TIMESTAMP too, that
        // is still the time that was written.
        let shown = Expression::Cast {
            operand: Box::new(reading.clone()),
            target: DataType::Text,
            explicit: true,
        };
        if let Value::Text(text) = evaluate(&shown).map_err(|error| error.at(*position))? {
            texts.insert(position.0, text.to_string());
        }
    }
    let mut expression = expression.clone();
    replace(&mut expression, &texts);
    Ok(expression)
}

fn replace(expression: &mut ast::Expression, texts: &HashMap<u32, String>) {
    // Positions themselves compare equal.
    if let ExpressionKind::String(text) = &mut expression.kind
        && let Some(fixed) = texts.get(&expression.position.0)
    {
        fixed.clone_into(text);
    }
    expression.each_child_mut(&mut |child| replace(child, texts));
}
