//! One [`Report`] in every format that people, CI systems and tools read. One file a format; nothing here judges
//! anything, or writes anywhere.
//!
//! `findings` and `rows` say what the formats have in common: each thing wrong once, and the operations one by one.

mod curl;
mod findings;
mod github;
mod har;
mod html;
mod json;
mod junit;
mod markdown;
mod rows;
mod sarif;
#[cfg(test)]
mod tests;
mod text;

use super::{Exchange, Report};
use bytes::Bytes;
use std::fmt;

/// How lines to paste name the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    /// The shell variable that stands for the address.
    pub(crate) variable: &'static str,
    /// Whether the address that a client used leads to a server later on, and so is written out.
    pub(crate) lasts: bool,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
}

impl Default for Address {
    fn default() -> Self {
        Self { variable: "BASE_URL", lasts: true, scheme: "http" }
    }
}

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// For people: the lines of both messages and of the contract, and a `curl` line that sends the request again.
    Text,
    /// Everything, for programs.
    Json,
    /// JUnit XML, which CI systems import: suites of operations, expectations and gates.
    Junit,
    /// GitHub-flavoured Markdown, for job summaries. Less than 1 MiB; what is cut off is said.
    Markdown,
    /// One page without scripts or outside assets.
    Html,
    /// SARIF 2.1.0, with each violation at its line of the contract.
    Sarif,
    /// Workflow commands that GitHub shows as annotations; nine of a kind at most.
    Github,
    /// HTTP Archive 1.2 with every exchange that the journal holds.
    Har,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] =
        [Self::Text, Self::Json, Self::Junit, Self::Markdown, Self::Html, Self::Sarif, Self::Github, Self::Har];

    /// The name on the command line and in the control plane.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Har => "har",
        }
    }

    /// The format with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text | Self::Github => "text/plain; charset=utf-8",
            Self::Json | Self::Har => "application/json",
            Self::Junit => "application/xml",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Sarif => "application/sarif+json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Report {
    /// The report in a format: its media type and its bytes.
    ///
    /// ```
    /// use chatkitty_mock::{Format, MockServer};
    ///
    /// let mock = MockServer::start();
    /// let (media_type, bytes) = mock.report().render_as(Format::Junit);
    /// assert_eq!(media_type, "application/xml");
    /// assert!(bytes.starts_with(b"<?xml"));
    /// ```
    pub fn render_as(&self, format: Format) -> (&'static str, Bytes) {
        let text = match format {
            Format::Text => self.render(false),
            Format::Json => pretty(&json::json(self)),
            Format::Junit => junit::junit(self),
            Format::Markdown => self.render_markdown(markdown::SUMMARY_BYTES_MAX),
            Format::Html => html::html(self),
            Format::Sarif => pretty(&sarif::sarif(self)),
            Format::Github => github::github(self),
            Format::Har => pretty(&har::har(self.exchanges.iter(), self.address.scheme)),
        };
        (format.media_type(), Bytes::from(text))
    }

    /// The report as Markdown of less than `bytes_max` bytes, for a summary that has something in it already.
    pub fn render_markdown(&self, bytes_max: usize) -> String {
        markdown::markdown(self, bytes_max)
    }

    /// The text for people: each exchange that broke the contract with its diagnostics and a line that reproduces it,
    /// what was asked for and is not so, then the counts.
    pub fn render(&self, color: bool) -> String {
        text::text(self, color)
    }
}

impl Exchange {
    /// The text for people: the request line, each diagnostic with the lines it is about, and a `curl` line that
    /// sends the request again.
    pub fn render(&self, color: bool) -> String {
        text::exchange_with_line(self, color, Address::default())
    }
}

/// Exchanges as HTTP Archive 1.2, with URLs of this scheme.
pub(crate) fn har_of<'e>(exchanges: impl Iterator<Item = &'e Exchange>, scheme: &str) -> String {
    pretty(&har::har(exchanges, scheme))
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
