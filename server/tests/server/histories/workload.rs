//! Clients that run small transactions over few keys, each on its own connection, while the daemon is killed and started again.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use spg_wire::client::{Client, Error};

use crate::histories::checker::{Action, History};
use crate::support::{Daemon, Stored};

const CLIENTS: u64 = 8;
/// Lives of the daemon, each but the last ended by a kill.
const LIVES: u64 = 4;
/// Keys that are in use at a time.
const KEYS: i32 = 4;
/// Transactions after which other keys are used: a list is read whole, so it must not grow for ever.
const TRANSACTIONS_PER_KEYS: i64 = 120;
const ACTIONS_MAX: u64 = 4;

/// What the keys hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lists that are appended to.
    Lists,
    /// Registers that are written.
    Registers,
}

/// Small and repeatable by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What all clients of a run share.
struct Run<'r> {
    level: &'r str,
    kind: Kind,
    history: &'r History,
    /// Every value is written once.
    next_value: AtomicI64,
    begun: AtomicI64,
}

/// Runs it from beginning to end; the last transactions read every key that was used.
pub(super) fn run(level: &str, kind: Kind) -> History {
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut random = Random(seed | 1);
    let history = History::default();
    let stored = Stored::new();
    let run = Run {
        level,
        kind,
        history: &history,
        next_value: AtomicI64::new(1),
        begun: AtomicI64::new(0),
    };
    let mut daemon = stored.start(&[]);
    daemon
        .client()
        .batch_execute(
            "CREATE TABLE lists (k INT PRIMARY KEY, v TEXT);
             CREATE TABLE registers (k INT PRIMARY KEY, v BIGINT)",
        )
        .unwrap();
    for life in 0..LIVES {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let address = daemon.address().to_owned();
                let random = Random(random.below(u64::MAX) ^ client | 1);
                let (run, is_over) = (&run, &is_over);
                scope.spawn(move || run.client(&address, random, is_over));
            }
            thread::sleep(Duration::from_millis(200 + random.below(200)));
            if life + 1 < LIVES {
                daemon.kill();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        if life + 1 < LIVES {
            daemon = stored.start(&[]);
        }
    }
    run.read_all(&daemon);
    history
}

impl Run<'_> {
    fn client(&self, address: &str, mut random: Random, is_over: &AtomicBool) {
        let Ok(mut client) = Client::connect(address) else { return };
        let process = self.history.process();
        while !is_over.load(Ordering::Relaxed) && !client.is_closed() {
            let planned = self.plan(&mut random);
            self.transaction(&mut client, process, &planned);
        }
    }

    fn plan(&self, random: &mut Random) -> Vec<Action> {
        let begun = self.begun.fetch_add(1, Ordering::Relaxed);
        let first_key = (begun / TRANSACTIONS_PER_KEYS) as i32 * KEYS;
        let actions = 1 + random.below(ACTIONS_MAX);
        let mut action = || {
            let key = first_key + random.below(KEYS as u64) as i32;
            if random.below(2) == 0 {
                return Action::Read { key, found: "null".to_owned() };
            }
            let value = self.next_value.fetch_add(1, Ordering::Relaxed);
            match self.kind {
                Kind::Lists => Action::Append { key, value },
                Kind::Registers => Action::Write { key, value },
            }
        };
        (0..actions).map(|_| action()).collect()
    }

    /// Runs one and notes how it began and ended. A transaction of which nobody knows is the connection's last.
    fn transaction(&self, client: &mut Client, process: u64, planned: &[Action]) {
        self.history.note("invoke", process, planned);
        let mut done = Vec::with_capacity(planned.len());
        let result = self.statements(client, planned, &mut done);
        match result {
            Ok(()) => match client.batch_execute("COMMIT") {
                Ok(()) => self.history.note("ok", process, &done),
                Err(Error::Db(fields)) => {
                    assert_eq!(fields.sqlstate.to_string(), "40001", "{fields:?}");
                    self.history.note("fail", process, planned);
                }
                Err(_) => self.history.note("info", process, planned),
            },
            Err(error) => {
                // Nothing of a block that was not committed ever shows.
                let expected = error.is_connection_failure() || error.is_retryable();
                assert!(expected, "{error}");
                self.history.note("fail", process, planned);
                drop(client.batch_execute("ROLLBACK"));
            }
        }
    }

    fn statements(
        &self,
        client: &mut Client,
        planned: &[Action],
        done: &mut Vec<Action>,
    ) -> Result<(), Error> {
        client.batch_execute(&format!("BEGIN ISOLATION LEVEL {}", self.level))?;
        for action in planned {
            done.push(match action {
                Action::Append { key, value } => {
                    let text = "INSERT INTO lists VALUES ($1, $2) \
                                ON CONFLICT (k) DO UPDATE SET v = lists.v || ',' || excluded.v";
                    client.execute(text, &[key, &value.to_string().as_str()])?;
                    action.clone()
                }
                Action::Write { key, value } => {
                    let text = "INSERT INTO registers VALUES ($1, $2) \
                                ON CONFLICT (k) DO UPDATE SET v = excluded.v";
                    client.execute(text, &[key, value])?;
                    action.clone()
                }
                Action::Read { key, .. } => {
                    Action::Read { key: *key, found: self.read(client, *key)? }
                }
            });
        }
        Ok(())
    }

    /// The value of a key as JSON. Every other key is looked for without its index.
    fn read(&self, client: &mut Client, key: i32) -> Result<String, Error> {
        let column = if key % 2 == 0 { "k" } else { "k + 0" };
        Ok(match self.kind {
            Kind::Lists => {
                let text = format!("SELECT v FROM lists WHERE {column} = $1");
                let row = client.query_opt(&text, &[&key])?;
                row.map_or_else(|| "[]".to_owned(), |row| format!("[{}]", row.get::<String>(0)))
            }
            Kind::Registers => {
                let text = format!("SELECT v FROM registers WHERE {column} = $1");
                let row = client.query_opt(&text, &[&key])?;
                row.map_or_else(|| "null".to_owned(), |row| row.get::<i64>(0).to_string())
            }
        })
    }

    fn read_all(&self, daemon: &Daemon) {
        let mut client = daemon.client();
        let process = self.history.process();
        let last =
            (self.begun.load(Ordering::Relaxed) / TRANSACTIONS_PER_KEYS) as i32 * KEYS + KEYS;
        let planned: Vec<Action> =
            (0..last).map(|key| Action::Read { key, found: "null".to_owned() }).collect();
        self.transaction(&mut client, process, &planned);
    }
}
