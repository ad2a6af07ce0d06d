//! What `serve`, `exec` and `verify` write at the end: reports, gates, expectations, coverage over runs.

use crate::command_line::{Folder, Server, command, run, stderr, stdout};
use chatkitty_mock::{Expectation, Format, MockServer};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// A client that gets a token, reads everything and writes settings.
const CLIENT: &str = r#"
token=$(curl -s -u "$CHATKITTY_CLIENT_ID:$CHATKITTY_CLIENT_SECRET" -d grant_type=client_credentials "$CHATKITTY_TOKEN_URL" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
ask() { curl -s -o /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }
ask "$CHATKITTY_BASE_URL/v1/application"
ask "$CHATKITTY_BASE_URL/v1/application/settings"
save() { ask -X PUT -d "{\"guestUsers\":\"$1\",\"userCreatedChannels\":\"$2\"}" "$CHATKITTY_BASE_URL/v1/application/settings"; }
"#;

fn exec_in(folder: &Folder, arguments: &[&str], script: &str) -> Output {
    let script = format!("{CLIENT}\n{script}");
    command().current_dir(&folder.0).arg("exec").args(arguments).args(["--", "sh", "-c", &script]).output().unwrap()
}

fn read(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn names(folder: &Folder) -> Vec<String> {
    let entries = std::fs::read_dir(&folder.0).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_client_that_skips_an_enum_value_fails_by_name() {
    let folder = Folder::new("reports-skips");
    let asked = ["--report", "junit=r.xml", "--report", "html=r.html", "--min-coverage", "100"];
    let output = exec_in(&folder, &asked, "save ENABLED ENABLED; save ENABLED DISABLED");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{}", stderr(&output));
    let value = "PUT /v1/application/settings: enum sent request /guestUsers = \"DISABLED\"";
    assert!(stderr(&output).contains(value), "{}", stderr(&output));
    assert!(!stderr(&output).contains("enum sent request /userCreatedChannels"), "both of its values are sent");
    assert!(read(&folder, "r.xml").contains(value), "{}", read(&folder, "r.xml"));
    assert!(read(&folder, "r.html").contains(&value.replace('"', "&quot;")));
    assert_eq!(names(&folder), ["r.html", "r.xml"], "nothing is left beside them");
}

#[test]
fn a_client_that_sends_bad_settings_gets_both_places_and_a_line_that_reproduces_it() {
    let folder = Folder::new("reports-bad");
    let asked = ["--report", "junit=r.xml", "--report", "html=r.html", "--min-coverage", "100"];
    let output = exec_in(&folder, &asked, "save on ENABLED");
    assert_eq!(output.status.code(), Some(1));
    for text in [stderr(&output), read(&folder, "r.xml")] {
        assert!(text.contains("request body.json:1:15") && text.contains("openapi/chatkitty.yaml:"), "{text}");
        assert!(text.contains("curl -i -X PUT \"$CHATKITTY_BASE_URL/v1/application/settings\""), "{text}");
    }
    assert!(read(&folder, "r.html").contains("curl -i -X PUT &quot;$CHATKITTY_BASE_URL/v1/application/settings"));
}

/// A contract with a place for everything that a request can have.
const ODD: &str = r"openapi: 3.1.0
info: { title: odd, version: '1' }
paths:
  /things/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer } }
      - { name: mode, in: query, schema: { enum: [a] } }
      - { name: X-Mode, in: header, schema: { enum: [a] } }
      - { name: theme, in: cookie, schema: { enum: [dark] } }
    get: { operationId: get, responses: { '200': { description: ok } } }
    post:
      operationId: post
      requestBody:
        content:
          application/json: { schema: { type: object, additionalProperties: { enum: [1] } } }
          application/x-www-form-urlencoded: { schema: { type: object, properties: { a: { enum: [x] } } } }
          application/octet-stream: { schema: { maxLength: 1 } }
      responses: { '200': { description: ok } }
";

/// Sends the request by `curl`, then the line of its exchange, and compares what both violated.
#[track_caller]
fn reproduces(arguments: &[&str]) {
    let mock = MockServer::builder().openapi_text("odd.yaml", ODD).start().unwrap();
    mock.allow_violations();
    let url = mock.url().to_owned();
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("URL", &url)).collect();
    let sent = Command::new("curl").args(["-s", "-o", "/dev/null"]).args(&arguments).status().unwrap();
    assert!(sent.success(), "{arguments:?}");
    let (_, json) = mock.report().render_as(Format::Json);
    let report: Value = serde_json::from_slice(&json).unwrap();
    let line = report["broken"][0]["curl"].as_str().unwrap_or_else(|| panic!("nothing broken by {arguments:?}"));
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).env("CHATKITTY_BASE_URL", &url).env("TOKEN", "t").env("PASSWORD", "p");
    let output = shell.output().unwrap();
    let exchanges = mock.exchanges();
    assert_eq!(exchanges.len(), 2, "{line}: {}", String::from_utf8_lossy(&output.stderr));
    let messages = |index: usize| {
        let found = exchanges[index].diagnostics().iter();
        found.map(|diagnostic| (diagnostic.code, diagnostic.message.clone())).collect::<Vec<_>>()
    };
    assert_eq!(messages(0), messages(1), "{line}");
    assert!(!messages(0).is_empty());
    assert_eq!((exchanges[0].method(), exchanges[0].target()), (exchanges[1].method(), exchanges[1].target()));
}

#[test]
fn the_line_of_a_violation_brings_it_about_again() {
    let json = "Content-Type: application/json";
    reproduces(&["URL/things/x"]);
    reproduces(&["--head", "URL/things/x"]);
    reproduces(&["-g", "--path-as-is", "URL/things/./1?mode={a}[1]&password=secret"]);
    reproduces(&["URL/things/1?mode=it's%20$HOME`ls`!&token=s"]);
    reproduces(&["-H", "X-Mode: it's \"$HOME\" `ls` \\ !", "URL/things/1"]);
    reproduces(&["-H", "X-Mode;", "URL/things/1"]);
    reproduces(&["-H", "Cookie: session=secret; theme=light", "URL/things/1"]);
    reproduces(&["-H", json, "-d", r#"{"a":"it's $HOME `ls` \" \\ ! é"}"#, "URL/things/1"]);
    reproduces(&["-H", json, "--data-raw", "{\n\t\"a\": 2\n}\n", "URL/things/1"]);
    reproduces(&["-H", json, "--data-raw", "@file", "URL/things/1"]);
    reproduces(&["-d", "a=y&b=%20", "URL/things/1"]);
    reproduces(&["-H", "Content-Type:", "-d", "a", "URL/things/1"]);
    reproduces(&["-H", "Content-Type: application/octet-stream", "-d", "\u{1b}[31m\u{7f}", "URL/things/1"]);
    reproduces(&["-X", "PATCH", "URL/things/1"]);
    reproduces(&["-X", "OPTIONS", "--request-target", "/nowhere", "URL"]);
    let folder = Folder::new("reports-binary");
    std::fs::write(folder.0.join("body"), b"\xff\x00'\n").unwrap();
    let body = format!("@{}", folder.0.join("body").display());
    reproduces(&["-H", "Content-Type: application/octet-stream", "--data-binary", &body, "URL/things/x"]);
}

#[test]
fn a_report_that_cannot_be_written_is_said_at_start_and_nothing_is_run() {
    let folder = Folder::new("reports-unwritable");
    folder.file("file", "kept");
    std::fs::create_dir(folder.0.join("folder")).unwrap();
    for (asked, message) in [
        (&["--report", "junit=file/r.xml"][..], "cannot write the report junit to `file/r.xml`"),
        (&["--report", "har=folder"], "cannot write the report har to `folder`"),
        (&["--report", "junit=a", "--report", "html=a"], "the reports junit and html both go to `a`"),
        (&["--report", "pdf"], "there is no format `pdf`"),
        (&["--coverage-file", "folder"], "cannot use the coverage file `folder`"),
        (&["--min-coverage", "lots"], "write it like 80"),
    ] {
        let output = exec_in(&folder, asked, "touch ran");
        assert_eq!(output.status.code(), Some(2), "{asked:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{asked:?}: {}", stderr(&output));
        assert_eq!(names(&folder), ["file", "folder"], "{asked:?}");
    }
    assert_eq!(read(&folder, "file"), "kept");
}

#[test]
fn serve_writes_its_reports_however_it_is_stopped_and_nothing_more_on_stdout() {
    for stop in ["TERM", "INT", "shutdown"] {
        let folder = Folder::new(&format!("reports-{stop}"));
        folder.file("r.json", "from the run before");
        let mut serve = command();
        serve.current_dir(&folder.0).args([
            "serve",
            "--port",
            "0",
            "--report",
            "json=r.json,har=new/r.har",
            "--report",
            "github",
        ]);
        let server = Server::start(&mut serve);
        let url = server.ready["url"].as_str().unwrap().to_owned();
        assert!(
            Command::new("curl").args(["-s", "-o", "/dev/null", &format!("{url}/nothing")]).status().unwrap().success()
        );
        assert_eq!(read(&folder, "r.json"), "from the run before", "it is replaced at the end");
        let (code, out, err) = if stop == "shutdown" {
            assert_eq!(run(&["stop", "--url", &url]).status.code(), Some(0));
            server.wait()
        } else {
            server.stop(stop)
        };
        assert_eq!((code, out.as_str()), (Some(0), ""), "{stop}: {err}");
        assert!(err.contains("::error file=openapi/chatkitty.yaml,"), "{err}");
        let report: Value = serde_json::from_str(&read(&folder, "r.json")).unwrap();
        assert_eq!((report["verdict"].as_str(), report["unknown_paths"].as_u64()), (Some("fail"), Some(1)));
        let har: Value = serde_json::from_str(&read(&folder, "new/r.har")).unwrap();
        assert_eq!(har["log"]["entries"][0]["response"]["status"], 404);
        assert_eq!(names(&folder), ["new", "r.json"]);
    }
}

#[test]
fn serve_fails_on_the_gates_that_it_is_given_and_on_no_others() {
    for (asked, path, code) in [
        (&["--fail-on", "unknown-paths"][..], "/nothing", 1),
        (&["--fail-on", "unknown-paths"], "/v1/application", 0),
        (&["--fail-on", "drift", "--min-coverage", "operations=0"], "/nothing", 0),
        (&["--min-coverage", "operations=10,statuses=1"], "/v1/application", 0),
        (&["--min-coverage", "operations=50"], "/v1/application", 1),
        (&["--fail-on", "unused-fixtures"], "/v1/application", 1),
    ] {
        let server = Server::with(asked);
        let url = format!("{}{path}", server.ready["url"].as_str().unwrap());
        assert!(Command::new("curl").args(["-s", "-o", "/dev/null", &url]).status().unwrap().success());
        let (stopped, _, err) = server.stop("TERM");
        assert_eq!(stopped, Some(code), "{asked:?} {path}: {err}");
        assert_eq!(err.contains("gate not met"), code == 1, "{asked:?}: {err}");
    }
}

#[test]
fn what_is_expected_is_read_from_a_file_and_fails_by_name() {
    let folder = Folder::new("reports-expect");
    folder.file("good.yaml", "- name: guests are let in\n  operation: updateApplicationSettings\n  body: { guestUsers: ENABLED }\n  times: 1\n");
    let exec = |script: &str| exec_in(&folder, &["--expect", "good.yaml", "--report", "junit=r.xml"], script);
    assert_eq!(exec("save ENABLED ENABLED").status.code(), Some(0));
    let output = exec("save DISABLED ENABLED");
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("`guests are let in` was expected once and came never"), "{text}");
    assert!(text.contains("body at `/guestUsers`: expected \"ENABLED\", found \"DISABLED\""), "{text}");
    assert!(read(&folder, "r.xml").contains("<testcase classname=\"expectations\" name=\"guests are let in\""));
    folder.file("bad.yaml", "- operation: updateSetings\n- operatoin: x\n- { at_least: many }\n- { after: nobody }\n");
    let output = exec_in(&folder, &["--expect", "bad.yaml"], "touch ran");
    let text = stderr(&output);
    assert_eq!((output.status.code(), folder.0.join("ran").exists()), (Some(2), false), "{text}");
    for place in ["bad.yaml:1:14", "bad.yaml:2:14", "bad.yaml:3:15", "bad.yaml:4:12", "did you mean `operation`?"] {
        assert!(text.contains(place), "{place}: {text}");
    }
    let output = exec_in(&folder, &["--expect", "missing.yaml"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot read the expectations `missing.yaml`"), "{}", stderr(&output));
}

#[test]
fn coverage_grows_over_runs_and_nobodys_is_lost() {
    let folder = Folder::new("reports-coverage");
    let touched = |name: &str| {
        let coverage: Value = serde_json::from_str(&read(&folder, "out/coverage.json")).unwrap();
        let operations = coverage["operations"].as_array().unwrap().clone();
        let points = operations.iter().flat_map(|operation| operation["points"].as_array().unwrap().clone());
        points.filter(|point| point["touched"] == true).any(|point| point["name"] == name)
    };
    let (enabled, disabled) = ("request /guestUsers = \"ENABLED\"", "request /guestUsers = \"DISABLED\"");
    let first = exec_in(&folder, &["--coverage-file", "out/coverage.json"], "save ENABLED ENABLED");
    assert_eq!((first.status.code(), touched(enabled), touched(disabled)), (Some(0), true, false));
    // The second run is judged by both, and adds to what is there.
    let gates = ["--coverage-file", "out/coverage.json", "--report", "json=r.json"];
    let second = exec_in(&folder, &gates, "save DISABLED ENABLED");
    assert_eq!((second.status.code(), touched(enabled), touched(disabled)), (Some(0), true, true));
    let report: Value = serde_json::from_str(&read(&folder, "r.json")).unwrap();
    let file: Value = serde_json::from_str(&read(&folder, "out/coverage.json")).unwrap();
    assert_eq!(report["coverage"]["operations"][0]["calls"], 2);
    assert_eq!(report["coverage"]["summary"], file["summary"]);
    // Servers that stop together.
    let calls = || -> u64 {
        let coverage: Value = serde_json::from_str(&read(&folder, "out/coverage.json")).unwrap();
        coverage["operations"].as_array().unwrap().iter().map(|operation| operation["calls"].as_u64().unwrap()).sum()
    };
    let before = calls();
    let file = folder.0.join("out/coverage.json").display().to_string();
    let servers: Vec<Server> = (0..4).map(|_| Server::with(&["-q", "--coverage-file", &file])).collect();
    for server in &servers {
        let url = format!("{}/v1/application", server.ready["url"].as_str().unwrap());
        assert!(Command::new("curl").args(["-s", "-o", "/dev/null", &url]).status().unwrap().success());
        server.signal("TERM");
    }
    servers.into_iter().for_each(|server| assert_eq!(server.wait().0, Some(0)));
    assert_eq!(calls(), before + 4);
    // What cannot be read is left as it is.
    std::fs::write(folder.0.join("out/coverage.json"), "{ \"version\": 1,\n  \"operations\": [{}] }").unwrap();
    let output = exec_in(&folder, &["--coverage-file", "out/coverage.json"], "touch ran");
    assert_eq!((output.status.code(), folder.0.join("ran").exists()), (Some(2), false));
    assert!(stderr(&output).contains("coverage.json:2:18"), "{}", stderr(&output));
    assert!(read(&folder, "out/coverage.json").ends_with("[{}] }"));
}

#[test]
fn verify_writes_what_the_server_renders() {
    let folder = Folder::new("reports-verify");
    let server = Server::with(&["-q", "--admin-token", "t"]);
    let url = server.ready["url"].as_str().unwrap();
    assert!(
        Command::new("curl").args(["-s", "-o", "/dev/null", &format!("{url}/nothing")]).status().unwrap().success()
    );
    let verify = |arguments: &[&str]| {
        let fixed = ["verify", "--url", url, "--admin-token", "t"];
        command().current_dir(&folder.0).args(fixed).args(arguments).output().unwrap()
    };
    let output = verify(&["--report", "sarif=r.sarif,junit=r.xml", "--report", "github"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("error[CK0101]") && text.contains("::error file=") && text.contains("fail: 1 exchanges"),
        "{text}"
    );
    assert!(read(&folder, "r.sarif").contains("\"CK0101\"") && read(&folder, "r.xml").contains("CK0101"));
    // The address that the client used is good as long as the server runs.
    assert!(text.contains(&format!("  curl -i {url}/nothing\n")), "{text}");
    assert_eq!(stdout(&verify(&["--report", "text"])).matches("error[CK0101]").count(), 1);
    assert_eq!(verify(&["--report", "text=no/such/../../r.txt/x"]).status.code(), Some(1));
    folder.file("file", "");
    assert_eq!(verify(&["--report", "text=file/x"]).status.code(), Some(2));
}

#[test]
fn reports_and_gates_are_taken_from_environment_and_file() {
    let folder = Folder::new("reports-config");
    let summary = folder.file("summary.md", "# before\n");
    folder.file("chatkitty-mock.toml", "report = [\"json=a.json\", \"markdown\"]\nmin-coverage = 10.5\n");
    let exec = |set: &[(&str, &str)]| {
        let mut command = command();
        command.current_dir(&folder.0).args(["exec", "--", "true"]).env("GITHUB_STEP_SUMMARY", &summary);
        command.envs(set.iter().copied()).output().unwrap()
    };
    let output = exec(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("asked for 10.5 %"), "{}", stderr(&output));
    assert!(folder.0.join("a.json").exists());
    let text = read(&folder, "summary.md");
    assert!(text.starts_with("# before\n## ❌ ChatKitty Application API"), "{text}");
    // A summary that is full already takes nothing more, and what it has is kept.
    folder.file("summary.md", &"x".repeat(1024 * 1024 - 10));
    exec(&[]);
    assert_eq!(read(&folder, "summary.md").len(), 1024 * 1024 - 10);
    let output = exec(&[("CHATKITTY_MOCK_REPORT", "html=b.html"), ("CHATKITTY_MOCK_MIN_COVERAGE", "operations=0")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(folder.0.join("b.html").exists());
    folder.file("chatkitty-mock.toml", "min-coverage = true\n");
    let output = exec(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("`min-coverage` must be a number, a text or a list of them"),
        "{}",
        stderr(&output)
    );
}

/// What a test panics with.
fn panics(test: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(test).expect_err("it does not panic");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_server_in_a_test_complains_of_what_did_not_come() {
    let text = panics(|| {
        let mock = MockServer::start();
        mock.expect(Expectation::operation("retrieveApplication").status("200").times(2));
        mock.allow_violations();
        mock.handle(http::Request::get("/v1/application").body("").unwrap());
    });
    assert!(text.contains("did not see what was asked for"), "{text}");
    assert!(text.contains("`retrieveApplication` was expected 2 times and came never"), "{text}");
    assert!(text.contains("status: expected `200`, found `401`"), "{text}");
    let text = panics(|| {
        MockServer::start().expect(Expectation::operation("retrieveAplication"));
    });
    assert_eq!(text, "the contract has no operation `retrieveAplication`; did you mean `retrieveApplication`?");
    let text = panics(|| {
        MockServer::start().expect(Expectation::request("GET", "/v1/application").after("nothing"));
    });
    assert_eq!(text, "there is no other expectation `nothing`");
}

#[test]
fn expectations_count_the_applications_that_they_are_for_in_their_order() {
    let mock = MockServer::start();
    let (one, other) = (mock.application("development"), mock.application("staging"));
    let get = |app: &chatkitty_mock::Application, path: &str| {
        let request = http::Request::get(path).header("authorization", format!("Bearer {}", app.token()));
        assert_eq!(mock.handle(request.body("").unwrap()).status(), 200);
    };
    let first = one.expect(Expectation::operation("retrieveApplication").named("first").times(1));
    mock.expect(Expectation::request("GET", "/v1/application/settings").after(first).at_least(1).at_most(1));
    other.expect(Expectation::operation("retrieveApplication").named("never").times(0));
    get(&one, "/v1/application/settings");
    get(&one, "/v1/application");
    assert!(!mock.report().is_clean());
    get(&other, "/v1/application/settings");
    assert_eq!(mock.outcomes().iter().map(|outcome| outcome.count).collect::<Vec<_>>(), [1, 1, 0]);
    let counts = [one.report().exchanges(), other.report().exchanges(), mock.report().exchanges()];
    assert_eq!(counts, [2, 1, 3]);
    let percent =
        |coverage: chatkitty_mock::Coverage| coverage.percent(chatkitty_mock::CoverageScope::Operations).round();
    assert_eq!([percent(one.coverage()), percent(other.coverage()), percent(mock.coverage())], [67.0, 33.0, 67.0]);
    mock.finish().unwrap();
}

#[test]
fn a_server_in_a_test_adds_to_the_coverage_file_when_it_is_dropped() {
    let folder = Folder::new("reports-library");
    let file = folder.0.join("coverage.json");
    for _ in 0..2 {
        let mock = MockServer::builder().coverage_file(&file).verify_on_drop(false).start().unwrap();
        mock.handle(http::Request::get("/v1/application").body("").unwrap());
    }
    let coverage: Value = serde_json::from_str(&std::fs::read_to_string(Path::new(&file)).unwrap()).unwrap();
    assert_eq!(coverage["operations"][0]["calls"], json!(2));
    assert_eq!(coverage["version"], 1);
}

/// Two named examples of one answer, and a collection that a fixture seeds.
const NOTES: &str = r"openapi: 3.1.0
info: { title: notes, version: '1' }
paths:
  /notes:
    get:
      responses:
        '200':
          description: ok
          content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Note' } } } }
  /notes/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    get:
      operationId: getNote
      responses:
        '200': { description: ok, content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } } }
  /about:
    get:
      operationId: about
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema: { type: object }
              examples:
                short: { value: { text: s } }
                long: { value: { text: l } }
        '404': { description: no, content: { application/json: { example: { error: e } } } }
components:
  schemas:
    Note: { type: object, required: [id], properties: { id: { type: integer } } }
";

#[test]
fn fixtures_and_examples_that_were_never_used_are_told() {
    let folder = Folder::new("reports-unused");
    folder.file("own.yaml", "resources:\n  /notes: [{ id: 1 }, { id: 2 }]\n");
    folder.file("other.yaml", "resources:\n  /notes/7: { id: 7 }\n");
    let start = || {
        let builder = MockServer::builder().openapi_text("notes.yaml", NOTES).fixtures(&folder.0);
        builder.verify_on_drop(false).start().unwrap()
    };
    let told = |mock: &MockServer| {
        let (_, text) = mock.report().render_as(Format::Text);
        let text = String::from_utf8(text.to_vec()).unwrap();
        let (_, html) = mock.report().render_as(Format::Html);
        let html = String::from_utf8(html.to_vec()).unwrap();
        let told = text.split("never used:\n").nth(1).map(|told| told.split("\n\n").next().unwrap().to_owned());
        let lines: Vec<String> = told.unwrap_or_default().lines().map(|line| line.trim().to_owned()).collect();
        assert!(lines.iter().all(|line| html.contains(&format!("<li>{line}</li>"))), "{lines:?}: {html}");
        lines
    };
    let get = |mock: &MockServer, path: &str, prefer: &str| {
        let request = http::Request::get(path).header("prefer", prefer);
        assert_eq!(mock.handle(request.body("").unwrap()).status(), 200, "{path}");
    };
    let mock = start();
    assert!(told(&mock).is_empty(), "nothing was exchanged");
    get(&mock, "/about", "example=long");
    let short = "the example `short` of `about`, 200 application/json (notes.yaml:26:33)";
    let before = told(&mock);
    assert!(before.contains(&short.to_owned()), "{before:?}");
    assert!(!before.iter().any(|line| line.contains("`long`") || line.contains("404")), "{before:?}");
    assert!(before.iter().any(|line| line.contains("`/notes/7` of the application `other`")), "{before:?}");
    let unused =
        |mock: &MockServer| -> Vec<String> { mock.report().unused().iter().map(|it| it.path.clone()).collect() };
    assert_eq!(unused(&mock).len(), 3, "{before:?}");
    // Without credentials the first application answers, which is `other` by its name.
    get(&mock, "/notes", "");
    get(&mock, "/about", "");
    let after = told(&mock);
    assert_eq!(unused(&mock), ["/notes/1", "/notes/2"], "the list shows its items: {after:?}");
    assert!(!after.iter().any(|line| line.contains("example")), "{after:?}");
    let report = mock.report().render_as(Format::Json).1;
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["unused"]["fixtures"][0], json!({ "application": "own", "path": "/notes/1" }));
    // What clients ask for beside is not remembered, nor told.
    let other = start();
    get(&other, "/notes/7", "");
    other.handle(http::Request::get("/notes/8").body("").unwrap());
    assert_eq!(unused(&other), ["/notes/1", "/notes/2"]);
    let json: Value = serde_json::from_slice(&other.report().render_as(Format::Json).1).unwrap();
    let contracts: Vec<&str> =
        json["unused"]["examples"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(contracts, ["short", "long"]);
}
