//! What came of the modules, as data and as a table.

use std::fmt;

/// What came of one module.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Not as expected, with what was seen.
    Failed(String),
    /// Not tried, with what it would take.
    Skipped(String),
}

/// One module and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The module's name.
    pub module: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// The outcome of a run. [`Display`](fmt::Display) prints it as a Markdown table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// In the order they were walked.
    pub rows: Vec<Row>,
}

impl Report {
    /// Whether nothing failed. What was skipped does not count.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// What failed, with what was seen.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rows.iter().filter_map(|row| match &row.outcome {
            Outcome::Failed(why) => Some((row.module.as_str(), why.as_str())),
            _ => None,
        })
    }

    /// The outcome of a module, where it is in the report.
    pub fn outcome(&self, module: &str) -> Option<&Outcome> {
        let row = self.rows.iter().find(|row| row.module == module);
        row.map(|row| &row.outcome)
    }

    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.rows.iter().filter(|row| which(&row.outcome)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "Self-tested with cloakroom-testkit. This is not a certification.\n"
        )?;
        writeln!(formatter, "| module | outcome |\n|---|---|")?;
        for Row { module, outcome } in &self.rows {
            match outcome {
                Outcome::Passed => writeln!(formatter, "| {module} | passed |")?,
                Outcome::Failed(why) => writeln!(formatter, "| {module} | FAILED: {why} |")?,
                Outcome::Skipped(why) => writeln!(formatter, "| {module} | skipped: {why} |")?,
            }
        }
        write!(
            formatter,
            "\n{} passed, {} failed, {} skipped",
            self.count(|outcome| *outcome == Outcome::Passed),
            self.failures().count(),
            self.count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        )
    }
}
