//! One simulated file: what was written and what is durable, kept apart, and what a power cut leaves of both.

use std::collections::BTreeMap;

use super::content::{Content, PAGE_BYTES, Page, spans};
use super::random::Chances;

const SECTOR_BYTES: usize = 512;

/// Versions between the synced and the newest one that are remembered for a page, and lengths for a file.
const EARLIER_MAX: usize = 3;

/// A file. Pages not in `unsynced` are the same in `written` and `synced`.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// What reads see: the page cache.
    written: Content,
    /// What is surely on the medium.
    synced: Content,
    unsynced: BTreeMap<usize, Unsynced>,
    /// Lengths the file had since its last sync.
    earlier_lengths: Vec<u64>,
}

/// A page written since it was last synced.
#[derive(Clone, Debug)]
struct Unsynced {
    /// Whether a sync writes it. Not after a failed sync, until it is written again: Linux takes the pages of a failed
    /// write-back for clean.
    dirty: bool,
    /// What it held between: the system writes back when it likes.
    earlier: Vec<Page>,
}

/// What a power cut does, drawn once for each.
pub(super) struct Cut {
    /// What the medium writes whole or not at all.
    unit_bytes: usize,
    /// Chance of a unit to have been written, in eighths.
    survival: u64,
}

impl Cut {
    pub(super) fn draw(chances: &mut Chances) -> Self {
        let unit_bytes = if chances.happens(4) { SECTOR_BYTES } else { PAGE_BYTES };
        // All, nothing, all but a few and a few but all happen too seldom by even chances.
        let survival = [0, 1, 4, 4, 7, 8][chances.below(6)];
        Self { unit_bytes, survival }
    }

    /// Whether a change that was not synced is on the medium.
    pub(super) fn survives(&self, chances: &mut Chances) -> bool {
        chances.happens(self.survival)
    }
}

impl File {
    pub(super) fn durable(bytes: &[u8]) -> Self {
        let mut content = Content::default();
        content.write(0, bytes);
        Self { written: content.clone(), synced: content, ..Self::default() }
    }

    pub(super) fn written(&self) -> &Content {
        &self.written
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        for span in spans(offset, bytes.len()) {
            self.note_page(span.page);
        }
        let len = self.written.len();
        self.written.write(offset, bytes);
        self.note_length(len);
    }

    pub(super) fn set_len(&mut self, len: u64) {
        let before = self.written.len();
        for page in (len as usize / PAGE_BYTES)..self.written.page_count() {
            self.note_page(page);
        }
        self.written.set_len(len);
        self.note_length(before);
    }

    /// A page is about to change.
    fn note_page(&mut self, page: usize) {
        let before = self.written.page(page);
        match self.unsynced.get_mut(&page) {
            Some(unsynced) => {
                unsynced.dirty = true;
                push_bounded(&mut unsynced.earlier, before);
            }
            None => {
                self.unsynced.insert(page, Unsynced { dirty: true, earlier: Vec::new() });
            }
        }
    }

    fn note_length(&mut self, before: u64) {
        if before != self.written.len() && before != self.synced.len() {
            push_bounded(&mut self.earlier_lengths, before);
        }
    }

    pub(super) fn sync(&mut self) {
        let (written, synced) = (&self.written, &mut self.synced);
        synced.set_len(written.len());
        self.earlier_lengths.clear();
        self.unsynced.retain(|page, unsynced| {
            if unsynced.dirty {
                synced.set_page(*page, written.page(*page));
            }
            !unsynced.dirty
        });
    }

    /// A sync that failed: what it should have written never will be, unless it is written again.
    pub(super) fn fail_sync(&mut self) {
        for unsynced in self.unsynced.values_mut() {
            unsynced.dirty = false;
        }
    }

    /// What is left after a power cut.
    pub(super) fn cut(&self, cut: &Cut, chances: &mut Chances) -> Self {
        let mut left = self.synced.clone();
        for (page, unsynced) in &self.unsynced {
            left.set_page(*page, self.cut_page(*page, unsynced, cut, chances));
        }
        let mut lengths = self.earlier_lengths.clone();
        lengths.push(self.written.len());
        let len = if cut.survives(chances) {
            lengths[chances.below(lengths.len())]
        } else {
            self.synced.len()
        };
        // First to a length that covers all pages, so that those beyond the end are cleared.
        left.set_len((left.page_count() * PAGE_BYTES) as u64);
        left.set_len(len);
        Self { written: left.clone(), synced: left, ..Self::default() }
    }

    fn cut_page(&self, page: usize, unsynced: &Unsynced, cut: &Cut, chances: &mut Chances) -> Page {
        let (synced, written) = (self.synced.page(page), self.written.page(page));
        let mut left = Content::default();
        left.set_page(0, synced);
        for begin in (0..PAGE_BYTES).step_by(cut.unit_bytes) {
            if !cut.survives(chances) {
                continue;
            }
            let version = match chances.below(unsynced.earlier.len() + 2).checked_sub(2) {
                Some(earlier) => &unsynced.earlier[earlier],
                // What lies beyond the end was cut off, not written.
                None if (page * PAGE_BYTES + begin) as u64 >= self.written.len() => continue,
                None => &written,
            };
            let unit = begin..begin + cut.unit_bytes;
            match version {
                Some(bytes) if unit.len() == PAGE_BYTES => left.set_page(0, Some(bytes.clone())),
                Some(bytes) => left.write(begin as u64, &bytes[unit]),
                None => left.write(begin as u64, &[0; PAGE_BYTES][unit]),
            }
        }
        left.page(0)
    }
}

fn push_bounded<T>(list: &mut Vec<T>, item: T) {
    if list.len() == EARLIER_MAX {
        list.remove(0);
    }
    list.push(item);
}
