//! `restore`: makes a data directory of a backup, brings it forward by the archive of the log, and opens it to verify it. Whatever
//! fails, and whoever ends it, nothing is left that looks like a database.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::CommandFactory;
use clap::error::ErrorKind;
use spg_engine::audit::Key;
use spg_engine::backup::{Restore, Restored, Until, restore};
use spg_engine::disk::Disk;
use spg_engine::disk::read_only::ReadOnlyDisk;
use spg_engine::disk::real::RealDisk;
use spg_engine::durability::Files;
use spg_engine::identity::hex;
use spg_engine::session::Rows;
use spg_engine::types::datetime::{TimestampTz, Zone, format_timestamptz, parse_timestamptz};
use spg_engine::{DataType, Database, Value};

use crate::arguments::Arguments;
use crate::endable_disk::EndableDisk;
use crate::exit::Status;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::interrupt::Interrupt;
use crate::messages;
use crate::progress;
use crate::report::Report;

/// What is to be made of what.
pub(crate) struct Wanted<'a> {
    /// The backup.
    pub(crate) source: &'a Path,
    /// The data directory.
    pub(crate) directory: &'a Path,
    /// The log's archive.
    pub(crate) archive: Option<&'a Path>,
}

/// Restores, verifies, and answers what there is now.
pub(crate) fn run(
    wanted: &Wanted<'_>,
    until: Option<&str>,
    arguments: &Arguments,
) -> Outcome<Report> {
    let until = until.map_or(Until::End, read_until);
    let mut to_open = Files::in_directory(wanted.directory);
    to_open.audit_key = arguments.files.key(&to_open)?;
    files::bear_file_limits()?;
    let made = Arc::new(Made::new(wanted.directory));
    let interrupt = Interrupt::default();
    let beside = Arc::clone(&made);
    // Where signals cannot be watched they end the process as ever.
    interrupt.listen_to_all(Box::new(move || beside.end())).ok();
    let result: Outcome<Restored> = interrupt.during(|| {
        let restored = make(wanted, until, to_open.audit_key.as_ref(), &interrupt);
        made.is_whole.store(restored.is_ok(), Ordering::Relaxed);
        // Why it ended says more than which file it was at.
        interrupt.check()?;
        let restored = restored?;
        if restored.chain.is_none() {
            to_open.audit = None;
        }
        progress::during("verifying", || verify(to_open, arguments)).inspect_err(|failure| {
            // Somebody has it open already: it is not ours to remove any more.
            if failure.is_in_use() {
                made.is_whole.store(false, Ordering::Relaxed);
            }
        })?;
        // What is verified stays.
        made.is_whole.store(false, Ordering::Relaxed);
        Ok(restored)
    });
    if result.is_err() {
        made.remove();
    }
    let restored = result?;
    if let Until::Time(_) = until
        && restored.is_end_of_archive
    {
        messages::line(&format!(
            "NOTICE:  the archive ends before that time: with commit {} of {}",
            restored.commit,
            time_text(restored.time_us)
        ));
    }
    Ok(report(&restored, wanted.directory))
}

/// Makes the directory, as far as nobody asks for an end.
fn make(
    wanted: &Wanted<'_>,
    until: Until,
    key: Option<&Key>,
    interrupt: &Interrupt,
) -> Outcome<Restored> {
    let from = EndableDisk { disk: ReadOnlyDisk, interrupt: interrupt.clone() };
    let to = EndableDisk { disk: RealDisk, interrupt: interrupt.clone() };
    let (from, to): (Arc<dyn Disk>, Arc<dyn Disk>) = (Arc::new(from), Arc::new(to));
    let restored = progress::during("restoring", || {
        restore(&Restore {
            from: &from,
            source: wanted.source,
            to: &to,
            directory: wanted.directory,
            key,
            archive: wanted.archive,
            until,
        })
    });
    restored.map_err(|error| files::refused(&error))
}

/// The directory that is made.
struct Made {
    directory: PathBuf,
    was_there: bool,
    /// Whether it is all there, and this invocation's: until then whoever makes it clears up.
    is_whole: AtomicBool,
}

impl Made {
    fn new(directory: &Path) -> Self {
        let is_whole = AtomicBool::new(false);
        Self { directory: directory.to_owned(), was_there: directory.exists(), is_whole }
    }

    /// Removes it, but for a directory that was there and empty.
    fn remove(&self) {
        if self.is_whole.load(Ordering::Relaxed) {
            for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
                fs::remove_file(entry.path()).ok();
            }
        }
        if !self.was_there {
            // If there is something in it, it is somebody else's.
            fs::remove_dir(&self.directory).ok();
        }
    }

    /// A signal has come: what is being opened asks nobody.
    fn end(&self) {
        if self.is_whole.load(Ordering::Relaxed) {
            self.remove();
            messages::line("ERROR:  57014: canceling statement due to user request");
            std::process::exit(Status::Failed as i32);
        }
    }
}

/// Opens what was made, as a server will, and checks files, chain and indexes against one another.
fn verify(to_open: Files, arguments: &Arguments) -> Outcome<()> {
    let database = Database::open_files(&files::options(arguments), to_open)
        .map_err(|error| files::refused(&error))?;
    let verified = database.administer("verify", &[], &mut Rows::default());
    verified.map_err(|error| Failure::from(error).into_damage())?;
    Ok(database.close()?)
}

fn report(restored: &Restored, directory: &Path) -> Report {
    let number = |number: u64| Value::Int8(number as i64);
    let head = restored.chain.map(|chain| Value::Text(hex(&chain.head).into()));
    let mut report = Report::new("RESTORE");
    for (name, data_type, value) in [
        ("commit", DataType::Int8, number(restored.commit)),
        ("time", DataType::Text, Value::Text(time_text(restored.time_us).into())),
        ("backup_commit", DataType::Int8, number(restored.backup_commit)),
        ("rows", DataType::Int8, number(restored.rows)),
        (
            "audit_sequence",
            DataType::Int8,
            restored.chain.map_or(Value::Null, |chain| number(chain.sequence)),
        ),
        ("audit_head", DataType::Text, head.unwrap_or(Value::Null)),
        ("database", DataType::Text, Value::Text(restored.id.to_string().into())),
    ] {
        report.column(name, data_type, &[value]);
    }
    let replayed = restored.commit - restored.backup_commit;
    let chain = match restored.chain {
        Some(chain) => format!(", audit log up to entry {}", chain.sequence),
        None => String::new(),
    };
    report.line = Some(format!(
        "{}: commit {} of {}, {} rows{chain}\nbackup: commit {}; replayed: {replayed}; verified: files, chain, indexes",
        directory.display(),
        restored.commit,
        time_text(restored.time_us),
        restored.rows,
        restored.backup_commit
    ));
    report
}

/// A moment as PostgreSQL writes it, in UTC.
fn time_text(time_us: i64) -> String {
    let mut text = String::new();
    format_timestamptz(TimestampTz::of_unix_us(time_us), &Zone::utc(), &mut text);
    text
}

/// Reads how far, as [`parse_until`] does; ends the process with status 2 on anything else.
fn read_until(text: &str) -> Until {
    parse_until(text).unwrap_or_else(|reason| {
        let message = format!("invalid value '{text}' for '--to <COMMIT|TIME>': {reason}");
        Arguments::command().error(ErrorKind::ValueValidation, message).exit()
    })
}

/// Reads how far: digits are a commit, anything else is a time as PostgreSQL reads it.
fn parse_until(text: &str) -> Result<Until, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(Until::Commit).map_err(|error| error.to_string());
    }
    match parse_timestamptz(text, None) {
        Ok(time) if time.is_finite() => Ok(Until::Time(time.unix_us())),
        _ => Err("expected a commit's number, or a time such as 2026-11-22T16:05:00Z or '2026-11-22 17:05 Europe/Berlin'"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_told_from_times() {
        let time = Until::Time(1_795_363_500_000_000);
        for (text, expected) in [
            ("0", Until::Commit(0)),
            ("20261122", Until::Commit(20_261_122)),
            ("2026-11-22T16:05:00Z", time),
            ("2026-11-22 16:05", time),
            ("2026-11-22 17:05:00+01", time),
            ("2026-11-22T08:05:00.0-08:00", time),
            ("1970-01-01 00:00:00.000001", Until::Time(1)),
        ] {
            assert_eq!(parse_until(text), Ok(expected), "{text}");
        }
        for text in ["", "-1", "now", "infinity", "soon", "99999999999999999999", "2026-13-01"] {
            assert!(parse_until(text).is_err(), "{text}");
        }
        assert_eq!(time_text(1_795_363_500_000_001), "2026-11-22 16:05:00.000001+00");
    }
}
