//! Random definitions for the property tests.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::ast::*;
use super::generator::{HERE, data_type, expression, name, object};
use crate::types::DataType;

fn column_specification() -> impl Strategy<Value = ColumnSpecification> {
    let key = (option::of(name()), any::<bool>()).prop_map(|(constraint_name, primary)| {
        ColumnKey { constraint_name, primary, position: HERE }
    });
    let check = (option::of(name()), expression()).prop_map(|(constraint_name, condition)| {
        CheckSpecification { constraint_name, condition, position: HERE }
    });
    let references = (option::of(name()), reference()).prop_map(|(constraint_name, reference)| {
        ColumnReference { constraint_name, reference, position: HERE }
    });
    let identity = identity_specification();
    let parts = (
        name(),
        data_type(),
        any::<bool>(),
        option::of(expression()),
        option::weighted(0.2, identity),
        option::of(any::<bool>()),
        vec(key, 0..2),
        vec(check, 0..2),
        vec(references, 0..2),
    );
    parts.prop_map(
        |(name, type_name, serial, default, identity, not_null, keys, checks, references)| {
            let serial = serial && type_name.data_type.is_integer();
            // None of the three goes with another, nor with NULL.
            let identity = identity.filter(|_| !serial);
            let default = default.filter(|_| !serial && identity.is_none());
            let is_needed = serial || identity.is_some();
            let not_null = not_null.map(|not_null| not_null || is_needed);
            ColumnSpecification {
                name,
                type_name,
                serial,
                default,
                identity,
                not_null,
                keys,
                checks,
                references,
            }
        },
    )
}

fn identity_specification() -> impl Strategy<Value = IdentitySpecification> + Clone {
    let named = option::weighted(0.2, object());
    (any::<bool>(), named, sequence_options()).prop_map(|(always, sequence_name, options)| {
        let options = SequenceOptions { data_type: None, ..options };
        IdentitySpecification { always, sequence_name, options }
    })
}

fn sequence_options() -> impl Strategy<Value = SequenceOptions> + Clone {
    let number = || option::weighted(0.3, any::<i64>());
    let optional = || option::weighted(0.3, option::of(any::<i64>()));
    let owner = option::weighted(0.2, option::of((object(), name())));
    let types = proptest::sample::select(vec![DataType::Int2, DataType::Int4, DataType::Int8]);
    let data_type =
        option::weighted(0.3, types.prop_map(|data_type| TypeName { data_type, position: HERE }));
    let bounds = (number(), optional(), optional(), number());
    (data_type, bounds, optional(), number(), option::of(any::<bool>()), owner).prop_map(
        |(data_type, (increment, min, max, start), restart, cache, cycle, owned_by)| {
            SequenceOptions {
                data_type,
                increment,
                min,
                max,
                start,
                restart,
                cache,
                cycle,
                owned_by,
                position: HERE,
            }
        },
    )
}

pub(super) fn definition() -> impl Strategy<Value = Statement> {
    let constraint = table_constraint();
    let create_table =
        (any::<bool>(), object(), vec(column_specification(), 0..3), vec(constraint, 0..2))
            .prop_map(|(if_not_exists, name, columns, constraints)| {
                let table = CreateTable { if_not_exists, name, columns, constraints };
                Statement::CreateTable(Box::new(table))
            });
    let rename_index = (any::<bool>(), object(), name()).prop_map(|(if_exists, name, to)| {
        Statement::RenameIndex(Box::new(RenameIndex { if_exists, name, to }))
    });
    let index_column = (name(), any::<bool>(), option::of(any::<bool>())).prop_map(
        |(column, descending, nulls_first)| IndexColumnSpecification {
            column,
            descending,
            nulls_first,
        },
    );
    let parts = (any::<[bool; 3]>(), option::of(name()), object(), vec(index_column, 1..3));
    let create_index = parts.prop_map(|(flags, name, table, columns)| {
        let [unique, concurrently, conditional] = flags;
        let if_not_exists = conditional && name.is_some();
        let index = CreateIndex { unique, concurrently, if_not_exists, name, table, columns };
        Statement::CreateIndex(Box::new(index))
    });
    let objects = (any::<bool>(), vec(object(), 1..3), any::<bool>()).prop_map(
        |(if_exists, names, cascade)| DropObjects {
            if_exists,
            names,
            cascade,
            concurrently: false,
        },
    );
    let indexes = (objects.clone(), any::<bool>())
        .prop_map(|(objects, concurrently)| DropObjects { concurrently, ..objects });
    prop_oneof![
        create_table,
        alter_table(),
        rename_index,
        create_index,
        objects.clone().prop_map(Statement::DropTable),
        indexes.prop_map(Statement::DropIndex),
        objects.clone().prop_map(Statement::DropSequence),
        (vec(object(), 1..3), any::<bool>(), any::<bool>()).prop_map(
            |(names, restart_identity, cascade)| {
                Statement::Truncate(Truncate { names, restart_identity, cascade })
            }
        ),
        (any::<bool>(), object(), sequence_options()).prop_map(|(if_not_exists, name, options)| {
            Statement::CreateSequence(Box::new(CreateSequence { if_not_exists, name, options }))
        }),
        (any::<bool>(), object(), sequence_options()).prop_map(|(if_exists, name, options)| {
            let restart = options.restart.or(Some(None));
            let options = SequenceOptions { restart, ..options };
            Statement::AlterSequence(Box::new(AlterSequence { if_exists, name, options }))
        }),
    ]
}

fn reference() -> impl Strategy<Value = Reference> {
    let action = || {
        proptest::sample::select(vec![
            ReferentialAction::NoAction,
            ReferentialAction::Restrict,
            ReferentialAction::Cascade,
            ReferentialAction::SetNull,
            ReferentialAction::SetDefault,
        ])
    };
    (object(), vec(name(), 0..3), any::<bool>(), action(), action()).prop_map(
        |(table, columns, match_full, on_delete, on_update)| Reference {
            table,
            columns,
            match_full,
            on_delete,
            on_update,
        },
    )
}

fn table_constraint() -> impl Strategy<Value = TableConstraint> {
    let foreign = (vec(name(), 1..3), reference())
        .prop_map(|(columns, reference)| ConstraintKind::Foreign { columns, reference });
    let key = (any::<bool>(), vec(name(), 1..3))
        .prop_map(|(primary, columns)| ConstraintKind::Key { primary, columns });
    let kind = prop_oneof![key, expression().prop_map(ConstraintKind::Check), foreign];
    (option::of(name()), kind).prop_map(|(name, kind)| TableConstraint {
        name,
        kind,
        position: HERE,
    })
}

fn alter_table() -> impl Strategy<Value = Statement> {
    let add_column = (any::<bool>(), column_specification()).prop_map(|(if_not_exists, column)| {
        AlterAction::AddColumn { if_not_exists, column: Box::new(column) }
    });
    let drop = || (any::<bool>(), name(), any::<bool>());
    let set_type = (name(), data_type(), option::of(expression()));
    let action = prop_oneof![
        add_column,
        drop().prop_map(|(if_exists, column, cascade)| AlterAction::DropColumn {
            if_exists,
            column,
            cascade
        }),
        (name(), option::of(expression()))
            .prop_map(|(column, default)| AlterAction::SetDefault { column, default }),
        (name(), any::<bool>())
            .prop_map(|(column, not_null)| AlterAction::SetNotNull { column, not_null }),
        (name(), identity_specification())
            .prop_map(|(column, identity)| AlterAction::AddIdentity { column, identity }),
        (name(), option::of(any::<bool>()), sequence_options()).prop_map(
            |(column, always, options)| {
                let restart = options.restart.or(always.is_none().then_some(None));
                let options =
                    SequenceOptions { restart, data_type: None, owned_by: None, ..options };
                AlterAction::SetIdentity { column, always, options }
            }
        ),
        (name(), any::<bool>())
            .prop_map(|(column, if_exists)| AlterAction::DropIdentity { column, if_exists }),
        set_type.prop_map(|(column, type_name, using)| AlterAction::SetType {
            column,
            type_name,
            using
        }),
        table_constraint().prop_map(AlterAction::AddConstraint),
        drop().prop_map(|(if_exists, name, cascade)| AlterAction::DropConstraint {
            if_exists,
            name,
            cascade
        }),
    ];
    let rename = prop_oneof![
        name().prop_map(AlterAction::RenameTable),
        (name(), name()).prop_map(|(from, to)| AlterAction::RenameColumn { from, to }),
        (name(), name()).prop_map(|(from, to)| AlterAction::RenameConstraint { from, to }),
    ];
    let actions = prop_oneof![3 => vec(action, 1..4), 1 => rename.prop_map(|action| vec![action])];
    (any::<bool>(), object(), actions).prop_map(|(if_exists, name, actions)| {
        Statement::AlterTable(Box::new(AlterTable { if_exists, name, actions }))
    })
}
