//! Recordings that are broken: what comes before the break is judged, and the break has its byte.

use chatkitty_mock::{Audit, MockServer, RecordingError};
use serde_json::json;

fn audit() -> Audit {
    MockServer::builder().audit().unwrap()
}

/// Four entries with texts in which every kind of JSON token occurs.
fn har() -> String {
    let entry = |index: usize| {
        json!({
            "startedDateTime": "2026-02-03T04:05:06Z", "time": 1.5e-3, "cache": {}, "_x": [[], {}, [null, true, -0.0e+1]],
            "request": { "method": "GET", "url": format!("https://h/v1/nothing/{index}"), "headers": [{ "name": "x", "value": "ä\"\\\u{1f600}" }] },
            "response": { "status": 404, "content": { "size": 2, "text": "{}" } },
        })
    };
    let entries: Vec<_> = (0..4).map(entry).collect();
    let log = json!({ "version": "1.2", "creator": { "name": "t" }, "pages": [{ "id": "p" }], "entries": entries, "comment": null });
    format!("{:#}\n", json!({ "before": [1], "log": log, "after": "" }))
}

/// How many entries of the HAR end before a byte.
fn whole_before(text: &str, byte: usize) -> u64 {
    let entries = text.find("\"entries\"").unwrap();
    let ends = text.match_indices("\n      }").map(|(at, end)| at + end.len()).filter(|end| *end > entries);
    ends.filter(|end| *end <= byte).count() as u64
}

fn read(text: &[u8]) -> (u64, Result<(), RecordingError>) {
    let mut audit = audit();
    let read = audit.read_har(text);
    (audit.tally().judged, read)
}

#[test]
fn a_har_that_is_cut_off_is_judged_up_to_the_cut() {
    let text = har();
    assert_eq!(read(text.as_bytes()), (4, Ok(())));
    let whole = text.trim_end().len();
    let step = (text.len() / 200).max(1);
    let mut places = 0;
    for cut in (0..whole).step_by(step) {
        let (judged, error) = read(&text.as_bytes()[..cut]);
        let error = error.unwrap_err();
        assert_eq!(error.offset(), cut as u64, "{error}");
        assert!(error.to_string().contains(if cut == 0 { "it is empty" } else { "it ends in the middle" }), "{error}");
        assert_eq!(judged, whole_before(&text, cut), "cut at {cut}");
        places += 1;
    }
    assert!(places >= 200, "{places}");
}

#[test]
fn what_is_no_har_is_said_with_its_byte() {
    for (text, offset, message) in [
        ("", 0, "it is empty"),
        ("<html>", 0, "it is no HAR: expected value"),
        ("[]", 0, "it is no HAR: invalid type: sequence, expected an object with `log`"),
        ("{}", 1, "it is no HAR: `log` is missing"),
        (r#"{"log": []}"#, 8, "it is no HAR: invalid type: sequence, expected the object `log` with `entries`"),
        (r#"{"log": {}}"#, 9, "it is no HAR: `entries` is missing"),
        (r#"{"log": {"entries": {}}}"#, 20, "it is no HAR: invalid type: map, expected the list `log.entries`"),
        (r#"{"log": {"entries": []}} x"#, 25, "it is no HAR: trailing characters"),
        (r#"{"log": {"entries": [{}]}}"#, 21, "the entry that begins here is no exchange: `request` is missing"),
        (
            r#"{"log": {"entries": [  {"request": {"method": "GET", "url": "/"}, "response": {"status": 7.5}}]}}"#,
            23,
            "the entry that begins here is no exchange: `response.status` is no status",
        ),
        (
            r#"{"log": {"entries": [{"request": {"method": "G T", "url": "/"}}]}}"#,
            21,
            "the entry that begins here is no exchange: `request.method` is no method",
        ),
        (
            r#"{"log": {"entries": [{"request": {"method": 1}}]}}"#,
            45,
            "it is no HAR: invalid type: integer `1`, expected a string",
        ),
        (
            "{\"log\": {\n\"entries\": [{\"request\":\n\n {\"method\":\n [1]\n}}]}}",
            48,
            "it is no HAR: invalid type: sequence, expected a string",
        ),
        (r#"{"log": {"entries": [{"time": 1e999}]}}"#, 35, "it is no HAR: number out of range"),
    ] {
        let (_, error) = read(text.as_bytes());
        assert_eq!(error.unwrap_err().to_string(), format!("byte {offset}: {message}"), "{text}");
    }
    for (text, offset, message) in [
        ("\n\n nonsense\n", 4, "the line is no exchange: expected ident"),
        ("{\"request\": {}}\n", 0, "the line is no exchange: `request.method` is missing"),
        ("\r\n{\"log\": {}}\n", 2, "the line is no exchange: it is a whole HAR"),
        ("{\"request\"", 10, "the line is no exchange: EOF while parsing an object"),
    ] {
        assert_eq!(audit().read_lines(text.as_bytes()).unwrap_err().to_string(), format!("byte {offset}: {message}"));
    }
}

#[test]
fn what_is_deep_or_huge_is_refused_or_cut() {
    let deep = format!(r#"{{"log": {{"entries": [{{"time": {}"#, "[".repeat(100_000));
    assert!(read(deep.as_bytes()).1.unwrap_err().to_string().contains("recursion limit exceeded"));
    let number = format!(r#"{{"log": {{"entries": [{{"time": {}}}]}}}}"#, "9".repeat(100_000));
    assert!(read(number.as_bytes()).1.unwrap_err().to_string().contains("number out of range"));
    let many: Vec<_> = (0..40_000).map(|index| json!({ "name": format!("x-{index}"), "value": "" })).collect();
    let entry = json!({ "request": { "method": "GET", "url": format!("/v1/{}", "a".repeat(70_000)), "headers": many }, "response": { "status": 200 } });
    let mut audit = audit();
    audit.read_lines(entry.to_string().as_bytes()).unwrap();
    let text = audit.exchanges()[0].render(false);
    assert!(text.contains("CK0103") && text.contains("of 40000 header fields the first 1000 were read"), "{text}");
}

#[test]
fn no_bytes_make_reading_panic() {
    // A generator of one's own, so that a failure comes again.
    let mut state = 7_u64;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let text = har().into_bytes();
    let mut audit = audit();
    let mut failures = 0;
    for _ in 0..2_000 {
        let mut broken = text.clone();
        for _ in 0..=next(4) {
            let at = next(broken.len());
            match next(3) {
                0 => broken[at] = u8::try_from(next(256)).unwrap(),
                1 => drop(broken.splice(at..at, *b"\"")),
                _ => drop(broken.drain(at..(at + next(40)).min(broken.len() - 1).max(at))),
            }
        }
        if let Err(error) = audit.read_har(broken.as_slice()) {
            assert!(error.offset() <= broken.len() as u64, "{error}");
            failures += 1;
        }
        let noise: Vec<u8> = (0..next(200)).map(|_| u8::try_from(next(256)).unwrap()).collect();
        let _ = audit.read_har(noise.as_slice());
        let _ = audit.read_lines(noise.as_slice());
        // One line of every broken HAR, too: the same tokens by the other reader.
        broken.retain(|byte| *byte != b'\n');
        let _ = audit.read_lines(broken.as_slice());
    }
    assert!(failures > 500, "{failures}");
}
