//! PostgreSQL's isolation specs: sessions of named steps, and what psql shows for each order of the steps.

use crate::transcript::{Shown, read_output};

/// A spec.
#[derive(Debug, Default)]
pub struct Spec {
    /// Statements before each permutation.
    pub setup: Vec<String>,
    /// The sessions.
    pub sessions: Vec<SpecSession>,
}

/// One session of a spec.
#[derive(Debug, Default)]
pub struct SpecSession {
    /// What it does before its first step: as a rule, BEGIN.
    pub setup: String,
    /// Names and statements of its steps.
    pub steps: Vec<(String, String)>,
}

/// One order of all steps.
#[derive(Debug)]
pub struct Permutation {
    /// Each step with what PostgreSQL shows for it.
    pub steps: Vec<(String, Shown)>,
}

impl Spec {
    /// Reads a `.spec` file; None where it has something that this does not know.
    pub fn parse(text: &str) -> Option<Self> {
        let mut spec = Self::default();
        let mut rest = text;
        while let Some(word) = next_word(&mut rest) {
            match (word, spec.sessions.last_mut()) {
                ("setup", None) => spec.setup.push(block(&mut rest)?),
                ("setup", Some(session)) => session.setup = block(&mut rest)?,
                ("teardown", _) => drop(block(&mut rest)?),
                ("session", _) => {
                    next_word(&mut rest)?;
                    spec.sessions.push(SpecSession::default());
                }
                ("step", Some(session)) => {
                    let name = next_word(&mut rest)?.to_owned();
                    session.steps.push((name, block(&mut rest)?));
                }
                // The orders are read from what PostgreSQL shows.
                ("permutation", _) => rest = rest.split_once('\n').map_or("", |(_, rest)| rest),
                _ => return None,
            }
        }
        Some(spec)
    }

    /// Whether all sessions are SERIALIZABLE.
    pub fn is_serializable(&self) -> bool {
        self.sessions.iter().all(|session| session.setup.contains("SERIALIZABLE"))
    }

    /// The session that a step is of, and the step's statement.
    pub fn step(&self, name: &str) -> Option<(usize, &str)> {
        self.sessions.iter().enumerate().find_map(|(session, of)| {
            let step = of.steps.iter().find(|(step, _)| step == name)?;
            Some((session, step.1.as_str()))
        })
    }

    /// Reads the `.out` file of the spec; None where a step is not found in it.
    pub fn permutations(&self, shown: &str) -> Option<Vec<Permutation>> {
        let mut permutations = Vec::new();
        for part in shown.split("starting permutation: ").skip(1) {
            let (names, mut rest) = part.split_once('\n')?;
            let mut steps = Vec::new();
            for name in names.split_whitespace() {
                let head = format!("step {name}: {}\n", self.step(name)?.1);
                rest = rest.split_once(&head)?.1;
                steps.push((name.to_owned(), read_output(rest)));
            }
            permutations.push(Permutation { steps });
        }
        Some(permutations)
    }
}

/// The next word outside of comments.
fn next_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    loop {
        *rest = rest.trim_start();
        match rest.strip_prefix('#') {
            Some(comment) => *rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
            None => break,
        }
    }
    let end = rest.find(|c: char| c.is_whitespace() || c == '{').unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    *rest = behind;
    (!word.is_empty()).then_some(word)
}

/// What stands between braces.
fn block(rest: &mut &str) -> Option<String> {
    let (inside, behind) = rest.trim_start().strip_prefix('{')?.split_once('}')?;
    *rest = behind;
    Some(inside.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_and_orders_are_read() {
        let spec = "# a { comment\nsetup { CREATE TABLE t (a int); }\nteardown\n{\n DROP TABLE t;\n}\n\
                    session one\nsetup { BEGIN; }\nstep r1 { SELECT a\n  FROM t; }\nstep c1{COMMIT;}\n\
                    session two step w2 { INSERT INTO t VALUES (1) }\npermutation r1 w2 c1\n";
        let spec = Spec::parse(spec).expect("all of it is known");
        assert_eq!(spec.setup, ["CREATE TABLE t (a int);"]);
        assert_eq!(spec.sessions[0].setup, "BEGIN;");
        assert_eq!(spec.step("c1"), Some((0, "COMMIT;")));
        assert_eq!(spec.step("w2"), Some((1, "INSERT INTO t VALUES (1)")));
        let shown = "Parsed test spec with 2 sessions\n\nstarting permutation: r1 w2 c1\n\
                     step r1: SELECT a\n  FROM t;\na\n-\n(0 rows)\n\nstep w2: INSERT INTO t VALUES (1)\n\
                     step c1: COMMIT;\nERROR:  no\n";
        let permutations = spec.permutations(shown).expect("all steps are there");
        let shown: Vec<&Shown> = permutations[0].steps.iter().map(|(_, shown)| shown).collect();
        let failed = Shown::Error("no".to_owned());
        assert_eq!(shown, [&Shown::Table(Vec::new()), &Shown::Nothing, &failed]);
        assert!(Spec::parse("nonsense { }").is_none());
    }
}
