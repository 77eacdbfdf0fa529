//! `completions` and `man`: what the build made of the definition of the command line.

use std::collections::BTreeSet;
use std::fs;

use crate::support::spg;

/// The subcommands that `spg --help` lists.
fn subcommands() -> BTreeSet<String> {
    let help = spg(&["--help"]).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.take_while(|line| !line.is_empty()).filter_map(|line| {
        let is_name = line.starts_with("  ") && !line.starts_with("   ");
        is_name.then(|| line.split_whitespace().next().unwrap_or_default().to_owned())
    });
    names.filter(|name| name != "help").collect()
}

#[test]
fn each_shell_is_told_every_subcommand() {
    let commands = subcommands();
    assert!(commands.contains("query") && commands.contains("man"), "{commands:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = spg(&["completions", shell]);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{shell}");
        for word in commands.iter().map(String::as_str).chain(["data-dir", "expect-head"]) {
            assert!(run.out.contains(word), "{shell}: {word}");
        }
        let daemon = spg(&["completions", shell, "--of", "spg-server"]);
        assert_eq!((daemon.status, daemon.err.as_str()), (0, ""), "{shell}");
        assert!(daemon.out.contains("max-connections"), "{shell}");
    }
    assert_eq!(spg(&["completions", "tcsh"]).status, 2);
}

#[test]
fn each_subcommand_has_a_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man/man1");
    let run = spg(&["man", pages.to_str().unwrap()]);
    assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, "", ""));
    for command in subcommands() {
        let page = fs::read_to_string(pages.join(format!("spg-{command}.1"))).unwrap();
        assert!(page.contains(".TH spg-") && page.contains("SYNOPSIS"), "{command}: {page}");
    }
    let page = fs::read_to_string(pages.join("spg-shell.1")).unwrap();
    assert!(page.contains("\n\\\\import TABLE FILE [\\-\\-create]  load"), "{page}");
    assert!(spg(&["shell", "--help"]).out.contains("\\import TABLE FILE [--create]  load"));
    let daemon = fs::read_to_string(pages.join("spg-server.1")).unwrap();
    assert!(daemon.contains("SPG_DATA_DIR") && daemon.contains("127.0.0.1:5544"), "{daemon}");
    assert!(!daemon.contains("hello"), "what is for tests is not in it: {daemon}");
    let whole = fs::read_to_string(pages.join("spg.1")).unwrap();
    assert!(whole.contains(env!("CARGO_PKG_VERSION")), "{whole}");

    for (page, words) in [
        ("spg.1", &["SPG_ADDR", "SPG_SESSION", "PAGER", "VISUAL", "NO_COLOR", ".spg_history"][..]),
        ("spg-shell.1", &["SPG_ADDR", "SPG_SESSION", "EDITOR", "HOME", ".spg_history"]),
        ("spg-export.1", &["SPG_ADDR", "lost"]),
        ("spg-audit-list.1", &["SPG_ADDR", "damaged"]),
        ("spg-server.1", &["SPG_DB", "SPG_WAL", "SPG_AUDIT_KEY_FILE", "SPG_LOG", "NOTIFY_SOCKET"]),
    ] {
        let text = fs::read_to_string(pages.join(page)).unwrap();
        let (_, status) = text.split_once("\n.SH \"EXIT STATUS\"\n").expect(page);
        assert!(status.contains("\n.SH ENVIRONMENT\n"), "{page}: {status}");
        for word in words {
            assert!(status.contains(word), "{page}: {word}: {status}");
        }
        let has_files = text.contains("\n.SH FILES\n");
        assert_eq!(has_files, words.contains(&".spg_history") || page == "spg-server.1", "{page}");
    }
    let version = fs::read_to_string(pages.join("spg-version.1")).unwrap();
    assert!(!version.contains("PAGER"), "{version}");

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let run = spg(&["man", file.to_str().unwrap()]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("could not write to"), "{run:?}");
}
