//! Walking bound trees: the direct operands of an expression, the direct inputs of a relation.

use crate::binder::bound::{Expression, Function, Relation};

impl Expression {
    /// Whether it must be evaluated once for each row, no more and no less.
    pub fn is_volatile(&self) -> bool {
        let mut is_volatile = matches!(
            self,
            Self::Call { function: Function::Scalar(function), .. } if function.is_volatile()
        );
        self.each_child(&mut |child| is_volatile |= child.is_volatile());
        is_volatile
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

impl Relation {
    /// Calls `visit` for each direct input, left to right.
    pub fn each_input<'r>(&'r self, visit: &mut dyn FnMut(&'r Self)) {
        match self {
            Self::OneRow | Self::Empty { .. } | Self::Scan { .. } | Self::Values { .. } => {}
            Self::Filter { input, .. }
            | Self::Project { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Distinct { input, .. }
            | Self::Sort { input, .. }
            | Self::Lock { input, .. }
            | Self::Limit { input, .. } => visit(input),
            Self::Join { left, right, .. } => {
                visit(left);
                visit(right);
            }
            Self::SetOperation { left, right, .. } => {
                visit(&left.0);
                visit(&right.0);
            }
        }
    }

    /// Calls `visit` for each direct input, left to right, which it may change.
    pub fn each_input_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        match self {
            Self::OneRow | Self::Empty { .. } | Self::Scan { .. } | Self::Values { .. } => {}
            Self::Filter { input, .. }
            | Self::Project { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Distinct { input, .. }
            | Self::Sort { input, .. }
            | Self::Lock { input, .. }
            | Self::Limit { input, .. } => visit(input),
            Self::Join { left, right, .. } => {
                visit(left);
                visit(right);
            }
            Self::SetOperation { left, right, .. } => {
                visit(&mut left.0);
                visit(&mut right.0);
            }
        }
    }
}
