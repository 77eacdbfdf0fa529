//! The database, who uses it, and its settings.

use super::{BOOL, INT4, NAME, OID, TEXT, TIMESTAMPTZ};
use crate::error::Result;
use crate::system::rows::{Cell, Rows};
use crate::system::source::{DATABASE, Source};
use crate::system::{Namespace, oid, row};
use crate::types::DataType;

const NULL: Cell<'static> = Cell::Null;

/// UTF8 by its number.
const ENCODING: i32 = 6;

pub(super) const DATABASES: &[(&str, DataType)] = &[
    ("oid", OID),
    ("datname", NAME),
    ("datdba", OID),
    ("encoding", INT4),
    ("datlocprovider", TEXT),
    ("datistemplate", BOOL),
    ("datallowconn", BOOL),
    ("datconnlimit", INT4),
    ("datfrozenxid", OID),
    ("datminmxid", OID),
    ("dattablespace", OID),
    ("datcollate", TEXT),
    ("datctype", TEXT),
    ("daticulocale", TEXT),
    ("datcollversion", TEXT),
    ("datacl", TEXT),
];

pub(super) const ROLES: &[(&str, DataType)] = &[
    ("rolname", NAME),
    ("rolsuper", BOOL),
    ("rolinherit", BOOL),
    ("rolcreaterole", BOOL),
    ("rolcreatedb", BOOL),
    ("rolcanlogin", BOOL),
    ("rolreplication", BOOL),
    ("rolconnlimit", INT4),
    ("rolpassword", TEXT),
    ("rolvaliduntil", TIMESTAMPTZ),
    ("rolbypassrls", BOOL),
    ("rolconfig", TEXT),
    ("oid", OID),
];

pub(super) const USERS: &[(&str, DataType)] = &[
    ("usename", NAME),
    ("usesysid", OID),
    ("usecreatedb", BOOL),
    ("usesuper", BOOL),
    ("userepl", BOOL),
    ("usebypassrls", BOOL),
    ("passwd", TEXT),
    ("valuntil", TIMESTAMPTZ),
    ("useconfig", TEXT),
];

pub(super) const SETTINGS: &[(&str, DataType)] = &[
    ("name", TEXT),
    ("setting", TEXT),
    ("unit", TEXT),
    ("category", TEXT),
    ("short_desc", TEXT),
    ("extra_desc", TEXT),
    ("context", TEXT),
    ("vartype", TEXT),
    ("source", TEXT),
    ("min_val", TEXT),
    ("max_val", TEXT),
    ("enumvals", TEXT),
    ("boot_val", TEXT),
    ("reset_val", TEXT),
    ("sourcefile", TEXT),
    ("sourceline", INT4),
    ("pending_restart", BOOL),
];

pub(super) fn databases(_: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    row!(rows;
        oid::DATABASE, DATABASE, oid::ROLE, ENCODING, "c", false, true, -1, 0_i64, 0_i64, 0_i64, "C", "C", NULL, NULL,
        NULL,
    )
}

/// Who owns everything, and who asks, called what it likes: users are not told apart, and may do anything.
fn who(source: &Source<'_>) -> Result<Vec<(String, i64)>> {
    let mut who = vec![(DATABASE.to_owned(), oid::ROLE)];
    let user = source.live.user()?;
    if user != DATABASE {
        who.push((user, oid::ROLE_OF_SESSION));
    }
    Ok(who)
}

pub(super) fn roles(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (name, number) in who(source)? {
        row!(rows; &*name, true, true, true, true, true, false, -1, NULL, NULL, true, NULL, number)?;
    }
    Ok(())
}

pub(super) fn users(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for (name, number) in who(source)? {
        row!(rows; &*name, number, true, true, false, true, NULL, NULL, NULL)?;
    }
    Ok(())
}

pub(super) fn access_methods(_: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    row!(rows; oid::HEAP, "heap", NULL, "t")?;
    row!(rows; oid::BTREE, "btree", NULL, "i")
}

pub(super) fn collations(_: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    row!(rows; oid::COLLATION, "C", oid::namespace(Namespace::Catalog), "c")
}

pub(super) fn settings(source: &Source<'_>, rows: &mut Rows<'_>) -> Result<()> {
    for setting in source.live.settings()? {
        let context = if setting.is_preset { "internal" } else { "user" };
        row!(rows;
            setting.name, setting.value, NULL, NULL, setting.description, NULL, context, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, false,
        )?;
    }
    Ok(())
}
