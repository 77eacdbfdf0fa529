//! PostgreSQL 15 as the other opinion: a server of our own in a temporary folder, and just enough of a client.

mod client;
mod server;

pub use client::Client;
pub use server::Server;
