//! `information_schema`, as the SQL standard has it and PostgreSQL fills it.

mod columns;
mod constraints;
mod relations;

use super::{CHARACTERS, INT4, Kind, NAME, Namespace, View};
use crate::error::Result;
use crate::system::rows::Rows;
use crate::system::source::Source;
use crate::types::DataType;

type Fill = fn(&Source<'_>, &mut Rows<'_>) -> Result<()>;

const fn view(
    name: &'static str,
    columns: &'static [(&'static str, DataType)],
    fill: Fill,
) -> View {
    View { namespace: Namespace::Information, name, kind: Kind::View, columns, fill }
}

/// All of them.
pub(super) const VIEWS: &[View] = &[
    view(
        "check_constraints",
        &[
            ("constraint_catalog", NAME),
            ("constraint_schema", NAME),
            ("constraint_name", NAME),
            ("check_clause", CHARACTERS),
        ],
        constraints::check_constraints,
    ),
    view("columns", columns::COLUMNS, columns::columns),
    view(
        "constraint_column_usage",
        &[
            ("table_catalog", NAME),
            ("table_schema", NAME),
            ("table_name", NAME),
            ("column_name", NAME),
            ("constraint_catalog", NAME),
            ("constraint_schema", NAME),
            ("constraint_name", NAME),
        ],
        constraints::constraint_column_usage,
    ),
    view(
        "constraint_table_usage",
        &[
            ("table_catalog", NAME),
            ("table_schema", NAME),
            ("table_name", NAME),
            ("constraint_catalog", NAME),
            ("constraint_schema", NAME),
            ("constraint_name", NAME),
        ],
        constraints::constraint_table_usage,
    ),
    view(
        "key_column_usage",
        &[
            ("constraint_catalog", NAME),
            ("constraint_schema", NAME),
            ("constraint_name", NAME),
            ("table_catalog", NAME),
            ("table_schema", NAME),
            ("table_name", NAME),
            ("column_name", NAME),
            ("ordinal_position", INT4),
            ("position_in_unique_constraint", INT4),
        ],
        constraints::key_column_usage,
    ),
    view(
        "referential_constraints",
        &[
            ("constraint_catalog", NAME),
            ("constraint_schema", NAME),
            ("constraint_name", NAME),
            ("unique_constraint_catalog", NAME),
            ("unique_constraint_schema", NAME),
            ("unique_constraint_name", NAME),
            ("match_option", CHARACTERS),
            ("update_rule", CHARACTERS),
            ("delete_rule", CHARACTERS),
        ],
        constraints::referential_constraints,
    ),
    view(
        "schemata",
        &[
            ("catalog_name", NAME),
            ("schema_name", NAME),
            ("schema_owner", NAME),
            ("default_character_set_catalog", NAME),
            ("default_character_set_schema", NAME),
            ("default_character_set_name", NAME),
            ("sql_path", CHARACTERS),
        ],
        relations::schemata,
    ),
    view(
        "sequences",
        &[
            ("sequence_catalog", NAME),
            ("sequence_schema", NAME),
            ("sequence_name", NAME),
            ("data_type", CHARACTERS),
            ("numeric_precision", INT4),
            ("numeric_precision_radix", INT4),
            ("numeric_scale", INT4),
            ("start_value", CHARACTERS),
            ("minimum_value", CHARACTERS),
            ("maximum_value", CHARACTERS),
            ("increment", CHARACTERS),
            ("cycle_option", CHARACTERS),
        ],
        relations::sequences,
    ),
    view(
        "table_constraints",
        &[
            ("constraint_catalog", NAME),
            ("constraint_schema", NAME),
            ("constraint_name", NAME),
            ("table_catalog", NAME),
            ("table_schema", NAME),
            ("table_name", NAME),
            ("constraint_type", CHARACTERS),
            ("is_deferrable", CHARACTERS),
            ("initially_deferred", CHARACTERS),
            ("enforced", CHARACTERS),
            ("nulls_distinct", CHARACTERS),
        ],
        constraints::table_constraints,
    ),
    view(
        "tables",
        &[
            ("table_catalog", NAME),
            ("table_schema", NAME),
            ("table_name", NAME),
            ("table_type", CHARACTERS),
            ("self_referencing_column_name", NAME),
            ("reference_generation", CHARACTERS),
            ("user_defined_type_catalog", NAME),
            ("user_defined_type_schema", NAME),
            ("user_defined_type_name", NAME),
            ("is_insertable_into", CHARACTERS),
            ("is_typed", CHARACTERS),
            ("commit_action", CHARACTERS),
        ],
        relations::tables,
    ),
    view(
        "views",
        &[
            ("table_catalog", NAME),
            ("table_schema", NAME),
            ("table_name", NAME),
            ("view_definition", CHARACTERS),
            ("check_option", CHARACTERS),
            ("is_updatable", CHARACTERS),
            ("is_insertable_into", CHARACTERS),
            ("is_trigger_updatable", CHARACTERS),
            ("is_trigger_deletable", CHARACTERS),
            ("is_trigger_insertable_into", CHARACTERS),
        ],
        relations::views,
    ),
];

/// YES or NO.
fn yes(is_so: bool) -> &'static str {
    if is_so { "YES" } else { "NO" }
}
