//! A strict, streaming reader of CSV (RFC 4180) that can tell a quoted empty field from an unquoted one.
//!
//! Fields are separated by commas, records by LF or CR LF. A field may be quoted; within quotes a quote is doubled
//! and line ends are data. Anything else about quotes and carriage returns is an error, and so is what is not UTF-8.
//! Memory is one record's, which is bounded.

use std::fmt;
use std::io::{self, BufRead};

use spg_engine::limits::{COLUMNS_MAX, TEXT_BYTES_MAX};

/// One record; reused from record to record.
#[derive(Debug, Default)]
pub(crate) struct Record {
    text: String,
    fields: Vec<FieldEnd>,
}

#[derive(Clone, Copy, Debug)]
struct FieldEnd {
    end: usize,
    line: u64,
    quoted: bool,
}

/// One field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// Its text, quotes removed.
    pub(crate) text: &'a str,
    /// Whether it was quoted.
    pub(crate) quoted: bool,
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
}

impl Field<'_> {
    /// PostgreSQL's rule: an unquoted empty field is NULL, a quoted one the empty string.
    pub(crate) fn is_null(&self) -> bool {
        !self.quoted && self.text.is_empty()
    }
}

impl Record {
    /// Number of fields.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The line on which the record begins, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.fields.first().map_or(1, |field| field.line)
    }

    /// The field at `index`.
    pub(crate) fn field(&self, index: usize) -> Field<'_> {
        let start = if index == 0 { 0 } else { self.fields[index - 1].end };
        let FieldEnd { end, line, quoted } = self.fields[index];
        Field { text: &self.text[start..end], quoted, line }
    }

    /// All fields in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        (0..self.len()).map(|index| self.field(index))
    }
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub(crate) struct CsvError {
    /// The line, from 1.
    pub(crate) line: u64,
    /// Index of the field within its record.
    pub(crate) field: usize,
    /// What is wrong.
    pub(crate) problem: Problem,
}

/// What is wrong with a file.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It cannot be read.
    Io(io::Error),
    /// The file ends within quotes.
    UnterminatedQuote,
    /// A quote inside a field that does not begin with one.
    StrayQuote,
    /// Text behind a closing quote.
    TextAfterQuote,
    /// A carriage return that no line feed follows.
    StrayCarriageReturn,
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// A zero byte.
    ZeroByte,
    /// A record longer than any value may be.
    TooLong,
    /// More fields than a table has columns.
    TooManyFields,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Io(error) => return error.fmt(formatter),
            Self::UnterminatedQuote => "unterminated CSV quoted field",
            Self::StrayQuote => "quote inside an unquoted CSV field",
            Self::TextAfterQuote => "text after the closing quote of a CSV field",
            Self::StrayCarriageReturn => "unquoted carriage return found in data",
            Self::NotUtf8 => "invalid byte sequence for encoding \"UTF8\"",
            Self::ZeroByte => "invalid byte sequence for encoding \"UTF8\": 0x00",
            Self::TooLong => "CSV record is too long",
            Self::TooManyFields => "CSV record has more fields than a table can have columns",
        })
    }
}

/// Reads records from `input`.
#[derive(Debug)]
pub(crate) struct CsvReader<R> {
    input: R,
    line: u64,
}

/// Where the reader stands within a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Unquoted,
    Quoted,
    /// Behind a quote within quotes: the end of the field, or half of a doubled quote.
    QuoteInQuoted,
    CarriageReturn,
    RecordEnd,
}

/// A record that is being read.
struct OpenRecord {
    bytes: Vec<u8>,
    fields: Vec<FieldEnd>,
    state: State,
    /// The line that the next byte stands on.
    line: u64,
    field_line: u64,
    quoted: bool,
}

impl<R: BufRead> CsvReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, line: 1 }
    }

    /// Reads the next record into `record`; false at the end of the input.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool, CsvError> {
        let mut open = OpenRecord::new(std::mem::take(record), self.line);
        while open.state != State::RecordEnd {
            let input = match self.input.fill_buf() {
                Ok(input) => input,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(open.error(Problem::Io(error))),
            };
            if input.is_empty() {
                if open.is_untouched() {
                    return Ok(false);
                }
                open.end_of_input()?;
            } else {
                let used = open.advance(input)?;
                self.input.consume(used);
            }
        }
        self.line = open.line;
        *record = open.close()?;
        Ok(true)
    }
}

impl OpenRecord {
    fn new(reused: Record, line: u64) -> Self {
        let mut bytes = reused.text.into_bytes();
        let mut fields = reused.fields;
        bytes.clear();
        fields.clear();
        Self { bytes, fields, state: State::FieldStart, line, field_line: line, quoted: false }
    }

    fn is_untouched(&self) -> bool {
        self.state == State::FieldStart && self.fields.is_empty()
    }

    fn error(&self, problem: Problem) -> CsvError {
        CsvError { line: self.line, field: self.fields.len(), problem }
    }

    /// Takes bytes up to the end of the record or of `input`; answers how many.
    fn advance(&mut self, input: &[u8]) -> Result<usize, CsvError> {
        let mut used = 0;
        while used < input.len() && self.state != State::RecordEnd {
            let rest = &input[used..];
            used += match self.state {
                State::Unquoted => self.take_until(rest, is_special),
                State::Quoted => self.take_until(rest, |byte| byte == b'"'),
                _ => 0,
            };
            if let Some(&byte) = input.get(used) {
                used += 1;
                self.step(byte)?;
            }
            if self.bytes.len() > TEXT_BYTES_MAX {
                return Err(self.error(Problem::TooLong));
            }
        }
        Ok(used)
    }

    /// Takes the run of data before the first byte that `ends` it.
    fn take_until(&mut self, rest: &[u8], ends: impl Fn(u8) -> bool) -> usize {
        let length = rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
        let run = &rest[..length];
        if self.state == State::Quoted {
            self.line += run.split(|&byte| byte == b'\n').count() as u64 - 1;
        }
        self.bytes.extend_from_slice(run);
        length
    }

    fn step(&mut self, byte: u8) -> Result<(), CsvError> {
        match (self.state, byte) {
            (State::FieldStart, b'"') => {
                self.quoted = true;
                self.state = State::Quoted;
            }
            (State::Quoted, _) => self.state = State::QuoteInQuoted,
            (State::QuoteInQuoted, b'"') => {
                self.bytes.push(b'"');
                self.state = State::Quoted;
            }
            (State::CarriageReturn, b'\n') => {
                self.line += 1;
                self.state = State::RecordEnd;
            }
            (State::CarriageReturn, _) => return Err(self.stray_carriage_return()),
            (_, b',') => {
                self.end_field()?;
                self.state = State::FieldStart;
            }
            (_, b'\n') => {
                self.end_field()?;
                self.line += 1;
                self.state = State::RecordEnd;
            }
            (_, b'\r') => {
                self.end_field()?;
                self.state = State::CarriageReturn;
            }
            (State::QuoteInQuoted, _) => return Err(self.error(Problem::TextAfterQuote)),
            (_, b'"') => return Err(self.error(Problem::StrayQuote)),
            (_, data) => {
                self.bytes.push(data);
                self.state = State::Unquoted;
            }
        }
        Ok(())
    }

    fn end_of_input(&mut self) -> Result<(), CsvError> {
        match self.state {
            State::Quoted => {
                // The line where the quote opens says more than the last one of the file.
                let line = self.field_line;
                return Err(CsvError { line, ..self.error(Problem::UnterminatedQuote) });
            }
            State::CarriageReturn => return Err(self.stray_carriage_return()),
            _ => self.end_field()?,
        }
        self.state = State::RecordEnd;
        Ok(())
    }

    /// The field before a carriage return has already been ended.
    fn stray_carriage_return(&self) -> CsvError {
        let field = self.fields.len().saturating_sub(1);
        CsvError { line: self.line, field, problem: Problem::StrayCarriageReturn }
    }

    fn end_field(&mut self) -> Result<(), CsvError> {
        if self.fields.len() == COLUMNS_MAX {
            return Err(self.error(Problem::TooManyFields));
        }
        let (end, line, quoted) = (self.bytes.len(), self.field_line, self.quoted);
        self.fields.push(FieldEnd { end, line, quoted });
        self.field_line = self.line;
        self.quoted = false;
        Ok(())
    }

    fn close(self) -> Result<Record, CsvError> {
        let fields = self.fields;
        let at_byte = |byte: usize, problem| {
            let field = fields.iter().position(|field| byte < field.end).unwrap_or(0);
            CsvError { line: fields[field].line, field, problem }
        };
        let text = match String::from_utf8(self.bytes) {
            Ok(text) => text,
            Err(error) => {
                return Err(at_byte(error.utf8_error().valid_up_to(), Problem::NotUtf8));
            }
        };
        // Two fields, each broken, may join to valid text.
        if let Some(field) = fields.iter().position(|field| !text.is_char_boundary(field.end)) {
            return Err(CsvError { line: fields[field].line, field, problem: Problem::NotUtf8 });
        }
        if let Some(byte) = text.bytes().position(|byte| byte == 0) {
            return Err(at_byte(byte, Problem::ZeroByte));
        }
        Ok(Record { text, fields })
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b',' | b'"' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All records of `input`, read through a buffer of `chunk` bytes; quoted fields are shown in quotes.
    fn read_all(input: &[u8], chunk: usize) -> Result<Vec<(u64, Vec<String>)>, String> {
        let mut reader = CsvReader::new(io::BufReader::with_capacity(chunk, input));
        let mut record = Record::default();
        let mut records = Vec::new();
        loop {
            match reader.read(&mut record) {
                Ok(false) => return Ok(records),
                Ok(true) => {
                    let show = |field: Field<'_>| {
                        if field.quoted {
                            format!("\"{}\"", field.text)
                        } else {
                            field.text.to_owned()
                        }
                    };
                    records.push((record.line(), record.iter().map(show).collect()));
                }
                Err(error) => {
                    return Err(format!("{},{}: {}", error.line, error.field, error.problem));
                }
            }
        }
    }

    /// The line a record begins on, and its fields.
    type Expected<'a> = (u64, &'a [&'a str]);

    #[test]
    fn reads_records() {
        let cases: [(&str, &[Expected<'_>]); 11] = [
            ("", &[]),
            ("a,b", &[(1, &["a", "b"])]),
            ("a,b\n", &[(1, &["a", "b"])]),
            ("a,b\r\n1,\r\n", &[(1, &["a", "b"]), (2, &["1", ""])]),
            ("\n", &[(1, &[""])]),
            ("\n\nx", &[(1, &[""]), (2, &[""]), (3, &["x"])]),
            (",\"\"", &[(1, &["", "\"\""])]),
            ("\"a\"\"b\",\"c,d\"", &[(1, &["\"a\"b\"", "\"c,d\""])]),
            ("\"1\n2\r\n3\",x\ny", &[(1, &["\"1\n2\r\n3\"", "x"]), (4, &["y"])]),
            ("ä,\"ö\"\n", &[(1, &["ä", "\"ö\""])]),
            ("a,", &[(1, &["a", ""])]),
        ];
        for (input, expected) in cases {
            for chunk in [1, 2, 3, 64] {
                let expected: Vec<(u64, Vec<String>)> = expected
                    .iter()
                    .map(|(line, fields)| (*line, fields.iter().map(ToString::to_string).collect()))
                    .collect();
                assert_eq!(read_all(input.as_bytes(), chunk), Ok(expected), "{input:?} by {chunk}");
            }
        }
    }

    #[test]
    fn names_line_and_field_of_what_is_wrong() {
        let cases: [(&[u8], &str); 11] = [
            (b"a\n1,\"x\n\ny", "2,1: unterminated CSV quoted field"),
            (b"a\nb\"c\n", "2,0: quote inside an unquoted CSV field"),
            (b"a,\"b\"c\n", "1,1: text after the closing quote of a CSV field"),
            (b"a,\"b\" ,c\n", "1,1: text after the closing quote of a CSV field"),
            (b"a,b\rc\n", "1,1: unquoted carriage return found in data"),
            (b"a\r", "1,0: unquoted carriage return found in data"),
            (b"a\nb,\xff\n", "2,1: invalid byte sequence for encoding \"UTF8\""),
            (b"\"\n\",\xff\n", "2,1: invalid byte sequence for encoding \"UTF8\""),
            (b"\xc3,\xa4\n", "1,0: invalid byte sequence for encoding \"UTF8\""),
            (b"\xc3\xa4\n\xc3,\n", "2,0: invalid byte sequence for encoding \"UTF8\""),
            (b"a,b\0\n", "1,1: invalid byte sequence for encoding \"UTF8\": 0x00"),
        ];
        for (input, expected) in cases {
            for chunk in [1, 64] {
                assert_eq!(read_all(input, chunk), Err(expected.to_owned()), "{input:?}");
            }
        }
        let wide = ",".repeat(COLUMNS_MAX);
        let expected = "1,1600: CSV record has more fields than a table can have columns";
        assert_eq!(read_all(wide.as_bytes(), 64), Err(expected.to_owned()));
    }

    #[test]
    fn quoting_decides_about_null() {
        let mut record = Record::default();
        assert!(CsvReader::new(&b",\"\",x"[..]).read(&mut record).unwrap());
        let nulls: Vec<bool> = record.iter().map(|field| field.is_null()).collect();
        assert_eq!(nulls, [true, false, false]);
    }
}
