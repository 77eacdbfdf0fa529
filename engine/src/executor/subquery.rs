//! Uncorrelated subqueries: each is run when its result is first asked for, and at most once.

use std::cell::OnceCell;

use crate::error::{Error, Result, SqlState};
use crate::executor::context::{Context, SubqueryResults};
use crate::executor::environment::Environment;
use crate::executor::in_set::InSet;
use crate::executor::interrupt::Interrupt;
use crate::executor::memory::MemoryBudget;
use crate::executor::operator::build;
use crate::executor::read_set::ReadSet;
use crate::planner::plan::Plan;
use crate::storage::root::Root;
use crate::types::Value;

/// Bytes that a value of a set takes beside its text or numbers.
const SET_ENTRY_BYTES: usize = 40;

/// Subqueries of one statement over one root.
pub struct Subqueries<'a> {
    plans: &'a [Plan],
    root: &'a Root,
    parameters: &'a [Value],
    interrupt: &'a Interrupt,
    memory: &'a MemoryBudget,
    environment: &'a dyn Environment,
    reads: Option<&'a ReadSet>,
    results: Vec<Cells>,
}

/// What was asked of a subquery so far.
#[derive(Default)]
struct Cells {
    scalar: OnceCell<Value>,
    exists: OnceCell<bool>,
    set: OnceCell<InSet>,
}

impl<'a> Subqueries<'a> {
    /// Nothing is run yet.
    pub fn new(
        plans: &'a [Plan],
        root: &'a Root,
        parameters: &'a [Value],
        interrupt: &'a Interrupt,
        memory: &'a MemoryBudget,
        environment: &'a dyn Environment,
        reads: Option<&'a ReadSet>,
    ) -> Self {
        let results = plans.iter().map(|_| Cells::default()).collect();
        Self { plans, root, parameters, interrupt, memory, environment, reads, results }
    }

    /// The context of the statement that these are the subqueries of.
    pub fn context(&self) -> Context<'_> {
        Context {
            root: self.root,
            parameters: self.parameters,
            interrupt: self.interrupt,
            memory: self.memory,
            subqueries: self,
            environment: self.environment,
            reads: self.reads,
        }
    }

    fn scalar_value(&self, index: usize) -> Result<Value> {
        let context = self.context();
        let mut operator = build(&self.plans[index], &context)?;
        let mut found = None;
        while let Some(batch) = operator.next(&context)? {
            if batch.len() + usize::from(found.is_some()) > 1 {
                return Err(Error::new(
                    SqlState::CardinalityViolation,
                    "more than one row returned by a subquery used as an expression",
                ));
            }
            if !batch.is_empty() {
                found = Some(batch.value(0, 0).to_value());
            }
        }
        Ok(found.unwrap_or(Value::Null))
    }

    fn has_row(&self, index: usize) -> Result<bool> {
        let context = self.context();
        let mut operator = build(&self.plans[index], &context)?;
        while let Some(batch) = operator.next(&context)? {
            if !batch.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn values(&self, index: usize) -> Result<InSet> {
        let context = self.context();
        let mut operator = build(&self.plans[index], &context)?;
        let mut set = InSet::new();
        while let Some(batch) = operator.next(&context)? {
            self.interrupt.check()?;
            let mut bytes = 0;
            for place in 0..batch.len() {
                let value = batch.value(0, place);
                if set.insert(value) {
                    bytes += SET_ENTRY_BYTES + value_bytes(&value);
                }
            }
            // Kept to the statement's end, which ends the budget.
            self.memory.reserve(bytes)?;
        }
        Ok(set)
    }
}

fn value_bytes(value: &crate::types::ValueRef<'_>) -> usize {
    match value {
        crate::types::ValueRef::Text(text) => text.len(),
        crate::types::ValueRef::Vector(vector) => vector.len() * 4,
        _ => 0,
    }
}

impl SubqueryResults for Subqueries<'_> {
    fn scalar(&self, index: usize) -> Result<Value> {
        let cell = &self.results[index].scalar;
        if let Some(value) = cell.get() {
            return Ok(value.clone());
        }
        let value = self.scalar_value(index)?;
        Ok(cell.get_or_init(|| value).clone())
    }

    fn exists(&self, index: usize) -> Result<bool> {
        let cell = &self.results[index].exists;
        if let Some(exists) = cell.get() {
            return Ok(*exists);
        }
        let exists = self.has_row(index)?;
        Ok(*cell.get_or_init(|| exists))
    }

    fn set(&self, index: usize) -> Result<&InSet> {
        let cell = &self.results[index].set;
        if let Some(set) = cell.get() {
            return Ok(set);
        }
        let set = self.values(index)?;
        Ok(cell.get_or_init(|| set))
    }
}
