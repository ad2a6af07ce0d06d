//! Other people's clients against the running binary. `tests/run` installs them.

use crate::command_line::{BINARY, Server};
use chatkitty_mock::{Edition, MockServer, Verdict};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One of ChatKitty's own SDKs on an edition that it can work with.
struct Sdk {
    package: &'static str,
    edition: Edition,
    /// What it is told to put before its paths.
    base_path: &'static str,
    document: &'static str,
}

const fn sdk(package: &'static str, edition: Edition, base_path: &'static str, document: &'static str) -> Sdk {
    Sdk { package, edition, base_path, document }
}

const SDKS: [Sdk; 4] = [
    sdk("chatkitty-platform-sdk", Edition::Page, "", "openapi/chatkitty.yaml"),
    sdk("chatkitty-platform-sdk", Edition::Camel, "", "openapi/chatkitty-camel.yaml"),
    sdk("chatkitty", Edition::Unversioned, "", "openapi/chatkitty-unversioned.yaml"),
    // It leaves `/v1` out of its paths, but writes settings as this edition has them.
    sdk("chatkitty", Edition::Snake, "/v1", "openapi/chatkitty-snake.yaml"),
];

impl Sdk {
    /// The script and its arguments for one scenario.
    fn arguments(&self, scenario: &str) -> [String; 4] {
        let folder = root().join("tests/node");
        let installed = folder.join("node_modules").join(self.package);
        assert!(installed.exists(), "ChatKitty's SDK `{}` is not installed; run: bash tests/run", self.package);
        [folder.join("sdk.mjs").display().to_string(), self.package.into(), scenario.into(), self.base_path.into()]
    }

    /// Runs one scenario under `exec`; gives what it saw, the exit code, and what `exec` reported.
    fn run(&self, scenario: &str) -> (Value, Option<i32>, String) {
        let mut command = Command::new(BINARY);
        command.args(["exec", "--edition", self.edition.as_str(), "--", "node"]).args(self.arguments(scenario));
        let output = command.output().unwrap();
        let saw = String::from_utf8_lossy(&output.stdout).into_owned();
        let saw = serde_json::from_str(&saw).unwrap_or_else(|_| panic!("{scenario}: {output:?}"));
        (saw, output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The names of the creation time and of the settings in what it works with.
    fn names(&self) -> (&'static str, &'static str, &'static str) {
        match self.edition {
            Edition::Page => ("created_time", "guestUsers", "userCreatedChannels"),
            Edition::Camel => ("createdTime", "guestUsers", "userCreatedChannels"),
            _ => ("created_time", "guest_users", "user_created_channels"),
        }
    }
}

#[test]
fn the_sdks_retrieve_and_update_on_their_editions() {
    for sdk in &SDKS {
        let (created, guests, channels) = sdk.names();
        let (application, code, report) = sdk.run("retrieve-application");
        assert_eq!((application["id"].as_u64(), code), (Some(1), Some(0)), "{}: {report}", sdk.document);
        assert_eq!(application[created], "2020-10-02T20:29:25.316Z", "{}", sdk.document);
        let self_link = match &application["_links"] {
            Value::Array(links) => &links[0],
            links => &links["self"],
        };
        let path = if sdk.edition == Edition::Unversioned { "/application" } else { "/v1/application" };
        assert_eq!(self_link["href"], path, "{}", sdk.document);
        let (settings, code, report) = sdk.run("retrieve-settings");
        assert_eq!((settings[guests].as_str(), code), (Some("ENABLED"), Some(0)), "{}: {report}", sdk.document);
        let (settings, code, report) = sdk.run("update-settings");
        assert_eq!((settings[guests].as_str(), code), (Some("DISABLED"), Some(0)), "{}: {report}", sdk.document);
        assert_eq!(settings[channels], "DISABLED", "{}", sdk.document);
        let (statuses, code, _) = sdk.run("parallel");
        assert_eq!((statuses, code), (serde_json::json!([200, 200, 200]), Some(0)), "{}", sdk.document);
    }
}

#[test]
fn the_sdks_mistakes_fail_the_run_with_both_places() {
    for sdk in &SDKS {
        let (saw, code, report) = sdk.run("bad-settings");
        assert_eq!((saw["status"].as_u64(), saw["data"]["error"].as_str()), (Some(400), Some("ClientError")));
        assert_eq!(code, Some(1));
        assert!(report.contains("request body.json:") && report.contains("found \"disabled\""), "{report}");
        assert!(report.contains(&format!("{}:", sdk.document)), "{report}");
        let (saw, code, _) = sdk.run("wrong-secret");
        assert_eq!(
            (saw["status"].as_u64(), saw["data"]["error"].as_str(), code),
            (Some(401), Some("invalid_client"), Some(1)),
            "{}",
            sdk.document
        );
    }
}

#[test]
fn an_sdk_on_an_edition_that_is_not_its_own_is_told_what_does_not_fit() {
    for (package, edition, scenario, status, code) in [
        ("chatkitty", Edition::Snake, "not-found", 404, "did you mean `GET /v1/application`?"),
        ("chatkitty", Edition::Page, "not-found", 404, "did you mean `GET /v1/application`?"),
        ("chatkitty-platform-sdk", Edition::Unversioned, "not-found", 404, "did you mean `GET /application`?"),
        ("chatkitty-platform-sdk", Edition::Snake, "bad-settings", 415, "declared: application/vnd.chatkitty+json"),
    ] {
        let (saw, exit, report) = sdk(package, edition, "", "").run(scenario);
        assert_eq!((saw["status"].as_u64(), exit), (Some(status), Some(1)), "{package} {edition:?}: {report}");
        assert!(report.contains(code), "{package} {edition:?}: {report}");
    }
}

/// Runs one scenario of ChatKitty's Python SDK, which holds every answer against its own model.
fn python_sdk(edition: &str, scenario: &str) -> (Output, String) {
    let python = root().join("tests/python/.venv/bin/python");
    assert!(python.exists(), "ChatKitty's Python SDK is not installed; run: bash tests/run");
    let mut command = Command::new(BINARY);
    command.args(["exec", "--edition", edition, "--"]).arg(python).arg(root().join("tests/python/sdk.py"));
    let output = command.arg(scenario).output().unwrap();
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, report)
}

#[test]
fn the_python_sdk_of_2022_reads_the_camel_edition_and_lacks_a_setting_in_its_updates() {
    let saw = |scenario: &str, code: i32| {
        let (output, report) = python_sdk("camel", scenario);
        assert_eq!(output.status.code(), Some(code), "{scenario}: {report}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{scenario}: {output:?}"))
    };
    let application = saw("retrieve-application", 0);
    assert_eq!(application["created_time"], "2020-10-02 20:29:25.316000+00:00");
    assert_eq!(application["links"]["settings"]["href"], "/v1/application/settings");
    assert_eq!(saw("retrieve-settings", 0)["guest_users"], "ENABLED");
    assert_eq!(saw("update-settings", 0)["guest_users"], "DISABLED");
    let refused = saw("update-as-of-2022", 1);
    assert_eq!((refused["status"].as_u64(), refused["data"]["error"].as_str()), (Some(400), Some("ClientError")));
    // The page edition's links are none to it: what it reads is the camel edition indeed.
    let (output, report) = python_sdk("page", "retrieve-application");
    assert!(output.status.code() == Some(1) && report.contains("ApiTypeError"), "{report}");
}

#[test]
fn three_parallel_calls_share_one_token_and_an_expired_one_is_refused() {
    for sdk in &SDKS {
        let mock = MockServer::builder().edition(sdk.edition).start().unwrap();
        mock.allow_violations();
        let app = mock.application("development");
        let node = |scenario: &str| {
            let mut command = Command::new("node");
            command.args(sdk.arguments(scenario)).stdin(Stdio::piped()).stdout(Stdio::piped());
            command.env("CHATKITTY_BASE_URL", mock.url()).env("CHATKITTY_TOKEN_URL", mock.token_url());
            command.env("CHATKITTY_CLIENT_ID", app.client_id()).env("CHATKITTY_CLIENT_SECRET", app.client_secret());
            command
        };
        assert!(node("parallel").status().unwrap().success());
        let tokens = mock.exchanges().iter().filter(|exchange| exchange.target() == "/oauth/token").count();
        assert_eq!((tokens, mock.exchanges().len()), (1, 4), "{}", sdk.document);

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
}

#[test]
fn a_client_from_npm_discovers_the_endpoints_and_uses_them() {
    let folder = root().join("tests/node");
    assert!(folder.join("node_modules/openid-client").exists(), "openid-client is not installed; run: bash tests/run");
    for strict in [false, true] {
        let mock = crate::oauth::two_credentials(&format!("npm-{strict}"), strict);
        for (method, issuer) in [("basic", ""), ("post", ""), ("basic", "/oauth")] {
            let issuer = format!("{}{issuer}", mock.url());
            let mut command = Command::new("node");
            command.arg(folder.join("oauth.mjs")).args([
                issuer.as_str(),
                "re ader",
                "p+ss%w=rd",
                method,
                "read:application",
            ]);
            let output = command.output().unwrap();
            let saw: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
            assert_eq!(
                (&saw["metadata"]["issuer"], &saw["tokens"]["scope"]),
                (&serde_json::json!(issuer), &serde_json::json!("read:application"))
            );
            assert_eq!(
                (&saw["before"]["active"], &saw["before"]["client_id"]),
                (&serde_json::json!(true), &serde_json::json!("re ader"))
            );
            assert_eq!(saw["after"], serde_json::json!({ "active": false }));
        }
        mock.verify();
        assert_eq!(mock.report().violations(), 0);
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
    for edition in Edition::ALL.map(Edition::as_str) {
        let server = Server::with(&["-q", "--edition", edition]);
        let text = |name: &str| server.ready[name].as_str().unwrap();
        let application = |name: &str| server.ready["applications"][0][name].as_str().unwrap();
        let contract =
            if edition == "page" { "chatkitty.yaml".to_owned() } else { format!("chatkitty-{edition}.yaml") };
        let output = Command::new("bash")
            .arg(root().join("tests/python/schemathesis.sh"))
            .arg(contract)
            .env("CHATKITTY_BASE_URL", text("url"))
            .env("CHATKITTY_TOKEN_URL", text("token_url"))
            .env("CHATKITTY_CLIENT_ID", application("client_id"))
            .env("CHATKITTY_CLIENT_SECRET", application("client_secret"))
            .output()
            .unwrap();
        let saw = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{edition}: {output:?}");
        // Once as it is, once with the scheme that lets it try without credentials.
        assert_eq!((saw.matches("No issues found").count(), saw.matches("Tested: 3").count()), (2, 2), "{saw}");
        let verdict = Command::new(BINARY).args(["verify", "--url", text("url")]).output().unwrap();
        assert!(String::from_utf8_lossy(&verdict.stdout).trim_end().ends_with("0 with drift"), "{verdict:?}");
    }
}

#[test]
fn the_readmes_console_blocks_are_true() {
    trycmd::TestCases::new().case(root().join("README.md").display().to_string()).run();
}
