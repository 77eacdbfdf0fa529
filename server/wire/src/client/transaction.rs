//! Transaction blocks that end when their value does.

use std::ops::{Deref, DerefMut};

use super::Client;
use super::error::Error;

/// An open transaction block. It is used like the client; dropped without [`Transaction::commit`] it is rolled back.
#[derive(Debug)]
pub struct Transaction<'a> {
    client: &'a mut Client,
    is_over: bool,
}

impl Client {
    /// Begins a transaction block.
    pub fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        self.command("BEGIN")?;
        Ok(Transaction { client: self, is_over: false })
    }
}

impl Transaction<'_> {
    /// Commits. If a statement of the block had failed, the server rolls back instead: [`Error::RolledBack`].
    pub fn commit(mut self) -> Result<(), Error> {
        self.is_over = true;
        match self.client.command("COMMIT")?.as_str() {
            "ROLLBACK" => Err(Error::RolledBack),
            _ => Ok(()),
        }
    }

    /// Rolls back.
    pub fn rollback(mut self) -> Result<(), Error> {
        self.is_over = true;
        self.client.command("ROLLBACK").map(drop)
    }

    /// Sets a savepoint: what is done through it is undone alone unless it is released.
    pub fn savepoint(&mut self, name: &str) -> Result<(), Error> {
        let name = quoted(name);
        self.client.command(&format!("SAVEPOINT {name}")).map(drop)
    }

    /// Undoes what was done since the savepoint, and ends the failed state.
    pub fn rollback_to(&mut self, name: &str) -> Result<(), Error> {
        let name = quoted(name);
        self.client.command(&format!("ROLLBACK TO SAVEPOINT {name}")).map(drop)
    }

    /// Forgets a savepoint.
    pub fn release(&mut self, name: &str) -> Result<(), Error> {
        let name = quoted(name);
        self.client.command(&format!("RELEASE SAVEPOINT {name}")).map(drop)
    }
}

impl Deref for Transaction<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Client {
        self.client
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.is_over && !self.client.is_closed() {
            // If this fails the connection is lost, and the server rolls back.
            drop(self.client.command("ROLLBACK"));
        }
    }
}

/// A name as SQL writes it whatever it contains.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
