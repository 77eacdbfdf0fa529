//! Type names: `INT`, `VARCHAR(10)`, `pg_catalog.int4`, `VECTOR(3)`.

use super::ast::{Expression, ExpressionKind, Identifier, TypeName};
use super::cursor::Parser;
use super::keyword::Keyword;
use super::name;
use super::token::TokenKind;
use crate::error::{Error, Result, SqlState};
use crate::limits::{VARCHAR_LENGTH_MAX, VECTOR_DIMENSIONS_MAX};
use crate::types::{DataType, Position};

/// Types of PostgreSQL 15 that SPG has not, by the names that are no keywords of the grammar; sorted.
const UNSUPPORTED: &[&str] = &[
    "aclitem",
    "any",
    "anyarray",
    "anycompatible",
    "anycompatiblearray",
    "anycompatiblemultirange",
    "anycompatiblenonarray",
    "anycompatiblerange",
    "anyelement",
    "anyenum",
    "anymultirange",
    "anynonarray",
    "anyrange",
    "bigserial",
    "bit",
    "box",
    "bpchar",
    "bytea",
    "char",
    "cid",
    "cidr",
    "circle",
    "cstring",
    "datemultirange",
    "daterange",
    "event_trigger",
    "fdw_handler",
    "gtsvector",
    "index_am_handler",
    "inet",
    "int2vector",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "internal",
    "json",
    "jsonb",
    "jsonpath",
    "language_handler",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "oidvector",
    "path",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_ddl_command",
    "pg_dependencies",
    "pg_lsn",
    "pg_mcv_list",
    "pg_ndistinct",
    "pg_node_tree",
    "pg_snapshot",
    "point",
    "polygon",
    "record",
    "refcursor",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "serial",
    "serial2",
    "serial4",
    "serial8",
    "smallserial",
    "table_am_handler",
    "tid",
    "timetz",
    "trigger",
    "tsm_handler",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "txid_snapshot",
    "unknown",
    "uuid",
    "varbit",
    "void",
    "xid",
    "xid8",
    "xml",
];

impl Parser<'_> {
    /// A type.
    pub(super) fn type_name(&mut self) -> Result<TypeName> {
        self.refuse_keyword(Keyword::Setof, "SETOF")?;
        let type_name = match self.kind() {
            TokenKind::Keyword(keyword) if self.starts_grammar_type(keyword) => {
                self.grammar_type(keyword)?
            }
            kind if Self::is_function_name(kind) => {
                let (parts, modifiers) = self.named_type_parts()?;
                named_type(&parts, &modifiers)?
            }
            _ => return Err(self.unexpected()),
        };
        self.refuse_array(type_name.position)?;
        Ok(type_name)
    }

    /// A cast of `operand` to the type that stands here. Three types of PostgreSQL's catalog can be cast to though they are
    /// no types here: `oid` is BIGINT, `name` is TEXT, and `regclass` a function.
    pub(super) fn cast_to_type(
        &mut self,
        operand: Expression,
        position: Position,
    ) -> Result<Expression> {
        let is_named = match self.kind() {
            TokenKind::Keyword(keyword) => !self.starts_grammar_type(keyword),
            _ => true,
        };
        let target = if is_named && Self::is_function_name(self.kind()) {
            let (parts, modifiers) = self.named_type_parts()?;
            let start = parts[0].position;
            match catalog_type(&parts).filter(|_| modifiers.is_empty()) {
                Some("regclass") => {
                    self.refuse_array(start)?;
                    self.deepen()?;
                    return Ok(super::function::call("regclass", vec![operand], start));
                }
                Some("oid") => TypeName { data_type: DataType::Int8, position: start },
                Some(_) => TypeName { data_type: DataType::Text, position: start },
                None => named_type(&parts, &modifiers)?,
            }
        } else {
            return Ok(cast(operand, self.type_name()?, position));
        };
        self.refuse_array(target.position)?;
        Ok(cast(operand, target, position))
    }

    /// The name of a type with what stands in parentheses behind it.
    fn named_type_parts(&mut self) -> Result<(Vec<Identifier>, Vec<Expression>)> {
        let mut parts = vec![self.take_name()];
        while self.accept_symbol(b'.') {
            parts.push(self.label()?);
        }
        let modifiers = self.type_modifiers()?;
        Ok((parts, modifiers))
    }

    fn refuse_array(&self, position: Position) -> Result<()> {
        if self.is_symbol(b'[') || self.is_keyword(Keyword::Array) {
            return Err(Error::not_supported("array type", position));
        }
        Ok(())
    }

    /// Whether the keyword is a type of the grammar's own, not a name in the catalog.
    fn starts_grammar_type(&self, keyword: Keyword) -> bool {
        match keyword {
            Keyword::Double => self.next_is_keyword(Keyword::Precision),
            _ => is_grammar_type(keyword),
        }
    }

    /// Whether `type 'literal'` starts here, with a type of the grammar's own.
    pub(super) fn starts_typed_literal(&self, keyword: Keyword) -> bool {
        let behind = match self.next_kind() {
            TokenKind::String(_) | TokenKind::Symbol(b'(') => true,
            TokenKind::Keyword(Keyword::Precision) => keyword == Keyword::Double,
            TokenKind::Keyword(Keyword::Varying) => {
                matches!(keyword, Keyword::Char | Keyword::Character | Keyword::Bit)
            }
            TokenKind::Keyword(Keyword::Char | Keyword::Character) => keyword == Keyword::National,
            TokenKind::Keyword(Keyword::With | Keyword::Without) => {
                matches!(keyword, Keyword::Time | Keyword::Timestamp)
            }
            _ => false,
        };
        behind && self.starts_grammar_type(keyword)
    }

    /// A type of the grammar's own.
    pub(super) fn grammar_type(&mut self, keyword: Keyword) -> Result<TypeName> {
        let position = self.advance().position;
        let data_type = match keyword {
            Keyword::Int | Keyword::Integer => DataType::Int4,
            Keyword::Smallint => DataType::Int2,
            Keyword::Bigint => DataType::Int8,
            Keyword::Real => DataType::Float4,
            Keyword::Boolean => DataType::Bool,
            Keyword::Double => {
                self.advance();
                DataType::Float8
            }
            Keyword::Float => self.float_type()?,
            Keyword::Varchar => self.varchar_type(position)?,
            Keyword::Char | Keyword::Character if self.accept_keyword(Keyword::Varying) => {
                self.varchar_type(position)?
            }
            Keyword::Char | Keyword::Character | Keyword::Nchar | Keyword::National => {
                return Err(Error::not_supported("type character", position));
            }
            Keyword::Dec | Keyword::Decimal | Keyword::Numeric => {
                return Err(Error::not_supported("type numeric", position));
            }
            Keyword::Timestamp => {
                self.precision("timestamp")?;
                if self.zone()? { DataType::TimestampTz } else { DataType::Timestamp }
            }
            Keyword::Time => {
                self.precision("time")?;
                if self.zone()? {
                    return Err(Error::not_supported("type time with time zone", position));
                }
                DataType::Time
            }
            Keyword::Interval => {
                self.precision("interval")?;
                DataType::Interval
            }
            other => return Err(Error::not_supported(&format!("type {}", other.word()), position)),
        };
        Ok(TypeName { data_type, position })
    }

    /// `(6)`, which all values have; another precision is not supported.
    fn precision(&mut self, type_name: &str) -> Result<()> {
        let position = self.position();
        match self.length_modifier()? {
            None | Some(6) => Ok(()),
            Some(_) => {
                Err(Error::not_supported(&format!("type {type_name} with a precision"), position))
            }
        }
    }

    /// \[{WITH | WITHOUT} TIME ZONE\]: whether it is WITH.
    fn zone(&mut self) -> Result<bool> {
        let with = self.is_keyword(Keyword::With);
        if !(with || self.is_keyword(Keyword::Without)) || !self.next_is_keyword(Keyword::Time) {
            return Ok(false);
        }
        self.advance();
        self.expect_keyword(Keyword::Time)?;
        self.expect_keyword(Keyword::Zone)?;
        Ok(with)
    }

    fn float_type(&mut self) -> Result<DataType> {
        let position = self.next_position();
        let message = match self.length_modifier()? {
            None | Some(25..=53) => return Ok(DataType::Float8),
            Some(1..=24) => return Ok(DataType::Float4),
            Some(0) => "precision for type float must be at least 1 bit",
            Some(_) => "precision for type float must be less than 54 bits",
        };
        Err(Error::new(SqlState::InvalidParameterValue, message).at(position))
    }

    fn varchar_type(&mut self, position: Position) -> Result<DataType> {
        let length = self.length_modifier()?;
        let message = match length {
            Some(0) => "length for type varchar must be at least 1".to_owned(),
            Some(length) if length > VARCHAR_LENGTH_MAX => {
                format!("length for type varchar cannot exceed {VARCHAR_LENGTH_MAX}")
            }
            _ => return Ok(DataType::Varchar(length)),
        };
        Err(Error::new(SqlState::InvalidParameterValue, message).at(position))
    }

    /// `(n)`, where the grammar itself demands one integer.
    fn length_modifier(&mut self) -> Result<Option<u32>> {
        if !self.accept_symbol(b'(') {
            return Ok(None);
        }
        let integer = self.token_text().parse::<i32>().ok().filter(|_| self.is(TokenKind::Number));
        let Some(integer) = integer else {
            return Err(self.unexpected());
        };
        self.advance();
        self.expect_symbol(b')')?;
        Ok(Some(integer.unsigned_abs()))
    }

    /// `(modifier, ...)` behind a type's name; empty if there is none.
    fn type_modifiers(&mut self) -> Result<Vec<Expression>> {
        if !self.accept_symbol(b'(') {
            return Ok(Vec::new());
        }
        let modifiers = self.comma_separated(Self::expression)?;
        self.expect_symbol(b')')?;
        Ok(modifiers)
    }
}

fn cast(operand: Expression, target: TypeName, position: Position) -> Expression {
    let kind = ExpressionKind::Cast { operand: Box::new(operand), target };
    Expression { kind, position }
}

/// One of the types of the catalog that can only be cast to.
fn catalog_type(parts: &[Identifier]) -> Option<&'static str> {
    let name = match parts {
        [name] => name,
        [schema, name] if schema.name == "pg_catalog" => name,
        _ => return None,
    };
    ["name", "oid", "regclass"].into_iter().find(|known| *known == name.name)
}

/// Whether the keyword alone names a type in the grammar.
fn is_grammar_type(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::Int
            | Keyword::Integer
            | Keyword::Smallint
            | Keyword::Bigint
            | Keyword::Real
            | Keyword::Boolean
            | Keyword::Float
            | Keyword::Varchar
            | Keyword::Char
            | Keyword::Character
            | Keyword::Nchar
            | Keyword::National
            | Keyword::Dec
            | Keyword::Decimal
            | Keyword::Numeric
            | Keyword::Bit
            | Keyword::Time
            | Keyword::Timestamp
            | Keyword::Interval
    )
}

/// The type that a name of the catalog means.
pub(super) fn named_type(parts: &[Identifier], modifiers: &[Expression]) -> Result<TypeName> {
    let position = parts[0].position;
    let undefined = || {
        let message = format!("type \"{}\" does not exist", name::join(parts));
        Error::new(SqlState::UndefinedObject, message).at(position)
    };
    let type_name = match parts {
        [type_name] => type_name,
        [schema, type_name] if schema.name == "pg_catalog" => type_name,
        [schema, type_name] if schema.name == "public" && type_name.name == "vector" => type_name,
        [schema, _] if schema.name == "public" => return Err(undefined()),
        [schema, _] => {
            let message = format!("schema \"{}\" does not exist", schema.name);
            return Err(Error::new(SqlState::InvalidSchemaName, message).at(position));
        }
        [_, _, _] => return Err(name::cross_database(parts, &name::join(parts))),
        _ => return Err(name::too_many_names(parts)),
    };
    let data_type = match type_name.name.as_str() {
        "bool" => DataType::Bool,
        "int2" => DataType::Int2,
        "int4" => DataType::Int4,
        "int8" => DataType::Int8,
        "float4" => DataType::Float4,
        "float8" => DataType::Float8,
        "text" => DataType::Text,
        "date" => DataType::Date,
        "time" => DataType::Time,
        "timestamp" => DataType::Timestamp,
        "timestamptz" => DataType::TimestampTz,
        "interval" => DataType::Interval,
        "varchar" => DataType::Varchar(None),
        "vector" => vector_type(modifiers, position)?,
        other if UNSUPPORTED.binary_search(&other).is_ok() => {
            return Err(Error::not_supported(&format!("type {other}"), position));
        }
        _ => return Err(undefined()),
    };
    if !modifiers.is_empty() && !data_type.is_vector() {
        let message = format!("type modifier is not allowed for type \"{}\"", type_name.name);
        return Err(Parser::syntax_error(message, position));
    }
    Ok(TypeName { data_type, position })
}

fn vector_type(modifiers: &[Expression], position: Position) -> Result<DataType> {
    let invalid =
        |message: String| Err(Error::new(SqlState::InvalidParameterValue, message).at(position));
    let number = match modifiers {
        [] => return Ok(DataType::Vector(None)),
        [Expression { kind: ExpressionKind::Number(number), .. }] => number,
        _ => return invalid("invalid type modifier".to_owned()),
    };
    let Ok(dimensions) = number.parse::<i32>() else {
        return Err(Error::invalid_text("integer", number).at(position));
    };
    if dimensions < 1 {
        return invalid("dimensions for type vector must be at least 1".to_owned());
    }
    if dimensions as usize > VECTOR_DIMENSIONS_MAX {
        return invalid(format!(
            "dimensions for type vector cannot exceed {VECTOR_DIMENSIONS_MAX}"
        ));
    }
    Ok(DataType::Vector(Some(dimensions as u16)))
}
