//! A stolen store: a full copy of its bytes opens nothing without the ring, nothing without the tickets, and says of
//! nobody that they were here (design, invariant 3).

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use cloakroom_vault::{
    Change, Consumed, Created, DeletedAt, IndexKey, KeyRing, Listed, LoadError, MemoryStore,
    NewRecord, SqliteStore, Store, StoreError, StoreKey, StoredRecord, Updated, Vault, Version,
    encode_key,
};
use tempfile::TempDir;

use crate::support::{DEADLINES, LIMITS, NOW, contains, ring, seal_id, subject};

const RING: [u8; 32] = *b"a ring key of just thirty-two by";
const TICKET: [u8; 16] = *b"a secret ticket!";
const CONTENT: &[u8] =
    b"access_token=eyJhbGciOiJSUzI1NiJ9 refresh_token=8xLOxBtZp8 email=alice@example.com";
const CHANGED: &[u8] =
    b"access_token=eyJhbGciOiJFUzI1NiJ9 refresh_token=9yMPyCuAq9 email=alice@example.com";
const SUBJECT: &str = "00u1alice2subject3";
const JTI: &[u8] = b"the-jti-of-a-logout-token";

/// Everything that must not stand in a store, in the forms in which it might.
fn secrets() -> Vec<Vec<u8>> {
    let ticket = cloakroom_vault::Ticket::from_bytes(TICKET);
    let mut secrets = vec![
        RING.to_vec(),
        encode_key(&RING).as_bytes()[..40].to_vec(),
        TICKET.to_vec(),
        ticket.to_text().as_bytes().to_vec(),
        JTI.to_vec(),
        b"https://issuer.example".to_vec(),
        SUBJECT.as_bytes().to_vec(),
    ];
    secrets.extend(CONTENT.split(|byte| *byte == b' ').map(<[u8]>::to_vec));
    secrets.extend(CHANGED.split(|byte| *byte == b' ').map(<[u8]>::to_vec));
    let encoded: Vec<Vec<u8>> = secrets
        .iter()
        .flat_map(|secret| {
            let mut hex = String::new();
            for byte in secret {
                write!(hex, "{byte:02x}").unwrap();
            }
            [
                hex,
                STANDARD_NO_PAD.encode(secret),
                URL_SAFE_NO_PAD.encode(secret),
            ]
        })
        .map(String::into_bytes)
        .collect();
    secrets.extend(encoded);
    secrets
}

fn holds_no_secret(bytes: &[u8], whose: &str) {
    for secret in secrets() {
        assert!(
            !contains(bytes, &secret),
            "{whose} holds {:?}",
            String::from_utf8_lossy(&secret)
        );
    }
}

/// A session as it lives: created, changed, touched, found, and an id and a logout beside it.
async fn live(vault: &Vault) {
    let ticket = cloakroom_vault::Ticket::from_bytes(TICKET);
    let terms = [subject(SUBJECT), subject("00u-someone-else")];
    vault
        .create(&ticket, CONTENT, &terms, DEADLINES, NOW, seal_id())
        .await
        .unwrap();
    vault
        .update(&ticket, Version::FIRST, CHANGED, NOW, seal_id())
        .await
        .unwrap();
    vault.touch(&ticket, NOW + 3_600, NOW + 60).await.unwrap();
    vault
        .consume_once("jti", JTI, NOW + 600, NOW)
        .await
        .unwrap();
    vault
        .delete_by_index(&subject("00u9bob"), NOW, Some(NOW + 600))
        .await
        .unwrap();
    assert_eq!(
        vault
            .list_by_index(&subject(SUBJECT), NOW)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        *vault.load(&ticket, NOW).await.unwrap().unwrap().content,
        CHANGED
    );
}

fn victim() -> KeyRing {
    KeyRing::from_keys(vec![RING]).unwrap()
}

/// What a thief can do with the store's interface and any ring but ours, or with our ring and no ticket.
async fn opens_nothing(stolen: Arc<dyn Store>) {
    let ticket = cloakroom_vault::Ticket::from_bytes(TICKET);
    // Even the ticket does not help without the ring.
    let without_ring = Vault::new(Arc::clone(&stolen), ring(&[1, 2, 3]));
    let answer = without_ring.load(&ticket, NOW).await.unwrap_err();
    assert!(matches!(answer, LoadError::UnknownKey { .. }), "{answer:?}");
    assert!(
        without_ring
            .list_by_index(&subject(SUBJECT), NOW)
            .await
            .unwrap()
            .is_empty()
    );

    // The ring does not help without the ticket: put under a ticket of one's own, the record is refused.
    let record = stolen
        .load(&ticket.store_key(), NOW)
        .await
        .unwrap()
        .unwrap();
    let own = cloakroom_vault::Ticket::from_bytes([9; 16]);
    let copied = NewRecord {
        key: own.store_key(),
        sealed: &record.sealed,
        indexes: &[],
        barred_by: &[],
        deadlines: DEADLINES,
        now: NOW,
    };
    stolen.create(copied).await.unwrap();
    // Brought to the version it was sealed for, so that only the place is wrong.
    let key = own.store_key();
    let change = Change {
        key,
        at: Version::FIRST,
        sealed: &record.sealed,
        indexes: None,
        now: NOW,
    };
    stolen.update(change).await.unwrap();
    let with_ring = Vault::new(Arc::clone(&stolen), victim());
    assert!(matches!(
        with_ring.load(&own, NOW).await.unwrap_err(),
        LoadError::Refused
    ));
    assert!(
        victim()
            .open("cloakroom vault record", b"", &[], &record.sealed)
            .is_err()
    );
}

#[tokio::test]
async fn a_copy_of_the_sqlite_files_says_nothing() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(
        SqliteStore::open(folder.path().join("live"), LIMITS)
            .await
            .unwrap(),
    );
    live(&Vault::new(store.clone(), victim())).await;

    // Copied while it runs, with the log beside it, and again after it was closed.
    for moment in ["running", "closed"] {
        let copy = folder.path().join(moment);
        fs::create_dir(&copy).unwrap();
        let mut seen = 0;
        for file in fs::read_dir(folder.path())
            .unwrap()
            .map(Result::unwrap)
            .filter(|file| file.path().is_file())
        {
            let bytes = fs::read(file.path()).unwrap();
            seen += bytes.len();
            holds_no_secret(&bytes, &format!("{} ({moment})", file.path().display()));
            fs::write(copy.join(file.file_name()), bytes).unwrap();
        }
        assert!(seen > CHANGED.len(), "nothing was copied");
        if moment == "running" {
            store.close().await;
        }
    }
    for moment in ["running", "closed"] {
        let stolen = SqliteStore::open(folder.path().join(moment).join("live"), LIMITS)
            .await
            .unwrap();
        opens_nothing(Arc::new(stolen)).await;
    }
}

#[tokio::test]
async fn an_ended_session_leaves_nothing_in_the_sqlite_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("live");
    let store = Arc::new(SqliteStore::open(&path, LIMITS).await.unwrap());
    let vault = Vault::new(store.clone(), victim());
    live(&vault).await;
    let ticket = cloakroom_vault::Ticket::from_bytes(TICKET);
    let sealed = store
        .load(&ticket.store_key(), NOW)
        .await
        .unwrap()
        .unwrap()
        .sealed;
    store.close().await;
    assert!(
        contains(&fs::read(&path).unwrap(), &sealed),
        "the test looks for the wrong bytes"
    );

    let store = Arc::new(SqliteStore::open(&path, LIMITS).await.unwrap());
    Vault::new(store.clone(), victim())
        .delete(&ticket)
        .await
        .unwrap();
    store.close().await;
    for file in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let bytes = fs::read(file.path()).unwrap();
        assert!(
            !contains(&bytes, &sealed[23..]),
            "{} still has it",
            file.path().display()
        );
        assert!(
            !contains(&bytes, ticket.store_key().as_bytes()),
            "{} still has its place",
            file.path().display()
        );
    }
}

/// Notes every byte that a store is given: no store can hold more than that.
#[derive(Debug)]
struct Witness {
    store: MemoryStore,
    given: Mutex<Vec<u8>>,
}

impl Witness {
    fn note(&self, parts: &[&[u8]]) {
        let mut given = self.given.lock().unwrap();
        for part in parts {
            given.extend_from_slice(part);
        }
    }

    fn note_terms(&self, terms: &[IndexKey]) {
        for term in terms {
            self.note(&[term.as_bytes()]);
        }
    }
}

#[async_trait]
impl Store for Witness {
    async fn create(&self, record: NewRecord<'_>) -> Result<Created, StoreError> {
        self.note(&[record.key.as_bytes(), record.sealed]);
        self.note_terms(record.indexes);
        self.note_terms(record.barred_by);
        self.store.create(record).await
    }

    async fn load(&self, key: &StoreKey, now: u64) -> Result<Option<StoredRecord>, StoreError> {
        self.note(&[key.as_bytes()]);
        self.store.load(key, now).await
    }

    async fn update(&self, change: Change<'_>) -> Result<Updated, StoreError> {
        self.note(&[change.key.as_bytes(), change.sealed]);
        self.note_terms(change.indexes.unwrap_or_default());
        self.store.update(change).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        self.store.delete(key).await
    }

    async fn delete_at(&self, key: &StoreKey, at: Version) -> Result<DeletedAt, StoreError> {
        self.store.delete_at(key, at).await
    }

    async fn touch(&self, key: &StoreKey, idle_until: u64, now: u64) -> Result<bool, StoreError> {
        self.note(&[key.as_bytes()]);
        self.store.touch(key, idle_until, now).await
    }

    async fn delete_by_index(
        &self,
        terms: &[IndexKey],
        now: u64,
        until: Option<u64>,
    ) -> Result<u64, StoreError> {
        self.note_terms(terms);
        self.store.delete_by_index(terms, now, until).await
    }

    async fn list_by_index(&self, terms: &[IndexKey], now: u64) -> Result<Vec<Listed>, StoreError> {
        self.note_terms(terms);
        self.store.list_by_index(terms, now).await
    }

    async fn consume_once(
        &self,
        id: &[u8; 32],
        until: u64,
        now: u64,
    ) -> Result<Consumed, StoreError> {
        self.note(&[id]);
        self.store.consume_once(id, until, now).await
    }

    async fn sweep(&self, now: u64, limit: u32) -> Result<u64, StoreError> {
        self.store.sweep(now, limit).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }
}

#[tokio::test]
async fn what_any_store_is_given_says_nothing() {
    let witness = Arc::new(Witness {
        store: MemoryStore::new(LIMITS),
        given: Mutex::default(),
    });
    let vault = Vault::new(witness.clone(), victim());
    live(&vault).await;
    let given = witness.given.lock().unwrap().clone();
    assert!(
        given.len() > CONTENT.len() + CHANGED.len(),
        "nothing was noted"
    );
    holds_no_secret(&given, "what the store was given");
    // Nor does anything that is printed of it.
    holds_no_secret(
        format!("{vault:?} {witness:?}").as_bytes(),
        "the debug output",
    );
    opens_nothing(witness).await;
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let folder = TempDir::new().unwrap();
    let path: &Path = &folder.path().join("leak");
    fs::write(path, [b"xx".as_slice(), &TICKET, b"yy"].concat()).unwrap();
    assert!(
        secrets()
            .iter()
            .any(|secret| contains(&fs::read(path).unwrap(), secret))
    );
}
