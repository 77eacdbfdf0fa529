//! Properties: parse of display is the identity; no text makes the parser panic.

use proptest::prelude::*;

use super::{generator, parse, parse_expression, statements};

/// Words and signs from which random SQL is put together.
const FRAGMENTS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "a",
    "b",
    "t",
    "*",
    ",",
    "(",
    ")",
    "1",
    "-",
    "+",
    "'x'",
    "NOT",
    "AND",
    "OR",
    "IN",
    "BETWEEN",
    "LIKE",
    "IS",
    "NULL",
    "::",
    "int",
    "vector",
    "[",
    "]",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "JOIN",
    "ON",
    "LEFT",
    "UNION",
    "VALUES",
    "ORDER",
    "BY",
    "LIMIT",
    "INSERT",
    "INTO",
    "UPDATE",
    "SET",
    "=",
    "DELETE",
    "CREATE",
    "TABLE",
    "INDEX",
    "PRIMARY",
    "KEY",
    "DEFAULT",
    "$1",
    "$$",
    "E'\\",
    "'",
    "\"",
    "/*",
    "*/",
    "--",
    "\n",
    ";",
    ".",
    "<->",
    "||",
    "GROUP",
    "HAVING",
    "DISTINCT",
    "AS",
    "count",
    "EXISTS",
    "BEGIN",
    "COMMIT",
    "é",
    "1e",
    ":=",
    "\\",
    "CAST",
    "trim",
    "substring",
    "FOR",
    "NULLS",
    "FIRST",
    "double",
    "precision",
    "EXPLAIN",
    "SHOW",
    "time",
    "zone",
];

fn run_all(text: &str) {
    let _ = parse(text);
    let _ = parse_expression(text);
    for statement in statements(text) {
        if let Ok(tree) = parse(statement) {
            assert_eq!(parse(&tree.to_string()).as_ref(), Ok(&tree), "{statement}: {tree}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parse_of_display_is_the_identity(tree in generator::statement()) {
        let text = tree.to_string();
        match parse(&text) {
            Ok(parsed) => prop_assert_eq!(parsed, tree, "{}", text),
            Err(error) => prop_assert!(false, "{}: {}", text, error),
        }
    }

    #[test]
    fn parse_of_displayed_expression_is_the_identity(tree in generator::expression()) {
        let text = tree.to_string();
        prop_assert_eq!(parse_expression(&text), Ok(tree), "{}", text);
    }

    #[test]
    fn random_words_never_panic(words in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..30), glue in "[ ]?") {
        run_all(&words.join(&glue));
        run_all(&words.join(" "));
    }

    #[test]
    fn random_text_never_panics(text in "\\PC{0,40}") {
        run_all(&text);
    }

    #[test]
    fn mutated_statements_never_panic(
        tree in generator::statement(),
        cut in any::<prop::sample::Index>(),
        length in 0_usize..4,
        word in prop::sample::select(FRAGMENTS),
    ) {
        let characters: Vec<char> = tree.to_string().chars().collect();
        let start = cut.index(characters.len());
        let end = (start + length).min(characters.len());
        let before: String = characters[..start].iter().collect();
        let after: String = characters[end..].iter().collect();
        run_all(&format!("{before} {word} {after}"));
        run_all(&format!("{before}{after}"));
    }
}
