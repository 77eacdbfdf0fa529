//! What a run has found, in all formats.

use std::io::{self, Write};

use spg_engine::{DataType, Value};

use crate::bench::tally::Tally;
use crate::report::Report;

/// The figures of a run.
#[derive(Debug)]
pub(super) struct Summary {
    /// The workload's name.
    pub(super) workload: String,
    /// Connections.
    pub(super) clients: u32,
    /// Operations that each sends together.
    pub(super) pipeline: u32,
    /// How long it was measured.
    pub(super) seconds: u32,
    /// What was counted.
    pub(super) tally: Tally,
    /// Where that was asked for.
    pub(super) contention: Option<Contention>,
}

/// How clients got on with each other.
#[derive(Debug)]
pub(super) struct Contention {
    /// Operations of the client that did the fewest, of the middle one, of the one that did the most.
    pub(super) clients: [u64; 3],
    /// 99 of 100 times that the writer lock was held were no longer, in microseconds; None if nobody held it.
    pub(super) writer_hold_p99_us: Option<u64>,
}

impl Summary {
    pub(super) fn per_second(&self) -> f64 {
        let rate = self.tally.latencies.count() as f64 / f64::from(self.seconds);
        (rate * 10.0).round() / 10.0
    }

    /// A share's latency, in microseconds.
    pub(super) fn quantile_us(&self, share: f64) -> f64 {
        microseconds(self.tally.latencies.quantile(share))
    }

    /// Names and values, in their order.
    fn figures(&self) -> Vec<(&'static str, Value)> {
        let latencies = &self.tally.latencies;
        let mut figures = vec![
            ("workload", Value::Text(self.workload.as_str().into())),
            ("clients", Value::Int8(self.clients.into())),
            ("pipeline", Value::Int8(self.pipeline.into())),
            ("seconds", Value::Int8(self.seconds.into())),
            ("operations", Value::Int8(latencies.count() as i64)),
            ("per_second", Value::Float8(self.per_second())),
            ("p50_us", Value::Float8(self.quantile_us(0.5))),
            ("p99_us", Value::Float8(self.quantile_us(0.99))),
            ("p999_us", Value::Float8(self.quantile_us(0.999))),
            ("max_us", Value::Float8(microseconds(latencies.max()))),
            ("errors", Value::Int8(self.tally.errors as i64)),
        ];
        if let Some(Contention { clients, writer_hold_p99_us }) = &self.contention {
            let names = ["client_min", "client_median", "client_max"];
            let of_clients = names.into_iter().zip(clients);
            figures.extend(of_clients.map(|(name, count)| (name, Value::Int8(*count as i64))));
            let hold = writer_hold_p99_us.map_or(Value::Null, |hold| Value::Int8(hold as i64));
            figures.push(("writer_hold_p99_us", hold));
        }
        figures
    }

    /// One JSON object in a line.
    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let member = |(name, value)| match value {
            Value::Text(text) => format!("\"{name}\":\"{text}\""),
            Value::Int8(number) => format!("\"{name}\":{number}"),
            Value::Float8(number) => format!("\"{name}\":{number}"),
            Value::Null => format!("\"{name}\":null"),
            _ => unreachable!("no figure has another type"),
        };
        let members: Vec<String> = self.figures().into_iter().map(member).collect();
        writeln!(out, "{{{}}}", members.join(","))
    }

    /// A row.
    pub(super) fn report(&self) -> Report {
        let mut report = Report::new("BENCH");
        for (name, value) in self.figures() {
            let data_type = match value {
                Value::Text(_) => DataType::Text,
                Value::Float8(_) => DataType::Float8,
                _ => DataType::Int8,
            };
            report.column(name, data_type, &[value]);
        }
        report
    }
}

/// Nanoseconds as microseconds, to a tenth.
fn microseconds(nanoseconds: u64) -> f64 {
    (nanoseconds as f64 / 100.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn json_is_one_object_of_these_members() {
        let mut tally = Tally::default();
        for microseconds in [10, 20, 30, 40_000] {
            tally.done(Duration::from_micros(microseconds));
        }
        tally.of_clients = vec![3, 1, 2];
        let workload = "point-read".to_owned();
        let (clients, pipeline, seconds, contention) = (8, 16, 2, None);
        let mut summary = Summary { workload, clients, pipeline, seconds, tally, contention };
        let mut text = Vec::new();
        summary.write_json(&mut text).unwrap();
        let object: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(object["workload"], "point-read");
        assert_eq!(object["operations"], 4);
        assert_eq!(object["per_second"], 2.0);
        assert_eq!(object["max_us"], 40_000.0);
        assert!((object["p50_us"].as_f64().unwrap() - 20.0).abs() < 0.5);
        assert_eq!(object.as_object().unwrap().len(), 11);

        let clients = summary.tally.spread();
        summary.contention = Some(Contention { clients, writer_hold_p99_us: None });
        text.clear();
        summary.write_json(&mut text).unwrap();
        let object: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let spread = ["client_min", "client_median", "client_max"].map(|name| &object[name]);
        assert_eq!(spread, [1, 2, 3]);
        assert!(object["writer_hold_p99_us"].is_null());
        assert_eq!(object.as_object().unwrap().len(), 15);
    }
}
