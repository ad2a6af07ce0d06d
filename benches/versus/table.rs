//! What was measured, as rows of one table.

use crate::rounds::Spread;
use crate::{Arguments, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// The lines of the README between which the table stands.
const MARKERS: (&str, &str) =
    ("<!-- The table is written by: cargo bench --bench versus -- --update-readme -->\n", "<!-- End of the table. -->");

/// One line of the table.
pub(crate) struct Row {
    work: String,
    ours: String,
    other: String,
    /// The figure that the target is about: a ratio, or a quantity in the target's unit.
    figure: Option<Spread>,
    target: String,
    /// Whether the target is met, or why nothing was measured.
    verdict: std::result::Result<bool, String>,
    details: Value,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    /// A ratio to a yardstick.
    pub(crate) fn ratio(work: impl Into<String>, ours: String, other: String, ratio: Spread, target: Target) -> Self {
        let limit = match target {
            Target::AtLeast(least) => format!("≥ {least} ×"),
            Target::AtMost(most) => format!("≤ {most} ×"),
        };
        Self::new(work.into(), ours, other, Some(ratio), limit, Ok(target.is_met(ratio.median)))
    }

    /// A quantity with a limit, both in the same unit.
    pub(crate) fn limit(work: impl Into<String>, quantity: Spread, most: f64, unit: &str) -> Self {
        let ours = format!("{} {unit}", short(quantity.median));
        let target = format!("≤ {} {unit}", short(most));
        Self::new(work.into(), ours, String::new(), Some(quantity), target, Ok(quantity.median <= most))
    }

    /// A quantity that has to be reached.
    pub(crate) fn at_least(work: impl Into<String>, quantity: Spread, least: f64) -> Self {
        let (ours, target) = (short(quantity.median), format!("≥ {}", short(least)));
        Self::new(work.into(), ours, String::new(), Some(quantity), target, Ok(quantity.median >= least))
    }

    /// What could not be measured, and why.
    pub(crate) fn missing(work: impl Into<String>, target: &str, reason: impl Into<String>) -> Self {
        Self::new(work.into(), String::new(), String::new(), None, target.to_owned(), Err(reason.into()))
    }

    fn new(
        work: String,
        ours: String,
        other: String,
        figure: Option<Spread>,
        target: String,
        verdict: std::result::Result<bool, String>,
    ) -> Self {
        Self { work, ours, other, figure, target, verdict, details: Value::Null }
    }

    /// What is told beside our figure.
    pub(crate) fn noting(mut self, note: &str) -> Self {
        let _ = write!(self.ours, ", {note}");
        self
    }

    /// What is kept in the JSON alone.
    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

impl Target {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }
}

/// Three digits, or all before the point.
pub(crate) fn short(value: f64) -> String {
    let decimals = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

/// The table for people.
pub(crate) fn markdown(rows: &[Row], arguments: &Arguments) -> String {
    let mut text = format!("{}\n\n", conditions(arguments));
    text.push_str(
        "| work | this server | yardstick | ratio or figure (least–most) | target | |\n|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let figure = row.figure.map_or_else(String::new, |figure| {
            format!("**{}** ({}–{})", short(figure.median), short(figure.least), short(figure.most))
        });
        let verdict = match &row.verdict {
            Ok(true) => "met",
            Ok(false) => "missed",
            Err(reason) => reason,
        };
        let _ =
            writeln!(text, "| {} | {} | {} | {figure} | {} | {verdict} |", row.work, row.ours, row.other, row.target);
    }
    text
}

/// The table for programs.
pub(crate) fn json(rows: &[Row], arguments: &Arguments) -> Result<String> {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let spread =
                row.figure.map(|figure| json!({ "median": figure.median, "least": figure.least, "most": figure.most }));
            json!({
                "work": row.work,
                "ours": row.ours,
                "yardstick": row.other,
                "figure": spread,
                "target": row.target,
                "met": row.verdict.as_ref().ok(),
                "not_measured": row.verdict.as_ref().err(),
                "details": row.details,
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&json!({ "conditions": conditions(arguments), "rows": rows }))? + "\n")
}

fn conditions(arguments: &Arguments) -> String {
    if arguments.quick {
        return "One short round: it shows that everything can be measured, and no figure counts.".to_owned();
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("CPU", |(_, model)| model);
    let (rounds, seconds) = (arguments.rounds, arguments.seconds);
    format!(
        "{cores} cores of {model}, shared by the server and the loader; medians of {rounds} rounds of {seconds} s that alternate."
    )
}

/// Puts the table into the README, in the place of the last one.
pub(crate) fn update_readme(markdown: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path)?;
    let parts = text.split_once(MARKERS.0).and_then(|(before, rest)| Some((before, rest.split_once(MARKERS.1)?.1)));
    let (before, after) = parts.ok_or("README.md lacks the lines between which the table stands")?;
    std::fs::write(&path, format!("{before}{}\n{markdown}\n{}{after}", MARKERS.0, MARKERS.1))?;
    Ok(())
}
