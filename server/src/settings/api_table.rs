//! A table of the configuration file, read key by key; what is wrong with it is collected with its place.

use toml::Value;

use super::sources::{Problem, nearest_of};

/// One table, and where it stands.
pub(super) struct Table<'a> {
    values: toml::Table,
    place: String,
    problems: &'a mut Vec<Problem>,
}

/// A list that somebody wrote in one string.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

impl<'a> Table<'a> {
    pub(super) fn open(
        value: &Value,
        place: String,
        problems: &'a mut Vec<Problem>,
    ) -> Option<Self> {
        if let Value::Table(table) = value {
            return Some(Self {
                values: table.clone(),
                place,
                problems,
            });
        }
        problems.push(Problem::new(
            place,
            "is not a table: write key = value pairs",
        ));
        None
    }

    /// A table within this one.
    pub(super) fn within<'b>(&'b mut self, key: &str, value: &Value) -> Option<Table<'b>> {
        let place = self.place(key);
        Table::open(value, place, self.problems)
    }

    /// Where a key stands, or would.
    pub(super) fn place(&self, key: &str) -> String {
        match self.place.split_once(" in ") {
            Some((path, file)) => format!("{path}.{key} in {file}"),
            None => format!("{}.{key}", self.place),
        }
    }

    pub(super) fn wrong(&mut self, key: &str, text: impl Into<String>) {
        let place = self.place(key);
        self.problem(place, text);
    }

    pub(super) fn problem(&mut self, place: String, text: impl Into<String>) {
        self.problems.push(Problem::new(place, text));
    }

    /// Refuses every other key.
    pub(super) fn only(&mut self, known: &[&'static str]) {
        let unknown: Vec<String> = self
            .keys()
            .into_iter()
            .filter(|key| !known.contains(&key.as_str()))
            .collect();
        for key in unknown {
            let hint = nearest_of(&key, known.iter().copied())
                .map_or_else(String::new, |name| format!(": did you mean {name}?"));
            self.wrong(&key, format!("there is no such setting{hint}"));
        }
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(super) fn value(&self, key: &str) -> Option<Value> {
        self.values.get(key).cloned()
    }

    /// A string, or a number as one.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.values.get(key)? {
            Value::String(text) => return Some(text.trim().to_owned()),
            Value::Integer(number) => return Some(number.to_string()),
            _ => {}
        }
        self.wrong(key, "write a string");
        None
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.values.get(key)? {
            Value::Boolean(flag) => return Some(*flag),
            Value::String(text) if text == "true" || text == "false" => {
                return Some(text == "true");
            }
            _ => {}
        }
        self.wrong(key, "write true or false");
        None
    }

    pub(super) fn list(&mut self, key: &str) -> Option<Vec<Value>> {
        if let Value::Array(items) = self.values.get(key)? {
            return Some(items.clone());
        }
        self.wrong(key, "write a list");
        None
    }

    /// A list of strings, or one string of words.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        match self.values.get(key)? {
            Value::String(text) => return Some(words(text)),
            Value::Array(items) => {
                let texts: Option<Vec<String>> = items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect();
                if texts.is_some() {
                    return texts;
                }
            }
            _ => {}
        }
        self.wrong(key, "write a list of strings");
        None
    }
}
