//! What manual pages say that no definition of a command line has: exit statuses, variables and files.

use std::fmt::Write as _;

use clap::Command;

/// A word and what it means.
type Meaning<'a> = (&'a str, String);

/// What statuses of `spg` mean; README.md says when they come in more words.
const STATUSES: &[(&str, &str)] = &[
    ("0", "All went well."),
    (
        "1",
        "A statement failed, a verification found a difference, files are in use, or the output was cut off. A script of \
         the shell goes on after an error.",
    ),
    ("2", "The command line is not right."),
    ("3", "There is no connection to the server, or it was lost."),
    ("4", "Files cannot be opened because they are damaged."),
];

const DAEMON_STATUSES: &[(&str, &str)] = &[
    ("0", "It was stopped."),
    ("1", "It could not start, or not close its files in order."),
    ("2", "The command line is not right."),
    ("4", "Files are damaged or were tampered with."),
];

const ADDRESS: (&str, &str) =
    ("SPG_ADDR", "Where the server is, HOST:PORT; --addr beats it. Empty is as good as unset.");

const SESSION: (&str, &str) = (
    "SPG_SESSION",
    "The name of a session that the server keeps between invocations; --session beats it.",
);

/// Commands that ask no server.
const ALONE: [&str; 4] = ["spg-completions", "spg-demo", "spg-man", "spg-restore"];

/// Commands that use a session with a name.
const WITH_SESSION: [&str; 6] =
    ["spg", "spg-cancel", "spg-export", "spg-import", "spg-query", "spg-shell"];

/// Commands in which a shell may read lines of a terminal.
const WITH_SHELL: [&str; 3] = ["spg", "spg-demo", "spg-shell"];

/// What that shell reads.
const SHELL: &[(&str, &str)] = &[
    (
        "PAGER",
        "What shows long answers on a terminal; less where it is unset, nothing where it is empty or cat.",
    ),
    ("LESS", "Options of less; FRSX where it is unset."),
    (
        "VISUAL, EDITOR",
        "What \\e edits with, as the system's shell reads it: the first that is set, else vi.",
    ),
    ("NO_COLOR", "If it is set and not empty, nothing has colours; nor where TERM is dumb."),
    ("HOME", "Where the history is, and what ~ means in names of files."),
    ("TZ", "The zone of the times that \\watch tells, by its name; UTC where it is unset."),
];

const HISTORY: (&str, &str) = (
    "~/.spg_history",
    "What was typed in shells on a terminal, readable by its owner only; the demo keeps nothing.",
);

const DAEMON_FILES: &[(&str, &str)] = &[
    ("DIR/spg.db", "The image of a data directory."),
    ("DIR/audit.log", "Its audit log; sealed segments are beside it."),
    ("DIR/wal.log.NUMBER", "Segments of its write-ahead log."),
];

/// The sections of the page called `page`, which is of `spg` or one of its subcommands, or of the daemon.
pub(crate) fn sections(page: &str, daemon: &Command) -> String {
    let mut text = String::new();
    if page == daemon.get_name() {
        section("\"EXIT STATUS\"", owned(DAEMON_STATUSES), &mut text);
        section("ENVIRONMENT", daemon_variables(daemon), &mut text);
        section("FILES", owned(DAEMON_FILES), &mut text);
        return text;
    }
    let has_shell = WITH_SHELL.contains(&page);
    let mut variables = Vec::new();
    if !ALONE.contains(&page) {
        variables.push(ADDRESS);
    }
    if WITH_SESSION.contains(&page) {
        variables.push(SESSION);
    }
    if has_shell {
        variables.extend(SHELL);
    }
    section("\"EXIT STATUS\"", owned(STATUSES), &mut text);
    section("ENVIRONMENT", owned(&variables), &mut text);
    if has_shell && !ALONE.contains(&page) {
        section("FILES", owned(&[HISTORY]), &mut text);
    }
    text
}

/// The variables that stand for arguments, by their definition, and those that are not of the command line.
fn daemon_variables(daemon: &Command) -> Vec<Meaning<'_>> {
    let of_argument = |argument: &clap::Arg| {
        let given = argument.get_long().map_or_else(
            || format!("argument {}", argument.get_id().as_str().to_uppercase()),
            |long| format!("option --{long}"),
        );
        format!("As the {given}, which beats it. Empty is as good as unset.")
    };
    let arguments = daemon.get_arguments().filter(|argument| !argument.is_hide_set());
    let mut variables: Vec<Meaning<'_>> = arguments
        .filter_map(|argument| Some((argument.get_env()?.to_str()?, of_argument(argument))))
        .collect();
    variables.extend(owned(&[
        (
            "SPG_LOG, RUST_LOG",
            "What is logged: error, warn, info, debug or trace, also by module, such as info,spg_server=debug. The first \
             that is set and not empty, else info.",
        ),
        ("NOTIFY_SOCKET", "The socket of a supervisor such as systemd, which is told READY=1 and STOPPING=1."),
    ]));
    variables
}

fn owned<'a>(meanings: &[(&'a str, &str)]) -> Vec<Meaning<'a>> {
    meanings.iter().map(|(word, meaning)| (*word, (*meaning).to_owned())).collect()
}

/// A section of words and what they mean; none of no words.
fn section(title: &str, meanings: Vec<Meaning<'_>>, text: &mut String) {
    if meanings.is_empty() {
        return;
    }
    let _ = writeln!(text, ".SH {title}");
    for (word, meaning) in meanings {
        let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", escaped(word), escaped(&meaning));
    }
}

/// The text as roff takes it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('-', "\\-").replace('~', "\\(ti")
}
