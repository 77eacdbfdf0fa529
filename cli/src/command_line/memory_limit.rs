//! How much memory the database may take: sizes as they are written, and the default from what the machine has.

use std::fs;
use std::path::{Path, PathBuf};

/// Of the memory there is, the share that data may take by default, in percent: the rest is for statements.
const DEFAULT_PERCENT: u64 = 80;

/// Reads `512MB`, `2 GiB` or a plain number of bytes; units are powers of 1,024, as in PostgreSQL's settings.
pub(crate) fn parse(text: &str) -> Result<usize, String> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "kb" | "kib" | "k" => 10,
        "mb" | "mib" | "m" => 20,
        "gb" | "gib" | "g" => 30,
        "tb" | "tib" | "t" => 40,
        _ => return Err("expected a size such as 512MB or 2GB".to_owned()),
    };
    let number: usize =
        digits.parse().map_err(|_| "expected a size such as 512MB or 2GB".to_owned())?;
    match number.checked_mul(1 << shift) {
        Some(0) => Err("a size of zero leaves no room for data".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("the size is larger than any memory".to_owned()),
    }
}

/// The default limit: 80% of the container's limit, or of the machine's memory where that is less; None where
/// neither is known.
pub(crate) fn default_bytes() -> Option<usize> {
    available_bytes(Path::new("/")).map(|bytes| (bytes / 100 * DEFAULT_PERCENT) as usize)
}

/// The least of all bounds that the system states under `root` (`/` but for tests).
fn available_bytes(root: &Path) -> Option<u64> {
    let mut bounds: Vec<u64> = total_memory(root).into_iter().collect();
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    for line in groups.lines() {
        // hierarchy:controllers:path; version 2 has hierarchy 0 and no controllers.
        let mut parts = line.splitn(3, ':');
        let (Some(hierarchy), Some(controllers), Some(path)) =
            (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if hierarchy == "0" && controllers.is_empty() {
            bounds.extend(group_bounds(&root.join("sys/fs/cgroup"), path, "memory.max"));
        } else if controllers.split(',').any(|controller| controller == "memory") {
            let base = root.join("sys/fs/cgroup/memory");
            bounds.extend(group_bounds(&base, path, "memory.limit_in_bytes"));
        }
    }
    bounds.into_iter().min()
}

/// Bounds of a control group and of all above it: each of them holds. (In a container the path may be the host's
/// and not exist here; then the hierarchy's own root counts.)
fn group_bounds(base: &Path, path: &str, file: &str) -> Vec<u64> {
    let group: PathBuf = base.join(path.trim_start_matches('/'));
    let levels = group.ancestors().take_while(|level| level.starts_with(base));
    // "max" and version 1's huge numbers are no bounds; the former does not parse, the latter lose against the total.
    levels
        .filter_map(|level| fs::read_to_string(level.join(file)).ok()?.trim().parse().ok())
        .collect()
}

fn total_memory(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("1", 1),
            ("512MB", 512 << 20),
            ("2 GiB", 2 << 30),
            ("3k", 3 << 10),
            ("1tb", 1 << 40),
            ("17B", 17),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "-1", "1.5GB", "0", "1PB", "99999999999999999999", "99999999TB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    /// Path and content of a file.
    type FileText = (&'static str, &'static str);

    /// A file system with these files.
    fn machine(files: &[FileText]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    #[test]
    fn the_least_bound_counts() {
        let total = ("proc/meminfo", "MemTotal:        8000 kB\nMemFree: 1 kB\n");
        let cases: [(&[FileText], Option<u64>); 6] = [
            (&[], None),
            (&[total], Some(8_192_000)),
            // Version 2 in a container: the path is hidden, the root of the hierarchy has the bound.
            (
                &[total, ("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "1000000\n")],
                Some(1_000_000),
            ),
            (
                &[
                    total,
                    ("proc/self/cgroup", "0::/a/b\n"),
                    ("sys/fs/cgroup/a/memory.max", "500\n"),
                    ("sys/fs/cgroup/a/b/memory.max", "max\n"),
                ],
                Some(500),
            ),
            // Version 1.
            (
                &[
                    total,
                    ("proc/self/cgroup", "5:cpu:/x\n4:hugetlb,memory:/docker/1\n"),
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "700"),
                ],
                Some(700),
            ),
            (
                &[
                    total,
                    ("proc/self/cgroup", "4:memory:/\n"),
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712"),
                ],
                Some(8_192_000),
            ),
        ];
        for (files, expected) in cases {
            assert_eq!(available_bytes(machine(files).path()), expected, "{files:?}");
        }
    }
}
