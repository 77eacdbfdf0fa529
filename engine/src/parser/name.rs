//! Names of objects: `[schema.]name`.

use super::ast::{Identifier, ObjectName};
use super::cursor::Parser;
use crate::error::{Error, Result, SqlState};

impl Parser<'_> {
    /// `[schema.]name`.
    pub(super) fn object_name(&mut self) -> Result<ObjectName> {
        let parts = self.dotted_name()?;
        self.refuse_subscript()?;
        let (name, qualifiers) = parts.split_last().expect("a name has a part");
        match qualifiers {
            [] => Ok(ObjectName { schema: None, name: name.clone() }),
            [schema] => Ok(ObjectName { schema: Some(schema.clone()), name: name.clone() }),
            [_, _] => Err(cross_database(&parts, &format!("\"{}\"", join(&parts)))),
            _ => Err(too_many_names(&parts)),
        }
    }

    /// `name[.name ...]`.
    pub(super) fn dotted_name(&mut self) -> Result<Vec<Identifier>> {
        let mut parts = vec![self.column_name()?];
        while self.accept_symbol(b'.') {
            parts.push(self.label()?);
        }
        Ok(parts)
    }

    /// 0A000 at `[`.
    pub(super) fn refuse_subscript(&self) -> Result<()> {
        if self.is_symbol(b'[') { Err(self.not_supported("subscript")) } else { Ok(()) }
    }
}

/// 0A000 for a name with one qualifier too many, which is the database.
pub(super) fn cross_database(parts: &[Identifier], written: &str) -> Error {
    let message = format!("cross-database references are not implemented: {written}");
    Error::new(SqlState::FeatureNotSupported, message).at(parts[0].position)
}

/// 42601 for a name with more qualifiers than that.
pub(super) fn too_many_names(parts: &[Identifier]) -> Error {
    let message = format!("improper qualified name (too many dotted names): {}", join(parts));
    Parser::syntax_error(message, parts[0].position)
}

/// The names with dots between.
pub(super) fn join(parts: &[Identifier]) -> String {
    parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(".")
}
