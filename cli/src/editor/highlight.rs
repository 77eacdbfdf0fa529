//! A line of SQL in colours.

use std::borrow::Cow;
use std::ops::Range;

use spg_engine::parser::{Piece, pieces};

const RESET: &str = "\x1b[0m";

/// The same text with colours: keywords bold, literals green, parameters yellow, what is no SQL red.
pub(super) fn highlight(line: &str) -> Cow<'_, str> {
    // The shell's own commands are no SQL.
    if line.starts_with('\\') {
        return Cow::Borrowed(line);
    }
    let mut colored = String::with_capacity(line.len() * 2);
    let mut done = 0;
    for (piece, Range { start, end }) in pieces(line) {
        let color = match piece {
            Piece::Keyword => "\x1b[1m",
            Piece::Literal => "\x1b[32m",
            Piece::Parameter => "\x1b[33m",
            // The rest is a command of the shell's own.
            Piece::Broken if line[start..end] == *"\\" => break,
            Piece::Broken => "\x1b[31m",
            Piece::Other => continue,
        };
        push_gap(&mut colored, &line[done..start]);
        colored.push_str(color);
        colored.push_str(&line[start..end]);
        colored.push_str(RESET);
        done = end;
    }
    push_gap(&mut colored, &line[done..]);
    Cow::Owned(colored)
}

/// What stands between pieces; a comment in it is dim.
fn push_gap(colored: &mut String, gap: &str) {
    let comment = [gap.find("--"), gap.find("/*")].into_iter().flatten().min();
    match comment {
        Some(place) => {
            colored.push_str(&gap[..place]);
            colored.push_str("\x1b[2m");
            colored.push_str(&gap[place..]);
            colored.push_str(RESET);
        }
        None => colored.push_str(gap),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_leave_the_text_as_it_is() {
        let shown = highlight("SELECT a, 'x' FROM t WHERE b = $1 -- why");
        let expected = [
            "\x1b[1mSELECT\x1b[0m a, \x1b[32m'x'\x1b[0m ",
            "\x1b[1mFROM\x1b[0m t \x1b[1mWHERE\x1b[0m b = \x1b[33m$1\x1b[0m \x1b[2m-- why\x1b[0m",
        ];
        assert_eq!(shown, expected.concat());
        assert_eq!(highlight("\\d select"), "\\d select");
        assert_eq!(highlight("SELECT 1 \\g as"), "\x1b[1mSELECT\x1b[0m \x1b[32m1\x1b[0m \\g as");
        assert_eq!(highlight("'open"), "\x1b[31m'open\x1b[0m");
    }
}
