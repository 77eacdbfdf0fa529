//! The workloads: which tables they need, and which statements an operation consists of.

use clap::ValueEnum;
use spg_wire::ValueRef;
use spg_wire::value::Floats;

use crate::bench::random::Random;
use crate::bench::statement::Statement;
use crate::bench::tables::{ACCOUNTS_OF_A_BRANCH, FILLER, TELLERS_OF_A_BRANCH, Tables};
use crate::command_line::Workload;

/// Rows that a range read asks for.
const RANGE_ROWS: u64 = 100;

/// Neighbours that a nearest-neighbour search asks for.
const NEIGHBORS: u64 = 10;

/// Of 100 operations of `mixed`, how many read.
const MIXED_READ_PERCENT: u64 = 95;

/// Dimensions of the vectors.
pub(super) const DIMENSIONS: usize = 128;

/// One thing that a client does; what its random numbers are follows from `seed`, so that it can be done again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// Where its numbers begin.
    pub(super) seed: u64,
    /// A number that no other operation of this run has.
    pub(super) serial: u64,
}

/// A workload on its tables.
#[derive(Debug)]
pub(super) struct Script {
    workload: Workload,
    rows: u64,
    /// What operations are made of; each connection prepares them under their index.
    pub(super) statements: Vec<Statement>,
}

impl Workload {
    /// Its name on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().expect("no workload is hidden").get_name().to_owned()
    }

    /// Whether it works on the table of accounts.
    pub(super) fn has_accounts(self) -> bool {
        matches!(self, Self::PointRead | Self::RangeRead | Self::Update | Self::Mixed)
    }

    /// Rows that its table has unless something else is said.
    pub(super) fn rows_default(self) -> u64 {
        if self == Self::Knn { 100_000 } else { 1_000_000 }
    }
}

impl Script {
    pub(super) fn new(workload: Workload, tables: &Tables) -> Self {
        let name = |table| tables.name(table);
        let one = |text| Statement::new(text, 1);
        let read = || one(format!("SELECT balance FROM {} WHERE id = $1", name("accounts")));
        let update =
            |table| one(format!("UPDATE {} SET balance = balance + $1 WHERE id = $2", name(table)));
        let statements = match workload {
            Workload::PointRead => vec![read()],
            Workload::RangeRead => vec![Statement::new(
                format!("SELECT id, balance FROM {} WHERE id BETWEEN $1 AND $2", name("accounts")),
                RANGE_ROWS.min(tables.rows),
            )],
            Workload::Insert => {
                vec![one(format!("INSERT INTO {} VALUES ($1, $2, $3)", name("events")))]
            }
            Workload::Update => vec![update("accounts")],
            Workload::RawSync => Vec::new(),
            Workload::Mixed => vec![read(), update("accounts")],
            Workload::Knn => vec![Statement::new(
                format!("SELECT id FROM {} ORDER BY v <-> $1 LIMIT {NEIGHBORS}", name("vectors")),
                NEIGHBORS.min(tables.rows),
            )],
            Workload::TpcbLike => vec![
                Statement::new("BEGIN".to_owned(), 0),
                update("accounts"),
                read(),
                update("tellers"),
                update("branches"),
                one(format!("INSERT INTO {} VALUES ($1, $2, $3, $4)", name("history"))),
                Statement::new("COMMIT".to_owned(), 0),
            ],
        };
        Self { workload, rows: tables.rows, statements }
    }

    /// Updates of the rows that the point reads read.
    pub(super) fn writer(tables: &Tables) -> Self {
        Self::new(Workload::Update, tables)
    }

    /// How many statements an operation has.
    pub(super) fn step_count(&self) -> usize {
        if self.workload == Workload::TpcbLike { self.statements.len() } else { 1 }
    }

    /// Shows the statement of a step, by its index, with the values of its parameters.
    pub(super) fn step(
        &self,
        operation: Operation,
        step: usize,
        numbers: &mut Vec<f32>,
        show: impl FnOnce(usize, &[ValueRef<'_>]),
    ) {
        let mut random = Random::new(operation.seed);
        match self.workload {
            Workload::PointRead => show(0, &[self.key(&mut random)]),
            Workload::RangeRead => {
                let first = random.below(self.rows.saturating_sub(RANGE_ROWS) + 1);
                show(0, &[int4(first), int4(first + RANGE_ROWS - 1)]);
            }
            Workload::Insert => {
                let id = ValueRef::Int8((self.rows + operation.serial) as i64);
                show(0, &[id, int4(random.below(1_000)), ValueRef::Text(FILLER)]);
            }
            Workload::Update => show(0, &[delta(&mut random), self.key(&mut random)]),
            Workload::Mixed if random.below(100) < MIXED_READ_PERCENT => {
                show(0, &[self.key(&mut random)]);
            }
            Workload::Mixed => show(1, &[delta(&mut random), self.key(&mut random)]),
            Workload::Knn => {
                numbers.clear();
                numbers.extend((0..DIMENSIONS).map(|_| random.float()));
                show(0, &[ValueRef::Vector(Floats::Numbers(numbers))]);
            }
            Workload::TpcbLike => self.tpcb_step(step, &mut random, show),
            Workload::RawSync => {}
        }
    }

    fn tpcb_step(
        &self,
        step: usize,
        random: &mut Random,
        show: impl FnOnce(usize, &[ValueRef<'_>]),
    ) {
        let branches = self.rows.div_ceil(ACCOUNTS_OF_A_BRANCH);
        let delta = delta(random);
        let account = self.key(random);
        let teller = int4(random.below(branches * TELLERS_OF_A_BRANCH));
        let branch = int4(random.below(branches));
        match step {
            1 => show(step, &[delta, account]),
            2 => show(step, &[account]),
            3 => show(step, &[delta, teller]),
            4 => show(step, &[delta, branch]),
            5 => show(step, &[teller, branch, account, delta]),
            _ => show(step, &[]),
        }
    }

    fn key(&self, random: &mut Random) -> ValueRef<'static> {
        int4(random.below(self.rows))
    }
}

/// pgbench's: from -5,000 to 5,000.
fn delta(random: &mut Random) -> ValueRef<'static> {
    ValueRef::Int4(random.below(10_001) as i32 - 5_000)
}

/// Rows are at most as many as INT counts.
fn int4(number: u64) -> ValueRef<'static> {
    ValueRef::Int4(number as i32)
}
