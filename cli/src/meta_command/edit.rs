//! `\e`: a text goes to the user's editor, and what that leaves is run.

use std::io;
use std::path::PathBuf;

use spg_engine::{Error, SqlState};

use crate::console::Console;
use crate::messages;
use crate::printable::printable;
use crate::shell::Flow;

/// Has the user edit a file, or the statement begun or the last one, which is then run.
pub(super) fn edit(
    path: Option<PathBuf>,
    begun: Option<&str>,
    console: &mut Console,
) -> io::Result<Flow> {
    let text = match (begun, console.last_statement.as_str()) {
        (Some(begun), _) => begun.to_owned(),
        (None, "") => String::new(),
        (None, last) => format!("{last};\n"),
    };
    match edited(path, &text) {
        Ok(text) => {
            // An editor takes what it showed with it when it ends.
            if console.is_shell() {
                messages::line(printable(&text).trim_end());
            }
            Ok(Flow::Run(text))
        }
        Err(error) => {
            let message = format!("could not edit: {error}");
            console.show(&Err(Error::new(SqlState::IoError, message).into()), "")?;
            Ok(Flow::Continue)
        }
    }
}

/// What an editor leaves of the file, or of `text`.
fn edited(path: Option<PathBuf>, text: &str) -> io::Result<String> {
    // Readable by its owner only, and gone afterwards.
    let temporary = tempfile::Builder::new().suffix(".sql").tempfile()?;
    let path = if let Some(path) = path {
        path
    } else {
        std::fs::write(temporary.path(), text)?;
        temporary.path().to_owned()
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let editor =
        variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = std::process::Command::new(program).args(words).arg(&path).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{editor} ended with {status}")));
    }
    std::fs::read_to_string(&path)
}
