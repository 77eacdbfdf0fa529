//! DELETE: the row ids of the rows to remove.

use crate::binder::bound::{BoundDelete, BoundQuery, Relation};
use crate::binder::catalog::Writes;
use crate::binder::context::Context;
use crate::binder::returning::bind_returning;
use crate::binder::update::{open_target, row_id_column, row_id_value};
use crate::error::Result;
use crate::parser::ast::Delete;
use crate::storage::reference::is_linked;

/// Binds DELETE.
pub(super) fn bind_delete(context: &mut Context<'_>, delete: &Delete) -> Result<BoundDelete> {
    let alias = delete.alias.as_ref().map(|alias| &*alias.name);
    let target =
        open_target(context, &delete.table, alias, delete.filter.as_ref(), Writes::Delete)?;
    let returning = bind_returning(context, &delete.returning, &target.schema, alias, None)?;
    context.levels.pop();
    let column = row_id_column(context.draw_column_id());
    let relation = Relation::Project {
        input: Box::new(target.relation),
        columns: vec![(column.id, row_id_value(target.row_id))],
    };
    let source = BoundQuery { relation, columns: vec![column] };
    let (table, linked) = (target.schema.table, is_linked(context.root, &target.schema));
    Ok(BoundDelete { table, source, linked, returning })
}
