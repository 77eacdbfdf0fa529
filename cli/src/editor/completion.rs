//! What a word that has begun may become: a keyword, a table, a column, one of the shell's commands.

use std::collections::BTreeSet;

use spg_engine::parser::{keywords, quote_name};

use crate::meta_command::COMMANDS;

/// Names that the catalog has, as they are written in SQL.
#[derive(Debug, Default)]
pub(super) struct Words {
    tables: BTreeSet<String>,
    /// With their tables.
    columns: BTreeSet<(String, String)>,
}

impl Words {
    /// Of tables and columns.
    pub(super) fn new(names: impl Iterator<Item = (String, String)>) -> Self {
        let columns: BTreeSet<(String, String)> =
            names.map(|(table, column)| (quote_name(&table), quote_name(&column))).collect();
        let tables = columns.iter().map(|(table, _)| table.clone()).collect();
        Self { tables, columns }
    }
}

/// Words behind which a table's name stands.
const BEFORE_TABLES: [&str; 6] = ["from", "join", "into", "update", "table", "on"];

/// Where the word begins that `text` ends with, and what it may become.
pub(super) fn complete(text: &str, words: &Words) -> (usize, Vec<String>) {
    if let Some(command) = text.strip_prefix('\\') {
        return complete_command(text, command, words);
    }
    let begins = |(place, character): (usize, char)| {
        (!is_part(character)).then(|| place + character.len_utf8())
    };
    let start = text.char_indices().rev().find_map(begins).unwrap_or(0);
    let word = &text[start..];
    // `t.` is followed by a column of t.
    if let Some((table, column)) = word.rsplit_once('.') {
        let of_table = |(owner, _): &&(String, String)| owner.eq_ignore_ascii_case(table);
        let columns = words.columns.iter().filter(of_table).map(|(_, column)| column);
        return (start + table.len() + 1, those(columns, column));
    }
    if word.is_empty() {
        return (start, Vec::new());
    }
    let before = text[..start].split_whitespace().next_back().unwrap_or_default();
    if BEFORE_TABLES.iter().any(|keyword| keyword.eq_ignore_ascii_case(before)) {
        let found = those(words.tables.iter(), word);
        if !found.is_empty() {
            return (start, found);
        }
    }
    let is_upper = word.chars().all(|character| !character.is_lowercase());
    let matching = keywords().filter(|keyword| starts(keyword, word));
    let mut found: BTreeSet<String> = matching
        .map(|keyword| if is_upper { keyword.to_ascii_uppercase() } else { keyword.to_owned() })
        .collect();
    found.extend(those(words.tables.iter(), word));
    found.extend(those(words.columns.iter().map(|(_, column)| column), word));
    (start, found.into_iter().collect())
}

fn complete_command(text: &str, command: &str, words: &Words) -> (usize, Vec<String>) {
    match command.rsplit_once(' ') {
        None => {
            let found = COMMANDS.iter().filter(|name| name.starts_with(text));
            (0, found.map(|name| (*name).to_owned()).collect())
        }
        Some((_, word)) => (text.len() - word.len(), those(words.tables.iter(), word)),
    }
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '.' | '"')
}

fn starts(name: &str, word: &str) -> bool {
    name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Those of `names` that begin with `word`, in any case, each once.
fn those<'n>(names: impl Iterator<Item = &'n String>, word: &str) -> Vec<String> {
    let found: BTreeSet<&String> = names.filter(|name| starts(name, word)).collect();
    found.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_what_may_stand_there() {
        let names = [("people", "id"), ("people", "name"), ("places", "id"), ("Odd", "x")];
        let words = Words::new(
            names.iter().map(|(table, column)| ((*table).to_owned(), (*column).to_owned())),
        );
        let check = |text: &str, start: usize, expected: &[&str]| {
            assert_eq!(
                complete(text, &words),
                (start, expected.iter().map(|name| (*name).to_owned()).collect()),
                "{text}"
            );
        };
        check("SELECT * FROM p", 14, &["people", "places"]);
        check("SELECT people.", 14, &["id", "name"]);
        check("SELECT people.n", 14, &["name"]);
        check("SELECT na", 7, &["name", "names", "national", "natural"]);
        check("SEL", 0, &["SELECT"]);
        check("sel", 0, &["select"]);
        check("SELECT ", 7, &[]);
        check("SELECT * FROM \"O", 14, &["\"Odd\""]);
        check("\\d pe", 3, &["people"]);
        check("\\imp", 0, &["\\import"]);
        check("größe_sel", 0, &[]);
    }
}
