//! TLS: certificates from files and made at start, and everybody who has to reach a server that speaks it.

use crate::command_line::{BINARY, Folder, Server, command, run, stderr, stdout};
use chatkitty_mock::{Format, MockServer};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn curl(arguments: &[&str]) -> Output {
    Command::new("curl").arg("-sS").args(arguments).output().unwrap()
}

/// Version and status that curl tells, or its exit code.
fn shown(arguments: &[&str]) -> String {
    let output = curl(&[&["-o", "/dev/null", "-w", "%{http_version} %{http_code}"], arguments].concat());
    if output.status.success() { stdout(&output) } else { format!("exit {}", output.status.code().unwrap()) }
}

#[test]
fn a_certificate_is_made_at_start_and_its_ca_is_told() {
    let folder = Folder::new("self-signed");
    let ready_file = folder.path().join("ready.json").display().to_string();
    let server = Server::with(&["-q", "--tls-self-signed", "--ready-file", &ready_file]);
    let ready = server.ready.clone();
    let text = |name: &str| ready[name].as_str().unwrap();
    let (url, ca) = (text("url"), text("ca_file"));
    for name in ["url", "token_url", "admin_url"] {
        assert!(text(name).starts_with("https://127.0.0.1:"), "{name}");
    }
    let pem = std::fs::read_to_string(ca).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----") && !pem.contains("PRIVATE"), "{pem}");
    let health = format!("{url}/_mock/readyz");
    assert_eq!(shown(&["--cacert", ca, "--http2", &health]), "2 200");
    assert_eq!(shown(&["--cacert", ca, "--http1.1", &health]), "1.1 200");
    let by_name = health.replace("127.0.0.1", "localhost");
    assert_eq!(shown(&["--cacert", ca, "-4", &by_name]), "2 200");
    assert_eq!(shown(&[&health]), "exit 60", "curl trusts nobody else");
    assert!(!curl(&[&health.replace("https", "http")]).status.success(), "plain text is not answered");

    assert_eq!(run(&["ready", "--ready-file", &ready_file]).status.code(), Some(0));
    assert_eq!(run(&["ready", "--url", url, "--ca", ca]).status.code(), Some(0));
    assert_eq!(run(&["ready", "--url", url]).status.code(), Some(1));
    let untrusted = run(&["verify", "--url", url]);
    assert_eq!(untrusted.status.code(), Some(2));
    assert!(stderr(&untrusted).contains("help: `--ca` names the file"), "{}", stderr(&untrusted));
    let verified = run(&["verify", "--url", url, "--ca", ca]);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    let stopped = command().args(["stop", "--url", url]).env("CHATKITTY_MOCK_CA", ca).output().unwrap();
    assert_eq!(stopped.status.code(), Some(0), "{}", stderr(&stopped));
    server.wait();
    assert!(!Path::new(ca).exists(), "a file that nobody asked for goes with the server");
}

#[test]
fn the_ca_is_written_where_it_is_asked_for() {
    let folder = Folder::new("ca-file");
    let ca = folder.path().join("ca.pem");
    let mock = MockServer::builder().tls_self_signed_to(&ca).start().unwrap();
    assert_eq!(mock.ca_file(), Some(ca.as_path()));
    drop(mock);
    assert!(ca.exists());
    let error = MockServer::builder().tls_self_signed_to(folder.path()).start().unwrap_err().to_string();
    assert!(error.contains("cannot write the CA's certificate to") && error.contains("ca-file"), "{error}");
}

#[test]
fn exec_hands_on_https_addresses_and_the_ca() {
    let script = format!(
        r#"echo "$CHATKITTY_BASE_URL $CA" && curl -sf --cacert "$CHATKITTY_MOCK_CA" "$CHATKITTY_MOCK_ADMIN_URL/readyz" &&
        "{BINARY}" verify --url "$CHATKITTY_BASE_URL""#
    );
    let output = run(&["exec", "--tls-self-signed", "--env", "CA={ca_file}", "--", "sh", "-c", &script]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert!(text.starts_with("https://127.0.0.1:") && text.lines().next().unwrap().ends_with(".pem"), "{text}");
    assert!(text.contains(r#"{"status":"ok"}"#), "{text}");
}

#[test]
fn what_a_server_says_of_itself_is_https() {
    let mock = MockServer::builder().port(0).tls_self_signed().start().unwrap();
    mock.allow_violations();
    let ca = mock.ca_file().unwrap().display().to_string();
    let app = mock.application("development");
    let fetch = |path: &str, more: &[&str]| {
        let url = format!("{}{path}", mock.url());
        stdout(&curl(&[&["--cacert", &ca, &url], more].concat()))
    };
    let metadata: Value = serde_json::from_str(&fetch("/.well-known/oauth-authorization-server", &[])).unwrap();
    assert_eq!(metadata["issuer"], mock.url());
    assert_eq!(metadata["token_endpoint"], mock.token_url());
    let user = format!("{}:{}", app.client_id(), app.client_secret());
    let token = format!("token={}", app.token());
    let endpoint = metadata["introspection_endpoint"].as_str().unwrap().strip_prefix(mock.url()).unwrap();
    let told: Value = serde_json::from_str(&fetch(endpoint, &["-u", &user, "-d", &token])).unwrap();
    assert_eq!((&told["active"], told["iss"].as_str()), (&Value::Bool(true), Some(mock.url())));
    // Lines to paste, of reports and of the dashboard.
    fetch("/v1/nothing", &[]);
    let report = fetch("/_mock/api/report?format=text", &[]);
    assert!(report.contains(&format!("{}/v1/nothing", mock.url())), "{report}");
    if cfg!(feature = "dashboard") {
        assert!(fetch(&format!("/_mock/applications/{}", app.client_id()), &[]).contains(mock.url()));
    }
    let har = fetch("/_mock/api/exchanges.har", &[]);
    assert!(har.contains(&format!("\"url\": \"{}/v1/nothing\"", mock.url())), "{har}");
    let journal = fetch("/_mock/api/exchanges", &["--http1.1"]);
    assert!(journal.contains(r#""/v1/nothing""#), "{journal}");
    // The origin of a page that changes something is compared without its scheme, and still has to be the server's own.
    let origin = |origin: &str| {
        fetch("/_mock/api/reset", &["-X", "POST", "-w", "%{http_code}", "-H", &format!("Origin: {origin}")])
    };
    assert!(origin("https://evil.example").ends_with("403"));
    assert!(!origin(mock.url()).ends_with("403"));
    assert_eq!(mock.report().render_as(Format::Text).0, "text/plain; charset=utf-8");
}

#[test]
fn links_to_further_pages_lead_back_over_tls() {
    let document = r##"
openapi: 3.1.0
info: { title: Things, version: "1" }
paths:
  /things:
    get:
      parameters: [ { name: page, in: query, schema: { type: integer } }, { name: size, in: query, schema: { type: integer } } ]
      responses:
        "200":
          description: a page
          headers: { Link: { schema: { type: string } } }
          content: { application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Thing" } } } }
    post:
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } } }
      responses:
        "201": { description: made, content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } } }
  /things/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]
      responses:
        "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } } }
components:
  schemas:
    Thing: { type: object, required: [ name ], properties: { id: { type: integer, readOnly: true }, name: { type: string } } }
"##;
    let mock = MockServer::builder().openapi_text("things.yaml", document).tls_self_signed().start().unwrap();
    let ca = mock.ca_file().unwrap().display().to_string();
    let fetch = |path: &str, more: &[&str]| {
        let url = format!("{}{path}", mock.url());
        stdout(&curl(&[&["-i", "--cacert", &ca, &url], more].concat()))
    };
    for name in ["a", "b", "c"] {
        let made = fetch("/things", &["--json", &format!(r#"{{"name":"{name}"}}"#)]);
        assert!(made.lines().next().unwrap().contains("201"), "{made}");
    }
    let page = fetch("/things?size=2", &[]);
    let next = format!("<{}/things?", mock.url());
    assert!(page.contains(&next) && page.contains("rel=\"next\""), "{page}");
}

#[test]
fn h2load_agrees_on_http_2_over_tls() {
    let mock = MockServer::builder().tls_self_signed().start().unwrap();
    let url = format!("{}/_mock/livez", mock.url());
    let output = Command::new("h2load").args(["-n", "5000", "-c", "2", "-m", "64", &url]).output();
    let output = output.unwrap_or_else(|error| panic!("h2load is not installed ({error}); run: bash tests/run"));
    let saw = String::from_utf8_lossy(&output.stdout);
    assert!(saw.contains("5000 succeeded, 0 failed, 0 errored") && saw.contains("Application protocol: h2"), "{saw}");
}

/// A certificate for localhost with its key, by openssl.
fn certificate(folder: &Folder, name: &str) -> (String, String) {
    let file = |end: &str| folder.path().join(format!("{name}{end}")).display().to_string();
    let (certificate, key) = (file(".pem"), file(".key"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    (certificate, key)
}

#[test]
fn certificates_of_ones_own_are_served_and_bad_ones_are_told_with_file_and_reason() {
    let folder = Folder::new("certificates");
    let (certificate, key) = certificate(&folder, "a");
    let (other, _) = self::certificate(&folder, "b");
    let server = Server::with(&["-q", "--tls-cert", &certificate, "--tls-key", &key]);
    let url = server.ready["url"].as_str().unwrap();
    assert_eq!(shown(&["--cacert", &certificate, &format!("{url}/_mock/livez")]), "2 200");
    assert!(server.ready.get("ca_file").is_none());
    drop(server);

    let encrypted = folder.path().join("encrypted.key").display().to_string();
    let arguments = ["pkey", "-in", &key, "-aes128", "-passout", "pass:x", "-out", &encrypted];
    assert!(Command::new("openssl").args(arguments).status().unwrap().success());
    let garbage = folder.file("garbage.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    let no_x509 = folder.file("no-x509.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let bad_key = folder.file("bad.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let empty = folder.file("empty.pem", "");
    let missing = folder.path().join("missing.pem").display().to_string();
    for (certificate, key, expected) in [
        (&missing, &key, format!("cannot read the certificate `{missing}`: No such file")),
        (&certificate, &missing, format!("cannot read the private key `{missing}`: No such file")),
        (&garbage, &key, format!("the certificate `{garbage}` is no valid PEM")),
        (&no_x509, &key, format!("the certificate in `{no_x509}` cannot be used: ")),
        (&empty, &key, format!("`{empty}` has no certificate: ")),
        (&key, &key, format!("`{key}` has no certificate: ")),
        (&certificate, &certificate, format!("`{certificate}` has no private key: ")),
        (&certificate, &bad_key, format!("the private key in `{bad_key}` cannot be used: ")),
        (&certificate, &encrypted, format!("the private key `{encrypted}` is encrypted; ")),
        (&other, &key, format!("`{key}` is not the key of the certificate in `{other}`")),
    ] {
        let output = run(&["serve", "--port", "0", "--tls-cert", certificate, "--tls-key", key]);
        assert_eq!(output.status.code(), Some(2), "{expected}");
        assert!(stderr(&output).starts_with(&format!("error: {expected}")), "{} {expected}", stderr(&output));
    }
    for (arguments, expected) in [
        (
            &["--tls-cert", "a"][..],
            "error: `--tls-cert` is given, and `--tls-key` is not\nhelp: give the private key, too\n",
        ),
        (
            &["--tls-key", "a"],
            "error: `--tls-key` is given, and `--tls-cert` is not\nhelp: give the certificate, too\n",
        ),
        (
            &["--tls-self-signed", "--tls-cert", "a", "--tls-key", "b"],
            "error: `--tls-cert` and `--tls-self-signed` both say which certificate is shown\nhelp: leave one of them out\n",
        ),
        (
            &["--tls-ca-file", "a"],
            "error: `--tls-ca-file` is given, and no CA is made\nhelp: give `--tls-self-signed`, too\n",
        ),
    ] {
        assert_eq!(stderr(&run(&[&["serve"], arguments].concat())), expected);
    }
    folder.file("chatkitty-mock.toml", "tls-cert = \"x\"\n");
    let output = command().current_dir(folder.path()).output().unwrap();
    assert!(stderr(&output).contains("`--tls-cert` is given, and `--tls-key` is not"), "{}", stderr(&output));
}
