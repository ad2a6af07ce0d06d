//! Other people's clients against the running binary. `tests/run` installs them.

use crate::command_line::{BINARY, Server};
use chatkitty_mock::{MockServer, Verdict};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn node_script() -> PathBuf {
    let installed = root().join("tests/node/node_modules/chatkitty-platform-sdk");
    assert!(installed.exists(), "ChatKitty's SDK is not installed; run: bash tests/run");
    root().join("tests/node/sdk.mjs")
}

/// Runs one scenario of ChatKitty's own SDK under `exec`; gives what it saw and the exit code.
fn sdk(scenario: &str) -> (Value, Output) {
    let output = Command::new(BINARY).args(["exec", "--", "node"]).arg(node_script()).arg(scenario).output().unwrap();
    let saw = String::from_utf8_lossy(&output.stdout).into_owned();
    (serde_json::from_str(&saw).unwrap_or_else(|_| panic!("{scenario}: {output:?}")), output)
}

#[test]
fn the_sdk_retrieves_and_updates() {
    let (application, output) = sdk("retrieve-application");
    assert_eq!((application["id"].as_u64(), output.status.code()), (Some(1), Some(0)));
    let (settings, output) = sdk("retrieve-settings");
    assert_eq!((settings["guestUsers"].as_str(), output.status.code()), (Some("ENABLED"), Some(0)));
    let (settings, output) = sdk("update-settings");
    assert_eq!((settings["guestUsers"].as_str(), output.status.code()), (Some("DISABLED"), Some(0)));
    let (statuses, output) = sdk("parallel");
    assert_eq!((statuses, output.status.code()), (serde_json::json!([200, 200, 200]), Some(0)));
}

#[test]
fn the_sdks_mistakes_fail_the_run_with_both_places() {
    let (saw, output) = sdk("bad-settings");
    assert_eq!((saw["status"].as_u64(), saw["data"]["error"].as_str()), (Some(400), Some("ClientError")));
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(report.contains("request body.json:1:15") && report.contains("openapi/chatkitty.yaml:"), "{report}");
    let (saw, output) = sdk("wrong-secret");
    assert_eq!(
        (saw["status"].as_u64(), saw["data"]["error"].as_str(), output.status.code()),
        (Some(401), Some("invalid_client"), Some(1))
    );
}

#[test]
fn three_parallel_calls_share_one_token_and_an_expired_one_is_refused() {
    let mock = MockServer::start();
    mock.allow_violations();
    let app = mock.application("development");
    let node = |scenario: &str| {
        let mut command = Command::new("node");
        command.arg(node_script()).arg(scenario).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("CHATKITTY_BASE_URL", mock.url()).env("CHATKITTY_TOKEN_URL", mock.token_url());
        command.env("CHATKITTY_CLIENT_ID", app.client_id()).env("CHATKITTY_CLIENT_SECRET", app.client_secret());
        command
    };
    assert!(node("parallel").status().unwrap().success());
    let tokens = mock.exchanges().iter().filter(|exchange| exchange.target() == "/oauth/token").count();
    assert_eq!((tokens, mock.exchanges().len()), (1, 4));

    let mut child = node("expired-token").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "\"token in use\"");
    app.expire_tokens();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let saw: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!((saw["status"].as_u64(), saw["data"]["error"].as_str()), (Some(401), Some("unauthorized")));
    assert_eq!(mock.exchanges().last().unwrap().verdict(), Verdict::Violation);
}

#[test]
fn an_independent_oauth_client_gets_a_token() {
    use oauth2::basic::BasicClient;
    use oauth2::{AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, Scope, TokenResponse as _, TokenUrl};
    let mock = MockServer::start();
    let app = mock.application("staging");
    let send = |request: HttpRequest| -> Result<HttpResponse, std::io::Error> {
        let reply = mock.handle(request);
        Ok(reply.map(|body| body.to_vec()))
    };
    for auth in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = BasicClient::new(ClientId::new(app.client_id().to_owned()))
            .set_client_secret(ClientSecret::new(app.client_secret().to_owned()))
            .set_token_uri(TokenUrl::new(mock.token_url().to_owned()).unwrap())
            .set_auth_type(auth);
        let request = client.exchange_client_credentials().add_scope(Scope::new("read:*".to_owned()));
        let token = request.request(&send).unwrap();
        assert_eq!(token.expires_in().unwrap().as_secs(), 43_199);
        assert_eq!(token.scopes().unwrap().iter().map(|scope| scope.as_str()).collect::<Vec<_>>(), ["read:*"]);
    }
}

#[test]
fn curl_asks_as_the_documentation_shows() {
    let server = Server::with(&["-q"]);
    let first = &server.ready["applications"][0];
    let user = format!("{}:{}", first["client_id"].as_str().unwrap(), first["client_secret"].as_str().unwrap());
    let curl = |arguments: &[&str]| {
        let output = Command::new("curl").arg("-s").args(arguments).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let token = curl(&[
        "-X",
        "POST",
        "-u",
        &user,
        "-F",
        "grant_type=client_credentials",
        server.ready["token_url"].as_str().unwrap(),
    ]);
    let bearer = format!("Authorization: Bearer {}", token["access_token"].as_str().unwrap());
    let settings = format!("{}/v1/application/settings", server.ready["url"].as_str().unwrap());
    let body = r#"{"guestUsers":"DISABLED","userCreatedChannels":"DISABLED"}"#;
    let put = curl(&["-X", "PUT", "-H", &bearer, "-H", "Content-Type: application/json", "-d", body, &settings]);
    assert_eq!(put, curl(&["-H", &bearer, &settings]));
    assert_eq!(put["guestUsers"], "DISABLED");
}

#[test]
fn schemathesis_finds_nothing_with_all_checks_on() {
    let installed = root().join("tests/python/.venv/bin/schemathesis");
    assert!(installed.exists(), "Schemathesis is not installed; run: bash tests/run");
    let server = Server::with(&["-q"]);
    let text = |name: &str| server.ready[name].as_str().unwrap();
    let application = |name: &str| server.ready["applications"][0][name].as_str().unwrap();
    let output = Command::new("bash")
        .arg(root().join("tests/python/schemathesis.sh"))
        .env("CHATKITTY_BASE_URL", text("url"))
        .env("CHATKITTY_TOKEN_URL", text("token_url"))
        .env("CHATKITTY_CLIENT_ID", application("client_id"))
        .env("CHATKITTY_CLIENT_SECRET", application("client_secret"))
        .output()
        .unwrap();
    let saw = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    // Once as it is, once with the scheme that lets it try without credentials.
    assert_eq!((saw.matches("No issues found").count(), saw.matches("Tested: 3").count()), (2, 2), "{saw}");
    let verdict = Command::new(BINARY).args(["verify", "--url", text("url")]).output().unwrap();
    assert!(String::from_utf8_lossy(&verdict.stdout).trim_end().ends_with("0 with drift"), "{verdict:?}");
}

#[test]
fn the_readmes_console_blocks_are_true() {
    trycmd::TestCases::new().case(root().join("README.md").display().to_string()).run();
}
