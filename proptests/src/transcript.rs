//! PostgreSQL's regression scripts: a script's statements, each with what its expected psql transcript shows for it.

use crate::answer::Answer;

/// What the transcript shows behind a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing: a command without rows.
    Nothing,
    /// A table of trimmed texts; NULL is the empty text.
    Table(Vec<Vec<String>>),
    /// The text behind `ERROR:`.
    Error(String),
    /// The statement was not found, or what follows it cannot be read.
    Unknown,
}

/// Cuts a psql script into statements; lines of backslash commands are left out.
pub fn statements(script: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut current = String::new();
    let mut scanner = Scanner::default();
    for line in script.lines() {
        if scanner == Scanner::default() && line.trim_start().starts_with('\\') {
            current.clear();
            continue;
        }
        for (place, character) in line.char_indices() {
            let ends = scanner.step(character, &line[place..]);
            if !(current.is_empty() && character.is_whitespace()) {
                current.push(character);
            }
            if ends {
                statements.push(std::mem::take(&mut current));
            }
            if scanner.in_comment_line {
                current.pop();
                break;
            }
        }
        scanner.in_comment_line = false;
        if !current.is_empty() {
            current.push('\n');
        }
    }
    statements
}

/// Where in the text a character stands.
#[derive(Default, PartialEq, Eq)]
struct Scanner {
    quote: Option<char>,
    dollar: bool,
    depth: u32,
    in_comment_line: bool,
}

impl Scanner {
    /// Takes one character; tells whether it ends a statement.
    fn step(&mut self, character: char, rest: &str) -> bool {
        if self.dollar {
            self.dollar = !rest.starts_with("$$");
            return false;
        }
        if let Some(quote) = self.quote {
            if character == quote {
                self.quote = None;
            }
            return false;
        }
        match character {
            '\'' | '"' => self.quote = Some(character),
            '-' if rest.starts_with("--") => self.in_comment_line = true,
            '(' => self.depth += 1,
            ')' => self.depth = self.depth.saturating_sub(1),
            ';' => return true,
            _ => {}
        }
        false
    }
}

impl Shown {
    /// Whether an answer is what is shown; the order of rows counts if they `are_ordered`.
    pub fn agrees(&self, answer: &Answer, are_ordered: bool) -> bool {
        match (self, &answer.failure) {
            (Self::Error(message), Some(failure)) => *message == failure.message,
            (Self::Nothing, None) => answer.columns.is_empty(),
            (Self::Table(expected), None) => {
                let text =
                    |value: &Option<String>| value.clone().unwrap_or_default().trim().to_owned();
                let mut ours: Vec<Vec<String>> =
                    answer.rows.iter().map(|row| row.iter().map(text).collect()).collect();
                let mut expected = expected.clone();
                if !are_ordered {
                    ours.sort();
                    expected.sort();
                }
                same_rows(&ours, &expected)
            }
            _ => false,
        }
    }
}

fn same_rows(ours: &[Vec<String>], expected: &[Vec<String>]) -> bool {
    ours.len() == expected.len()
        && ours.iter().zip(expected).all(|(ours, expected)| {
            ours.len() == expected.len()
                && ours.iter().zip(expected).all(|(ours, expected)| same_value(ours, expected))
        })
}

fn same_value(ours: &str, expected: &str) -> bool {
    let numbers = (ours.parse::<f64>(), expected.parse::<f64>());
    ours == expected
        || (ours.is_empty() && expected == "(null)")
        || matches!(numbers, (Ok(ours), Ok(theirs)) if (ours - theirs).abs() <= theirs.abs() * 1e-12)
}

/// Reads a transcript statement by statement.
#[derive(Debug)]
pub struct Transcript<'a> {
    rest: &'a str,
}

impl<'a> Transcript<'a> {
    /// A transcript from its start.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What it shows behind `statement`, which is looked for from where the last one was found.
    pub fn shown(&mut self, statement: &str) -> Shown {
        let first = statement.lines().next().unwrap_or_default();
        let last = statement.lines().last().unwrap_or_default();
        let Some(start) = self.rest.find(first) else { return Shown::Unknown };
        let Some(end) = self.rest[start..].find(last) else { return Shown::Unknown };
        let behind = &self.rest[start + end + last.len()..];
        let Some((line_rest, output)) = behind.split_once('\n') else { return Shown::Unknown };
        self.rest = behind;
        // A line that goes on with another statement shows the answers of both behind it.
        if line_rest.trim_start().starts_with("--") || line_rest.trim().is_empty() {
            read_output(output)
        } else {
            Shown::Unknown
        }
    }
}

/// What stands at the beginning of `output`, behind a statement.
pub fn read_output(output: &str) -> Shown {
    let mut lines = output.lines().skip_while(|line| {
        ["NOTICE:", "WARNING:", "DETAIL:", "HINT:"].iter().any(|prefix| line.starts_with(prefix))
    });
    let Some(header) = lines.next() else { return Shown::Nothing };
    if let Some(message) = header.strip_prefix("ERROR:  ") {
        return Shown::Error(message.to_owned());
    }
    let Some(rule) = lines.next() else { return Shown::Nothing };
    let is_rule = rule.starts_with('-') && rule.chars().all(|c| c == '-' || c == '+');
    if !is_rule || header.starts_with("--") || header.trim().is_empty() {
        return Shown::Nothing;
    }
    let widths: Vec<usize> = rule.split('+').map(str::len).collect();
    let mut rows = Vec::new();
    for line in lines {
        if line.starts_with('(') && (line.ends_with("rows)") || line.ends_with("row)")) {
            return Shown::Table(rows);
        }
        rows.push(cells(line, &widths));
    }
    Shown::Unknown
}

fn cells(line: &str, widths: &[usize]) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let mut start = 0;
    let cell = |width: &usize| {
        let end = (start + width).min(characters.len());
        let text: String = characters[start.min(end)..end].iter().collect();
        start += width + 1;
        text.trim().to_owned()
    };
    widths.iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_their_answers_are_found() {
        let script = "-- a; comment\nSELECT 1 AS one,\n  ';' AS b; -- more\n\\d t\nSELECT nosuch;\nCREATE TABLE t (a int);\n";
        let found = statements(script);
        assert_eq!(
            found,
            ["SELECT 1 AS one,\n  ';' AS b;", "SELECT nosuch;", "CREATE TABLE t (a int);"]
        );
        let output = "-- a; comment\nSELECT 1 AS one,\n  ';' AS b; -- more\n one | b \n-----+---\n   1 | ;\n(1 row)\n\n\
                      SELECT nosuch;\nERROR:  column \"nosuch\" does not exist\nLINE 1: SELECT nosuch;\n               ^\n\
                      CREATE TABLE t (a int);\n";
        let mut transcript = Transcript::new(output);
        let row = vec!["1".to_owned(), ";".to_owned()];
        assert_eq!(transcript.shown(&found[0]), Shown::Table(vec![row]));
        let message = "column \"nosuch\" does not exist".to_owned();
        assert_eq!(transcript.shown(&found[1]), Shown::Error(message));
        assert_eq!(transcript.shown(&found[2]), Shown::Nothing);
    }
}
