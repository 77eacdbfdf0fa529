//! What those mean who write psql's commands, and what there is here instead.

/// What to do instead of a command that there is not.
pub(super) fn of_command(name: &str) -> &'static str {
    let known = HINTS.iter().find(|(names, _)| names.contains(&name));
    known.map_or("\\? lists the commands.", |(_, hint)| hint)
}

/// What to do instead of a statement that is refused because it is a command of another shell's.
pub(super) fn of_statement(text: &str) -> Option<String> {
    let words = text.trim_end_matches(';').to_ascii_lowercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    let hint = match words.as_slice() {
        ["show", "tables", ..] => "\\dt of spg shell lists the tables.",
        ["show", "index" | "indexes" | "indices" | "keys", ..] => {
            "\\di of spg shell lists the indexes."
        }
        ["show", "columns" | "create", ..] | ["describe" | "desc", _] => {
            "\\d NAME of spg shell describes a table."
        }
        ["show", "databases" | "schemas"] | ["use", _] => {
            "There is one database: spg --addr or --data-dir names another."
        }
        [first, ..] if first.starts_with('\\') => {
            let line = text.lines().next().unwrap_or_default().replace('\'', r"'\''");
            return Some(format!(
                "Commands with a backslash are those of spg shell: echo '{line}' | spg shell"
            ));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do instead of `\pset OPTION`, where that is not one.
pub(super) fn of_option(option: &str) -> Option<&'static str> {
    match option {
        "expanded" | "x" => Some("\\x shows a line for each value."),
        "format" | "fieldsep" | "recordsep" | "tuples_only" | "t" | "csv_fieldsep" => Some(FORMATS),
        _ => None,
    }
}

const FORMATS: &str =
    "spg --format csv, json or jsonl writes answers for programs; \\export writes a table as CSV.";

const NO_USERS: &str =
    "There are no users and no rights: whoever reaches the database may do everything.";

const ONE_DATABASE: &str = "There is one database, and \\conninfo tells where. For another leave with \\q, and give spg --addr or \
     --data-dir.";

const NO_VARIABLES: &str = "The shell has no variables of its own; SHOW ALL lists the session's settings, SET changes one.";

/// Commands and what there is here.
const HINTS: &[(&[&str], &str)] = &[
    (
        &["\\dn"],
        "Tables are in the schema public; information_schema and pg_catalog are the system's.",
    ),
    (&["\\l", "\\list", "\\c", "\\connect"], ONE_DATABASE),
    (&["\\du", "\\dg", "\\dp", "\\ddp", "\\drds", "\\z", "\\password"], NO_USERS),
    (
        &["\\df", "\\da", "\\do", "\\dT", "\\sf", "\\ef", "\\h", "\\help"],
        "README.md has the statements, types, functions and operators, under \"SQL\".",
    ),
    (&["\\dx"], "There are no extensions: vectors are built in."),
    (&["\\dm", "\\dE", "\\ev", "\\sv"], "There are tables only: \\dt lists them."),
    (&["\\copy"], "\\import TABLE FILE loads a CSV file, \\export TABLE FILE writes one."),
    (&["\\echo", "\\qecho", "\\warn"], "A statement tells a text: SELECT 'text';"),
    (&["\\set", "\\unset", "\\gset", "\\prompt", "\\setenv", "\\getenv", "\\if"], NO_VARIABLES),
    (&["\\!", "\\cd"], "Ctrl-Z lets the shell wait while other programs run, fg goes on."),
    (
        &["\\w"],
        "\\e edits the statement in an editor, which can write it to a file; \\o sends answers to one.",
    ),
    (&["\\a", "\\t", "\\f", "\\H", "\\C"], FORMATS),
    (
        &["\\s"],
        "The arrow keys and Ctrl-R go through what was written, which ~/.spg_history keeps.",
    ),
    (&["\\encoding"], "All text is UTF-8."),
    (&["\\ir", "\\include"], "\\i FILE runs a script."),
    (&["\\edit"], "\\e edits the statement."),
    (&["\\reset"], "\\r forgets the statement that has begun."),
    (&["\\print"], "\\p prints the statement."),
    (&["\\quit"], "\\q leaves."),
    (&["\\out"], "\\o FILE sends answers to a file."),
    (
        &["\\gexec", "\\gdesc", "\\crosstabview"],
        "\\g runs the statement, \\gx shows a line for each value.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta_command::parse::COMMANDS;

    #[test]
    fn statements_of_other_shells_are_known() {
        let in_shell =
            "Commands with a backslash are those of spg shell: echo '\\d te*' | spg shell";
        for (text, hint) in [
            ("SHOW TABLES", Some("\\dt of spg shell lists the tables.")),
            ("show\n index from t", Some("\\di of spg shell lists the indexes.")),
            ("desc \"T\"", Some("\\d NAME of spg shell describes a table.")),
            ("use x", Some("There is one database: spg --addr or --data-dir names another.")),
            ("\\d te*\nx", Some(in_shell)),
            ("SHOW lock_timeout", None),
            ("DELETE FROM use", None),
            ("", None),
        ] {
            assert_eq!(of_statement(text).as_deref(), hint, "{text}");
        }
    }

    #[test]
    fn nothing_that_there_is_has_a_hint() {
        for name in HINTS.iter().flat_map(|(names, _)| *names) {
            assert!(!COMMANDS.contains(name), "{name}");
        }
        assert_eq!(of_command("\\nosuch"), "\\? lists the commands.");
    }
}
