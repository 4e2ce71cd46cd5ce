//! Opening the session store and its key ring.

use std::path::PathBuf;
use std::sync::Arc;

use cloakroom_vault::{
    KeyRing, KeyRingError, Limits, MemoryStore, OpenSqliteError, SqliteStore, Store, Vault,
};
use thiserror::Error;

use crate::keys::{self, KeysError};
use crate::settings::config::StoreSetting;

/// Why the store cannot be opened. It stops the start.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    #[error("{0}")]
    Sqlite(#[from] OpenSqliteError),
    #[error("{0}")]
    Keys(#[from] KeysError),
    #[error("{0}")]
    Ring(#[from] KeyRingError),
    #[error(
        "there is no state folder for this user: name the store's file, as in CLOAKROOM_STORE=sqlite:/var/lib/cloakroom/sessions.db"
    )]
    NoStateFolder,
}

/// Opens the store. The text says where it is, for the start-up log.
pub(crate) async fn open(
    setting: &StoreSetting,
    ring: Option<KeyRing>,
) -> Result<(Vault, String), OpenError> {
    match setting {
        StoreSetting::Memory => {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Limits::default()));
            let ring = match ring {
                Some(ring) => ring,
                None => keys::for_this_run()?,
            };
            Ok((
                Vault::new(store, ring),
                "memory: (sessions end with this process)".to_owned(),
            ))
        }
        StoreSetting::Sqlite(path) => {
            let path = match path {
                Some(path) => path.clone(),
                None => default_path().ok_or(OpenError::NoStateFolder)?,
            };
            let store: Arc<dyn Store> =
                Arc::new(SqliteStore::open(&path, Limits::default()).await?);
            let ring = match ring {
                Some(ring) => ring,
                None => keys::kept_beside(&path)?,
            };
            Ok((
                Vault::new(store, ring),
                format!("sqlite:{}", path.display()),
            ))
        }
    }
}

/// `cloakroom/sessions.db` in the user's state folder (XDG Base Directory Specification), or where the system keeps such.
fn default_path() -> Option<PathBuf> {
    let folder = dirs::state_dir().or_else(dirs::data_local_dir)?;
    Some(folder.join("cloakroom").join("sessions.db"))
}
