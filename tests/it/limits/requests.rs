//! Requests made to cost more than their bytes. Where only time shows it, the bound is far above what a slow machine
//! needs, and far below what it once took.

use chatkitty_mock::MockServer;
use http::Request;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// What schemas can make costly, each under a path of its own.
const HOSTILE: &str = include_str!("../hostile.yaml");
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=b";

fn hostile() -> MockServer {
    let mock = MockServer::builder().openapi_text("hostile.yaml", HOSTILE).start().unwrap();
    mock.allow_violations();
    mock
}

/// Sends one request; its reply and the journal's entry are short, and it is soon there.
#[track_caller]
fn send(mock: &MockServer, request: http::request::Builder, body: impl Into<Vec<u8>>, status: u16) -> String {
    let body: Vec<u8> = body.into();
    let start = Instant::now();
    let reply = mock.handle(request.body(body).unwrap());
    let took = start.elapsed();
    let text = String::from_utf8_lossy(reply.body()).into_owned();
    assert_eq!(reply.status(), status, "{}", &text[..text.len().min(2_000)]);
    assert!(text.len() < 512 * 1024, "{} bytes", text.len());
    let told = mock.exchanges().last().map_or(0, |exchange| exchange.diagnostics().len());
    assert!(told <= 200, "{told} diagnostics");
    assert!(took < Duration::from_secs(20), "{took:?}");
    text
}

#[track_caller]
fn post(path: &str, media_type: &str, body: impl Into<Vec<u8>>, status: u16) -> String {
    send(&hostile(), Request::post(path).header("content-type", media_type), body, status)
}

fn list(item: &str, count: usize) -> String {
    format!("[{}]", vec![item; count].join(","))
}

fn members(count: usize, member: impl Fn(usize) -> String) -> String {
    format!("{{{}}}", (0..count).map(member).collect::<Vec<_>>().join(","))
}

#[test]
fn many_violations_are_told_up_to_a_bound() {
    post("/numbers", JSON, list("1", 1_000), 400);
    post("/words", JSON, list("\"x\"", 1_000), 400);
    post("/nested", JSON, members(1_000, |index| format!("\"a{index}\":[1,1]")), 400);
    post("/names", JSON, members(1_000, |index| format!("\"A{index}\":1")), 400);
}

#[test]
fn violations_of_a_long_body_are_not_all_looked_for() {
    // All of them took gigabytes.
    let text = post("/numbers", JSON, list("1", 600_000), 400);
    assert_eq!(text.matches("\"code\"").count(), 1, "{text}");
    assert!(text.contains("\"/0\""), "{text}");
    let text = post("/patterned", JSON, members(510_000, |index| format!("\"a{index}\":1")), 400);
    assert_eq!(text.matches("\"code\"").count(), 1, "{text}");
    // Each violation has the whole way to its value.
    let long = "A".repeat(5_000_000);
    for path in ["/nested", "/patterned"] {
        let text = post(path, JSON, format!("{{\"{long}\":{}}}", list("1", 1_000)), 400);
        assert_eq!(text.matches("\"code\"").count(), 1, "{text}");
    }
    let text = post("/alternatives", JSON, list("{}", 300_000), 400);
    assert!(text.contains("too many alternatives"), "{text}");
}

#[test]
fn names_and_pointers_are_told_up_to_a_bound() {
    let text = post("/closed", JSON, members(50_000, |index| format!("\"a{index}\":1")), 400);
    assert!(text.contains("and 49950 more"), "{}", &text[..500]);
    post("/unevaluated", JSON, members(50_000, |index| format!("\"a{index}\":1")), 400);
    let long = "A".repeat(1_000_000);
    post("/names", JSON, format!("{{\"{long}\":1}}"), 400);
    post("/nested", JSON, format!("{{\"{long}\":{}}}", list("1", 100)), 400);
    post("/closed", JSON, format!("{{\"{long}\":{}}}", members(100, |_| "\"a\":1".to_owned())), 400);
    post("/words", JSON, list(&format!("\"{long}\""), 9), 400);
}

#[test]
fn members_that_stand_twice_are_told_up_to_a_bound() {
    post("/closed", JSON, members(100_000, |_| "\"a\":1".to_owned()), 400);
}

#[test]
fn nesting_and_numbers_are_bounded() {
    for open in ["[", "{\"a\":"] {
        assert!(post("/nested", JSON, open.repeat(1_000_000), 400).contains("deeper than 128 levels"));
    }
    post("/numbers", JSON, format!("[0.{}1]", "0".repeat(1_000_000)), 204);
    post("/numbers", JSON, format!("[{}]", "9".repeat(1_000_000)), 400);
    post("/numbers", JSON, "[1e999999999999]", 400);
}

#[test]
fn unique_items_are_not_compared_pair_by_pair() {
    let numbers = |count: usize| (0..count).map(|index| index.to_string()).collect::<Vec<_>>().join(",");
    post("/unique", JSON, format!("[{}]", numbers(100_000)), 204);
    let objects = (0..50_000).map(|index| format!("{{\"a\":{index}}}")).collect::<Vec<_>>().join(",");
    post("/unique", JSON, format!("[{objects}]"), 204);
    post("/unique", JSON, list("1.0", 100_000), 400);
}

#[test]
fn patterns_do_not_backtrack_without_bound() {
    let text = post("/backtracking", JSON, format!("\"{}!\"", "a".repeat(1_000_000)), 400);
    assert!(text.contains("CK0205"), "{text}");
    post("/linear", JSON, format!("\"{}!\"", "a".repeat(1_000_000)), 400);
}

#[test]
fn forms_have_a_bound_of_pairs_and_compile_no_pattern_twice() {
    let pairs = |count: usize, pair: fn(usize) -> String| (0..count).map(pair).collect::<Vec<_>>().join("&");
    post("/form", FORM, pairs(10_000, |index| format!("n{index}=1")), 204);
    post("/form", FORM, pairs(10_000, |_| "list=1".to_owned()), 204);
    post("/form", FORM, pairs(10_000, |index| format!("deep[n{index}]=1")), 204);
    assert!(post("/form", FORM, pairs(10_001, |index| format!("n{index}=1")), 400).contains("more than 10000 pairs"));
}

#[test]
fn multipart_bodies_have_a_bound_of_parts_headers_and_boundary() {
    let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n1\r\n");
    let body = |count: usize| (0..count).map(|index| part(&format!("n{index}"))).collect::<String>() + "--b--\r\n";
    post("/form", MULTIPART, body(1_000), 204);
    post("/form", MULTIPART, part("list").repeat(1_000) + "--b--\r\n", 204);
    assert!(post("/form", MULTIPART, body(100_000), 400).contains("more than 1000 parts"));
    let headers = "x: y\r\n".repeat(100);
    let headed = format!("--b\r\n{headers}Content-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n");
    assert!(post("/form", MULTIPART, headed, 400).contains("more than 32 headers"));
    let media_type = format!("multipart/form-data; boundary={}", "-".repeat(10_000));
    assert!(post("/form", &media_type, "-".repeat(1_000_000), 400).contains("more than 70 characters"));
}

#[test]
fn the_charset_of_a_part_is_refused_once() {
    let body = "--b\r\nContent-Disposition: form-data; name=\"part\"\r\nContent-Type: text/xml; charset=x\r\n\r\n<a/>\r\n--b--\r\n";
    let text = post("/xml", MULTIPART, body, 400);
    assert_eq!(text.matches("the charset `x`").count(), 2, "in the detail and in the list: {text}");
}

#[test]
fn xml_has_a_bound_of_depth_nodes_attributes_and_namespaces() {
    let xml = |body: String, said: &str| {
        let text = post("/xml", "application/xml", body, 400);
        assert!(text.contains(said), "{text}");
    };
    xml("<root>".repeat(1_000_000), "nested");
    xml(format!("<root>{}</root>", "<item/>".repeat(100_000)), "well-formed");
    xml(format!("<root {}/>", (0..1_000).map(|index| format!("a{index}=''")).collect::<String>()), "attributes");
    // Each element has a list of the namespaces around it.
    let around: String = (0..200).map(|index| format!(" xmlns:a{index}='u'")).collect();
    xml(format!("<root{around}>{}</root>", "<b xmlns:q='z'/>".repeat(100_000)), "more than 256 namespaces");
    xml("<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><root>&b;</root>".to_owned(), "well-formed");
    post("/xml", "application/xml", format!("<root>{}</root>", "<item/>".repeat(20_000)), 204);
}

#[test]
fn lines_and_events_are_read_one_by_one() {
    post("/lines", "application/x-ndjson", "{}\n".repeat(200_000), 204);
    post("/lines", "application/x-ndjson", "1\n".repeat(200_000), 400);
    post("/lines", "application/json-seq", "\u{1e}1\n".repeat(200_000), 400);
    post("/lines", "text/event-stream", "data:\n\n".repeat(100_000), 400);
    post("/lines", "text/event-stream", "data:\n".repeat(200_000), 400);
}

#[test]
fn content_codings_are_undone_up_to_a_bound() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mock = hostile();
    let coded = |codings: &str, body: Vec<u8>, status: u16| {
        let request = Request::post("/numbers").header("content-type", JSON).header("content-encoding", codings);
        send(&mock, request, body, status)
    };
    let bomb = gzip(&vec![b' '; 20 * 1024 * 1024]);
    coded("gzip", bomb.clone(), 413);
    coded("gzip, gzip", gzip(&bomb), 413);
    coded("gzip, gzip, gzip, gzip", gzip(&gzip(&gzip(&bomb))), 413);
    coded("gzip, gzip, gzip, gzip, gzip", bomb, 415);
    // Each member costs what its window takes, and many of them pack well.
    assert!(coded("gzip, gzip", gzip(&gzip(b"").repeat(100_000)), 400).contains("more than 1000 members"));
    coded("gzip", [gzip(b"[3,"), gzip(b"6]"), vec![0; 512]].concat(), 204);
}

#[test]
fn patches_do_not_multiply_what_is_there() {
    let mock = hostile();
    let patch = |operations: String| {
        let request = Request::patch("/document").header("content-type", "application/json-patch+json");
        send(&mock, request, operations, 409)
    };
    let copy = r#"{"op":"copy","from":"/a","path":"/a/0"}"#;
    assert!(patch(list(copy, 100)).contains("moves or copies too much"));
    patch(list(r#"{"op":"add","path":"/a/0","value":1}"#, 20_000));
    patch(list(r#"{"op":"copy","from":"","path":"/b"}"#, 1_000));
}

#[test]
fn queries_headers_and_cookies_cost_no_more_than_their_length() {
    let mock = hostile();
    let names =
        |count: usize, name: fn(usize) -> String, joint: &str| (0..count).map(name).collect::<Vec<_>>().join(joint);
    let query = |query: String, status: u16| send(&mock, Request::get(query), "", status);
    query(format!("/query?{}", names(3_000, |index| format!("n{index}=1"), "&")), 204);
    query(format!("/query?{}", names(1_200, |index| format!("deep[{index}]=1"), "&")), 204);
    // What is not declared is told up to a bound, too.
    query(format!("/unknown?wanted=1&{}", names(4_000, |index| format!("{index:x}"), "&")), 204);
    assert_eq!(mock.exchanges().last().unwrap().diagnostics().len(), 100);
    let header = |name: &str, value: String, path: &str, status: u16| {
        send(&mock, Request::get(path).header(name, value), "", status);
    };
    header("cookie", names(5_000, |index| format!("c{index}=1"), "; "), "/query", 204);
    header("cookie", names(6_000, |_| "crumb=1".to_owned(), "; "), "/query", 204);
    header("x-list", names(20_000, |_| "1".to_owned(), ","), "/query", 204);
    header("x-object", names(8_000, |index| format!("{index}=1"), ","), "/query", 204);
    header("accept", names(15_000, |_| "a/b".to_owned(), ","), "/document", 406);
    header("accept", format!("a/b;{}", names(8_000, |index| format!("p{index}=1"), ";")), "/document", 406);
    header("prefer", names(15_000, |_| "a=b".to_owned(), ","), "/document", 200);
    header("if-none-match", names(15_000, |_| "\"b\"".to_owned(), ","), "/document", 200);
}

#[test]
fn paths_are_matched_in_one_pass() {
    let mock = hostile();
    // Trying every way to divide it among five expressions is of the fifth power.
    send(&mock, Request::get(format!("/segments/{}", ".-".repeat(8_000))), "", 404);
    send(&mock, Request::get(format!("/segments/{}.txt", "a-".repeat(8_000))), "", 204);
    send(&mock, Request::get("/".repeat(16_000)), "", 404);
    send(&mock, Request::get(format!("/{}", "numbers".repeat(2_000))), "", 404);
    send(&mock, Request::get(format!("/{}", "%41".repeat(5_000))), "", 404);
}

#[test]
fn the_token_endpoint_reads_long_forms_in_one_pass() {
    let pairs = (0..100_000).map(|index| format!("n{index}=1")).collect::<Vec<_>>().join("&");
    post("/oauth/token", FORM, format!("grant_type=client_credentials&{pairs}"), 401);
    let scopes = (0..100_000).map(|index| format!("s{index}")).collect::<Vec<_>>().join("+");
    let mock = hostile();
    let application = mock.new_application();
    let known = format!("client_id={}&client_secret={}", application.client_id(), application.client_secret());
    let body = format!("grant_type=client_credentials&{known}&scope={scopes}");
    send(&mock, Request::post("/oauth/token").header("content-type", FORM), body, 400);
}

#[test]
fn journals_count_all_that_an_exchange_holds() {
    // 64 MiB are enough for some thousands of these, not for ten thousand.
    let mock = hostile();
    let long = "x".repeat(15_000);
    for _ in 0..5_000 {
        mock.handle(Request::get("/document").header("x-long", &long).body("").unwrap());
    }
    let kept = mock.exchanges().len();
    assert!((1_000..4_500).contains(&kept), "{kept}");
}

#[test]
fn expectations_have_a_bound() {
    let mock = hostile();
    let expected = |count: usize| {
        let one = |index| format!(r#"{{"name":"{index}","operation":"GET /document","times":0}}"#);
        let body = format!("{{\"expectations\":[{}]}}", (0..count).map(one).collect::<Vec<_>>().join(","));
        let request = Request::put("/_mock/api/expectations").header("host", "localhost").header("content-type", JSON);
        let reply = mock.handle(request.body(body).unwrap());
        (reply.status().as_u16(), String::from_utf8_lossy(reply.body()).into_owned())
    };
    let (status, text) = expected(1_000);
    assert_eq!(status, 200, "{text}");
    let (status, text) = expected(1_001);
    assert!(status == 400 && text.contains("at most 1000 items"), "{text}");
}
