//! An error as psql shows it: the message, the line of the statement with a caret under the position, DETAIL and HINT.

use spg_engine::Error;
use unicode_width::UnicodeWidthChar;

/// Columns of the statement's line that are shown; psql's.
const SHOWN_WIDTH: usize = 60;

/// Columns kept to the right of the position where a long line is cut; psql's.
const RIGHT_WIDTH_MIN: usize = 10;

/// What stands for the part of a line that is cut off.
const ELLIPSIS: &str = "...";

/// The error and, where it knows a position, the line of `statement` it is about; with line ends.
pub(crate) fn render(error: &Error, statement: &str) -> String {
    let fields = error.fields();
    let mut text = format!("ERROR:  {}\n", fields.message);
    if let Some(position) = fields.position {
        text.push_str(&excerpt(statement, position.0 as usize).unwrap_or_default());
    }
    if let Some(detail) = &fields.detail {
        text.extend(["DETAIL:  ", detail, "\n"]);
    }
    if let Some(hint) = &fields.hint {
        text.extend(["HINT:  ", hint, "\n"]);
    }
    text
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
        .map(printable)
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
    let mut first = 0;
    while width(&line[first..caret]) > room - RIGHT_WIDTH_MIN {
        first += 1;
    }
    let mut last = line.len();
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

/// Control characters would move the caret or drive the terminal.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    use spg_engine::SqlState;
    use spg_engine::types::Position;

    use super::*;

    fn excerpt_of(statement: &str, position: u32) -> String {
        let error = Error::new(SqlState::SyntaxError, "m").at(Position(position));
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
        let error =
            Error::new(SqlState::UniqueViolation, "duplicate").with_detail("d").with_hint("h");
        assert_eq!(render(&error, ""), "ERROR:  duplicate\nDETAIL:  d\nHINT:  h\n");
    }
}
