//! Start-up fails loudly: every problem at once, how to mend it, and no secret shown (sysexits, design invariant 11).

use std::net::TcpListener;

use cloakroom_testkit::{Browser, leaks};
use tempfile::TempDir;

use crate::program::{Ended, Program, Variables, free_port};

const SECRET: &str = "a-secret-that-nobody-may-see";

fn variables(more: &[(&str, &str)]) -> Variables {
    let mut variables: Variables = Vec::new();
    let usual = [
        ("CLOAKROOM_ISSUER", "http://127.0.0.1:9/op"),
        ("CLOAKROOM_CLIENT_ID", "me"),
        ("CLOAKROOM_CLIENT_SECRET", SECRET),
        ("CLOAKROOM_STORE", "memory:"),
    ];
    for (name, value) in usual.iter().chain(more) {
        variables.retain(|(known, _)| known != name);
        variables.push(((*name).to_owned(), (*value).to_owned()));
    }
    variables
}

async fn run(more: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let ended = Program::spawn(&variables(more), arguments).ended().await;
    let said = format!("{}{}", ended.log, ended.complaints);
    assert_eq!(leaks(said.as_bytes(), &[SECRET.to_owned()]), [""; 0]);
    ended
}

#[tokio::test]
async fn every_problem_of_the_settings_is_listed_at_once_and_nothing_starts() {
    let ended = run(
        &[
            ("CLOAKROOM_ISSUER", "not a url"),
            ("CLOAKROOM_CLIENT_ID", ""),
            ("CLOAKROOM_PUBLIC_URL", "http://app.example.com"),
            ("CLOAKROOM_LISTEN", "3000"),
            ("CLOAKROOM_STORE", "file.db"),
            ("CLOAKROOM_KEYS", "c2hvcnQta2V5LW9mLW91cnM="),
            ("CLOAKROOM_SCOPES", "profile"),
            ("CLOAKROOM_ID_TOKEN_ALG", "none"),
            ("CLOAKROOM_IDLE_TIMEOUT", "soon"),
            ("CLOAKROOM_TRUSTED_PROXIES", "everyone"),
            ("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", "0"),
            ("CLOAKROOM_LOG", "loud"),
            ("CLOAKROOM_BACKCHANNEL_LOGOUT", "on"),
            ("CLOAKROOM_CLIENT_SECERT", SECRET),
        ],
        &[],
    )
    .await;
    assert_eq!(
        ended.status.code(),
        Some(78),
        "EX_CONFIG: {}",
        ended.complaints
    );
    assert_eq!(ended.log, "");
    for name in [
        "CLOAKROOM_ISSUER",
        "CLOAKROOM_CLIENT_ID",
        "CLOAKROOM_PUBLIC_URL",
        "CLOAKROOM_LISTEN",
        "CLOAKROOM_STORE",
        "CLOAKROOM_KEYS",
        "CLOAKROOM_SCOPES",
        "CLOAKROOM_ID_TOKEN_ALG",
        "CLOAKROOM_IDLE_TIMEOUT",
        "CLOAKROOM_TRUSTED_PROXIES",
        "CLOAKROOM_FAILED_EXCHANGES_A_MINUTE",
        "CLOAKROOM_LOG",
        "CLOAKROOM_BACKCHANNEL_LOGOUT",
        "CLOAKROOM_CLIENT_SECERT",
    ] {
        let about: Vec<&str> = ended
            .complaints
            .lines()
            .filter(|line| line.contains(&format!("{name}:")))
            .collect();
        assert_eq!(about.len(), 1, "{name}: {}", ended.complaints);
        assert!(
            about[0].len() > name.len() + 20,
            "it says what to do: {}",
            about[0]
        );
    }
    assert!(
        ended.complaints.contains("did you mean client_secret?"),
        "{}",
        ended.complaints
    );
    assert!(
        !ended.complaints.contains("c2hvcnQta2V5"),
        "a key is as secret when it is wrong"
    );
}

#[tokio::test]
async fn a_list_with_nothing_in_it_and_a_trust_in_everybody_stop_the_start() {
    for (name, value) in [
        ("CLOAKROOM_ID_TOKEN_ALG", ","),
        ("CLOAKROOM_SCOPES", ","),
        ("CLOAKROOM_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("CLOAKROOM_TRUSTED_PROXIES", "::/0"),
        ("CLOAKROOM_TRUSTED_PROXIES", "127.0.0.1/32, 0.0.0.0/0"),
    ] {
        // Where it does start after all, it ends at once: the port is taken.
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let ended = run(&[(name, value), ("CLOAKROOM_LISTEN", &address)], &[]).await;
        assert_eq!(
            ended.status.code(),
            Some(78),
            "{name}={value}: {}",
            ended.complaints
        );
        assert!(
            ended.complaints.contains(&format!("{name}:")),
            "{name}={value}: {}",
            ended.complaints
        );
    }
}

#[tokio::test]
async fn without_any_setting_it_says_what_is_needed() {
    let ended = Program::spawn(&Variables::new(), &[]).ended().await;
    assert_eq!(ended.status.code(), Some(78));
    for name in ["CLOAKROOM_ISSUER", "CLOAKROOM_CLIENT_ID"] {
        assert!(
            ended.complaints.contains(&format!("{name}: is required")),
            "{}",
            ended.complaints
        );
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_one_clear_line() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(&[("CLOAKROOM_LISTEN", &address)], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.complaints.lines().count(), 1, "{}", ended.complaints);
    assert!(
        ended.complaints.contains(&address) && ended.complaints.contains("CLOAKROOM_LISTEN"),
        "{}",
        ended.complaints
    );
    assert!(!ended.log.contains("serves"), "{}", ended.log);
}

#[tokio::test]
async fn a_file_that_is_no_store_stops_the_start_and_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("letter.txt");
    std::fs::write(&file, "Dear all, ".repeat(500)).unwrap();
    let ended = run(
        &[("CLOAKROOM_STORE", &format!("sqlite:{}", file.display()))],
        &[],
    )
    .await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.complaints.contains("is not a session store"),
        "{}",
        ended.complaints
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "Dear all, ".repeat(500)
    );
}

#[tokio::test]
async fn a_broken_key_file_stops_the_start_and_is_neither_shown_nor_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (store, keys) = (folder.path().join("s.db"), folder.path().join("s.db.keys"));
    std::fs::write(&keys, "almost-a-key-but-not-quite\n").unwrap();
    let ended = run(
        &[("CLOAKROOM_STORE", &format!("sqlite:{}", store.display()))],
        &[],
    )
    .await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.complaints.contains("s.db.keys") && !ended.complaints.contains("almost-a-key"),
        "{}",
        ended.complaints
    );
    assert_eq!(
        std::fs::read_to_string(&keys).unwrap(),
        "almost-a-key-but-not-quite\n"
    );
}

/// A file with these settings, in a folder that lives as long as it is held.
fn file(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloakroom.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path.display().to_string())
}

#[tokio::test]
async fn settings_come_from_a_file_under_variables_under_flags() {
    let port = free_port();
    let url = format!("http://localhost:{port}");
    let (_folder, path) = file(&format!(
        "public_url = \"{url}\"\nlisten = \"nowhere\"\nlog = \"loud\"\n"
    ));
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["--config", &path, "--listen", &listen];
    let mut program = Program::spawn(&variables(&[("CLOAKROOM_LOG", "info")]), &arguments)
        .until_healthy(port)
        .await
        .unwrap();
    assert!(!program.has_ended());
    assert!(
        program.log().contains(&format!("{url}/auth/callback")),
        "the log says what to register: {}",
        program.log()
    );
    program.terminate();
    assert_eq!(program.ended().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_file_with_unknown_keys_or_that_is_not_there_or_not_toml_stops_the_start() {
    for (text, words) in [
        ("isuer = \"https://x\"", "did you mean issuer?"),
        (
            &*format!("client_secret = \"{SECRET}\nissuer = 1"),
            "is not TOML",
        ),
        ("[client]\nid = \"x\"", "client in"),
        ("backchannel_logout = \"on\"", "does not have it yet"),
    ] {
        let (_folder, path) = file(text);
        let ended = run(&[], &["--config", &path]).await;
        assert_eq!(ended.status.code(), Some(78), "{text}");
        assert!(
            ended.complaints.contains(words),
            "{text}: {}",
            ended.complaints
        );
    }
    let ended = run(&[], &["--config", "/nowhere/cloakroom.toml"]).await;
    assert_eq!(ended.status.code(), Some(78));
    assert!(
        ended.complaints.contains("cannot be read"),
        "{}",
        ended.complaints
    );
}

#[tokio::test]
async fn everything_that_is_wrong_with_apis_is_listed_with_its_place() {
    let (_folder, path) = file(&format!(
        r#"
        [api.orders]
        base = "http://orders.example.com"
        rout = []
        routes = [{{ prefix = "/v1/orders" }}, {{ prefix = "/v1/orders/open", methods = ["GET"] }}]
        headers = {{ Host = "{SECRET}", X-Key = "{SECRET}\n{SECRET}" }}

        [api.bills]
        token = "none"
        scopes = ["bills:read"]
        "#
    ));
    let apis = [
        (
            "CLOAKROOM_API_NEWS",
            &*format!("https://me:{SECRET}@news.example.com"),
        ),
        ("CLOAKROOM_API_MY_API", "https://a.example.com"),
        ("CLOAKROOM_API_my_api", "https://b.example.com"),
    ];
    let ended = run(&apis, &["--config", &path]).await;
    assert_eq!(ended.status.code(), Some(78), "{}", ended.complaints);
    assert_eq!(ended.log, "");
    for (place, words) in [
        ("api.orders.base in", "danger_plain_http"),
        ("api.orders.rout in", "did you mean routes?"),
        ("api.orders.routes[1] in", "routes[0]"),
        ("api.orders.headers.Host in", "from the base"),
        ("api.orders.headers.X-Key in", "printable ASCII"),
        ("api.bills.base in", "CLOAKROOM_API_BILLS"),
        ("api.bills.scopes in", "leave one of the two out"),
        ("CLOAKROOM_API_NEWS:", "no user name"),
        ("CLOAKROOM_API_my_api:", "as CLOAKROOM_API_MY_API does"),
    ] {
        let about = ended
            .complaints
            .lines()
            .find(|line| line.starts_with(&format!("  - {place}")));
        assert!(
            about.is_some_and(|line| line.contains(words)),
            "{place} should say {words:?}: {}",
            ended.complaints
        );
    }
    assert_eq!(
        ended.complaints.lines().count(),
        1 + 9,
        "{}",
        ended.complaints
    );
}

#[tokio::test]
async fn a_danger_that_somebody_chose_is_in_the_log_and_in_readyz() {
    let (_folder, path) = file(&format!(
        "[api.orders]\nbase = \"http://orders.example.com/v1\"\ndanger_plain_http = true\nheaders = {{ X-Key = \"{SECRET}\" }}\n"
    ));
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let settings = variables(&[
        ("CLOAKROOM_API_BILLS", "https://bills.example.com"),
        ("CLOAKROOM_LISTEN", &listen),
    ]);
    let program = Program::spawn(&settings, &["--config", &path])
        .until_healthy(port)
        .await
        .unwrap();
    let ready = Browser::with_base(format!("http://127.0.0.1:{port}"))
        .get("/readyz")
        .bare()
        .await;
    assert_eq!(
        (ready.status(), &ready.json()["danger"]),
        (200, &serde_json::json!(["api.orders.danger_plain_http"]))
    );
    program.terminate();
    let ended = program.ended().await;
    let said = |words: &[&str]| {
        ended
            .log
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)))
    };
    for words in [
        &["WARN", "api.orders.danger_plain_http", "unencrypted"][..],
        &["/api/orders/", "http://orders.example.com/v1"],
        &["/api/bills/", "https://bills.example.com/"],
    ] {
        assert!(said(words), "{words:?}: {}", ended.log);
    }
    assert_eq!(leaks(ended.log.as_bytes(), &[SECRET.to_owned()]), [""; 0]);
}

#[tokio::test]
async fn a_program_without_dangers_says_nothing_of_them() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let settings = variables(&[
        ("CLOAKROOM_API_ORDERS", "http://127.0.0.1:9/v1"),
        ("CLOAKROOM_LISTEN", &listen),
    ]);
    let program = Program::spawn(&settings, &[])
        .until_healthy(port)
        .await
        .unwrap();
    let ready = Browser::with_base(format!("http://127.0.0.1:{port}"))
        .get("/readyz")
        .bare()
        .await;
    assert!(ready.json().get("danger").is_none(), "{}", ready.text());
    program.terminate();
    assert!(!program.ended().await.log.contains("danger"));
}

#[tokio::test]
async fn a_secret_is_not_taken_from_the_command_line_where_everybody_can_read_it() {
    for flag in ["--client-secret", "--keys"] {
        let ended = run(&[], &[flag, "x"]).await;
        assert_eq!(ended.status.code(), Some(2), "{flag}: {}", ended.complaints);
    }
}

#[tokio::test]
async fn keys_new_prints_a_key_that_the_setting_takes_and_a_new_one_each_time() {
    let one = Program::spawn(&Variables::new(), &["keys", "new"])
        .ended()
        .await;
    let other = Program::spawn(&Variables::new(), &["keys", "new"])
        .ended()
        .await;
    assert_eq!((one.status.code(), one.log.lines().count()), (Some(0), 1));
    assert_ne!(one.log, other.log);
    let port = free_port();
    let (listen, url) = (format!("127.0.0.1:{port}"), "https://app.example.com");
    let ring = format!("{},{}", one.log.trim(), other.log.trim());
    let settings = variables(&[
        ("CLOAKROOM_LISTEN", &listen),
        ("CLOAKROOM_PUBLIC_URL", url),
        ("CLOAKROOM_KEYS", &ring),
    ]);
    let program = Program::spawn(&settings, &[])
        .until_healthy(port)
        .await
        .unwrap();
    program.terminate();
    let ended = program.ended().await;
    assert_eq!(
        leaks(
            ended.log.as_bytes(),
            &[one.log.trim().to_owned(), other.log.trim().to_owned()]
        ),
        [""; 0]
    );
}
