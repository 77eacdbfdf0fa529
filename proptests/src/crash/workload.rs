//! What happens to a database: statements, checkpoints, restarts, pauses; scripted, or made from numbers.

use std::fmt;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A statement, which may fail: then it fails everywhere.
    Sql(String),
    /// `SET synchronous_commit`; not within a block.
    Synchronous(bool),
    /// `CHECKPOINT`.
    Checkpoint,
    /// The database is closed and opened again.
    Reopen,
    /// Nothing happens for a while: the last group is proven, the next segment made ready.
    Idle,
}

impl Action {
    /// The statement it is.
    pub fn sql(&self) -> &str {
        match self {
            Self::Sql(text) => text,
            Self::Synchronous(true) => "SET synchronous_commit = on",
            Self::Synchronous(false) => "SET synchronous_commit = off",
            Self::Checkpoint => "CHECKPOINT",
            Self::Reopen => "reopen",
            Self::Idle => "idle",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sql = self.sql();
        match sql.char_indices().nth(120) {
            Some((end, _)) => write!(formatter, "{}... ({} bytes)", &sql[..end], sql.len()),
            None => formatter.write_str(sql),
        }
    }
}

/// A sequence that only goes up: whatever it answered must never be answered again.
pub const DRAWN: &str = "drawn";

/// Another one, with which everything happens.
const MOVED: &str = "moved";

/// Draws `count` values.
fn draw(sequence: &str, count: u64) -> Action {
    sql(format!(
        "SELECT nextval('{sequence}') FROM (VALUES (1){}) v",
        ", (1)".repeat(count as usize)
    ))
}

fn create_drawn() -> Action {
    sql(format!("CREATE SEQUENCE {DRAWN} INCREMENT 3"))
}

fn sql(text: impl Into<String>) -> Action {
    Action::Sql(text.into())
}

/// Longer texts are made by the statement.
const TEXT_BYTES_REPEATED: usize = 130;

/// Rows `ids` for table `t{table}`, with texts of so many bytes.
fn insert(table: u64, ids: std::ops::Range<u64>, text_bytes: usize) -> Action {
    let row = |id: u64| {
        let text = match text_bytes {
            // The statement is in the audit log: it need not be as long as what it does.
            TEXT_BYTES_REPEATED.. => format!("repeat('{id}-', {})", text_bytes / 4),
            _ => format!("'{id}-{}'", "x".repeat(text_bytes)),
        };
        format!("({id}, {}, {text})", id % 7)
    };
    let rows: Vec<String> = ids.map(row).collect();
    sql(format!("INSERT INTO t{table} VALUES {}", rows.join(", ")))
}

fn create(table: u64) -> Action {
    sql(format!("CREATE TABLE t{table} (id INT PRIMARY KEY, a INT, b TEXT DEFAULT 'none')"))
}

/// A workload in which everything happens once, in an order that is easy to follow.
pub fn scripted() -> Vec<Action> {
    let mut actions = vec![
        create_drawn(),
        draw(DRAWN, 2),
        create(0),
        insert(0, 0..5, 10),
        sql("CREATE INDEX i0 ON t0 (a)"),
        create(1),
        sql("CREATE UNIQUE INDEX u1 ON t1 (b)"),
        insert(1, 0..3, 40),
        insert(1, 2..5, 40),
        sql("UPDATE t0 SET a = a + 10 WHERE id >= 2"),
        Action::Idle,
        sql("BEGIN"),
        sql("INSERT INTO t0 VALUES (5000 + nextval('drawn'), 1, 'drawn')"),
        draw(DRAWN, 40),
        insert(0, 10..13, 5),
        sql("SAVEPOINT s"),
        sql("DELETE FROM t0"),
        sql("ROLLBACK TO s"),
        sql("UPDATE t1 SET b = b || '!'"),
        sql("COMMIT"),
        sql(
            "CREATE TABLE s (id SERIAL, n INT GENERATED ALWAYS AS IDENTITY (START 7 CYCLE MAXVALUE 9))",
        ),
        sql("INSERT INTO s DEFAULT VALUES"),
        draw("s_n_seq", 8),
        sql("CREATE SEQUENCE moved INCREMENT -2 MINVALUE -1000 MAXVALUE 1000 START 5"),
        insert(0, 100..156, 300),
        Action::Checkpoint,
        draw(MOVED, 3),
        sql("SELECT setval('moved', 100)"),
        sql("ALTER SEQUENCE moved INCREMENT 4"),
        draw(MOVED, 1),
        sql("DELETE FROM t0 WHERE id < 3"),
        Action::Synchronous(false),
        sql("INSERT INTO t1 (id) VALUES (50)"),
        sql("UPDATE t0 SET id = id + 1000 WHERE id < 12"),
        insert(1, 200..256, 300),
        insert(1, 300..303, 8),
        Action::Synchronous(true),
        sql("INSERT INTO t1 (id, a) VALUES (51, NULL)"),
        Action::Reopen,
        draw(DRAWN, 1),
        sql("BEGIN"),
        sql("TRUNCATE s RESTART IDENTITY"),
        sql("INSERT INTO s DEFAULT VALUES"),
        sql("ALTER SEQUENCE moved RESTART WITH 500"),
        sql("SELECT nextval('moved')"),
        sql("COMMIT"),
        sql("INSERT INTO s (id) VALUES (DEFAULT), (DEFAULT)"),
        sql("DROP SEQUENCE moved"),
        sql("DROP INDEX i0"),
        sql("CREATE INDEX i0 ON t0 (b, a)"),
        sql("BEGIN"),
        sql("TRUNCATE t0"),
        insert(0, 0..4, 100),
        sql("DROP TABLE t1"),
        sql("COMMIT"),
        Action::Checkpoint,
        Action::Idle,
        create(1),
    ];
    actions.extend((0..4).map(|place| insert(1, place * 20..place * 20 + 20, 150)));
    actions.push(Action::Reopen);
    actions.push(sql("DELETE FROM t1 WHERE a = 3"));
    actions
}

/// Makes actions of numbers; the same numbers are the same actions.
pub struct Maker {
    state: u64,
    actions: Vec<Action>,
}

impl Maker {
    /// A workload of about `length` actions.
    pub fn make(seed: u64, length: usize) -> Vec<Action> {
        let mut maker =
            Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, actions: Vec::new() };
        maker.actions.push(create_drawn());
        maker.actions.push(create(0));
        while maker.actions.len() < length {
            maker.step();
        }
        maker.actions
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound
    }

    fn step(&mut self) {
        match self.below(20) {
            0 => self.actions.push(Action::Checkpoint),
            1 => self.actions.push(Action::Reopen),
            2 => self.actions.push(Action::Idle),
            3 => {
                let on = self.below(2) == 0;
                self.actions.push(Action::Synchronous(on));
            }
            4..=6 => self.block(),
            7 => self.definition(),
            8..=9 => self.sequence(),
            _ => self.change(),
        }
    }

    fn sequence(&mut self) {
        let (count, value) = (self.below(40), self.below(900));
        let action = match self.below(12) {
            0..=3 => draw(DRAWN, count),
            4..=5 => draw(MOVED, count),
            6 => sql(format!("SELECT setval('{MOVED}', {value}, {})", value % 2 == 0)),
            7 => sql(format!("ALTER SEQUENCE {MOVED} INCREMENT {}", 1 + value % 5)),
            8 => sql(format!("ALTER SEQUENCE {MOVED} RESTART WITH {value}")),
            9 => sql(format!("DROP SEQUENCE {MOVED}")),
            10 => sql(format!("INSERT INTO t0 VALUES (5000 + nextval('{DRAWN}'), 1)")),
            _ => sql(format!("CREATE SEQUENCE {MOVED} MINVALUE -5 MAXVALUE 1000 CYCLE")),
        };
        self.actions.push(action);
    }

    fn block(&mut self) {
        self.actions.push(sql("BEGIN"));
        for _ in 0..=self.below(4) {
            match self.below(8) {
                0 => self.actions.push(sql("SAVEPOINT s")),
                1 => self.actions.push(sql("ROLLBACK TO s")),
                2 => self.definition(),
                3 => self.sequence(),
                _ => self.change(),
            }
        }
        let end = match self.below(8) {
            0 => Action::Reopen,
            1 => sql("ROLLBACK"),
            _ => sql("COMMIT"),
        };
        self.actions.push(end);
    }

    fn definition(&mut self) {
        let table = self.below(3);
        let action = match self.below(9) {
            0..=2 => create(table),
            3 => sql(format!("DROP TABLE t{table}")),
            4 => sql(format!("TRUNCATE t{table}")),
            5 => sql(format!("CREATE INDEX i{table} ON t{table} (a)")),
            6 => sql(format!("CREATE INDEX j{table} ON t{table} (b, id DESC)")),
            7 => sql(format!("CREATE UNIQUE INDEX u{table} ON t{table} (b)")),
            _ => sql(format!("DROP INDEX i{table}")),
        };
        self.actions.push(action);
    }

    fn change(&mut self) {
        let (table, id) = (self.below(3), self.below(60));
        let action = match self.below(12) {
            0..=4 => {
                let (count, bytes) = (1 + self.below(5), self.below(120));
                insert(table, id..id + count, bytes as usize)
            }
            5 => {
                // More than a segment: in parts, and over its end.
                let (first, count) = (100 + id * 10, 50 + self.below(10));
                insert(table, first..first + count, 320)
            }
            6 => sql(format!("DELETE FROM t{table} WHERE id BETWEEN {id} AND {}", id + 9)),
            7 => sql(format!("DELETE FROM t{table} WHERE a = {}", id % 7)),
            8 => sql(format!("UPDATE t{table} SET id = id + 1000 WHERE id = {id}")),
            9 => sql(format!("UPDATE t{table} SET b = b || 'y' WHERE a = {}", id % 7)),
            _ => sql(format!("UPDATE t{table} SET a = a + 1 WHERE id < {id}")),
        };
        self.actions.push(action);
    }
}
