//! An error as psql shows it: the message, the line of the statement with a caret under the position, DETAIL and HINT.

use spg_wire::ErrorFields;
use unicode_width::UnicodeWidthChar;

use crate::printable::printable;

/// Columns of the statement's line that are shown; psql's.
const SHOWN_WIDTH: usize = 60;

/// Columns kept to the right of the position where a long line is cut; psql's.
const RIGHT_WIDTH_MIN: usize = 10;

/// What stands for the part of a line that is cut off.
const ELLIPSIS: &str = "...";

/// The error and, where it knows a position, the line of `statement` it is about; with line ends.
///
/// An error of the connection shows its SQLSTATE: a script's log is searched for it.
pub(crate) fn render(fields: &ErrorFields, statement: &str) -> String {
    let (severity, message) = (fields.severity.as_str(), printable(&fields.message));
    let mut text = match fields.code() {
        code if is_of_connection(code) => format!("{severity}:  {code}: {message}\n"),
        _ => format!("{severity}:  {message}\n"),
    };
    if let Some(position) = fields.position {
        text.push_str(&excerpt(statement, position as usize).unwrap_or_default());
    }
    if let Some(detail) = &fields.detail {
        text.extend(["DETAIL:  ", &printable(detail), "\n"]);
    }
    if let Some(hint) = &fields.hint {
        text.extend(["HINT:  ", &printable(hint), "\n"]);
    }
    text
}

/// Classes 08 (the connection) and 57P (the server), and 53300 (too many connections).
fn is_of_connection(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P") || code == "53300"
}

/// `LINE n: ...` and below it the caret; None when the statement is not that long.
fn excerpt(statement: &str, position: usize) -> Option<String> {
    let before: Vec<char> = statement.chars().take(position.checked_sub(1)?).collect();
    if before.len() + 1 < position {
        return None;
    }
    let number = before.iter().filter(|&&c| c == '\n').count() + 1;
    let line_start = before.iter().rposition(|&c| c == '\n').map_or(0, |place| place + 1);
    let line: Vec<char> = statement
        .chars()
        .skip(line_start)
        .take_while(|&c| c != '\n' && c != '\r')
        .map(without_control)
        .collect();
    let caret = (before.len() - line_start).min(line.len());

    let (first, last) = window(&line, caret);
    let label = format!("LINE {number}: ");
    let left = if first > 0 { ELLIPSIS } else { "" };
    let right = if last < line.len() { ELLIPSIS } else { "" };
    let shown: String = line[first..last].iter().collect();
    let indent = label.len() + left.len() + width(&line[first..caret]);
    Some(format!("{label}{left}{shown}{right}\n{:indent$}^\n", ""))
}

/// Which part of a line to show so that the caret and some of what follows it is in it.
fn window(line: &[char], caret: usize) -> (usize, usize) {
    if width(line) <= SHOWN_WIDTH {
        return (0, line.len());
    }
    let room = SHOWN_WIDTH - 2 * ELLIPSIS.len();
    // No more characters than columns: the line may have megabytes.
    let mut first = caret.saturating_sub(room);
    while width(&line[first..caret]) > room - RIGHT_WIDTH_MIN {
        first += 1;
    }
    let mut last = line.len().min(caret + room);
    while last > caret && width(&line[first..last]) > room {
        last -= 1;
    }
    // At the end of the line there is room on the left.
    while last == line.len() && first > 0 && width(&line[first - 1..last]) <= room {
        first -= 1;
    }
    (first, last)
}

fn width(text: &[char]) -> usize {
    text.iter().map(|c| c.width().unwrap_or(0)).sum()
}

/// In its place: an escape would move the caret.
fn without_control(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    use spg_wire::{Severity, SqlState};

    use super::*;

    fn error(code: &str) -> ErrorFields {
        ErrorFields::new(Severity::Error, SqlState::from_code(code), "m")
    }

    fn excerpt_of(statement: &str, position: u32) -> String {
        let error = ErrorFields { position: Some(position), ..error("42601") };
        render(&error, statement).strip_prefix("ERROR:  m\n").unwrap().to_owned()
    }

    #[test]
    fn caret_stands_under_the_position() {
        let long = format!("select '{}', x, '{}' from t", "a".repeat(90), "b".repeat(60));
        let cases = [
            ("SELECT * FROM u", 15, "LINE 1: SELECT * FROM u\n                      ^\n"),
            ("SELECT *\n  FROM u;", 17, "LINE 2:   FROM u;\n               ^\n"),
            ("select", 7, "LINE 1: select\n              ^\n"),
            ("select\n", 8, "LINE 2: \n        ^\n"),
            ("select\tx", 8, "LINE 1: select x\n               ^\n"),
            ("'漢字' x", 6, "LINE 1: '漢字' x\n               ^\n"),
            ("é x", 3, "LINE 1: é x\n          ^\n"),
            (&long, 102, "LINE 1: ...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', x, 'bbbbbb...\n"),
            ("x", 99, ""),
        ];
        for (statement, position, expected) in cases {
            let shown = excerpt_of(statement, position);
            if statement == long {
                assert!(shown.lines().all(|line| line.len() <= 8 + SHOWN_WIDTH), "{shown}");
                let caret = shown.lines().nth(1).unwrap().find('^').unwrap();
                assert_eq!(&shown.as_bytes()[caret..=caret], b"x", "{shown}");
            } else {
                assert_eq!(shown, expected, "{statement:?}");
            }
        }
    }

    #[test]
    fn details_and_hints_follow() {
        let (detail, hint) = (Some("d".to_owned()), Some("h".to_owned()));
        let error = ErrorFields { detail, hint, ..error("23505") };
        assert_eq!(render(&error, ""), "ERROR:  m\nDETAIL:  d\nHINT:  h\n");
    }

    #[test]
    fn errors_of_the_connection_show_their_code() {
        assert_eq!(render(&error("08006"), ""), "ERROR:  08006: m\n");
        let fatal = ErrorFields { severity: Severity::Fatal, ..error("57P03") };
        assert_eq!(render(&fatal, ""), "FATAL:  57P03: m\n");
        assert_eq!(render(&error("57014"), ""), "ERROR:  m\n");
    }
}
