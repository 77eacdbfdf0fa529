//! Unique keys that move from row to row.

use super::support::{check, database, fails, ok};

/// The new row of the key is older than the leaf's first entry was.
#[test]
fn a_key_given_to_an_older_row_is_found_and_stays_unique() {
    let database = database();
    let session = &mut database.session();
    ok(session, "CREATE TABLE t (id INT PRIMARY KEY)");
    for start in 0..10 {
        let rows: Vec<String> =
            (start * 100..start * 100 + 100).map(|i| format!("({i})")).collect();
        ok(session, &format!("INSERT INTO t VALUES {}", rows.join(",")));
    }
    for k in (128..900).step_by(64) {
        ok(session, &format!("DELETE FROM t WHERE id = {k}"));
        ok(session, &format!("UPDATE t SET id = {k} WHERE id = {}", k / 64));
        check(session, &format!("SELECT id FROM t WHERE id = {k}"), &format!("{k}\nSELECT 1"));
        fails(session, &format!("INSERT INTO t VALUES ({k})"), "23505");
    }
}
