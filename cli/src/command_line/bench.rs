//! The options of `bench`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of `bench`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option without a value")]
pub(crate) struct BenchArguments {
    /// What the clients do
    #[arg(value_enum)]
    pub(crate) workload: Workload,

    /// How many clients [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: Option<u32>,

    /// How many operations a client sends before it waits for their answers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) pipeline: u32,

    /// How long to measure, after a second of warm-up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,

    /// Rows of the table [default: 1000000; knn: 100000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) rows: Option<u64>,

    /// Prepare statements once; this is the default
    #[arg(long, conflicts_with = "simple")]
    pub(crate) prepared: bool,

    /// Send each statement as text
    #[arg(long)]
    pub(crate) simple: bool,

    /// Clients that update rows without pause beside those that are measured
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) writers: u32,

    /// Checkpoints without pause beside those that are measured
    #[arg(long)]
    pub(crate) checkpoints: bool,

    /// Show, too, how evenly the clients were served and how long the writer lock was held
    #[arg(long)]
    pub(crate) contention: bool,

    /// Whether a commit is answered when it is durable, or before: the clients' `synchronous_commit`
    #[arg(long, value_enum)]
    pub(crate) durability: Option<Durability>,

    /// At which level transactions run [default: the database's default]
    #[arg(long, value_enum)]
    pub(crate) isolation: Option<Isolation>,

    /// Where raw-sync makes its file [default: the current directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// Threads of the load [default: 1 up to 50 clients, else 2; in this process each client is a thread]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) threads: Option<u32>,

    /// Microseconds that a single client looks for an answer before it sleeps
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    pub(crate) poll_us: u64,
}

/// When a commit is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// When it is durable
    On,
    /// Before
    Off,
}

/// An isolation level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Isolation {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// One row by its key
    PointRead,
    /// 100 rows by a range of keys
    RangeRead,
    /// One row more, with a key of its own
    Insert,
    /// One row changed by its key
    Update,
    /// pgbench's transaction: three updates, a read and an insert
    TpcbLike,
    /// 95% point reads, 5% updates
    Mixed,
    /// The 10 nearest of vectors of 128 dimensions
    Knn,
    /// No database: 512 bytes overwritten and synced, one after the other, in a file made for it
    RawSync,
}
