//! What the demo shows, one scene after the other.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

use spg_engine::SqlState;
use spg_wire::client::Client;

use crate::audit::verify_file;
use crate::connect::CONNECT_TIMEOUT;
use crate::console::Console;
use crate::demo::digits::{Image, draw};
use crate::demo::stage::Stage;
use crate::demo::{head, say};
use crate::display::terminal_size;
use crate::failure::{Failure, Outcome};
use crate::import::{self, Import};
use crate::interrupt::Interrupt;
use crate::{bench, query};

/// The tables, cut from real ones: cli/examples/data/README.md says where they come from.
const TABLES: [(&str, &[u8]); 4] = [
    ("packages", include_bytes!("../../examples/data/packages.csv.gz")),
    ("depends", include_bytes!("../../examples/data/depends.csv.gz")),
    ("tags", include_bytes!("../../examples/data/tags.csv.gz")),
    ("digits", include_bytes!("../../examples/data/digits.csv.gz")),
];

/// Indexes that the questions use.
const INDEXES: [&str; 3] = [
    "CREATE UNIQUE INDEX packages_id ON packages (id)",
    "CREATE INDEX depends_target ON depends (target_id)",
    "CREATE UNIQUE INDEX digits_id ON digits (id)",
];

/// A join with a group: who would be missed.
const JOIN: &str = "SELECT p.name, p.section, count(DISTINCT d.package_id) AS needed_by
FROM depends d JOIN packages p ON p.id = d.target_id
WHERE d.kind = 'depends'
GROUP BY p.name, p.section
ORDER BY needed_by DESC, p.name LIMIT 5;";

/// Sums by group.
const AGGREGATE: &str = "SELECT section, count(*) AS packages, sum(installed_kib) / 1024 AS mib
FROM packages GROUP BY section
ORDER BY mib DESC NULLS LAST LIMIT 5;";

/// How a question is answered.
const EXPLAIN: &str = "EXPLAIN SELECT p.name
FROM depends d JOIN packages p ON p.id = d.package_id
WHERE d.target_id = 9262 AND d.kind = 'recommends';";

/// The digit that is looked for, and how many like it.
const DIGIT: i32 = 700;
const NEIGHBORS: usize = 7;

/// What is rewritten in the copy of the audit log, and what it says then.
const TRUTH: &str = "'required'";
const LIE: &str = "'optional'";

/// Who may read the demo's files.
const FILE_MODE: u32 = 0o600;

/// Rows, clients and seconds of the measurement.
const BENCH_ROWS: &str = "100000";
const BENCH_READERS: &str = "2";
const BENCH_SECONDS: &str = "1";

/// The demo on its stage.
pub(super) struct Script<'s> {
    stage: &'s Stage,
    /// Where statements run and their answers go.
    pub(super) console: Console,
}

/// How a scene went: what was wrong with SPG, or with the output.
type Scene = Outcome<io::Result<()>>;

/// Says text; an error of the output ends the scene.
macro_rules! tell {
    ($said:expr) => {
        if let Err(error) = $said {
            return Ok(Err(error));
        }
    };
}

impl<'s> Script<'s> {
    pub(super) fn new(stage: &'s Stage, console: Console) -> Self {
        Self { stage, console }
    }

    /// Plays all scenes.
    pub(super) fn play(&mut self) -> Scene {
        tell!(say(&format!(
            "SPG {}: a PostgreSQL-dialect database for one application.\n\
             A daemon has started in this process, on {}. Its files are in\n{}",
            env!("CARGO_PKG_VERSION"),
            self.stage.address.text,
            self.stage.directory().display(),
        )));
        for scene in [
            Self::load,
            Self::questions,
            Self::nearest,
            Self::readers_and_a_writer,
            Self::a_lie_is_found,
        ] {
            if let Err(error) = scene(self)? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    fn load(&mut self) -> Scene {
        tell!(head("1. Real data: packages of Debian 12 and handwritten digits"));
        for (table, bytes) in TABLES {
            let file = self.stage.directory().join(format!("{table}.csv.gz"));
            write(&file, bytes)?;
            let import = Import { table, file: &file, create: true };
            let begun = Instant::now();
            let tag = import::run(&import, &mut self.console.target, &Interrupt::default())?;
            let milliseconds = begun.elapsed().as_millis();
            let rows = tag.trim_start_matches("IMPORT ");
            tell!(say(&format!("{table}: {rows} rows in {milliseconds} ms, durable")));
        }
        for index in INDEXES {
            self.console.target.command(index)?;
        }
        Ok(Ok(()))
    }

    fn questions(&mut self) -> Scene {
        tell!(head(
            "2. Questions: what is needed most, what takes most room, how answers are found"
        ));
        for text in [JOIN, AGGREGATE, EXPLAIN] {
            tell!(self.ask(text));
        }
        Ok(Ok(()))
    }

    fn nearest(&mut self) -> Scene {
        tell!(head("3. Vectors: the digits that look most like one of them, exactly"));
        let text = format!(
            "SELECT id, label, pixels FROM digits
ORDER BY pixels <-> (SELECT pixels FROM digits WHERE id = {DIGIT})
LIMIT {};",
            NEIGHBORS + 1
        );
        tell!(say(&prompted(&text)));
        let mut client = self.stage.address.connect(CONNECT_TIMEOUT)?;
        let begun = Instant::now();
        let rows = self.answered(client.query(text.trim_end_matches(';'), &[]))?;
        let milliseconds = begun.elapsed().as_secs_f64() * 1_000.0;
        let mut images = Vec::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            let id: i32 = self.answered(row.try_get(0))?;
            let label: i32 = self.answered(row.try_get(1))?;
            let pixels = self.answered(row.try_get(2))?;
            let caption =
                if place == 0 { format!("this {label}") } else { format!("{id}: a {label}") };
            images.push(Image { pixels, caption });
        }
        tell!(say(&format!("{}\n", draw(&images, columns()))));
        tell!(say(&format!(
            "Found among {} images in {milliseconds:.1} ms.",
            self.count(&mut client)?
        )));
        client.close();
        Ok(Ok(()))
    }

    fn readers_and_a_writer(&mut self) -> Scene {
        tell!(head("4. Readers wait for nobody: two of them, alone and beside a restless writer"));
        let mut lines = Vec::new();
        for writers in ["0", "1"] {
            let address = self.stage.address.text.as_str();
            let words = [
                "spg",
                "--addr",
                address,
                "bench",
                "point-read",
                "--clients",
                BENCH_READERS,
                "--rows",
                BENCH_ROWS,
                "--seconds",
                BENCH_SECONDS,
                "--writers",
                writers,
            ];
            let figures = bench::figures(&words)?;
            let who = if writers == "0" { "alone" } else { "beside the writer" };
            lines.push(format!(
                "{who:<18} {:>9.0} reads a second, 99 of 100 within {:.0} us",
                figures.per_second, figures.p99_us
            ));
            if writers != "0" {
                let rate = figures.writers_per_second;
                lines.push(format!(
                    "{:<18} {rate:>9.0} commits a second, each durable before its answer",
                    "the writer"
                ));
            }
        }
        tell!(say(&lines.join("\n")));
        Ok(Ok(()))
    }

    fn a_lie_is_found(&mut self) -> Scene {
        tell!(head("5. Nobody rewrites history unseen: commits are a chain of BLAKE3 hashes"));
        tell!(
            self.ask(&format!("UPDATE packages SET priority = {TRUTH} WHERE section = 'games';"))
        );
        let log = self.stage.audit_log();
        let copy = self.stage.directory().join("copy-of-audit.log");
        let mut bytes = fs::read(&log).map_err(|error| of_file("read", &log, &error))?;
        let place = bytes.windows(TRUTH.len()).rposition(|window| window == TRUTH.as_bytes());
        let Some(place) = place else {
            let message = "the audit log does not have the statement that has just committed";
            return Err(Failure::new(SqlState::InternalError, message));
        };
        bytes[place..place + LIE.len()].copy_from_slice(LIE.as_bytes());
        write(&copy, &bytes)?;
        tell!(say(&format!(
            "A copy of the audit log, in which somebody made {TRUTH} to {LIE}:\n$ spg audit verify copy-of-audit.log"
        )));
        match verify_file(&copy, None, None) {
            Ok(_) => {
                let message = "the copy of the audit log was changed, and nothing was found";
                return Err(Failure::new(SqlState::InternalError, message));
            }
            Err(failure) => {
                let message = shortened(&failure.fields.message, &copy);
                // A hash has a line for itself.
                let message = message.replace(": the entry", ":\n  the entry");
                let message = message.replace(": expected ", ":\n  expected ");
                tell!(say(&format!("ERROR:  {}", message.replace(", found ", ",\n  found "))));
            }
        }
        tell!(say(
            "\nThe log itself:\n$ spg audit verify audit.log >/dev/null && echo every link holds"
        ));
        verify_file(&log, None, None)?;
        Ok(say("every link holds"))
    }

    /// Says good-bye.
    pub(super) fn farewell() -> io::Result<()> {
        say("\nThat was SPG. README.md has a tour; `spg-server --data-dir DIR` is the daemon,\n\
             `spg shell` talks to it. All that was shown here is gone when this ends.")
    }

    /// Shows a statement and its answer.
    fn ask(&mut self, text: &str) -> io::Result<()> {
        say(&prompted(text))?;
        query::run(text, &mut self.console)
    }

    fn count(&self, client: &mut Client) -> Outcome<i64> {
        let row = self.answered(client.query_one("SELECT count(*) FROM digits", &[]))?;
        self.answered(row.try_get(0))
    }

    fn answered<T>(&self, result: Result<T, spg_wire::client::Error>) -> Outcome<T> {
        result.map_err(|error| Failure::of_client(error, &self.stage.address.text))
    }
}

/// Columns of the terminal, or of a usual one.
fn columns() -> usize {
    terminal_size().map_or(80, |(_, columns)| columns)
}

/// A statement as it looks in the shell.
fn prompted(text: &str) -> String {
    format!("spg=> {}", text.replace('\n', "\nspg-> "))
}

/// A message without the directory of a file.
fn shortened(message: &str, file: &Path) -> String {
    let whole = file.display().to_string();
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // The directory may be named through a link.
    let resolved =
        fs::canonicalize(file).map(|path| path.display().to_string()).unwrap_or_default();
    let message = message.replace(&whole, &name);
    if resolved.is_empty() { message } else { message.replace(&resolved, &name) }
}

/// Writes a file that its owner alone can read, as the database's are.
fn write(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| of_file("write", path, &error))
}

fn of_file(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(SqlState::IoError, format!("could not {what} {}: {error}", path.display()))
}
