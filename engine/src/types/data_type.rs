//! The SQL data types and their names.

use std::fmt;

/// A column's or an expression's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// An untyped string literal, NULL or parameter whose context has not decided its type; text when nothing does.
    Unknown,
    /// BOOL.
    Bool,
    /// SMALLINT.
    Int2,
    /// INT.
    Int4,
    /// BIGINT.
    Int8,
    /// REAL.
    Float4,
    /// DOUBLE PRECISION.
    Float8,
    /// DATE.
    Date,
    /// TIME.
    Time,
    /// TIMESTAMP.
    Timestamp,
    /// TIMESTAMPTZ.
    TimestampTz,
    /// INTERVAL.
    Interval,
    /// TEXT.
    Text,
    /// VARCHAR or VARCHAR(n), n in characters.
    Varchar(Option<u32>),
    /// VECTOR or VECTOR(n), n dimensions.
    Vector(Option<u16>),
}

impl DataType {
    /// The name in PostgreSQL's `pg_type`: `int4`, `text`, `vector`. Unknown answers as text.
    pub fn pg_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int2 => "int2",
            Self::Int4 => "int4",
            Self::Int8 => "int8",
            Self::Float4 => "float4",
            Self::Float8 => "float8",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::TimestampTz => "timestamptz",
            Self::Interval => "interval",
            Self::Text | Self::Unknown => "text",
            Self::Varchar(_) => "varchar",
            Self::Vector(_) => "vector",
        }
    }

    /// The name in PostgreSQL's messages, without a modifier: `integer`, `character varying`.
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Bool => "boolean",
            Self::Int2 => "smallint",
            Self::Int4 => "integer",
            Self::Int8 => "bigint",
            Self::Float4 => "real",
            Self::Float8 => "double precision",
            Self::Date => "date",
            Self::Time => "time without time zone",
            Self::Timestamp => "timestamp without time zone",
            Self::TimestampTz => "timestamp with time zone",
            Self::Interval => "interval",
            Self::Text => "text",
            Self::Varchar(_) => "character varying",
            Self::Vector(_) => "vector",
        }
    }

    /// SMALLINT, INT or BIGINT.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Int2 | Self::Int4 | Self::Int8)
    }

    /// REAL or DOUBLE PRECISION.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float4 | Self::Float8)
    }

    /// An integer or a float.
    pub fn is_numeric(self) -> bool {
        self.is_integer() || self.is_float()
    }

    /// TEXT, VARCHAR or an untyped literal.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Varchar(_) | Self::Unknown)
    }

    /// DATE, TIMESTAMP or TIMESTAMPTZ.
    pub fn is_datetime(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampTz)
    }

    /// VECTOR of any dimension.
    pub fn is_vector(self) -> bool {
        matches!(self, Self::Vector(_))
    }

    /// The same kind of type, modifiers aside: `VARCHAR(3)` and `VARCHAR` are, `INT` and `BIGINT` are not.
    pub fn same_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

impl fmt::Display for DataType {
    /// As PostgreSQL's `format_type`: `character varying(10)`, `vector(3)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Varchar(Some(length)) => write!(formatter, "character varying({length})"),
            Self::Vector(Some(dimensions)) => write!(formatter, "vector({dimensions})"),
            other => formatter.write_str(other.sql_name()),
        }
    }
}
