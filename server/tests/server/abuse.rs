//! Clients that break the rules: each costs its own connection at most.

use std::time::Duration;

use spg_wire::Opcode;
use spg_wire::message::{PROTOCOL_VERSION, client};

use crate::support::{Daemon, Raw, endless, figure, frame, query, wait_until, wait_until_running};

/// Lengths that are none, or more than is allowed.
fn length_bombs() -> Vec<Vec<u8>> {
    let mut bombs: Vec<Vec<u8>> = [0, u32::MAX, (64 << 20) + 1, 1 << 31]
        .map(|length: u32| [&length.to_le_bytes()[..], &[Opcode::Query as u8]].concat())
        .to_vec();
    bombs.push(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec());
    bombs
}

/// Whole frames that are no messages.
fn broken_frames() -> Vec<Vec<u8>> {
    let mut hello = Vec::new();
    client::hello(&mut hello, PROTOCOL_VERSION, &[]).unwrap();
    let mut frames = vec![
        hello,
        frame(0x00, &[]),
        frame(0x7F, &[]),
        frame(0xFF, b"anything"),
        frame(Opcode::Ready as u8, b"I"),
        frame(Opcode::DataRow as u8, &[0, 0]),
        frame(Opcode::Sync as u8, b"more"),
        frame(Opcode::Ping as u8, b"1234567"),
        frame(Opcode::Query as u8, &[]),
        // A text that is longer than its frame, or shorter.
        frame(Opcode::Query as u8, &[255, 255, 255, 255, b'x']),
        frame(Opcode::Query as u8, &[9, 0, 0, 0, b'x']),
        frame(Opcode::Query as u8, &[0, 0, 0, 0, b'x']),
        // Counts of what is not there.
        frame(Opcode::Bind as u8, &[1, 0, 0, 0, 255, 255]),
        frame(Opcode::Parse as u8, &[1, 0, 0, 0, 1, 0, 0, 0, b'x', 255, 255]),
        frame(Opcode::CopyData as u8, &[255, 255, 255, 255]),
        // A value of a negative length.
        frame(Opcode::Bind as u8, &[1, 0, 0, 0, 1, 0, 23, 0, 0, 0, 254, 255, 255, 255]),
        frame(Opcode::CopyOut as u8, &[7, 0, 0, 0, 0]),
    ];
    let mut cancel = Vec::new();
    client::cancel(&mut cancel, spg_wire::message::CancelKey { session_id: 1, secret: [0; 16] });
    frames.push(cancel);
    frames
}

#[test]
fn broken_frames_end_their_connection_with_a_reason() {
    let daemon = Daemon::start(&[]);
    let mut witness = daemon.client();
    let before = daemon.holding();
    for bytes in length_bombs().into_iter().chain(broken_frames()) {
        let mut raw = daemon.raw().greeted();
        raw.send(&query("SELECT 1"));
        raw.try_send(&bytes);
        // What came before is answered.
        raw.expect(Opcode::RowDescription);
        raw.expect(Opcode::DataRow);
        raw.expect(Opcode::CommandComplete);
        let (code, message) = raw.fatal();
        assert_eq!(code, "08P01", "{bytes:?}");
        assert!(!message.is_empty());
        witness.ping(1).unwrap();
    }
    daemon.wait_for_return(&before);
}

#[test]
fn strangers_are_told_and_turned_away() {
    let daemon = Daemon::start(&[]);
    let before = daemon.holding();
    let mut firsts = length_bombs();
    firsts.extend(
        broken_frames().into_iter().skip(1).filter(|bytes| bytes[4] != Opcode::Cancel as u8),
    );
    firsts.push(query("SELECT 1"));
    firsts.push(frame(Opcode::Terminate as u8, &[]));
    // One byte more than a stranger may send.
    firsts.push(65_537_u32.to_le_bytes().to_vec());
    let mut other_version = Vec::new();
    client::hello(&mut other_version, 0x0200, &[]).unwrap();
    firsts.push(other_version);
    for bytes in firsts {
        let mut raw = daemon.raw();
        raw.try_send(&bytes);
        assert_eq!(raw.fatal().0, "08P01", "{bytes:?}");
    }
    daemon.wait_for_return(&before);
}

#[test]
fn a_header_reserves_no_memory() {
    let daemon = Daemon::start(&[]);
    let before = daemon.holding();
    let mut connections: Vec<Raw> = (0..50).map(|_| daemon.raw().greeted()).collect();
    for raw in &mut connections {
        // 64 MiB each, of which a few bytes come.
        raw.send(&[&(64_u32 << 20).to_le_bytes()[..], &[Opcode::Query as u8], b"abc"].concat());
    }
    daemon.wait_for_connections(50);
    let now = daemon.holding();
    assert!(now.memory_bytes < before.memory_bytes + (24 << 20), "{before:?} {now:?}");
    drop(connections);
    daemon.wait_for_connections(0);
    daemon.wait_for_return(&before);
}

#[test]
fn broken_texts_are_errors_of_their_message() {
    let daemon = Daemon::start(&[]);
    let mut raw = daemon.raw().greeted();
    for text in [&b"SELECT '\xff'"[..], b"SELECT '\0'", b"\xc0\x80"] {
        let length = (text.len() as u32).to_le_bytes();
        raw.send(&frame(Opcode::Query as u8, &[&length, text].concat()));
        assert_eq!(raw.error().code(), "22021");
        raw.expect(Opcode::Ready);
        raw.send(&frame(
            Opcode::Parse as u8,
            &[&[1, 0, 0, 0], &length[..], text, &[0, 0]].concat(),
        ));
        raw.send(&frame(Opcode::Sync as u8, &[]));
        assert_eq!(raw.error().code(), "22021");
        raw.expect(Opcode::Ready);
    }
    raw.send(&query("SELECT 1"));
    raw.expect(Opcode::RowDescription);
}

#[test]
fn messages_out_of_order_are_errors_up_to_sync() {
    let daemon = Daemon::start(&[]);
    let mut raw = daemon.raw().greeted();
    for opcode in [Opcode::Execute, Opcode::CopyDone] {
        raw.send(&frame(opcode as u8, &[]));
        raw.send(&query("SELECT 1"));
        raw.send(&frame(Opcode::Ping as u8, &[7; 8]));
        raw.send(&frame(Opcode::Sync as u8, &[]));
        assert_eq!(raw.error().code(), "08P01");
        raw.expect(Opcode::Pong);
        raw.expect(Opcode::Ready);
    }
}

#[test]
fn half_a_frame_and_then_silence_ends_in_time() {
    let daemon = Daemon::start(&["--frame-timeout-ms", "100", "--hello-timeout-ms", "100"]);
    let mut witness = daemon.client();
    let before = daemon.holding();
    let mut silent = daemon.raw();
    let (code, message) = silent.fatal();
    assert_eq!((code.as_str(), message.as_str()), ("08P01", "Hello did not arrive in time"));
    for half in [&[9][..], &[9, 0, 0, 0], &[9, 0, 0, 0, Opcode::Query as u8, 4, 0, 0]] {
        let mut raw = daemon.raw();
        raw.send(half);
        assert_eq!(raw.fatal().0, "08P01");
        let mut raw = daemon.raw().greeted();
        raw.send(&frame(Opcode::Ping as u8, &[7; 8]));
        raw.send(half);
        raw.expect(Opcode::Pong);
        let (code, message) = raw.fatal();
        assert_eq!((code.as_str(), message.as_str()), ("08P01", "a frame did not arrive in time"));
    }
    // Who has said Hello may be silent for as long as they like.
    witness.ping(1).unwrap();
    daemon.wait_for_return(&before);
}

#[test]
fn a_byte_now_and_then_ends_in_time() {
    let daemon = Daemon::start(&["--frame-timeout-ms", "200"]);
    let before = daemon.holding();
    let mut raw = daemon.raw().greeted();
    let long = query(&"x".repeat(100_000));
    let mut sent = 0;
    for byte in &long {
        if std::io::Write::write_all(&mut raw.stream, &[*byte]).is_err() {
            break;
        }
        sent += 1;
        std::thread::sleep(Duration::from_millis(5));
        if raw.is_readable() {
            break;
        }
    }
    assert!(sent < long.len());
    assert_eq!(raw.fatal().0, "08P01");
    drop(raw);
    daemon.wait_for_return(&before);
}

#[test]
fn bytes_one_by_one_are_frames_all_the_same() {
    let daemon = Daemon::start(&[]);
    let mut raw = daemon.raw();
    let mut bytes = Vec::new();
    client::hello(&mut bytes, PROTOCOL_VERSION, &[("application_name", "slow")]).unwrap();
    bytes.extend(query("SELECT 1; SELECT 'two'"));
    for byte in bytes {
        raw.send(&[byte]);
    }
    for opcode in [Opcode::HelloOk, Opcode::Ready] {
        raw.expect(opcode);
    }
    for _ in 0..2 {
        raw.expect(Opcode::RowDescription);
        raw.expect(Opcode::DataRow);
        raw.expect(Opcode::CommandComplete);
    }
    raw.expect(Opcode::Ready);
}

#[test]
fn a_client_that_never_reads_is_ended_and_its_root_freed() {
    let daemon = Daemon::start(&["--write-timeout-ms", "200"]);
    let mut witness = daemon.client();
    endless(&mut witness);
    let before = daemon.holding();
    let mut deaf: Vec<Raw> = (0..4).map(|_| daemon.raw().greeted()).collect();
    for raw in &mut deaf {
        raw.send(&query("SELECT a.n, b.n, 'some text' FROM numbers a, numbers b, numbers c"));
    }
    wait_until_running(&mut witness, 4);
    // Their answers do not pile up anywhere.
    let now = daemon.holding();
    assert!(now.memory_bytes < before.memory_bytes + (24 << 20), "{before:?} {now:?}");
    wait_until("they are ended", || figure(&mut witness, "connections") == 1);
    assert_eq!(figure(&mut witness, "live_roots"), 1);
    drop(deaf);
    daemon.wait_for_return(&before);
}

#[test]
fn a_client_that_only_sends_is_not_read_any_more() {
    let daemon = Daemon::start(&["--write-timeout-ms", "200"]);
    let before = daemon.holding();
    let mut raw = daemon.raw().greeted();
    raw.stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let batch = query("SELECT 'the answer is longer than the question'").repeat(1_000);
    while std::io::Write::write_all(&mut raw.stream, &batch).is_ok() {}
    daemon.wait_for_connections(0);
    drop(raw);
    daemon.wait_for_return(&before);
}

#[test]
fn fuzzed_frames_cost_their_connections_alone() {
    let daemon = Daemon::start(&["--frame-timeout-ms", "200", "--hello-timeout-ms", "200"]);
    let mut witness = daemon.client();
    witness.batch_execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)").unwrap();
    let before = daemon.holding();
    let mut good = Vec::new();
    client::parse(&mut good, 1, "INSERT INTO t VALUES ($1, $2)", &[23]).unwrap();
    for id in 0..3 {
        let values = [spg_wire::ValueRef::Int4(id), spg_wire::ValueRef::Text("x")];
        client::bind(&mut good, 1, values.into_iter()).unwrap();
        client::plain(&mut good, Opcode::Execute);
        client::plain(&mut good, Opcode::Sync);
    }
    good.extend(query("SELECT * FROM t; BEGIN; SELECT 1; ROLLBACK"));
    client::copy_in(&mut good, "t", &["id"]).unwrap();
    good.extend(frame(Opcode::CopyData as u8, &[1, 0, 0, 0, 1, 0, 4, 0, 0, 0, 99, 0, 0, 0]));
    client::plain(&mut good, Opcode::CopyDone);
    client::plain(&mut good, Opcode::Sync);
    client::plain(&mut good, Opcode::Stats);
    // A generator of its own, so that a failure repeats.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for round in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..=random(4) {
            let place = random(bytes.len());
            match random(3) {
                0 => bytes[place] = random(256) as u8,
                1 => drop(bytes.drain(place..(place + random(9)).min(bytes.len()))),
                _ => bytes.insert(place, random(256) as u8),
            }
        }
        let mut raw = if round % 4 == 0 { daemon.raw() } else { daemon.raw().greeted() };
        raw.try_send(&bytes);
        raw.finish();
        raw.drain();
    }
    witness.batch_execute("TRUNCATE t").unwrap();
    daemon.wait_for_connections(1);
    assert_eq!(figure(&mut witness, "live_roots"), 1);
    daemon.wait_for_return(&before);
}

#[test]
fn frames_that_are_not_whole_share_a_budget() {
    let daemon = Daemon::start(&[]);
    let mut witness = daemon.client();
    let mut received = figure(&mut witness, "bytes_received");
    let before = daemon.holding();
    let begin = |length: usize| {
        let mut raw = daemon.raw().greeted();
        raw.send(&(64_u32 << 20).to_le_bytes());
        raw.send(&vec![Opcode::Query as u8; length]);
        raw
    };
    let mut long = Vec::new();
    // 256 MiB are not quite 268.5 million, and what each has for nothing is 0.3 million together.
    for length in [60_000_000, 60_000_000, 60_000_000, 60_000_000, 28_000_000] {
        long.push(begin(length));
        received += length as u64;
        wait_until("it is read", || figure(&mut witness, "bytes_received") >= received);
    }
    assert_eq!(figure(&mut witness, "connections"), 6);
    let mut last = long.pop().unwrap();
    last.try_send(&vec![0; 1_000_000]);
    assert_eq!(last.fatal().0, "53200");
    // The others go on, and what it had is there for others.
    wait_until("it has gone", || figure(&mut witness, "connections") == 5);
    long.push(begin(20_000_000));
    received += 20_000_000;
    wait_until("it is read", || figure(&mut witness, "bytes_received") >= received);
    assert_eq!(figure(&mut witness, "connections"), 6);
    drop(long);
    daemon.wait_for_connections(1);
    daemon.wait_for_return(&before);
}
