//! `completions` and `man`: what shells and the manual know of the command line, as the build made it of its definition.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use clap::ValueEnum;
use flate2::read::GzDecoder;

use crate::command_line::ShellName;

/// A name and what it stands for, gzipped.
type Named = (&'static str, &'static [u8]);

/// Each shell's completions.
const COMPLETIONS: &[Named] = &include!(concat!(env!("OUT_DIR"), "/completions.rs"));

/// The manual, by the names of its files.
const MAN_PAGES: &[Named] = &include!(concat!(env!("OUT_DIR"), "/man_pages.rs"));

/// Writes a shell's completions onto `out`.
pub(crate) fn completions(shell: ShellName, out: &mut dyn Write) -> io::Result<()> {
    let shell = shell.to_possible_value().expect("no shell is hidden");
    let named = COMPLETIONS.iter().find(|(name, _)| *name == shell.get_name());
    let (_, packed) = named.expect("the build makes completions for each shell");
    unpack(packed, out)
}

/// Writes a manual page for the command and each of its subcommands into a directory.
pub(crate) fn man_pages(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, packed) in MAN_PAGES {
        unpack(packed, &mut File::create(directory.join(name))?)?;
    }
    Ok(())
}

fn unpack(packed: &[u8], out: &mut dyn Write) -> io::Result<()> {
    io::copy(&mut GzDecoder::new(packed), out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_has_completions() {
        for shell in ShellName::value_variants() {
            let mut text = Vec::new();
            completions(*shell, &mut text).unwrap();
            assert!(String::from_utf8(text).unwrap().contains("data-dir"), "{shell:?}");
        }
        assert_eq!(COMPLETIONS.len(), ShellName::value_variants().len());
    }
}
