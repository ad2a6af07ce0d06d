//! The bundled contract's data plane: tokens, the three operations, refusals, cross-origin requests.

use crate::wire::Connection;
use base64::Engine as _;
use bytes::Bytes;
use chatkitty_mock::{Application, MockServer};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

struct Plane {
    mock: MockServer,
    app: Application,
}

impl Plane {
    fn new() -> Self {
        let mock = MockServer::start();
        mock.allow_violations();
        let app = mock.application("development");
        Self { mock, app }
    }

    fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.mock.handle(request.body(body.to_owned()).unwrap())
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Response<Bytes> {
        let bearer = format!("Bearer {}", self.app.token());
        let mut headers = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, path, &headers, &body.map(Value::to_string).unwrap_or_default())
    }

    fn basic(&self) -> String {
        basic(self.app.client_id(), self.app.client_secret())
    }

    fn token(&self, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
        self.send(Method::POST, "/oauth/token", headers, body)
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_else(|_| panic!("no JSON: {response:?}"))
}

fn header<'r>(response: &'r Response<Bytes>, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// Header fields of a request.
type Fields<'a> = &'a [(&'a str, &'a str)];

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn tokens_are_issued_to_every_official_client() {
    let plane = Plane::new();
    let basic = plane.basic();
    let multipart = "--X\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--X--\r\n";
    let both = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&username=&password=",
        plane.app.client_id(),
        plane.app.client_secret()
    );
    let requests: [(&[(&str, &str)], &str); 4] = [
        (&[("authorization", &basic), ("content-type", "multipart/form-data; boundary=X")], multipart),
        (&[("authorization", &basic), FORM], "grant_type=client_credentials"),
        (&[("authorization", &basic), FORM], &both),
        (&[FORM], &both),
    ];
    for (headers, body) in requests {
        let reply = plane.token(headers, body);
        assert_eq!(reply.status(), StatusCode::OK, "{body}: {reply:?}");
        assert_eq!(header(&reply, "cache-control"), Some("no-store"));
        let token = json_of(&reply);
        assert!(uuid_shaped(token["access_token"].as_str().unwrap()), "{token}");
        assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(43_199)));
        assert_eq!(token["scope"], "create:* read:* update:* delete:*");
    }
}

fn uuid_shaped(text: &str) -> bool {
    text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

#[test]
fn malformed_token_requests_get_the_errors_of_rfc_6749() {
    let plane = Plane::new();
    let good = plane.basic();
    let wrong = basic(plane.app.client_id(), "wrong");
    let nobody = basic("nobody", plane.app.client_secret());
    let grant = "grant_type=client_credentials";
    let other_client = format!("{grant}&client_id=other&client_secret=x");
    let cases: [(Fields<'_>, &str, u16, &str); 12] = [
        (&[("authorization", &wrong), FORM], grant, 401, "invalid_client"),
        (&[("authorization", &nobody), FORM], grant, 401, "invalid_client"),
        (&[("authorization", "Basic %%%"), FORM], grant, 401, "invalid_client"),
        (&[("authorization", "Bearer x"), FORM], grant, 401, "invalid_client"),
        (&[FORM], grant, 401, "invalid_client"),
        (&[("authorization", &good), FORM], "", 400, "invalid_request"),
        (&[("authorization", &good)], "", 400, "invalid_request"),
        (
            &[("authorization", &good), FORM],
            "grant_type=client_credentials&grant_type=client_credentials",
            400,
            "invalid_request",
        ),
        (&[("authorization", &good), FORM], "grant_type=password", 400, "unsupported_grant_type"),
        (&[("authorization", &good), FORM], "grant_type=client_credentials&scope=admin", 400, "invalid_scope"),
        (&[("authorization", &good), FORM], &other_client, 400, "invalid_request"),
        (
            &[("authorization", &good), ("content-type", "multipart/form-data; boundary=X")],
            "--X\r\nbroken",
            400,
            "invalid_request",
        ),
    ];
    for (headers, body, status, error) in cases {
        let reply = plane.token(headers, body);
        let value = json_of(&reply);
        assert_eq!(
            (reply.status().as_u16(), value["error"].as_str()),
            (status, Some(error)),
            "{headers:?} {body}: {value}"
        );
        assert_eq!(header(&reply, "cache-control"), Some("no-store"));
        assert_eq!(header(&reply, "www-authenticate").is_some(), status == 401);
        assert!(header(&reply, "x-mock-exchange").is_some());
    }
    let reply = plane.send(Method::GET, "/oauth/token", &[], "");
    assert_eq!((reply.status(), header(&reply, "allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST, OPTIONS")));
}

#[test]
fn a_narrower_scope_is_granted_and_enforced() {
    let plane = Plane::new();
    let reply =
        plane.token(&[("authorization", &plane.basic()), FORM], "grant_type=client_credentials&scope=read:application");
    let token = json_of(&reply);
    assert_eq!(token["scope"], "read:application");
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    assert_eq!(plane.send(Method::GET, "/v1/application", &[("authorization", &bearer)], "").status(), StatusCode::OK);
    let body = json!({ "guestUsers": "DISABLED", "userCreatedChannels": "DISABLED" }).to_string();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let refused = plane.send(Method::PUT, "/v1/application/settings", &headers, &body);
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(json_of(&refused), json!({ "error": "access_denied", "error_description": "Access is denied" }));
    assert!(header(&refused, "www-authenticate").unwrap().contains("insufficient_scope"));
    assert_eq!(plane.app.resource("/v1/application/settings")["guestUsers"], "ENABLED");
}

#[test]
fn a_refusal_for_lack_of_a_scope_names_all_that_are_required() {
    let document = r#"{"openapi":"3.1.1","info":{"title":"t","version":"1"},
        "paths":{"/a":{"get":{"security":[{"o":["read","write"]}],"responses":{"204":{"description":"x"}}}}},
        "components":{"securitySchemes":{"o":{"type":"oauth2","flows":{"clientCredentials":{"tokenUrl":"/token","scopes":{"read":"r","write":"w"}}}}}}}"#;
    let mock = MockServer::builder().openapi_text("scopes.json", document).start().unwrap();
    mock.allow_violations();
    let app = mock.new_application();
    let body = format!(
        "grant_type=client_credentials&scope=read&client_id={}&client_secret={}",
        app.client_id(),
        app.client_secret()
    );
    let request = http::Request::post("/token").header("content-type", "application/x-www-form-urlencoded").body(body);
    let token = json_of(&mock.handle(request.unwrap()));
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let refused = mock.handle(http::Request::get("/a").header("authorization", bearer).body(String::new()).unwrap());
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    // RFC 6750 §3: the scope that access takes.
    assert!(header(&refused, "www-authenticate").unwrap().ends_with("scope=\"read write\""));
}

#[test]
fn tokens_expire_and_can_be_made_to() {
    let mock = MockServer::builder().token_ttl(std::time::Duration::ZERO).start().unwrap();
    mock.allow_violations();
    let bearer = format!("Bearer {}", mock.application("development").token());
    let reply = mock.handle(Request::get("/v1/application").header("authorization", bearer).body("").unwrap());
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        json_of(&reply),
        json!({ "error": "unauthorized", "error_description": "Full authentication is required to access this resource" })
    );
    assert!(header(&reply, "www-authenticate").unwrap().contains("error=\"invalid_token\""));

    let plane = Plane::new();
    let bearer = format!("Bearer {}", plane.app.token());
    plane.app.expire_tokens();
    assert_eq!(
        plane.send(Method::GET, "/v1/application", &[("authorization", &bearer)], "").status(),
        StatusCode::UNAUTHORIZED
    );
}

#[test]
fn put_replaces_the_settings_of_one_application_whole() {
    let plane = Plane::new();
    let put = json!({ "guestUsers": "DISABLED", "userCreatedChannels": "DISABLED" });
    let before = json_of(&plane.call(Method::GET, "/v1/application/settings", None));
    let reply = plane.call(Method::PUT, "/v1/application/settings", Some(&put));
    assert_eq!(reply.status(), StatusCode::OK);
    let after = json_of(&plane.call(Method::GET, "/v1/application/settings", None));
    assert_eq!(json_of(&reply), after);
    assert_eq!((&after["guestUsers"], &after["_links"]), (&json!("DISABLED"), &before["_links"]));
    assert_eq!(plane.mock.application("staging").resource("/v1/application/settings")["guestUsers"], "ENABLED");
    let sneaky = json!({ "guestUsers": "ENABLED", "userCreatedChannels": "ENABLED", "_links": 1, "foo": 2 });
    let reply = plane.call(Method::PUT, "/v1/application/settings", Some(&sneaky));
    assert_eq!((reply.status(), &json_of(&reply)["_links"]), (StatusCode::OK, &before["_links"]));
    // Neither schema names it, nor forbids it: the request can carry it.
    assert_eq!(json_of(&reply).get("foo"), Some(&json!(2)));
}

#[test]
fn polls_over_one_connection_see_every_change_at_once() {
    const SETTINGS: &str = "/v1/application/settings";
    let plane = Plane::new();
    let field = format!("authorization: Bearer {}\r\n", plane.app.token());
    let mut connection = Connection::open(plane.mock.port());
    let mut polls = 0;
    let mut poll = || {
        // Enough for whatever is remembered of the ones before.
        let mut all = (0..4).map(|_| connection.send("GET", SETTINGS, &field, None));
        let first = all.next().unwrap();
        let rest: Vec<_> = all.collect();
        polls += 4;
        for received in &rest {
            assert_eq!((received.status, &received.body), (first.status, &first.body));
            assert_eq!(received.header("content-type"), first.header("content-type"));
        }
        let number: u64 = rest[2].header("x-mock-exchange").unwrap().parse().unwrap();
        assert_eq!(number - first.header("x-mock-exchange").unwrap().parse::<u64>().unwrap(), 3);
        (first.status, first.json()["guestUsers"].clone())
    };
    assert_eq!(poll(), (200, json!("ENABLED")));
    let put = json!({ "guestUsers": "DISABLED", "userCreatedChannels": "DISABLED" });
    assert_eq!(plane.call(Method::PUT, SETTINGS, Some(&put)).status(), StatusCode::OK);
    assert_eq!(poll(), (200, json!("DISABLED")));
    plane.app.reset();
    assert_eq!(poll(), (200, json!("ENABLED")));
    plane.app.expire_tokens();
    assert_eq!(poll(), (401, Value::Null));
    let seen = plane.mock.exchanges();
    assert_eq!(seen.iter().filter(|exchange| exchange.target() == SETTINGS).count(), polls + 1, "the PUT is one, too");
    // What the server says of itself is not remembered either.
    for count in 0..5 {
        assert_eq!(plane.call(Method::GET, "/v1/application", None).status(), StatusCode::OK);
        let received = connection.send("GET", "/_mock/api/verdict", "", None);
        assert_eq!(received.json()["exchanges"], json!(polls + 2 + count));
    }
}

#[test]
fn a_bad_put_is_refused_with_every_violation_and_changes_nothing() {
    let plane = Plane::new();
    for (body, codes) in [
        (json!({ "guestUsers": "disabled" }), "CK0202,CK0203"),
        (json!({ "guestUsers": 1, "userCreatedChannels": null }), "CK0203"),
        (json!([]), "CK0201"),
        (json!(null), "CK0201"),
        (json!({}), "CK0202"),
    ] {
        let reply = plane.call(Method::PUT, "/v1/application/settings", Some(&body));
        assert_eq!(reply.status(), StatusCode::BAD_REQUEST, "{body}");
        let seen = header(&reply, "x-mock-violations").unwrap();
        assert!(codes.split(',').all(|code| seen.contains(code)), "{body}: {seen}");
        let error = json_of(&reply);
        assert_eq!(
            (&error["error"], &error["message"]),
            (&json!("ClientError"), &json!("A client error occurred, check your request"))
        );
        assert!(error["explanation"].as_str().unwrap().contains("openapi/chatkitty.yaml:"), "{error}");
        assert!(header(&reply, "link").unwrap().contains("describedby"));
    }
    assert_eq!(plane.app.resource("/v1/application/settings")["guestUsers"], "ENABLED");
}

#[test]
fn each_way_to_refuse_has_its_status() {
    let plane = Plane::new();
    let bearer = format!("Bearer {}", plane.app.token());
    let auth = ("authorization", bearer.as_str());
    let good = r#"{"guestUsers":"DISABLED","userCreatedChannels":"DISABLED"}"#;
    let settings = "/v1/application/settings";
    let cases: [(Method, &str, Fields<'_>, &str, u16, &str); 13] = [
        (Method::GET, "/v1/nothing", &[auth], "", 404, "CK0101"),
        (Method::GET, "/v1/application/", &[auth], "", 404, "CK0101"),
        (Method::DELETE, settings, &[auth], "", 405, "CK0102"),
        (Method::GET, "/v1/%zz", &[auth], "", 400, "CK0103"),
        (Method::GET, settings, &[], "", 401, "CK0401"),
        (Method::GET, settings, &[("authorization", "Bearer nonsense")], "", 401, "CK0402"),
        (Method::GET, settings, &[("authorization", "Bearer")], "", 401, "CK0404"),
        (Method::GET, settings, &[auth, ("accept", "image/png")], "", 406, "CK0502"),
        (Method::PUT, settings, &[auth, ("content-type", "text/plain")], good, 415, "CK0501"),
        (Method::PUT, settings, &[auth], good, 415, "CK0501"),
        (Method::PUT, settings, &[auth, ("content-type", "application/json")], "", 400, "CK0504"),
        (Method::PUT, settings, &[auth, ("content-type", "application/json")], r#"{"a":1,"a":2}"#, 400, "CK0505"),
        (
            Method::PUT,
            settings,
            &[auth, ("content-type", "application/json"), ("content-encoding", "zstd")],
            good,
            415,
            "CK0506",
        ),
    ];
    for (method, path, headers, body, status, code) in cases {
        let reply = plane.send(method.clone(), path, headers, body);
        assert_eq!(reply.status().as_u16(), status, "{method} {path} {headers:?}: {reply:?}");
        assert!(header(&reply, "x-mock-violations").unwrap().contains(code), "{method} {path}: {reply:?}");
        assert_eq!(header(&reply, "allow").is_some(), status == 405);
        assert_eq!(header(&reply, "www-authenticate").is_some(), status == 401);
    }
    let reply = plane.send(Method::PUT, settings, &[auth, ("content-type", "text/plain")], good);
    assert_eq!(header(&reply, "accept"), Some("application/json"));
    assert_eq!(plane.app.resource(settings)["guestUsers"], "ENABLED");
}

#[test]
fn head_and_options_work_wherever_get_does() {
    let plane = Plane::new();
    let get = plane.call(Method::GET, "/v1/application", None);
    let head = plane.call(Method::HEAD, "/v1/application", None);
    assert_eq!((head.status(), head.body().len()), (StatusCode::OK, 0));
    assert_eq!(header(&head, "content-length"), Some(get.body().len().to_string().as_str()));
    assert_eq!(header(&head, "content-type"), Some("application/json"));
    let options = plane.send(Method::OPTIONS, "/v1/application/settings", &[], "");
    assert_eq!(
        (options.status(), header(&options, "allow")),
        (StatusCode::NO_CONTENT, Some("GET, PUT, HEAD, OPTIONS"))
    );
}

#[test]
fn browsers_are_let_in() {
    let plane = Plane::new();
    let origin = ("origin", "https://app.example");
    for (path, method) in [("/oauth/token", "POST"), ("/v1/application/settings", "PUT")] {
        let headers = [
            origin,
            ("access-control-request-method", method),
            ("access-control-request-headers", "authorization,content-type"),
        ];
        let reply = plane.send(Method::OPTIONS, path, &headers, "");
        assert_eq!(reply.status(), StatusCode::NO_CONTENT, "{path}");
        assert_eq!(header(&reply, "access-control-allow-origin"), Some("https://app.example"));
        assert_eq!(header(&reply, "access-control-allow-methods"), Some(method));
        assert_eq!(header(&reply, "access-control-allow-headers"), Some("authorization,content-type"));
    }
    let reply = plane.send(Method::GET, "/v1/application", &[origin], "");
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&reply, "access-control-allow-origin"), Some("https://app.example"));
    assert!(header(&reply, "vary").unwrap().contains("Origin"));
    let control = plane.send(Method::GET, "/_mock/livez", &[origin], "");
    assert_eq!(header(&control, "access-control-allow-origin"), None);
}

#[test]
fn preferences_choose_the_answer() {
    let plane = Plane::new();
    let bearer = format!("Bearer {}", plane.app.token());
    let ask = |prefer: &str| {
        plane.send(Method::GET, "/v1/application", &[("authorization", &bearer), ("prefer", prefer)], "")
    };
    let reply = ask("code=404");
    assert_eq!((reply.status(), header(&reply, "preference-applied")), (StatusCode::NOT_FOUND, Some("code=404")));
    assert_eq!(json_of(&reply)["error"], "ResourceNotFoundError");
    assert_eq!(ask("code=418").status(), StatusCode::OK);
    assert_eq!(ask("code=418, handling=strict").status(), StatusCode::BAD_REQUEST);
    assert_eq!(ask("nonsense;;==,").status(), StatusCode::OK);
    let one = ask("dynamic=true, seed=7");
    assert_eq!(json_of(&one), json_of(&ask("dynamic=true, seed=7")));
    assert_eq!(header(&one, "preference-applied"), Some("dynamic=true, seed=7"));
}
