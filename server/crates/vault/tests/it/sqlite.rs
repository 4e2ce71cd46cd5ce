//! The SQLite file: it survives, it is private, and what is wrong with it is said.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;

use cloakroom_vault::{
    Consumed, Limits, OpenSqliteError, SqliteStore, Store, StoreError, Vault, Version,
};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use crate::child;
use crate::support::{DEADLINES, LIMITS, NOW, content, create, ring, seal_id, subject, ticket};

async fn open(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path, LIMITS).await.unwrap())
}

async fn raw(path: &Path, sql: &'static str) {
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", path.display()))
        .await
        .unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn everything_is_there_after_it_was_closed_or_just_dropped() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    for (number, close) in [(1, true), (2, false)] {
        let store = open(&path).await;
        let vault = Vault::new(store.clone(), ring(&[1]));
        create(&vault, number, b"first", "alice").await;
        vault
            .update(&ticket(number), Version::FIRST, b"second", NOW, seal_id())
            .await
            .unwrap();
        vault
            .touch(&ticket(number), NOW + 3_600, NOW + 60)
            .await
            .unwrap();
        vault
            .consume_once("kind", &[number], NOW + 600, NOW)
            .await
            .unwrap();
        vault
            .delete_by_index(&subject("bob"), NOW, Some(NOW + 600))
            .await
            .unwrap();
        if close {
            store.close().await;
        }
        drop((vault, store));

        let vault = Vault::new(open(&path).await, ring(&[1]));
        let opened = vault.load(&ticket(number), NOW).await.unwrap().unwrap();
        assert_eq!(
            (opened.content.as_slice(), opened.version),
            (b"second".as_slice(), Version(2))
        );
        assert_eq!(
            (opened.deadlines.idle_until, opened.touched_at),
            (NOW + 3_600, NOW + 60)
        );
        assert_eq!(
            vault
                .consume_once("kind", &[number], NOW + 600, NOW)
                .await
                .unwrap(),
            Consumed::Again
        );
        let late = vault
            .create(
                &ticket(9),
                b"",
                &[subject("bob")],
                DEADLINES,
                NOW,
                seal_id(),
            )
            .await;
        assert!(late.is_err(), "the logout was forgotten");
        assert_eq!(
            vault
                .list_by_index(&subject("alice"), NOW)
                .await
                .unwrap()
                .len(),
            usize::from(number)
        );
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    let mut child = child::start("sqlite::write_until_killed", path.to_str().unwrap());
    let mut acknowledged = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(number) = line.strip_prefix("DONE ") {
            acknowledged = number.parse().unwrap();
        }
        if acknowledged == 40 {
            break;
        }
    }
    // SIGKILL, in the middle of whatever it does by now.
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(acknowledged, 40, "the child ended early");

    let vault = Vault::new(open(&path).await, ring(&[1]));
    for number in 1..=acknowledged {
        let kept = content(&vault, number).await;
        if number % 4 == 0 {
            assert!(kept.is_none(), "session {number} had ended, and is back");
        } else {
            assert_eq!(
                kept.as_deref(),
                Some(b"second".as_slice()),
                "session {number}"
            );
        }
        assert_eq!(
            vault
                .consume_once("kind", &[number], NOW + 600, NOW)
                .await
                .unwrap(),
            Consumed::Again
        );
    }
    vault.ready().await.unwrap();
    let mut check = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    let whole: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut check)
        .await
        .unwrap();
    assert_eq!(whole, "ok");
}

#[test]
#[ignore = "started by the test above, to be killed"]
fn write_until_killed() {
    let Some(path) = child::argument() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let vault = Vault::new(open(Path::new(&path)).await, ring(&[1]));
        for number in 1..=u8::MAX {
            create(&vault, number, b"first", "alice").await;
            vault
                .update(&ticket(number), Version::FIRST, b"second", NOW, seal_id())
                .await
                .unwrap();
            vault
                .consume_once("kind", &[number], NOW + 600, NOW)
                .await
                .unwrap();
            if number % 4 == 0 {
                vault.delete(&ticket(number)).await.unwrap();
            }
            let mut out = std::io::stdout().lock();
            writeln!(out, "DONE {number}").unwrap();
            out.flush().unwrap();
        }
    });
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("a").join("b");
    let store = open(&inner.join("store")).await;
    create(
        &Vault::new(store.clone(), ring(&[1])),
        1,
        b"content",
        "alice",
    )
    .await;
    assert_eq!(
        (mode(&inner), mode(&folder.path().join("a"))),
        (0o700, 0o700)
    );
    let mut files = 0;
    for file in fs::read_dir(&inner).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
        files += 1;
    }
    assert!(files > 1, "the log is beside the file while it is open");
}

#[tokio::test]
async fn two_processes_may_share_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    // Both find an empty file, and both want to lay it out.
    let (one, two) = tokio::join!(open(&path), open(&path));
    let one = Vault::new(one, ring(&[1]));
    let two = Vault::new(two, ring(&[1]));
    create(&one, 1, b"content", "alice").await;
    assert_eq!(content(&two, 1).await.unwrap(), b"content");
    let mut writers = tokio::task::JoinSet::new();
    for number in 2..=20 {
        let vault = if number % 2 == 0 {
            one.clone()
        } else {
            two.clone()
        };
        writers.spawn(async move { create(&vault, number, b"content", "alice").await });
    }
    writers.join_all().await;
    assert_eq!(
        one.list_by_index(&subject("alice"), NOW)
            .await
            .unwrap()
            .len(),
        20
    );
}

#[tokio::test]
async fn a_newer_schema_is_said_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    open(&path).await.close().await;
    raw(&path, "PRAGMA user_version = 99").await;
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(&path, LIMITS).await.unwrap_err();
    assert!(
        matches!(error, OpenSqliteError::NewerSchema { found: 99, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    assert_eq!(error.code(), "sqlite_newer_schema");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_of_another_kind_is_said_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text");
    fs::write(
        &text,
        "Dear diary, this is no database, and it is long enough to be taken for one. ".repeat(50),
    )
    .unwrap();
    let database = folder.path().join("database");
    raw(
        &database,
        "CREATE TABLE precious (thing TEXT); INSERT INTO precious VALUES ('dear')",
    )
    .await;
    for path in [text, database] {
        let before = fs::read(&path).unwrap();
        let error = SqliteStore::open(&path, LIMITS).await.unwrap_err();
        assert!(
            matches!(error, OpenSqliteError::NotAStore { .. }),
            "{error:?}"
        );
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_is_said() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let below = SqliteStore::open(file.join("store"), LIMITS)
        .await
        .unwrap_err();
    assert!(matches!(below, OpenSqliteError::Folder { .. }), "{below:?}");
    let directory = SqliteStore::open(folder.path(), LIMITS).await.unwrap_err();
    assert!(
        matches!(directory, OpenSqliteError::File { .. }),
        "{directory:?}"
    );
}

#[tokio::test]
async fn a_file_that_was_taken_away_is_not_ready() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    let store = open(&path).await;
    store.ready().await.unwrap();
    fs::remove_file(&path).unwrap();
    let error = store.ready().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_is_corrupt() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    let store = open(&path).await;
    let vault = Vault::new(store.clone(), ring(&[1]));
    create(&vault, 1, b"content", "alice").await;
    raw(&path, "UPDATE records SET version = -1").await;
    let error = store.load(&ticket(1).store_key(), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_of_the_first_schema_still_opens() {
    // A frozen copy of the first schema, with a record that was written under it. It never changes.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    raw(&path, include_str!("../data/schema-1.sql")).await;
    let vault = Vault::new(open(&path).await, ring(&[1]));
    assert_eq!(
        content(&vault, 1).await.unwrap(),
        b"kept since the first schema"
    );
    assert_eq!(
        vault
            .list_by_index(&subject("alice"), NOW)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_count_that_bounds_it_is_the_count_of_rows() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store");
    let store = Arc::new(
        SqliteStore::open(
            &path,
            Limits {
                records: 3,
                consumed: 3,
            },
        )
        .await
        .unwrap(),
    );
    let vault = Vault::new(store.clone(), ring(&[1]));
    for round in 0..4 {
        for number in 1..=3 {
            create(&vault, number, b"content", "alice").await;
        }
        assert!(
            vault
                .create(&ticket(4), b"", &[], DEADLINES, NOW, seal_id())
                .await
                .is_err()
        );
        if round % 2 == 0 {
            vault
                .delete_by_index(&subject("alice"), NOW, None)
                .await
                .unwrap();
        } else {
            assert_eq!(vault.sweep(DEADLINES.idle_until, 10).await.unwrap(), 3);
        }
    }
    let mut check = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT sum(rows) FROM tally")
        .fetch_one(&mut check)
        .await
        .unwrap();
    let terms: i64 = sqlx::query_scalar("SELECT count(*) FROM terms")
        .fetch_one(&mut check)
        .await
        .unwrap();
    assert_eq!((rows, terms), (0, 0));
}
