//! What a word that has begun may become: a keyword, a table, a column, a setting, a file, one of the shell's commands.

use std::collections::BTreeSet;

use spg_engine::parser::{keywords, statements};

use super::files;
use super::words::Words;
use crate::meta_command::COMMANDS;
use crate::statement_buffer::open_quote;

/// Words behind which a table's name stands.
const BEFORE_TABLES: [&str; 6] = ["from", "join", "into", "update", "table", "on"];

/// Where the word begins that `line` ends with, and what it may become; `begun` are the lines of its statement before it.
pub(super) fn complete(begun: &str, line: &str, words: &Words) -> (usize, Vec<String>) {
    let text = format!("{begun}{line}");
    // A name in quotes is one; in literals and comments nothing is.
    if open_quote(&format!("{text}\n")).is_some_and(|open| open != '"') {
        return (line.len(), Vec::new());
    }
    if line.starts_with('\\') {
        return complete_command(line, words);
    }
    let start = word_start(line, |c| !is_part(c));
    let word = &line[start..];
    let before = &text[..begun.len() + start];
    if names_setting(before) {
        return (start, those(words.settings.iter(), word));
    }
    if let Some((owner, name)) = word.rsplit_once('.') {
        return (start + owner.len() + 1, members(owner, name, words));
    }
    let expected = expected(before, word, words);
    if !expected.is_empty() || word.is_empty() {
        return (start, expected);
    }
    (start, anything(word, words))
}

/// Whether a setting's name follows.
fn names_setting(before: &str) -> bool {
    let statement = statements(before).last().unwrap_or_default().to_ascii_lowercase();
    let is_whole = before.trim_end().ends_with(';');
    let words: Vec<&str> = statement.split_whitespace().collect();
    let is_setting =
        ["set", "show", "reset", "set local", "set session"].contains(&&*words.join(" "));
    is_setting && !is_whole
}

/// What stands behind a dot: columns of a table, or what a schema of the system has.
fn members(owner: &str, name: &str, words: &Words) -> Vec<String> {
    let of_owner = |(table, _): &&(String, String)| table.eq_ignore_ascii_case(owner);
    let pairs = words.columns.iter().chain(&words.system).filter(of_owner);
    those(pairs.map(|(_, member)| member), name)
}

/// What the word before asks for.
fn expected(before: &str, word: &str, words: &Words) -> Vec<String> {
    let keyword = before.split_whitespace().next_back().unwrap_or_default().to_ascii_lowercase();
    match keyword.as_str() {
        "index" => those(words.indexes.iter(), word),
        "sequence" => those(words.sequences.iter(), word),
        keyword if BEFORE_TABLES.contains(&keyword) => relations(words.tables.iter(), word, words),
        _ => Vec::new(),
    }
}

/// Those of `own`, and of the system's where something of their name is given: there are many of them.
fn relations<'w>(
    own: impl Iterator<Item = &'w String>,
    word: &str,
    words: &'w Words,
) -> Vec<String> {
    let mut found = those(own, word);
    if !word.is_empty() {
        let catalog = words.system.iter().filter(|(schema, _)| schema == "pg_catalog");
        found.extend(those(catalog.map(|(_, name)| name), word));
        let schemas: BTreeSet<&String> = words.system.iter().map(|(schema, _)| schema).collect();
        let schemas = schemas.into_iter().filter(|schema| starts(schema, word));
        found.extend(schemas.map(|schema| format!("{schema}.")));
    }
    found
}

/// Keywords, tables and columns.
fn anything(word: &str, words: &Words) -> Vec<String> {
    let is_upper = word.chars().all(|character| !character.is_lowercase());
    let matching = keywords().filter(|keyword| starts(keyword, word));
    let mut found: BTreeSet<String> = matching
        .map(|keyword| if is_upper { keyword.to_ascii_uppercase() } else { keyword.to_owned() })
        .collect();
    found.extend(those(words.tables.iter(), word));
    found.extend(those(words.columns.iter().map(|(_, column)| column), word));
    found.into_iter().collect()
}

/// A command's name, and behind it what the command is about.
fn complete_command(line: &str, words: &Words) -> (usize, Vec<String>) {
    let mut quote = None;
    let start = word_start(line, |c| {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        quote.is_none() && c.is_whitespace()
    });
    let word = &line[start..];
    let before: Vec<&str> = line[..start].split_whitespace().collect();
    let one_of = |choices: &[&str]| {
        choices.iter().filter(|choice| choice.starts_with(word)).map(|c| (*c).to_owned()).collect()
    };
    let found = match before.as_slice() {
        [] => one_of(&COMMANDS),
        [name] if name.starts_with("\\d") => described(name, word, words),
        ["\\import" | "\\export"] => those(words.tables.iter(), word),
        ["\\i" | "\\o" | "\\e"] | ["\\import" | "\\export", ..] => files::complete(word),
        ["\\x"] => one_of(&["auto", "off", "on"]),
        ["\\timing"] | ["\\pset", "pager"] => one_of(&["off", "on"]),
        ["\\pset"] => one_of(&["null", "pager"]),
        _ => Vec::new(),
    };
    (start, found)
}

/// What `\d` and its kin are about.
fn described(command: &str, word: &str, words: &Words) -> Vec<String> {
    if let Some((schema, name)) = word.split_once('.') {
        let found = members(schema, name, words);
        return found.into_iter().map(|name| format!("{schema}.{name}")).collect();
    }
    match command.trim_end_matches(['+', 'S']) {
        "\\dt" => those(words.tables.iter(), word),
        "\\di" => those(words.indexes.iter(), word),
        "\\ds" => those(words.sequences.iter(), word),
        "\\dv" => those(words.system.iter().map(|(_, name)| name), word),
        _ => {
            let own = words.tables.iter().chain(&words.indexes).chain(&words.sequences);
            relations(own, word, words)
        }
    }
}

/// Where the last word begins, whose ends `is_end` tells of the line's characters, which it is asked in their order.
fn word_start(line: &str, mut is_end: impl FnMut(char) -> bool) -> usize {
    let ends = line.char_indices().filter(|(_, c)| is_end(*c));
    ends.last().map_or(0, |(place, c)| place + c.len_utf8())
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

    fn words() -> Words {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(owner, name)| ((*owner).to_owned(), (*name).to_owned())).collect()
        };
        Words {
            tables: set(&["people", "places", "\"Odd\""]),
            indexes: set(&["people_pkey"]),
            sequences: set(&["people_id_seq"]),
            columns: pairs(&[("people", "id"), ("people", "name"), ("places", "id")]),
            system: pairs(&[
                ("information_schema", "tables"),
                ("pg_catalog", "pg_class"),
                ("pg_catalog", "spg_stats"),
            ]),
            settings: set(&["lock_timeout", "search_path", "spg.statement_memory"]),
        }
    }

    /// What the text behind the last blank or dot of `line` may become.
    fn check(begun: &str, line: &str, start: usize, expected: &[&str]) {
        let expected = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(complete(begun, line, &words()), (start, expected), "{begun}{line}");
    }

    #[test]
    fn words_become_what_may_stand_there() {
        check("", "SELECT * FROM p", 14, &["people", "places", "pg_class", "pg_catalog."]);
        check("", "SELECT * FROM ", 14, &["\"Odd\"", "people", "places"]);
        check("SELECT *\nFROM\n", "pe", 0, &["people"]);
        check("", "drop table ", 11, &["\"Odd\"", "people", "places"]);
        check("", "DROP INDEX ", 11, &["people_pkey"]);
        check("", "SELECT people.", 14, &["id", "name"]);
        check("", "SELECT people.n", 14, &["name"]);
        check("", "SELECT na", 7, &["name", "names", "national", "natural"]);
        check("", "SEL", 0, &["SELECT"]);
        check("", "sel", 0, &["select"]);
        check("", "SELECT ", 7, &[]);
        check("", "SELECT * FROM \"O", 14, &["\"Odd\""]);
        check("", "SELECT * FROM spg_", 14, &["spg_stats"]);
        check("", "SELECT * FROM information_schema.ta", 33, &["tables"]);
        check("", "größe_sel", 0, &[]);
    }

    #[test]
    fn settings_are_completed_where_they_stand() {
        check("", "SET lock", 4, &["lock_timeout"]);
        check("", "set local s", 10, &["search_path", "spg.statement_memory"]);
        check("", "show spg.s", 5, &["spg.statement_memory"]);
        check("", "BEGIN; RESET ", 13, &["lock_timeout", "search_path", "spg.statement_memory"]);
        check("", "UPDATE people SET na", 18, &["name", "names", "national", "natural"]);
    }

    #[test]
    fn nothing_is_completed_within_literals_and_comments() {
        check("", "SELECT 'FROM p", 14, &[]);
        check("SELECT '\n", "sel", 3, &[]);
        check("/*\n", "sel", 3, &[]);
        check("SELECT 'a',\n", "na", 0, &["name", "names", "national", "natural"]);
    }

    #[test]
    fn commands_are_completed_with_what_they_are_about() {
        check("", "\\imp", 0, &["\\import"]);
        check("", "\\d pe", 3, &["people", "people_id_seq", "people_pkey"]);
        check("", "\\d ", 3, &["\"Odd\"", "people", "people_id_seq", "people_pkey", "places"]);
        check("", "\\d information_schema.t", 3, &["information_schema.tables"]);
        check("", "\\di+ ", 5, &["people_pkey"]);
        check("", "\\import p", 8, &["people", "places"]);
        check("", "\\x a", 3, &["auto"]);
        check("", "\\pset ", 6, &["null", "pager"]);
        check("", "\\q ", 3, &[]);
        let (start, found) = complete("", "\\import people src/main.r", &Words::default());
        assert_eq!((start, found), (15, vec!["src/main.rs".to_owned()]));
    }
}
