//! Makes shell completions and manual pages of the definition of the command line. The program carries them, compressed,
//! and prints them (`src/generated.rs`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::command_line::Arguments;

#[expect(dead_code, unused_imports, reason = "the program reads what is declared there")]
#[path = "src/command_line/mod.rs"]
mod command_line;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/command_line");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    for (kind, files) in [("completions", completions()), ("man_pages", man_pages(&out)?)] {
        embed(kind, &files, &out)?;
    }
    Ok(())
}

/// A name and what it stands for.
type Named = (String, Vec<u8>);

/// The completions of each shell, by its name.
fn completions() -> Vec<Named> {
    let of = |shell: &Shell| {
        let mut text = Vec::new();
        clap_complete::generate(*shell, &mut Arguments::command(), "spg", &mut text);
        (shell.to_string(), text)
    };
    Shell::value_variants().iter().map(of).collect()
}

/// A page for the command and each of its subcommands, by the name of its file.
fn man_pages(out: &Path) -> io::Result<Vec<Named>> {
    let directory = out.join("man");
    // Of an earlier build, which may have known other subcommands.
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir(&directory)?;
    clap_mangen::generate_to(Arguments::command(), &directory)?;
    let mut pages = Vec::new();
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        let page = as_laid_out(&fs::read_to_string(entry.path())?);
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
