//! What the arguments mean together: where they lead, what the environment adds, and what excludes each other.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

pub(crate) use crate::command_line::{Arguments, Command, FormatName};
use crate::command_line::{AuditCommand, parse};
use crate::connect::{ADDRESS_DEFAULT, Address};

impl Arguments {
    /// Reads the process's arguments; ends the process with status 2 on a usage error.
    pub(crate) fn read() -> Self {
        let arguments = Self::parse_from(std::env::args_os().map(unlike_option));
        if let Some(reason) = arguments.contradiction() {
            Self::command().error(ErrorKind::ArgumentConflict, reason).exit();
        }
        arguments
    }

    /// Where the server is. An argument beats the variable; an empty variable is as good as none.
    pub(crate) fn address(&self) -> Address {
        let text = match &self.addr {
            Some(text) => text.clone(),
            None => match variable("SPG_ADDR").map(|text| parse::address(&text)) {
                Some(Ok(text)) => text,
                Some(Err(reason)) => {
                    let message = format!("invalid value in SPG_ADDR: {reason}");
                    Self::command().error(ErrorKind::ValueValidation, message).exit()
                }
                None => ADDRESS_DEFAULT.to_owned(),
            },
        };
        let session = match self.command {
            // These are about the server: the variable is for those that run statements.
            Command::Ping { .. }
            | Command::Health
            | Command::Stats
            | Command::Bench(_)
            | Command::Demo
            | Command::Audit(_)
            | Command::Verify
            | Command::Backup { .. }
            | Command::Restore { .. }
            | Command::Checkpoint
            | Command::Dump
            | Command::Load { .. }
            | Command::Version
            | Command::Completions { .. }
            | Command::Man { .. } => None,
            _ => self.session.clone().or_else(|| variable("SPG_SESSION")),
        };
        Address { text, session }
    }

    /// Whether statements run on a database in this process.
    pub(crate) fn is_here(&self) -> bool {
        self.memory || self.files.is_any()
    }

    /// What among the arguments excludes each other.
    fn contradiction(&self) -> Option<&'static str> {
        let needs_server = matches!(
            self.command,
            Command::Ping { .. } | Command::Health | Command::Stats | Command::Cancel { .. }
        );
        let verifies_file = self.command.verified_file().is_some();
        let restores = matches!(self.command, Command::Restore { .. });
        let takes_session = matches!(
            self.command,
            Command::Query { .. }
                | Command::Shell
                | Command::Import { .. }
                | Command::Export { .. }
                | Command::Cancel { session_id: None, .. }
        );
        let brings_its_own = matches!(self.command, Command::Demo);
        if brings_its_own
            && (self.is_here()
                || self.addr.is_some()
                || self.session.is_some()
                || self.memory_limit.is_some()
                || self.format != FormatName::Table)
        {
            Some("demo brings its own daemon and data, and is for people: it takes no options")
        } else if verifies_file && (self.is_here() || self.addr.is_some()) {
            Some(
                "audit verify FILE looks at that file and at nothing else: leave the database or the server out",
            )
        } else if restores && (self.is_here() || self.addr.is_some()) {
            Some("restore makes a directory of its own: leave the database or the server out")
        } else if self.memory && self.files.is_any() {
            Some("--memory is a database without files: leave it out, or the files")
        } else if self.is_here() && self.addr.is_some() {
            Some(
                "--memory and files are a database in this process, --addr is a server: give one of them",
            )
        } else if self.is_here() && self.session.is_some() {
            Some("a database in this process ends with it and keeps no --session")
        } else if self.is_here() && needs_server {
            Some("this command is about a server, and a database in this process has none")
        } else if self.memory_limit.is_some() && !self.is_here() && !restores {
            Some("--memory-limit is for a database in this process; the server has its own")
        } else if let Some(reason) = self.files.contradiction(verifies_file || restores) {
            Some(reason)
        } else if let Command::Bench(bench) = &self.command
            && let Some(reason) = bench.contradiction(self.is_here())
        {
            Some(reason)
        } else if matches!(self.command, Command::Cancel { session_id: None, .. })
            && self.address().session.is_none()
        {
            Some("name a session: its id and secret, as \\conninfo tells them, or --session NAME")
        } else if self.session.is_some() && !takes_session {
            Some("this command does not use a --session")
        } else {
            None
        }
    }
}

impl Command {
    /// The audit log that is verified by itself.
    pub(crate) fn verified_file(&self) -> Option<&Path> {
        match self {
            Self::Audit(AuditCommand::Verify { file, .. }) => file.as_deref(),
            _ => None,
        }
    }

    /// Whether it is about a database that is there.
    pub(crate) fn only_looks(&self) -> bool {
        matches!(
            self,
            Self::Audit(_)
                | Self::Verify
                | Self::Backup { .. }
                | Self::Checkpoint
                | Self::Export { .. }
                | Self::Dump
        )
    }
}

/// The word, with a blank before it where it is a text that begins with a comment: no option has blanks in its name.
fn unlike_option(word: OsString) -> OsString {
    let is_comment = word.to_str().is_some_and(|text| {
        let name = text.split('=').next().unwrap_or_default();
        text.starts_with("--") && name.contains(char::is_whitespace)
    });
    if is_comment { [OsStr::new(" "), &word].into_iter().collect() } else { word }
}

/// A variable of the environment that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_before_and_after_the_subcommand() {
        for words in [
            ["spg", "--memory", "--format", "jsonl", "query", "SELECT 1"],
            ["spg", "query", "--memory", "SELECT 1", "--format", "jsonl"],
            ["spg", "--format", "jsonl", "query", "SELECT 1", "--memory"],
        ] {
            let arguments = Arguments::try_parse_from(words).unwrap();
            assert!(arguments.memory);
            assert_eq!(arguments.format, FormatName::Jsonl);
        }
        for words in [
            ["spg", "--addr", "[::1]:7", "--session", "s", "query", "SELECT 1"],
            ["spg", "query", "--addr", "[::1]:7", "SELECT 1", "--session", "s"],
        ] {
            let address = Arguments::try_parse_from(words).unwrap().address();
            assert_eq!((address.text.as_str(), address.session.as_deref()), ("[::1]:7", Some("s")));
        }
        Arguments::command().debug_assert();
    }

    #[test]
    fn contradictions_are_named() {
        for (words, reason) in [
            (&["spg", "--memory", "--addr", "h:1", "shell"][..], "give one of them"),
            (&["spg", "demo", "--addr", "h:1"], "takes no options"),
            (&["spg", "demo", "--format", "json"], "takes no options"),
            (&["spg", "shell", "--session", "s", "--memory"], "keeps no --session"),
            (&["spg", "--memory", "ping"], "has none"),
            (&["spg", "--data-dir", "d", "stats"], "has none"),
            (&["spg", "--data-dir", "d", "--addr", "h:1", "shell"], "give one of them"),
            (&["spg", "--db", "d", "--session", "s", "shell"], "keeps no --session"),
            (&["spg", "--memory", "--db", "d", "shell"], "without files"),
            (&["spg", "--wal", "w", "shell"], "give both"),
            (&["spg", "--wal", "w", "--audit", "a", "shell"], "give both"),
            (&["spg", "--db", "d", "--key-file", "k", "shell"], "--data-dir or --audit"),
            (&["spg", "--db", "d", "--audit-parameters", "digest", "shell"], "--data-dir or"),
            (&["spg", "--data-dir", "d", "audit", "verify", "f"], "nothing else"),
            (&["spg", "--memory-limit", "1MB", "shell"], "for a database in this process"),
            (&["spg", "--session", "s", "checkpoint"], "does not use"),
            (&["spg", "--session", "s", "backup", "b"], "does not use"),
            (&["spg", "--addr", "h:1", "restore", "b", "d"], "of its own"),
            (&["spg", "--data-dir", "d", "restore", "b", "d"], "of its own"),
            (&["spg", "--session", "s", "verify"], "does not use"),
            (&["spg", "--session", "s", "stats"], "does not use"),
            (&["spg", "--session", "s", "version"], "does not use"),
        ] {
            let found = Arguments::try_parse_from(words).unwrap().contradiction();
            assert!(found.is_some_and(|found| found.contains(reason)), "{words:?}: {found:?}");
        }
        for words in [
            &["spg", "--memory", "shell"][..],
            &["spg", "--memory", "version"],
            &["spg", "--memory", "bench", "point-read"],
            &["spg", "--data-dir", "d", "bench", "insert", "--memory-limit", "1GB"],
            &["spg", "--data-dir", "d", "--key-file", "k", "--audit-parameters", "digest", "shell"],
            &["spg", "--db", "d", "--audit", "a", "--wal", "w", "audit", "verify"],
            &["spg", "--audit", "a", "audit", "list", "--since", "2026-11-22"],
            &["spg", "audit", "verify", "f", "--key-file", "k"],
            &["spg", "audit", "head"],
            &["spg", "restore", "b", "d", "--key-file", "k", "--archive-dir", "a", "--to", "7"],
            &["spg", "--session", "s", "cancel"],
            &["spg", "--addr", "h:1", "--session", "s", "import", "t", "f"],
        ] {
            assert_eq!(
                Arguments::try_parse_from(words).unwrap().contradiction(),
                None,
                "{words:?}"
            );
        }
    }

    #[test]
    fn sizes_are_checked() {
        let parse = |size| Arguments::try_parse_from(["spg", "shell", "--memory-limit", size]);
        assert_eq!(parse("512MB").unwrap().memory_limit, Some(512 << 20));
        assert!(parse("much").is_err());
    }
}
