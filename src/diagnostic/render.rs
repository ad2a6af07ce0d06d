//! Diagnostics as people read them: the lines with carets, of the instance and of the contract together.
//! It decides nothing about a diagnostic and writes to no terminal.

use std::ops::Range;

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Message, Renderer, Snippet, normalize_untrusted_str,
};

use super::{Diagnostic, Location, Place, Severity};
use crate::source::{SourceFile, char_boundary};

/// The most bytes that carets underline; a longer value is underlined at its beginning.
const CARETS_MAX: usize = 60;
/// The most bytes of a line before the first mark and behind the last that are shown: more than the renderer's width,
/// which it cuts lines to.
const MARGIN_BYTES_MAX: usize = 1_024;
/// The most bytes from one mark of a file to the next for both to be shown at once.
const APART_BYTES_MAX: usize = 64 * 1_024;

/// The text for people: one report a diagnostic, an empty line between two, with ANSI colours if `color` is set.
pub fn render(diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        let mut cuts = Vec::new();
        let mut report = renderer.render(&[report(diagnostic, &mut cuts)]);
        for cut in &cuts {
            report = report.replacen(&cut.said, &cut.meant, 1);
        }
        text.push_str(&report);
        text.push('\n');
    }
    text
}

fn report<'d>(diagnostic: &'d Diagnostic, cuts: &mut Vec<Cut>) -> Group<'d> {
    let level = match diagnostic.severity {
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code.to_string()));
    group.elements(snippets(diagnostic, cuts)).elements(notes(diagnostic))
}

/// One snippet a file, or a mark where they are far apart: the instance first, the contract below it.
fn snippets<'d>(diagnostic: &'d Diagnostic, cuts: &mut Vec<Cut>) -> Vec<Snippet<'d, Annotation<'d>>> {
    let mut snippet = |file, marks: &[Mark<'_>]| snippet(file, marks, cuts);
    let instance = match &diagnostic.place {
        Some(Place::File(location)) => Some(Mark::new(location, AnnotationKind::Primary)),
        _ => None,
    };
    let kind = if instance.is_some() { AnnotationKind::Context } else { AnnotationKind::Primary };
    let contract = diagnostic.contract.as_ref().map(|location| Mark::new(location, kind));
    let found = diagnostic.actual.as_ref().map(|actual| format!("found {actual}"));
    let expected = diagnostic.expected.as_ref().map(|expected| format!("expected {expected}"));
    match (instance, contract) {
        (Some(instance), Some(contract)) if instance.is_at(&contract) => {
            vec![snippet(instance.file, &[instance.label(both(expected, found))])]
        }
        (Some(instance), Some(contract)) => {
            let instance = instance.label(found.or_else(|| Some(diagnostic.code.entry().title.to_owned())));
            let contract = contract.label(Some(expected.unwrap_or_else(|| "declared here".to_owned())));
            let apart = instance.span.start.abs_diff(contract.span.start);
            if instance.file.name() == contract.file.name() && apart <= APART_BYTES_MAX {
                vec![snippet(instance.file, &[instance, contract])]
            } else {
                vec![snippet(instance.file, &[instance]), snippet(contract.file, &[contract])]
            }
        }
        (Some(instance), None) => vec![snippet(instance.file, &[instance.label(both(expected, found))])],
        (None, Some(contract)) => vec![snippet(contract.file, &[contract.label(expected)])],
        (None, None) => Vec::new(),
    }
}

fn both(expected: Option<String>, found: Option<String>) -> Option<String> {
    match (expected, found) {
        (Some(expected), Some(found)) => Some(format!("{expected}, {found}")),
        (expected, found) => expected.or(found),
    }
}

/// What no caret says: the place in a message, the values there, the suggestion.
fn notes(diagnostic: &Diagnostic) -> Vec<Message<'_>> {
    let mut notes = Vec::new();
    let mut note = |name: &'static str, text: &str| {
        notes.push(Level::NOTE.with_name(name).message(normalize_untrusted_str(text)));
    };
    let in_file = matches!(diagnostic.place, Some(Place::File(_)));
    if let Some(Place::Message { part, pointer }) = &diagnostic.place {
        note("at", format!("{} {pointer}", part.as_str()).trim_end());
    }
    if let (Some(expected), None, false) = (&diagnostic.expected, &diagnostic.contract, in_file) {
        note("expected", expected);
    }
    if let (Some(actual), false) = (&diagnostic.actual, in_file) {
        note("found", actual);
    }
    if let Some(help) = &diagnostic.help {
        notes.push(Level::HELP.message(normalize_untrusted_str(help)));
    }
    notes
}

/// One run of carets.
struct Mark<'a> {
    file: &'a SourceFile,
    span: Range<usize>,
    kind: AnnotationKind,
    label: Option<String>,
}

impl<'a> Mark<'a> {
    fn new(location: &'a Location, kind: AnnotationKind) -> Self {
        let file = location.file.as_ref();
        let mut span = location.span();
        if span.len() > CARETS_MAX {
            span.end = char_boundary(file.text(), span.start + CARETS_MAX);
        }
        Self { file, span, kind, label: None }
    }

    fn label(mut self, label: Option<String>) -> Self {
        self.label = label;
        self
    }

    fn is_at(&self, other: &Self) -> bool {
        self.file.name() == other.file.name() && self.span == other.span
    }
}

/// What the renderer says of a place in a line that was cut, and what is meant: it takes what it is given for the whole line.
struct Cut {
    said: String,
    meant: String,
}

/// The lines that the marks are on, cut out of the file, and of a long line what is near: the renderer's work grows with
/// the text that it is given.
fn snippet<'a>(file: &'a SourceFile, marks: &[Mark<'_>], cuts: &mut Vec<Cut>) -> Snippet<'a, Annotation<'a>> {
    let text = file.text();
    let first = marks.iter().map(|mark| mark.span.start).min().unwrap_or(0);
    let last = marks.iter().map(|mark| mark.span.end).max().unwrap_or(0);
    let margin = char_boundary(text, first.saturating_sub(MARGIN_BYTES_MAX));
    let in_line = text.get(margin..first).and_then(|before| before.rfind('\n'));
    let start = in_line.map_or(margin, |at| margin + at + 1);
    let tail = text.get(last..char_boundary(text, last + MARGIN_BYTES_MAX)).unwrap_or("");
    let end = last + tail.find('\n').unwrap_or(tail.len());
    let annotations = marks.iter().map(|mark| {
        let span = mark.span.start.saturating_sub(start)..mark.span.end.saturating_sub(start);
        mark.kind.span(span).label(mark.label.clone())
    });
    let (line, before) = file.line_column(start);
    let snippet = Snippet::source(text.get(start..end).unwrap_or("")).line_start(line).annotations(annotations);
    let main = marks.iter().find(|mark| mark.kind == AnnotationKind::Primary).or(marks.first());
    let main = main.map_or((line, before), |mark| file.line_column(mark.span.start));
    if before == 1 || main.0 != line {
        return snippet.path(file.name());
    }
    let meant = format!(":{line}:{}", main.1);
    cuts.push(Cut { said: format!("{meant}:{line}:{}", main.1 + 1 - before), meant: meant.clone() });
    snippet.path(format!("{}{meant}", file.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Part, code};
    use crate::source::{Focus, SourceFile};
    use std::sync::Arc;

    const CONTRACT: &str = "components:\n  schemas:\n    Settings:\n      properties:\n        guestUsers:\n          type: string\n          enum: [ENABLED, DISABLED]\n";
    const FIXTURE: &str =
        "resources:\n  /v1/application/settings:\n    guestUsers: ENABLD\n    userCreatedChannels: ENABLED\n";

    fn at(file: &Arc<SourceFile>, pointer: &str) -> Location {
        Location::new(Arc::clone(file), pointer, Focus::Value)
    }

    fn contract() -> Location {
        at(
            &SourceFile::new("openapi/chatkitty.yaml", CONTRACT),
            "/components/schemas/Settings/properties/guestUsers/enum",
        )
    }

    fn mistake() -> Diagnostic {
        Diagnostic::new(code::FIXTURE_RESOURCE, "`guestUsers` is none of the declared values")
            .contract(Some(contract()))
            .values(Some("`ENABLED` or `DISABLED`".to_owned()), Some("`ENABLD`".to_owned()))
            .help("did you mean `ENABLED`?")
    }

    #[track_caller]
    fn shows(diagnostics: &[Diagnostic], expected: &str) {
        assert_eq!(render(diagnostics, false), expected.trim_start());
    }

    #[test]
    fn a_fixture_mistake_shows_both_files() {
        let fixture = SourceFile::new("fixtures/development.yaml", FIXTURE);
        let diagnostic = mistake().in_file(at(&fixture, "/resources/~1v1~1application~1settings/guestUsers"));
        shows(
            &[diagnostic],
            r"
error[CK0804]: `guestUsers` is none of the declared values
 --> fixtures/development.yaml:3:17
  |
3 |     guestUsers: ENABLD
  |                 ^^^^^^ found `ENABLD`
  |
 ::: openapi/chatkitty.yaml:7:17
  |
7 |           enum: [ENABLED, DISABLED]
  |                 ------------------- expected `ENABLED` or `DISABLED`
  |
  = help: did you mean `ENABLED`?
",
        );
    }

    #[test]
    fn a_body_violation_shows_the_contract_and_the_pointer() {
        shows(
            &[mistake().at(Part::Body, "/guestUsers")],
            r"
error[CK0804]: `guestUsers` is none of the declared values
 --> openapi/chatkitty.yaml:7:17
  |
7 |           enum: [ENABLED, DISABLED]
  |                 ^^^^^^^^^^^^^^^^^^^ expected `ENABLED` or `DISABLED`
  |
  = at: body /guestUsers
  = found: `ENABLD`
  = help: did you mean `ENABLED`?
",
        );
    }

    #[test]
    fn a_body_given_as_a_file_is_shown_like_one() {
        let body = SourceFile::new("request body", "{\"guestUsers\":\"ENABLD\"}");
        shows(
            &[mistake().in_file(at(&body, "/guestUsers"))],
            r#"
error[CK0804]: `guestUsers` is none of the declared values
 --> request body:1:15
  |
1 | {"guestUsers":"ENABLD"}
  |               ^^^^^^^^ found `ENABLD`
  |
 ::: openapi/chatkitty.yaml:7:17
  |
7 |           enum: [ENABLED, DISABLED]
  |                 ------------------- expected `ENABLED` or `DISABLED`
  |
  = help: did you mean `ENABLED`?
"#,
        );
    }

    #[test]
    fn of_a_long_line_what_is_near_is_shown_with_its_place_in_the_whole() {
        let file = |before: usize| {
            let text = format!(
                "{{\"é\":\"{}\",\"guestUsers\":\"ENABLD\",\"z\":[{}0]}}",
                "x".repeat(before),
                "0,".repeat(40_000)
            );
            SourceFile::new("body.json", text)
        };
        let shown = |before: usize| render(&[mistake().in_file(at(&file(before), "/guestUsers"))], false);
        let (whole, cut) = (shown(1_000), shown(100_000));
        assert!(whole.contains("--> body.json:1:1022\n") && cut.contains("--> body.json:1:100022\n"), "{cut}");
        assert_eq!(whole.replace(":1022", ""), cut.replace(":100022", ""));
        assert!(cut.contains("...xxx") && cut.len() < 1_000, "{cut}");
        // Both marks in one line, far from one another.
        let file = file(100_000);
        let far = mistake().contract(Some(at(&file, "/z/39999"))).in_file(at(&file, "/guestUsers"));
        let far = render(&[far], false);
        assert!(far.contains("--> body.json:1:100022\n") && far.contains("::: body.json:1:180034\n"), "{far}");
    }

    #[test]
    fn a_warning_about_the_contract_shows_one_place() {
        let file = SourceFile::new(
            "api.yaml",
            "paths:\n  /things:\n    get:\n      responses:\n        200:\n          example: {}\n",
        );
        let diagnostic = Diagnostic::new(code::CONTRACT_EXAMPLE, "the example lacks `id`")
            .in_file(at(&file, "/paths/~1things/get/responses/200/example"))
            .help("correct the example or the schema");
        shows(
            &[diagnostic],
            r"
warning[CK0711]: the example lacks `id`
 --> api.yaml:6:20
  |
6 |           example: {}
  |                    ^^
  |
  = help: correct the example or the schema
",
        );
    }

    #[test]
    fn two_places_in_one_file_share_a_snippet() {
        let file = SourceFile::new("api.yaml", "schema:\n  type: integer\n\n\n\n\n\nexample: x\n");
        let diagnostic = Diagnostic::new(code::CONTRACT_EXAMPLE, "the example is no integer")
            .in_file(at(&file, "/example"))
            .contract(Some(at(&file, "/schema/type")))
            .values(Some("an integer".to_owned()), Some("`x`".to_owned()));
        shows(
            &[diagnostic.clone(), diagnostic.severity(Severity::Note)],
            r"
warning[CK0711]: the example is no integer
 --> api.yaml:8:10
  |
2 |   type: integer
  |         ------- expected an integer
...
8 | example: x
  |          ^ found `x`

note[CK0711]: the example is no integer
 --> api.yaml:8:10
  |
2 |   type: integer
  |         ------- expected an integer
...
8 | example: x
  |          ^ found `x`
",
        );
    }

    #[test]
    fn without_a_file_everything_is_a_note() {
        let diagnostic = Diagnostic::new(code::UNKNOWN_PATH, "no path matches `/x\u{1b}[31m`")
            .at(Part::Path, "")
            .values(Some("`/y`".to_owned()), Some("\u{1b}[31m".to_owned()));
        shows(
            &[diagnostic],
            r"
error[CK0101]: no path matches `/x␛[31m`
 |
 = at: path
 = expected: `/y`
 = found: ␛[31m
",
        );
        assert_eq!(render(&[], false), "");
    }

    #[test]
    fn long_lines_are_cut_and_odd_places_hold() {
        let body = format!("{{\"a\":[{}1],\"b\":\"{}\"}}", "0,".repeat(100_000), "x".repeat(10_000));
        let long = SourceFile::new("request body", body);
        for pointer in ["", "/a", "/a/50000", "/b", "/c"] {
            let text = render(&[mistake().in_file(at(&long, pointer))], false);
            assert!(text.len() < 2_000, "{pointer}: {}", text.len());
        }
        for text in ["", "\n", "é", "{", "\t\"a", "a: \u{200b}\r\n"] {
            let file = SourceFile::new("odd", text);
            assert!(render(&[mistake().in_file(at(&file, "/a"))], true).contains("CK0804"));
        }
    }
}
