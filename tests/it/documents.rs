//! Documents of several files, and what `check` says of them.

use super::command_line::{BINARY, Folder, run, stdout};
use chatkitty_mock::MockServer;
use http::{Request, StatusCode};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const LEVELS: &str = "components:\n  schemas:\n    Level: { type: integer, minimum: 1 }\n";

fn status(mock: &MockServer, target: &str) -> StatusCode {
    mock.handle(Request::get(target).body(String::new()).unwrap()).status()
}

#[test]
fn a_document_that_names_itself_finds_the_files_beside_it_by_both_names() {
    let folder = Folder::new("self");
    folder.file("levels.yaml", LEVELS);
    folder.file("other.yaml", &format!("openapi: 3.2.0\n$self: https://example.com/api/known-as.yaml\n{LEVELS}"));
    let root = folder.file(
        "root.yaml",
        r##"openapi: 3.2.0
$self: https://example.com/api/openapi.yaml
info: { title: t, version: "1" }
paths:
  /relative: { get: { parameters: [{ in: query, name: n, schema: { $ref: "levels.yaml#/components/schemas/Level" } }], responses: { "200": {} } } }
  /absolute: { get: { parameters: [{ in: query, name: n, schema: { $ref: "https://example.com/api/levels.yaml#/components/schemas/Level" } }], responses: { "200": {} } } }
  /own: { get: { parameters: [{ in: query, name: n, schema: { $ref: "https://example.com/api/openapi.yaml#/components/schemas/Own" } }], responses: { "200": {} } } }
  /other: { get: { parameters: [{ in: query, name: n, schema: { $ref: "other.yaml#/components/schemas/Level" } }], responses: { "200": {} } } }
components: { schemas: { Own: { type: integer, minimum: 1 } } }
"##,
    );
    let mock = MockServer::builder().openapi(&root).start().unwrap();
    mock.allow_violations();
    for path in ["relative", "absolute", "own", "other"] {
        assert_eq!(status(&mock, &format!("/{path}?n=1")), StatusCode::OK, "{path}");
        assert_eq!(status(&mock, &format!("/{path}?n=0")), StatusCode::BAD_REQUEST, "{path}");
    }
}

#[test]
fn check_names_what_of_openapi_3_2_is_wrong_or_not_supported() {
    let folder = Folder::new("check-32");
    let file = folder.file(
        "api.yaml",
        r##"openapi: 3.2.0
info: { title: t, version: "1" }
tags: [{ name: a, parent: nobody }, { name: b, parent: c }, { name: c, parent: b }, { name: d, parent: e }, { name: e }]
paths:
  /a:
    get:
      parameters:
        - { in: querystring, name: all, content: { application/x-www-form-urlencoded: { schema: { type: object } } } }
        - { in: query, name: one, schema: { type: string } }
      responses:
        "200":
          content:
            application/json: { itemSchema: { type: object } }
            multipart/mixed: { itemSchema: { type: object } }
            application/jsonl:
              itemSchema: { type: object, required: [n] }
              examples:
                bad: { dataValue: [{ n: 1 }, {}] }
                cut: { serializedValue: "{n" }
                two: { dataValue: [{ n: 1 }], serializedValue: "{\"n\":2}\n" }
    additionalOperations: { PUT: { responses: { "200": {} } } }
    post:
      requestBody:
        content:
          multipart/mixed:
            itemSchema: { type: object }
            itemEncoding: { contentType: multipart/mixed, prefixEncoding: [{}] }
      responses: { "200": {} }
"##,
    );
    let text = stdout(&run(&["check", &file]));
    for expected in [
        "there is no tag `nobody`",
        "the parents of the tag go round in a circle",
        "a parameter in `querystring` stands alone",
        "`itemSchema` has no effect but in a sequential media type",
        "the example contradicts its schema: the required property `n` is missing",
        "the example is not written in `application/jsonl`: item 0 is no well-formed JSON",
        "`serializedValue` is not the text of `dataValue`",
        "`PUT` has a field of its own, `put`",
        "responses of `multipart/mixed` are not written in it: their value is sent as JSON",
        "`prefixEncoding` inside an encoding is not supported",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert_eq!(text.matches("there is no tag").count(), 1, "{text}");
    assert_eq!(text.matches("go round in a circle").count(), 2, "{text}");
}

/// A server of a folder of texts, which counts what it is asked; it lives as long as the tests.
struct Shelf {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Shelf {
    fn new(texts: &[(&str, &str)]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let texts: Vec<(String, String)> =
            texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap();
                let path = String::from_utf8_lossy(&head[..read]).split(' ').nth(1).unwrap_or_default().to_owned();
                let found = texts.iter().find(|(known, _)| *known == path);
                let reply = answer(found.map(|(_, text)| text.as_str()));
                noted.lock().unwrap().push(path);
                stream.write_all(reply.as_bytes()).unwrap();
            }
        });
        Self { url, asked }
    }
}

/// The reply to a request for a text; one that begins with `->` is a redirect.
fn answer(text: Option<&str>) -> String {
    match text.map(|text| text.strip_prefix("->").ok_or(text)) {
        Some(Ok(target)) => {
            format!("HTTP/1.1 301 Moved Permanently\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n")
        }
        Some(Err(text)) => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()),
        None => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
    }
}

fn one_reference(target: &str) -> String {
    format!(
        r#"openapi: 3.1.1
info: {{ title: t, version: "1" }}
paths:
  /a: {{ post: {{ requestBody: {{ content: {{ application/json: {{ schema: {{ $ref: "{target}" }} }} }} }}, responses: {{ "200": {{ description: ok }} }} }} }}
"#
    )
}

fn posted(mock: &MockServer, json: &str) -> StatusCode {
    let request = Request::post("/a").header("content-type", "application/json").body(json.to_owned()).unwrap();
    mock.handle(request).status()
}

#[test]
fn references_over_the_network_are_followed_only_where_that_is_asked_for() {
    let shelf = Shelf::new(&[("/level.yaml", "type: integer")]);
    let folder = Folder::new("network");
    let file = folder.file("api.yaml", &one_reference(&format!("{}/level.yaml", shelf.url)));
    let refused = run(&["serve", "--port", "0", "--openapi", &file]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{text}");
    for expected in
        ["CK0705", "references over the network are not followed", "`--allow-remote-refs` lets it be fetched"]
    {
        assert!(text.contains(expected), "{text}");
    }
    assert!(shelf.asked.lock().unwrap().is_empty());
    let checked = run(&["check", "--allow-remote-refs", &file]);
    assert_eq!(checked.status.code(), Some(0), "{}", stdout(&checked));
    assert_eq!(*shelf.asked.lock().unwrap(), ["/level.yaml"]);
}

#[test]
fn documents_of_the_network_refer_to_one_another_each_from_its_own_address() {
    let shelf = Shelf::new(&[
        ("/start", "->/schemas/node.json"),
        (
            "/schemas/node.json",
            r##"{ "type": "object", "required": ["level"], "properties": { "level": { "$ref": "../levels.yaml#/$defs/Level" }, "next": { "$ref": "node.json" }, "twin": { "$ref": "twin.yaml" } } }"##,
        ),
        (
            "/schemas/twin.yaml",
            "type: object\nproperties: { node: { $ref: node.json }, level: { $ref: \"/levels.yaml#/$defs/Level\" } }",
        ),
        ("/levels.yaml", "$defs: { Level: { type: integer, minimum: 1 } }"),
    ]);
    let text = one_reference(&format!("{}/start", shelf.url));
    let mock = MockServer::builder().openapi_text("api.yaml", text).allow_remote_refs(true).start().unwrap();
    mock.allow_violations();
    assert_eq!(
        posted(&mock, r#"{"level":1,"next":{"level":2},"twin":{"level":1,"node":{"level":3}}}"#),
        StatusCode::OK
    );
    for wrong in [
        r#"{"level":0}"#,
        r#"{"level":1,"next":{}}"#,
        r#"{"level":1,"twin":{"node":{"level":"x"}}}"#,
        r#"{"level":1,"twin":{"level":0}}"#,
    ] {
        assert_eq!(posted(&mock, wrong), StatusCode::BAD_REQUEST, "{wrong}");
    }
    let place = mock.exchanges().last().unwrap().diagnostics()[0].to_json()["contract"].as_str().unwrap().to_owned();
    assert!(place.starts_with(&format!("{}/levels.yaml:1:", shelf.url)), "{place}");
    let mut asked = shelf.asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, ["/levels.yaml", "/schemas/node.json", "/schemas/twin.yaml", "/start"]);
}

#[test]
fn what_the_network_does_not_give_is_no_document() {
    let folder = Folder::new("no-document");
    let secret = folder.file("secret.yaml", "type: integer");
    let shelf = Shelf::new(&[
        ("/text", "just a sentence"),
        ("/broken.json", "{"),
        ("/file.yaml", &format!("$ref: \"file://{secret}\"")),
        ("/here.yaml", "type: integer"),
    ]);
    for (path, expected) in [
        ("/nowhere", "the server answers 404 Not Found"),
        ("/text", "is no JSON or YAML document"),
        ("/broken.json", "/broken.json:1:2:"),
        ("/here.yaml#/$defs/Level", "nothing stands at `/$defs/Level`"),
        ("/file.yaml", "is named by a document of the network, which leads to no file here"),
    ] {
        let file = folder.file("api.yaml", &one_reference(&format!("{}{path}", shelf.url)));
        let started = MockServer::builder().openapi(&file).allow_remote_refs(true).allow_outside_refs(true).start();
        let error = started.err().unwrap_or_else(|| panic!("{path} starts")).to_string();
        assert!(error.contains(expected), "{path}: {error}");
    }
}

#[test]
fn documents_are_fetched_over_tls_from_servers_that_the_system_trusts() {
    let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/loopback.pem");
    let chain: Vec<_> = CertificateDer::pem_file_iter(&pem).unwrap().map(Result::unwrap).collect();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(&pem).unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("https://{}/level.yaml", listener.local_addr().unwrap());
    runtime.spawn(async move {
        loop {
            let stream = listener.accept().await.unwrap().0;
            // A client that does not trust the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer(Some("type: integer")).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    let folder = Folder::new("tls");
    let file = folder.file("api.yaml", &one_reference(&url));
    let check = |trusted: &Path| {
        let mut command = Command::new(BINARY);
        command.env("SSL_CERT_FILE", trusted).env("SSL_CERT_DIR", "/nonexistent");
        command.args(["check", "--allow-remote-refs", &file]).output().unwrap()
    };
    let trusting = check(&pem);
    assert_eq!(trusting.status.code(), Some(0), "{}", stdout(&trusting));
    let alone = check(Path::new("/nonexistent"));
    assert_eq!(alone.status.code(), Some(1));
    assert!(stdout(&alone).contains("the system has no certificates to check servers against"), "{}", stdout(&alone));
}
