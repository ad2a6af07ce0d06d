//! Whole reports of one fixed run, as each format writes them: `tests/reports/sample.*`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test reports_read` writes them anew.

use super::{Address, Format};
use crate::contract::{OperationNames, PointKind};
use crate::diagnostic::{Diagnostic, Part, Severity, code};
use crate::evidence::Heads;
use crate::evidence::coverage::{OperationCoverage, PointCoverage};
use crate::evidence::exchange::{Kept, KeptChanges};
use crate::evidence::{
    Counts, Coverage, CoverageScope, Exchange, Expectation, FailOn, Gates, Messages, Outcome, Report, Unused,
    UnusedExample,
};
use crate::source::{Focus, Location, SourceFile};
use crate::store::Names;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const CONTRACT: &str = "openapi: 3.1.0
info: { title: Things, version: \"1\" }
paths:
  /things/{id}:
    put:
      operationId: saveThing
      requestBody:
        content:
          application/json:
            schema:
              properties:
                size: { enum: [small, large] }
      responses:
        \"200\": { description: Saved }
  /things:
    get:
      responses:
        \"200\":
          description: Things
          content:
            application/json:
              schema: { type: array }
";
const SIZE: &str = "/paths/~1things~1{id}/put/requestBody/content/application~1json/schema/properties/size/enum";
const LIST: &str = "/paths/~1things/get/responses/200/content/application~1json/schema/type";

fn called(name: &str, label: &str) -> Option<Arc<OperationNames>> {
    Some(Arc::new(OperationNames { name: name.to_owned(), label: label.to_owned() }))
}

fn headers(fields: Fields<'_>) -> HeaderMap {
    let fields = fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    fields.collect()
}

type Fields<'a> = &'a [(&'static str, &'static str)];

/// The fields of a plain request, and those of its answer.
const HEAD: Fields<'static> = &[("host", "127.0.0.1:2428"), ("authorization", "Bearer s3cret")];
const JSON: Fields<'static> = &[("content-type", "application/json")];

fn heads(target: &str, request: Fields<'_>, response: Fields<'_>) -> Heads {
    Heads::new(target, &headers(request), &headers(response), None)
}

fn kept(text: &'static [u8]) -> Kept {
    Kept { bytes: Bytes::from_static(text), truncated: false }
}

fn exchange(id: u64, messages: Messages) -> Exchange {
    let time = "2026-11-23T09:30:04.031Z".parse().unwrap();
    Exchange { id, time, duration: Duration::from_micros(250), messages: Arc::new(messages) }
}

struct Sample {
    contract: Arc<SourceFile>,
}

impl Sample {
    fn at(&self, pointer: &str) -> Location {
        Location::new(Arc::clone(&self.contract), pointer, Focus::Value)
    }

    fn messages() -> Messages {
        Messages {
            application: Some(Arc::new(Names { name: "development".to_owned(), client_id: "c-1".to_owned() })),
            operation: called("GET /things", "GET /things"),
            method: Method::GET,
            heads: heads("/things", HEAD, JSON),
            request_body: Kept::default(),
            status: StatusCode::OK,
            response_body: kept(b"[]"),
            diagnostics: Vec::new(),
            changes: KeptChanges::default(),
            secret: false,
            secrets: Arc::default(),
            number: None,
        }
    }

    /// A bad body, with a cookie, a secret in the query, and what shells and markup trip over.
    fn violation(&self) -> Messages {
        let found = Diagnostic::new(code::SCHEMA_ENUM, "\"it's | `big` <b>\" is none of the allowed values")
            .at(Part::Body, "/size")
            .contract(Some(self.at(SIZE)))
            .keyword("enum")
            .values(Some("one of \"small\", \"large\"".to_owned()), Some("\"it's | `big` <b>\"".to_owned()));
        Messages {
            operation: called("saveThing", "PUT /things/{id}"),
            method: Method::PUT,
            heads: heads(
                "/things/1?token=s3cret&dry=[1]",
                &[
                    ("host", "127.0.0.1:2428"),
                    ("user-agent", "curl/8.5.0"),
                    ("authorization", "Bearer s3cret"),
                    ("content-type", "application/json"),
                    ("cookie", "session=s3cret; theme=dark"),
                    ("x-api-key", "s3cret"),
                    ("x-empty", ""),
                ],
                &[
                    ("content-type", "application/problem+json"),
                    ("set-cookie", "session=s3cret; Path=/; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
                ],
            ),
            request_body: kept("{\"size\":\"it's | `big` <b>\"}".as_bytes()),
            status: StatusCode::BAD_REQUEST,
            response_body: kept(b"{\"status\":400}"),
            diagnostics: vec![found],
            ..Self::messages()
        }
    }

    fn exchanges(&self) -> Vec<Exchange> {
        let unknown = Diagnostic::new(code::UNKNOWN_PATH, "no path of the contract matches `/a%7Cb`")
            .at(Part::Path, "")
            .help("did you mean `/things`?");
        let warning = Diagnostic::new(code::PARAMETER_UNKNOWN, "`page` is not declared").at(Part::Query, "/page");
        let drift = Diagnostic::new(code::DRIFT_BODY, "{} is not of type `array`")
            .at(Part::Body, "")
            .contract(Some(self.at(LIST)))
            .keyword("type")
            .values(Some("`array`".to_owned()), Some("{}".to_owned()));
        let all = [
            Self::messages(),
            Messages {
                operation: None,
                method: Method::POST,
                heads: heads("/oauth/token", &[("content-type", "application/x-www-form-urlencoded")], JSON),
                request_body: kept(b"grant_type=client_credentials&client_id=c-1&client_secret=s3cret"),
                response_body: kept(b"{\"access_token\":\"s3cret\",\"expires_in\":60}"),
                secret: true,
                ..Self::messages()
            },
            self.violation(),
            Messages {
                application: None,
                operation: None,
                heads: heads("/a%7Cb", HEAD, JSON),
                status: StatusCode::NOT_FOUND,
                diagnostics: vec![unknown],
                ..Self::messages()
            },
            Messages {
                heads: heads("/things?page=2", &[], JSON),
                request_body: kept(b"\xff\x00"),
                response_body: kept(b"{}"),
                diagnostics: vec![warning, drift],
                ..Self::messages()
            },
            self.violation(),
        ];
        (1..).zip(all).map(|(id, messages)| exchange(id, messages)).collect()
    }

    fn coverage(&self) -> Coverage {
        let point = |kind, name: &str, pointer: &str, touched| PointCoverage {
            kind,
            name: name.to_owned(),
            touched,
            place: Some(self.at(pointer)),
        };
        let save = "/paths/~1things~1{id}/put";
        let operation = |name: &str, id: Option<&str>, calls, points| OperationCoverage {
            name: name.to_owned(),
            operation_id: id.map(ToOwned::to_owned),
            calls,
            points,
        };
        Coverage {
            title: "Things".to_owned(),
            version: "1".to_owned(),
            operations: vec![
                operation(
                    "PUT /things/{id}",
                    Some("saveThing"),
                    2,
                    vec![
                        point(PointKind::Operation, "called", save, true),
                        point(PointKind::EnumSent, "request /size = \"small\"", &format!("{SIZE}/0"), true),
                        point(PointKind::EnumSent, "request /size = \"large\"", &format!("{SIZE}/1"), false),
                    ],
                ),
                operation(
                    "GET /things",
                    None,
                    2,
                    vec![point(PointKind::Operation, "called", "/paths/~1things/get", true)],
                ),
                operation(
                    "DELETE /things/{id}",
                    None,
                    0,
                    vec![point(PointKind::Operation, "called", "/paths/~1things~1{id}", false)],
                ),
            ],
        }
    }

    fn report() -> Report {
        let sample = Self { contract: SourceFile::new("openapi/things.yaml", CONTRACT) };
        let exchanges: Vec<Exchange> = sample.exchanges();
        let broken = exchanges.iter().filter(|exchange| !exchange.messages.diagnostics.is_empty());
        let counts = Counts { exchanges: 6, violations: 3, drift: 1, unknown_paths: 1, broken: 4 };
        let coverage = sample.coverage();
        let gates =
            Gates { fail_on: vec![FailOn::UnknownPaths], coverage_min: vec![(CoverageScope::Everything, 100.0)] };
        let unused = vec![Unused { application: "staging".to_owned(), path: "/things/9".to_owned() }];
        let outcome = |name: &str, count, nearest| Outcome {
            expectation: Expectation { name: name.to_owned(), at_least: Some(1), ..Expectation::default() },
            count,
            nearest,
            secrets: Arc::default(),
        };
        Report {
            counts,
            reported: broken.cloned().collect(),
            outcomes: vec![
                outcome("things are listed", 2, None),
                outcome(
                    "things are saved",
                    0,
                    Some((3, vec!["body at `/size`: expected \"small\", found \"huge\"".to_owned()])),
                ),
            ],
            gates: gates.judge(counts, Some(&coverage), &unused),
            unused,
            unused_examples: vec![UnusedExample {
                operation: "GET /things".to_owned(),
                status: "200".to_owned(),
                media_type: "application/json".to_owned(),
                name: Some("none".to_owned()),
                place: sample.at(LIST),
            }],
            coverage: Some(coverage),
            contract: ("Things".to_owned(), "1".to_owned()),
            exchanges,
            address: Address { variable: "API_URL", lasts: false, scheme: "http" },
        }
    }
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Text => "txt",
        Format::Json => "json",
        Format::Junit => "junit.xml",
        Format::Markdown => "md",
        Format::Html => "html",
        Format::Sarif => "sarif",
        Format::Github => "github.txt",
        Format::Har => "har",
    }
}

#[test]
fn reports_read_as_they_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports");
    let report = Sample::report();
    let mut changed = Vec::new();
    for format in Format::ALL {
        let (_, bytes) = report.render_as(format);
        // The version moves with each release.
        let text = String::from_utf8(bytes.to_vec()).unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
        let file = folder.join(format!("sample.{}", extension(format)));
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&file, text).unwrap();
        } else if std::fs::read_to_string(&file).ok().as_deref() != Some(&text) {
            changed.push(format!("{}:\n{text}", file.display()));
        }
    }
    assert!(changed.is_empty(), "UPDATE_SNAPSHOTS=1 writes these anew\n\n{}", changed.join("\n\n"));
}

#[test]
fn no_report_holds_a_secret() {
    let report = Sample::report();
    for format in Format::ALL {
        let (_, bytes) = report.render_as(format);
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cret"), "{format}");
    }
}

#[test]
fn a_summary_that_is_too_long_is_cut_between_two_parts_and_says_so() {
    let mut report = Sample::report();
    let whole = report.render_markdown(usize::MAX);
    assert_eq!(whole, report.render_markdown(whole.len() + 1));
    for bytes_max in [whole.len(), 2_000, 600] {
        let cut = report.render_markdown(bytes_max);
        assert!(cut.len() < bytes_max, "{} of {bytes_max}", cut.len());
        let (kept, note) = cut.split_once("_The report was cut here").expect("a note");
        assert!(whole.starts_with(kept) && note.contains("more parts"), "{cut}");
    }
    assert_eq!(report.render_markdown(0), "");
    let big = report.reported.first().cloned().unwrap();
    report.reported = vec![big; 2_000];
    let (_, bytes) = report.render_as(Format::Markdown);
    assert!((900_000..1024 * 1024).contains(&bytes.len()), "{}", bytes.len());
}

#[test]
fn nine_annotations_of_a_kind_are_written_and_the_tenth_counts_the_others() {
    let sample = Sample { contract: SourceFile::new("openapi/things.yaml", CONTRACT) };
    let mut report = Sample::report();
    report.reported.clear();
    for index in 0..30_u64 {
        let mut messages = sample.violation();
        messages.diagnostics[0] = messages.diagnostics[0].clone().at(Part::Body, format!("/m{index}"));
        if index % 3 == 0 {
            messages.diagnostics[0].severity = Severity::Warning;
        }
        report.reported.push(exchange(index, messages));
    }
    let (_, bytes) = report.render_as(Format::Github);
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let of = |kind: &str| lines.iter().filter(|line| line.starts_with(kind)).count();
    assert_eq!((of("::error "), of("::warning "), lines.len()), (10, 10, 20), "{text}");
    // Twenty errors, two gates and an expectation; ten warnings.
    assert_eq!(lines[9], "::error title=14 more::14 more errors");
    assert_eq!(lines[19], "::warning title=1 more::1 more warning");
}

#[test]
fn fingerprints_say_the_same_of_the_same_and_differ_otherwise() {
    let sample = Sample { contract: SourceFile::new("openapi/things.yaml", CONTRACT) };
    let prints = |exchange: Exchange| {
        let mut report = Sample::report();
        report.reported = vec![exchange];
        let (_, bytes) = report.render_as(Format::Sarif);
        let sarif: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        sarif["runs"][0]["results"][0]["partialFingerprints"]["contractViolation/v1"].clone()
    };
    let first = prints(exchange(3, sample.violation()));
    let mut messages = sample.violation();
    messages.diagnostics[0].message = "\"huge\" is none of the allowed values".to_owned();
    let mut later = exchange(99, messages);
    later.time = "2027-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(prints(later), first);
    let item = |at: &str| {
        let mut messages = sample.violation();
        messages.diagnostics[0] = messages.diagnostics[0].clone().at(Part::Body, at);
        prints(exchange(3, messages))
    };
    assert_eq!(item("/sizes/0"), item("/sizes/17"));
    assert_ne!(item("/sizes/0"), first);
    let mut other = sample.violation();
    other.operation = called("POST /things", "POST /things");
    assert_ne!(prints(exchange(3, other)), first);
}
