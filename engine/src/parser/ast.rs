//! The syntax tree: what was written, before any name is looked up.
//!
//! Positions compare equal (see [`Position`]), so `parse(display(tree)) == tree`.
//! Names are already folded: an unquoted identifier in lower case, a quoted one as written.

mod alter;
mod definition;
mod explain;
mod expression;
mod sequence;
mod walk;

pub use alter::{AlterAction, AlterTable, RenameIndex};
pub use definition::{
    CheckSpecification, ColumnKey, ColumnReference, ColumnSpecification, ConstraintKind,
    CreateIndex, CreateTable, DropObjects, IndexColumnSpecification, Reference, ReferentialAction,
    TableConstraint, Truncate,
};
pub use explain::{Explain, ExplainFormat, ExplainOptions};
pub use expression::{
    BinaryOperator, Expression, ExpressionKind, FunctionCall, IsTest, UnaryOperator,
};

pub use sequence::{AlterSequence, CreateSequence, IdentitySpecification, SequenceOptions};

use crate::types::Position;

/// A name with the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// The name, folded.
    pub name: String,
    /// Where it stands.
    pub position: Position,
}

/// `[schema.]name` of a table or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// The schema, if one was written.
    pub schema: Option<Identifier>,
    /// The name.
    pub name: Identifier,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// SELECT, VALUES or a set operation.
    Query(Box<Query>),
    /// INSERT.
    Insert(Box<Insert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE.
    Delete(Box<Delete>),
    /// CREATE TABLE.
    CreateTable(Box<CreateTable>),
    /// ALTER TABLE.
    AlterTable(Box<AlterTable>),
    /// ALTER INDEX ... RENAME TO.
    RenameIndex(Box<RenameIndex>),
    /// DROP TABLE.
    DropTable(DropObjects),
    /// CREATE INDEX.
    CreateIndex(Box<CreateIndex>),
    /// DROP INDEX.
    DropIndex(DropObjects),
    /// TRUNCATE.
    Truncate(Truncate),
    /// CREATE SEQUENCE.
    CreateSequence(Box<CreateSequence>),
    /// ALTER SEQUENCE.
    AlterSequence(Box<AlterSequence>),
    /// DROP SEQUENCE.
    DropSequence(DropObjects),
    /// BEGIN or START TRANSACTION.
    Begin(TransactionModes),
    /// COMMIT or END.
    Commit,
    /// ROLLBACK or ABORT.
    Rollback,
    /// COMMIT AND CHAIN.
    CommitAndChain,
    /// ROLLBACK AND CHAIN.
    RollbackAndChain,
    /// SAVEPOINT name.
    Savepoint(Identifier),
    /// RELEASE \[SAVEPOINT\] name.
    ReleaseSavepoint(Identifier),
    /// ROLLBACK TO \[SAVEPOINT\] name.
    RollbackToSavepoint(Identifier),
    /// SET TRANSACTION modes.
    SetTransaction(TransactionModes),
    /// SET SESSION CHARACTERISTICS AS TRANSACTION modes.
    SetSessionCharacteristics(TransactionModes),
    /// SET CONSTRAINTS.
    SetConstraints(SetConstraints),
    /// SET \[SESSION | LOCAL\] name = value.
    Set(SetVariable),
    /// SHOW name; None is SHOW ALL.
    Show(Option<Identifier>),
    /// RESET name; None is RESET ALL.
    Reset(Option<Identifier>),
    /// DISCARD.
    Discard(Discard),
    /// CHECKPOINT.
    Checkpoint,
    /// EXPLAIN statement.
    Explain(Explain),
}

/// SELECT, VALUES or a set operation with what may follow it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is ordered and limited.
    pub body: QueryBody,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// LIMIT; `LIMIT ALL` is None.
    pub limit: Option<Expression>,
    /// OFFSET.
    pub offset: Option<Expression>,
    /// FOR UPDATE and its kin.
    pub locking: Vec<Locking>,
}

/// `FOR UPDATE [OF table, ...] [NOWAIT | SKIP LOCKED]` or one of its kin.
#[derive(Clone, Debug, PartialEq)]
pub struct Locking {
    /// What the rows are kept from.
    pub strength: LockStrength,
    /// The tables of FROM; empty for all.
    pub of: Vec<ObjectName>,
    /// What becomes of rows that somebody else has locked.
    pub wait: LockWait,
}

/// How rows are locked, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockStrength {
    /// FOR KEY SHARE.
    KeyShare,
    /// FOR SHARE.
    Share,
    /// FOR NO KEY UPDATE.
    NoKeyUpdate,
    /// FOR UPDATE.
    Update,
}

/// What a statement does about a row that somebody else has locked, the more patient first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockWait {
    /// It waits.
    Block,
    /// It passes the row over.
    SkipLocked,
    /// It fails.
    NoWait,
}

/// The part of a query that makes rows.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryBody {
    /// SELECT ...
    Select(Box<Select>),
    /// VALUES (...), (...).
    Values(Values),
    /// left UNION | INTERSECT | EXCEPT \[ALL\] right.
    SetOperation {
        /// Which.
        operator: SetOperator,
        /// ALL keeps duplicates.
        all: bool,
        /// First input.
        left: Box<QueryBody>,
        /// Second input.
        right: Box<QueryBody>,
        /// Where the operator stands.
        position: Position,
    },
    /// A query in parentheses.
    Nested(Box<Query>),
}

/// VALUES.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Rows of one length each (the parser checks it: `VALUES lists must all be the same length`, 42601).
    /// An entry may be [`ExpressionKind::Default`] in INSERT only.
    pub rows: Vec<Vec<Expression>>,
    /// Where VALUES stands.
    pub position: Position,
}

/// UNION, INTERSECT or EXCEPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    /// UNION.
    Union,
    /// INTERSECT (binds tighter than the others).
    Intersect,
    /// EXCEPT.
    Except,
}

/// SELECT without ORDER BY and LIMIT.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// DISTINCT. (DISTINCT ON is 0A000 in the parser.)
    pub distinct: bool,
    /// The select list; may be empty.
    pub items: Vec<SelectItem>,
    /// FROM, comma-separated.
    pub from: Vec<TableReference>,
    /// WHERE.
    pub filter: Option<Expression>,
    /// GROUP BY.
    pub group_by: Vec<Expression>,
    /// HAVING.
    pub having: Option<Expression>,
    /// Where SELECT stands.
    pub position: Position,
}

/// One entry of a select list or of RETURNING.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectItem {
    /// `*`.
    Wildcard(Position),
    /// `table.*`.
    TableWildcard(ObjectName),
    /// An expression with an optional alias.
    Expression {
        /// The expression.
        expression: Expression,
        /// AS name.
        alias: Option<Identifier>,
    },
}

/// One source in FROM.
#[derive(Clone, Debug, PartialEq)]
pub enum TableReference {
    /// A table.
    Table {
        /// Its name.
        name: ObjectName,
        /// AS alias (columns).
        alias: Option<TableAlias>,
    },
    /// A query in parentheses.
    Derived {
        /// The query.
        query: Box<Query>,
        /// AS alias (columns); PostgreSQL 15 demands one (42601 otherwise).
        alias: TableAlias,
        /// Where it starts.
        position: Position,
    },
    /// left JOIN right.
    Join {
        /// INNER, LEFT, ...
        kind: JoinKind,
        /// First input.
        left: Box<TableReference>,
        /// Second input.
        right: Box<TableReference>,
        /// ON, USING, NATURAL; CROSS has none.
        constraint: JoinConstraint,
        /// Where JOIN stands.
        position: Position,
    },
}

/// AS alias (column aliases).
#[derive(Clone, Debug, PartialEq)]
pub struct TableAlias {
    /// The alias.
    pub name: Identifier,
    /// Column aliases; may be fewer than the columns.
    pub columns: Vec<Identifier>,
}

/// The kind of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// \[INNER\] JOIN.
    Inner,
    /// LEFT \[OUTER\] JOIN.
    Left,
    /// RIGHT \[OUTER\] JOIN.
    Right,
    /// FULL \[OUTER\] JOIN.
    Full,
    /// CROSS JOIN.
    Cross,
}

/// What relates the two sides of a join.
#[derive(Clone, Debug, PartialEq)]
pub enum JoinConstraint {
    /// CROSS JOIN.
    None,
    /// ON condition.
    On(Expression),
    /// USING (columns).
    Using(Vec<Identifier>),
    /// NATURAL.
    Natural,
}

/// One entry of ORDER BY.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderItem {
    /// An expression, an ordinal or an output name.
    pub expression: Expression,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST (Some(true)) or NULLS LAST; None: NULLS LAST for ASC, FIRST for DESC.
    pub nulls_first: Option<bool>,
}

/// INSERT.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// INTO table.
    pub table: ObjectName,
    /// AS alias, which RETURNING can use.
    pub alias: Option<Identifier>,
    /// (columns); empty means all in order.
    pub columns: Vec<Identifier>,
    /// OVERRIDING.
    pub overriding: Option<Overriding>,
    /// Where the rows come from.
    pub source: InsertSource,
    /// ON CONFLICT.
    pub on_conflict: Option<OnConflict>,
    /// RETURNING.
    pub returning: Vec<SelectItem>,
}

/// OVERRIDING ... VALUE: whose values identity columns take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    /// SYSTEM: those given, though the column is GENERATED ALWAYS.
    System,
    /// USER: none of those given.
    User,
}

/// ON CONFLICT.
#[derive(Clone, Debug, PartialEq)]
pub struct OnConflict {
    /// Which keys; None is any.
    pub target: Option<ConflictTarget>,
    /// DO UPDATE; None is DO NOTHING.
    pub update: Option<ConflictUpdate>,
    /// Where ON stands.
    pub position: Position,
}

/// The keys that ON CONFLICT is about.
#[derive(Clone, Debug, PartialEq)]
pub enum ConflictTarget {
    /// (columns) [WHERE condition]: the unique indexes over exactly these columns.
    Columns {
        /// The columns.
        columns: Vec<Identifier>,
        /// WHERE, which partial indexes would have to satisfy.
        filter: Option<Expression>,
    },
    /// ON CONSTRAINT name.
    Constraint(Identifier),
}

/// DO UPDATE SET assignments [WHERE condition].
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictUpdate {
    /// SET.
    pub assignments: Vec<Assignment>,
    /// WHERE.
    pub filter: Option<Expression>,
}

/// Where an INSERT's rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    /// DEFAULT VALUES.
    Default,
    /// VALUES or SELECT.
    Query(Box<Query>),
}

/// UPDATE.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The table.
    pub table: ObjectName,
    /// AS alias.
    pub alias: Option<Identifier>,
    /// SET column = expression (or DEFAULT).
    pub assignments: Vec<Assignment>,
    /// WHERE.
    pub filter: Option<Expression>,
    /// RETURNING.
    pub returning: Vec<SelectItem>,
}

/// column = value.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The column.
    pub column: Identifier,
    /// Its new value, or [`ExpressionKind::Default`].
    pub value: Expression,
}

/// DELETE.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// FROM table.
    pub table: ObjectName,
    /// AS alias.
    pub alias: Option<Identifier>,
    /// WHERE.
    pub filter: Option<Expression>,
    /// RETURNING.
    pub returning: Vec<SelectItem>,
}

/// What BEGIN, START TRANSACTION and SET TRANSACTION say; None where they say nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionModes {
    /// ISOLATION LEVEL.
    pub isolation: Option<IsolationLevel>,
    /// READ ONLY (Some(true)) or READ WRITE.
    pub read_only: Option<bool>,
    /// DEFERRABLE (Some(true)) or NOT DEFERRABLE.
    pub deferrable: Option<bool>,
    /// Where the isolation level stands.
    pub position: Position,
}

/// An isolation level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IsolationLevel {
    /// READ UNCOMMITTED, which PostgreSQL treats as READ COMMITTED.
    ReadUncommitted,
    /// READ COMMITTED.
    ReadCommitted,
    /// REPEATABLE READ: snapshot isolation.
    #[default]
    RepeatableRead,
    /// SERIALIZABLE.
    Serializable,
}

/// SET CONSTRAINTS {ALL | names} {DEFERRED | IMMEDIATE}.
#[derive(Clone, Debug, PartialEq)]
pub struct SetConstraints {
    /// Which; none is ALL.
    pub names: Vec<ObjectName>,
    /// DEFERRED rather than IMMEDIATE.
    pub deferred: bool,
}

/// What DISCARD is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// All that the session has.
    All,
    /// Plans that are kept.
    Plans,
    /// What has been drawn of sequences.
    Sequences,
    /// Temporary tables, of which there are none.
    Temporary,
}

/// SET name = value.
#[derive(Clone, Debug, PartialEq)]
pub struct SetVariable {
    /// LOCAL: until the end of the transaction.
    pub local: bool,
    /// The setting; dotted names keep their dot.
    pub name: Identifier,
    /// The values as written (several for lists such as `search_path`); None is DEFAULT.
    pub value: Option<Vec<String>>,
}

/// A type as written, modifier checked: `VARCHAR(10)`, `VECTOR(3)`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// The type.
    pub data_type: crate::types::DataType,
    /// Where it stands.
    pub position: Position,
}
