//! Who may use the control plane: this machine under the names it is known by, and no page of another origin.

use crate::wire::exchanged;
use chatkitty_mock::MockServer;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;
use std::net::IpAddr;

fn ask(mock: &MockServer, method: Method, path: &str, fields: &[(&str, &str)], body: &str) -> Response<bytes::Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    mock.handle(request.body(body.to_owned()).unwrap())
}

fn status_for(mock: &MockServer, host: &str) -> StatusCode {
    ask(mock, Method::GET, "/_mock/api/applications", &[("host", host)], "").status()
}

#[test]
fn the_control_plane_answers_for_hosts_that_lead_nowhere_else() {
    let mock = MockServer::builder().allow_host("Mock.internal").start().unwrap();
    for host in [
        "localhost",
        "LocalHost:2428",
        "localhost:9999",
        "staging.localhost:2428",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.8.9.10",
        "[::1]:2428",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]:2428",
        "mock.internal",
        "MOCK.INTERNAL:80",
    ] {
        assert_eq!(status_for(&mock, host), StatusCode::OK, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:2428",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost.",
        "127.0.0.1.",
        "notlocalhost",
        ".localhost.evil.example:2428",
        "localhost:evil.example",
        "localhost:2428:2428",
        "localhost:99999",
        "evil.example#localhost",
        "localhost@evil.example",
        "[::1].evil.example",
        "[::1",
        "::1",
        "[::2]",
        "192.168.1.5",
        "0.0.0.0",
        "[::]",
        "2130706433",
        "0x7f.1",
        "",
        "l\u{f6}calhost",
        "mock.internal.evil.example",
        "x.mock.internal",
    ] {
        assert_eq!(status_for(&mock, host), StatusCode::FORBIDDEN, "{host}");
        let page = ask(&mock, Method::GET, "/_mock/", &[("host", host), ("accept", "text/html")], "");
        assert_eq!(page.status(), StatusCode::FORBIDDEN, "{host}");
        // Probes call by any name, and learn nothing.
        assert_eq!(ask(&mock, Method::GET, "/_mock/livez", &[("host", host)], "").status(), StatusCode::OK, "{host}");
    }
    let refused = ask(&mock, Method::GET, "/_mock/api/clock", &[("host", "evil.example")], "");
    let told: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(
        (told["errors"][0]["code"].as_str(), told["errors"][0]["pointer"].as_str()),
        (Some("CK0906"), Some("/host"))
    );
    assert!(told["errors"][0]["help"].as_str().unwrap().contains("--allow-host NAME"), "{told}");
}

#[test]
fn beyond_this_machine_names_are_asked_for_as_well() {
    let everywhere: IpAddr = "0.0.0.0".parse().unwrap();
    let mock = MockServer::builder().host(everywhere).admin_token("t").allow_host("mock").start().unwrap();
    let with = |host| {
        let fields = [("host", host), ("authorization", "Bearer t")];
        ask(&mock, Method::GET, "/_mock/api/applications", &fields, "").status()
    };
    for host in ["localhost", "127.0.0.1:2428", "192.168.1.5:2428", "172.17.0.2", "[fd00::2]:2428", "mock:2428"] {
        assert_eq!(with(host), StatusCode::OK, "{host}");
        assert_eq!(status_for(&mock, host), StatusCode::UNAUTHORIZED, "{host}");
    }
    for host in ["evil.example", "mock.evil.example", "172.17.0.2.evil.example"] {
        assert_eq!(with(host), StatusCode::FORBIDDEN, "{host}");
    }
}

#[test]
fn the_target_counts_where_it_names_another_host_than_the_header() {
    let mock = MockServer::start();
    let port = mock.port();
    for (target, host, status) in [
        (format!("http://127.0.0.1:{port}"), "evil.example".to_owned(), "200"),
        ("http://evil.example".to_owned(), format!("127.0.0.1:{port}"), "403"),
        // No target has user information (RFC 9112 §3.2.2, RFC 9110 §4.2.4).
        (format!("http://localhost@evil.example:{port}"), "localhost".to_owned(), "400"),
        (String::new(), "evil.example".to_owned(), "403"),
    ] {
        let text = format!("GET {target}/_mock/api/clock HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = exchanged(mock.port(), &text);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target} {host}: {answer}");
    }
}

/// What browsers say of a request that another origin's page makes.
const FROM_ELSEWHERE: &[&[(&str, &str)]] = &[
    &[("origin", "http://evil.example")],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "http://localhost:3000")],
    &[("origin", "http://localhost")],
    &[("origin", "http://localhost:24280")],
    &[("origin", "http://localhost:2428.evil.example")],
    &[("origin", "http://localhost:2428@evil.example")],
    &[("origin", "http://127.0.0.1:2428")],
    &[("origin", "localhost:2428")],
    &[("origin", "\u{fc}")],
    &[("origin", "http://localhost:2428"), ("origin", "http://evil.example")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "Same-Origin")],
    &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    &[("origin", "http://localhost:2428"), ("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "document")],
    &[("origin", "http://evil.example"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
];

const FROM_HERE: &[&[(&str, &str)]] = &[
    &[],
    &[("origin", "http://localhost:2428")],
    &[("origin", "http://LOCALHOST:2428"), ("sec-fetch-site", "same-origin")],
    &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
];

const LINK: &[(&str, &str)] =
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];

fn with_host<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("host", "localhost:2428"), ("content-type", "application/json")], fields].concat()
}

#[test]
fn a_page_of_another_origin_neither_reads_nor_changes_anything() {
    let mock = MockServer::start();
    let id = mock.application("development").client_id().to_owned();
    let reads = [
        "/_mock/",
        "/_mock/traffic/events",
        "/_mock/api/applications",
        "/_mock/api/exchanges.har",
        "/_mock/api/events",
    ];
    let id_path = format!("/_mock/api/applications/{id}");
    let writes = [
        (Method::POST, "/_mock/api/applications", "{}"),
        (Method::POST, "/_mock/api/reset", "{}"),
        (Method::DELETE, id_path.as_str(), ""),
        (Method::POST, "/_mock/applications", "name=forged"),
        (Method::POST, "/_mock/state/reset", ""),
        (Method::POST, "/_mock/login", "token=x"),
        (Method::POST, "/_mock/api/shutdown", ""),
    ];
    for forged in FROM_ELSEWHERE {
        let fields = with_host(forged);
        for path in reads {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                let reply = ask(&mock, method.clone(), path, &fields, "");
                assert_eq!(reply.status(), StatusCode::FORBIDDEN, "{method} {path} {forged:?}");
            }
        }
        for (method, path, body) in &writes {
            let reply = ask(&mock, method.clone(), path, &fields, body);
            assert_eq!(reply.status(), StatusCode::FORBIDDEN, "{method} {path} {forged:?}");
        }
        assert_eq!(mock.applications().len(), 3);
    }
    for own in FROM_HERE {
        let reply = ask(&mock, Method::POST, "/_mock/api/applications", &with_host(own), "{}");
        assert_eq!(reply.status(), StatusCode::CREATED, "{own:?}");
        assert_eq!(ask(&mock, Method::GET, reads[2], &with_host(own), "").status(), StatusCode::OK, "{own:?}");
    }
    // A person may follow a link here; a form is no link.
    assert_eq!(ask(&mock, Method::GET, "/_mock/exchanges/1", &with_host(LINK), "").status(), StatusCode::NOT_FOUND);
    let page = if cfg!(feature = "dashboard") { StatusCode::OK } else { StatusCode::NOT_FOUND };
    assert_eq!(ask(&mock, Method::GET, "/_mock/", &with_host(LINK), "").status(), page);
    assert_eq!(ask(&mock, Method::POST, "/_mock/state/reset", &with_host(LINK), "").status(), StatusCode::FORBIDDEN);
}

#[test]
fn no_reply_of_the_control_plane_lets_another_origin_read_it() {
    let mock = MockServer::start();
    let oversized = format!(
        "POST /_mock/api/reset HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: {}\r\n\r\n",
        20_000_000
    );
    let answer = exchanged(mock.port(), &oversized).to_lowercase();
    assert!(
        answer.starts_with("http/1.1 413 ") && answer.contains("nosniff") && !answer.contains("access-control"),
        "{answer}"
    );
    assert!(mock.exchanges().is_empty(), "it is none of the contract's");
    let preflight = [
        ("origin", "http://evil.example"),
        ("access-control-request-method", "DELETE"),
        ("access-control-request-private-network", "true"),
    ];
    for path in [
        "/_mock",
        "/_mock/",
        "/_mock/api/reset",
        "/_mock/api/applications",
        "/_mock/livez",
        "/_mock/nowhere",
        "/_mock/api/report?format=html",
        "/_mock/openapi.json",
    ] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::TRACE] {
            for fields in [with_host(&preflight), with_host(&[])] {
                let reply = ask(&mock, method.clone(), path, &fields, "");
                let field = |name: &str| reply.headers().get(name).map_or("", |value| value.to_str().unwrap());
                for (name, _) in reply.headers() {
                    assert!(!name.as_str().starts_with("access-control-"), "{method} {path}: {name}");
                }
                assert_eq!(field("x-content-type-options"), "nosniff", "{method} {path}");
                assert_eq!(field("cross-origin-resource-policy"), "same-origin", "{method} {path}");
                assert_eq!(field("cross-origin-opener-policy"), "same-origin", "{method} {path}");
                assert_eq!((field("x-frame-options"), field("cache-control")), ("DENY", "no-store"), "{method} {path}");
                let policy = field("content-security-policy");
                assert!(
                    policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                    "{method} {path}: {policy}"
                );
            }
        }
    }
}

/// All that the control plane tells of what it holds.
fn held(mock: &MockServer) -> Vec<Value> {
    ["applications", "state?application=development", "snapshots", "expectations", "exchanges", "verdict"]
        .map(|path| {
            let reply = ask(mock, Method::GET, &format!("/_mock/api/{path}"), &[], "");
            assert_eq!(reply.status(), StatusCode::OK, "{path}");
            serde_json::from_slice(reply.body()).unwrap()
        })
        .into()
}

#[test]
fn only_its_own_method_and_media_type_carry_a_change_out() {
    let mock = MockServer::start();
    let before = held(&mock);
    let document: Value =
        serde_json::from_slice(ask(&mock, Method::GET, "/_mock/openapi.json", &[], "").body()).unwrap();
    let id = mock.application("development").client_id().to_owned();
    let (mut safe, mut simple) = (0, 0);
    for (template, item) in document["paths"].as_object().unwrap() {
        let path = template.replace("{client_id}", &id).replace("{id}", "1");
        for wanted in
            ["POST", "PUT", "PATCH", "DELETE"].into_iter().filter(|name| item.get(name.to_lowercase()).is_some())
        {
            let fields = [("x-http-method-override", wanted), ("x-http-method", wanted), ("x-method-override", wanted)];
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                for query in ["", &format!("?_method={wanted}"), "?method=reset&application=development"] {
                    ask(&mock, method.clone(), &format!("{path}{query}"), &fields, "{\"name\":\"forged\"}");
                    safe += 1;
                }
            }
            let body = &item[wanted.to_lowercase()]["requestBody"];
            if body.is_null() || body["required"] != true && wanted == "POST" && template.ends_with("/shutdown") {
                continue;
            }
            for media in [
                "text/plain",
                "text/plain; x=application/json",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "",
            ] {
                let fields: &[(&str, &str)] = if media.is_empty() { &[] } else { &[("content-type", media)] };
                let method = Method::from_bytes(wanted.as_bytes()).unwrap();
                let reply = ask(
                    &mock,
                    method,
                    &path,
                    fields,
                    "{\"name\":\"forged\",\"seconds\":5,\"now\":\"2030-01-01T00:00:00Z\"}",
                );
                assert!(reply.status().is_client_error(), "{wanted} {path} as {media:?}: {}", reply.status());
                simple += 1;
            }
        }
    }
    assert!(safe > 150 && simple > 40, "{safe} {simple}");
    assert_eq!(held(&mock), before);
    assert!(!mock.clock().is_frozen());
}

#[test]
fn health_alone_needs_no_token() {
    let mock = MockServer::builder().admin_token("correct horse").start().unwrap();
    let document = ask(&mock, Method::GET, "/_mock/openapi.json", &[("authorization", "Bearer correct horse")], "");
    let document: Value = serde_json::from_slice(document.body()).unwrap();
    let mut open = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "head", "options", "post", "put", "patch", "delete"] {
            let name = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            for given in [
                "",
                "Bearer ",
                "Bearer correct",
                "Bearer correct horse battery",
                "Basic Y29ycmVjdCBob3JzZTo=",
                "correct horse",
            ] {
                let reply = ask(&mock, name.clone(), path, &[("authorization", given)], "");
                if reply.status() == StatusCode::UNAUTHORIZED {
                    assert_eq!(reply.headers()["www-authenticate"], "Bearer realm=\"control plane\"");
                } else if item.get(method).is_some() && given.is_empty() {
                    open.push(format!("{method} {path}"));
                }
            }
        }
    }
    assert_eq!(open, ["get /_mock/livez", "get /_mock/readyz"]);
    assert_eq!(mock.applications().len(), 3);
}

#[test]
fn tokens_tell_nothing_of_other_tokens() {
    // The former way, a counter that is mixed, gave away all others to whoever knew one.
    let mock = MockServer::builder().host("0.0.0.0".parse().unwrap()).start().unwrap();
    let app = mock.application("development");
    let halves = |text: &str| {
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let bits = u128::from_str_radix(&digits, 16).unwrap();
        [(bits >> 64) as u64, bits as u64]
    };
    let unmixed = |mut mixed: u64| {
        mixed = (mixed ^ (mixed >> 31) ^ (mixed >> 62)).wrapping_mul(0x3196_42B2_D24D_8EC3);
        mixed = (mixed ^ (mixed >> 27) ^ (mixed >> 54)).wrapping_mul(0x96DE_1B17_3F11_9089);
        mixed ^ (mixed >> 30) ^ (mixed >> 60)
    };
    // The variant hides two bits of the second half, the version four of the first.
    let follows = |token: &str| {
        let [first, second] = halves(token);
        (0..4_u64).any(|hidden| {
            let before = unmixed(second & !(3 << 62) | hidden << 62).wrapping_sub(0x9E37_79B9_7F4A_7C15);
            (0..16_u64).any(|version| unmixed(first & !(15 << 12) | version << 12) == before)
        })
    };
    assert!((0..20).all(|_| !follows(&app.token())));
    let admin = mock.admin_token().unwrap().to_owned();
    assert!(!follows(&admin) && halves(&admin)[0] >> 16 != 0, "{admin}");
    let seeded = MockServer::builder().seed(7).start().unwrap();
    assert!(follows(&seeded.application("development").token()), "a seed is meant to be followed");
}

#[cfg(feature = "cli")]
mod in_a_browser {
    use crate::command_line::Server;
    use std::path::Path;
    use std::process::Command;

    /// Lets pages of other origins loose on a server; what is said of each.
    fn let_loose(arguments: &[&str], token: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
        let installed = folder.join("node_modules/playwright-core").exists();
        assert!(installed, "playwright-core is not installed; run: bash tests/run");
        let server = Server::with(&[&["-q"], arguments].concat());
        let first = &server.ready["applications"][0];
        let mut command = Command::new("node");
        command
            .arg(folder.join("origins.mjs"))
            .env("CHATKITTY_BASE_URL", server.ready["url"].as_str().unwrap())
            .env("CHATKITTY_CLIENT_ID", first["client_id"].as_str().unwrap())
            .env("CHATKITTY_CLIENT_SECRET", first["client_secret"].as_str().unwrap());
        if !token.is_empty() {
            command.env("MOCK_ADMIN_TOKEN", token);
        }
        let output = command.output().unwrap();
        let saw = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{saw}\n{}", String::from_utf8_lossy(&output.stderr));
        println!("{saw}");
        // It lived until its own page stopped it.
        assert_eq!(server.wait().0, Some(0));
        saw.lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn pages_of_other_origins_get_nowhere() {
        assert_eq!(let_loose(&[], "").len(), 4 + 3);
    }

    #[test]
    fn pages_of_other_origins_get_nowhere_where_the_browser_is_logged_in() {
        assert_eq!(let_loose(&["--admin-token", "correct horse"], "correct horse").len(), 2 + 3);
    }
}
