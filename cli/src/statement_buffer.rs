//! Lines in, whole statements out.

use std::collections::VecDeque;
use std::ops::Range;

use spg_engine::parser::{Piece, pieces};

/// Beyond so many bytes of a statement begun it is not looked at anew with each line: long scripts shall not take a
/// time that grows with the square of their length.
const LOOKED_AT_BYTES_MAX: usize = 64 << 10;

/// Text that has come in and statements that are whole. Each line is looked at once, however long statements and literals are.
#[derive(Debug, Default)]
pub(crate) struct StatementBuffer {
    ready: VecDeque<String>,
    /// What comes behind the last semicolon.
    rest: String,
    /// Up to where the rest is cut into tokens.
    scanned: usize,
    /// The tokens there, from the first one's beginning to the last one's end.
    tokens: Option<Range<usize>>,
    open: Open,
}

/// What is begun behind the tokens, and has no end yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    /// A literal without escapes, which the next quote that stands alone ends.
    Literal,
    /// A literal with escapes: a quote behind a backslash does not end it.
    Escapes,
    /// A literal between two of these.
    Dollars(String),
    /// A comment, with comments in it so deep.
    Comment(usize),
    /// Any other literal, a quoted name: looked at from its beginning with each line.
    Other,
}

impl Open {
    /// What begins so, and its bytes up to what it is told by.
    fn of(text: &str) -> (Self, usize) {
        if text.starts_with('\'') {
            return (Self::Literal, 1);
        }
        if text.starts_with(['e', 'E']) && text[1..].starts_with('\'') {
            return (Self::Escapes, 2);
        }
        if text.starts_with("/*") {
            return (Self::Comment(1), 2);
        }
        if let Some(tag) = text.strip_prefix('$').and_then(|rest| rest.split_once('$')) {
            return (Self::Dollars(format!("${}$", tag.0)), tag.0.len() + 2);
        }
        (Self::Other, 0)
    }

    /// The bytes up to and with its end, if that is in the text, which is whole lines.
    fn end(&mut self, text: &str) -> Option<usize> {
        match self {
            Self::Nothing => Some(0),
            Self::Literal => literal_end(text),
            Self::Escapes => escapes_end(text),
            Self::Dollars(tag) => text.find(tag.as_str()).map(|start| start + tag.len()),
            Self::Comment(depth) => comment_end(text, depth),
            Self::Other => None,
        }
    }
}

impl StatementBuffer {
    /// Takes more text: a line with its end, or a whole script.
    pub(crate) fn push(&mut self, text: &str) {
        let came = self.rest.len();
        self.rest.push_str(text);
        if !matches!(self.open, Open::Nothing | Open::Other) {
            let is_comment = matches!(self.open, Open::Comment(_));
            // A literal with escapes may go on in a further line, and has them there, too.
            let is_whole = !matches!(self.open, Open::Escapes);
            let Some(length) = self.open.end(text) else { return };
            if is_comment {
                self.scanned = came + length;
            } else if is_whole {
                self.take_token(self.scanned..came + length);
            }
        }
        // Between a literal and what may go on with it, or what is begun and its next token, this changes nothing.
        let is_nothing = text.trim_start().is_empty() || text.trim_start().starts_with("--");
        if self.open == Open::Nothing && is_nothing && text.ends_with('\n') && self.tokens.is_some()
        {
            return;
        }
        self.cut();
    }

    /// The next statement that a semicolon has ended.
    pub(crate) fn next_statement(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    /// The statement that has begun, as far as it has come.
    pub(crate) fn begun(&self) -> Option<&str> {
        if self.open != Open::Nothing {
            let start = self.tokens.as_ref().map_or(self.scanned, |tokens| tokens.start);
            return self.rest.get(start..);
        }
        self.rest.get(self.tokens.clone()?)
    }

    /// Whether no statement has begun: here a line may be one of the shell's own commands.
    pub(crate) fn at_boundary(&self) -> bool {
        self.ready.is_empty() && self.tokens.is_none() && self.open == Open::Nothing
    }

    /// Where on the next line one of the shell's own commands begins: at a backslash outside of literals, quoted names
    /// and comments, for no operator has one.
    pub(crate) fn command_start(&self, line: &str) -> Option<usize> {
        if !line.contains('\\') || self.rest.len() > LOOKED_AT_BYTES_MAX {
            return None;
        }
        let text = format!("{}{line}", self.rest);
        let is_command = |(piece, range): &(Piece, Range<usize>)| {
            let is_on_line = range.start >= self.rest.len();
            is_on_line && *piece == Piece::Broken && text.get(range.clone()) == Some("\\")
        };
        pieces(&text).find(is_command).map(|(_, range)| range.start - self.rest.len())
    }

    /// The lines of the statement that has begun, for those who look at them with each line; none if they are many.
    pub(crate) fn lines_begun(&self) -> &str {
        if self.rest.len() > LOOKED_AT_BYTES_MAX { "" } else { &self.rest }
    }

    /// The statement that the end of the input ends, if one has begun; the buffer is empty then.
    pub(crate) fn take_rest(&mut self) -> Option<String> {
        let rest = self.begun().map(str::to_owned);
        let ready = std::mem::take(&mut self.ready);
        *self = Self { ready, ..Self::default() };
        rest
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of the statement that has begun.
    pub(crate) fn rest_bytes(&self) -> usize {
        self.rest.len()
    }

    /// Cuts what has come into tokens, and tokens into statements.
    fn cut(&mut self) {
        self.open = Open::Nothing;
        let rest = std::mem::take(&mut self.rest);
        let (from, mut cut, mut may_go_on) = (self.scanned, 0, false);
        for (piece, range) in pieces(&rest[from..]) {
            let range = from + range.start..from + range.end;
            let text = &rest[range.clone()];
            // A literal with escapes that goes on in a further line has them there, too.
            may_go_on = piece == Piece::Literal && text.starts_with(['e', 'E']);
            if piece == Piece::Broken && range.end == rest.len() {
                self.scanned = range.start;
                let (mut open, begun) = Open::of(text);
                // Deeper comments are counted; the text has no end.
                let _ = open.end(&text[begun..]);
                self.open = if rest.ends_with('\n') { open } else { Open::Other };
                break;
            }
            if text == ";" {
                let whole = self.tokens.take().and_then(|tokens| rest.get(tokens));
                self.ready.extend(whole.map(str::to_owned));
                (self.scanned, cut) = (range.end, range.end);
            } else {
                self.take_token(range.clone());
                if may_go_on {
                    self.scanned = range.start;
                }
            }
        }
        // Behind the last token are blanks and comments.
        if self.open == Open::Nothing && !may_go_on && rest.ends_with('\n') {
            self.scanned = rest.len();
            if self.tokens.is_none() {
                cut = rest.len();
            }
        }
        self.rest = if cut == 0 { rest } else { rest[cut..].to_owned() };
        self.scanned -= cut;
        if let Some(tokens) = &mut self.tokens {
            *tokens = tokens.start - cut..tokens.end - cut;
        }
    }

    fn take_token(&mut self, token: Range<usize>) {
        self.scanned = token.end;
        let start = self.tokens.as_ref().map_or(token.start, |tokens| tokens.start);
        self.tokens = Some(start..token.end);
    }
}

/// As [`literal_end`], of a literal with escapes.
fn escapes_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'\\' => place += 1,
            b'\'' if bytes.get(place + 1) == Some(&b'\'') => place += 1,
            b'\'' => return Some(place + 1),
            _ => {}
        }
        place += 1;
    }
    None
}

/// As [`literal_end`], of a comment that has others in it.
fn comment_end(text: &str, depth: &mut usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut place = 0;
    while place + 1 < bytes.len() {
        match &bytes[place..place + 2] {
            b"/*" => (*depth, place) = (*depth + 1, place + 2),
            b"*/" => (*depth, place) = (*depth - 1, place + 2),
            _ => place += 1,
        }
        if *depth == 0 {
            return Some(place);
        }
    }
    None
}

/// The bytes up to and with the quote that ends a literal in which the text begins.
fn literal_end(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let quote = from + text[from..].find('\'')?;
        if !text[quote + 1..].starts_with('\'') {
            return Some(quote + 1);
        }
        from = quote + 2;
    }
}

/// What is open at the end of whole lines: a literal `'`, a name `"`, a dollar-quoted text `$`, a comment `*`.
pub(crate) fn open_quote(lines: &str) -> Option<char> {
    // What has no end is broken up to the line's end, which nothing else takes in.
    let (piece, range) = pieces(lines).last()?;
    let text = lines.get(range).filter(|text| piece == Piece::Broken && text.ends_with('\n'))?;
    text.chars().find(|c| matches!(c, '\'' | '"' | '$' | '*'))
}

#[cfg(test)]
mod tests {
    use spg_engine::parser::statements;

    use super::*;

    /// What becomes whole with each line, and what is left at the end.
    fn feed(lines: &[&str]) -> (Vec<Vec<String>>, Option<String>) {
        let mut buffer = StatementBuffer::default();
        let whole = lines.iter().map(|line| {
            buffer.push(line);
            std::iter::from_fn(|| buffer.next_statement()).collect()
        });
        (whole.collect(), buffer.take_rest())
    }

    /// Lines, what becomes whole with each of them, what is left.
    type Case<'a> = (&'a [&'a str], &'a [&'a [&'a str]], Option<&'a str>);

    #[test]
    fn statements_come_out_with_their_semicolon() {
        let cases: [Case<'_>; 10] = [
            (&[""], &[&[]], None),
            (&["SELECT 1;\n"], &[&["SELECT 1"]], None),
            (&["SELECT 1; SELECT\n", "2;\n"], &[&["SELECT 1"], &["SELECT\n2"]], None),
            (&["SELECT\n", "1\n", ";"], &[&[], &[], &["SELECT\n1"]], None),
            (&[";;\n", " ; "], &[&[], &[]], None),
            (&["-- a;\n", "SELECT 1"], &[&[], &[]], Some("SELECT 1")),
            (&["SELECT ';\n", "';x"], &[&[], &["SELECT ';\n'"]], Some("x")),
            (&["/* ;\n", "*/ x; -- y;\n"], &[&[], &["x"]], None),
            (&["a $$;\n", ";$$; b"], &[&[], &["a $$;\n;$$"]], Some("b")),
            (&["SELECT 'open;\n"], &[&[]], Some("SELECT 'open;\n")),
        ];
        for (lines, whole, rest) in cases {
            let (found, left) = feed(lines);
            assert_eq!(found, whole, "{lines:?}");
            assert_eq!(left.as_deref(), rest, "{lines:?}");
        }
    }

    #[test]
    fn lines_are_cut_as_all_of_the_text_is() {
        let words = [
            "'", "''", "'", "\"", ";", ";", "\n", "\n", "\n", "$$", "--", "/*", "*/", "a", "E'",
            "\\", " ",
        ];
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(words[(state >> 33) as usize % words.len()]);
            }
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let (whole, rest) = feed(&lines);
            let found: Vec<String> = whole.into_iter().flatten().chain(rest).collect();
            assert_eq!(found, statements(&text).collect::<Vec<_>>(), "{text:?}");
        }
    }

    #[test]
    fn commands_begin_outside_of_quotes() {
        for (text, line, start) in [
            ("", "\\dt\n", Some(0)),
            ("", "  \\dt\n", Some(2)),
            ("", "SELECT 1 \\gx\n", Some(9)),
            ("", "SELECT 1; \\x \\y\n", Some(10)),
            ("", "SELECT 'a\\b', E'\\'\\\\' \\g\n", Some(22)),
            ("", "SELECT 1 -- \\g\n", None),
            ("", "SELECT \"\\\" /* \\ */ + $$\\$$\n", None),
            ("SELECT 1\n", "\\g\n", Some(0)),
            ("SELECT (1, -- ;\n", "2) \\g\n", Some(3)),
            ("SELECT 'a\n", "\\g\n", None),
            ("SELECT 'a\n", "' \\g\n", Some(2)),
            ("SELECT \"a\n", "\\g\n", None),
            ("SELECT $$ a\n", "\\g\n", None),
            ("SELECT /* a\n", "\\g\n", None),
        ] {
            let mut buffer = StatementBuffer::default();
            buffer.push(text);
            assert_eq!(buffer.command_start(line), start, "{text:?} {line:?}");
        }
        let mut buffer = StatementBuffer::default();
        buffer.push(&format!("SELECT {}\n", "1 + ".repeat(LOOKED_AT_BYTES_MAX / 4)));
        assert_eq!(buffer.command_start("1 \\g\n"), None, "not looked at");
    }

    #[test]
    fn what_is_open_is_known() {
        for (text, open) in [
            ("", None),
            ("SELECT 1\n", None),
            ("SELECT 'a' \"b\" $$c$$ /* d */ -- '\n", None),
            ("SELECT 'a\n", Some('\'')),
            ("SELECT E'a\\'\n", Some('\'')),
            ("SELECT B'1\n", Some('\'')),
            ("SELECT \"a'\n", Some('"')),
            ("SELECT U&\"a\n", Some('"')),
            ("SELECT $a$ '\n", Some('$')),
            ("SELECT 1 /* ' /* */\n", Some('*')),
            ("SELECT \\\n", None),
            ("SELECT $\n", None),
        ] {
            assert_eq!(open_quote(text), open, "{text:?}");
        }
    }

    #[test]
    fn comments_and_blanks_are_a_boundary() {
        let mut buffer = StatementBuffer::default();
        for (text, boundary) in [
            ("", true),
            ("-- x\n", true),
            ("/* a\n", false),
            ("b */\n", true),
            ("\n  ", true),
            ("SELECT", false),
            (" 1;", false),
        ] {
            buffer.push(text);
            assert_eq!(buffer.at_boundary(), boundary, "{text:?}");
        }
        buffer.clear();
        assert!(buffer.at_boundary());
    }
}
