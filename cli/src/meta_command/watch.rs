//! `\watch`: a statement again and again.

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use spg_engine::types::datetime::{TimestampTz, Zone, format_timestamptz};

use super::at_hand;
use crate::console::Console;

/// How long a wait goes on before Ctrl-C is looked at.
const STEP: Duration = Duration::from_millis(20);

/// Runs the statement begun, or the last one, every so many seconds, until Ctrl-C or an error; as it goes on by itself,
/// no pager waits for somebody to leave it.
pub(super) fn watch(seconds: f64, begun: Option<&str>, console: &mut Console) -> io::Result<()> {
    let Some(statement) = at_hand(begun, "\\watch", console)? else { return Ok(()) };
    let is_paged = console.display().is_some_and(|display| display.is_paged);
    if is_paged {
        console.set_paged(false);
    }
    let watched = repeat(&statement, seconds, console);
    if is_paged {
        console.set_paged(true);
    }
    watched
}

fn repeat(statement: &str, seconds: f64, console: &mut Console) -> io::Result<()> {
    let pause = Duration::from_secs_f64(seconds);
    loop {
        let started = Instant::now();
        console.head(&format!("{} (every {seconds}s)", now()))?;
        let is_well = console.attempt(statement)?;
        while is_well && started.elapsed() < pause && !console.is_over() {
            let left = pause.saturating_sub(started.elapsed());
            console.interrupt.during(|| std::thread::sleep(left.min(STEP)));
        }
        if !is_well || console.is_over() {
            // Ctrl-C ends this, and nothing else.
            console.interrupt.reset();
            return Ok(());
        }
    }
}

/// The time in whole seconds, of the zone that TZ names, else UTC.
fn now() -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let us = i64::try_from(since_1970.as_secs()).unwrap_or_default().saturating_mul(1_000_000);
    let zone = std::env::var("TZ").ok().and_then(|name| Zone::find(&name));
    let mut text = String::new();
    format_timestamptz(TimestampTz::of_unix_us(us), &zone.unwrap_or_else(Zone::utc), &mut text);
    text
}
