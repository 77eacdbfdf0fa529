//! Everything that is counted, by name: `spg_stats`, and what the server adds its own to.

use crate::metrics::Figure;
use crate::metrics::tallies::Totals;
use crate::session::activity::Activity;
use crate::transaction::heads::Heads;
use crate::types::datetime::{TimestampTz, clock};

/// What is known of a running database, beside its sizes.
pub(crate) fn figures(heads: &Heads, activity: &Activity) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |name: &str, value: u64| figures.push((name.to_owned(), value.to_string()));
    let totals: Totals = activity.totals();
    for (name, value) in totals.named() {
        add(name, value);
    }
    let sessions = activity.states(None);
    add("sessions", sessions.len() as u64);
    let newest = heads.published().commit.0;
    let held = sessions.iter().flat_map(|session| {
        let block = session.transaction.as_ref();
        let held = block.and_then(|block| Some((block.snapshot.as_ref()?.0, block.began)));
        let reading = session.reading.zip(session.statement_began);
        held.into_iter().chain(reading)
    });
    let oldest = held.min_by_key(|(commit, began)| (*commit, *began));
    let age = |began: TimestampTz| (clock().0 - began.0).max(0) as u64;
    add(
        "oldest_snapshot_commits_behind",
        oldest.map_or(0, |(commit, _)| newest - commit.0.min(newest)),
    );
    add("oldest_snapshot_seconds", oldest.map_or(0, |(_, began)| age(began) / 1_000_000));
    for (name, times) in heads.latencies() {
        add(&format!("{name}_count"), times.count());
        add(&format!("{name}_mean_us"), times.mean_us());
        for (quantile, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            add(&format!("{name}_{quantile}_us"), times.quantile_us(share));
        }
        add(&format!("{name}_max_us"), times.max_us);
    }
    if let Some((sequence, at)) = heads.audit_verified() {
        add("audit_verified_sequence", sequence);
        figures.push(("audit_verified_at".to_owned(), at));
    }
    figures
}
