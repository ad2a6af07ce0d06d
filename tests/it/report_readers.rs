//! Reports as others read them: JUnit by an importer, SARIF and HAR by their published schemas, the page by Chromium
//! and axe. `tests/run` installs these.

use boon::{Compiler, Schemas};
use chatkitty_mock::{Expectation, FailOn, Format, MockServer};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Something that `tests/run` installs.
#[track_caller]
fn installed(path: &str) -> PathBuf {
    let path = tests().join(path);
    assert!(path.exists(), "{} is not installed; run: bash tests/run", path.display());
    path
}

#[track_caller]
fn json_file(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// A run with everything in it that markup, shells and schemas could trip over.
fn reports() -> Vec<(&'static str, MockServer)> {
    let clean = MockServer::start();
    let app = clean.application("development");
    let get = http::Request::get("/v1/application").header("authorization", format!("Bearer {}", app.token()));
    clean.handle(get.body("").unwrap());

    let broken = MockServer::builder()
        .fail_on(FailOn::UnusedFixtures)
        .min_coverage(chatkitty_mock::CoverageScope::Everything, 100.0)
        .verify_on_drop(false)
        .start()
        .unwrap();
    let app = broken.application("development");
    broken.expect(Expectation::operation("retrieveApplication").named("<b>&\"'|`\u{7}\u{1b}[31m").times(7));
    broken.expect(Expectation::operation("updateApplicationSettings").times(0));
    let send = |method: &str, target: &str, media: &str, body: &[u8]| {
        let request = http::Request::builder()
            .method(method)
            .uri(target)
            .header("host", "localhost:2428")
            .header("authorization", format!("Bearer {}", app.token()))
            .header("cookie", "a=b; c")
            .header("content-type", media);
        broken.handle(request.body(body.to_vec()).unwrap());
    };
    let settings = "/v1/application/settings";
    for body in [
        &b"{\"guestUsers\":\"<script>alert(1)</script> ]]> & | ` %0A::error::\",\"userCreatedChannels\":1}"[..],
        b"{\"guestUsers\":\"\\u0007\\u001b[31m\\u0000\\ufffe \\ud83d\\ude00\"}",
        b"{\"guestUsers\":\n\n\t\"x\"\n}",
        b"{\"guestUsers\":",
        b"\xff\xfe\x00",
    ] {
        send("PUT", settings, "application/json", body);
    }
    send("PUT", settings, "text/plain; charset=\"x, y\"", b"x");
    send("GET", "/nowhere?token=secret&a=%3Cb%3E&a=|", "", b"");
    send("PATCH", settings, "application/json", b"{}");
    send("POST", "/oauth/token", "application/json", b"{\"client_secret\":\"secret\",\"grant_type\":\"x\"}");
    send("GET", &format!("/v1/application?{}", "long=x&".repeat(500)), "", b"");
    broken.handle(http::Request::head("/v1/application").body("").unwrap());
    vec![("clean", clean), ("broken", broken)]
}

fn rendered(mock: &MockServer, format: Format) -> String {
    String::from_utf8(mock.report().render_as(format).1.to_vec()).unwrap()
}

/// A file of one test's own with a report in it.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

fn printed(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_importer_of_junit_counts_what_the_report_declares() {
    let python = installed("python/.venv/bin/python");
    let import = |path: &Path| printed(Command::new(&python).arg(tests().join("python/junit.py")).arg(path));
    for (name, mock) in reports() {
        let path = file(&format!("{name}.xml"), &rendered(&mock, Format::Junit));
        let read = import(&path);
        std::fs::remove_file(path).unwrap();
        assert_eq!(read["declared"], read["counted"], "{name}");
        let report = mock.report();
        let operations = &read["suites"]["operations"];
        let case = |wanted: &str| {
            let cases = operations["cases"].as_array().unwrap();
            let found = cases.iter().find(|case| case[1] == wanted);
            found.unwrap_or_else(|| panic!("{name}: no {wanted}: {operations:#}"))[3].clone()
        };
        let put = case("PUT /v1/application/settings (updateApplicationSettings)");
        let get = case("GET /v1/application/settings (retrieveApplicationSettings)");
        assert_eq!(get, json!({ "skipped": "never called" }), "{name}");
        if report.is_clean() {
            assert_eq!(put, json!({ "skipped": "never called" }));
            assert_eq!(case("GET /v1/application (retrieveApplication)"), "passed");
            assert_eq!(read["declared"], json!([5, 0, 0, 2]));
            continue;
        }
        let text = put["text"].as_str().unwrap();
        assert!(text.contains("<script>alert(1)</script> ]]> & | `"), "{text}");
        assert!(text.contains("openapi/chatkitty.yaml:") && text.contains("curl -i -X PUT"), "{text}");
        assert_eq!(case("requests to no operation")["failure"], "CK0101");
        let expectations = &read["suites"]["expectations"];
        assert_eq!(expectations["declared"], json!([2, 2, 0, 0]), "{expectations:#}");
        assert_eq!(expectations["cases"][0][1], "<b>&\"'|`\u{fffd}\u{fffd}[31m");
        assert_eq!(read["suites"]["gates"]["declared"], json!([4, 3, 0, 0]), "{read:#}");
    }
    let sample = import(&tests().join("reports/sample.junit.xml"));
    assert_eq!((&sample["declared"], &sample["counted"]), (&json!([10, 8, 0, 1]), &json!([10, 8, 0, 1])));
}

/// A published schema, and what it refuses.
struct Referee {
    schemas: Schemas,
    schema: boon::SchemaIndex,
}

impl Referee {
    /// `files`: every schema by its address, the one that judges first.
    fn new(files: Vec<(String, Value)>) -> Self {
        let first = files[0].0.clone();
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.set_default_draft(boon::Draft::V6);
        compiler.enable_format_assertions();
        for (address, schema) in files {
            compiler.add_resource(&address, schema).unwrap();
        }
        let schema = compiler.compile(&first, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, schema }
    }

    #[track_caller]
    fn accepts(&self, name: &str, value: &Value) {
        if let Err(error) = self.schemas.validate(value, self.schema) {
            panic!("{name}: {error:#}\n{value:#}");
        }
    }

    fn refuses(&self, value: &Value) -> bool {
        self.schemas.validate(value, self.schema).is_err()
    }
}

#[test]
fn sarif_is_what_its_schema_says() {
    let path = installed("node/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
    let referee = Referee::new(vec![("http://schema.test/sarif".to_owned(), json_file(&path))]);
    for (name, mock) in reports() {
        let log: Value = serde_json::from_str(&rendered(&mock, Format::Sarif)).unwrap();
        referee.accepts(name, &log);
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.is_empty(), mock.report().is_clean(), "{name}");
        for result in results {
            let region = &result["locations"][0]["physicalLocation"]["region"];
            assert!(region["startLine"].as_u64() > Some(0), "{name}: {result:#}");
            let rule = &log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"]);
        }
        // The same run once more has the same fingerprints, one each.
        let prints = |log: &Value| -> Vec<Value> {
            let results = log["runs"][0]["results"].as_array().unwrap();
            results.iter().map(|result| result["partialFingerprints"]["contractViolation/v1"].clone()).collect()
        };
        let mut own = prints(&log);
        let again = reports().into_iter().find(|(other, _)| *other == name).unwrap().1;
        assert_eq!(own, prints(&serde_json::from_str(&rendered(&again, Format::Sarif)).unwrap()), "{name}");
        own.sort_by_key(Value::to_string);
        own.dedup();
        assert_eq!(own.len(), results.len(), "{name}: fingerprints differ from each other");
    }
    referee.accepts("sample", &json_file(&tests().join("reports/sample.sarif")));
    assert!(referee.refuses(&json!({ "version": "2.1.0" })));
}

#[test]
fn har_is_what_its_schema_says_and_holds_no_secret() {
    let folder = installed("node/node_modules/har-schema/lib");
    let mut files = vec![("http://schema.test/har.json".to_owned(), json_file(&folder.join("har.json")))];
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".json") && name != "har.json" {
            files.push((format!("http://schema.test/{name}"), json_file(&path)));
        }
    }
    // Their `$id`s are relative, such as `entry.json#`, which only the oldest drafts read so.
    for (_, schema) in &mut files {
        schema.as_object_mut().unwrap().remove("$id");
    }
    let referee = Referee::new(files);
    for (name, mock) in reports() {
        let text = rendered(&mock, Format::Har);
        assert!(!text.contains("secret\"}") && !text.contains("=secret"), "{name}: {text}");
        assert!(!text.contains(mock.application("development").client_secret()), "{name}");
        let har: Value = serde_json::from_str(&text).unwrap();
        referee.accepts(name, &har);
        assert_eq!(har["log"]["entries"].as_array().unwrap().len(), mock.exchanges().len(), "{name}");
    }
    let sample = json_file(&tests().join("reports/sample.har"));
    referee.accepts("sample", &sample);
    let mut wrong = sample;
    wrong["log"]["entries"][0]["startedDateTime"] = json!("yesterday");
    assert!(referee.refuses(&wrong));
}

#[test]
fn the_page_is_good_in_light_and_dark_and_on_a_narrow_screen() {
    installed("node/node_modules/playwright-core");
    let look = |path: &Path| printed(Command::new("node").arg(tests().join("node/page.mjs")).arg(path));
    for (name, mock) in reports() {
        let text = rendered(&mock, Format::Html);
        assert!(!text.contains("<script") && !text.contains("src=") && !text.contains("href="), "{name}");
        let path = file(&format!("{name}.html"), &text);
        let seen = look(&path);
        std::fs::remove_file(path).unwrap();
        assert_eq!(seen["found"], json!([]), "{name}: {seen:#}");
        let verdict = if mock.report().is_clean() { "pass" } else { "fail" };
        assert_eq!(seen["title"], format!("{verdict}: ChatKitty Application API v1"));
        assert_ne!(seen["backgrounds"]["light"], seen["backgrounds"]["dark"]);
    }
    assert_eq!(look(&tests().join("reports/sample.html"))["found"], json!([]));
    // A page that nobody could read is told from one that everybody can.
    let path = file("bad.html", "<title></title><img src=x><p style='color:#eee;background:#fff'>pale");
    let seen = look(&path);
    std::fs::remove_file(path).unwrap();
    assert!(seen["found"].as_array().unwrap().len() > 3, "{seen:#}");
}
