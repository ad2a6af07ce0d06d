//! The authorization server: introspection, revocation, metadata, scopes and strictness, by hand and by OAuth clients
//! that others wrote.

use base64::Engine as _;
use bytes::Bytes;
use chatkitty_mock::{Application, MockServer};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::path::Path;

const FORM: &str = "application/x-www-form-urlencoded";
const GRANT: &str = "grant_type=client_credentials";
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// Two credentials of one application, one of which has what form-urlencoding changes.
const TWO_CREDENTIALS: &str = "credentials:
  - { client_id: writer, client_secret: w, scopes: ['read:*', 'update:*'] }
  - { client_id: 're ader', client_secret: 'p+ss%w=rd', scopes: ['read:application'] }
resources:
  /v1/application/settings: { guestUsers: ENABLED, userCreatedChannels: ENABLED }
";

fn folder(name: &str) -> std::path::PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("oauth-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A server with the application `two` alone, and whether it goes by the letter.
pub(crate) fn two_credentials(name: &str, strict: bool) -> MockServer {
    let folder = folder(name);
    std::fs::write(folder.join("two.yaml"), TWO_CREDENTIALS).unwrap();
    let mock = MockServer::builder().fixtures(&folder).strict_oauth(strict).start().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    mock.allow_violations();
    mock
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

fn post(mock: &MockServer, path: &str, authorization: Option<&str>, media: &str, body: &str) -> Response<Bytes> {
    let mut request = Request::post(path).header("content-type", media).header("host", "localhost:2428");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    mock.handle(request.body(body.to_owned()).unwrap())
}

fn ask(mock: &MockServer, path: &str, app: &Application, body: &str) -> (u16, Value) {
    let reply = post(mock, path, Some(&basic(app.client_id(), app.client_secret())), FORM, body);
    (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap_or(Value::Null))
}

fn header<'r>(reply: &'r Response<Bytes>, name: &str) -> &'r str {
    reply.headers()[name].to_str().unwrap()
}

fn read(mock: &MockServer, token: &str) -> StatusCode {
    let request = Request::get("/v1/application/settings").header("authorization", format!("Bearer {token}"));
    mock.handle(request.body("").unwrap()).status()
}

#[test]
fn introspection_tells_a_client_about_the_tokens_of_its_own_application_only() {
    let mock = MockServer::builder().token_ttl(std::time::Duration::from_secs(60)).start().unwrap();
    mock.allow_violations();
    let (own, other) = (mock.application("development"), mock.application("staging"));
    let (_, issued) = ask(&mock, "/oauth/token", &own, &format!("{GRANT}&scope=read:application"));
    let token = issued["access_token"].as_str().unwrap();
    let body = format!("token={token}&token_type_hint=access_token");
    let (status, told) = ask(&mock, "/oauth/introspect", &own, &body);
    let lifetime = told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap();
    assert_eq!((status, lifetime), (200, 60));
    let expected = json!({
        "active": true, "scope": "read:application", "client_id": own.client_id(), "token_type": "bearer",
        "exp": told["exp"], "iat": told["iat"], "sub": own.client_id(), "iss": "http://localhost:2428",
    });
    assert_eq!(told, expected);
    let inactive = (200, json!({ "active": false }));
    assert_eq!(ask(&mock, "/oauth/introspect", &other, &body), inactive);
    assert_eq!(ask(&mock, "/oauth/introspect", &own, "token=nonsense"), inactive);
    own.expire_tokens();
    assert_eq!(ask(&mock, "/oauth/introspect", &own, &body), inactive);
    let short = MockServer::builder().token_ttl(std::time::Duration::ZERO).start().unwrap();
    let own = short.application("development");
    assert_eq!(ask(&short, "/oauth/introspect", &own, &format!("token={}", own.token())), inactive);
}

#[test]
fn a_revoked_token_opens_nothing_and_others_tokens_cannot_be_revoked() {
    let mock = MockServer::start();
    mock.allow_violations();
    let (own, other) = (mock.application("development"), mock.application("staging"));
    let (token, kept) = (own.token(), own.token());
    let (status, refused) = ask(&mock, "/oauth/revoke", &other, &format!("token={token}"));
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(read(&mock, &token), StatusCode::OK);
    assert_eq!(
        ask(&mock, "/oauth/revoke", &own, &format!("token={token}&token_type_hint=whatever")),
        (200, Value::Null)
    );
    assert_eq!((read(&mock, &token), read(&mock, &kept)), (StatusCode::UNAUTHORIZED, StatusCode::OK));
    assert_eq!(ask(&mock, "/oauth/revoke", &own, &format!("token={token}")), (200, Value::Null), "it is gone already");
}

#[test]
fn introspection_and_revocation_need_client_authentication_and_a_token() {
    let mock = MockServer::start();
    mock.allow_violations();
    let app = mock.application("development");
    let good = basic(app.client_id(), app.client_secret());
    let token = format!("token={}", app.token());
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        for (authorization, body, status, error) in [
            (None, token.as_str(), 401, "invalid_client"),
            (Some(basic(app.client_id(), "wrong")), &token, 401, "invalid_client"),
            (Some(format!("Bearer {}", app.token())), &token, 401, "invalid_client"),
            (Some(good.clone()), "", 400, "invalid_request"),
            (Some(good.clone()), "token=", 400, "invalid_request"),
            (Some(good.clone()), "token=a&token=b", 400, "invalid_request"),
        ] {
            let reply = post(&mock, path, authorization.as_deref(), FORM, body);
            let value: Value = serde_json::from_slice(reply.body()).unwrap();
            assert_eq!((reply.status().as_u16(), &value["error"]), (status, &json!(error)), "{path} {body}");
            assert_eq!(reply.headers().contains_key("www-authenticate"), status == 401);
            assert_eq!([header(&reply, "cache-control"), header(&reply, "pragma")], ["no-store", "no-cache"]);
        }
        let reply = mock.handle(Request::get(path).body("").unwrap());
        assert_eq!((reply.status().as_u16(), header(&reply, "allow")), (405, "POST, OPTIONS"));
        let preflight = Request::options(path).header("origin", "https://a.example");
        let preflight = preflight.header("access-control-request-method", "POST").body("").unwrap();
        assert_eq!(mock.handle(preflight).headers()["access-control-allow-methods"], "POST");
    }
    let body = format!("{token}&client_id={}&client_secret={}", app.client_id(), app.client_secret());
    assert_eq!(post(&mock, "/oauth/introspect", None, FORM, &body).status(), StatusCode::OK);
}

#[test]
fn metadata_names_the_issuer_that_was_asked() {
    let mock = MockServer::start();
    let get = |path: &str, host: &str| {
        let reply = mock.handle(Request::get(path).header("host", host).body("").unwrap());
        assert_eq!(reply.status(), StatusCode::OK, "{path}");
        assert_eq!(reply.headers()["content-type"], "application/json");
        serde_json::from_slice::<Value>(reply.body()).unwrap()
    };
    let authentication = json!(["client_secret_basic", "client_secret_post"]);
    let expected = json!({
        "issuer": "http://staging.localhost:1",
        "token_endpoint": "http://staging.localhost:1/oauth/token",
        "token_endpoint_auth_methods_supported": authentication,
        "introspection_endpoint": "http://staging.localhost:1/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": authentication,
        "revocation_endpoint": "http://staging.localhost:1/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": authentication,
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": ["create:*", "read:*", "update:*", "delete:*"],
    });
    assert_eq!(get(WELL_KNOWN, "staging.localhost:1"), expected);
    let inserted = get(&format!("{WELL_KNOWN}/oauth"), "a:1");
    assert_eq!(
        (&inserted["issuer"], &inserted["token_endpoint"]),
        (&json!("http://a:1/oauth"), &json!("http://a:1/oauth/token"))
    );
    let head = mock.handle(Request::head(WELL_KNOWN).body("").unwrap());
    assert_eq!((head.status(), head.body().len()), (StatusCode::OK, 0));
    for (method, host) in [(Method::GET, "user@a"), (Method::GET, "a b")] {
        let reply =
            mock.handle(Request::builder().method(method).uri(WELL_KNOWN).header("host", host).body("").unwrap());
        assert!(String::from_utf8_lossy(reply.body()).contains("http://localhost/oauth/token"), "{host}");
    }
    let options = mock.handle(Request::options(WELL_KNOWN).body("").unwrap());
    assert_eq!(options.headers()["allow"], "GET, HEAD, OPTIONS");
    mock.verify();
    let posted = post(&mock, WELL_KNOWN, None, FORM, "");
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    mock.allow_violations();
}

#[test]
fn a_contract_that_has_such_paths_itself_keeps_them() {
    let answer =
        json!({ "200": { "description": "ok", "content": { "text/plain": { "schema": { "const": "own" } } } } });
    let flow = json!({ "tokenUrl": "/auth/v2/token", "scopes": { "a": "" } });
    let document = json!({
        "openapi": "3.1.0", "info": { "title": "t", "version": "1" },
        "components": { "securitySchemes": { "o": { "type": "oauth2", "flows": { "clientCredentials": flow } } } },
        "paths": { "/auth/v2/introspect": { "get": { "responses": answer } }, WELL_KNOWN: { "get": { "responses": answer } } },
    });
    let mock = MockServer::builder().openapi_text("own.json", document.to_string()).start().unwrap();
    let text = |path: &str| {
        let reply = mock.handle(Request::get(path).body("").unwrap());
        String::from_utf8(reply.body().to_vec()).unwrap()
    };
    assert_eq!((text("/auth/v2/introspect").as_str(), text(WELL_KNOWN).as_str()), ("own", "own"));
    let metadata: Value = serde_json::from_str(&text(&format!("{WELL_KNOWN}/auth/v2"))).unwrap();
    assert_eq!(metadata["revocation_endpoint"], "http://localhost/auth/v2/revoke");
    assert_eq!(metadata.get("introspection_endpoint"), None);
    let app = mock.application("default");
    assert_eq!(ask(&mock, "/auth/v2/revoke", &app, &format!("token={}", app.token())).0, 200);
}

#[test]
fn scopes_are_narrowed_covered_and_told() {
    let mock = two_credentials("scopes", false);
    let scope = |authorization: &str, requested: &str| {
        let reply = post(&mock, "/oauth/token", Some(authorization), FORM, &format!("{GRANT}&scope={requested}"));
        let value: Value = serde_json::from_slice(reply.body()).unwrap();
        value.get("scope").or_else(|| value.get("error")).unwrap().as_str().unwrap().to_owned()
    };
    let (writer, reader) = (basic("writer", "w"), basic("re ader", "p+ss%w=rd"));
    for (authorization, requested, granted) in [
        (&writer, "", "read:* update:*"),
        (&writer, "read:*", "read:*"),
        (&writer, "read:application+read:application+update:settings", "read:application update:settings"),
        (&writer, "read:", "invalid_scope"),
        (&writer, "delete:*", "invalid_scope"),
        (&writer, "read:*+admin", "invalid_scope"),
        (&reader, "", "read:application"),
        (&reader, "read:*", "invalid_scope"),
    ] {
        assert_eq!(scope(authorization, requested), granted, "{requested}");
    }
}

#[test]
fn the_credentials_of_one_application_share_its_state_and_their_tokens_remember_them() {
    let mock = two_credentials("several", false);
    let token = |user: &str, password: &str| {
        let reply = post(&mock, "/oauth/token", Some(&basic(user, password)), FORM, GRANT);
        let value: Value = serde_json::from_slice(reply.body()).unwrap();
        value["access_token"].as_str().unwrap().to_owned()
    };
    let (writer, reader) = (token("writer", "w"), token("re ader", "p+ss%w=rd"));
    let app = mock.application("two");
    for (token, client_id, scope) in [(&writer, "writer", "read:* update:*"), (&reader, "re ader", "read:application")]
    {
        let (_, told) = ask(&mock, "/oauth/introspect", &app, &format!("token={token}"));
        assert_eq!((&told["client_id"], &told["sub"]), (&json!(client_id), &json!(client_id)));
        assert_eq!(told["scope"], scope);
    }
    let put = |token: &str| {
        let request = Request::put("/v1/application/settings").header("authorization", format!("Bearer {token}"));
        let body = r#"{"guestUsers":"DISABLED","userCreatedChannels":"ENABLED"}"#;
        mock.handle(request.header("content-type", "application/json").body(body).unwrap()).status()
    };
    assert_eq!((put(&reader), put(&writer)), (StatusCode::FORBIDDEN, StatusCode::OK));
    assert_eq!(read(&mock, &reader), StatusCode::OK);
    assert_eq!(app.resource("/v1/application/settings")["guestUsers"], "DISABLED");
    let reader_revokes =
        post(&mock, "/oauth/revoke", Some(&basic("re ader", "p+ss%w=rd")), FORM, &format!("token={writer}"));
    assert_eq!((reader_revokes.status(), read(&mock, &writer)), (StatusCode::OK, StatusCode::UNAUTHORIZED));
}

/// `Authorization`, media type and body; the error when read leniently, and when read to the letter.
type Case<'a> = (Option<&'a str>, &'a str, String, Option<&'a str>, Option<&'a str>);

#[test]
fn strict_oauth_takes_what_rfc_6749_allows_and_no_more() {
    const MULTIPART: &str = "multipart/form-data; boundary=X";
    let part = "--X\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--X--\r\n";
    let (writer, raw, encoded) =
        (basic("writer", "w"), basic("re ader", "p+ss%w=rd"), basic("re+ader", "p%2Bss%25w%3Drd"));
    let body = |more: &str| format!("{GRANT}{more}");
    // No error is a token.
    let cases: [Case<'_>; 16] = [
        (Some(&writer), FORM, body(""), None, None),
        (Some(&writer), FORM, body("&client_id=writer"), None, None),
        (None, FORM, body("&client_id=writer&client_secret=w"), None, None),
        (None, FORM, body("&client_id=re+ader&client_secret=p%2Bss%25w%3Drd"), None, None),
        (Some(&encoded), FORM, body(""), None, None),
        (Some(&writer), FORM, body("&scope=&x=1"), None, None),
        (Some(&raw), FORM, body(""), None, Some("invalid_client")),
        (Some(&writer), MULTIPART, part.to_owned(), None, Some("invalid_request")),
        (Some(&writer), FORM, body("&client_id=writer&client_secret=w"), None, Some("invalid_request")),
        (Some(&writer), FORM, body("&x=1&x=2"), None, Some("invalid_request")),
        (Some(&writer), FORM, body("&scope=read:*++update:*"), None, Some("invalid_scope")),
        (Some(&writer), FORM, body("&client_id=other"), Some("invalid_request"), Some("invalid_request")),
        (Some(&writer), "application/json", "{}".to_owned(), Some("invalid_request"), Some("invalid_request")),
        (Some(&writer), FORM, body(&format!("&{GRANT}")), Some("invalid_request"), Some("invalid_request")),
        (Some(&writer), FORM, "grant_type=".to_owned(), Some("invalid_request"), Some("invalid_request")),
        (
            Some(&writer),
            FORM,
            "grant_type=password".to_owned(),
            Some("unsupported_grant_type"),
            Some("unsupported_grant_type"),
        ),
    ];
    for strict in [false, true] {
        let mock = two_credentials(if strict { "strict" } else { "lenient" }, strict);
        for (authorization, media, body, lenient_error, strict_error) in &cases {
            let reply = post(&mock, "/oauth/token", *authorization, media, body);
            let value: Value = serde_json::from_slice(reply.body()).unwrap();
            let expected = if strict { strict_error } else { lenient_error };
            assert_eq!(
                value.get("error").and_then(Value::as_str),
                *expected,
                "strict {strict}, {media}, {body}: {value}"
            );
            assert_eq!(value.get("access_token").is_some(), expected.is_none());
            let status = match expected {
                None => 200,
                Some("invalid_client") => 401,
                Some(_) => 400,
            };
            assert_eq!(reply.status().as_u16(), status);
            assert_eq!([header(&reply, "cache-control"), header(&reply, "pragma")], ["no-store", "no-cache"]);
            let described = value["error_description"].as_str().unwrap_or_default();
            assert!(
                described.bytes().all(|byte| (0x20..0x7F).contains(&byte) && byte != b'"' && byte != b'\\'),
                "{value}"
            );
        }
        let query = post(&mock, &format!("/oauth/token?{GRANT}"), Some(&writer), FORM, GRANT);
        assert_eq!(query.status().as_u16(), if strict { 400 } else { 200 });
    }
}

#[test]
fn every_token_operation_is_in_the_journal_without_its_secrets() {
    let mock = MockServer::start();
    mock.allow_violations();
    let app = mock.application("development");
    let secret = app.client_secret().to_owned();
    let client = format!("client_id={}&client_secret={secret}", app.client_id());
    let reply = post(&mock, "/oauth/token", None, FORM, &format!("{GRANT}&{client}"));
    let token = serde_json::from_slice::<Value>(reply.body()).unwrap()["access_token"].as_str().unwrap().to_owned();
    for path in ["/oauth/introspect", "/oauth/revoke", "/oauth/token"] {
        post(&mock, path, None, FORM, &format!("{client}&token={token}&{GRANT}"));
        post(
            &mock,
            path,
            Some(&basic(app.client_id(), &secret)),
            "application/json",
            &json!([{ "token": token }]).to_string(),
        );
        post(&mock, &format!("{path}?token={token}&client_secret={secret}"), None, FORM, "");
    }
    let exchanges = mock.exchanges();
    assert_eq!(exchanges.len(), 10);
    for exchange in exchanges {
        let shown = format!("{}{}", exchange.to_json(), exchange.render(false));
        assert!(!shown.contains(&token) && !shown.contains(&secret), "{shown}");
        assert!(exchange.target().starts_with("/oauth/"));
    }
    assert_eq!(app.exchanges().len(), 4, "those that authenticated");
}

#[test]
fn an_independent_oauth_client_gets_asks_about_and_revokes_a_token() {
    use oauth2::basic::BasicClient;
    use oauth2::{
        AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, IntrospectionUrl, RevocationUrl, Scope,
        StandardRevocableToken, TokenIntrospectionResponse as _, TokenResponse as _, TokenUrl,
    };
    for strict in [false, true] {
        let mock = MockServer::builder().strict_oauth(strict).start().unwrap();
        let app = mock.application("staging");
        let send = |request: HttpRequest| -> Result<HttpResponse, std::io::Error> {
            Ok(mock.handle(request).map(|body| body.to_vec()))
        };
        for auth in [AuthType::BasicAuth, AuthType::RequestBody] {
            // The crate revokes over HTTPS only; what is handled in the process has no transport.
            let url = |path: &str| format!("{}{path}", mock.url().replace("http:", "https:"));
            let client = BasicClient::new(ClientId::new(app.client_id().to_owned()))
                .set_client_secret(ClientSecret::new(app.client_secret().to_owned()))
                .set_token_uri(TokenUrl::new(mock.token_url().to_owned()).unwrap())
                .set_introspection_url(IntrospectionUrl::new(url("/oauth/introspect")).unwrap())
                .set_revocation_url(RevocationUrl::new(url("/oauth/revoke")).unwrap())
                .set_auth_type(auth);
            let request = client.exchange_client_credentials().add_scope(Scope::new("read:*".to_owned()));
            let token = request.request(&send).unwrap();
            assert_eq!(token.expires_in().unwrap().as_secs(), 43_199);
            let told = client.introspect(token.access_token()).request(&send).unwrap();
            assert!(told.active());
            assert_eq!(told.scopes().unwrap().iter().map(|scope| scope.as_str()).collect::<Vec<_>>(), ["read:*"]);
            assert_eq!(told.client_id().unwrap().as_str(), app.client_id());
            assert_eq!((told.exp().unwrap() - told.iat().unwrap()).num_seconds(), 43_199);
            assert_eq!((told.sub(), told.iss()), (Some(app.client_id()), Some(url("").as_str())));
            let revocable = StandardRevocableToken::from(token.access_token().clone());
            client.revoke_token(revocable).unwrap().request(&send).unwrap();
            assert!(!client.introspect(token.access_token()).request(&send).unwrap().active());
        }
        mock.verify();
    }
}
