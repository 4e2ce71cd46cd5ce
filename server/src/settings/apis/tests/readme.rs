//! What the README says of all this is so.

use cloakroom_bff::Code;

use super::super::KEYS;
use super::good;

const README: &str = include_str!("../../../../../README.md");

fn section() -> &'static str {
    let begin = README.find("\n## Calling APIs\n").expect("the section");
    let rest = &README[begin + 1..];
    &rest[..rest.find("\n## ").expect("the next section")]
}

/// The rows of the tables that have this many columns, without heads and marks of code.
fn rows(columns: usize) -> Vec<Vec<String>> {
    section()
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"))
        .map(|row| {
            row.split(" | ")
                .map(|cell| cell.replace('`', ""))
                .collect::<Vec<String>>()
        })
        .filter(|cells| cells.len() == columns)
        .collect()
}

#[test]
fn its_table_of_keys_is_the_code_s() {
    let keys: Vec<Vec<String>> = KEYS
        .iter()
        .map(|(key, meaning)| vec![(*key).to_owned(), (*meaning).to_owned()])
        .collect();
    assert_eq!(rows(2), keys);
}

#[test]
fn its_codes_have_the_statuses_that_are_sent() {
    let rows = rows(4);
    assert!(rows.len() >= 13, "{rows:?}");
    for row in rows {
        let code = Code::parse(&row[0]).unwrap_or_else(|| panic!("no code {}", row[0]));
        assert_eq!(code.status().as_str(), row[1], "{}", row[0]);
    }
}

#[test]
fn its_example_file_is_taken() {
    let file = section()
        .split_once("```toml\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .expect("an example")
        .0;
    // The key that the example has in a file is not on this machine.
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(key.path(), "hunter2").expect("written");
    let file = file.replace(
        "/run/secrets/orders-key",
        key.path().to_str().expect("a path"),
    );
    let apis = good(&file, &[]);
    assert!(
        apis.upstreams.len() >= 2 && apis.dangers.is_empty(),
        "{apis:?}"
    );
}
