//! `\e`: a text goes to the user's editor, and what that makes of it is run; a text that it leaves as it was is not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, SystemTime};

use spg_engine::{Error, SqlState};

use super::parse::syntax_error;
use crate::console::Console;
use crate::messages;
use crate::printable::printable;
use crate::shell::Flow;

/// What edits where neither VISUAL nor EDITOR names anything.
const EDITOR_DEFAULT: &str = "vi";

/// How much older a text is made than it is: clocks of files are coarse, and an editor may be fast.
const HEAD_START: Duration = Duration::from_secs(2);

/// Has the user edit a file, or the statement begun or the last one, which is then run if it was changed.
pub(super) fn edit(
    path: Option<PathBuf>,
    begun: Option<&str>,
    console: &mut Console,
) -> io::Result<Flow> {
    if !console.is_shell() {
        // An editor would take the rest of the script for what is typed.
        let error = syntax_error("\\e needs a terminal".to_owned())
            .with_hint("\\i FILE runs a script, \\g runs the statement begun.");
        console.show(&Err(error.into()), "")?;
        return Ok(Flow::Continue);
    }
    let text = match (begun, console.last_statement.as_str()) {
        (Some(begun), _) => begun.to_owned(),
        (None, "") => String::new(),
        (None, last) => format!("{last};\n"),
    };
    let edited = match path {
        Some(path) => edited(&path),
        None => edited_text(&text),
    };
    match edited {
        Ok(Some(text)) => {
            // An editor takes what it showed with it when it ends.
            messages::line(printable(&text).trim_end());
            Ok(Flow::Run(text))
        }
        Ok(None) => Ok(Flow::Continue),
        Err(error) => {
            let message = format!("could not edit: {error}");
            console.show(&Err(Error::new(SqlState::IoError, message).into()), "")?;
            Ok(Flow::Continue)
        }
    }
}

/// What an editor makes of `text`; None where it leaves it.
fn edited_text(text: &str) -> io::Result<Option<String>> {
    // Readable by its owner only, and gone afterwards.
    let temporary = tempfile::Builder::new().suffix(".sql").tempfile()?;
    fs::write(temporary.path(), text)?;
    let began = SystemTime::now() - HEAD_START;
    File::options().write(true).open(temporary.path())?.set_modified(began)?;
    edited(temporary.path())
}

/// What an editor makes of a file; None where it leaves it.
fn edited(path: &Path) -> io::Result<Option<String>> {
    let before = State::of(path)?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let editor = variable("VISUAL")
        .or_else(|| variable("EDITOR"))
        .unwrap_or_else(|| EDITOR_DEFAULT.to_owned());
    // A name that begins with a dash would be an option.
    let named = if path.is_relative() { Path::new(".").join(path) } else { path.to_owned() };
    // The shell reads the command, which may have options and quotes; the name it takes as it is.
    let command = format!("{editor} \"$1\"");
    let status = Command::new("sh").args(["-c", &command, "sh"]).arg(&named).status()?;
    check(&editor, status)?;
    let after = State::of(path)?;
    if after == before {
        return Ok(None);
    }
    let text = after.map_or_else(Vec::new, |state| state.content);
    let text = String::from_utf8(text);
    text.map(Some).map_err(|_| io::Error::other("the text is no longer UTF-8"))
}

/// The shell's own statuses, 126 and 127, say that there was no program to run.
fn check(editor: &str, status: ExitStatus) -> io::Result<()> {
    match status.code() {
        Some(0) => Ok(()),
        Some(126 | 127) => Err(io::Error::other(format!(
            "\"{editor}\" could not be started; VISUAL or EDITOR names the editor"
        ))),
        _ => Err(io::Error::other(format!("\"{editor}\" ended with {status}"))),
    }
}

/// A file as it is at a time.
#[derive(PartialEq)]
struct State {
    content: Vec<u8>,
    modified: SystemTime,
}

impl State {
    /// None where there is no file yet.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self { content, modified: fs::metadata(path)?.modified()? }))
    }
}
