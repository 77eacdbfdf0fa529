//! What the name of a file that has begun may become.

use std::fs;
use std::path::Path;

use crate::meta_command::file;

/// The words that `word` may become, which begins a file's name; quoted where they have to be.
pub(super) fn complete(word: &str) -> Vec<String> {
    let begun = word.trim_start_matches(['\'', '"']);
    let (directory, prefix) = begun.split_at(begun.rfind('/').map_or(0, |slash| slash + 1));
    let place = if directory.is_empty() { Path::new(".").to_owned() } else { file(directory) };
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    let is_quoted = begun.len() < word.len();
    let candidate = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_hidden = name.starts_with('.') && !prefix.starts_with('.');
        let fits = name.starts_with(prefix) && !is_hidden && !name.contains(char::is_control);
        let is_directory = entry.path().is_dir();
        fits.then(|| as_word(&format!("{directory}{name}"), is_quoted, is_directory))
    };
    let mut found: Vec<String> = entries.flatten().filter_map(candidate).collect();
    found.sort_unstable();
    found
}

/// The name as a command takes it; one of a directory goes on.
fn as_word(name: &str, is_quoted: bool, is_directory: bool) -> String {
    let needs_quotes = is_quoted || name.contains([' ', '\'', '"', ';', '\\']);
    match (needs_quotes, is_directory) {
        (false, false) => name.to_owned(),
        (false, true) => format!("{name}/"),
        (true, false) => format!("'{}'", name.replace('\'', "''")),
        (true, true) => format!("'{}/", name.replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a.sql", "b c.sql", ".hidden", "it's.sql"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        fs::create_dir(directory.path().join("below")).unwrap();
        let path = directory.path().display();
        let check = |word: &str, expected: &[&str]| {
            let expected: Vec<String> =
                expected.iter().map(|name| name.replacen('@', &path.to_string(), 1)).collect();
            assert_eq!(complete(&word.replacen('@', &path.to_string(), 1)), expected, "{word}");
        };
        check("@/a", &["@/a.sql"]);
        check("@/b", &["'@/b c.sql'", "@/below/"]);
        check("'@/b", &["'@/b c.sql'", "'@/below/"]);
        check("@/it", &["'@/it''s.sql'"]);
        check("@/.h", &["@/.hidden"]);
        check("@/below/", &[]);
        check("@/nowhere/x", &[]);
        assert_eq!(complete(&format!("{path}/")).len(), 4, "nothing that is hidden");
    }
}
