//! Where the load runs: a server, or a database in this process.

use std::sync::Arc;

use spg_engine::Database;

use crate::arguments::Arguments;
use crate::connect::{Address, CONNECT_TIMEOUT};
use crate::failure::Outcome;
use crate::files;
use crate::target::{Local, Remote, Target};

/// What the load calls itself.
pub(super) const APPLICATION: &str = "spg bench";

/// Where the load runs.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// On a server.
    Server(Address),
    /// In this process.
    Here(Arc<Database>),
}

impl Place {
    /// Opens what the arguments name.
    pub(super) fn open(arguments: &Arguments) -> Outcome<Self> {
        if arguments.is_here() {
            files::open(arguments).map(Self::Here)
        } else {
            Ok(Self::Server(arguments.address()))
        }
    }

    /// A session there.
    pub(super) fn target(&self) -> Outcome<Target> {
        match self {
            Self::Server(address) => {
                let client = address.connect(CONNECT_TIMEOUT)?;
                Ok(Target::Remote(Box::new(Remote::new(client, address.clone()))))
            }
            Self::Here(database) => Ok(Target::Local(Box::new(Local::new(database, APPLICATION)?))),
        }
    }

    /// Ends a session, and not the database that it was one of.
    pub(super) fn leave(&self, target: Target) -> Outcome<()> {
        match self {
            Self::Server(_) => target.close(),
            Self::Here(_) => Ok(()),
        }
    }

    /// Ends in order; nothing runs there any more.
    pub(super) fn close(self) -> Outcome<()> {
        match self {
            Self::Server(_) => Ok(()),
            Self::Here(database) => Ok(database.close()?),
        }
    }
}
