//! Makes shell completions and manual pages of the definitions of the command line and of the daemon's. The program
//! carries them, compressed, and prints them (`src/generated.rs`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::Shell;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::command_line::{Arguments, memory_limit};

#[expect(dead_code, unused_imports, reason = "the program reads what is declared there")]
#[path = "src/command_line/mod.rs"]
mod command_line;
#[path = "../server/src/command_line/mod.rs"]
mod daemon_command_line;
#[expect(
    dead_code,
    unreachable_pub,
    reason = "most are the library's, which offers them to others"
)]
#[path = "../server/src/limits.rs"]
mod limits;
mod manual;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=manual.rs");
    for definition in ["src/command_line", "../server/src/command_line", "../server/src/limits.rs"]
    {
        println!("cargo::rerun-if-changed={definition}");
    }
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    for (kind, files) in [("completions", completions()), ("man_pages", man_pages(&out)?)] {
        embed(kind, &files, &out)?;
    }
    Ok(())
}

/// A name and what it stands for.
type Named = (String, Vec<u8>);

/// The two programs.
fn programs() -> [Command; 2] {
    [Arguments::command(), daemon_command_line::Words::command()]
}

/// The completions of each program in each shell, as `spg.bash`.
fn completions() -> Vec<Named> {
    let mut files = Vec::new();
    for mut program in programs() {
        let name = program.get_name().to_owned();
        for shell in Shell::value_variants() {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut program, &name, &mut text);
            files.push((format!("{name}.{shell}"), text));
        }
    }
    files
}

/// A page for each program and each subcommand, by the name of its file.
fn man_pages(out: &Path) -> io::Result<Vec<Named>> {
    let directory = out.join("man");
    // Of an earlier build, which may have known other subcommands.
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir(&directory)?;
    for program in programs() {
        clap_mangen::generate_to(program, &directory)?;
    }
    let mut pages = Vec::new();
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        let mut page = as_laid_out(&fs::read_to_string(entry.path())?);
        let name = entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned());
        page.push_str(&manual::sections(&name.unwrap_or_default(), &programs()[1]));
        pages.push((entry.file_name().to_string_lossy().into_owned(), page.into_bytes()));
    }
    pages.sort();
    Ok(pages)
}

/// Keeps the lines of what a command's help has at its end: they are columns.
fn as_laid_out(page: &str) -> String {
    match page.split_once(".SH EXTRA\n") {
        Some((page, text)) => format!("{page}.SH NOTES\n.nf\n{text}.fi\n"),
        None => page.to_owned(),
    }
}

/// Writes each of `files`, compressed, and `KIND.rs`: an array of their names and bytes.
fn embed(kind: &str, files: &[Named], out: &Path) -> io::Result<()> {
    let mut array = String::from("[\n");
    for (name, text) in files {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(text)?;
        fs::write(out.join(format!("{name}.gz")), packed.finish()?)?;
        let bytes = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.gz\"))");
        array.extend(["    (\"", name, "\", ", &bytes, ".as_slice()),\n"]);
    }
    array.push(']');
    fs::write(out.join(format!("{kind}.rs")), array)
}
