//! Walking expressions of the syntax tree.

use super::{Expression, ExpressionKind};

impl Expression {
    /// Calls `visit` for each direct operand, left to right, which it may change; not for the queries in it.
    pub fn each_child_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        match &mut self.kind {
            ExpressionKind::Null
            | ExpressionKind::Boolean(_)
            | ExpressionKind::Number(_)
            | ExpressionKind::String(_)
            | ExpressionKind::Vector(_)
            | ExpressionKind::Parameter(_)
            | ExpressionKind::Default
            | ExpressionKind::Column { .. }
            | ExpressionKind::Exists(_)
            | ExpressionKind::ScalarSubquery(_) => {}
            ExpressionKind::Unary { operand, .. }
            | ExpressionKind::Is { operand, .. }
            | ExpressionKind::InSubquery { operand, .. }
            | ExpressionKind::Cast { operand, .. } => visit(operand),
            ExpressionKind::Binary { left, right, .. }
            | ExpressionKind::IsDistinctFrom { left, right, .. } => {
                visit(left);
                visit(right);
            }
            ExpressionKind::And(operands) | ExpressionKind::Or(operands) => {
                operands.iter_mut().for_each(visit);
            }
            ExpressionKind::Between { operand, low, high, .. } => {
                visit(operand);
                visit(low);
                visit(high);
            }
            ExpressionKind::InList { operand, list, .. } => {
                visit(operand);
                list.iter_mut().for_each(visit);
            }
            ExpressionKind::Like { operand, pattern, escape, .. } => {
                visit(operand);
                visit(pattern);
                if let Some(escape) = escape {
                    visit(escape);
                }
            }
            ExpressionKind::Case { operand, branches, otherwise } => {
                if let Some(operand) = operand {
                    visit(operand);
                }
                for (condition, value) in branches {
                    visit(condition);
                    visit(value);
                }
                if let Some(otherwise) = otherwise {
                    visit(otherwise);
                }
            }
            ExpressionKind::Function(call) => call.arguments.iter_mut().for_each(visit),
        }
    }
}
