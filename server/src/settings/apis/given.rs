//! What the configuration file and the environment say of APIs, as they say it.

use std::collections::BTreeMap;

use crate::settings::sources::Problem;

/// The environment's APIs.
pub(crate) const PREFIX: &str = "CLOAKROOM_API_";

/// APIs by name, unchecked. No `Debug`: headers in the tables may be secrets.
#[derive(Default)]
pub(crate) struct Given {
    /// The configuration file.
    pub(super) file: String,
    pub(super) tables: toml::Table,
    pub(super) variables: BTreeMap<String, Variable>,
}

/// `CLOAKROOM_API_NAME`.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) base: String,
}

/// `CLOAKROOM_API_MY_ORDERS`, for `my-orders`.
pub(super) fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('-', "_"))
}

impl Given {
    /// The key `api` of a file.
    pub(crate) fn take_tables(
        &mut self,
        value: toml::Value,
        file: &str,
        problems: &mut Vec<Problem>,
    ) {
        file.clone_into(&mut self.file);
        match value {
            toml::Value::Table(tables) => self.tables = tables,
            _ => problems.push(Problem::new(
                format!("api in {file}"),
                "write a table for each API, such as [api.orders]",
            )),
        }
    }

    /// A variable whose name begins with [`PREFIX`].
    pub(crate) fn take_variable(
        &mut self,
        variable: String,
        value: &str,
        problems: &mut Vec<Problem>,
    ) {
        let base = value.trim().to_owned();
        // An empty variable is how many tools write "not set".
        if base.is_empty() {
            return;
        }
        let name = variable
            .strip_prefix(PREFIX)
            .unwrap_or_default()
            .to_ascii_lowercase()
            .replace('_', "-");
        if let Some(other) = self.variables.get(&name) {
            let text = format!("names the API {name}, as {} does: keep one", other.name);
            problems.push(Problem::new(variable, text));
            return;
        }
        let variable = Variable {
            name: variable,
            base,
        };
        self.variables.insert(name, variable);
    }

    /// Where an API's table stands.
    pub(super) fn place(&self, name: &str) -> String {
        format!("api.{name} in {}", self.file)
    }
}
