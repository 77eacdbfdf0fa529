//! The client that was written from the page of the protocol alone.

use std::path::Path;
use std::process::Command;

use crate::support::{Daemon, has_program};

#[test]
fn the_python_client_s_checks_hold() {
    if !has_program("python3", "--version") {
        return;
    }
    let daemon = Daemon::start(&[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/spg_client.py");
    let output =
        Command::new("python3").arg("-B").arg(script).arg(daemon.address()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("checks hold"), "{text}");
}
