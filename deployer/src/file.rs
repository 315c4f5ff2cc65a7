//! Files that a person names: read as far as they may be long, since a device or a pipe tells no length and may have no
//! end.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// A file's bytes, or `None` where it has more than `limit` of them; no more are read, and all are wiped when they go.
///
/// A pipe is waited for until its writer is done.
///
/// # Errors
/// What the system says.
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // Room for all of it, so that its growth leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
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
    fn what_is_read_was_never_moved() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; 1000]).unwrap();
        assert_eq!(read(file.path(), 1000).unwrap().unwrap().capacity(), 1001);
    }
}
