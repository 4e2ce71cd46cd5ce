//! The key ring: from the settings, else, on loopback only, one that is made and kept beside the store.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use cloakroom_bff::{Random as _, SystemRandom};
use cloakroom_vault::{KeyRing, KeyRingError, encode_key};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why the kept key ring cannot be used.
#[derive(Debug, Error)]
pub(crate) enum KeysError {
    #[error("the key file {path} cannot be read or made: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the key file {path} is not a key ring: {source} (delete it to begin anew; everybody is signed out by that)"
    )]
    Ring { path: PathBuf, source: KeyRingError },
}

/// A new random key, as `CLOAKROOM_KEYS` takes it.
pub(crate) fn new_key() -> Zeroizing<String> {
    let mut key = Zeroizing::new([0_u8; 32]);
    SystemRandom.fill(&mut *key);
    encode_key(&key)
}

/// A ring for this run alone, for a store that is gone with it.
pub(crate) fn for_this_run() -> Result<KeyRing, KeyRingError> {
    KeyRing::parse(&new_key())
}

/// The ring kept beside `store`, made where there is none. Readable by this user alone.
pub(crate) fn kept_beside(store: &Path) -> Result<KeyRing, KeysError> {
    let mut name = store.as_os_str().to_owned();
    name.push(".keys");
    let path = PathBuf::from(name);
    let text = read_or_make(&path).map_err(|source| KeysError::File {
        path: path.clone(),
        source,
    })?;
    KeyRing::parse(text.trim()).map_err(|source| KeysError::Ring { path, source })
}

fn read_or_make(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            let key = new_key();
            file.write_all(key.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            Ok(key)
        }
        // Also where another instance made it a moment ago.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let mut text = Zeroizing::new(String::new());
            std::fs::File::open(path)?.read_to_string(&mut text)?;
            Ok(text)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{KeysError, kept_beside};

    #[test]
    fn a_ring_is_made_once_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("cloakroom.db");
        let first = kept_beside(&store).expect("a ring");
        let second = kept_beside(&store).expect("a ring");
        assert_eq!(first.sealing_key().id(), second.sealing_key().id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.path().join("cloakroom.db.keys"))
                .expect("it is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_broken_file_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("cloakroom.db");
        std::fs::write(folder.path().join("cloakroom.db.keys"), "rubbish").expect("written");
        assert!(matches!(kept_beside(&store), Err(KeysError::Ring { .. })));
        assert_eq!(
            std::fs::read_to_string(folder.path().join("cloakroom.db.keys")).expect("read"),
            "rubbish"
        );
    }
}
