//! The tables that workloads run on: made and filled before, dropped afterwards whatever happened.

use spg_wire::RowWriter;
use spg_wire::client::{Client, Config};

use crate::bench::random::Random;
use crate::bench::workload::{DIMENSIONS, Workload};
use crate::failure::{Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::messages;
use crate::progress::Progress;

/// Accounts of a branch, as in pgbench.
pub(super) const ACCOUNTS_OF_A_BRANCH: u64 = 100_000;

/// Tellers of a branch, as in pgbench.
pub(super) const TELLERS_OF_A_BRANCH: u64 = 10;

/// What makes an account as long as pgbench's: 84 characters.
pub(super) const FILLER: &str =
    "------------------------------------------------------------------------------------";

/// Rows between two looks at the progress.
const PROGRESS_ROWS: u64 = 1_000;

/// The tables of a run, which nobody else's have the names of.
#[derive(Debug)]
pub(super) struct Tables {
    address: String,
    prefix: String,
    workload: Workload,
    /// Rows of the largest.
    pub(super) rows: u64,
    is_made: bool,
}

/// A table: its name, its columns, its rows and how each is written.
struct Table {
    name: &'static str,
    columns: &'static str,
    rows: u64,
    write: fn(&mut RowWriter<'_>, u64, &mut Vec<f32>),
}

impl Tables {
    /// The tables of a session, which gives them their names.
    pub(super) fn new(workload: Workload, rows: u64, client: &Client, address: &str) -> Self {
        let session_id = client.cancel_token().key().session_id;
        let prefix = format!("spg_bench_{session_id}_");
        Self { address: address.to_owned(), prefix, workload, rows, is_made: false }
    }

    /// The name of a table.
    pub(super) fn name(&self, table: &str) -> String {
        format!("{}{table}", self.prefix)
    }

    /// Makes and fills them; 57014 once the user asks for an end.
    pub(super) fn make(&mut self, client: &mut Client, interrupt: &Interrupt) -> Outcome<()> {
        self.is_made = true;
        let progress = Progress::rows("filling");
        for table in self.list() {
            self.make_table(&table, client, interrupt, &progress)?;
        }
        Ok(())
    }

    fn make_table(
        &self,
        table: &Table,
        client: &mut Client,
        interrupt: &Interrupt,
        progress: &Progress,
    ) -> Outcome<()> {
        let failed = |error| Failure::of_client(error, &self.address);
        let name = self.name(table.name);
        client
            .batch_execute(&format!("CREATE TABLE {name} ({})", table.columns))
            .map_err(failed)?;
        let mut copy = client.copy_in(&name, &[]).map_err(failed)?;
        let mut numbers = Vec::new();
        for id in 0..table.rows {
            copy.write_row_with(|row| {
                (table.write)(row, id, &mut numbers);
                true
            })
            .map_err(failed)?;
            if id % PROGRESS_ROWS == 0 {
                interrupt.check()?;
                progress.advance(PROGRESS_ROWS);
            }
        }
        copy.finish().map_err(failed)?;
        Ok(())
    }

    /// Drops them on a connection of its own: that of the load may be lost, or in the middle of something.
    fn drop_all(&self) -> Result<(), spg_wire::client::Error> {
        let mut client = Client::connect(Config::new(&self.address).application_name("spg bench"))?;
        for table in self.list() {
            let name = self.name(table.name);
            client.batch_execute(&format!("DROP TABLE IF EXISTS {name}"))?;
        }
        Ok(())
    }

    fn list(&self) -> Vec<Table> {
        let rows = self.rows;
        let branches = rows.div_ceil(ACCOUNTS_OF_A_BRANCH);
        let of_branch = "id INT PRIMARY KEY, balance INT NOT NULL";
        let accounts = Table {
            name: "accounts",
            columns: "id INT PRIMARY KEY, branch INT NOT NULL, balance INT NOT NULL, filler TEXT NOT NULL",
            rows,
            write: write_account,
        };
        match self.workload {
            Workload::PointRead | Workload::RangeRead | Workload::Update | Workload::Mixed => {
                vec![accounts]
            }
            Workload::Insert => vec![Table {
                name: "events",
                columns: "id BIGINT PRIMARY KEY, value INT NOT NULL, filler TEXT NOT NULL",
                rows,
                write: write_event,
            }],
            Workload::Knn => vec![Table {
                name: "vectors",
                columns: "id INT PRIMARY KEY, v VECTOR(128) NOT NULL",
                rows,
                write: write_vector,
            }],
            Workload::TpcbLike => vec![
                accounts,
                Table {
                    name: "branches",
                    columns: of_branch,
                    rows: branches,
                    write: write_balance,
                },
                Table {
                    name: "tellers",
                    columns: of_branch,
                    rows: branches * TELLERS_OF_A_BRANCH,
                    write: write_balance,
                },
                Table {
                    name: "history",
                    columns: "teller INT, branch INT, account INT, delta INT",
                    rows: 0,
                    write: write_balance,
                },
            ],
        }
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        if self.is_made
            && let Err(error) = self.drop_all()
        {
            let failure = Failure::of_client(error, &self.address);
            let message = &failure.fields.message;
            messages::line(&format!("WARNING:  could not drop tables {}*: {message}", self.prefix));
        }
    }
}

fn write_account(row: &mut RowWriter<'_>, id: u64, _: &mut Vec<f32>) {
    row.push_i32(id as i32);
    row.push_i32((id / ACCOUNTS_OF_A_BRANCH) as i32);
    row.push_i32(0);
    row.push_text(FILLER);
}

fn write_balance(row: &mut RowWriter<'_>, id: u64, _: &mut Vec<f32>) {
    row.push_i32(id as i32);
    row.push_i32(0);
}

fn write_event(row: &mut RowWriter<'_>, id: u64, _: &mut Vec<f32>) {
    row.push_i64(id as i64);
    row.push_i32(0);
    row.push_text(FILLER);
}

fn write_vector(row: &mut RowWriter<'_>, id: u64, numbers: &mut Vec<f32>) {
    let mut random = Random::new(id);
    numbers.clear();
    numbers.extend((0..DIMENSIONS).map(|_| random.float()));
    row.push_i32(id as i32);
    row.push_vector(numbers);
}
