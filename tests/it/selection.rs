//! Which application a request speaks for: by its credential, by a header, by its host, or the first one.

use bytes::Bytes;
use chatkitty_mock::MockServer;
use http::{Request, Response};
use serde_json::{Value, json};

/// Header fields of a request.
type Fields<'a> = &'a [(&'a str, &'a str)];

/// `/open` demands nothing, `/token` a token of this server, `/key` an API key, `/either` a token or nothing.
fn document() -> String {
    let answer = |name: &str| {
        let schema = json!({ "type": "object", "required": [name], "properties": { name: { "type": "string" } } });
        json!({ "200": { "description": "ok", "content": { "application/json": { "schema": schema } } } })
    };
    let get = |security: Value| json!({ "get": { "security": security, "responses": answer("owner") } });
    json!({
        "openapi": "3.1.0", "info": { "title": "t", "version": "1" },
        "components": { "securitySchemes": {
            "o": { "type": "oauth2", "flows": { "clientCredentials": { "tokenUrl": "/oauth/token", "scopes": {} } } },
            "k": { "type": "apiKey", "in": "header", "name": "x-key" },
        } },
        "paths": {
            "/open": get(json!([])), "/token": get(json!([{ "o": [] }])), "/key": get(json!([{ "k": [] }])),
            "/either": get(json!([{ "o": [] }, {}])),
        },
    })
    .to_string()
}

/// Three applications, each of which says its name at every path.
fn server(name: &str) -> MockServer {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, client_id) in [("Alpha", "id-a"), ("beta.v2", "id-b"), ("staging", "id-c")] {
        let paths = ["/open", "/token", "/key", "/either"];
        let resources: Vec<String> = paths.iter().map(|path| format!("  {path}: {{ owner: {name} }}\n")).collect();
        let text = format!(
            "credentials: {{ client_id: {client_id}, client_secret: secret-{client_id} }}\nresources:\n{}",
            resources.concat()
        );
        std::fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
    }
    let mock = MockServer::builder().openapi_text("open.json", document()).fixtures(&folder).start().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    mock
}

fn get(mock: &MockServer, path: &str, fields: Fields<'_>) -> Response<Bytes> {
    let mut request = Request::get(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    mock.handle(request.body("").unwrap())
}

/// The name of the application that answered, else the codes of what was wrong.
fn owner(mock: &MockServer, path: &str, fields: Fields<'_>) -> String {
    let reply = get(mock, path, fields);
    match reply.headers().get("x-mock-violations") {
        Some(codes) => format!("{} {}", reply.status().as_u16(), codes.to_str().unwrap()),
        None => serde_json::from_slice::<Value>(reply.body()).unwrap()["owner"].as_str().unwrap().to_owned(),
    }
}

#[test]
fn the_credential_decides_then_the_header_then_the_host_then_the_order() {
    let mock = server("selection");
    mock.allow_violations();
    let beta = format!("Bearer {}", mock.application("beta.v2").token());
    let header = |name| ("x-mock-application", name);
    let host = |name| ("host", name);
    let token = ("authorization", beta.as_str());
    let foreign = ("authorization", "Bearer of-another-server");
    let cases: [(&str, Fields<'_>, &str); 24] = [
        ("/open", &[], "Alpha"),
        ("/open", &[header("staging")], "staging"),
        ("/open", &[header("id-b")], "beta.v2"),
        ("/open", &[header("Alpha"), host("staging.localhost")], "Alpha"),
        ("/open", &[host("staging.localhost")], "staging"),
        ("/open", &[host("STAGING.localhost:2428")], "staging"),
        ("/open", &[host("alpha.localhost:1")], "Alpha"),
        ("/open", &[host("beta.v2.localhost.")], "beta.v2"),
        ("/open", &[host("id-c.localhost")], "staging"),
        ("/open", &[host("localhost:2428")], "Alpha"),
        ("/open", &[host("staging.example:2428")], "Alpha"),
        ("/open", &[host("[::1]:2428")], "Alpha"),
        ("/open", &[header("stagign")], "404 CK0405"),
        ("/open", &[header("")], "404 CK0405"),
        ("/open", &[host("nobody.localhost")], "404 CK0405"),
        ("http://staging.localhost/open", &[host("id-b.localhost")], "staging"),
        // A credential wins, whatever else is named.
        ("/open", &[token, header("staging")], "beta.v2"),
        ("/token", &[token, header("staging"), host("alpha.localhost")], "beta.v2"),
        ("/token", &[token, header("nobody")], "beta.v2"),
        ("/key", &[("x-key", "secret-id-c"), header("Alpha")], "staging"),
        // A credential that names nobody leaves it to the request.
        ("/key", &[("x-key", "whatever"), header("staging")], "staging"),
        ("/either", &[foreign, host("beta.v2.localhost")], "beta.v2"),
        // Naming an application opens nothing.
        ("/token", &[header("staging")], "401 CK0401"),
        ("/token", &[foreign, header("nobody")], "401 CK0402"),
    ];
    for (path, fields, expected) in cases {
        assert_eq!(owner(&mock, path, fields), expected, "{path} {fields:?}");
    }
}

#[test]
fn an_unknown_application_is_told_with_what_may_have_been_meant() {
    let mock = server("unknown");
    mock.allow_violations();
    for (field, name, help) in [
        ("x-mock-application", "stagign", "did you mean `staging`?"),
        ("host", "stagin.localhost", "did you mean `staging`?"),
        ("x-mock-application", "zzz", "/_mock/api/applications"),
    ] {
        let reply = get(&mock, "/open", &[(field, name)]);
        assert_eq!(reply.headers()["content-type"], "application/problem+json");
        let body: Value = serde_json::from_slice(reply.body()).unwrap();
        let error = &body["errors"][0];
        let place = (error["in"].as_str(), error["pointer"].as_str());
        assert_eq!((body["status"].as_u64(), place), (Some(404), (Some("header"), Some(format!("/{field}").as_str()))));
        assert!(body["detail"].as_str().unwrap().contains(help), "{body}");
    }
    assert!(mock.exchanges().iter().all(|exchange| exchange.application().is_none()));
}

#[test]
fn what_is_refused_is_in_the_journal_of_the_application_that_it_was_meant_for() {
    let mock = server("attributed");
    mock.allow_violations();
    let beta = mock.application("beta.v2");
    let token = format!("Bearer {}", beta.token());
    get(&mock, "/nothing", &[("x-mock-application", "staging")]);
    get(&mock, "/token", &[("host", "staging.localhost")]);
    get(&mock, "/%zz", &[("authorization", &token)]);
    mock.handle(Request::put("/open").header("authorization", &token).body("").unwrap());
    get(&mock, "/nothing", &[]);
    let targets = |name: &str| -> Vec<String> {
        mock.application(name).exchanges().iter().map(chatkitty_mock::Exchange::target).collect()
    };
    assert_eq!(targets("staging"), ["/nothing", "/token"]);
    assert_eq!(targets("beta.v2"), ["/%zz", "/open"]);
    assert!(targets("Alpha").is_empty());
}

#[test]
fn the_header_is_nobodys_unknown_parameter_and_browsers_may_send_it() {
    let mock = server("preflight");
    get(&mock, "/open", &[("x-mock-application", "staging")]);
    assert!(mock.exchanges()[0].diagnostics().is_empty());
    let preflight = Request::options("/open")
        .header("origin", "https://a.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "x-mock-application")
        .body("")
        .unwrap();
    assert_eq!(mock.handle(preflight).headers()["access-control-allow-headers"], "x-mock-application");
    mock.verify();
}

#[test]
fn the_control_plane_answers_for_no_more_hosts_than_before() {
    let mock = server("control-hosts");
    let status = |fields: Fields<'_>| get(&mock, "/_mock/api/applications", fields).status().as_u16();
    for host in ["localhost:1", "staging.localhost", "nobody.localhost", "127.0.0.1", "[::1]:1"] {
        assert_eq!(status(&[("host", host)]), 200, "{host}");
    }
    for host in ["evil.example", "staging.example", "localhost.evil.example", "staginglocalhost", "10.0.0.1"] {
        assert_eq!(status(&[("host", host), ("x-mock-application", "staging")]), 403, "{host}");
    }
}
