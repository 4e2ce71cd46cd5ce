//! A table of the configuration file, read key by key (TOML 1.0). What is wrong is collected, with its place and without
//! the value, which may be a secret.

use std::borrow::Cow;

use toml::Value;

use crate::settings::sources::{Problem, nearest_of};

/// A table, and where it stands.
pub(super) struct Table<'v, 'p> {
    entries: &'v toml::Table,
    /// From the top of the file, such as `api.orders.routes[1]`.
    path: String,
    file: &'v str,
    problems: &'p mut Vec<Problem>,
}

impl<'v, 'p> Table<'v, 'p> {
    pub(super) fn new(
        entries: &'v toml::Table,
        path: String,
        file: &'v str,
        problems: &'p mut Vec<Problem>,
    ) -> Self {
        Self {
            entries,
            path,
            file,
            problems,
        }
    }

    /// A value of this table, at `key`, as a table.
    pub(super) fn within(&mut self, key: &str, value: &'v Value) -> Option<Table<'v, '_>> {
        let Value::Table(entries) = value else {
            self.wrong(key, "is not a table: write { key = value }");
            return None;
        };
        let path = format!("{}.{key}", self.path);
        Some(Table::new(entries, path, self.file, self.problems))
    }

    /// Where a key stands, or would.
    pub(super) fn place(&self, key: &str) -> String {
        format!("{}.{key} in {}", self.path, self.file)
    }

    pub(super) fn wrong(&mut self, key: &str, text: impl Into<String>) {
        self.wrong_at(self.place(key), text);
    }

    pub(super) fn wrong_at(&mut self, place: String, text: impl Into<String>) {
        self.problems.push(Problem::new(place, text));
    }

    /// Refuses every key but these; `instead` has what to say of some others.
    pub(super) fn only(&mut self, known: &[&'static str], instead: &[(&str, &str)]) {
        for key in self.entries.keys() {
            if known.contains(&key.as_str()) {
                continue;
            }
            let hint = match instead.iter().find(|(other, _)| other == key) {
                Some((_, text)) => format!(": {text}"),
                None => nearest_of(key, known.iter().copied())
                    .map_or_else(String::new, |name| format!(": did you mean {name}?")),
            };
            self.wrong(key, format!("there is no such setting{hint}"));
        }
    }

    pub(super) fn entries(&self) -> &'v toml::Table {
        self.entries
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    pub(super) fn text(&mut self, key: &str) -> Option<&'v str> {
        if let Value::String(text) = self.entries.get(key)? {
            return Some(text.trim());
        }
        self.wrong(key, "write a string, in quotes");
        None
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        if let Value::Boolean(flag) = self.entries.get(key)? {
            return Some(*flag);
        }
        self.wrong(key, "write true or false, without quotes");
        None
    }

    /// A string or a whole number, parsed; the error's own words say what to write.
    pub(super) fn parsed<T, E: ToString>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = match self.entries.get(key)? {
            Value::String(text) => Cow::Borrowed(text.trim()),
            Value::Integer(number) => Cow::Owned(number.to_string()),
            _ => Cow::Borrowed(""),
        };
        parse(&text)
            .map_err(|error| self.wrong(key, error.to_string()))
            .ok()
    }

    pub(super) fn list(&mut self, key: &str) -> Option<&'v [Value]> {
        if let Value::Array(items) = self.entries.get(key)? {
            return Some(items);
        }
        self.wrong(key, "write a list, in square brackets");
        None
    }

    /// A list of strings, each with its own key.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<(String, &'v str)>> {
        let mut texts = Vec::new();
        for (at, value) in self.list(key)?.iter().enumerate() {
            let key = format!("{key}[{at}]");
            match value {
                Value::String(text) => texts.push((key, text.trim())),
                _ => self.wrong(&key, "write a string, in quotes"),
            }
        }
        Some(texts)
    }
}
