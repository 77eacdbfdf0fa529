//! `completions` and `man`: what shells and the manual know of the command line and of the daemon's, as the build made it
//! of their definitions.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use clap::ValueEnum;
use flate2::read::GzDecoder;

use crate::command_line::{ProgramName, ShellName};

/// A name and what it stands for, gzipped.
type Named = (&'static str, &'static [u8]);

/// Completions, by program and shell: `spg.bash`.
const COMPLETIONS: &[Named] = &include!(concat!(env!("OUT_DIR"), "/completions.rs"));

/// The manual, by the names of its files.
const MAN_PAGES: &[Named] = &include!(concat!(env!("OUT_DIR"), "/man_pages.rs"));

/// Writes a shell's completions of a program onto `out`.
pub(crate) fn completions(
    shell: ShellName,
    program: ProgramName,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shell = shell.to_possible_value().expect("no shell is hidden");
    let program = program.to_possible_value().expect("no program is hidden");
    let wanted = format!("{}.{}", program.get_name(), shell.get_name());
    let named = COMPLETIONS.iter().find(|(name, _)| *name == wanted);
    let (_, packed) = named.expect("the build makes completions for each shell");
    unpack(packed, out)
}

/// Writes a manual page for each program and each subcommand into a directory.
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
        let (shells, programs) = (ShellName::value_variants(), ProgramName::value_variants());
        for shell in shells {
            for program in programs {
                let mut text = Vec::new();
                completions(*shell, *program, &mut text).unwrap();
                assert!(String::from_utf8(text).unwrap().contains("data-dir"), "{shell:?}");
            }
        }
        assert_eq!(COMPLETIONS.len(), shells.len() * programs.len());
    }
}
