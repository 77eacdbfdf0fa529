//! How many cores there are for connections to poll on.

use std::fs;
use std::path::Path;

/// The cores this process may use at once; 0 under a CPU quota, where polling would spend what the work needs.
pub(crate) fn to_poll_on() -> usize {
    if has_quota(Path::new("/")) {
        return 0;
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Whether a control group that this process is in, or one above it, has a CPU quota. `root` is `/` but for tests.
fn has_quota(root: &Path) -> bool {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    groups.lines().any(|line| {
        // hierarchy:controllers:path; version 2 has no controllers.
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return false };
        if controllers.is_empty() {
            levels_have(&root.join("sys/fs/cgroup"), path, "cpu.max", |text| {
                !text.starts_with("max")
            })
        } else if controllers.split(',').any(|controller| controller == "cpu") {
            let base = root.join("sys/fs/cgroup/cpu");
            levels_have(&base, path, "cpu.cfs_quota_us", |text| !text.starts_with('-'))
        } else {
            false
        }
    })
}

/// Whether `file` of a group or of one above it says so. (In a container the path may be the host's and not exist here;
/// then the hierarchy's own root counts.)
fn levels_have(base: &Path, path: &str, file: &str, is_quota: fn(&str) -> bool) -> bool {
    let group = base.join(path.trim_start_matches('/'));
    group
        .ancestors()
        .take_while(|level| level.starts_with(base))
        .filter_map(|level| fs::read_to_string(level.join(file)).ok())
        .any(|text| is_quota(text.trim()))
}
