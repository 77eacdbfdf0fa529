//! What the audit log is told about a commit: who made it, and which statements it is made of.

use std::sync::Arc;

use crate::audit::ParametersDigest;
use crate::types::{Value, format_value};

/// How much of the statements is kept for the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditPolicy {
    /// There is no audit log.
    #[default]
    Off,
    /// Texts and the values of parameters.
    Parameters,
    /// Texts, and of the parameters a digest.
    Digest,
}

/// Who makes commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user: Arc<str>,
    /// The application, as it calls itself.
    pub application: Arc<str>,
    /// Where it is connected from.
    pub peer: Arc<str>,
}

/// The executions of one statement's text.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The text.
    pub text: Arc<str>,
    /// How often it changed something.
    pub executions: u64,
    /// With which parameters.
    pub parameters: ExecutedParameters,
}

/// Parameters of one execution, or a digest of those of all.
#[derive(Clone, Debug)]
pub enum ExecutedParameters {
    /// There were none.
    None,
    /// The values' texts; None is NULL.
    Texts(Vec<Option<String>>),
    /// All values of all executions, in order.
    Digest(Box<ParametersDigest>),
}

/// The statements of a transaction, in the order of their first executions.
#[derive(Debug, Default)]
pub struct Statements {
    list: Vec<Executed>,
}

impl Statements {
    /// The statements so far.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether none has been noted.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Forgets all but the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.list.truncate(count);
    }

    /// All of them.
    pub fn take(&mut self) -> Vec<Executed> {
        std::mem::take(&mut self.list)
    }

    /// Notes one execution. The same prepared statement is one entry, unless a savepoint lies between, to which a
    /// rollback might go: `since` is how many there were at the last one.
    pub fn note(
        &mut self,
        policy: AuditPolicy,
        since: usize,
        text: &Arc<str>,
        parameters: &[Value],
    ) {
        if policy == AuditPolicy::Off {
            return;
        }
        let is_same = |executed: &&mut Executed| Arc::ptr_eq(&executed.text, text);
        match self.list.get_mut(since..).and_then(|recent| recent.iter_mut().rev().find(is_same)) {
            Some(executed) => executed.add(parameters),
            None => self.list.push(Executed::new(policy, text, parameters)),
        }
    }
}

impl Executed {
    /// One execution.
    pub fn new(policy: AuditPolicy, text: &Arc<str>, parameters: &[Value]) -> Self {
        let parameters = match policy {
            _ if parameters.is_empty() => ExecutedParameters::None,
            AuditPolicy::Digest => {
                let mut digest = Box::new(ParametersDigest::new());
                add_values(&mut digest, parameters);
                ExecutedParameters::Digest(digest)
            }
            _ => ExecutedParameters::Texts(parameters.iter().map(text_of).collect()),
        };
        Self { text: Arc::clone(text), executions: 1, parameters }
    }

    /// One execution more.
    fn add(&mut self, parameters: &[Value]) {
        self.executions += 1;
        if let ExecutedParameters::Texts(texts) = &mut self.parameters {
            let mut digest = Box::new(ParametersDigest::new());
            digest.add(texts.iter().map(Option::as_deref));
            self.parameters = ExecutedParameters::Digest(digest);
        }
        if let ExecutedParameters::Digest(digest) = &mut self.parameters {
            add_values(digest, parameters);
        }
    }
}

fn text_of(value: &Value) -> Option<String> {
    if matches!(value, Value::Null) {
        return None;
    }
    let mut text = String::new();
    format_value(value.as_ref(), &mut text);
    Some(text)
}

fn add_values(digest: &mut ParametersDigest, values: &[Value]) {
    let texts: Vec<Option<String>> = values.iter().map(text_of).collect();
    digest.add(texts.iter().map(Option::as_deref));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(executed: &Executed) -> String {
        match &executed.parameters {
            ExecutedParameters::Digest(digest) => crate::identity::hex(&digest.finish()),
            other => panic!("no digest: {other:?}"),
        }
    }

    #[test]
    fn executions_of_one_statement_are_one_entry() {
        let (insert, update): (Arc<str>, Arc<str>) = (Arc::from("insert"), Arc::from("update"));
        let mut recorded = Statements::default();
        let mut digested = Statements::default();
        for (statements, policy) in
            [(&mut recorded, AuditPolicy::Parameters), (&mut digested, AuditPolicy::Digest)]
        {
            statements.note(policy, 0, &insert, &[Value::Int4(1), Value::Null]);
            statements.note(policy, 0, &update, &[]);
            statements.note(policy, 0, &insert, &[Value::Int4(2), Value::Text("x".into())]);
            // Another statement of the same text is another.
            statements.note(policy, 0, &Arc::from("insert"), &[Value::Int4(3)]);
            let before = statements.len();
            statements.note(policy, before, &insert, &[Value::Int4(4)]);
            assert_eq!(statements.len(), 4, "a savepoint lies between");
            statements.truncate(before);
        }
        let (recorded, digested) = (recorded.take(), digested.take());
        assert_eq!(recorded.iter().map(|one| one.executions).collect::<Vec<_>>(), [2, 1, 1]);
        assert_eq!(digest_of(&recorded[0]), digest_of(&digested[0]));
        assert!(
            matches!(&recorded[2].parameters, ExecutedParameters::Texts(texts) if texts.len() == 1)
        );
        assert!(matches!(digested[1].parameters, ExecutedParameters::None));
        let mut off = Statements::default();
        off.note(AuditPolicy::Off, 0, &insert, &[]);
        assert!(off.is_empty());
    }
}
