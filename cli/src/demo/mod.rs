//! `demo`: what SPG is, shown by itself in a minute: a daemon in this process on real data, which leaves nothing behind.
//!
//! [`stage`] is the daemon and its files, [`script`] what is shown on it, [`digits`] the images.

mod digits;
mod script;
mod stage;

use std::io::{self, BufWriter, IsTerminal, Write};

use crate::arguments::FormatName;
use crate::console::Console;
use crate::demo::script::Script;
use crate::demo::stage::Stage;
use crate::exit::Status;
use crate::failure::Outcome;
use crate::format::{self, Format};
use crate::{editor, error_display, messages};

/// Shows it; on a terminal it ends in an open shell.
pub(crate) fn run() -> io::Result<Status> {
    match play() {
        Ok(status) => status,
        Err(failure) => {
            messages::text(&error_display::render(&failure.fields, ""));
            Ok(failure.status)
        }
    }
}

fn play() -> Outcome<io::Result<Status>> {
    let stage = Stage::open()?;
    let played = play_on(&stage);
    // Whatever became of it, nothing is left behind.
    stage.close()?;
    played
}

fn play_on(stage: &Stage) -> Outcome<io::Result<Status>> {
    let mut script = Script::new(stage, Console::new(stage.target()?, tables()));
    if let Err(error) = script.play()? {
        return Ok(Err(error));
    }
    let Script { mut console, .. } = script;
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let shown = Script::farewell().and_then(|()| {
        if is_terminal {
            stage.open_to_shell();
            // Nothing is left behind, what was typed neither.
            editor::run(&mut console, None)
        } else {
            Ok(())
        }
    });
    Ok(console.finish(shown))
}

/// Answers as tables on standard output.
fn tables() -> Box<dyn Format> {
    format::open(FormatName::Table, Box::new(BufWriter::new(io::stdout())))
}

/// Says a line of the demo between the answers.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Says a heading: bright, where that shows and is wanted.
fn head(text: &str) -> io::Result<()> {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb")
        || !io::stdout().is_terminal();
    if is_plain { say(&format!("\n{text}")) } else { say(&format!("\n\x1b[1m{text}\x1b[0m")) }
}
