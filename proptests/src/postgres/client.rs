//! The simple query protocol of PostgreSQL, version 3.0: a text in, the answers of its statements out.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::answer::{Answer, Failure};

/// One session.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    process: u32,
}

impl Client {
    /// Connects as user and to database `postgres`; the server asks for no password.
    pub(super) fn connect(socket: &Path) -> Self {
        let mut stream = UnixStream::connect(socket).expect("the server listens");
        let parameters = b"\0\x03\0\0user\0spg\0database\0postgres\0client_encoding\0UTF8\0\0";
        let length = u32::try_from(parameters.len() + 4).expect("short");
        stream.write_all(&length.to_be_bytes()).expect("the server reads");
        stream.write_all(parameters).expect("the server reads");
        let mut client = Self { stream, process: 0 };
        client.read_answers();
        client
    }

    /// The process that serves it, as the server's views call it.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Runs a text of any number of statements; those behind an error are not run.
    pub fn query(&mut self, sql: &str) -> Vec<Answer> {
        let length = u32::try_from(sql.len() + 5).expect("statements are short");
        let mut message = vec![b'Q'];
        message.extend(length.to_be_bytes());
        message.extend(sql.bytes());
        message.push(0);
        self.stream.write_all(&message).expect("the server reads");
        self.read_answers()
    }

    /// Runs one statement.
    pub fn run(&mut self, sql: &str) -> Answer {
        self.query(sql).pop().unwrap_or_default()
    }

    fn read_answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut answer = Answer::default();
        loop {
            let (kind, body) = self.read_message();
            let mut body = Body(&body);
            match kind {
                b'T' => answer.columns = body.row_description(),
                b'D' => answer.rows.push(body.data_row()),
                b'C' => {
                    answer.tag = Some(body.text());
                    answers.push(std::mem::take(&mut answer));
                }
                b'E' => {
                    answer.failure = Some(body.failure().1);
                    answers.push(std::mem::take(&mut answer));
                }
                b'N' => {
                    let (severity, failure) = body.failure();
                    answer.notices.push((severity, failure.message));
                }
                b'K' => self.process = body.int4(),
                b'Z' => return answers,
                _ => {}
            }
        }
    }

    fn read_message(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).expect("the server answers");
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut body = vec![0; length as usize - 4];
        self.stream.read_exact(&mut body).expect("the server answers");
        (head[0], body)
    }
}

/// What is left of a message's body.
struct Body<'a>(&'a [u8]);

impl Body<'_> {
    fn bytes(&mut self, count: usize) -> &[u8] {
        let (head, rest) = self.0.split_at(count);
        self.0 = rest;
        head
    }

    fn int2(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes(2).try_into().expect("two bytes"))
    }

    fn int4(&mut self) -> u32 {
        u32::from_be_bytes(self.bytes(4).try_into().expect("four bytes"))
    }

    fn text(&mut self) -> String {
        let length = self.0.iter().position(|&byte| byte == 0).expect("texts end with a zero");
        let text = String::from_utf8_lossy(self.bytes(length)).into_owned();
        self.bytes(1);
        text
    }

    fn row_description(&mut self) -> Vec<(String, String)> {
        let count = self.int2();
        let one = |body: &mut Self| {
            let name = body.text();
            body.bytes(6);
            let oid = body.int4();
            body.bytes(8);
            (name, type_name(oid))
        };
        (0..count).map(|_| one(self)).collect()
    }

    fn data_row(&mut self) -> Vec<Option<String>> {
        let count = self.int2();
        let one = |body: &mut Self| match body.int4() {
            u32::MAX => None,
            length => Some(String::from_utf8_lossy(body.bytes(length as usize)).into_owned()),
        };
        (0..count).map(|_| one(self)).collect()
    }

    /// An error's or a notice's severity and fields.
    fn failure(&mut self) -> (String, Failure) {
        let mut failure = Failure::default();
        let mut severity = String::new();
        loop {
            let field = self.bytes(1)[0];
            if field == 0 {
                return (severity, failure);
            }
            let text = self.text();
            match field {
                b'V' => severity = text,
                b'C' => failure.sqlstate = text,
                b'M' => failure.message = text,
                b'P' => failure.position = text.parse().ok(),
                b'D' => failure.detail = Some(text),
                b'H' => failure.hint = Some(text),
                b't' => failure.table = Some(text),
                b'c' => failure.column = Some(text),
                b'n' => failure.constraint = Some(text),
                _ => {}
            }
        }
    }
}

/// The `pg_type` name of the types that SPG has too, `oid N` otherwise.
fn type_name(oid: u32) -> String {
    let known = [
        (16, "bool"),
        // "char", name and oid of the catalogs.
        (18, "text"),
        (19, "text"),
        (26, "int8"),
        (20, "int8"),
        (21, "int2"),
        (23, "int4"),
        (25, "text"),
        (700, "float4"),
        (701, "float8"),
        (1043, "varchar"),
        (1082, "date"),
        (1083, "time"),
        (1114, "timestamp"),
        (1184, "timestamptz"),
        (1186, "interval"),
        (1700, "numeric"),
    ];
    let name = known.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    name.map_or_else(|| format!("oid {oid}"), str::to_owned)
}
