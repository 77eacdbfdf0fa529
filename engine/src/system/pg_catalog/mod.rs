//! `pg_catalog`: what applications and drivers ask of it.
//!
//! PostgreSQL's column names and order. Its types `name`, `"char"`, arrays and vectors of numbers are TEXT here, `oid` and
//! `xid` BIGINT.

mod attributes;
mod constraints;
mod indexes;
mod locks;
mod relations;
mod server;
mod sessions;
mod sizes;
mod statements;
mod stats;

pub(super) use locks::blockers;

use super::{
    BOOL, FLOAT4, FLOAT8, INT2, INT4, INT8, Kind, NAME, Namespace, OID, TEXT, TIMESTAMPTZ, View,
};
use crate::error::Result;
use crate::system::rows::Rows;
use crate::system::source::Source;
use crate::types::DataType;

type Columns = &'static [(&'static str, DataType)];
type Fill = fn(&Source<'_>, &mut Rows<'_>) -> Result<()>;

const fn catalog(name: &'static str, columns: Columns, fill: Fill) -> View {
    View { namespace: Namespace::Catalog, name, kind: Kind::Catalog, columns, fill }
}

const fn view(name: &'static str, columns: Columns, fill: Fill) -> View {
    View { namespace: Namespace::Catalog, name, kind: Kind::View, columns, fill }
}

/// What SPG has none of.
#[expect(clippy::unnecessary_wraps, reason = "what fills a view may fail")]
fn none(_: &Source<'_>, _: &mut Rows<'_>) -> Result<()> {
    Ok(())
}

/// All of them.
pub(super) const VIEWS: &[View] = &[
    catalog(
        "pg_am",
        &[("oid", OID), ("amname", NAME), ("amhandler", TEXT), ("amtype", TEXT)],
        server::access_methods,
    ),
    catalog(
        "pg_attrdef",
        &[("oid", OID), ("adrelid", OID), ("adnum", INT2), ("adbin", TEXT)],
        attributes::defaults,
    ),
    catalog("pg_attribute", attributes::ATTRIBUTE, attributes::attributes),
    catalog("pg_class", relations::CLASS, relations::classes),
    catalog(
        "pg_collation",
        &[("oid", OID), ("collname", NAME), ("collnamespace", OID), ("collprovider", TEXT)],
        server::collations,
    ),
    catalog("pg_constraint", constraints::CONSTRAINT, constraints::constraints),
    catalog("pg_database", server::DATABASES, server::databases),
    catalog(
        "pg_depend",
        &[
            ("classid", OID),
            ("objid", OID),
            ("objsubid", INT4),
            ("refclassid", OID),
            ("refobjid", OID),
            ("refobjsubid", INT4),
            ("deptype", TEXT),
        ],
        constraints::dependencies,
    ),
    catalog(
        "pg_description",
        &[("objoid", OID), ("classoid", OID), ("objsubid", INT4), ("description", TEXT)],
        none,
    ),
    catalog(
        "pg_enum",
        &[("oid", OID), ("enumtypid", OID), ("enumsortorder", FLOAT4), ("enumlabel", NAME)],
        none,
    ),
    catalog(
        "pg_extension",
        &[("oid", OID), ("extname", NAME), ("extnamespace", OID), ("extversion", TEXT)],
        none,
    ),
    catalog("pg_index", indexes::INDEX, indexes::indexes),
    view(
        "pg_indexes",
        &[
            ("schemaname", NAME),
            ("tablename", NAME),
            ("indexname", NAME),
            ("tablespace", NAME),
            ("indexdef", TEXT),
        ],
        indexes::index_definitions,
    ),
    catalog(
        "pg_inherits",
        &[("inhrelid", OID), ("inhparent", OID), ("inhseqno", INT4), ("inhdetachpending", BOOL)],
        none,
    ),
    view("pg_locks", locks::PG_LOCKS, locks::pg_locks),
    view(
        "pg_matviews",
        &[
            ("schemaname", NAME),
            ("matviewname", NAME),
            ("matviewowner", NAME),
            ("tablespace", NAME),
            ("hasindexes", BOOL),
            ("ispopulated", BOOL),
            ("definition", TEXT),
        ],
        none,
    ),
    catalog(
        "pg_namespace",
        &[("oid", OID), ("nspname", NAME), ("nspowner", OID), ("nspacl", TEXT)],
        relations::namespaces,
    ),
    view("pg_roles", server::ROLES, server::roles),
    catalog(
        "pg_sequence",
        &[
            ("seqrelid", OID),
            ("seqtypid", OID),
            ("seqstart", INT8),
            ("seqincrement", INT8),
            ("seqmax", INT8),
            ("seqmin", INT8),
            ("seqcache", INT8),
            ("seqcycle", BOOL),
        ],
        relations::sequences,
    ),
    view(
        "pg_sequences",
        &[
            ("schemaname", NAME),
            ("sequencename", NAME),
            ("sequenceowner", NAME),
            ("data_type", TEXT),
            ("start_value", INT8),
            ("min_value", INT8),
            ("max_value", INT8),
            ("increment_by", INT8),
            ("cycle", BOOL),
            ("cache_size", INT8),
            ("last_value", INT8),
        ],
        relations::sequence_states,
    ),
    view("pg_settings", server::SETTINGS, server::settings),
    view("pg_stat_activity", sessions::ACTIVITY, sessions::activity),
    view("pg_stat_user_tables", sizes::USER_TABLES, sizes::user_tables),
    view(
        "pg_tables",
        &[
            ("schemaname", NAME),
            ("tablename", NAME),
            ("tableowner", NAME),
            ("tablespace", NAME),
            ("hasindexes", BOOL),
            ("hasrules", BOOL),
            ("hastriggers", BOOL),
            ("rowsecurity", BOOL),
        ],
        relations::tables,
    ),
    catalog("pg_type", attributes::TYPE, attributes::types),
    view("pg_user", server::USERS, server::users),
    view(
        "pg_views",
        &[("schemaname", NAME), ("viewname", NAME), ("viewowner", NAME), ("definition", TEXT)],
        relations::views,
    ),
    view("spg_latencies", stats::LATENCIES, stats::latencies),
    view("spg_locks", locks::SPG_LOCKS, locks::spg_locks),
    view(
        "spg_sequences",
        &[
            ("schemaname", NAME),
            ("sequencename", NAME),
            ("last_value", INT8),
            ("is_called", BOOL),
            ("owner_table", NAME),
            ("owner_column", NAME),
            ("is_identity", BOOL),
        ],
        relations::sequence_positions,
    ),
    view("spg_snapshots", sessions::SNAPSHOTS, sessions::snapshots),
    view("spg_stats", stats::STATS, stats::stats),
    view("spg_stat_statements", statements::STATEMENTS, statements::statements),
    view("spg_stat_tables", sizes::TABLES, sizes::tables),
    view("spg_transactions", sessions::TRANSACTIONS, sessions::transactions),
];
