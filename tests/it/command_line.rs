//! The binary, as scripts and people use it.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_chatkitty-mock");

pub(crate) fn command() -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHATKITTY_MOCK_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A folder of one test's own.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running `serve`; it is ready when this exists.
pub(crate) struct Server {
    child: Child,
    pub(crate) ready: Value,
    output: BufReader<std::process::ChildStdout>,
}

impl Server {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut text = String::new();
            child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
            panic!("no ready line: {text}");
        }
        Self { child, ready: serde_json::from_str(&line).unwrap(), output }
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        Self::start(command().args(["serve", "--port", "0"]).args(arguments))
    }

    /// The lines of stderr as they come.
    fn errors(&mut self) -> Lines {
        let (tell, lines) = std::sync::mpsc::channel();
        let stderr = BufReader::new(self.child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Lines(lines)
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap().success()
        );
    }

    /// Stops it; gives exit code, the rest of stdout, and stderr.
    pub(crate) fn stop(self, signal: &str) -> (Option<i32>, String, String) {
        self.signal(signal);
        self.wait()
    }

    /// Waits for its end; gives exit code, the rest of stdout, and stderr.
    pub(crate) fn wait(mut self) -> (Option<i32>, String, String) {
        let code = self.child.wait().unwrap().code();
        let (mut out, mut err) = (String::new(), String::new());
        self.output.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (code, out, err)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server says while it runs.
struct Lines(std::sync::mpsc::Receiver<String>);

impl Lines {
    /// Waits for a line with this text; gives all up to it.
    fn until(&self, text: &str) -> String {
        let mut seen = String::new();
        while !seen.lines().next_back().is_some_and(|line| line.contains(text)) {
            let line = self.0.recv_timeout(std::time::Duration::from_secs(20));
            seen.push_str(&line.unwrap_or_else(|_| panic!("no line with `{text}`: {seen}")));
            seen.push('\n');
        }
        seen
    }
}

#[test]
fn serve_prints_one_ready_line_and_stops_on_sigterm_and_sigint() {
    for signal in ["TERM", "INT"] {
        let server = Server::with(&[]);
        let ready = server.ready.clone();
        let keys: Vec<&String> = ready.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["event", "v", "url", "port", "pid", "admin_url", "token_url", "contract", "applications"]);
        assert_eq!((ready["event"].as_str(), ready["v"].as_u64()), (Some("ready"), Some(1)));
        assert_eq!(ready["url"], format!("http://127.0.0.1:{}", ready["port"]));
        assert_eq!(ready["contract"]["operations"], 3);
        assert_eq!(ready["applications"][0]["name"], "development");
        let (code, rest, err) = server.stop(signal);
        assert_eq!((code, rest.as_str()), (Some(0), ""), "{signal}");
        assert!(err.contains("client secret") && err.contains("curl "), "a banner: {err}");
    }
}

#[test]
fn the_ready_file_has_the_ready_line_and_ready_finds_it() {
    let folder = Folder::new("ready");
    let file = folder.0.join("ready.json").display().to_string();
    let server = Server::with(&["-q", "--ready-file", &file]);
    assert_eq!(serde_json::from_str::<Value>(&std::fs::read_to_string(&file).unwrap()).unwrap(), server.ready);
    assert_eq!(run(&["ready", "--wait", "--timeout", "5s", "--ready-file", &file]).status.code(), Some(0));
    let url = server.ready["url"].as_str().unwrap();
    assert_eq!(run(&["ready", "--url", url]).status.code(), Some(0));
    assert_eq!(stdout(&run(&["verify", "--url", url])), "pass: 0 exchanges, 0 with violations, 0 with drift\n");
    assert_eq!(run(&["stop", "--url", url]).status.code(), Some(0));
    assert_eq!(run(&["ready", "--url", url]).status.code(), Some(1));
    assert_eq!(run(&["verify", "--url", url]).status.code(), Some(2));
}

#[test]
fn a_busy_port_is_an_error_with_a_suggestion() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = run(&["--port", &taken.local_addr().unwrap().port().to_string()]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""));
    assert!(stderr(&output).contains("--port 0"), "{}", stderr(&output));
}

#[test]
fn flags_go_before_environment_before_file() {
    let folder = Folder::new("config");
    folder.file("chatkitty-mock.toml", "seed = 1\ntoken-ttl = \"5s\"\nquiet = true\n");
    let seeded = |seed: &str| {
        let server = Server::start(
            command().current_dir(&folder.0).args(["serve", "--port", "0"]).env("CHATKITTY_MOCK_SEED", seed),
        );
        server.ready["url"].as_str().unwrap().to_owned()
    };
    seeded("2");
    let issue = |command: &mut Command| {
        let script = r#"curl -s -u "$CHATKITTY_CLIENT_ID:$CHATKITTY_CLIENT_SECRET" -d grant_type=client_credentials "$CHATKITTY_TOKEN_URL""#;
        let output = command.args(["--", "sh", "-c", script]).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let exec = || {
        let mut command = command();
        command.current_dir(&folder.0).arg("exec");
        command
    };
    let from_file = issue(&mut exec());
    assert_eq!(from_file["expires_in"], 5);
    assert_eq!(from_file, issue(&mut exec()), "the file's seed makes tokens repeatable");
    let from_environment = issue(exec().env("CHATKITTY_MOCK_SEED", "2"));
    assert_ne!(from_file["access_token"], from_environment["access_token"]);
    assert_eq!(from_file, issue(exec().env("CHATKITTY_MOCK_SEED", "2").args(["--seed", "1"])));
}

#[test]
fn a_clock_that_is_given_stands_still() {
    let folder = Folder::new("clock");
    folder.file("chatkitty-mock.toml", "clock = \"2030-01-02T03:04:05Z\"\n");
    let script = r#"curl -si "$CHATKITTY_BASE_URL/v1/application"; curl -s "$CHATKITTY_MOCK_ADMIN_URL/api/clock""#;
    let exec = |command: &mut Command| {
        let output = command.args(["--", "sh", "-c", script]).output().unwrap();
        stdout(&output).to_lowercase()
    };
    let from_file = exec(command().current_dir(&folder.0).arg("exec"));
    assert!(from_file.contains("date: wed, 02 jan 2030 03:04:05 gmt"), "{from_file}");
    let from_flag = exec(command().current_dir(&folder.0).args(["exec", "--clock", "2031-01-02T03:04:05+01:00"]));
    assert!(from_flag.ends_with(r#"{"now":"2031-01-02t02:04:05z","frozen":true,"real":false}"#), "{from_flag}");
    let wrong = run(&["serve", "--clock", "tomorrow"]);
    assert_eq!((wrong.status.code(), stdout(&wrong).as_str()), (Some(2), ""));
    assert!(stderr(&wrong).contains("write it like 2026-11-23T09:30:00Z"), "{}", stderr(&wrong));
}

#[test]
fn mistakes_of_usage_are_named_with_a_place_and_a_suggestion() {
    let folder = Folder::new("mistakes");
    for (text, place, help) in [
        ("sed = 1\n", "chatkitty-mock.toml:1:1", "did you mean `seed`?"),
        ("\non-violation = \"rejct\"\n", "chatkitty-mock.toml:2:16", "use one of: reject, report"),
        ("port = \"x\"\n", "chatkitty-mock.toml:1:8", ""),
        ("port = \n", "chatkitty-mock.toml:1:", ""),
    ] {
        folder.file("chatkitty-mock.toml", text);
        let output = command().current_dir(&folder.0).output().unwrap();
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{text}");
        let error = stderr(&output);
        assert!(error.contains(place) && error.contains(help), "{text}: {error}");
    }
    for arguments in [
        &["serve", "--prot", "1"][..],
        &["srve"],
        &["--port", "x"],
        &["--max-body", "lots"],
        &["exec"],
        &["explain", "CK9999"],
        &["--openapi", "no/such.yaml"],
    ] {
        let output = run(arguments);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!stderr(&output).is_empty());
    }
    let bad = command().env("CHATKITTY_MOCK_PORT", "x").output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn the_edition_is_named_in_banner_and_ready_line_and_every_edition_checks_clean() {
    for edition in chatkitty_mock::Edition::ALL.map(chatkitty_mock::Edition::as_str) {
        let output = run(&["check", "--strict", "--edition", edition]);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "0 errors, 0 warnings\n"), "{edition}");
        let server = Server::with(&["--edition", edition]);
        assert_eq!(server.ready["contract"]["edition"], edition);
        let (_, _, banner) = server.stop("TERM");
        assert!(banner.contains(&format!("edition {edition}")), "{banner}");
        let path = if edition == "unversioned" { "/application\n" } else { "/v1/application\n" };
        assert!(banner.contains(path), "a line to paste: {banner}");
    }
}

#[test]
fn an_edition_and_a_contract_of_ones_own_exclude_each_other() {
    let folder = Folder::new("editions");
    let own = folder.file("own.yaml", "openapi: 3.1.0\ninfo: { title: own, version: '1' }\npaths: {}\n");
    let help = "both say which contract is served\nhelp: leave one of them out\n";
    for verb in [&["serve", "--port", "0"][..], &["check"], &["exec"]] {
        let mut arguments = [verb, &["--openapi", &own, "--edition", "camel"]].concat();
        arguments.extend(if verb == ["exec"] { &["--", "true"][..] } else { &[] });
        let output = run(&arguments);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{arguments:?}");
        assert_eq!(stderr(&output), format!("error: `--openapi` and `--edition` {help}"));
    }
    let mut environment = command();
    environment.arg("check").env("CHATKITTY_MOCK_OPENAPI", &own).env("CHATKITTY_MOCK_EDITION", "camel");
    let named = "`CHATKITTY_MOCK_OPENAPI` and `CHATKITTY_MOCK_EDITION`";
    assert_eq!(stderr(&environment.output().unwrap()), format!("error: {named} {help}"));
    folder.file("chatkitty-mock.toml", "openapi = 'own.yaml'\nedition = 'camel'\n");
    let output = command().current_dir(&folder.0).arg("check").output().unwrap();
    assert_eq!(stderr(&output), format!("error: chatkitty-mock.toml: `openapi` and `edition` {help}"));

    // From different places, the one that goes first counts.
    folder.file("chatkitty-mock.toml", "openapi = 'own.yaml'\n");
    let served = |command: &mut Command| Server::start(command).ready["contract"]["title"].clone();
    let serve = |arguments: &[&str]| {
        let mut command = command();
        command.current_dir(&folder.0).args(["serve", "-q", "--port", "0"]).args(arguments);
        command
    };
    assert_eq!(served(&mut serve(&[])), "own");
    assert_eq!(served(&mut serve(&["--edition", "camel"])), "ChatKitty Application API");
    assert_eq!(served(serve(&[]).env("CHATKITTY_MOCK_EDITION", "camel")), "ChatKitty Application API");
    assert_eq!(served(serve(&["--openapi", "own.yaml"]).env("CHATKITTY_MOCK_EDITION", "camel")), "own");
}

/// The lamp's colour, as an application has it.
fn lamp(server: &Server, application: &str) -> String {
    let url = format!("{}/lamp", server.ready["url"].as_str().unwrap());
    let output = Command::new("curl").args(["-s", "-H", &format!("X-Mock-Application: {application}"), &url]).output();
    let value: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    value["colour"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn sighup_loads_again_and_a_broken_file_changes_nothing() {
    let files = crate::reload::Files::new("sighup");
    let (contract, fixtures) = (files.path("lamps.yaml"), files.path("fixtures"));
    let mut server = Server::with(&["--openapi", &contract, "--fixtures", &fixtures]);
    let errors = server.errors();
    errors.until("Ctrl-C stops it");
    files.fixture("home", "id-home", "GREEN");
    files.fixture("new", "id-new", "RED");
    assert_eq!(lamp(&server, "home"), "RED", "nothing is watched");
    server.signal("HUP");
    errors.until("reloaded lamps 1: 7 operations, 2 applications");
    assert_eq!((lamp(&server, "home"), lamp(&server, "new")), ("GREEN".to_owned(), "RED".to_owned()));
    files.schemas("GREEN", 10);
    server.signal("HUP");
    let said = errors.until("served on");
    assert!(said.contains("new.yaml:2:31") && said.contains("schemas.yaml:1:"), "both places: {said}");
    assert!(
        said.contains("error: the contract or the fixtures cannot be used, so what was served is served on"),
        "{said}"
    );
    assert_eq!(lamp(&server, "new"), "RED");
    std::fs::remove_file(files.path("fixtures/new.yaml")).unwrap();
    server.signal("HUP");
    let said = errors.until("reloaded");
    assert!(said.contains("CK0807") && said.contains("`/lamp` of the application `new` breaks the contract"), "{said}");
    assert_eq!((lamp(&server, "home"), lamp(&server, "new")), ("GREEN".to_owned(), "GREEN".to_owned()), "the example");
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_watched_is_loaded_again_when_it_changes() {
    let files = crate::reload::Files::new("watch");
    files.write("chatkitty-mock.toml", "watch = true\nopenapi = 'lamps.yaml'\nfixtures = 'fixtures'\n");
    let folder = Path::new(&files.path("lamps.yaml")).parent().unwrap().to_path_buf();
    let mut server = Server::start(command().current_dir(&folder).args(["serve", "--port", "0"]));
    let errors = server.errors();
    errors.until("Ctrl-C stops it");
    files.schemas("RED, BLUE", 10);
    errors.until("reloaded lamps 1");
    files.fixture("home", "id-home", "BLUE");
    errors.until("reloaded lamps 1");
    assert_eq!(lamp(&server, "home"), "BLUE");
    files.write("lamps.yaml", "openapi: 3.1.0\ninfo: [");
    let said = errors.until("served on");
    assert!(said.contains("lamps.yaml:2:"), "{said}");
    assert_eq!(lamp(&server, "home"), "BLUE");
    files.contract("2", "/oauth/token");
    errors.until("reloaded lamps 2: 7 operations, 1 application");
    let (contract, fixtures) = (files.path("lamps.yaml"), files.path("fixtures"));
    let script = format!(
        r#"sed -i "s/'2'/'3'/" {contract}; for i in $(seq 100); do
        curl -s "$CHATKITTY_MOCK_ADMIN_URL/api/contract" | grep -q '"version":"3"' && exit 0; sleep 0.1; done; exit 9"#
    );
    let output = run(&["exec", "--watch", "--openapi", &contract, "--fixtures", &fixtures, "--", "sh", "-c", &script]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    let output = run(&["proxy"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is not available in this version"), "{}", stderr(&output));
}

#[test]
fn exec_gives_the_commands_code_and_fails_on_violations() {
    let exec = |script: &str| run(&["exec", "--env", "API_URL={url}/x", "--", "sh", "-c", script]);
    assert_eq!(exec("exit 3").status.code(), Some(3));
    assert_eq!(exec("kill -TERM $$").status.code(), Some(128 + 15));
    let output = exec(r#"echo "$CHATKITTY_BASE_URL $API_URL $CHATKITTY_STAGING_CLIENT_ID $CHATKITTY_MOCK_ADMIN_URL""#);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(words.len(), 4, "no ready line, only what the command prints: {text}");
    assert_eq!(words[1], format!("{}/x", words[0]));
    let output = exec(r#"curl -s "$CHATKITTY_BASE_URL/v1/nothing""#);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("CK0101"), "{}", stderr(&output));
    assert_eq!(run(&["exec", "--", "no-such-command-here"]).status.code(), Some(127));
    let folder = Folder::new("exec");
    let marker = folder.0.join("ran");
    let output = run(&["exec", "--openapi", "no/such.yaml", "--", "touch", &marker.display().to_string()]);
    assert_eq!((output.status.code(), marker.exists()), (Some(2), false));
}

#[test]
fn serve_fails_on_what_it_is_told_to() {
    for (arguments, code) in [(&[][..], 0), (&["--fail-on", "violations"][..], 1), (&["--fail-on", "drift"][..], 0)] {
        let server = Server::with(arguments);
        let url = format!("{}/v1/nothing", server.ready["url"].as_str().unwrap());
        assert!(Command::new("curl").args(["-s", "-o", "/dev/null", &url]).status().unwrap().success());
        assert_eq!(server.stop("TERM").0, Some(code), "{arguments:?}");
    }
}

const THREE_MISTAKES: &str = "credentials: { client_id: a, client_secret: b }
resuorces: {}
resources:
  /v1/aplication: {}
  /v1/application/settings:
    guestUsers: ENABLD
    userCreatedChannels: ENABLED
";

#[test]
fn check_shows_every_mistake_of_a_fixture_with_both_places_and_serve_refuses_it() {
    let folder = Folder::new("check");
    let fixture = folder.file("broken.yaml", THREE_MISTAKES);
    let output = run(&["check", &fixture]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for (place, rest) in [
        ("broken.yaml:2:1", "did you mean `resources`?"),
        ("broken.yaml:4:3", "did you mean `/v1/application`?"),
        ("broken.yaml:6:17", "did you mean `ENABLED`?"),
    ] {
        assert!(text.contains(place) && text.contains(rest), "{place}: {text}");
    }
    assert!(text.contains("openapi/chatkitty.yaml:") && text.contains("3 errors, 0 warnings"), "{text}");
    let output = run(&["check", "--format", "json", &fixture]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 3);
    let output = run(&["serve", "--port", "0", "--fixtures", &fixture]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""));
    assert!(stderr(&output).contains("broken.yaml:6:17"), "{}", stderr(&output));
    assert_eq!(run(&["check"]).status.code(), Some(0));
    assert_eq!(run(&["check", "no/such.yaml"]).status.code(), Some(2));
}

#[test]
fn a_contract_with_slips_is_served_and_strict_check_fails_on_them() {
    let folder = Folder::new("slips");
    let contract = folder.file(
        "slips.yaml",
        "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n  /x:\n    get:\n      responses:\n        '200':\n          description: ok\n          content:\n            application/json:\n              schema: {type: integer}\n              example: nope\n",
    );
    let output = run(&["check", &contract]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("CK0711") && stdout(&output).contains("slips.yaml:12:"), "{}", stdout(&output));
    assert_eq!(run(&["check", "--strict", &contract]).status.code(), Some(1));
    let server = Server::with(&["--openapi", &contract]);
    assert_eq!(server.ready["contract"]["edition"], Value::Null);
}

#[test]
fn codes_are_explained_and_completions_made() {
    assert!(stdout(&run(&["explain", "ck0203"])).contains("Cure:"));
    let all = chatkitty_mock::diagnostic::code::ALL;
    assert_eq!(stdout(&run(&["explain"])).lines().count(), all.len());
    let list: Value = serde_json::from_slice(&run(&["explain", "--format", "json"]).stdout).unwrap();
    let markdown = stdout(&run(&["explain", "--format", "markdown"]));
    assert_eq!((list.as_array().unwrap().len(), markdown.matches("## CK").count()), (all.len(), all.len()));
    for (code, told) in all.iter().zip(list.as_array().unwrap()) {
        let entry = code.entry();
        for (member, text) in [
            ("title", entry.title),
            ("explanation", entry.explanation),
            ("example", entry.example),
            ("cure", entry.cure),
            ("family", code.family()),
        ] {
            assert!(told[member] == text && text.len() > 3, "{code}: {member}");
        }
        assert!(entry.cure.ends_with('.') && entry.explanation.ends_with('.'), "{code}");
        assert!(code.explain().contains(entry.example) && markdown.contains(&format!("## {code}: {}", entry.title)));
    }
    let one: Value = serde_json::from_slice(&run(&["explain", "--format", "json", "CK0203"]).stdout).unwrap();
    assert_eq!(one["status"], 400);
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&run(&["completions", shell])).contains("chatkitty-mock"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let page = stdout(&run(&["man"]));
    assert!(page.contains(".TH chatkitty-mock 1") && page.contains("chatkitty\\-mock\\-serve(1)"), "{page}");
    let verbs: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("chatkitty\\-mock\\-")?.strip_suffix("(1)")).collect();
    assert!(verbs.len() > 8, "{verbs:?}");
    let folder = Folder::new("man");
    assert_eq!(run(&["man", "--dir", &folder.0.display().to_string()]).status.code(), Some(0));
    for verb in verbs {
        let written = std::fs::read_to_string(folder.0.join(format!("chatkitty-mock-{verb}.1"))).unwrap();
        assert_eq!(stdout(&run(&["man", verb])), written);
        assert!(written.contains(&format!(".TH chatkitty-mock-{verb} 1")), "{written}");
    }
    assert!(stdout(&run(&["man", "audit"])).contains("CHATKITTY_MOCK_BASE_PATH"));
    let output = run(&["man", "serv"]);
    assert_eq!((output.status.code(), stderr(&output).contains("did you mean `serve`?")), (Some(2), true));
    assert_eq!(run(&["man", "--dir", "no/such/folder"]).status.code(), Some(2));
}
