//! The shell on a terminal: line editing, history, completion, colours, and Ctrl-C that ends a statement but not the shell.

mod completion;
mod files;
mod helper;
mod highlight;
mod words;

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustyline::config::{Behavior, CompletionType};
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History};
use rustyline::{Config, Editor};
use spg_engine::session::TransactionStatus;

use crate::console::Console;
use crate::display::has_colors;
use crate::messages;
use crate::printable::editable;
use crate::shell::{self, Flow};
use crate::statement_buffer::{StatementBuffer, open_quote};
use crate::version::version;
use helper::ShellHelper;

/// Entries kept in the history.
const HISTORY_ENTRIES_MAX: usize = 1_000;

/// Statements longer than this are not kept: a pasted load script would push out all else.
const HISTORY_ENTRY_BYTES_MAX: usize = 16 << 10;

type ShellEditor<'c> = Editor<ShellHelper<'c>, FileHistory>;

/// Reads and runs lines until the user leaves; what was typed is kept in the file `history`.
pub(crate) fn run(console: &mut Console, history: Option<&Path>) -> io::Result<()> {
    if let Err(error) = console.interrupt.listen(true, console.target.canceller()) {
        messages::line(&format!("WARNING:  Ctrl-C will end the shell: {error}"));
    }
    console.begin_shell();
    messages::line(&format!("{}\n{}\nType \\? for help.", version(), console.target.greeting()));
    let console = RefCell::new(console);
    let mut editor = open_editor(&console).map_err(io::Error::other)?;
    if let Some(path) = history {
        load_history(&mut editor, path);
    }
    let result = read_lines(&mut editor, &console);
    if let Some(path) = history
        && let Err(error) = editor.save_history(path)
    {
        let path = path.display();
        messages::line(&format!("WARNING:  could not save history to \"{path}\": {error}"));
    }
    result
}

/// The prompt goes to the terminal itself, so that standard output has nothing but data.
fn open_editor<'c>(console: &'c RefCell<&'c mut Console>) -> rustyline::Result<ShellEditor<'c>> {
    let config = Config::builder()
        .behavior(Behavior::PreferTerm)
        .max_history_size(HISTORY_ENTRIES_MAX)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(ShellHelper::new(console, has_colors(true))));
    Ok(editor)
}

/// Takes up what was typed in earlier shells; the first time there is nothing.
fn load_history(editor: &mut ShellEditor<'_>, path: &Path) {
    editor.load_history(path).ok();
    let history = editor.history_mut();
    let entries: Vec<String> = history.iter().map(|entry| editable(entry)).collect();
    if !history.iter().eq(&entries) {
        // What is drawn there would drive the terminal.
        history.clear().ok();
        for entry in entries {
            history.add_owned(entry).ok();
        }
    }
}

/// The user's history, which rustyline writes readable by its owner only.
pub(crate) fn history_path() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(|home| PathBuf::from(home).join(".spg_history"))
}

fn read_lines(editor: &mut ShellEditor<'_>, console: &RefCell<&mut Console>) -> io::Result<()> {
    let mut buffer = StatementBuffer::default();
    let mut entry = String::new();
    loop {
        if let Some(helper) = editor.helper_mut() {
            buffer.lines_begun().clone_into(&mut helper.begun);
            helper.learn(Duration::MAX);
        }
        let prompt = prompt(&console.borrow(), &buffer);
        match editor.readline(&prompt) {
            Ok(line) => {
                entry.push_str(&line);
                let flow = take_line(&line, &mut buffer, &mut console.borrow_mut())?;
                if buffer.at_boundary() {
                    remember(editor, &entry);
                    entry.clear();
                } else {
                    entry.push('\n');
                }
                // A statement that was interrupted or lost its server ends the line's further ones, not the shell.
                if flow == Flow::Quit {
                    return Ok(());
                }
            }
            Err(ReadlineError::Interrupted) => {
                buffer.clear();
                entry.clear();
            }
            Err(ReadlineError::Eof) => return Ok(()),
            Err(ReadlineError::Io(error)) => return Err(error),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Does what a line says, be it one of the words that users of other shells try.
fn take_line(line: &str, buffer: &mut StatementBuffer, console: &mut Console) -> io::Result<Flow> {
    console.interrupt.reset();
    if buffer.at_boundary()
        && let Some(flow) = shell::word(line)
    {
        return Ok(flow);
    }
    if shell::is_word(line) && open_quote(buffer.lines_begun()).is_none() {
        messages::line("HINT:  A statement has begun: \\r forgets it, \\? is help, \\q leaves.");
    }
    shell::line(&format!("{line}\n"), buffer, console, 0)
}

fn remember(editor: &mut ShellEditor<'_>, entry: &str) {
    if entry.len() <= HISTORY_ENTRY_BYTES_MAX {
        // Only a file-backed history can fail here, and saving it tells.
        editor.add_history_entry(editable(entry)).ok();
    }
}

/// As psql: `=` between statements and `-` within one, or what is open there; `!` without a connection; `*` in a block, `!`
/// in a failed one.
fn prompt(console: &Console, buffer: &StatementBuffer) -> String {
    let place = match buffer.at_boundary() {
        true if console.is_lost() => return "spg!> ".to_owned(),
        true => '=',
        false => open_quote(buffer.lines_begun()).unwrap_or('-'),
    };
    let block = match console.target.status() {
        TransactionStatus::Idle => "",
        TransactionStatus::InTransaction => "*",
        TransactionStatus::Failed => "!",
    };
    format!("spg{place}{block}> ")
}
