//! The one statement error: SQLSTATE, PostgreSQL's wording, and where it happened.

use std::fmt;

use crate::types::Position;

/// What every fallible engine function returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A statement error with the fields of PostgreSQL's ErrorResponse.
///
/// Boxed so that `Result<T, Error>` stays one pointer wide on the hot path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<ErrorFields>);

/// The fields of an [`Error`]; optional ones are set where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorFields {
    /// The five-character class of the error.
    pub sqlstate: SqlState,
    /// The primary message, in PostgreSQL's wording where it has one.
    pub message: String,
    /// DETAIL: what in the data caused it.
    pub detail: Option<String>,
    /// HINT: what to do about it.
    pub hint: Option<String>,
    /// 1-based position in characters within the statement.
    pub position: Option<Position>,
    /// Schema of the table concerned.
    pub schema: Option<String>,
    /// Table concerned.
    pub table: Option<String>,
    /// Column concerned.
    pub column: Option<String>,
    /// Constraint or unique index concerned.
    pub constraint: Option<String>,
    /// The row of a load in bulk that was refused, from 1.
    pub row: Option<u64>,
}

impl Error {
    /// An error with a class and a message; the `with_*` methods add the rest.
    #[cold]
    pub fn new(sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorFields {
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            schema: None,
            table: None,
            column: None,
            constraint: None,
            row: None,
        }))
    }

    /// All fields.
    pub fn fields(&self) -> &ErrorFields {
        &self.0
    }

    /// The class of the error.
    pub fn sqlstate(&self) -> SqlState {
        self.0.sqlstate
    }

    /// The primary message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Sets the position unless an inner stage already knew a better one.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        if self.0.position.is_none() && position.is_known() {
            self.0.position = Some(position);
        }
        self
    }

    /// Takes the position away.
    #[must_use]
    pub(crate) fn nowhere(mut self) -> Self {
        self.0.position = None;
        self
    }

    /// Sets DETAIL.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Sets HINT.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets the table (and its schema, `public`).
    #[must_use]
    pub fn with_table(mut self, table: impl Into<String>) -> Self {
        self.0.schema = Some("public".to_owned());
        self.0.table = Some(table.into());
        self
    }

    /// Sets the column.
    #[must_use]
    pub fn with_column(mut self, column: impl Into<String>) -> Self {
        self.0.column = Some(column.into());
        self
    }

    /// Sets the constraint.
    #[must_use]
    pub fn with_constraint(mut self, constraint: impl Into<String>) -> Self {
        self.0.constraint = Some(constraint.into());
        self
    }

    /// Says which row of a load in bulk it was, if it was one: `rows` of them came before those that were counted so far.
    #[must_use]
    pub(crate) fn behind_rows(mut self, rows: u64) -> Self {
        self.0.row = self.0.row.map(|row| row + rows);
        self
    }

    /// Says that it was the first row of those at hand.
    #[must_use]
    pub(crate) fn in_first_row(mut self) -> Self {
        self.0.row = Some(1);
        self
    }
}

/// Constructors that name the case, in PostgreSQL's wording.
impl Error {
    /// 42601 `syntax error at or near "token"`.
    pub fn syntax_near(token: &str, position: Position) -> Self {
        Self::new(SqlState::SyntaxError, format!("syntax error at or near \"{token}\""))
            .at(position)
    }

    /// 42601 `syntax error at end of input`.
    pub fn syntax_at_end(position: Position) -> Self {
        Self::new(SqlState::SyntaxError, "syntax error at end of input").at(position)
    }

    /// 0A000 for a clause that PostgreSQL has and SPG has not; `what` names it ("WITH clause").
    pub fn not_supported(what: &str, position: Position) -> Self {
        Self::new(SqlState::FeatureNotSupported, format!("{what} is not supported")).at(position)
    }

    /// 42P01 `relation "t" does not exist`.
    pub fn undefined_table(name: &str, position: Position) -> Self {
        Self::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist"))
            .at(position)
    }

    /// 42501 `permission denied: "pg_class" is a system catalog`.
    pub fn system_catalog(name: &str) -> Self {
        let message = format!("permission denied: \"{name}\" is a system catalog");
        Self::new(SqlState::InsufficientPrivilege, message)
    }

    /// 42703 `column "c" does not exist`.
    pub fn undefined_column(name: &str, position: Position) -> Self {
        Self::new(SqlState::UndefinedColumn, format!("column \"{name}\" does not exist"))
            .at(position)
    }

    /// 22003 `integer out of range`; `type_name` is the SQL name (`smallint`, `integer`, `bigint`).
    #[cold]
    pub fn out_of_range(type_name: &str) -> Self {
        Self::new(SqlState::NumericValueOutOfRange, format!("{type_name} out of range"))
    }

    /// 22012 `division by zero`.
    #[cold]
    pub fn division_by_zero() -> Self {
        Self::new(SqlState::DivisionByZero, "division by zero")
    }

    /// 22P02 `invalid input syntax for type integer: "x"`.
    #[cold]
    pub fn invalid_text(type_name: &str, text: &str) -> Self {
        Self::new(
            SqlState::InvalidTextRepresentation,
            format!("invalid input syntax for type {type_name}: \"{text}\""),
        )
    }

    /// 54001 for nesting deeper than [`crate::limits::NESTING_DEPTH_MAX`].
    #[cold]
    pub fn nesting_too_deep(position: Position) -> Self {
        Self::new(SqlState::StatementTooComplex, "stack depth limit exceeded")
            .with_hint(format!(
                "Nest expressions and queries at most {} levels deep.",
                crate::limits::NESTING_DEPTH_MAX
            ))
            .at(position)
    }

    /// 53200 for a statement that would take more than its memory.
    #[cold]
    pub fn out_of_memory(detail: impl Into<String>) -> Self {
        Self::new(SqlState::OutOfMemory, "out of memory").with_detail(detail)
    }

    /// 40001 in PostgreSQL's words for a row that a concurrent transaction updated first.
    #[cold]
    pub fn serialization_update() -> Self {
        Self::new(
            SqlState::SerializationFailure,
            "could not serialize access due to concurrent update",
        )
    }

    /// 40001 in PostgreSQL's words for a row that a concurrent transaction deleted first.
    #[cold]
    pub fn serialization_delete() -> Self {
        Self::new(
            SqlState::SerializationFailure,
            "could not serialize access due to concurrent delete",
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.0.sqlstate.code(), self.0.message)
    }
}

impl std::error::Error for Error {}

macro_rules! sqlstates {
    ($($(#[doc = $doc:literal])? $name:ident = $code:literal,)*) => {
        /// The closed set of SQLSTATEs that SPG answers with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SqlState {
            $(#[doc = concat!("`", $code, "`")] $name,)*
        }

        impl SqlState {
            /// The five-character code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

sqlstates! {
    SuccessfulCompletion = "00000",
    Warning = "01000",
    ConnectionFailure = "08006",
    ProtocolViolation = "08P01",
    TransactionResolutionUnknown = "08007",
    FeatureNotSupported = "0A000",
    CardinalityViolation = "21000",
    DataException = "22000",
    StringDataRightTruncation = "22001",
    NumericValueOutOfRange = "22003",
    NullValueNotAllowed = "22004",
    InvalidDatetimeFormat = "22007",
    DatetimeFieldOverflow = "22008",
    InvalidTimeZoneDisplacementValue = "22009",
    SubstringError = "22011",
    DivisionByZero = "22012",
    InvalidParameterValue = "22023",
    InvalidArgumentForPowerFunction = "2201F",
    InvalidArgumentForLogarithm = "2201E",
    SequenceGeneratorLimitExceeded = "2200H",
    InvalidRowCountInLimitClause = "2201W",
    InvalidRowCountInResultOffsetClause = "2201X",
    InvalidEscapeCharacter = "22019",
    InvalidEscapeSequence = "22025",
    CharacterNotInRepertoire = "22021",
    InvalidTextRepresentation = "22P02",
    InvalidBinaryRepresentation = "22P03",
    BadCopyFileFormat = "22P04",
    IntegrityConstraintViolation = "23000",
    NotNullViolation = "23502",
    ForeignKeyViolation = "23503",
    UniqueViolation = "23505",
    CheckViolation = "23514",
    ActiveSqlTransaction = "25001",
    ReadOnlySqlTransaction = "25006",
    NoActiveSqlTransaction = "25P01",
    InFailedSqlTransaction = "25P02",
    IdleInTransactionSessionTimeout = "25P03",
    TransactionTimeout = "25P04",
    InvalidSqlStatementName = "26000",
    DependentObjectsStillExist = "2BP01",
    InvalidSavepointSpecification = "3B001",
    InvalidSchemaName = "3F000",
    SerializationFailure = "40001",
    DeadlockDetected = "40P01",
    InsufficientPrivilege = "42501",
    SyntaxError = "42601",
    InvalidName = "42602",
    NameTooLong = "42622",
    DuplicateColumn = "42701",
    AmbiguousColumn = "42702",
    UndefinedColumn = "42703",
    UndefinedObject = "42704",
    DuplicateAlias = "42712",
    DuplicateObject = "42710",
    AmbiguousFunction = "42725",
    GroupingError = "42803",
    DatatypeMismatch = "42804",
    WrongObjectType = "42809",
    CannotCoerce = "42846",
    GeneratedAlways = "428C9",
    InvalidForeignKey = "42830",
    UndefinedFunction = "42883",
    UndefinedTable = "42P01",
    UndefinedParameter = "42P02",
    DuplicateTable = "42P07",
    AmbiguousParameter = "42P08",
    AmbiguousAlias = "42P09",
    InvalidColumnReference = "42P10",
    InvalidTableDefinition = "42P16",
    IndeterminateDatatype = "42P18",
    DiskFull = "53100",
    OutOfMemory = "53200",
    TooManyConnections = "53300",
    ProgramLimitExceeded = "54000",
    StatementTooComplex = "54001",
    TooManyColumns = "54011",
    ObjectNotInPrerequisiteState = "55000",
    ObjectInUse = "55006",
    CantChangeRuntimeParameter = "55P02",
    LockNotAvailable = "55P03",
    QueryCanceled = "57014",
    AdminShutdown = "57P01",
    CannotConnectNow = "57P03",
    IoError = "58030",
    DuplicateFile = "58P02",
    InternalError = "XX000",
    DataCorrupted = "XX001",
}
