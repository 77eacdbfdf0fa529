//! Commands about the server itself, whose answer is a row or a few: `ping` and `stats`; `cancel` and `version` answer alike.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use spg_engine::DataType;
use spg_engine::binder::bound::OutputColumn;
use spg_engine::storage::batch::Batch;
use spg_engine::storage::column::Column;

use crate::connect::{Address, CONNECT_TIMEOUT};
use crate::display::Expansion;
use crate::exit::Status;
use crate::failure::{Failure, Outcome};
use crate::format::Format;

/// How long `ping --ready` waits unless something else is said.
pub(crate) const READY_SECONDS_DEFAULT: u32 = 30;

/// How often `ping --ready` asks.
const READY_PAUSE: Duration = Duration::from_millis(50);

/// What a command answers: rows, or a line for a table's reader.
pub(crate) struct Report {
    tag: String,
    columns: Vec<OutputColumn>,
    data: Vec<Column>,
    /// What people read in place of the rows; the other formats have the rows.
    pub(crate) line: Option<String>,
}

impl Report {
    /// An answer called `tag` without any row.
    pub(crate) fn new(tag: impl Into<String>) -> Self {
        Self { tag: tag.into(), columns: Vec::new(), data: Vec::new(), line: None }
    }

    /// Adds a column.
    pub(crate) fn column(&mut self, name: &str, data_type: DataType, values: &[spg_engine::Value]) {
        let mut column = Column::with_capacity(data_type, values.len());
        for value in values {
            column.push(value.as_ref());
        }
        self.columns.push(OutputColumn { name: name.into(), data_type, id: self.columns.len() });
        self.data.push(column);
    }
}

/// Shows how a command ended.
pub(crate) fn show(result: Outcome<Report>, mut format: Box<dyn Format>) -> io::Result<Status> {
    if io::stdout().is_terminal()
        && let Some(display) =
            format.display().filter(|display| display.expansion == Expansion::Off)
    {
        display.expansion = Expansion::Auto;
    }
    let status = match result {
        Ok(report) => {
            write(report, format.as_mut())?;
            Status::Done
        }
        Err(failure) => {
            format.fail(&failure.fields, "")?;
            failure.status
        }
    };
    format.finish()?;
    Ok(status)
}

fn write(report: Report, format: &mut dyn Format) -> io::Result<()> {
    if format.is_for_people()
        && let Some(line) = &report.line
    {
        return format.complete(line);
    }
    if !report.columns.is_empty() {
        let rows = report.data.first().map_or(0, Column::len);
        let batch = Batch::computed(report.data, rows);
        let written = format.columns(&report.columns).and_then(|()| format.batch(&batch));
        if let Err(error) = written {
            return format.fail(&Failure::from(error).fields, "");
        }
    }
    format.complete(&report.tag)
}

/// Asks for an answer; with `wait_seconds` again and again until the server is ready.
pub(crate) fn ping(address: &Address, wait_seconds: Option<u32>) -> Outcome<Report> {
    let deadline =
        wait_seconds.map(|seconds| Instant::now() + Duration::from_secs(u64::from(seconds)));
    let round_trip = loop {
        match round_trip(address, deadline) {
            Ok(round_trip) => break round_trip,
            Err(failure)
                if deadline.is_some_and(|end| Instant::now() < end) && may_pass(&failure) =>
            {
                std::thread::sleep(READY_PAUSE);
            }
            Err(failure) => return Err(failure),
        }
    };
    let microseconds = round_trip.as_secs_f64() * 1e6;
    let mut report = Report::new("PING");
    let addresses = vec![spg_engine::Value::Text(address.text.as_str().into())];
    report.column("address", DataType::Text, &addresses);
    report.column(
        "round_trip_us",
        DataType::Float8,
        &[spg_engine::Value::Float8(microseconds.round())],
    );
    report.line = Some(format!("{} answers in {:.3} ms", address.text, microseconds / 1e3));
    Ok(report)
}

/// Connects, and takes the time of one further exchange.
fn round_trip(address: &Address, deadline: Option<Instant>) -> Outcome<Duration> {
    let left =
        deadline.map_or(CONNECT_TIMEOUT, |end| end.saturating_duration_since(Instant::now()));
    // Even with no time left it is tried once.
    let mut client = address.connect(left.clamp(READY_PAUSE, CONNECT_TIMEOUT))?;
    let started = Instant::now();
    client.ping(1).map_err(|error| Failure::of_client(error, &address.text))?;
    Ok(started.elapsed())
}

/// Not there yet, loading, too many connections, or going down to come back.
fn may_pass(failure: &Failure) -> bool {
    matches!(failure.code(), "08001" | "08006" | "57P03" | "53300" | "57P01")
}

/// How long `health` waits for an answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

/// Whether the server does what it is there for: it answers a statement, and takes writes. A failure says what is wrong.
pub(crate) fn health(address: &Address) -> Outcome<Report> {
    let started = Instant::now();
    let client = address.connect_impatiently(HEALTH_TIMEOUT);
    let mut client = client.map_err(Failure::of_present_server)?;
    let of_client = |error| Failure::of_client(error, &address.text);
    client.query_one("SELECT 1", &[]).map_err(of_client)?;
    let stats = client.stats().map_err(of_client)?;
    let figure = |name: &str| {
        let found = stats.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str()).to_owned()
    };
    let (state, writes) = (figure("state"), figure("writes"));
    if state != "ready" || writes != "accepted" {
        let message = format!("{} is {state}, writes are {writes}", address.text);
        return Err(Failure::of_difference(message));
    }
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    let mut report = Report::new("HEALTH");
    for name in ["state", "writes", "commit", "uptime_seconds", "connections", "data_bytes"] {
        let value = spg_engine::Value::Text(figure(name).as_str().into());
        report.column(name, DataType::Text, &[value]);
    }
    report.line = Some(format!(
        "{} is healthy: ready, takes writes, {} commits, answered in {milliseconds:.1} ms",
        address.text,
        figure("commit")
    ));
    Ok(report)
}

/// Figures about the server.
pub(crate) fn stats(address: &Address) -> Outcome<Report> {
    let mut client = address.connect(CONNECT_TIMEOUT)?;
    let stats = client.stats().map_err(|error| Failure::of_client(error, &address.text))?;
    let text = |text: &String| spg_engine::Value::Text(text.as_str().into());
    let mut report = Report::new("STATS");
    report.column(
        "name",
        DataType::Text,
        &stats.iter().map(|(name, _)| text(name)).collect::<Vec<_>>(),
    );
    report.column(
        "value",
        DataType::Text,
        &stats.iter().map(|(_, value)| text(value)).collect::<Vec<_>>(),
    );
    Ok(report)
}
