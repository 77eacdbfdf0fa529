//! `spg-server`: the daemon.
//!
//! Exit status: 0 stopped, 1 cannot start, 2 usage; 4 is for damaged files, once there are files.

mod arguments;
/// Sizes are written, and the machine's memory is found, as by the command line: one source for both.
#[path = "../../cli/src/memory_limit.rs"]
mod memory_limit;

use std::io::{self, Write};
use std::process::ExitCode;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use spg_engine::{Database, Options};
use spg_server::{Server, Stopper};

use crate::arguments::Arguments;

/// Chosen by measurement: BENCHMARKS.md, "Allocator".
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    start_logging();
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            log::error!("cannot start: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal ends it; an error says in one line what is wrong and what to do.
fn serve(arguments: &Arguments) -> Result<(), String> {
    let server = Server::bind(arguments.options.clone()).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "; another server listens there: end it, or give another address"
            }
            io::ErrorKind::PermissionDenied => "; give a port from 1024 on",
            io::ErrorKind::AddrNotAvailable => "; give an address of this machine",
            _ => "",
        };
        format!("could not listen on {}: {error}{hint}", arguments.address)
    })?;
    end_on_signals(server.stopper())
        .map_err(|error| format!("could not watch signals: {error}"))?;
    let address = server.address();
    if let Err(error) = writeln!(io::stdout(), "spg-server listens on {address}") {
        log::warn!("could not say on standard output that it listens on {address}: {error}");
    }
    let memory_limit_bytes = arguments.memory_limit.or_else(memory_limit::default_bytes);
    let opened = server.run(|| {
        let database = Database::open(Options { memory_limit_bytes, ..Options::default() })?;
        log::info!("ready on {address}; data is kept in memory and ends with the process");
        Ok(database)
    });
    opened.map_err(|error| error.to_string())?;
    log::info!("stopped");
    Ok(())
}

fn start_logging() {
    let filter = ["SPG_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|filter| !filter.is_empty()))
        .unwrap_or_else(|| "info".to_owned());
    env_logger::Builder::new().parse_filters(&filter).init();
}

/// The first SIGTERM or SIGINT ends the server, the second the process.
fn end_on_signals(stopper: Stopper) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let watch = move || {
        for _ in signals.forever() {
            if stopper.is_stopping() {
                log::warn!("ended at once");
                std::process::exit(0);
            }
            log::info!("stopping");
            stopper.stop();
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(|_| ())
}
