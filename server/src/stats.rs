//! Figures of the server, as Stats answers them.

use spg_engine::Database;
use spg_engine::identity::hex;

use crate::shared::{Phase, Shared};

/// Names and values.
pub(crate) fn figures(shared: &Shared, database: &Database) -> Vec<(String, String)> {
    let totals = shared.registry.totals();
    let (named, named_open) = shared.named_sessions.count();
    let gauge = database.gauge();
    let state = match shared.phase() {
        Phase::Loading => "loading",
        Phase::Ready => "ready",
        Phase::Stopping => "stopping",
    };
    let limit = database.memory_limit_bytes();
    let mut figures = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("state", state.to_owned()),
        ("uptime_seconds", shared.started.elapsed().as_secs().to_string()),
        ("connections", totals.connections_now.to_string()),
        ("connections_active", totals.connections_active.to_string()),
        ("connections_max", shared.options.connections_max.to_string()),
        ("connections_total", totals.connections_total.to_string()),
        ("connections_refused", totals.connections_refused.to_string()),
        ("named_sessions", named.to_string()),
        ("transactions_open", (totals.in_transaction + named_open).to_string()),
        ("statements", totals.counters.statements.get().to_string()),
        ("errors", totals.counters.errors.get().to_string()),
        ("rows_sent", totals.counters.rows_sent.get().to_string()),
        ("bytes_received", totals.counters.bytes_received.get().to_string()),
        ("bytes_sent", totals.counters.bytes_sent.get().to_string()),
        ("live_roots", gauge.roots().to_string()),
        ("live_chunks", gauge.chunks().to_string()),
        ("live_index_leaves", gauge.leaves().to_string()),
        ("data_bytes", gauge.bytes().to_string()),
        ("memory_limit_bytes", limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string())),
        ("commit", database.published_commit().0.to_string()),
        (
            "writes",
            database
                .refusal()
                .map_or_else(|| "accepted".to_owned(), |why| format!("refused: {why}")),
        ),
    ];
    figures.extend(of_files(database));
    let own = figures.into_iter().map(|(name, value)| (name.to_owned(), value));
    own.chain(database.figures()).collect()
}

/// Of what makes commits durable, as far as there is any.
fn of_files(database: &Database) -> impl Iterator<Item = (&'static str, String)> {
    let id = database.database_id().map(|id| ("database_id", id.to_string()));
    let head = database.audit_head();
    let sequence = head.map(|chain| ("audit_sequence", chain.sequence.to_string()));
    let hash = head.map(|chain| ("audit_head", hex(&chain.head)));
    let position = database.wal_position().map(|lsn| ("wal_position", lsn.to_string()));
    let image = database.image_commit();
    let checkpoint = image.map(|commit| ("checkpoint_commit", commit.0.to_string()));
    let archive = database.archive_status();
    let archived = archive.as_ref().map(|status| ("archive_position", status.position.to_string()));
    let failures = archive.as_ref().map(|status| ("archive_failures", status.failures.to_string()));
    let state = archive.map(|status| {
        let failing = status.failure.map(|failure| format!("failing: {failure}"));
        ("archive", failing.unwrap_or_else(|| "archived".to_owned()))
    });
    [id, sequence, hash, position, checkpoint, archived, failures, state].into_iter().flatten()
}
