//! What each operator of a statement did: EXPLAIN ANALYZE. An operator is wrapped where the statement is profiled; any other
//! statement's operators are as they are.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::error::Result;
use crate::executor::context::Context;
use crate::executor::operator::{BoxOperator, Operator};
use crate::planner::plan::Plan;
use crate::storage::batch::Batch;

/// The figures of a statement's operators. A plan that is profiled must not move while it runs, and until it is shown.
#[derive(Debug)]
pub struct Profile {
    has_times: bool,
    figures: RefCell<HashMap<usize, Figures>>,
}

/// What one operator did. Times contain those of its inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How often it ran.
    pub loops: u64,
    /// Rows that it yielded, all runs together.
    pub rows: u64,
    /// Until its first rows, all runs together.
    pub startup: Duration,
    /// All its time.
    pub total: Duration,
    /// Whether it has read all of its table where its plan has a run of an index.
    pub whole_table: bool,
}

impl Profile {
    /// Nothing has run; `has_times` is whether clocks are read.
    pub fn new(has_times: bool) -> Self {
        Self { has_times, figures: RefCell::default() }
    }

    /// What an operator did; None if it never ran.
    pub fn figures(&self, plan: &Plan) -> Option<Figures> {
        self.figures.borrow().get(&identity(plan)).copied()
    }

    fn change(&self, plan: &Plan, change: impl FnOnce(&mut Figures)) {
        change(self.figures.borrow_mut().entry(identity(plan)).or_default());
    }
}

fn identity(plan: &Plan) -> usize {
    std::ptr::from_ref(plan) as usize
}

/// An operator that is watched.
pub(super) struct Profiled<'a> {
    inner: BoxOperator<'a>,
    plan: &'a Plan,
    profile: &'a Profile,
    /// Of this run.
    total: Duration,
    has_begun: bool,
    has_yielded: bool,
}

impl<'a> Profiled<'a> {
    pub(super) fn new(inner: BoxOperator<'a>, plan: &'a Plan, profile: &'a Profile) -> Self {
        let total = Duration::ZERO;
        Self { inner, plan, profile, total, has_begun: false, has_yielded: false }
    }
}

impl<'a> Operator<'a> for Profiled<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        let started = self.profile.has_times.then(Instant::now);
        let batch = self.inner.next(context)?;
        let whole_table = self.inner.reads_whole_table();
        let elapsed = started.map_or(Duration::ZERO, |started| started.elapsed());
        self.total += elapsed;
        let rows = batch.as_ref().map_or(0, Batch::len) as u64;
        let begins = !std::mem::replace(&mut self.has_begun, true);
        let ends_startup = !self.has_yielded && (rows > 0 || batch.is_none());
        self.has_yielded |= ends_startup;
        self.profile.change(self.plan, |figures| {
            figures.loops += u64::from(begins);
            figures.rows += rows;
            figures.total += elapsed;
            figures.whole_table |= whole_table;
            if ends_startup {
                figures.startup += self.total;
            }
        });
        Ok(batch)
    }
}
