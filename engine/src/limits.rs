//! Every bound of the engine as one constant with its reason.

/// Statement text. A longer one is 54000: the parser's tree is about thirty times the text.
pub const STATEMENT_BYTES_MAX: usize = 16 << 20;

/// Elements of one IN list, or rows times columns of one VALUES; beyond it 54000.
pub const IN_LIST_MAX: usize = 65_535;

/// Depth of any recursion over the statement: expressions, subqueries, joins, set operations; beyond it 54001.
/// A stack overflow cannot be caught, so this is what a 2 MiB thread stack holds in the dev profile.
pub const NESTING_DEPTH_MAX: usize = 200;

/// Columns of a table, a select list or an intermediate row; beyond it 54011 (PostgreSQL: 1,600).
pub const COLUMNS_MAX: usize = 1_600;

/// Columns of one index; beyond it 54011 (PostgreSQL: 32).
pub const INDEX_COLUMNS_MAX: usize = 32;

/// Encoded bytes of one index key; beyond it 54000 (PostgreSQL: about a third of a page).
pub const INDEX_KEY_BYTES_MAX: usize = 8_191;

/// Bytes of a name; longer ones are cut with a notice, as in PostgreSQL.
pub const NAME_BYTES_MAX: usize = 63;

/// Parameters of one statement; beyond it 54000 (PostgreSQL: 65,535).
pub const PARAMETERS_MAX: usize = 65_535;

/// Dimensions of a vector (pgvector's bound).
pub const VECTOR_DIMENSIONS_MAX: usize = 16_000;

/// Characters of VARCHAR(n) (PostgreSQL's bound).
pub const VARCHAR_LENGTH_MAX: u32 = 10_485_760;

/// Bytes of one text value; beyond it 54000.
pub const TEXT_BYTES_MAX: usize = 256 << 20;

/// Tables joined by one statement; beyond it 54000: join ordering is quadratic in it.
pub const JOIN_TABLES_MAX: usize = 256;

/// Default memory of one statement, counted before it is allocated; beyond it 53200.
pub const STATEMENT_MEMORY_BYTES_DEFAULT: usize = 1 << 30;

/// Most that `spg.statement_memory` may be set to: a text column's offsets are 32 bits wide, and a statement may put all of
/// its memory into one.
pub const STATEMENT_MEMORY_BYTES_MAX: usize = (4 << 30) - 1;

/// Rows between two looks at the clock and the cancel flag.
pub const INTERRUPT_CHECK_ROWS: usize = 1_024;

/// Rows of a chunk. 256 is where updates (1.6 us) and scans (0.47 ns a row) meet; see DESIGN.md.
pub const CHUNK_ROWS_MAX: usize = 256;

/// Rows that a table's tail may hold while it is shared with another root.
pub const TAIL_ROWS_MAX: usize = 16;

/// Bytes that a table's tail may hold while it is shared with another root.
pub const TAIL_BYTES_MAX: usize = 16 << 10;

/// Bytes of a text value kept inside its column; longer ones are out of line, so that a copy of the column is cheap.
pub const TEXT_INLINE_BYTES_MAX: usize = 256;

/// Bytes of one block of a vector column.
pub const VECTOR_BLOCK_BYTES: usize = 32 << 10;

/// Rows of one computed batch (scans yield a chunk at a time).
pub const BATCH_ROWS_MAX: usize = 1_024;

/// Rows up to which an autocommit statement runs under the writer lock without a conflict being possible.
pub const SMALL_STATEMENT_ROWS_MAX: usize = 1_000;

/// Bytes that one serializable transaction remembers its reads in; beyond it, tables count as read whole.
pub const READ_SET_BYTES_MAX: usize = 1 << 20;

/// Savepoints of one transaction; each keeps a root. Beyond it 54000.
pub const SAVEPOINTS_MAX: usize = 100_000;

/// Locks of one transaction on rows, keys and advisory objects, about 150 bytes each; beyond it 53200.
pub const LOCKS_OF_TRANSACTION_MAX: usize = 1 << 20;

/// Locks of all sessions together; beyond it 53200.
pub const LOCKS_MAX: usize = 4 << 20;

/// Plans kept by a session's cache.
pub const PLAN_CACHE_ENTRIES_MAX: usize = 256;

/// Bytes of a statement's text that a session's cache keeps: longer ones are loads, hardly ever seen again.
pub const PLAN_CACHE_TEXT_BYTES_MAX: usize = 8 << 10;
