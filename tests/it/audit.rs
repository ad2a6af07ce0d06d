//! Recorded traffic, judged: what is a violation, what is drift, what is passed over, and what other programs record.

use crate::command_line::{Folder, command, run, stderr, stdout};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chatkitty_mock::{Audit, Builder, CoverageScope, Edition, MockServer, OnViolation, Verdict};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;

const SETTINGS: &str = r#"{"guestUsers":"ENABLED","userCreatedChannels":"DISABLED"}"#;

fn header(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

/// A good exchange; `change` gives members by pointer, null ones included.
fn entry(changes: &[(&str, Value)]) -> Value {
    let mut entry = json!({
        "startedDateTime": "2026-02-03T04:05:06.789+02:00",
        "time": 12.5,
        "request": {
            "method": "GET",
            "url": "https://api.example/v1/application/settings",
            "headers": [header("Authorization", "Bearer abc")],
        },
        "response": {
            "status": 200,
            "headers": [header("Content-Type", "application/json")],
            "content": { "size": SETTINGS.len(), "mimeType": "application/json", "text": SETTINGS },
        },
    });
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        entry.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value.clone());
    }
    entry
}

/// A good PUT of the settings.
fn put(changes: &[(&str, Value)]) -> Value {
    let mut all = vec![
        ("/request/method", json!("PUT")),
        (
            "/request/headers",
            json!([header("authorization", "Bearer abc"), header("content-type", "application/json")]),
        ),
        ("/request/postData", json!({ "mimeType": "application/json", "text": SETTINGS })),
    ];
    all.extend(changes.iter().map(|(pointer, value)| (*pointer, value.clone())));
    entry(&all)
}

/// What was found in the exchange: verdict, then codes.
fn judged_by(builder: Builder, terms: impl Fn(Audit) -> Audit, entry: &Value) -> String {
    let mut audit = terms(builder.audit().unwrap());
    audit.read_lines(entry.to_string().as_bytes()).unwrap();
    let Some(exchange) = audit.exchanges().pop() else { return "passed over".to_owned() };
    let mut words = vec![exchange.verdict().as_str().to_owned()];
    words.extend(exchange.diagnostics().iter().map(|diagnostic| diagnostic.code.to_string()));
    words.join(" ")
}

fn judged(entry: &Value) -> String {
    judged_by(MockServer::builder(), |audit| audit, entry)
}

#[test]
fn both_directions_are_judged_like_live_ones() {
    let path = |path: &str| ("/request/url", json!(format!("https://api.example{path}")));
    let method = |name: &str| ("/request/method", json!(name));
    let text = |text: &str| ("/response/content", json!({ "mimeType": "application/json", "text": text }));
    let error = r#"{"error":"ClientError","message":"m","timestamp":"2026-01-01T00:00:00Z"}"#;
    for (entry, expected) in [
        (entry(&[]), "pass"),
        (entry(&[path("/v1/application/settings?x=1")]), "pass CK0304"),
        (entry(&[text(r#"{"guestUsers":"ENABLED"}"#)]), "drift CK0603"),
        (entry(&[text("")]), "drift CK0603"),
        (entry(&[("/response/status", json!(418))]), "drift CK0601"),
        (entry(&[("/response/headers", json!([header("content-type", "text/html")]))]), "drift CK0602"),
        (entry(&[("/response/headers", json!([header("x", "no type"), header("y", "")]))]), "drift CK0602"),
        (entry(&[path("/v1/aplication")]), "violation CK0101"),
        (entry(&[path("/v1/%zz")]), "violation CK0103"),
        (entry(&[method("PATCH")]), "violation CK0102"),
        (entry(&[method("HEAD"), ("/response/content", json!({ "size": 0 }))]), "pass"),
        (put(&[]), "pass"),
        (put(&[("/request/postData/text", json!("{}"))]), "violation CK0202 CK0202"),
        (put(&[("/request/postData/text", json!("{\"guestUsers\":"))]), "violation CK0503"),
        (put(&[("/request/postData", Value::Null)]), "violation CK0504"),
        // The server's answer to a bad request is its own affair where the contract declares none.
        (put(&[("/request/postData", Value::Null), ("/response/status", json!(422))]), "violation CK0504"),
        (put(&[("/request/postData", Value::Null), ("/response/status", json!(400)), text(error)]), "violation CK0504"),
        (
            put(&[("/request/postData", Value::Null), ("/response/status", json!(400)), text("{}")]),
            "violation CK0504 CK0603 CK0603 CK0603",
        ),
        (entry(&[("/response/status", json!(304)), text("")]), "drift CK0601"),
        (
            entry(&[
                ("/response/status", json!(304)),
                ("/request/headers", json!([header("authorization", "Bearer a"), header("if-none-match", "\"1\"")])),
            ]),
            "pass",
        ),
    ] {
        assert_eq!(judged(&entry), expected, "{entry:#}");
    }
}

#[test]
fn of_credentials_their_presence_is_judged() {
    let with = |fields: Value| entry(&[("/request/headers", fields)]);
    assert_eq!(judged(&with(json!([]))), "violation CK0401");
    assert_eq!(judged(&with(json!([header("authorization", "Basic YTpi")]))), "violation CK0401");
    assert_eq!(judged(&with(json!([header("authorization", "Bearer ä b")]))), "violation CK0404");
    for masked in ["Bearer ***", "Bearer [REDACTED]", "Bearer any-token-at-all"] {
        assert_eq!(judged(&with(json!([header("authorization", masked)]))), "pass", "{masked}");
    }
    assert_eq!(judged_by(MockServer::builder(), Audit::without_credentials, &with(json!([]))), "pass");
}

#[test]
fn token_requests_and_preflights_are_known_and_other_things_passed_over() {
    let url = |url: &str| entry(&[("/request/url", json!(url)), ("/request/method", json!("POST"))]);
    assert_eq!(judged(&url("https://authorization.example/oauth/token")), "pass");
    let preflight = json!([header("Origin", "https://app.example"), header("Access-Control-Request-Method", "PUT")]);
    let options = entry(&[
        ("/request/method", json!("OPTIONS")),
        ("/request/headers", preflight),
        ("/response/status", json!(204)),
    ]);
    assert_eq!(judged(&options), "pass");
    for other in ["data:text/plain,x", "wss://api.example/v1/application", "chrome-extension://abc/x.js", "about:blank"]
    {
        assert_eq!(judged(&url(other)), "passed over", "{other}");
    }
    for pointer in ["/response", "/response/status"] {
        assert_eq!(judged(&entry(&[(pointer, Value::Null)])), "passed over");
    }
    assert_eq!(judged(&entry(&[("/response/status", json!(0))])), "passed over");
    assert_eq!(judged(&entry(&[("/response/status", json!(101))])), "passed over");
    let secret = entry(&[
        ("/request/url", json!("https://a.example/oauth/token")),
        ("/request/method", json!("POST")),
        (
            "/request/postData",
            json!({ "mimeType": "application/x-www-form-urlencoded", "text": "client_secret=hidden" }),
        ),
    ]);
    let mut audit = audit();
    audit.read_lines(secret.to_string().as_bytes()).unwrap();
    assert!(!audit.exchanges()[0].to_json().to_string().contains("hidden"));
}

fn audit() -> Audit {
    MockServer::builder().audit().unwrap()
}

#[test]
fn hosts_and_base_paths_say_what_is_of_the_contract() {
    let at = |url: &str| entry(&[("/request/url", json!(url))]);
    let based = |audit: Audit| audit.base_path("/api/kitty/");
    let by = |url: &str| judged_by(MockServer::builder(), based, &at(url));
    assert_eq!(by("https://h/api/kitty/v1/application/settings"), "pass");
    assert_eq!(by("https://h/api/kittyv1/application"), "passed over");
    assert_eq!(by("https://h/index.html"), "passed over");
    assert_eq!(by("https://h/api/kitty/v1/nothing"), "violation CK0101");
    let hosted = |audit: Audit| audit.host("API.example").host("other.example:8080");
    let by = |url: &str| judged_by(MockServer::builder(), hosted, &at(url));
    assert_eq!(by("https://api.example/v1/application/settings"), "pass");
    assert_eq!(by("https://user:pw@Api.Example:8443/v1/application/settings"), "pass");
    assert_eq!(by("https://other.example:8080/v1/application/settings"), "pass");
    assert_eq!(by("https://other.example/v1/application/settings"), "passed over");
    let contract = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\nservers: [{url: 'https://x/v9'}]\npaths:\n  /a:\n    get:\n      responses: {'200': {description: d}}\n";
    let entry = |path: &str| {
        let url = format!("https://x{path}");
        entry(&[("/request/url", json!(url)), ("/response/headers", json!([])), ("/response/content", Value::Null)])
    };
    let by = |ignore: bool, path: &str| {
        let builder = MockServer::builder().openapi_text("c.yaml", contract).ignore_base_path(ignore);
        judged_by(builder, |audit| audit, &entry(path))
    };
    assert_eq!((by(false, "/v9/a"), by(false, "/a")), ("pass".to_owned(), "violation CK0101".to_owned()));
    assert_eq!((by(true, "/v9/a"), by(true, "/a")), ("pass".to_owned(), "pass".to_owned()));
}

#[test]
fn a_body_is_judged_as_far_as_it_is_there() {
    let content = |content: Value| judged(&entry(&[("/response/content", content)]));
    let encoded = |text: &str| json!({ "size": 9, "mimeType": "application/json", "text": STANDARD.encode(text), "encoding": "base64" });
    assert_eq!(content(encoded(SETTINGS)), "pass");
    assert_eq!(content(encoded("{}")), "drift CK0603 CK0603");
    assert_eq!(content(json!({ "text": "?", "encoding": "base64" })), "pass CK0912");
    assert_eq!(content(json!({ "text": "?", "encoding": "rot13" })), "pass CK0912");
    assert_eq!(content(json!({ "size": -1, "mimeType": "application/json" })), "pass CK0912");
    assert_eq!(content(json!({ "size": 57, "text": null, "comment": "not included" })), "pass CK0912");
    assert_eq!(content(json!({ "size": 57, "text": &SETTINGS[..20] })), "pass CK0912");
    assert_eq!(content(json!({ "size": 20, "text": &SETTINGS[..20] })), "drift CK0603");
    // What is cut is still of an undeclared media type.
    let html = ("/response/headers", json!([header("content-type", "text/html")]));
    assert_eq!(judged(&entry(&[html, ("/response/content", json!({ "size": 5 }))])), "drift CK0602 CK0912");
    let posted =
        |post: Value, size: i64| judged(&put(&[("/request/postData", post), ("/request/bodySize", json!(size))]));
    assert_eq!(posted(Value::Null, 57), "pass CK0912");
    assert_eq!(posted(json!({ "text": &SETTINGS[..20] }), 57), "pass CK0912");
    let plain = json!([header("authorization", "Bearer a"), header("content-type", "text/plain")]);
    let cut =
        put(&[("/request/headers", plain), ("/request/postData/text", json!("{")), ("/request/bodySize", json!(57))]);
    assert_eq!(judged(&cut), "violation CK0501 CK0912");
    // A coding that the recording has undone already.
    let coded = json!([header("content-type", "application/json"), header("content-encoding", "br")]);
    assert_eq!(judged(&entry(&[("/response/headers", coded)])), "pass");
}

#[test]
fn what_different_programs_record_means_the_same() {
    let form = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /f:\n    post:\n      parameters:\n        - {name: q, in: query, required: true, schema: {type: integer}}\n        - {name: c, in: cookie, required: true, schema: {type: string}}\n      requestBody:\n        required: true\n        content:\n          application/x-www-form-urlencoded: {schema: &s {type: object, required: [a], properties: {a: {type: string, enum: ['x y&z']}}, additionalProperties: false}}\n          multipart/form-data: {schema: *s}\n      responses: {'204': {description: d}}\n";
    let with = |request: Value| {
        let entry = json!({ "_initiator": { "type": "script" }, "cache": {}, "request": request, "response": { "status": 204, "headers": null, "content": { "size": 0, "mimeType": "x-unknown" }, "comment": "" } });
        judged_by(MockServer::builder().openapi_text("f.yaml", form), |audit| audit, &entry)
    };
    let cookie = header("cookie", "c=1");
    let type_of = |media: &str| header("content-type", media);
    let urlencoded = "application/x-www-form-urlencoded";
    let multipart = "multipart/form-data; boundary=\"B\"";
    let params = json!([{ "name": "a", "value": "x y&z", "comment": null }]);
    // Chromium: HTTP/2's pseudo header fields, the text beside its fields.
    assert_eq!(
        with(
            json!({ "method": "POST", "url": "https://h/f?q=1", "httpVersion": "h2", "headers": [header(":authority", "h"), header(":path", "/f"), cookie, type_of(urlencoded)], "queryString": [{ "name": "q", "value": "1" }], "cookies": [{ "name": "c", "value": "1" }], "postData": { "mimeType": urlencoded, "text": "a=x+y%26z", "params": [{ "name": "a", "value": "x+y%26z" }] } })
        ),
        "pass"
    );
    // Firefox: fields of null, the text alone, a fragment in the URL.
    assert_eq!(
        with(
            json!({ "method": "POST", "url": "https://h/f?q=1#top", "headers": [cookie, type_of(urlencoded)], "queryString": null, "cookies": null, "postData": { "mimeType": urlencoded, "text": "a=x+y%26z", "params": null } })
        ),
        "pass"
    );
    // Insomnia: query and cookies beside the URL, fields instead of text.
    assert_eq!(
        with(
            json!({ "method": "POST", "url": "https://h/f", "headers": [type_of(urlencoded)], "queryString": [{ "name": "q", "value": "1" }], "cookies": [{ "name": "c", "value": "1" }], "postData": { "mimeType": urlencoded, "text": "", "params": params } })
        ),
        "pass"
    );
    // Playwright: multipart with its fields; the type in `postData` only.
    assert_eq!(
        with(
            json!({ "method": "POST", "url": "https://h/f?q=1", "headers": [cookie], "postData": { "mimeType": multipart, "params": params } })
        ),
        "pass"
    );
    assert_eq!(
        with(
            json!({ "method": "POST", "url": "https://h/f?q=1", "headers": [cookie], "postData": { "mimeType": multipart, "params": [{ "name": "a", "fileName": "f.txt" }] } })
        ),
        "pass CK0912"
    );
    // The same with what is wrong in it.
    assert_eq!(
        with(
            json!({ "method": "POST", "url": "https://h/f", "headers": [type_of(urlencoded), header("b\u{e4}d name", "x")], "queryString": [{ "name": "q", "value": "one" }], "postData": { "mimeType": urlencoded, "params": [{ "name": "a", "value": "no" }, { "name": "b", "value": "1" }] } })
        ),
        "violation CK0201 CK0301 CK0203 CK0204 CK0912"
    );
}

const REPRESENTED: &str = "openapi: 3.2.0
info: {title: t, version: '1'}
paths:
  /r:
    post:
      requestBody:
        required: true
        content: &c
          text/plain: {schema: {type: string, enum: [b\u{e4}d]}}
          application/xml: {schema: {type: object, required: [n], properties: {n: {type: integer}}, xml: {name: r}}}
          application/jsonl: {itemSchema: {type: object, required: [n], properties: {n: {type: integer}}}}
          multipart/mixed: {itemSchema: {type: object, required: [n]}, itemEncoding: {contentType: application/json}}
      responses: {'200': {description: d, content: *c}}
";

/// One reader for both directions: charsets, sequences and parts by position, from bytes as they were sent or from text
/// that the recorder has decoded.
#[test]
fn representations_are_read_alike_in_both_directions() {
    let parts = |json: &str| format!("--b\r\nContent-Type: application/json\r\n\r\n{json}\r\n--b--");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (media, body, expected) in [
        ("text/plain", "b\u{e4}d".as_bytes().to_vec(), "pass"),
        ("text/plain; charset=iso-8859-1", b"b\xe4d".to_vec(), "pass"),
        ("text/plain; charset=utf-16le", utf16("b\u{e4}d"), "pass"),
        ("text/plain; charset=utf-16le", utf16("bad"), "violation CK0203 CK0603"),
        ("text/plain", b"b\xe4d".to_vec(), "violation CK0503 CK0603"),
        ("text/plain; charset=koi8-r", b"bad".to_vec(), "violation CK0501 CK0603"),
        ("application/xml", utf16("\u{feff}<r><n>1</n></r>"), "pass"),
        ("application/jsonl", b"{\"n\":1}\n{\"n\":2}\n".to_vec(), "pass"),
        ("application/jsonl", b"{\"n\":1}\n{\"m\":2}\n".to_vec(), "violation CK0202 CK0603"),
        ("multipart/mixed; boundary=b", parts("{\"n\":1}").into_bytes(), "pass"),
        ("multipart/mixed; boundary=b", parts("{}").into_bytes(), "violation CK0202 CK0603"),
    ] {
        let encoded = STANDARD.encode(&body);
        let headers = json!([header("content-type", media)]);
        let har = json!({
            "request": { "method": "POST", "url": "/r", "headers": headers, "postData": { "text": encoded, "encoding": "base64" } },
            "response": { "status": 200, "headers": headers, "content": { "text": encoded, "encoding": "base64" } },
        });
        let own = json!({
            "request": { "method": "POST", "target": "/r", "headers": headers, "body_base64": encoded },
            "response": { "status": 200, "headers": headers, "body_base64": encoded },
        });
        for entry in [har, own] {
            let builder = MockServer::builder().openapi_text("r.yaml", REPRESENTED);
            assert_eq!(judged_by(builder, |audit| audit, &entry), expected, "{entry:#}");
        }
    }
    for (media, text, expected) in [
        ("text/plain; charset=iso-8859-1", "b\u{e4}d", "pass"),
        ("text/plain; charset=\"koi8-r\"", "b\u{e4}d", "pass"),
        ("text/plain; charset=utf-16", "bad", "violation CK0203 CK0603"),
        ("text/plain; charset=us-ascii", "b\u{e4}d", "violation CK0503 CK0603"),
        ("application/xml; charset=utf-16", "<r><n>1</n></r>", "pass"),
    ] {
        let headers = json!([header("content-type", media)]);
        let entry = json!({
            "request": { "method": "POST", "url": "/r", "headers": headers, "postData": { "text": text } },
            "response": { "status": 200, "headers": headers, "content": { "text": text } },
        });
        let builder = MockServer::builder().openapi_text("r.yaml", REPRESENTED);
        assert_eq!(judged_by(builder, |audit| audit, &entry), expected, "{entry:#}");
    }
}

const MASKED: &str = "openapi: 3.1.0
info: {title: t, version: '1'}
security: [{k: []}]
paths:
  /m:
    get:
      parameters:
        - {name: token, in: query, required: true, schema: {type: string, minLength: 9}}
        - {name: X-Api-Token, in: header, required: true, schema: {type: string, minLength: 9}}
        - {name: c, in: cookie, required: true, schema: {type: string, minLength: 9}}
      responses:
        '200':
          description: d
          headers: {X-Next-Token: {required: true, schema: {type: string, minLength: 9}}}
components: {securitySchemes: {k: {type: apiKey, in: cookie, name: k}}}
";

/// The journal masks secrets, and a mask is no value.
#[test]
fn what_the_recorder_masks_is_not_judged() {
    let builder = || MockServer::builder().openapi_text("m.yaml", MASKED);
    let with = |secret: &str| {
        let header = |name: &str| header(name, secret);
        let mut entry = entry(&[("/request/url", json!(format!("/m?token={secret}")))]);
        entry["request"]["headers"] = json!([header("x-api-token"), header("cookie")]);
        entry["response"] = json!({ "status": 200, "headers": [header("x-next-token")] });
        judged_by(builder(), |audit| audit, &entry)
    };
    assert_eq!(with("***"), "pass CK0912");
    assert_eq!(with("short"), "violation CK0401 CK0205 CK0205 CK0301 CK0604");

    let mock = builder().start().unwrap();
    let request = http::Request::get("/m?token=secret-123").header("x-api-token", "secret-123");
    mock.handle(request.header("cookie", "c=secret-123; k=key").body("").unwrap());
    let lines = mock.exchanges()[0].to_json().to_string();
    assert!(!lines.contains("secret-123"), "{lines}");
    let mut audit = builder().audit().unwrap();
    audit.read_lines(lines.as_bytes()).unwrap();
    assert_eq!((mock.report().violations(), audit.report().violations(), audit.report().drift()), (0, 0, 0));
}

/// What a running server says of its exchanges, an audit says of its journal.
#[test]
fn the_journal_of_a_server_audits_to_the_same_verdicts() {
    for edition in Edition::ALL {
        let mock = MockServer::builder().edition(edition).on_violation(OnViolation::Reject).start().unwrap();
        mock.allow_violations();
        let app = mock.application("development");
        let base = if edition == Edition::Unversioned { "" } else { "/v1" };
        let names = ["guestUsers", "userCreatedChannels", "guest_users", "user_created_channels"];
        let send = |method: &str, path: &str, media: &str, body: String| {
            let request = http::Request::builder().method(method).uri(format!("{base}{path}"));
            let request =
                request.header("authorization", format!("Bearer {}", app.token())).header("content-type", media);
            mock.handle(request.body(body).unwrap());
        };
        for media in ["application/json", "application/vnd.chatkitty+json", "text/plain", "nonsense"] {
            for value in ["ENABLED", "NO"] {
                let [a, b, c, d] = names;
                send("PUT", "/application/settings", media, json!({ a: value, b: "DISABLED" }).to_string());
                send("PUT", "/application/settings", media, json!({ c: value, d: "DISABLED" }).to_string());
            }
            send("PUT", "/application/settings", media, "{".to_owned());
        }
        for path in
            ["/application", "/application/settings", "/aplication", "/application?x=1", "/%zz", "/application/"]
        {
            for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
                send(method, path, "application/json", String::new());
            }
        }
        let form = http::Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        mock.handle(form.body("grant_type=client_credentials&client_id=a&client_secret=b").unwrap());

        let live: Vec<_> = mock.exchanges();
        let page = json!({ "exchanges": live.iter().map(chatkitty_mock::Exchange::to_json).collect::<Vec<_>>(), "next": null });
        let mut audit = MockServer::builder().edition(edition).audit().unwrap();
        audit.read_lines(format!("\n{page}\r\n").as_bytes()).unwrap();
        let recorded = audit.exchanges();
        assert_eq!(live.len(), recorded.len());
        for (live, recorded) in live.iter().zip(&recorded) {
            let is_token = live.target() == "/oauth/token";
            let verdict = if is_token { Verdict::Pass } else { live.verdict() };
            assert_eq!(verdict, recorded.verdict(), "{edition:?}\n{}\n{}", live.render(false), recorded.render(false));
            assert_eq!(
                (live.operation(), live.method(), live.target()),
                (recorded.operation(), recorded.method(), recorded.target())
            );
        }
        let percent = |report: chatkitty_mock::Report, scope| report.coverage().map(|coverage| coverage.percent(scope));
        let covered = percent(audit.report(), CoverageScope::Operations);
        assert_eq!(covered, Some(100.0), "{edition:?}");
    }
}

#[test]
fn the_command_judges_files_and_standard_input() {
    let folder = Folder::new("audit");
    let har = |entries: &[Value]| json!({ "log": { "version": "1.2", "creator": {}, "entries": entries } }).to_string();
    let good = folder.file("good.har", &format!("\u{feff}{}", har(&[entry(&[]), put(&[])])));
    let bad = folder.file(
        "bad.har",
        &har(&[put(&[("/request/postData/text", json!("{}"))]), entry(&[("/response/status", json!(0))])]),
    );
    let lines = folder.file("x.ndjson", &format!("{}\n\n{}", entry(&[]), entry(&[])));
    let output = run(&["audit", &good, &lines]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert_eq!(stdout(&output), "pass: 4 exchanges, 0 with violations, 0 with drift\n");
    let output = run(&["audit", &good, &bad]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).starts_with("exchange 3: PUT /v1/application/settings → 200"), "{}", stdout(&output));
    assert_eq!(stderr(&output), "note: passed over 1 without a response\n");
    let json: Value = serde_json::from_slice(&run(&["audit", "--report", "json", &bad]).stdout).unwrap();
    assert_eq!((json["verdict"].as_str(), json["violations"].as_u64()), (Some("fail"), Some(1)));
    let (junit, har) = (folder.0.join("junit.xml"), folder.0.join("again.har"));
    let asked = format!("junit={},har={}", junit.display(), har.display());
    let output = run(&["audit", "--report", &asked, &bad]);
    assert!(stdout(&output).contains("fail: 1 exchanges, 1 with violations, 0 with drift\n"), "{}", stdout(&output));
    assert!(std::fs::read_to_string(&junit).unwrap().contains("CK0202"));
    let again = run(&["audit", "--report", "json", &har.display().to_string()]).stdout;
    assert_eq!(serde_json::from_slice::<Value>(&again).unwrap()["violations"], 1, "what was judged, judged again");
    let output = run(&["audit", "--report", &format!("junit={bad}/x"), &good]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""));
    // Exporters that are not there yet, and contracts that cannot be used.
    assert_eq!(run(&["audit"]).status.code(), Some(2));
    for arguments in [&["no/such.har"][..], &[&folder.0.display().to_string()], &["--openapi", "no/such.yaml", &good]] {
        let output = run(&[&["audit"], arguments].concat());
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{arguments:?}");
    }
    assert!(stderr(&run(&["audit", "--fixtures", &good, &good])).contains("`--fixtures` has no meaning"));
    let output = run(&["audit", "--only-host", "elsewhere.example", &good]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("leave no exchange to judge"), "{}", stderr(&output));

    let text = std::fs::read_to_string(&bad).unwrap();
    let cut = folder.file("cut.har", &text[..text.len() - 3]);
    let output = run(&["audit", &cut, &good]);
    assert_eq!(output.status.code(), Some(2), "what could not be read goes before what was found");
    assert!(stdout(&output).contains("fail: 3 exchanges, 1 with violations"), "{}", stdout(&output));
    let error = format!("error: `{cut}`: byte {}: it ends in the middle of the HAR\n", text.len() - 3);
    assert!(stderr(&output).ends_with(&error), "{}", stderr(&output));

    let piped = |text: &str| {
        let mut child = command()
            .args(["audit", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = piped(&format!("{}\n", entry(&[])));
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    let output = piped(&std::fs::read_to_string(&good).unwrap());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("it is a whole HAR\nhelp: "), "{}", stderr(&output));
}
