//! Where settings come from: a TOML file under environment variables under flags. What is wrong with any of them is
//! collected, so that one start names every problem.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::apis;
use super::secret_file::read_secret_file;
use super::table::{Kind, SETTINGS, Setting};

/// The file that is read without being named.
pub(crate) const DEFAULT_FILE: &str = "cloakroom.toml";
const PREFIX: &str = "CLOAKROOM_";
/// Variables of the development scripts, which may be around when the program is started from them.
const DEVELOPMENT: &str = "CLOAKROOM_DEV_";

/// What is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: String,
    pub(crate) text: String,
}

impl Problem {
    pub(crate) fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// A value and where it was found.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) value: Zeroizing<String>,
    pub(crate) place: String,
    /// The file that holds the value, where the setting names one. What comes through a pipe comes once, and has none.
    pub(crate) file: Option<PathBuf>,
}

/// Settings by name, as found.
#[derive(Default)]
pub(crate) struct Sources {
    values: BTreeMap<&'static str, Found>,
    /// The APIs behind the proxy, which have no place among the settings: there are as many as somebody names.
    pub(crate) apis: apis::Given,
}

impl Sources {
    /// Reads file, environment and flags. `flags` has setting names as keys.
    pub(crate) fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: BTreeMap<&'static str, String>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut sources = Self::default();
        sources.read_file(file, problems);
        sources.read_environment(environment, problems);
        for (name, value) in flags {
            if let Some(setting) = find(name) {
                sources.put(setting, &value, format!("--{}", setting.flag()));
            }
        }
        sources.refuse_later(problems);
        sources
    }

    /// One setting, where it was given and is not empty.
    pub(crate) fn get(&self, name: &'static str) -> Option<&Found> {
        self.values.get(name)
    }

    /// Where a setting was, or would be, given.
    pub(crate) fn place(&self, name: &'static str) -> String {
        self.get(name).map_or_else(
            || find(name).map_or_else(String::new, Setting::variable),
            |found| found.place.clone(),
        )
    }

    fn put(&mut self, setting: &'static Setting, value: &str, place: String) {
        // An empty variable is how many tools write "not set".
        if value.trim().is_empty() {
            self.values.remove(setting.name);
        } else {
            self.values.insert(
                setting.name,
                Found {
                    value: Zeroizing::new(value.trim().to_owned()),
                    place,
                    file: None,
                },
            );
        }
    }

    fn put_file(
        &mut self,
        setting: &'static Setting,
        path: &str,
        place: String,
        problems: &mut Vec<Problem>,
    ) {
        let path = Path::new(path);
        match read_secret_file(path) {
            Ok(value) => {
                let place = format!("{place} ({})", path.display());
                let file = path.is_file().then(|| path.to_owned());
                self.values
                    .insert(setting.name, Found { value, place, file });
            }
            Err(error) => problems.push(Problem::new(place, error)),
        }
    }

    fn read_file(&mut self, named: Option<&Path>, problems: &mut Vec<Problem>) {
        let path = named.map_or_else(|| PathBuf::from(DEFAULT_FILE), Path::to_path_buf);
        if named.is_none() && !path.exists() {
            return;
        }
        let place = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                problems.push(Problem::new(
                    place,
                    format!("the configuration file cannot be read: {error}"),
                ));
                return;
            }
        };
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                // The message alone: the rest quotes the file, which may hold a secret.
                problems.push(Problem::new(
                    place,
                    format!("the configuration file is not TOML: {}", error.message()),
                ));
                return;
            }
        };
        for (key, value) in table {
            if key == "api" {
                self.apis.take_tables(value, &place, problems);
                continue;
            }
            let at = format!("{key} in {place}");
            let Some(text) = plain_text(&value) else {
                problems.push(Problem::new(
                    at,
                    "write a string, a number, or a list of strings",
                ));
                continue;
            };
            self.take(&key, &text, at, problems);
        }
    }

    fn read_environment(
        &mut self,
        environment: impl IntoIterator<Item = (String, String)>,
        problems: &mut Vec<Problem>,
    ) {
        let mut variables: Vec<(String, String)> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        variables.sort();
        for (name, value) in variables {
            if name.starts_with(DEVELOPMENT) {
                continue;
            }
            if name.starts_with(apis::PREFIX) {
                self.apis.take_variable(name, &value, problems);
                continue;
            }
            let key = name
                .strip_prefix(PREFIX)
                .unwrap_or_default()
                .to_ascii_lowercase();
            self.take(&key, &value, name, problems);
        }
    }

    fn take(&mut self, key: &str, value: &str, place: String, problems: &mut Vec<Problem>) {
        if let Some(setting) = find(key) {
            self.put(setting, value, place);
            return;
        }
        let of_file = key
            .strip_suffix("_file")
            .and_then(find)
            .filter(|setting| setting.kind == Kind::Secret);
        if let Some(setting) = of_file {
            // Both at the same level contradict each other; a variable over the file's value is an ordinary override.
            let both = self
                .get(setting.name)
                .is_some_and(|found| level(&found.place) == level(&place));
            if both {
                problems.push(Problem::new(
                    place,
                    format!(
                        "{} is given twice, by value and by file: keep one",
                        setting.name
                    ),
                ));
            } else if !value.trim().is_empty() {
                self.put_file(setting, value.trim(), place, problems);
            }
            return;
        }
        let hint = nearest(key).map_or_else(String::new, |name| format!(": did you mean {name}?"));
        problems.push(Problem::new(
            place,
            format!("there is no such setting{hint}"),
        ));
    }

    fn refuse_later(&mut self, problems: &mut Vec<Problem>) {
        for setting in SETTINGS {
            if let Kind::Later { only } = setting.kind
                && let Some(found) = self.values.get(setting.name)
                && !only.contains(&found.value.as_str())
            {
                let instead = if only.is_empty() {
                    "leave it out".to_owned()
                } else {
                    format!("leave it out, or set it to {}", only.join(" or "))
                };
                problems.push(Problem::new(
                    found.place.clone(),
                    format!("this version does not have it yet: {instead}"),
                ));
            }
        }
    }
}

fn level(place: &str) -> bool {
    place.starts_with(PREFIX)
}

fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => items
            .iter()
            .map(toml::Value::as_str)
            .collect::<Option<Vec<_>>>()
            .map(|items| items.join(" ")),
        _ => None,
    }
}

/// The setting whose name differs least, where it differs little.
fn nearest(key: &str) -> Option<&'static str> {
    nearest_of(key, SETTINGS.iter().map(|setting| setting.name))
}

/// The name that differs least, where it differs little.
pub(super) fn nearest_of(
    key: &str,
    names: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    names
        .map(|name| (distance(key, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| name)
}

/// Edits between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (corner + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;

    use super::{Problem, Sources};

    fn read(
        file: Option<&str>,
        environment: &[(&str, &str)],
        flags: &[(&'static str, &str)],
    ) -> (Sources, Vec<Problem>) {
        let mut written = tempfile::NamedTempFile::new().expect("a file");
        written
            .write_all(file.unwrap_or_default().as_bytes())
            .expect("written");
        let mut problems = Vec::new();
        let sources = Sources::read(
            Some(written.path()),
            environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            flags
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            &mut problems,
        );
        (sources, problems)
    }

    fn value(sources: &Sources, name: &'static str) -> Option<String> {
        sources.get(name).map(|found| found.value.to_string())
    }

    #[test]
    fn flags_go_over_variables_and_variables_over_the_file() {
        let (sources, problems) = read(
            Some(
                "issuer = \"https://file\"\nclient_id = \"file\"\nlisten = \"file\"\nscopes = [\"openid\", \"email\"]",
            ),
            &[
                ("CLOAKROOM_CLIENT_ID", "variable"),
                ("CLOAKROOM_LISTEN", "variable"),
                ("OTHER", "x"),
            ],
            &[("listen", "flag")],
        );
        assert_eq!(problems, []);
        assert_eq!(value(&sources, "issuer").as_deref(), Some("https://file"));
        assert_eq!(value(&sources, "client_id").as_deref(), Some("variable"));
        assert_eq!(value(&sources, "listen").as_deref(), Some("flag"));
        assert_eq!(value(&sources, "scopes").as_deref(), Some("openid email"));
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let (_, problems) = read(
            Some("isuer = \"x\"\nclient_id = { a = 1 }\nuniversal_logout = \"on\""),
            &[
                ("CLOAKROOM_PUBLIC_ULR", "x"),
                ("CLOAKROOM_BACKCHANNEL_LOGOUT", "on"),
                ("CLOAKROOM_FRONTCHANNEL_LOGOUT", "off"),
            ],
            &[],
        );
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 5, "{text:?}");
        assert!(
            text.iter()
                .any(|line| line.contains("did you mean issuer?"))
        );
        assert!(
            text.iter()
                .any(|line| line.contains("did you mean public_url?"))
        );
        assert!(
            text.iter()
                .any(|line| line.starts_with("CLOAKROOM_BACKCHANNEL_LOGOUT")
                    && line.contains("set it to off"))
        );
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own_but_not_twice() {
        let mut secret = tempfile::NamedTempFile::new().expect("a file");
        secret.write_all(b"s3cret\n").expect("written");
        let path = secret.path().to_str().expect("a path");
        let (sources, problems) = read(None, &[("CLOAKROOM_CLIENT_SECRET_FILE", path)], &[]);
        assert_eq!(problems, []);
        assert_eq!(value(&sources, "client_secret").as_deref(), Some("s3cret"));
        let (_, problems) = read(
            None,
            &[
                ("CLOAKROOM_CLIENT_SECRET", "a"),
                ("CLOAKROOM_CLIENT_SECRET_FILE", path),
            ],
            &[],
        );
        assert_eq!(problems.len(), 1);
        let (_, problems) = read(
            None,
            &[("CLOAKROOM_CLIENT_SECRET_FILE", "/does/not/exist")],
            &[],
        );
        assert!(problems[0].text.contains("cannot be read"));
    }

    #[test]
    fn an_empty_file_is_not_no_secret() {
        let empty = tempfile::NamedTempFile::new().expect("a file");
        let path = empty.path().to_str().expect("a path");
        let (sources, problems) = read(None, &[("CLOAKROOM_CLIENT_SECRET_FILE", path)], &[]);
        assert!(problems[0].text.contains("is empty"), "{problems:?}");
        assert_eq!(value(&sources, "client_secret"), None);
    }

    #[test]
    fn the_file_is_remembered_so_that_it_can_be_read_again() {
        let mut key = tempfile::NamedTempFile::new().expect("a file");
        key.write_all(b"{}\n").expect("written");
        let path = key.path().to_str().expect("a path");
        let file = format!("client_key_file = {path:?}");
        let (sources, problems) = read(Some(&file), &[("CLOAKROOM_CLIENT_SECRET", "s")], &[]);
        assert_eq!(problems, []);
        let file = |name| sources.get(name).and_then(|found| found.file.clone());
        assert_eq!(file("client_key").as_deref(), Some(key.path()));
        assert_eq!(file("client_secret"), None);
    }

    #[test]
    fn a_broken_file_is_not_quoted() {
        let (_, problems) = read(Some("client_secret = \"top secret\nx"), &[], &[]);
        assert_eq!(problems.len(), 1);
        assert!(
            !problems[0].to_string().contains("top secret"),
            "{}",
            problems[0]
        );
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let (sources, problems) = read(Some("issuer = \"x\""), &[("CLOAKROOM_ISSUER", "")], &[]);
        assert_eq!(problems, []);
        assert_eq!(value(&sources, "issuer"), None);
    }
}
