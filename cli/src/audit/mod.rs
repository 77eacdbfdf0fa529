//! `audit`, `verify` and `backup`: what an operator asks of a database's files, beside SQL.
//!
//! A database answers, of a server or in this process, but for `audit verify FILE`, which looks at an audit log by
//! itself.

mod last_rows;
mod offline;

use std::path::Path;

pub(crate) use crate::audit::last_rows::LastRows;
pub(crate) use crate::audit::offline::verify_file;
use crate::command_line::{AuditCommand, Filter};

/// What a database is asked: a verb and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// What to do.
    pub(crate) verb: &'static str,
    /// How.
    options: Vec<(&'static str, String)>,
}

impl Request {
    /// A verb without options.
    pub(crate) fn new(verb: &'static str) -> Self {
        Self { verb, options: Vec::new() }
    }

    /// Keys and values.
    pub(crate) fn options(&self) -> Vec<(&str, &str)> {
        self.options.iter().map(|(key, value)| (*key, value.as_str())).collect()
    }

    fn with(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        self.options.extend(value.map(|value| (key, value.to_string())));
        self
    }
}

impl AuditCommand {
    /// What a database is asked; `is_here` tells that it is in this process, where a relative path means the same.
    pub(crate) fn request(&self, is_here: bool) -> Request {
        match self {
            Self::Verify { expect_head, .. } => {
                Request::new("audit-verify").with("expect_head", expect_head.as_ref())
            }
            Self::Head => Request::new("audit-head"),
            Self::List(filter) => filter.request(),
            Self::Archive { directory } => in_directory("audit-archive", directory, is_here),
        }
    }
}

/// Asks for a backup; `is_here` as with [`AuditCommand::request`], `is_watched` says that somebody wants to see how far it is.
pub(crate) fn backup_request(directory: &Path, is_here: bool, is_watched: bool) -> Request {
    in_directory("backup", directory, is_here).with("progress", is_watched.then_some("on"))
}

/// A path that is made whole only where it means the same.
fn in_directory(verb: &'static str, directory: &Path, is_here: bool) -> Request {
    let absolute = std::path::absolute(directory).ok().filter(|_| is_here);
    let directory = absolute.as_deref().unwrap_or(directory).display();
    Request::new(verb).with("directory", Some(directory))
}

impl Filter {
    fn request(&self) -> Request {
        Request::new("audit-list")
            .with("since_us", self.since)
            .with("until_us", self.until)
            .with("from_commit", self.from_commit)
            .with("to_commit", self.to_commit)
            .with("contains", self.contains.as_ref())
            .with("user", self.user.as_ref())
            .with("application", self.application.as_ref())
            .with("limit", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_options() {
        let filter = Filter {
            since: Some(-1),
            until: None,
            from_commit: Some(2),
            to_commit: None,
            contains: Some("a b".to_owned()),
            user: None,
            application: Some(String::new()),
            limit: Some(0),
            last: None,
        };
        let expected = [
            ("since_us", "-1"),
            ("from_commit", "2"),
            ("contains", "a b"),
            ("application", ""),
            ("limit", "0"),
        ];
        let expected = expected.map(|(key, value)| (key, value.to_owned())).to_vec();
        assert_eq!(filter.request(), Request { verb: "audit-list", options: expected });
    }

    #[test]
    fn a_path_is_made_whole_only_where_it_means_the_same() {
        let archive = AuditCommand::Archive { directory: "a/b".into() };
        assert_eq!(archive.request(false).options, [("directory", "a/b".to_owned())]);
        let (_, here) = &archive.request(true).options[0];
        assert!(here.starts_with('/') && here.ends_with("/a/b"), "{here}");
    }
}
