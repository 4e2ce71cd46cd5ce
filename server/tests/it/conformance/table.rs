//! The table of what is covered, made from the names and first lines of the tests themselves: `server/tests/CONFORMANCE.md`.
//! Where the two differ this fails; `CLOAKROOM_WRITE_TABLES=1` writes the table anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cloakroom_testkit::conformance::modules;

/// Where the tests stand, and what their names begin with.
const PLACES: [(&str, &str, &str); 4] = [
    (
        "tests/it/conformance/oidcc.rs",
        "oidcc_client_test",
        "OpenID Foundation, relying party",
    ),
    (
        "crates/oidc/tests/it/conformance.rs",
        "oidcc_client_test",
        "OpenID Foundation, relying party",
    ),
    (
        "tests/it/conformance/fapi2.rs",
        "fapi2_security_profile_final_client_test",
        "OpenID Foundation, FAPI 2.0 Security Profile, client",
    ),
    (
        "tests/it/conformance/okta.rs",
        "okta_tck",
        "Okta, relying party",
    ),
];

/// Modules that the test kit does not walk: those of sign-out, and one that needs a provider with a single key.
const OTHERS: [&str; 5] = [
    "oidcc-client-test-kid-absent-single-jwks",
    "oidcc-client-test-rp-init-logout",
    "oidcc-client-test-rp-init-logout-no-state",
    "oidcc-client-test-rp-init-logout-other-state",
    "okta-tck-rpInitiatedLogout",
];

/// The modules that have to do with the code flow: the test kit's list, and the others. Each has a test of its name.
fn module_names() -> Vec<String> {
    let mut names: Vec<String> = modules().into_iter().map(|module| module.name).collect();
    names.extend(OTHERS.map(str::to_owned));
    names
}

/// A name as a test and as a suite spell it.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

/// Modules without a test, and why.
const NOT_COVERED: &[(&str, &str)] = &[
    (
        "oidcc-client-test-userinfo-bearer-body",
        "the access token goes in the header, always",
    ),
    (
        "oidcc-client-test-nonce-unless-code-flow",
        "implicit and hybrid flow only",
    ),
    (
        "oidcc-client-test-request-uri-signed-none, -signed-rs256",
        "request objects are not sent yet",
    ),
    (
        "oidcc-client-test-dynamic-registration",
        "clients are registered by hand",
    ),
    (
        "oidcc-client-test-discovery-webfinger-acct, -url",
        "the issuer is configured, not looked up",
    ),
    ("oidcc-client-test-mtls-endpoint-aliases", "no mutual TLS"),
    (
        "oidcc-client-test-rp-backchannel-.., -rp-frontchannel-.., -session-management",
        "logout that begins at the provider is not there yet",
    ),
    (
        "fapi2-.. with DPoP, and the message signing plan",
        "access tokens are bearer tokens",
    ),
];

struct Row {
    module: String,
    what: String,
    plan: &'static str,
    place: &'static str,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The tests of one file: every name with its prefix that is declared there, and the documentation line above it.
fn rows_of(place: &'static str, prefix: &str, plan: &'static str) -> Vec<Row> {
    let text = std::fs::read_to_string(root().join(place)).expect("the tests can be read");
    let mut rows = Vec::new();
    let mut said = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("/// ") {
            said.push(words.to_owned());
            continue;
        }
        let declared = line.strip_prefix("async fn ").unwrap_or(line);
        let name: String = declared
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        let follows = &declared[name.len()..];
        if name.starts_with(prefix) && (follows.starts_with(": Fault") || follows.starts_with("()"))
        {
            rows.push(Row {
                module: module_names()
                    .into_iter()
                    .find(|module| plain(module) == plain(&name))
                    .unwrap_or(name),
                what: said.join(" "),
                plan,
                place,
            });
        }
        // Attributes may stand between the documentation and the name.
        if !line.starts_with('#') {
            said.clear();
        }
    }
    rows
}

fn rows() -> Vec<Row> {
    PLACES
        .iter()
        .flat_map(|(place, prefix, plan)| rows_of(place, prefix, plan))
        .collect()
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "# What is covered of the conformance suites\n\n\
         Self-tested: each of these modules has a test of its name that runs the built program, or the protocol crate,\n\
         against the test kit's provider, which is wrong in that one way. This is not a certification, and nobody but this\n\
         project's own tests has looked. The table is written from the tests and compared with them in every run.\n",
    );
    let mut plans: Vec<&str> = rows.iter().map(|row| row.plan).collect();
    plans.dedup();
    plans.sort_unstable();
    plans.dedup();
    for plan in plans {
        let _ = write!(
            text,
            "\n## {plan}\n\n| module | the case | tests in |\n|---|---|---|\n"
        );
        let sorted: BTreeMap<_, _> = rows
            .iter()
            .filter(|row| row.plan == plan)
            .map(|row| (&row.module, row))
            .collect();
        for (module, Row { what, place, .. }) in sorted {
            let _ = writeln!(text, "| `{module}` | {what} | `{place}` |");
        }
    }
    text.push_str("\n## Not covered\n\n| module | why |\n|---|---|\n");
    for (module, why) in NOT_COVERED {
        let _ = writeln!(text, "| `{module}` | {why} |");
    }
    text
}

#[test]
fn every_module_of_the_code_flow_has_a_test_and_says_what_it_is() {
    let (rows, names) = (rows(), module_names());
    for module in &names {
        let tests = rows.iter().filter(|row| row.module == *module).count();
        assert_eq!(tests, 1, "{module} has {tests} tests of its name");
    }
    for row in &rows {
        assert!(
            names.contains(&row.module),
            "{} is no module of that name",
            row.module
        );
        assert!(
            !row.what.is_empty(),
            "{} does not say what it is",
            row.module
        );
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whoever changes a test says by a variable that the table is to follow"
)]
fn the_table_is_what_the_tests_say() {
    let path: &Path = &root().join("tests/CONFORMANCE.md");
    let made = table(&rows());
    if std::env::var_os("CLOAKROOM_WRITE_TABLES").is_some() {
        std::fs::write(path, &made).expect("the table can be written");
    }
    let kept = std::fs::read_to_string(path).expect("the table is there");
    assert!(
        kept == made,
        "tests/CONFORMANCE.md is not what the tests say: CLOAKROOM_WRITE_TABLES=1 cargo test -p server table"
    );
    assert!(made.contains("Self-tested") && !made.to_lowercase().contains("certified"));
}
