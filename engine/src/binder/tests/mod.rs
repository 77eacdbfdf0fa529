//! Binding whole statements, against what PostgreSQL 15 answers.

mod errors;
mod nesting;
mod print;
mod trees;

use std::sync::Arc;

use crate::binder::bind;
use crate::binder::bound::Bound;
use crate::error::Result;
use crate::parser::parse;
use crate::storage::root::Root;
use crate::storage::schema::{
    Alterations, ColumnDefinition, Constraints, IndexColumn, IndexDefinition, Schema,
};
use crate::types::DataType;

/// A column: name, type, NOT NULL, DEFAULT.
type Column = (&'static str, DataType, bool, Option<&'static str>);

/// t (a int primary key, b text, c float8, d bool),
/// u (a bigint, x smallint not null default 7, v varchar(5), r real default 1.5), e (id int, v vector(3)).
fn root() -> Root {
    use DataType::{Bool, Float4, Float8, Int2, Int4, Int8, Text, Varchar, Vector};
    let mut root = Root::empty();
    let t: &[Column] = &[
        ("a", Int4, true, None),
        ("b", Text, false, None),
        ("c", Float8, false, None),
        ("d", Bool, false, None),
    ];
    let u: &[Column] = &[
        ("a", Int8, false, None),
        ("x", Int2, true, Some("7")),
        ("v", Varchar(Some(5)), false, None),
        ("r", Float4, false, Some("1.5")),
    ];
    let e: &[Column] = &[("id", Int4, false, None), ("v", Vector(Some(3)), false, None)];
    create(&mut root, "t", t, Some(0));
    create(&mut root, "u", u, None);
    create(&mut root, "e", e, None);
    root
}

fn create(root: &mut Root, name: &str, columns: &[Column], key: Option<usize>) {
    let table = root.shared().draw_table_id();
    let indexes = key
        .map(|ordinal| {
            Arc::new(IndexDefinition {
                id: root.shared().draw_index_id(),
                name: Arc::from(format!("{name}_pkey")),
                columns: vec![IndexColumn { ordinal, descending: false, nulls_first: false }],
                unique: true,
                constraint: true,
                primary: true,
            })
        })
        .into_iter()
        .collect();
    let columns = columns
        .iter()
        .map(|(name, data_type, not_null, default)| ColumnDefinition {
            not_null: *not_null,
            default: default.map(Arc::from),
            ..ColumnDefinition::nullable(name, *data_type)
        })
        .collect();
    let structure = root.shared().draw_schema_version();
    let (constraints, alterations) = (Constraints::default(), Alterations::default());
    let name = Arc::from(name);
    root.create_table(Schema {
        table,
        name,
        columns,
        indexes,
        constraints,
        structure,
        alterations,
    });
}

fn bind_text(sql: &str) -> Result<Bound> {
    bind(&parse(sql)?, &root())
}
