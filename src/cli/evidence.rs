//! What is asked of the evidence: gates, expectations, coverage over runs, reports.

use chatkitty_mock::diagnostic::did_you_mean;
use chatkitty_mock::{Builder, CoverageScope, FailOn, Format, Report};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct EvidenceArgs {
    /// What makes the exit code 1 when the server stops; `exec` fails on violations and drift anyway
    #[arg(long, env = "CHATKITTY_MOCK_FAIL_ON", value_enum, value_delimiter = ',')]
    pub(super) fail_on: Vec<FailOnArg>,
    /// The least percentage of the contract that is touched, in all or by scope, such as operations=100,statuses=80
    #[arg(
        long,
        env = "CHATKITTY_MOCK_MIN_COVERAGE",
        value_name = "[SCOPE=]PERCENT",
        value_delimiter = ',',
        value_parser = least
    )]
    pub(super) min_coverage: Vec<MinCoverage>,
    /// Merge the coverage with this file, so that it grows over runs and processes
    #[arg(long, env = "CHATKITTY_MOCK_COVERAGE_FILE", value_name = "FILE")]
    pub(super) coverage_file: Option<PathBuf>,
    /// File with a list of what has to be exchanged, in YAML or JSON; repeatable, or several with commas between
    #[arg(long, env = "CHATKITTY_MOCK_EXPECT", value_name = "FILE", value_delimiter = ',')]
    pub(super) expect: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) reports: ReportArgs,
}

#[derive(Args)]
pub(super) struct ReportArgs {
    /// Write a report at the end: text, json, junit, markdown, html, sarif, github or har; repeatable, or several with commas between
    #[arg(
        long = "report",
        env = "CHATKITTY_MOCK_REPORT",
        value_name = "FORMAT[=FILE]",
        value_delimiter = ',',
        value_parser = report
    )]
    pub(super) list: Vec<ReportArg>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOnArg {
    /// Requests that broke the contract
    Violations,
    /// Responses that broke the contract
    Drift,
    /// Requests to paths that the contract does not have
    UnknownPaths,
    /// Resources of fixtures that were never asked for
    UnusedFixtures,
}

/// The least percentage of a scope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MinCoverage {
    scope: CoverageScope,
    percent: f64,
}

/// A report, and the file that it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReportArg {
    pub(super) format: Format,
    pub(super) file: Option<PathBuf>,
}

impl FailOnArg {
    fn meant(self) -> FailOn {
        match self {
            Self::Violations => FailOn::Violations,
            Self::Drift => FailOn::Drift,
            Self::UnknownPaths => FailOn::UnknownPaths,
            Self::UnusedFixtures => FailOn::UnusedFixtures,
        }
    }
}

impl EvidenceArgs {
    /// The builder with what these arguments ask for. The command line tells the verdict itself.
    pub(super) fn apply(&self, mut builder: Builder) -> Builder {
        builder = builder.verify_on_drop(false);
        for fail_on in &self.fail_on {
            builder = builder.fail_on(fail_on.meant());
        }
        for least in &self.min_coverage {
            builder = builder.min_coverage(least.scope, least.percent);
        }
        if let Some(file) = &self.coverage_file {
            builder = builder.coverage_file(file);
        }
        for file in &self.expect {
            builder = builder.expectations(file);
        }
        builder
    }

    /// Whether everything is so that these arguments name: violations and drift only where they do.
    pub(super) fn are_met(&self, report: &Report) -> bool {
        let named = |name: &str| self.fail_on.iter().any(|fail_on| fail_on.meant().as_str() == name);
        let gates = report.gates().iter().enumerate();
        let mut unmet = gates.filter(|(_, gate)| !gate.is_met);
        // The first two are there whatever was asked for.
        let gates_are_met = !unmet.any(|(index, gate)| index >= 2 || named(&gate.name));
        let expected = self.expect.is_empty() || report.outcomes().iter().all(chatkitty_mock::Outcome::is_met);
        gates_are_met && expected
    }
}

fn least(text: &str) -> Result<MinCoverage, String> {
    let (scope, percent) = match text.split_once('=') {
        None => (CoverageScope::Everything, text),
        Some((name, percent)) => {
            let scope = CoverageScope::ALL.into_iter().find(|scope| scope.as_str() == name);
            let known = || format!("`{name}` is none of operations, statuses and everything");
            (scope.ok_or_else(known)?, percent)
        }
    };
    let number: f64 = percent.parse().map_err(|_| "write it like 80, or operations=100,statuses=80".to_owned())?;
    if (0.0..=100.0).contains(&number) {
        Ok(MinCoverage { scope, percent: number })
    } else {
        Err(format!("{percent} is not within 0 and 100"))
    }
}

fn report(text: &str) -> Result<ReportArg, String> {
    let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(file)));
    let format = Format::parse(name).ok_or_else(|| {
        let close = did_you_mean(name, Format::ALL.map(Format::as_str));
        let all = Format::ALL.map(Format::as_str).join(", ");
        let help = close.map_or_else(|| format!("use one of {all}"), |close| format!("did you mean `{close}`?"));
        format!("there is no format `{name}`; {help}")
    })?;
    match file {
        Some("") => Err(format!("it names no file after `=`; `{name}` alone writes to the terminal")),
        file => Ok(ReportArg { format, file: file.map(PathBuf::from) }),
    }
}

#[cfg(test)]
mod tests {
    use super::{MinCoverage, ReportArg, least, report};
    use chatkitty_mock::{CoverageScope, Format};

    #[test]
    fn coverage_is_asked_for_in_all_or_by_scope() {
        assert_eq!(least("80"), Ok(MinCoverage { scope: CoverageScope::Everything, percent: 80.0 }));
        assert_eq!(least("statuses=99.5"), Ok(MinCoverage { scope: CoverageScope::Statuses, percent: 99.5 }));
        for (text, message) in [
            ("101", "101 is not within 0 and 100"),
            ("-1", "-1 is not within 0 and 100"),
            ("NaN", "NaN is not within 0 and 100"),
            ("x", "write it like 80, or operations=100,statuses=80"),
            ("operatins=1", "`operatins` is none of operations, statuses and everything"),
        ] {
            assert_eq!(least(text), Err(message.to_owned()));
        }
    }

    #[test]
    fn reports_are_asked_for_by_format_and_file() {
        let arg = |format, file: Option<&str>| Ok(ReportArg { format, file: file.map(Into::into) });
        assert_eq!(report("junit=a=b.xml"), arg(Format::Junit, Some("a=b.xml")));
        assert_eq!(report("text"), arg(Format::Text, None));
        for (text, message) in [
            ("markdwn", "there is no format `markdwn`; did you mean `markdown`?"),
            ("pdf=x", "there is no format `pdf`; use one of text, json, junit, markdown, html, sarif, github, har"),
            ("html=", "it names no file after `=`; `html` alone writes to the terminal"),
        ] {
            assert_eq!(report(text), Err(message.to_owned()));
        }
    }
}
