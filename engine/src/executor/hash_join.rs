//! A join on equal keys: the right input is held and its keys numbered, the left one probes.

use crate::binder::bound::Expression;
use crate::error::Result;
use crate::executor::buffer::{Buffer, gather_all};
use crate::executor::context::Context;
use crate::executor::expression::evaluate;
use crate::executor::join_output::{JoinOutput, Pairs};
use crate::executor::key_table::{KeyTable, NO_KEY};
use crate::executor::operator::{BoxOperator, Operator};
use crate::limits::BATCH_ROWS_MAX;
use crate::planner::plan::{Plan, PlanNode};
use crate::storage::batch::{Batch, ColumnRef};

/// A hash join.
pub(super) struct HashJoin<'a> {
    left: BoxOperator<'a>,
    right: Option<BoxOperator<'a>>,
    left_keys: &'a [Expression],
    right_keys: &'a [Expression],
    held: Buffer<'a>,
    keys: KeyTable<'a>,
    /// Where the rows of each key begin in `rows`; one more than there are keys.
    starts: Vec<u32>,
    /// The held rows by key.
    rows: Vec<u32>,
    output: JoinOutput<'a>,
    probe: Option<Probe<'a>>,
    /// The next held row to look at for a missing partner.
    unmatched: usize,
}

/// A left batch and how far it has been joined.
struct Probe<'a> {
    batch: Batch<'a>,
    numbers: Vec<u32>,
    place: usize,
    /// Of the place's partners those already answered.
    partner: u32,
}

impl<'a> HashJoin<'a> {
    /// `plan` is a hash join.
    pub(super) fn new(
        plan: &'a Plan,
        left: BoxOperator<'a>,
        right: BoxOperator<'a>,
        context: &Context<'a>,
    ) -> Self {
        let PlanNode::HashJoin {
            kind,
            left: left_plan,
            right: right_plan,
            left_keys,
            right_keys,
            residual,
        } = &plan.node
        else {
            unreachable!("the plan is a hash join");
        };
        let key_types: Vec<_> = right_keys.iter().map(Expression::data_type).collect();
        Self {
            left,
            right: Some(right),
            left_keys,
            right_keys,
            held: Buffer::new(&right_plan.types, context.memory),
            keys: KeyTable::new(&key_types, context.memory),
            starts: Vec::new(),
            rows: Vec::new(),
            output: JoinOutput::new(*kind, residual.as_ref(), &left_plan.types, &right_plan.types),
            probe: None,
            unmatched: 0,
        }
    }

    /// Holds the right input, its rows grouped by key.
    fn read(&mut self, mut right: BoxOperator<'a>, context: &Context<'a>) -> Result<()> {
        let mut numbers = Vec::new();
        while let Some(batch) = right.next(context)? {
            context.interrupt.check()?;
            let keys = evaluate_all(self.right_keys, &batch, context)?;
            self.held.append(&batch)?;
            self.held.reserve(batch.len() * 2 * size_of::<u32>())?;
            let first = numbers.len();
            self.keys.insert(&keys, batch.len(), &mut numbers)?;
            // A NULL equals nothing, not even another NULL.
            for column in keys.iter().filter_map(|column| column.nulls.as_ref()) {
                column.iter_ones().for_each(|row| numbers[first + row] = NO_KEY);
            }
        }
        self.output.begin_right(self.held.len());
        let mut starts = vec![0_u32; self.keys.len() + 1];
        for &number in numbers.iter().filter(|&&number| number != NO_KEY) {
            starts[number as usize + 1] += 1;
        }
        for number in 1..starts.len() {
            starts[number] += starts[number - 1];
        }
        self.rows = vec![0; *starts.last().unwrap_or(&0) as usize];
        let mut next = starts.clone();
        for (row, &number) in numbers.iter().enumerate().filter(|(_, number)| **number != NO_KEY) {
            let place = &mut next[number as usize];
            self.rows[*place as usize] = row as u32;
            *place += 1;
        }
        self.starts = starts;
        Ok(())
    }

    fn next_probe(&mut self, context: &Context<'a>) -> Result<Option<Probe<'a>>> {
        let Some(batch) = self.left.next(context)? else { return Ok(None) };
        context.interrupt.check()?;
        let keys = evaluate_all(self.left_keys, &batch, context)?;
        let mut numbers = Vec::new();
        self.keys.find(&keys, batch.len(), false, &mut numbers);
        drop(keys);
        self.output.begin_left(batch.len());
        Ok(Some(Probe { batch, numbers, place: 0, partner: 0 }))
    }

    /// Pairs of the probe's next rows, about a batch of them.
    fn pairs(&self, probe: &mut Probe<'a>) -> Pairs {
        let mut pairs = Pairs::default();
        while probe.place < probe.numbers.len() && pairs.len() < BATCH_ROWS_MAX {
            let number = probe.numbers[probe.place];
            if number != NO_KEY {
                let (start, end) = (self.starts[number as usize], self.starts[number as usize + 1]);
                let first = start + probe.partner;
                let last = end.min(first + (BATCH_ROWS_MAX - pairs.len()) as u32);
                for &row in &self.rows[first as usize..last as usize] {
                    pairs.push(probe.place, row);
                }
                if last < end {
                    probe.partner = last - start;
                    return pairs;
                }
            }
            probe.place += 1;
            probe.partner = 0;
        }
        pairs
    }
}

/// Dense columns of key values.
pub(super) fn evaluate_all<'b>(
    expressions: &[Expression],
    batch: &'b Batch<'_>,
    context: &Context<'_>,
) -> Result<Vec<ColumnRef<'b>>> {
    expressions.iter().map(|expression| evaluate(expression, batch, context)).collect()
}

impl<'a> Operator<'a> for HashJoin<'a> {
    fn next(&mut self, context: &Context<'a>) -> Result<Option<Batch<'a>>> {
        if let Some(right) = self.right.take() {
            self.read(right, context)?;
        }
        loop {
            let Some(mut probe) = self.probe.take() else {
                match self.next_probe(context)? {
                    Some(probe) => self.probe = Some(probe),
                    None => break,
                }
                continue;
            };
            context.interrupt.check()?;
            let pairs = self.pairs(&mut probe);
            if pairs.len() == 0 {
                if let Some(batch) = self.output.unmatched_left(&probe.batch) {
                    return Ok(Some(batch));
                }
                continue;
            }
            let right = gather_all(&self.held.columns, &pairs.right);
            let joined = self.output.join(&probe.batch, &pairs, right, context)?;
            self.probe = Some(probe);
            if !joined.is_empty() {
                return Ok(Some(joined));
            }
        }
        let (rows, next) = self.output.unmatched_right(self.unmatched, BATCH_ROWS_MAX);
        self.unmatched = next;
        let right = gather_all(&self.held.columns, &rows);
        Ok((!rows.is_empty()).then(|| self.output.filled_left(right, rows.len())))
    }
}
