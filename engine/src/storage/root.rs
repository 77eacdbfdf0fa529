//! One version of the whole database.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::identity::ChainState;
use crate::storage::gauge::{Counted, Gauge, Token};
use crate::storage::schema::{IndexDefinition, Schema};
use crate::storage::sequence::{Logged, Sequence, SequenceId};
use crate::storage::table::Table;
use crate::storage::{CommitNumber, IndexId, Stamp, TableId};

/// One version of the database: names and tables. A clone costs nothing that grows with the data.
#[derive(Clone, Debug)]
pub struct Root {
    /// The commit that made it.
    pub commit: CommitNumber,
    /// Where the log keeps that commit; unset while it is not durable, and in memory.
    pub place: OnceLock<Place>,
    /// Drawn anew by every change of any schema; what cached plans are valid for.
    pub schema_version: u64,
    tables: im::OrdMap<TableId, Arc<Table>>,
    sequences: im::OrdMap<SequenceId, Sequence>,
    names: im::OrdMap<Arc<str>, Named>,
    /// The tables whose foreign keys refer to a table, in identity order.
    children: im::OrdMap<TableId, Arc<[TableId]>>,
    shared: Arc<Shared>,
    _token: Token,
}

/// Where a commit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where its record begins in the write-ahead log; 0 without one.
    pub lsn: u64,
    /// When it was written: microseconds since 1970.
    pub time_us: i64,
    /// Where the audit chain stands after it.
    pub chain: Option<ChainState>,
}

/// What a name stands for: tables, indexes and sequences share one namespace.
#[derive(Clone, Copy, Debug)]
enum Named {
    Table(TableId),
    Index(TableId, IndexId),
    Sequence(SequenceId),
}

impl Named {
    /// Whether it is the table or one of its indexes.
    fn is_of(&self, table: TableId) -> bool {
        match self {
            Self::Table(id) | Self::Index(id, _) => *id == table,
            Self::Sequence(_) => false,
        }
    }
}

/// What all roots of a database share: counters whose numbers are never used twice, and the gauge.
#[derive(Debug)]
pub struct Shared {
    relation_ids: AtomicU64,
    stamps: AtomicU64,
    schema_versions: AtomicU64,
    gauge: Arc<Gauge>,
}

/// Where the counters stand whose numbers outlive a restart: the next of each to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Identities of tables, indexes and sequences.
    pub relation_ids: u64,
    /// Schema versions and structure numbers.
    pub schema_versions: u64,
}

impl Shared {
    fn new() -> Self {
        Self {
            relation_ids: AtomicU64::new(1),
            stamps: AtomicU64::new(1),
            schema_versions: AtomicU64::new(1),
            gauge: Gauge::new(),
        }
    }

    /// A new table's identity.
    pub fn draw_table_id(&self) -> TableId {
        TableId(self.relation_ids.fetch_add(1, Ordering::Relaxed))
    }

    /// A new index's identity, from the same counter.
    pub fn draw_index_id(&self) -> IndexId {
        IndexId(self.relation_ids.fetch_add(1, Ordering::Relaxed))
    }

    /// A new sequence's identity, from the same counter.
    pub fn draw_sequence_id(&self) -> SequenceId {
        SequenceId(self.relation_ids.fetch_add(1, Ordering::Relaxed))
    }

    /// A writing transaction's stamp.
    pub fn draw_stamp(&self) -> Stamp {
        Stamp(self.stamps.fetch_add(1, Ordering::Relaxed))
    }

    /// A new schema version, or a table's structure number.
    pub fn draw_schema_version(&self) -> u64 {
        self.schema_versions.fetch_add(1, Ordering::Relaxed)
    }

    /// Where the counters stand whose numbers are kept.
    pub fn counters(&self) -> Counters {
        Counters {
            relation_ids: self.relation_ids.load(Ordering::Relaxed),
            schema_versions: self.schema_versions.load(Ordering::Relaxed),
        }
    }

    /// Sees to it that no number below these is drawn.
    pub fn raise(&self, counters: Counters) {
        self.relation_ids.fetch_max(counters.relation_ids, Ordering::Relaxed);
        self.schema_versions.fetch_max(counters.schema_versions, Ordering::Relaxed);
    }

    /// The counters of what is alive.
    pub fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }
}

impl Root {
    /// An empty database at commit 0.
    pub fn empty() -> Self {
        let shared = Arc::new(Shared::new());
        Self {
            commit: CommitNumber(0),
            place: OnceLock::new(),
            schema_version: 0,
            tables: im::OrdMap::new(),
            sequences: im::OrdMap::new(),
            names: im::OrdMap::new(),
            children: im::OrdMap::new(),
            _token: Token::new(shared.gauge(), Counted::Root, 0),
            shared,
        }
    }

    /// What all its versions share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A table by identity.
    #[inline]
    pub fn table(&self, id: TableId) -> Option<&Arc<Table>> {
        self.tables.get(&id)
    }

    /// A table by name.
    pub fn table_by_name(&self, name: &str) -> Option<&Arc<Table>> {
        match self.names.get(name)? {
            Named::Table(id) => self.tables.get(id),
            Named::Index(..) | Named::Sequence(_) => None,
        }
    }

    /// An index by name, with its table.
    pub fn index_by_name(&self, name: &str) -> Option<(&Arc<Table>, &Arc<IndexDefinition>)> {
        match self.names.get(name)? {
            Named::Table(_) | Named::Sequence(_) => None,
            Named::Index(table, id) => {
                let table = self.tables.get(table)?;
                Some((table, table.schema().index(*id)?))
            }
        }
    }

    /// A sequence by identity.
    #[inline]
    pub fn sequence(&self, id: SequenceId) -> Option<&Sequence> {
        self.sequences.get(&id)
    }

    /// A sequence by name.
    pub fn sequence_by_name(&self, name: &str) -> Option<&Sequence> {
        match self.names.get(name)? {
            Named::Sequence(id) => self.sequences.get(id),
            Named::Table(_) | Named::Index(..) => None,
        }
    }

    /// The sequences in identity order.
    pub fn sequences(&self) -> impl Iterator<Item = &Sequence> {
        self.sequences.values()
    }

    /// Adds a sequence, or puts it in the place of its version here, and draws a schema version.
    pub fn replace_sequence(&mut self, sequence: Sequence) {
        let (id, name) = (sequence.id(), Arc::clone(&sequence.definition.name));
        if let Some(previous) = self.sequences.insert(id, sequence) {
            self.free_sequence_name(&previous);
        }
        self.names.insert(name, Named::Sequence(id));
        self.schema_version = self.shared.draw_schema_version();
    }

    /// Removes a sequence and draws a schema version; what it was, if it was there.
    pub fn drop_sequence(&mut self, id: SequenceId) -> Option<Sequence> {
        let sequence = self.sequences.remove(&id)?;
        self.free_sequence_name(&sequence);
        self.schema_version = self.shared.draw_schema_version();
        Some(sequence)
    }

    /// Takes its name away from a sequence, if it has it: replay may have given it to a table already.
    fn free_sequence_name(&mut self, sequence: &Sequence) {
        let name = &sequence.definition.name;
        let is_its = |named: &Named| matches!(named, Named::Sequence(id) if *id == sequence.id());
        if self.names.get(name).is_some_and(is_its) {
            self.names.remove(name);
        }
    }

    /// Puts a sequence at another position, its definition being the same.
    pub fn move_sequence(&mut self, sequence: Sequence) {
        debug_assert!(self.sequences.contains_key(&sequence.id()), "it is there");
        self.sequences.insert(sequence.id(), sequence);
    }

    /// Notes from where a restart goes on, if the sequence is there.
    pub fn log_sequence(&mut self, id: SequenceId, logged: Logged) {
        if let Some(sequence) = self.sequences.get_mut(&id) {
            sequence.logged = logged;
        }
    }

    /// Whether a table, an index or a sequence has this name: they share one namespace.
    pub fn has_relation(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Whether anything has this name but a table and its indexes.
    pub fn has_relation_beside(&self, table: TableId, name: &str) -> bool {
        self.names.get(name).is_some_and(|named| !named.is_of(table))
    }

    /// The tables in name order.
    pub fn tables_by_name(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.names.values().filter_map(|named| match named {
            Named::Table(id) => self.tables.get(id),
            Named::Index(..) | Named::Sequence(_) => None,
        })
    }

    /// The tables in identity order.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }

    /// The tables whose foreign keys refer to a table, in identity order; itself may be among them.
    #[inline]
    pub fn children(&self, parent: TableId) -> &[TableId] {
        self.children.get(&parent).map_or(&[], |children| children)
    }

    /// A table to change rows of; the first call after a clone of the root copies the table's head, not its rows.
    /// What changes its schema goes through [`Self::replace_table`].
    pub fn table_mut(&mut self, id: TableId) -> Option<&mut Table> {
        self.tables.get_mut(&id).map(Arc::make_mut)
    }

    /// Adds an empty table (ids drawn by the caller, names free) and draws a schema version.
    pub fn create_table(&mut self, schema: Schema) -> TableId {
        let table = Table::new(Arc::new(schema), self.shared.gauge());
        let id = table.id();
        self.replace_table(Arc::new(table));
        id
    }

    /// Removes a table with its names and draws a schema version; what it was, if it was there.
    pub fn drop_table(&mut self, id: TableId) -> Option<Arc<Table>> {
        let table = self.tables.remove(&id)?;
        self.remove_names(table.schema());
        self.note_parents(Some(table.schema()), None);
        self.schema_version = self.shared.draw_schema_version();
        Some(table)
    }

    /// Puts a table in the place of its version here (or adds it), takes over its names, and draws a schema version
    /// if the schema is another.
    pub fn replace_table(&mut self, table: Arc<Table>) {
        let schema = Arc::clone(table.schema());
        debug_assert!(schema.repeated_constraint().is_none(), "definitions see to it");
        let previous = self.tables.insert(schema.table, table);
        if let Some(previous) = &previous {
            if Arc::ptr_eq(previous.schema(), &schema) {
                return;
            }
            self.remove_names(previous.schema());
        }
        self.note_parents(previous.as_ref().map(|previous| &**previous.schema()), Some(&schema));
        self.names.insert(Arc::clone(&schema.name), Named::Table(schema.table));
        for index in &schema.indexes {
            self.names.insert(Arc::clone(&index.name), Named::Index(schema.table, index.id));
        }
        self.schema_version = self.shared.draw_schema_version();
    }

    /// Keeps [`Self::children`]: a table's schema was `before` and is `after`.
    fn note_parents(&mut self, before: Option<&Schema>, after: Option<&Schema>) {
        let parents = |schema: Option<&Schema>| -> BTreeSet<TableId> {
            let keys = schema.into_iter().flat_map(|schema| &schema.constraints.foreign_keys);
            keys.map(|key| key.table).collect()
        };
        let Some(child) = before.or(after).map(|schema| schema.table) else { return };
        let (before, after) = (parents(before), parents(after));
        for parent in before.symmetric_difference(&after) {
            let mut children: BTreeSet<TableId> = self.children(*parent).iter().copied().collect();
            if after.contains(parent) {
                children.insert(child);
            } else {
                children.remove(&child);
            }
            if children.is_empty() {
                self.children.remove(parent);
            } else {
                self.children.insert(*parent, children.into_iter().collect());
            }
        }
    }

    fn remove_names(&mut self, schema: &Schema) {
        // A name may have been given to another meanwhile.
        self.free_name(&schema.name, schema.table);
        for index in &schema.indexes {
            self.free_name(&index.name, schema.table);
        }
    }

    /// Takes a name away from a table or an index of it, if it has it.
    pub fn free_name(&mut self, name: &str, table: TableId) {
        if self.names.get(name).is_some_and(|named| named.is_of(table)) {
            self.names.remove(name);
        }
    }
}
