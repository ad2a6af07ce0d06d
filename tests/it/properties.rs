//! What must hold for every request, tried with thousands of made ones.

use chatkitty_mock::MockServer;
use http::{HeaderName, HeaderValue, Method, Request};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::string::string_regex;

/// Every style, several media types, recursion and combinations in one contract.
const RICH: &str = include_str!("rich.yaml");

fn target() -> impl Strategy<Value = String> {
    let known = prop_oneof![
        Just("/simple/1,2".to_owned()),
        Just("/label/.1.2".to_owned()),
        Just("/matrix/;p=1;p=2".to_owned()),
        Just("/query".to_owned()),
        Just("/bodies".to_owned()),
        Just("/answers".to_owned()),
        string_regex("/[a-z/;.,={}%0-9-]{0,20}").unwrap(),
    ];
    let query = string_regex("(\\?[a-z\\[\\]=&+%0-9,|;.-]{0,40})?").unwrap();
    (known, query).prop_map(|(path, query)| format!("{path}{query}"))
}

fn method() -> impl Strategy<Value = Method> {
    let known = ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "QUERY"];
    (0..known.len()).prop_map(move |index| Method::from_bytes(known[index].as_bytes()).unwrap())
}

fn fields() -> impl Strategy<Value = Vec<(HeaderName, HeaderValue)>> {
    let names = [
        "accept",
        "content-type",
        "content-encoding",
        "cookie",
        "authorization",
        "prefer",
        "x-list",
        "x-object",
        "origin",
        "if-match",
    ];
    let values = prop_oneof![
        Just(b"application/json".to_vec()),
        Just(b"multipart/form-data; boundary=b".to_vec()),
        Just(b"application/x-www-form-urlencoded".to_vec()),
        Just(b"application/xml".to_vec()),
        Just(b"gzip, br".to_vec()),
        Just(b"code=404, example=x, dynamic=true; seed=9, handling=strict".to_vec()),
        vec(32_u8..=255, 0..40),
    ];
    vec(((0..names.len()), values), 0..5).prop_map(move |fields| {
        let valid = |(name, value): (usize, Vec<u8>)| {
            Some((HeaderName::from_static(names[name]), HeaderValue::from_bytes(&value).ok()?))
        };
        fields.into_iter().filter_map(valid).collect()
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        string_regex("[\\{\\}\\[\\]\":,a-z0-9.e+ -]{0,60}").unwrap().prop_map(String::into_bytes),
        string_regex("(<[a-z]{1,3}( [a-z]=\"[a-z]\")?/?>|</[a-z]{1,3}>|[a-z&;]){0,12}")
            .unwrap()
            .prop_map(String::into_bytes),
        string_regex(
            "--b\r\nContent-Disposition: form-data; name=\"[a-z]{1,5}\"\r\n\r\n[a-z0-9{}]{0,9}\r\n--b(--)?\r\n"
        )
        .unwrap()
        .prop_map(String::into_bytes),
        vec(any::<u8>(), 0..60),
    ]
}

#[test]
fn no_request_makes_the_engine_panic_or_break_its_own_contract() {
    let mock = MockServer::builder().openapi_text("rich.yaml", RICH).start().unwrap();
    mock.allow_violations();
    assert!(mock.findings().is_empty(), "{:?}", mock.findings());
    proptest!(ProptestConfig::with_cases(3_000), |(method in method(), target in target(), fields in fields(), body in body())| {
        let Ok(mut request) = Request::builder().method(method).uri(&target).body(body) else { return Ok(()) };
        request.headers_mut().extend(fields);
        let reply = mock.handle(request);
        proptest::prop_assert!(reply.status().as_u16() < 500, "{}: {:?}", target, reply);
        proptest::prop_assert!(reply.headers().contains_key("x-mock-exchange"));
    });
    assert_eq!(mock.report().drift(), 0);
}

#[test]
fn a_generated_answer_is_valid_for_every_seed() {
    let mock = MockServer::builder().openapi_text("rich.yaml", RICH).start().unwrap();
    proptest!(ProptestConfig::with_cases(500), |(seed in any::<u64>())| {
        let ask = || mock.handle(Request::get("/answers").header("prefer", format!("dynamic=true, seed={seed}")).body("").unwrap());
        let reply = ask();
        proptest::prop_assert_eq!(reply.status().as_u16(), 200, "{:?}", reply);
        let again = ask();
        proptest::prop_assert_eq!(reply.body(), again.body());
    });
}

#[test]
fn no_document_makes_loading_panic() {
    let bundled = include_str!("../../openapi/chatkitty.yaml");
    let lines: Vec<&str> = bundled.lines().collect();
    let junk = prop_oneof![
        Just("  - {".to_owned()),
        Just("      $ref: '#/paths'".to_owned()),
        Just("        type: 7".to_owned()),
        Just("        pattern: '['".to_owned()),
        Just("    x: *nowhere".to_owned()),
        string_regex("[ ]{0,8}[a-z$]{1,9}: ?[a-z0-9\\[\\]{}'*&-]{0,9}").unwrap(),
    ];
    proptest!(ProptestConfig::with_cases(300), |(at in 0..lines.len(), drop in 0_usize..4, junk in junk)| {
        let mut changed = lines.clone();
        changed.splice(at..(at + drop).min(lines.len()), [junk.as_str()]);
        let builder = MockServer::builder().openapi_text("changed.yaml", changed.join("\n"));
        if let Ok(mock) = builder.start() {
            mock.allow_violations();
            mock.handle(Request::get("/v1/application").body("").unwrap());
        }
    });
}
