//! What a root knows of its foreign keys from the other end is what its tables say, whatever was defined, undone and merged.

use proptest::prelude::*;

use crate::session::{Rows, Session};
use crate::storage::TableId;
use crate::storage::root::Root;
use crate::{Database, Options};

const SESSIONS: usize = 2;

/// A statement of a session: most of them make no sense where they stand, and are an error then.
fn statement() -> impl Strategy<Value = (usize, String)> {
    let name = || 0..4_u8;
    let definition = (0..10_u8, name(), name(), 0..2_u8).prop_map(|(kind, child, parent, key)| {
        let reference = format!("CONSTRAINT k{key} REFERENCES t{parent}");
        match kind {
            0 => format!("CREATE TABLE t{child} (id INT PRIMARY KEY, p INT, q INT {reference})"),
            1 => format!("CREATE TABLE t{child} (id INT PRIMARY KEY, p INT, q INT)"),
            2 => format!("DROP TABLE t{child}"),
            3 => format!("DROP TABLE t{child} CASCADE"),
            4 => format!("ALTER TABLE t{child} DROP CONSTRAINT k{key}"),
            5 => format!("ALTER TABLE t{child} DROP COLUMN q"),
            6 => format!("ALTER TABLE t{child} RENAME TO t{parent}"),
            7 => format!("INSERT INTO t{child} (id) VALUES ({parent}) ON CONFLICT DO NOTHING"),
            _ => format!(
                "ALTER TABLE t{child} ADD CONSTRAINT k{key} FOREIGN KEY (p) REFERENCES t{parent}"
            ),
        }
    });
    let control = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s"];
    let control = prop::sample::select(control.to_vec()).prop_map(str::to_owned);
    (0..SESSIONS, prop_oneof![2 => definition, 1 => control])
}

/// The tables that refer to another, found by looking at all.
fn referring(root: &Root, parent: TableId) -> Vec<TableId> {
    let refers = |table: TableId| {
        let keys = &root.table(table).unwrap().schema().constraints.foreign_keys;
        keys.iter().any(|key| key.table == parent)
    };
    root.tables().map(|table| table.id()).filter(|table| refers(*table)).collect()
}

fn check(root: &Root) {
    for table in root.tables() {
        let name = &table.schema().name;
        assert_eq!(root.children(table.id()), referring(root, table.id()), "of {name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn children_are_those_whose_keys_refer(
        statements in prop::collection::vec(statement(), 1..60),
    ) {
        let database = Database::open(Options::default()).unwrap();
        let mut sessions: Vec<Session> = (0..SESSIONS).map(|_| database.session()).collect();
        for (session, statement) in statements {
            let session = &mut sessions[session];
            let _ = session.execute(&statement, &[], &mut Rows::default());
            if session.block.base().is_some() {
                check(session.block.root(database.heads()));
            }
            check(&database.published_root());
        }
    }
}
