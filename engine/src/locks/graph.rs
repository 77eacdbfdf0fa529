//! The wait-for graph: an edge leads from a session that waits to each that is in its way. It is not kept, the lock table is it.
//!
//! A cycle can only come to be when a wait begins, through that wait: so it is looked for then, and at once. The writer lock
//! is no node of it: nobody who holds it waits for any lock, so no cycle goes through it.

use hashbrown::HashSet;

use crate::locks::mode::Mode;
use crate::locks::object::Object;
use crate::locks::table::{LockTable, OwnerId};

/// One wait of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) waiter: OwnerId,
    pub(super) object: Object,
    pub(super) mode: Mode,
    pub(super) blocker: OwnerId,
}

/// The cycle that `start`, which waits, is in; None if there is none.
pub(super) fn cycle(table: &LockTable, start: OwnerId) -> Option<Vec<Edge>> {
    let mut visited = HashSet::new();
    // The path from the start, each with those in its way who are still to be looked at.
    let mut path: Vec<(Edge, Vec<OwnerId>)> = Vec::new();
    let mut next = Some(start);
    loop {
        if let Some(owner) = next.take()
            && visited.insert(owner)
            && let Some((edge, blockers)) = wait_of(table, owner)
        {
            path.push((edge, blockers));
        }
        let (edge, blockers) = path.last_mut()?;
        match blockers.pop() {
            Some(blocker) => {
                edge.blocker = blocker;
                if blocker == start {
                    return Some(path.into_iter().map(|(edge, _)| edge).collect());
                }
                next = Some(blocker);
            }
            None => {
                path.pop();
            }
        }
    }
}

/// What an owner waits for, and who is in its way; the edge's blocker is filled in by the search.
fn wait_of(table: &LockTable, owner: OwnerId) -> Option<(Edge, Vec<OwnerId>)> {
    let (object, ticket) = table.owners.get(&owner)?.waits_for?;
    let entry = table.objects.get(&object)?;
    let mode = entry.queue().find(|waiter| waiter.ticket == ticket)?.mode;
    let blockers = entry.blockers(owner, mode, Some(ticket)).collect();
    Some((Edge { waiter: owner, object, mode, blocker: owner }, blockers))
}
