//! The client that was written from the page of the protocol alone.

use std::path::Path;
use std::process::Command;

use crate::support::Daemon;

#[test]
fn the_python_client_s_checks_hold() {
    let has_python = Command::new("python3").arg("--version").output().is_ok();
    if !has_python {
        let is_required = std::env::var_os("SPG_REQUIRE_ALL").is_some_and(|value| value == "1");
        assert!(!is_required, "python3 is missing, and SPG_REQUIRE_ALL=1 forbids to do without");
        println!("skipped: python3 is missing");
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
