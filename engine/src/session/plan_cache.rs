//! The session's prepared statements by text, so that a text seen before is neither parsed nor planned.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::limits::{PLAN_CACHE_ENTRIES_MAX, PLAN_CACHE_TEXT_BYTES_MAX};
use crate::session::Prepared;

/// At most [`PLAN_CACHE_ENTRIES_MAX`] statements; the one unused for longest makes room.
#[derive(Debug, Default)]
pub(super) struct PlanCache {
    slots: HashMap<Arc<str>, usize>,
    entries: Vec<Entry>,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    text: Arc<str>,
    /// None while it is being executed.
    prepared: Option<Prepared>,
    used: u64,
}

impl PlanCache {
    /// Takes the statement of this text out, with the place to [`Self::put_back`] to.
    pub(super) fn take(&mut self, text: &str) -> Option<(usize, Prepared)> {
        let slot = *self.slots.get(text)?;
        self.clock += 1;
        let entry = &mut self.entries[slot];
        entry.used = self.clock;
        entry.prepared.take().map(|prepared| (slot, prepared))
    }

    /// Puts a statement back where it was taken from.
    pub(super) fn put_back(&mut self, slot: usize, prepared: Prepared) {
        self.entries[slot].prepared = Some(prepared);
    }

    /// Has every statement parsed and planned anew when it comes again.
    pub(super) fn forget(&mut self) {
        for entry in &mut self.entries {
            entry.prepared = None;
        }
    }

    /// Keeps a statement that was not here.
    pub(super) fn insert(&mut self, prepared: Prepared) {
        if prepared.text.len() > PLAN_CACHE_TEXT_BYTES_MAX {
            return;
        }
        self.clock += 1;
        let text = Arc::clone(&prepared.text);
        let entry = Entry { text: Arc::clone(&text), prepared: Some(prepared), used: self.clock };
        let known = self.slots.get(&text).copied();
        let slot = match known {
            Some(slot) => slot,
            None if self.entries.len() < PLAN_CACHE_ENTRIES_MAX => {
                self.slots.insert(text, self.entries.len());
                self.entries.push(entry);
                return;
            }
            None => self.oldest(),
        };
        self.slots.remove(&self.entries[slot].text);
        self.slots.insert(text, slot);
        self.entries[slot] = entry;
    }

    fn oldest(&self) -> usize {
        let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.used);
        oldest.map_or(0, |(slot, _)| slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::ast::Statement;

    #[test]
    fn the_longest_unused_makes_room() {
        let mut cache = PlanCache::default();
        for number in 0..PLAN_CACHE_ENTRIES_MAX {
            cache.insert(Prepared::new(&format!("text {number}"), Statement::Commit, 0, &[]));
        }
        let (slot, first) = cache.take("text 0").unwrap();
        assert!(cache.take("text 0").is_none(), "it is out");
        cache.put_back(slot, first);
        cache.insert(Prepared::new("one more", Statement::Commit, 0, &[]));
        assert!(cache.take("text 0").is_some());
        assert!(cache.take("text 1").is_none());
        assert!(cache.take("one more").is_some());
        let long = "x".repeat(PLAN_CACHE_TEXT_BYTES_MAX + 1);
        cache.insert(Prepared::new(&long, Statement::Commit, 0, &[]));
        assert!(cache.take(&long).is_none());
    }
}
