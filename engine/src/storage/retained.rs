//! What memory an old version keeps alive: what is reached from it and not from a newer one.
//!
//! Found by comparing pointers, so that shared parts are not walked; the walk is bounded all the same, for a version that
//! shares little.

use std::sync::Arc;

use crate::storage::root::Root;
use crate::storage::table::Table;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Bytes of columns and index leaves. A long text or a vector block that two versions of a column share counts.
    pub bytes: usize,
    /// Whether everything was looked at; else there are more.
    pub is_complete: bool,
}

/// A count of bytes that ends after so many pieces.
pub(super) struct Tally {
    bytes: usize,
    pieces_left: usize,
    is_cut: bool,
}

impl Tally {
    /// Counts a piece; false when no more are to be counted.
    pub(super) fn add(&mut self, bytes: usize) -> bool {
        if self.pieces_left == 0 {
            self.is_cut = true;
            return false;
        }
        self.pieces_left -= 1;
        self.bytes += bytes;
        true
    }
}

/// What `old` keeps beside what `newest` needs, going through at most `pieces_max` chunks and leaves that they do not share.
pub fn retained(old: &Root, newest: &Root, pieces_max: usize) -> Retained {
    let mut walk = Tally { bytes: 0, pieces_left: pieces_max, is_cut: false };
    for table in old.tables() {
        match newest.table(table.id()) {
            Some(newer) if Arc::ptr_eq(table, newer) => {}
            newer => table.retained_beside(newer.map(AsRef::as_ref), &mut walk),
        }
    }
    Retained { bytes: walk.bytes, is_complete: !walk.is_cut }
}

impl Table {
    fn retained_beside(&self, newer: Option<&Self>, walk: &mut Tally) {
        self.rows.retained_beside(newer.map(|newer| &newer.rows), walk);
        for index in &self.indexes {
            let id = index.definition().id;
            index.retained_beside(newer.and_then(|newer| newer.index(id)), walk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Database, Options};
    use crate::session::Rows;

    fn run(session: &mut crate::Session, text: &str) {
        session.execute(text, &[], &mut Rows::default()).unwrap();
    }

    #[test]
    fn an_old_version_keeps_what_the_newest_has_not() {
        let database = Database::open(Options::default()).unwrap();
        let mut session = database.session();
        run(&mut session, "CREATE TABLE t (id INT PRIMARY KEY, a BIGINT, b TEXT)");
        run(&mut session, "CREATE TABLE u (id INT PRIMARY KEY)");
        for start in 0..20 {
            let rows: Vec<String> =
                (0..500).map(|row| format!("({}, 0, 'some text')", start * 500 + row)).collect();
            run(&mut session, &format!("INSERT INTO t VALUES {}", rows.join(",")));
        }
        let old = database.published_root();
        assert_eq!(retained(&old, &old, 1_000), Retained { bytes: 0, is_complete: true });
        run(&mut session, "INSERT INTO u VALUES (1)");
        let small = retained(&old, &database.published_root(), 1_000);
        assert!(small.bytes < 100, "{small:?}");
        // One column of one chunk.
        run(&mut session, "UPDATE t SET a = 1 WHERE id = 3000");
        let one = retained(&old, &database.published_root(), 1_000);
        assert!(one.is_complete && (2_048..2_500).contains(&one.bytes), "{one:?}");
        // All of that column: 80,000 bytes.
        run(&mut session, "UPDATE t SET a = 2");
        let column = retained(&old, &database.published_root(), 1_000);
        assert!(column.is_complete && (80_000..100_000).contains(&column.bytes), "{column:?}");
        let cut = retained(&old, &database.published_root(), 5);
        assert!(!cut.is_complete && cut.bytes < column.bytes, "{cut:?}");
        run(&mut session, "DROP TABLE t");
        let all = retained(&old, &database.published_root(), 10_000);
        let table = old.table_by_name("t").unwrap();
        let whole = table.heap_bytes()
            + table.indexes().iter().map(crate::storage::index::Index::heap_bytes).sum::<usize>();
        assert!(all.is_complete && all.bytes >= whole, "{all:?} {whole}");
    }
}
