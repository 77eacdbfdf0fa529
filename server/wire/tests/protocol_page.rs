//! PROTOCOL.md is true: its example is what the code writes, its opcodes and limits are the code's.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write as _;

use spg_wire::encode::RowWriter;
use spg_wire::frame::{CLIENT_FRAME_LENGTH_MAX, HELLO_FRAME_LENGTH_MAX, SERVER_FRAME_LENGTH_MAX};
use spg_wire::message::{
    AuditHead, CancelKey, PROTOCOL_VERSION, Receipt, TransactionStatus, client, server,
};
use spg_wire::value::oid;
use spg_wire::{ColumnRef, ErrorFields, Opcode, Severity, SqlState, ValueRef};

const PAGE: &str = include_str!("../PROTOCOL.md");

/// A title and a writer of one frame.
type Step = (&'static str, fn(&mut Vec<u8>));

/// The example of section 15.
const EXAMPLE: [Step; 17] = [
    ("C Hello 1.1, user = ada", |out| {
        client::hello(out, PROTOCOL_VERSION, &[("user", "ada")]).unwrap();
    }),
    ("S HelloOk 1.1, session 7, server_encoding = UTF8", |out| {
        let key = CancelKey { session_id: 7, secret: [0x55; 16] };
        let parameters = [("server_encoding", "UTF8")];
        server::hello_ok(out, PROTOCOL_VERSION, [0xaa; 16], key, parameters.into_iter());
    }),
    ("S Ready, outside a block", |out| server::ready(out, TransactionStatus::Idle)),
    ("C Parse statement 1, one parameter of type INT", |out| {
        client::parse(out, 1, "SELECT name FROM t WHERE id = $1", &[oid::INT4]).unwrap();
    }),
    ("C Bind statement 1, INT 42", |out| {
        client::bind(out, 1, [ValueRef::Int4(42)].into_iter()).unwrap();
    }),
    ("C Execute", |out| client::plain(out, Opcode::Execute)),
    ("C Sync", |out| client::plain(out, Opcode::Sync)),
    ("S ParseComplete: statement 1, parameter INT, column name VARCHAR(20)", |out| {
        let name = ColumnRef { name: "name", type_oid: oid::VARCHAR, type_modifier: 24 };
        server::parse_complete(out, 1, [oid::INT4].into_iter(), [name].into_iter());
    }),
    ("S DataRow: alice", |out| {
        let mut row = RowWriter::data_row(out);
        row.push_text("alice");
        row.finish().unwrap();
    }),
    ("S CommandComplete SELECT 1", |out| {
        server::command_complete(out, "SELECT", Some(1), None);
    }),
    ("S Ready, outside a block", |out| server::ready(out, TransactionStatus::Idle)),
    ("C Query: SELEC", |out| client::query(out, "SELEC").unwrap()),
    ("S ErrorResponse 42601 at position 1 (a Ready follows)", |out| {
        let message = "syntax error at or near \"SELEC\"";
        let mut fields = ErrorFields::new(Severity::Error, SqlState::from_code("42601"), message);
        fields.position = Some(1);
        server::error_response(out, &fields);
    }),
    ("C Query: DELETE FROM t", |out| client::query(out, "DELETE FROM t").unwrap()),
    ("S CommandComplete DELETE 3, commit 18, audit entry 41 (a Ready follows)", |out| {
        let head = AuditHead { sequence: 41, hash: [0xc4; 32] };
        let receipt = Receipt { commit: 18, head: Some(head) };
        server::command_complete(out, "DELETE", Some(3), Some(&receipt));
    }),
    ("C Admin audit-head", |out| client::admin(out, "audit-head", &[]).unwrap()),
    ("C Terminate", |out| client::plain(out, Opcode::Terminate)),
];

/// The example as the page shows it: a title, and the bytes in rows of 24.
fn example() -> String {
    let mut text = String::new();
    for (title, write) in EXAMPLE {
        let mut bytes = Vec::new();
        write(&mut bytes);
        writeln!(text, "{title}").unwrap();
        for row in bytes.chunks(24) {
            let row: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "    {}", row.join(" ")).unwrap();
        }
    }
    text
}

#[test]
fn the_example_is_what_the_code_writes() {
    let (_, rest) = PAGE.split_once("```example\n").expect("the page has an example");
    let (on_page, _) = rest.split_once("```").expect("the example ends");
    assert!(on_page == example(), "the page should have:\n{}", example());
}

#[test]
fn every_opcode_is_on_the_page_by_its_name() {
    for opcode in Opcode::ALL {
        let name = match opcode {
            Opcode::CopyRows => "CopyData".to_owned(),
            Opcode::CopyEnd => "CopyDone".to_owned(),
            other => format!("{other:?}"),
        };
        let row = format!("| 0x{:02X} | {name} |", *opcode as u8);
        assert!(PAGE.contains(&row), "{row}");
    }
    let version = PROTOCOL_VERSION.to_be_bytes();
    assert!(
        PAGE.starts_with(&format!(
            "# SPG's wire protocol, version {}.{}\n",
            version[0], version[1]
        ))
    );
    let rows = PAGE.lines().filter(|line| line.starts_with("| 0x")).count();
    assert_eq!(rows, Opcode::ALL.len());
}

#[test]
fn limits_and_types_are_on_the_page() {
    for limit in [HELLO_FRAME_LENGTH_MAX, CLIENT_FRAME_LENGTH_MAX, SERVER_FRAME_LENGTH_MAX] {
        let digits = limit.to_string();
        let grouped: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap()).collect();
        assert!(PAGE.contains(&grouped.join(",")), "{limit}");
    }
    for oid in [
        oid::BOOL,
        oid::INT2,
        oid::INT4,
        oid::INT8,
        oid::FLOAT4,
        oid::FLOAT8,
        oid::TEXT,
        oid::VARCHAR,
        oid::UNKNOWN,
        oid::VECTOR,
    ] {
        assert!(PAGE.contains(&format!("\n| {oid} | ")), "{oid}");
    }
}
