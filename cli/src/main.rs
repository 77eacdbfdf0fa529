//! `spg`: the command line.
//!
//! Reading order: [`command_line`] and [`arguments`]; [`query`] and [`shell`] feed statements to the [`console`], which runs them on a
//! [`target`] (a database in this process, whose [`files`] are opened, or a server that [`connect`] finds) and shows
//! their answers in a [`mod@format`]; [`import`] and [`export`] move tables from and to CSV files, [`dump`] the whole
//! database as SQL; [`mod@audit`] asks
//! for the audit log; [`mod@restore`] makes a database of a backup; [`report`] has the commands about the server itself, [`mod@bench`] measures it, and [`mod@demo`] shows
//! what SPG is.
//!
//! Exit status: 0 all went well, 1 a statement failed or a check found a difference, 2 usage, 3 no connection or a lost
//! one, 4 damaged files.

mod arguments;
mod audit;
mod bench;
mod cancel;
mod command_line;
mod connect;
mod console;
mod demo;
mod describe;
mod display;
mod dump;
mod editor;
mod endable_disk;
mod error_display;
mod exit;
mod export;
mod failure;
mod files;
mod format;
mod generated;
mod import;
mod interrupt;
mod messages;
mod meta_command;
mod name_pattern;
mod output_file;
mod pager;
mod place;
mod printable;
mod progress;
mod query;
mod redirection;
mod report;
mod restore;
mod shell;
mod statement_buffer;
mod table_name;
mod target;
mod version;

use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;

use spg_engine::durability::Files;

use crate::arguments::{Arguments, Command};
use crate::audit::Request;
use crate::command_line::{AuditCommand, Filter};
use crate::connect::CONNECT_TIMEOUT;
use crate::console::Console;
use crate::exit::Status;
use crate::failure::Outcome;
use crate::format::Format;
use crate::import::Import;
use crate::target::{Local, Remote, Target};

/// Chosen by measurement: BENCHMARKS.md, "Allocator".
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    env_logger::init();
    let arguments = Arguments::read();
    match run(&arguments) {
        Ok(status) => status.into(),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            messages::line(&format!("spg: could not write the output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Answers how all went; an error is one of the output.
fn run(arguments: &Arguments) -> io::Result<Status> {
    match &arguments.command {
        Command::Version => report::show(Ok(version::report(arguments)), output(arguments)),
        Command::Completions { shell, of } => {
            generated::completions(*shell, *of, &mut io::stdout().lock()).map(|()| Status::Done)
        }
        Command::Man { directory } => Ok(man(directory)),
        Command::Ping { ready, timeout } => {
            let wait = ready.then(|| timeout.unwrap_or(report::READY_SECONDS_DEFAULT));
            report::show(report::ping(&arguments.address(), wait), output(arguments))
        }
        Command::Health => report::show(report::health(&arguments.address()), output(arguments)),
        Command::Stats => report::show(report::stats(&arguments.address()), output(arguments)),
        Command::Cancel { session_id, secret } => {
            let cancelled = cancel::run(&arguments.address(), session_id.zip(*secret));
            report::show(cancelled, output(arguments))
        }
        Command::Audit(AuditCommand::Verify { file: Some(file), expect_head }) => {
            let key = arguments.files.key(&Files::default());
            let verified =
                key.and_then(|key| audit::verify_file(file, expect_head.as_deref(), key.as_ref()));
            report::show(verified, output(arguments))
        }
        Command::Restore { source, directory, archive_dir, to } => {
            let wanted = restore::Wanted { source, directory, archive: archive_dir.as_deref() };
            report::show(restore::run(&wanted, to.as_deref(), arguments), output(arguments))
        }
        Command::Bench(bench) => bench::run(bench, arguments),
        Command::Demo => demo::run(),
        _ => match open(arguments) {
            Ok(target) => {
                let mut console = Console::new(target, output(arguments));
                listen(arguments, &console);
                let written = dispatch(&arguments.command, &mut console);
                console.finish(written)
            }
            Err(failure) => report::show(Err(failure), output(arguments)),
        },
    }
}

/// What cannot be written there is said, and is no failure of the output.
fn man(directory: &std::path::Path) -> Status {
    match generated::man_pages(directory) {
        Ok(()) => Status::Done,
        Err(error) => {
            messages::line(&format!(
                "spg: could not write to \"{}\": {error}",
                directory.display()
            ));
            Status::Failed
        }
    }
}

/// The format of answers, onto standard output.
fn output(arguments: &Arguments) -> Box<dyn Format> {
    format::open(arguments.format, format::standard_output())
}

/// A database in this process, or a connection to the server.
fn open(arguments: &Arguments) -> Outcome<Target> {
    if !arguments.is_here() {
        let address = arguments.address();
        let client = address.connect(CONNECT_TIMEOUT)?;
        return Ok(Target::Remote(Box::new(Remote::new(client, address))));
    }
    let local = Local::new(&files::open(arguments)?, "spg")?;
    Ok(Target::Local(Box::new(local.in_files(arguments.files.names()))))
}

/// Ctrl-C cancels what runs on a server or on files. A database in memory ends with the process, so there it ends both,
/// but for the shell on a terminal, which listens by itself.
fn listen(arguments: &Arguments, console: &Console) {
    let is_terminal = matches!(arguments.command, Command::Shell) && io::stdin().is_terminal();
    if console.target.is_kept() && !is_terminal {
        // Where this fails Ctrl-C ends the process: the server cancels what it ran, files are recovered by the next
        // start.
        console.interrupt.listen(false, console.target.canceller()).ok();
    }
}

/// SQL, whatever the format of answers; only an error is shown in that.
fn dump_to_output(console: &mut Console) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout());
    let target = &mut console.target;
    let written = console.interrupt.during(|| dump::dump(target, &mut out));
    console.show_written("dump", written)
}

fn dispatch(command: &Command, console: &mut Console) -> io::Result<()> {
    match command {
        Command::Query { sql, receipt } => {
            if *receipt {
                console.tells_receipts = true;
            }
            query::run(sql, console)
        }
        Command::Shell => shell::run(console),
        Command::Import { table, file, create } => {
            let import = Import { table, file, create: *create };
            console.work(|target, interrupt| import::run(&import, target, interrupt))
        }
        Command::Export { table, file: Some(file) } => {
            console.work(|target, _| export::to_file(table, file, target))
        }
        Command::Export { table, file: None } => export::to_output(table, console),
        Command::Dump => dump_to_output(console),
        Command::Load { file } => {
            console.work(|target, interrupt| dump::load(file, target, interrupt))
        }
        Command::Audit(command) => {
            let request = command.request(matches!(console.target, Target::Local(_)));
            match command {
                AuditCommand::List(Filter { last: Some(count), .. }) => {
                    console.administer_last(&request, *count)
                }
                _ => console.administer(&request),
            }
        }
        Command::Backup { directory } => {
            let is_here = matches!(console.target, Target::Local(_));
            let is_watched = progress::is_shown();
            let request = audit::backup_request(directory, is_here, is_watched);
            console.administer_watched(&request, "backing up")
        }
        Command::Verify => console.administer(&Request::new("verify")),
        Command::Checkpoint => console.statement("CHECKPOINT"),
        Command::Ping { .. }
        | Command::Health
        | Command::Stats
        | Command::Cancel { .. }
        | Command::Bench(_)
        | Command::Restore { .. }
        | Command::Version
        | Command::Demo
        | Command::Completions { .. }
        | Command::Man { .. } => unreachable!("these run without a console"),
    }
}
