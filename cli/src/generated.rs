//! `completions` and `man`: what shells and the manual know of the command line, made from its definition.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;

/// Writes a shell's completions onto `out`.
pub(crate) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "spg", &mut text);
    out.write_all(&text)?;
    out.flush()
}

/// Writes a manual page for the command and each of its subcommands into a directory.
pub(crate) fn man_pages(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(Arguments::command(), directory)
}
