//! The file of the audit chain's key, which must not lie where whoever changes the chain's files finds it.

use std::path::Path;

use crate::audit::Key;
use crate::disk::directory_of;
use crate::disk::real::{read_secret, resolve};
use crate::durability::files::Files;
use crate::open_error::{OpenError, OpenErrorKind};

/// Reads the key for the audit log of `files`: 32 bytes or 64 hexadecimal digits, readable by the owner alone, and in no
/// directory of the files or below one.
pub fn read_audit_key(path: &Path, files: &Files) -> Result<Key, OpenError> {
    let io = |error| OpenError::io(path, "read the key", &error);
    let usage = |message: &str| OpenError::new(OpenErrorKind::Usage, path, message);
    let place = resolve(path).map_err(io)?;
    for file in files.paths() {
        // A directory that is not there yet holds no key.
        let Ok(file) = resolve(file) else { continue };
        if place.starts_with(directory_of(&file)) {
            return Err(usage("the key lies beside the files that it guards")
                .with_hint("keep it where whoever can write those files cannot read it"));
        }
    }
    let content = read_secret(&place).map_err(|error| {
        io(error)
            .with_hint("make it a regular file with chmod 600, and its owner whoever runs this")
    })?;
    Key::parse(&content).ok_or_else(|| {
        usage("it holds no key").with_hint(
            "a key is 32 bytes, or 64 hexadecimal digits: head -c 32 /dev/urandom > FILE",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_key_lies_apart_from_the_files_and_is_its_owners_alone() {
        let above = tempfile::tempdir().unwrap();
        let path = |name: &str| above.path().join(name);
        fs::create_dir_all(path("data/below")).unwrap();
        fs::create_dir(path("keys")).unwrap();
        let files = Files::in_directory(&path("data"));
        for (name, is_fine) in [
            ("keys/key", true),
            ("data/key", false),
            ("data/below/key", false),
            ("data/../keys/key", true),
        ] {
            fs::write(path(name), [7; 32]).unwrap();
            fs::set_permissions(path(name), Permissions::from_mode(0o600)).unwrap();
            assert_eq!(read_audit_key(&path(name), &files).is_ok(), is_fine, "{name}");
        }
        // A link tells nothing of where the key is.
        symlink(path("data/key"), path("keys/link")).unwrap();
        let error = read_audit_key(&path("keys/link"), &files).unwrap_err();
        assert_eq!(error.kind(), OpenErrorKind::Usage, "{error}");
        symlink(path("keys/key"), path("data/link")).unwrap();
        read_audit_key(&path("data/link"), &files).unwrap();
        fs::set_permissions(path("keys/key"), Permissions::from_mode(0o644)).unwrap();
        let error = read_audit_key(&path("keys/key"), &files).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        fs::write(path("data/../keys/short"), [7; 31]).unwrap();
        fs::set_permissions(path("keys/short"), Permissions::from_mode(0o600)).unwrap();
        let error = read_audit_key(&path("keys/short"), &files).unwrap_err();
        assert!(error.to_string().contains("64 hexadecimal digits"), "{error}");
        assert_eq!(read_audit_key(&path("absent"), &files).unwrap_err().kind(), OpenErrorKind::Io);
    }
}
