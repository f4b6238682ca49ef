//! Files that somebody else may have chosen: by `TZ`, in a setting, in a folder of leases. A device and a pipe have no
//! length that could be trusted, and reading them may never end, so only regular files are opened.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The octets of a regular file that is not longer than `limit`; a longer one is an error of the kind `FileTooLarge`.
/// Waits for the disk: not for an asynchronous task.
pub(super) fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>> {
    // Before it is opened: opening a pipe waits for somebody who writes into it.
    let is_regular = |metadata: std::fs::Metadata| {
        if metadata.is_file() { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput, "not a regular file")) }
    };
    is_regular(std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    // And after, for it may be another one now.
    is_regular(file.metadata()?)?;
    let mut octets = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut octets)?;
    if octets.len() > limit { Err(ErrorKind::FileTooLarge.into()) } else { Ok(octets) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_bounded_length() {
        let folder = std::env::temp_dir().join(format!("truepath-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("four");
        std::fs::write(&path, "four").unwrap();
        assert_eq!(read_file(&path, 4).unwrap(), b"four");
        assert_eq!(read_file(&path, 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read_file(&folder, 4).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(read_file(&folder.join("none"), 4).unwrap_err().kind(), ErrorKind::NotFound);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_pipes_are_not_read() {
        assert_eq!(read_file(Path::new("/dev/zero"), 4).unwrap_err().kind(), ErrorKind::InvalidInput);
        let pipe = std::env::temp_dir().join(format!("truepath-pipe-{}", std::process::id()));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(read_file(&pipe, 4).unwrap_err().kind(), ErrorKind::InvalidInput);
        std::fs::remove_file(&pipe).unwrap();
    }
}
