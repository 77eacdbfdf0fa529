//! Where in a script a statement begins, which an error of it tells.

use crate::failure::Failure;

/// A line of a script.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The script, as it is told.
    script: String,
    /// The line that was read last, from 1.
    line: u64,
    /// The line on which the statement begins that is begun there, or that is next.
    begun: u64,
}

impl Place {
    /// Before the first line.
    pub(crate) fn new(script: impl Into<String>) -> Self {
        Self { script: script.into(), line: 0, begun: 1 }
    }

    /// A further line comes; `at_boundary` tells that no statement has begun before it.
    pub(crate) fn take_line(&mut self, at_boundary: bool) {
        self.line += 1;
        if at_boundary {
            self.begun = self.line;
        }
    }

    /// A statement has ended on the line: the next may begin on it.
    pub(crate) fn end_statement(&mut self) {
        self.begun = self.line;
    }

    /// The line that was read last, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The place of what stands on the line beside the statement.
    pub(crate) fn of_line(&self) -> Self {
        Self { begun: self.line, ..self.clone() }
    }

    /// As `script.sql, line 7`.
    pub(crate) fn text(&self) -> String {
        format!("{}, line {}", self.script, self.begun)
    }

    /// The failure, whose detail says before all else that it is of this place.
    pub(crate) fn tell(&self, mut failure: Failure) -> Failure {
        let place = self.text();
        failure.fields.detail = Some(match failure.fields.detail.take() {
            Some(detail) => format!("{place}: {detail}"),
            None => place,
        });
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_begin_where_their_first_word_is() {
        let mut place = Place::new("a");
        place.take_line(true);
        place.take_line(false);
        assert_eq!(place.text(), "a, line 1");
        assert_eq!(place.of_line().text(), "a, line 2");
        place.end_statement();
        assert_eq!(place.text(), "a, line 2", "behind a semicolon");
        place.take_line(true);
        place.take_line(true);
        assert_eq!(place.text(), "a, line 4", "behind empty lines");
    }
}
