//! The verbs about the audit log.

use std::time::{Duration, SystemTime};

use super::{Answer, Options, differs};
use crate::audit::{self, AuditLog, Draft, Filter, Listed};
use crate::database::Database;
use crate::durability::journal::{Journal, now_us};
use crate::error::{Error, Result, SqlState};
use crate::identity::hex;
use crate::session::{CommandTag, RowSink};
use crate::transaction::heads::Heads;
use crate::types::{DataType, ValueRef};

/// The database's journal and audit log; 55000 if it has none.
fn audit_of(database: &Database) -> Result<(&Journal, &AuditLog)> {
    let journal = database.journal().map(|journal| &**journal);
    journal.and_then(|journal| Some((journal, journal.audit.as_ref()?))).ok_or_else(|| {
        Error::new(SqlState::ObjectNotInPrerequisiteState, "this database has no audit log")
            .with_hint("Start it with one: AUDIT, SPG_AUDIT or --data-dir.")
    })
}

/// Where the chain stands.
pub(super) fn head(
    database: &Database,
    options: &mut Options<'_>,
    sink: &mut dyn RowSink,
) -> Result<CommandTag> {
    options.check(&[])?;
    let (journal, _) = audit_of(database)?;
    let Some(chain) = journal.chain() else {
        return Err(Error::new(SqlState::InternalError, "an audit log without a chain"));
    };
    let columns =
        [("sequence", DataType::Int8), ("head", DataType::Text), ("database", DataType::Text)];
    let mut answer = Answer::new(sink, &columns)?;
    answer.row(&[
        ValueRef::Int8(chain.sequence as i64),
        ValueRef::Text(&hex(&chain.head)),
        ValueRef::Text(&journal.id.to_string()),
    ])?;
    answer.end()
}

/// Verifies every link of the files as they are now.
pub(super) fn verify(
    database: &Database,
    options: &mut Options<'_>,
    sink: &mut dyn RowSink,
) -> Result<CommandTag> {
    options.check(&["expect_head"])?;
    let expected = options.text("expect_head").map(parse_head).transpose()?;
    let (journal, log) = audit_of(database)?;
    // What is in the file at least when the verification begins.
    let before = journal.chain();
    let report =
        audit::verify(&options.disk(journal), log.path(), journal.key().as_ref(), expected)
            .map_err(|fault| options.differs(&fault))?;
    if let Some(before) = before.filter(|before| before.sequence > report.state.sequence) {
        return Err(differs(format!(
            "{}: the file ends with entry {}, the chain with entry {}",
            log.path().display(),
            report.state.sequence,
            before.sequence
        )));
    }
    note_verified(database.heads(), report.state.sequence);
    let columns = [
        ("entries", DataType::Int8),
        ("first_sequence", DataType::Int8),
        ("sequence", DataType::Int8),
        ("head", DataType::Text),
        ("bytes", DataType::Int8),
        ("keyed", DataType::Bool),
        ("expected_sequence", DataType::Int8),
    ];
    let mut answer = Answer::new(sink, &columns)?;
    answer.row(&[
        ValueRef::Int8(report.entries as i64),
        ValueRef::Int8(report.first_sequence as i64),
        ValueRef::Int8(report.state.sequence as i64),
        ValueRef::Text(&hex(&report.state.head)),
        ValueRef::Int8(report.bytes as i64),
        ValueRef::Bool(report.keyed),
        report.expected_sequence.map_or(ValueRef::Null, |sequence| ValueRef::Int8(sequence as i64)),
    ])?;
    answer.end()
}

fn parse_head(text: &str) -> Result<[u8; 32]> {
    let digits: Option<Vec<u8>> = (0..text.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok())
        .collect();
    digits.and_then(|digits| digits.try_into().ok()).ok_or_else(|| {
        Error::new(
            SqlState::InvalidParameterValue,
            format!("an audit head is 64 hexadecimal digits, not \"{text}\""),
        )
    })
}

/// Entries that pass a filter, in order.
pub(super) fn list(
    database: &Database,
    options: &mut Options<'_>,
    sink: &mut dyn RowSink,
) -> Result<CommandTag> {
    options.check(&[
        "since_us",
        "until_us",
        "from_commit",
        "to_commit",
        "contains",
        "user",
        "application",
        "limit",
    ])?;
    let owned = |key| options.text(key).map(str::to_owned);
    let filter = Filter {
        since_us: options.number("since_us")?,
        until_us: options.number("until_us")?,
        first_commit: options.number("from_commit")?,
        last_commit: options.number("to_commit")?,
        statement_contains: owned("contains"),
        user: owned("user"),
        application: owned("application"),
        kind: None,
    };
    let limit = options.number("limit")?.unwrap_or(usize::MAX);
    let (journal, log) = audit_of(database)?;
    let columns = [
        ("sequence", DataType::Int8),
        ("time", DataType::Text),
        ("commit", DataType::Int8),
        ("kind", DataType::Text),
        ("user", DataType::Text),
        ("application", DataType::Text),
        ("peer", DataType::Text),
        ("executions", DataType::Int8),
        ("statement", DataType::Text),
        ("parameters", DataType::Text),
        ("digest", DataType::Text),
        ("hash", DataType::Text),
    ];
    let mut answer = Answer::new(sink, &columns)?;
    let disk = options.disk(journal);
    let entries =
        audit::list(&disk, log.path(), filter).map_err(|error| options.differs(&error))?;
    for entry in entries.take(limit) {
        // Reading asks once a piece, which may hold thousands.
        options.interrupt.check()?;
        row(&mut answer, &entry.map_err(|error| options.differs(&error))?)?;
    }
    answer.end()
}

fn row(answer: &mut Answer<'_>, entry: &Listed) -> Result<()> {
    let parameters = match (&entry.parameters, &entry.parameters_digest) {
        (Some(parameters), _) => Some(parameters_text(parameters)),
        (None, Some(digest)) => Some(format!("blake3:{}", hex(digest))),
        (None, None) => None,
    };
    answer.row(&[
        ValueRef::Int8(entry.sequence as i64),
        ValueRef::Text(&time_text(entry.time_us)),
        ValueRef::Int8(entry.commit as i64),
        ValueRef::Text(entry.kind.name()),
        ValueRef::Text(&entry.user),
        ValueRef::Text(&entry.application),
        ValueRef::Text(&entry.peer),
        ValueRef::Int8(entry.number as i64),
        ValueRef::Text(&entry.statement),
        parameters.as_deref().map_or(ValueRef::Null, ValueRef::Text),
        ValueRef::Text(&hex(&entry.digest)),
        ValueRef::Text(&hex(&entry.hash)),
    ])
}

/// Parameters as SQL would write them: `1, 'x', NULL` with every value quoted, since types are not kept.
fn parameters_text(parameters: &[Option<String>]) -> String {
    let quoted = parameters.iter().map(|text| match text {
        Some(text) => format!("'{}'", text.replace('\'', "''")),
        None => "NULL".to_owned(),
    });
    quoted.collect::<Vec<_>>().join(", ")
}

/// Every link up to entry `sequence` was found to be whole just now.
pub(crate) fn note_verified(heads: &Heads, sequence: u64) {
    heads.note_audit_verified(sequence, time_text(now_us()));
}

/// `2026-11-22T16:05:00.000000Z`; times before 1970 are shown as 1970.
fn time_text(time_us: i64) -> String {
    let since = Duration::from_micros(u64::try_from(time_us).unwrap_or(0));
    humantime::format_rfc3339_micros(SystemTime::UNIX_EPOCH + since).to_string()
}

/// Moves sealed segments away, after an entry that says so is durable.
pub(super) fn archive(
    database: &Database,
    options: &mut Options<'_>,
    sink: &mut dyn RowSink,
) -> Result<CommandTag> {
    options.check(&["directory"])?;
    let directory = options.directory()?;
    let (journal, log) = audit_of(database)?;
    let mut answer = Answer::new(sink, &[("segment", DataType::Text)])?;
    // Whether the directory takes files shows before anything is promised about them.
    journal.disk.list(directory).map_err(|error| {
        Error::new(SqlState::IoError, format!("could not open {}: {error}", directory.display()))
    })?;
    if let Some(last) = log.archivable() {
        let commit = database.published_commit().0;
        journal.note(&Draft::archived(commit, now_us(), last))?;
        // Invariant: nothing is moved before the newest root's chain has that entry, for a backup goes as far as that.
        database.commit_nothing()?;
        let moved = log.archive(directory, last).map_err(|error| {
            Error::new(SqlState::IoError, format!("could not archive: {error}")).with_hint(
                "What was moved is whole; run it again when the directory can be written.",
            )
        })?;
        for path in moved {
            answer.row(&[ValueRef::Text(&path.display().to_string())])?;
        }
    }
    answer.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_times_are_read_and_written() {
        let head = hex(&std::array::from_fn::<u8, 32, _>(|place| place as u8));
        assert_eq!(parse_head(&head).unwrap()[31], 31);
        for wrong in ["", "0", "zz", &head[1..], &format!("{head}00"), "é"] {
            assert!(parse_head(wrong).is_err(), "{wrong}");
        }
        assert_eq!(time_text(1_000_001), "1970-01-01T00:00:01.000001Z");
        assert_eq!(time_text(-5), "1970-01-01T00:00:00.000000Z");
        let parameters = [Some("it's".to_owned()), None];
        assert_eq!(parameters_text(&parameters), "'it''s', NULL");
    }
}
