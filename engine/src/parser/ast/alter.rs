//! ALTER TABLE and ALTER INDEX of the syntax tree.

use super::{
    ColumnSpecification, Expression, Identifier, IdentitySpecification, ObjectName,
    SequenceOptions, TableConstraint, TypeName,
};

/// ALTER TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// IF EXISTS.
    pub if_exists: bool,
    /// The table.
    pub name: ObjectName,
    /// What is done to it, at least one; one of those that rename stands alone.
    pub actions: Vec<AlterAction>,
}

/// What ALTER TABLE does.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterAction {
    /// ADD \[COLUMN\].
    AddColumn {
        /// IF NOT EXISTS.
        if_not_exists: bool,
        /// The column with its constraints.
        column: Box<ColumnSpecification>,
    },
    /// DROP \[COLUMN\].
    DropColumn {
        /// IF EXISTS.
        if_exists: bool,
        /// The column.
        column: Identifier,
        /// CASCADE rather than RESTRICT.
        cascade: bool,
    },
    /// ALTER \[COLUMN\] column SET DEFAULT, or DROP DEFAULT.
    SetDefault {
        /// The column.
        column: Identifier,
        /// The expression; None for DROP.
        default: Option<Expression>,
    },
    /// ALTER \[COLUMN\] column SET or DROP NOT NULL.
    SetNotNull {
        /// The column.
        column: Identifier,
        /// SET rather than DROP.
        not_null: bool,
    },
    /// ALTER \[COLUMN\] column ADD GENERATED ... AS IDENTITY.
    AddIdentity {
        /// The column.
        column: Identifier,
        /// How it takes values.
        identity: IdentitySpecification,
    },
    /// ALTER \[COLUMN\] column {SET GENERATED ... | SET sequence option | RESTART} ...
    SetIdentity {
        /// The column.
        column: Identifier,
        /// SET GENERATED ALWAYS (Some(true)) or BY DEFAULT.
        always: Option<bool>,
        /// What changes of its sequence.
        options: SequenceOptions,
    },
    /// ALTER \[COLUMN\] column DROP IDENTITY.
    DropIdentity {
        /// The column.
        column: Identifier,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// ALTER \[COLUMN\] column \[SET DATA\] TYPE type [USING expression].
    SetType {
        /// The column.
        column: Identifier,
        /// Its new type.
        type_name: TypeName,
        /// What its values become; None casts them.
        using: Option<Expression>,
    },
    /// ADD constraint.
    AddConstraint(TableConstraint),
    /// DROP CONSTRAINT.
    DropConstraint {
        /// IF EXISTS.
        if_exists: bool,
        /// The constraint.
        name: Identifier,
        /// CASCADE rather than RESTRICT.
        cascade: bool,
    },
    /// RENAME TO.
    RenameTable(Identifier),
    /// RENAME \[COLUMN\] from TO to.
    RenameColumn {
        /// The column.
        from: Identifier,
        /// Its new name.
        to: Identifier,
    },
    /// RENAME CONSTRAINT from TO to.
    RenameConstraint {
        /// The constraint.
        from: Identifier,
        /// Its new name.
        to: Identifier,
    },
}

/// ALTER INDEX name RENAME TO.
#[derive(Clone, Debug, PartialEq)]
pub struct RenameIndex {
    /// IF EXISTS.
    pub if_exists: bool,
    /// The index.
    pub name: ObjectName,
    /// Its new name.
    pub to: Identifier,
}
