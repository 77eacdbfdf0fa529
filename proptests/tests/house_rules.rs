//! House rules of DESIGN.md and STYLE.md that a compiler does not know, read from the sources.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};

use spg_proptests::skip::workspace;

/// Modules of the engine that a module may use, itself aside; those not listed may use all. `error` and `limits` are
/// everybody's; `Error`, `Result`, `SqlState`, `Value`, `ValueRef`, `DataType` at the crate's root are `error`'s and `types`'.
const MAY_USE: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("crypto", &[]),
    ("disk", &["open_error"]),
    ("encoding", &["types", "storage"]),
    ("identity", &[]),
    ("open_error", &[]),
    ("error", &["types"]),
    ("limits", &[]),
    ("storage", &["types", "identity"]),
    ("audit", &["crypto", "disk", "encoding", "identity", "open_error"]),
    ("checkpoint", &["crypto", "disk", "encoding", "identity", "open_error", "storage", "types"]),
    ("parser", &["types"]),
    // Constants are folded by the executor's own expressions: what a statement means is written once.
    ("metrics", &["parser"]),
    ("system", &["types", "parser", "storage", "metrics"]),
    ("binder", &["types", "parser", "storage", "system", "executor"]),
    ("planner", &["types", "parser", "storage", "binder", "executor"]),
    ("executor", &["types", "parser", "storage", "system", "binder", "planner"]),
    ("wal", &["disk", "encoding", "identity", "metrics", "open_error"]),
    ("locks", &["storage", "executor", "sync"]),
    // What is kept of statements for the audit log is digested as that log digests it.
    (
        "transaction",
        &[
            "types", "parser", "storage", "binder", "planner", "executor", "audit", "identity",
            "locks", "metrics", "sync",
        ],
    ),
    (
        "backup",
        &[
            "audit",
            "checkpoint",
            "crypto",
            "disk",
            "durability",
            "encoding",
            "identity",
            "open_error",
            "storage",
            "wal",
        ],
    ),
    (
        "durability",
        &[
            "audit",
            "checkpoint",
            "crypto",
            "disk",
            "encoding",
            "identity",
            "metrics",
            "open_error",
            "storage",
            "transaction",
            "types",
            "wal",
        ],
    ),
];

const LINES_MAX: usize = 600;

/// A source file: its path from the workspace's root and its lines, comments cut off and tests kept apart.
struct Source {
    path: String,
    text: String,
    code: Vec<String>,
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let mut faults = Vec::new();
    for source in sources("engine/src") {
        let module = module_of(&source.path);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else { continue };
        for used in used_modules(&source.code) {
            let common = used == module
                || used == "error"
                || used == "sabotage"
                || (used == "limits" && module != "crypto");
            if !common && !allowed.contains(&used.as_str()) {
                faults.push(format!("{} uses {used}", source.path));
            }
        }
        if module == "crypto" && used_modules(&source.code).iter().any(|used| used == "error") {
            faults.push(format!("{} uses error", source.path));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_commit_publishes() {
    let stores = |source: &Source| source.code.iter().any(|line| is_publication(line));
    let publishers: Vec<String> =
        sources("engine/src").filter(stores).map(|source| source.path).collect();
    assert_eq!(publishers, ["engine/src/transaction/commit.rs"]);
}

#[test]
fn only_storage_names_the_persistent_map() {
    let names = |source: &Source| source.code.iter().any(|line| names_crate(line, "im"));
    let outside: Vec<String> = sources("engine/src")
        .filter(|source| module_of(&source.path) != "storage")
        .filter(names)
        .map(|source| source.path)
        .collect();
    assert!(outside.is_empty(), "{outside:?} name im::");
    assert!(
        sources("engine/src").any(|source| names(&source)),
        "the rule no longer sees any use of im::"
    );
}

#[test]
fn only_disk_opens_files_and_nothing_opens_sockets() {
    let names = |source: &Source, forbidden: &[&str]| {
        source.code.iter().any(|line| forbidden.iter().any(|name| line.contains(name)))
    };
    let files = ["std::fs", "std::os", "std::{fs", "std::{os", "rustix::"];
    let (disk, others): (Vec<Source>, Vec<Source>) =
        sources("engine/src").partition(|source| module_of(&source.path) == "disk");
    assert!(
        disk.iter().any(|source| names(source, &["std::fs"])),
        "the rule no longer sees any use of std::fs"
    );
    let sockets = ["std::net", "std::process::Command"];
    let faults: Vec<&String> = others
        .iter()
        .filter(|source| names(source, &files))
        .chain(disk.iter().chain(&others).filter(|source| names(source, &sockets)))
        .map(|source| &source.path)
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn the_wire_is_a_leaf() {
    let faults: Vec<String> = sources("server/wire")
        .filter(|source| {
            source
                .code
                .iter()
                .any(|line| names_crate(line, "spg_engine") || names_crate(line, "spg_server"))
        })
        .map(|source| source.path)
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    let manifest = std::fs::read_to_string(workspace().join("server/wire/Cargo.toml")).unwrap();
    let ours = ["spg-engine", "spg-server", "path ="];
    assert!(
        !ours.iter().any(|name| manifest.contains(name)),
        "spg-wire depends on nothing of ours"
    );
}

#[test]
fn files_begin_with_their_purpose_and_end_in_time() {
    let mut faults = Vec::new();
    for folder in ["engine", "server", "cli", "proptests"] {
        for source in sources(folder) {
            if !source.text.starts_with("//! ") {
                faults.push(format!("{}: line 1 does not say what the file is for", source.path));
            }
            let lines = source.text.lines().count();
            if lines > LINES_MAX {
                faults.push(format!("{}: {lines} lines", source.path));
            }
            let unfinished = ["TO", "DO"].concat();
            if source.text.contains(&unfinished) {
                faults.push(format!("{}: unfinished work", source.path));
            }
            if source.text.contains(&["[al", "low("].concat()) {
                faults.push(format!("{}: allow instead of expect", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_rules_see_what_they_look_for() {
    let code = [
        "use crate::{Error, Result};".to_owned(),
        "use crate::storage::table::Table;".to_owned(),
        "let x = crate::planner::plan::Plan::new();".to_owned(),
        "use crate::{executor, transaction::{self, commit}};".to_owned(),
    ];
    let used = used_modules(&code);
    assert_eq!(used, ["error", "storage", "planner", "executor", "transaction"]);
    assert!(names_crate("use im::OrdMap;", "im"));
    assert!(names_crate("    map: im::OrdMap<u8, u8>,", "im"));
    assert!(!names_crate("let dim::x;", "im"));
    assert!(is_publication("self.published.store(root);"));
    assert!(!is_publication("flag.store(true, Ordering::Relaxed);"));
}

/// All `.rs` files under `folder`.
fn sources(folder: &str) -> impl Iterator<Item = Source> {
    let mut paths = Vec::new();
    find_sources(&workspace().join(folder), &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "{folder} has no sources");
    paths.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = code_of(&text);
        let path = path.strip_prefix(workspace()).unwrap().display().to_string();
        Source { path, text, code }
    })
}

fn find_sources(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                find_sources(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The lines before the unit tests, without comments. `use a::{` lists are brought to one line.
fn code_of(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut open_use = false;
    for line in text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")) {
        let line = line.split("//").next().unwrap_or_default();
        if open_use {
            lines.last_mut().unwrap().push_str(line.trim());
        } else {
            lines.push(line.to_owned());
        }
        let is_use =
            line.trim_start().starts_with("use ") || line.trim_start().starts_with("pub use ");
        open_use = (open_use || is_use) && !line.contains(';');
    }
    lines
}

/// `storage` for `engine/src/storage/key.rs` and for `engine/src/storage.rs`.
fn module_of(path: &str) -> String {
    let inner = path.strip_prefix("engine/src/").unwrap_or(path);
    inner.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// First segments of the paths behind `crate::`, lists taken apart.
fn used_modules(code: &[String]) -> Vec<String> {
    let mut used: Vec<String> = Vec::new();
    for line in code {
        for (place, _) in line.match_indices("crate::") {
            if line[..place].ends_with('$') {
                continue;
            }
            for name in first_segments(&line[place + "crate::".len()..]) {
                let name = match name.as_str() {
                    "Error" | "Result" | "SqlState" => "error".to_owned(),
                    "Value" | "ValueRef" | "DataType" => "types".to_owned(),
                    _ => name,
                };
                if !used.contains(&name) {
                    used.push(name);
                }
            }
        }
    }
    used
}

/// `a` of `a::b`; `a` and `c` of `{a::b, c::{d, e}}`.
fn first_segments(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = path.strip_prefix('{') else { return vec![word(path)] };
    let mut segments = vec![word(list)];
    let mut depth = 0_u32;
    for (place, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => segments.push(word(&list[place + 1..])),
            _ => {}
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

/// Whether `name::` stands in the line as a path's first segment.
fn names_crate(line: &str, name: &str) -> bool {
    let path = format!("{name}::");
    line.match_indices(&path).any(|(place, _)| {
        !line[..place].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

/// A call of `RootCell::store`: the one `store` without a memory ordering.
fn is_publication(line: &str) -> bool {
    line.contains(".store(") && !line.contains("Ordering::") && !line.contains("current.store(")
        || line.contains("RootCell::store")
}
