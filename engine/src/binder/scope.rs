//! What names mean: the sources of FROM, their columns, and the errors for those that are not there.

use std::sync::Arc;

use super::suggestion::nearest;
use crate::binder::bound::{ColumnId, Expression};
use crate::binder::context::{Context, Level, Reference, Typed};
use crate::binder::default::refuse_column_in_default;
use crate::error::{Error, Result, SqlState};
use crate::parser::ast::{Identifier, ObjectName};
use crate::storage::schema::Schema;
use crate::system;
use crate::types::{DataType, Position};

/// The names that can be referred to at some place.
#[derive(Default)]
pub(super) struct Scope {
    /// What `name.column` and `name.*` can mean.
    pub(super) sources: Vec<Arc<Source>>,
    /// What `column` and `*` can mean, in the order of `*`. USING merges columns here only.
    pub(super) columns: Vec<VisibleColumn>,
}

/// A table or derived table of FROM.
pub(super) struct Source {
    /// The alias, or the table's name.
    pub(super) name: Arc<str>,
    /// The table's shape, if it is a table; its columns have the same ordinals here.
    pub(super) schema: Option<Arc<Schema>>,
    /// Whether an alias hides the table's own name.
    pub(super) aliased: bool,
    /// The columns.
    pub(super) columns: Vec<SourceColumn>,
}

/// A column of a source.
pub(super) struct SourceColumn {
    /// Its name, column aliases applied.
    pub(super) name: Arc<str>,
    /// Its id.
    pub(super) id: ColumnId,
    /// Its type.
    pub(super) data_type: DataType,
}

/// A column that can be named without its source.
pub(super) struct VisibleColumn {
    /// Its name.
    pub(super) name: Arc<str>,
    /// Its value: a column, or what USING made of two.
    pub(super) expression: Expression,
}

impl SourceColumn {
    /// A reference to it.
    pub(super) fn reference(&self) -> Expression {
        Expression::Column { id: self.id, data_type: self.data_type }
    }
}

impl Source {
    /// The column called `name`: None for none, an error for several.
    fn column(&self, name: &str, position: Position) -> Result<Option<&SourceColumn>> {
        let mut found = self.columns.iter().filter(|column| &*column.name == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(ambiguous_column(name, position));
        }
        Ok(first)
    }

    /// Whether `[schema.]name` means it.
    fn is_called(&self, name: &ObjectName) -> bool {
        *self.name == *name.name.name
            && name.schema.as_ref().is_none_or(|schema| {
                let own = self.schema.as_ref().filter(|_| !self.aliased);
                own.is_some_and(|own| schema.name == system::namespace_of(own.table).name())
            })
    }
}

impl Scope {
    /// A scope of one source.
    pub(super) fn of(source: Arc<Source>) -> Self {
        let columns = source
            .columns
            .iter()
            .map(|column| VisibleColumn {
                name: Arc::clone(&column.name),
                expression: column.reference(),
            })
            .collect();
        Self { sources: vec![source], columns }
    }

    /// Takes in the sources of another; 42712 if both have one of the same name.
    pub(super) fn add_sources(&mut self, other: Vec<Arc<Source>>) -> Result<()> {
        for source in other {
            if self.sources.iter().any(|present| conflict(present, &source)) {
                return Err(Error::new(
                    SqlState::DuplicateAlias,
                    format!("table name \"{}\" specified more than once", source.name),
                ));
            }
            self.sources.push(source);
        }
        Ok(())
    }

    /// The source that `[schema.]name` means.
    pub(super) fn source(&self, name: &ObjectName) -> Option<&Arc<Source>> {
        self.sources.iter().find(|source| source.is_called(name))
    }

    /// The column that `name` means: None for none, 42702 for several.
    pub(super) fn column(&self, name: &str, position: Position) -> Result<Option<&Expression>> {
        let mut found = self.columns.iter().filter(|column| &*column.name == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(ambiguous_column(name, position));
        }
        Ok(first.map(|column| &column.expression))
    }

    /// The source and the name of a column, for messages.
    pub(super) fn describe(&self, id: ColumnId) -> Option<(&Arc<Source>, usize)> {
        self.sources.iter().find_map(|source| {
            let ordinal = source.columns.iter().position(|column| column.id == id)?;
            Some((source, ordinal))
        })
    }
}

/// Two sources of one name conflict.
fn conflict(first: &Source, second: &Source) -> bool {
    first.name == second.name
}

/// Looks up `[table.]column` in the innermost level and notes the reference.
pub(super) fn bind_column(
    context: &mut Context<'_>,
    table: Option<&ObjectName>,
    column: &Identifier,
    position: Position,
) -> Result<Typed> {
    refuse_column_in_default(context, position)?;
    let (level, outer) =
        context.levels.split_last_mut().expect("invariant: expressions are bound inside a level");
    let found = match table {
        Some(table) => qualified(level, outer, table, column, position)?,
        None => unqualified(level, outer, column, position)?,
    };
    note_references(level, &found, position);
    Ok(Typed::new(found, position))
}

/// Notes the columns of a visible column's value as referred to.
pub(super) fn note_references(level: &mut Level, value: &Expression, position: Position) {
    if let Expression::Column { id, .. } = value {
        level.references.push(Reference { id: *id, position });
    }
    value.each_child(&mut |child| note_references(level, child, position));
}

fn qualified(
    level: &Level,
    outer: &[Level],
    table: &ObjectName,
    column: &Identifier,
    position: Position,
) -> Result<Expression> {
    if let Some(source) = level.scope.source(table) {
        if level.scope.sources.iter().filter(|source| source.is_called(table)).count() > 1 {
            let message = format!("table reference \"{}\" is ambiguous", table.name.name);
            return Err(Error::new(SqlState::AmbiguousAlias, message).at(position));
        }
        if let Some(found) = source.column(&column.name, position)? {
            return Ok(found.reference());
        }
        let message = format!("column {}.{} does not exist", table.name.name, column.name);
        let error = Error::new(SqlState::UndefinedColumn, message).at(position);
        return Err(with_suggestion(error, &column.name, std::iter::once(source)));
    }
    for level in outer.iter().rev() {
        if level.scope.source(table).is_some() {
            let name = format!("{}.{}", table.name.name, column.name);
            return Err(correlated(&name, position));
        }
    }
    Err(missing_source(level, outer, table, position))
}

fn unqualified(
    level: &Level,
    outer: &[Level],
    column: &Identifier,
    position: Position,
) -> Result<Expression> {
    let name = &*column.name;
    if let Some(found) = level.scope.column(name, position)? {
        return Ok(found.clone());
    }
    for level in outer.iter().rev() {
        if level.scope.column(name, position)?.is_some() {
            return Err(correlated(name, position));
        }
    }
    if level.scope.sources.iter().any(|source| &*source.name == name) {
        return Err(Error::not_supported("whole-row reference", position));
    }
    let error = Error::undefined_column(name, position);
    let hidden =
        level.seen.iter().find(|source| source.columns.iter().any(|column| &*column.name == name));
    Err(match hidden {
        Some(source) => error.with_hint(format!(
            "There is a column named \"{name}\" in table \"{}\", but it cannot be referenced from this part of the query.",
            source.name
        )),
        None => with_suggestion(error, name, level.scope.sources.iter()),
    })
}

/// The error for a column that there is not, with one that may have been meant.
fn with_suggestion<'s>(
    error: Error,
    written: &str,
    sources: impl Iterator<Item = &'s Arc<Source>>,
) -> Error {
    let columns: Vec<(&Arc<Source>, &str)> = sources
        .flat_map(|source| source.columns.iter().map(move |column| (source, &*column.name)))
        .collect();
    let meant = nearest(written, columns.iter().map(|(_, name)| *name));
    match meant.and_then(|meant| columns.iter().find(|(_, name)| *name == meant)) {
        Some((source, name)) => error.with_hint(format!(
            "Perhaps you meant to reference the column \"{}.{name}\".",
            source.name
        )),
        None => error,
    }
}

/// 42P01 for `table.` where no such source can be referred to.
pub(super) fn missing_source(
    level: &Level,
    outer: &[Level],
    table: &ObjectName,
    position: Position,
) -> Error {
    let name = &*table.name.name;
    let hidden = std::iter::once(level)
        .chain(outer.iter().rev())
        .flat_map(|level| &level.seen)
        .find(|source| {
            *source.name == *name
                || source.schema.as_ref().is_some_and(|schema| *schema.name == *name)
        });
    let Some(source) = hidden else {
        return Error::new(
            SqlState::UndefinedTable,
            format!("missing FROM-clause entry for table \"{name}\""),
        )
        .at(position);
    };
    let error = Error::new(
        SqlState::UndefinedTable,
        format!("invalid reference to FROM-clause entry for table \"{name}\""),
    )
    .at(position);
    if *source.name == *name {
        error.with_hint(format!(
            "There is an entry for table \"{name}\", but it cannot be referenced from this part of the query."
        ))
    } else {
        error.with_hint(format!(
            "Perhaps you meant to reference the table alias \"{}\".",
            source.name
        ))
    }
}

fn ambiguous_column(name: &str, position: Position) -> Error {
    Error::new(SqlState::AmbiguousColumn, format!("column reference \"{name}\" is ambiguous"))
        .at(position)
}

fn correlated(name: &str, position: Position) -> Error {
    Error::not_supported(
        &format!("correlated subquery (reference to outer column \"{name}\")"),
        position,
    )
}
