//! Files that a person names: read as far as they may be long, since a device or a pipe tells no length and may have no
//! end; and who else may write them.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use zeroize::Zeroizing;

/// Permission of the group, and of all others, to write.
const WRITABLE: u32 = 0o022;
/// In such a folder nobody renames or removes what another one owns.
const STICKY: u32 = 0o1000;
/// A pipe that took a file's place would be waited for, and a terminal would become this process's.
const NOT_WAITING: rustix::fs::OFlags = rustix::fs::OFlags::NONBLOCK.union(rustix::fs::OFlags::NOCTTY);

/// A file's bytes, or `None` where it has more than `limit` of them; no more are read, and all are wiped when they go.
///
/// A pipe is waited for until its writer is done.
///
/// # Errors
/// What the system says.
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    read_open(File::open(path)?, limit)
}

/// The same of a file that is open.
///
/// # Errors
/// What the system says.
pub(crate) fn read_open(file: File, limit: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // Room for all of it, so that its growth leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

/// Opens a file; `None` for a folder, a pipe or a device, which is neither opened nor waited for.
///
/// # Errors
/// What the system says.
pub(crate) fn open_regular(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    // Opening a device may do something.
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let flags = i32::try_from(NOT_WAITING.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // What is open is what is looked at, whatever has taken the path since.
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata)))
}

/// Why somebody else may have written a file, or put it in its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Shared {
    /// It is somebody else's.
    #[error("another user owns it: take a copy of your own (`cp`), once you have looked at it")]
    Owner,
    /// Others may write it.
    #[error("other users may write it: `chmod go-w {path}`, once you have looked at it", path = .0.display())]
    File(PathBuf),
    /// Others may put another one in its place.
    #[error(
        "other users may put another file in its place: `chmod go-w {path}`, or move it to a folder of your own",
        path = .0.display()
    )]
    Folder(PathBuf),
    /// The path leads elsewhere.
    #[error("it is a symbolic link, or was replaced just now: name the file itself")]
    Link,
    /// It can't be looked at.
    #[error(transparent)]
    Unknown(#[from] io::Error),
}

/// Whether the caller, or root, alone may have written the open file of that path, and put it there.
///
/// Whose the folder is does not count: a container's root works in the folder of a user of the host's.
///
/// # Errors
/// Who else may have.
pub(crate) fn check_own(path: &Path, open: &Metadata) -> Result<(), Shared> {
    let named = fs::symlink_metadata(path)?;
    if (named.dev(), named.ino()) != (open.dev(), open.ino()) {
        return Err(Shared::Link);
    }
    if open.uid() != 0 && open.uid() != geteuid().as_raw() {
        return Err(Shared::Owner);
    }
    if open.mode() & WRITABLE != 0 {
        return Err(Shared::File(path.to_owned()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = fs::metadata(folder)?.mode();
    if mode & WRITABLE != 0 && mode & STICKY == 0 {
        return Err(Shared::Folder(folder.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_never_beyond() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (length, is_read) in [(0, true), (9, true), (10, true), (11, false), (5000, false)] {
            std::fs::write(file.path(), vec![b'x'; length]).unwrap();
            let read = read(file.path(), 10).unwrap();
            assert_eq!(read.map(|bytes| bytes.len()), is_read.then_some(length), "{length}");
        }
    }

    #[test]
    fn a_device_without_end_is_too_long() {
        assert!(read(Path::new("/dev/zero"), 1000).unwrap().is_none());
        assert_eq!(read(Path::new("/dev/null"), 1000).unwrap().map(|bytes| bytes.len()), Some(0));
    }

    #[test]
    fn a_pipe_a_folder_and_a_device_are_not_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        for other in [path.as_path(), folder.path(), Path::new("/dev/zero"), Path::new("/dev/tty")] {
            // A terminal may not be there at all.
            assert!(matches!(open_regular(other), Ok(None) | Err(_)), "{}", other.display());
        }
        assert!(open_regular(Path::new("/proc/self/status")).unwrap().is_some());
        assert!(open_regular(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn a_file_that_somebody_else_may_write_or_replace_is_not_the_caller_s_own() {
        use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("plan"), folder.path().join("link"));
        fs::write(&path, "x").unwrap();
        symlink("plan", &link).unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let check =
            |path: &Path| check_own(path, &open_regular(path).unwrap().unwrap().1).map_err(|why| why.to_string());
        for (of_file, of_folder, told) in [
            (0o600, 0o700, None),
            // As an artifact is downloaded.
            (0o644, 0o755, None),
            (0o444, 0o755, None),
            (0o755, 0o755, None),
            (0o600, 0o1777, None),
            (0o600, 0o1770, None),
            (0o664, 0o755, Some("chmod go-w ")),
            (0o646, 0o755, Some("chmod go-w ")),
            (0o666, 0o1777, Some("other users may write it")),
            (0o600, 0o777, Some("another file in its place: `chmod go-w ")),
            (0o600, 0o770, Some("another file in its place")),
        ] {
            mode(&path, of_file);
            mode(folder.path(), of_folder);
            match (check(&path), told) {
                (Ok(()), None) => {}
                (Err(why), Some(told)) => assert!(why.contains(told), "{why}"),
                (found, _) => panic!("{of_file:o} in {of_folder:o}: {found:?}"),
            }
        }
        mode(&path, 0o600);
        mode(folder.path(), 0o700);
        assert!(check(&link).unwrap_err().contains("symbolic link"));
        // Only root may give a file away.
        if geteuid().is_root() {
            chown(&path, Some(65_534), None).unwrap();
            assert!(check(&path).unwrap_err().contains("another user owns it"));
            chown(&path, Some(0), None).unwrap();
        }
        let open = open_regular(&path).unwrap().unwrap().1;
        fs::rename(&path, folder.path().join("away")).unwrap();
        fs::write(&path, "y").unwrap();
        assert!(matches!(check_own(&path, &open), Err(Shared::Link)), "it was replaced after it was opened");
    }

    #[test]
    fn what_is_read_was_never_moved() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; 1000]).unwrap();
        assert_eq!(read(file.path(), 1000).unwrap().unwrap().capacity(), 1001);
    }
}
