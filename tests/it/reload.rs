//! Contract and fixtures loaded again under a running server: swapped in whole, or not at all.

use crate::command_line::Folder;
use bytes::Bytes;
use chatkitty_mock::diagnostic::code;
use chatkitty_mock::{Application, Exchange, MockServer};
use http::{Request, Response};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A lamp that is one of some colours, and notes with a text of some length; the schemas are in a file of their own.
const CONTRACT: &str = "openapi: 3.1.0
info: { title: lamps, version: 'VERSION' }
components:
  securitySchemes:
    o: { type: oauth2, flows: { clientCredentials: { tokenUrl: TOKEN_PATH, scopes: { 'read:*': '' } } } }
paths:
  /lamp:
    get: { responses: { '200': &lamp { description: ok, content: { application/json: { schema: { $ref: 'schemas.yaml#/Lamp' } } } } } }
    put:
      requestBody: { content: { application/json: { schema: { $ref: 'schemas.yaml#/Lamp' } } } }
      responses: { '200': *lamp }
  /secret: { get: { security: [{ o: [] }], responses: { '200': *lamp } } }
  /notes:
    get: { responses: { '200': { description: ok, content: { application/json: { schema: { type: array, items: { $ref: 'schemas.yaml#/Note' } } } } } } }
    post:
      requestBody: { content: { application/json: { schema: { $ref: 'schemas.yaml#/Note' } } } }
      responses: { '201': &note { description: ok, content: { application/json: { schema: { $ref: 'schemas.yaml#/Note' } } } } }
  /notes/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    get: { responses: { '200': *note } }
    delete: { responses: { '204': { description: gone } } }
";

/// The files of one server.
pub(crate) struct Files(Folder);

impl Files {
    pub(crate) fn new(name: &str) -> Self {
        let files = Self(Folder::new(name));
        std::fs::create_dir_all(files.0.path().join("fixtures")).unwrap();
        files.contract("1", "/oauth/token");
        files.schemas("RED, GREEN", 10);
        files.fixture("home", "id-home", "RED");
        files
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.0.file(name, text);
    }

    pub(crate) fn contract(&self, version: &str, token_path: &str) {
        self.write("lamps.yaml", &CONTRACT.replace("VERSION", version).replace("TOKEN_PATH", token_path));
    }

    pub(crate) fn schemas(&self, colours: &str, length: usize) {
        let text = format!(
            "Lamp: {{ type: object, required: [colour], properties: {{ colour: {{ enum: [{colours}] }} }} }}
Note: {{ type: object, required: [id, text], properties: {{ id: {{ type: integer, readOnly: true }}, text: {{ type: string, maxLength: {length} }} }} }}
"
        );
        self.write("schemas.yaml", &text);
    }

    pub(crate) fn fixture(&self, name: &str, client_id: &str, colour: &str) {
        let text = format!(
            "credentials: {{ client_id: {client_id}, client_secret: s-{client_id}, scopes: ['read:*'] }}
resources: {{ /lamp: {{ colour: {colour} }}, /secret: {{ colour: {colour} }} }}
"
        );
        self.write(&format!("fixtures/{name}.yaml"), &text);
    }

    fn start(&self) -> MockServer {
        let builder = MockServer::builder().openapi(self.path("lamps.yaml")).fixtures(self.path("fixtures"));
        builder.journal(1_000_000).start().unwrap()
    }
}

struct Caller<'a> {
    mock: &'a MockServer,
    application: &'a Application,
}

impl Caller<'_> {
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response<Bytes> {
        let request = Request::builder().method(method).uri(path).header("x-mock-application", self.application.name());
        let request = request.header("content-type", "application/json");
        self.mock.handle(request.body(body.map(Value::to_string).unwrap_or_default()).unwrap())
    }

    fn get(&self, path: &str) -> Value {
        serde_json::from_slice(self.send("GET", path, None).body()).unwrap()
    }

    fn paint(&self, colour: &str) -> u16 {
        self.send("PUT", "/lamp", Some(&json!({ "colour": colour }))).status().as_u16()
    }

    fn note(&self, text: &str) {
        assert_eq!(self.send("POST", "/notes", Some(&json!({ "text": text }))).status(), 201);
    }
}

fn status(mock: &MockServer, path: &str, token: &str) -> u16 {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    mock.handle(request.body("").unwrap()).status().as_u16()
}

#[test]
fn state_and_tokens_survive_where_the_new_contract_allows_them() {
    let files = Files::new("survive");
    let mock = files.start();
    let (home, other) = (mock.application("home"), mock.new_application());
    let (at_home, elsewhere) =
        (Caller { mock: &mock, application: &home }, Caller { mock: &mock, application: &other });
    let token = home.token();
    assert_eq!((at_home.paint("GREEN"), elsewhere.paint("GREEN")), (200, 200));
    ["short", "0123456789", "gone"].iter().for_each(|text| at_home.note(text));
    assert_eq!(at_home.send("DELETE", "/notes/3", None).status(), 204);

    files.contract("2", "/v2/token");
    assert!(mock.reload().unwrap().is_empty(), "everything fits");
    assert_eq!(mock.contract().version, "2");
    assert_eq!(
        (at_home.get("/lamp"), elsewhere.get("/lamp")),
        (json!({ "colour": "GREEN" }), json!({ "colour": "GREEN" }))
    );
    assert_eq!(status(&mock, "/secret", &token), 200);
    let token_again = |path: &str| {
        let body = "grant_type=client_credentials&client_id=id-home&client_secret=s-id-home";
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        mock.handle(request.body(body).unwrap()).status().as_u16()
    };
    assert_eq!((token_again("/v2/token"), token_again("/oauth/token")), (200, 200), "what was announced stays");

    files.schemas("RED, BLUE", 9);
    let told = mock.reload().unwrap();
    let texts: Vec<String> = told.iter().map(|told| format!("{} {}", told.code, told.message)).collect();
    let of = |path: &str, name: &str| format!("CK0807 `{path}` of the application `{name}` breaks the contract");
    for (path, name, fate) in [
        ("/lamp", "home", "; it is what the fixture says again"),
        ("/notes/2", "home", "; it is gone"),
        ("/lamp", other.name(), "; it is what the fixture says again"),
    ] {
        let is_told = |text: &&String| text.starts_with(&of(path, name)) && text.ends_with(fate);
        assert_eq!(texts.iter().filter(is_told).count(), 1, "{path} of {name}: {texts:?}");
    }
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|told| told.code == code::STATE_DROPPED && told.contract.is_some()));
    assert_eq!(at_home.get("/lamp"), json!({ "colour": "RED" }));
    assert_eq!(at_home.get("/notes"), json!([{ "id": 1, "text": "short" }]));
    at_home.note("new");
    assert_eq!(at_home.get("/notes/4")["text"], "new", "no id is given twice");
    assert_eq!((at_home.paint("BLUE"), status(&mock, "/secret", &token)), (200, 200));
    home.reset();
    assert_eq!(
        (at_home.get("/lamp"), home.resource("/secret")),
        (json!({ "colour": "RED" }), json!({ "colour": "RED" }))
    );
    assert_eq!(mock.report().drift(), 0);
    mock.verify();
}

#[test]
fn a_seed_that_no_longer_fits_is_dropped_from_applications_without_a_file() {
    let files = Files::new("seedless");
    let mock = files.start();
    let other = mock.new_application();
    files.fixture("home", "id-home", "BLUE");
    files.schemas("BLUE", 10);
    let told = mock.reload().unwrap();
    let texts: Vec<&str> = told.iter().map(|told| told.message.as_str()).collect();
    assert!(
        texts.len() == 2 && texts.iter().all(|text| text.contains(other.name()) && text.ends_with("it is gone")),
        "{texts:?}"
    );
    assert!(other.find_resource("/lamp").is_none());
    other.reset();
    assert!(other.find_resource("/lamp").is_none());
    assert_eq!(mock.application("home").resource("/lamp")["colour"], "BLUE");
    mock.verify();
}

#[test]
fn broken_files_change_nothing_and_say_why() {
    let files = Files::new("broken");
    let mock = files.start();
    let home = mock.application("home");
    let caller = Caller { mock: &mock, application: &home };
    assert_eq!(caller.paint("GREEN"), 200);
    let token = home.token();
    for (name, text, place) in [
        ("lamps.yaml", "openapi: 3.1.0\ninfo: [", "lamps.yaml:2:"),
        (
            "lamps.yaml",
            "openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths: { /x: { $ref: 'none.yaml' } }\n",
            "lamps.yaml:3:",
        ),
        ("schemas.yaml", "Lamp: {", "schemas.yaml"),
        ("fixtures/home.yaml", "resources: { /lamp: { colour: MAUVE } }", "home.yaml:1:"),
        ("fixtures/new.yaml", "resources: { /lmap: {} }", "did you mean `/lamp`?"),
        ("fixtures/new.yaml", "credentials: { client_id: id-home, client_secret: x }", "client id"),
    ] {
        files.contract("2", "/oauth/token");
        files.write(name, text);
        let error = mock.reload().unwrap_err();
        assert!(!error.diagnostics().is_empty() && error.to_string().contains(place), "{name}: {error}");
        assert_eq!((mock.contract().version.as_str(), mock.applications().len()), ("1", 1), "{name}");
        assert_eq!((caller.get("/lamp"), status(&mock, "/secret", &token)), (json!({ "colour": "GREEN" }), 200));
        files.schemas("RED, GREEN", 10);
        files.fixture("home", "id-home", "RED");
        let _ = std::fs::remove_file(files.path("fixtures/new.yaml"));
    }
    // An id that an application has which no file knows.
    let created = mock.new_application();
    files.fixture("new", created.client_id(), "RED");
    let error = mock.reload().unwrap_err();
    assert!(
        error.to_string().contains("`new` cannot be added: another application has one of its client ids"),
        "{error}"
    );
    files.fixture("new", "id-new", "RED");
    assert!(mock.reload().unwrap().is_empty());
    assert_eq!(mock.contract().version, "2");
    mock.verify();
}

#[test]
fn applications_follow_their_fixtures_in_what_nobody_changed() {
    let files = Files::new("fixtures");
    files.fixture("away", "id-away", "RED");
    let mock = files.start();
    let (home, away) = (mock.application("home"), mock.application("away"));
    let caller = Caller { mock: &mock, application: &home };
    assert_eq!(caller.paint("GREEN"), 200);
    let token = home.token();
    let (snapshot, exchanges) = (home.snapshot(), home.exchanges());

    files.write(
        "fixtures/home.yaml",
        "credentials:
  - { client_id: id-other, client_secret: s-other, scopes: ['read:*'] }
  - { client_id: id-away, client_secret: swapped, scopes: ['read:*'] }
resources: { /lamp: { colour: RED }, /secret: { colour: GREEN }, /notes: [{ id: 7, text: seeded }] }
",
    );
    files.fixture("away", "id-home", "RED");
    files.fixture("new", "id-new", "GREEN");
    assert!(mock.reload().unwrap().is_empty());
    assert_eq!(
        mock.applications().iter().map(|app| app.name().to_owned()).collect::<Vec<_>>(),
        ["away", "home", "new"]
    );
    assert_eq!(caller.get("/lamp"), json!({ "colour": "GREEN" }), "somebody changed it");
    assert_eq!(home.resource("/secret")["colour"], "GREEN", "nobody did");
    assert_eq!(caller.get("/notes"), json!([{ "id": 7, "text": "seeded" }]));
    assert_eq!(mock.application("new").resource("/lamp")["colour"], "GREEN");
    // Both gave up their client ids, and one took the other's.
    assert_eq!((home.client_id(), away.client_id()), ("id-other", "id-home"));
    assert_eq!(mock.application("id-away").name(), "home");
    // What they did, and what they had, is theirs under whatever client id.
    assert_eq!(home.exchanges().first().map(Exchange::id), exchanges.first().map(Exchange::id));
    assert!(away.exchanges().is_empty());
    assert_eq!(caller.paint("RED"), 200);
    assert_eq!(snapshot.diff().iter().filter(|change| change.path == "/lamp").count(), 1);
    snapshot.restore();
    assert_eq!(
        (&home.resource("/lamp")["colour"], &home.resource("/secret")["colour"]),
        (&json!("GREEN"), &json!("RED"))
    );
    home.set_resource("/notes", json!([{ "id": 7, "text": "seeded" }]));
    let issued = |client_id: &str, secret: &str| {
        let body = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
        let request = Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        mock.handle(request.body(body).unwrap()).status().as_u16()
    };
    assert_eq!(
        (issued("id-other", "s-other"), issued("id-away", "swapped"), issued("id-home", "s-id-home")),
        (200, 200, 200)
    );
    assert_eq!(status(&mock, "/secret", &token), 200, "tokens stay");

    std::fs::remove_file(files.path("fixtures/new.yaml")).unwrap();
    files.fixture("home", "id-other", "RED");
    assert!(mock.reload().unwrap().is_empty());
    assert_eq!(mock.application("new").resource("/lamp")["colour"], "GREEN", "an application stays without its file");
    assert_eq!(caller.get("/notes"), json!([]), "the fixture has it no more");
    mock.verify();
    assert_eq!((issued("id-away", "swapped"), issued("id-other", "s-other")), (401, 401));
    assert_eq!(issued("id-other", "s-id-other"), 200);
    mock.allow_violations();
}

#[test]
fn a_compiled_contract_is_shared_until_any_of_its_files_says_something_else() {
    let files = Files::new("cache");
    files.schemas("RED, GREEN", 10);
    let first = files.start();
    // As long as before, and perhaps within one step of the file system's clock.
    files.schemas("RED, BROWN", 10);
    let second = files.start();
    let put = |mock: &MockServer, colour: &str| {
        let application = mock.application("home");
        let status = Caller { mock, application: &application }.paint(colour);
        mock.allow_violations();
        status
    };
    assert_eq!((put(&first, "BROWN"), put(&second, "BROWN")), (400, 200));
    assert_eq!((put(&first, "GREEN"), put(&second, "GREEN")), (200, 400));
    first.reload().unwrap();
    assert_eq!((put(&first, "BROWN"), put(&first, "GREEN")), (200, 400));
}

#[test]
fn requests_under_way_see_the_old_world_or_the_new_one() {
    let files = Files::new("traffic");
    let mock = files.start();
    mock.allow_violations();
    let applications: Vec<Application> = (0..4).map(|_| mock.new_application()).collect();
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for application in &applications {
            for _ in 0..2 {
                let caller = Caller { mock: &mock, application };
                let (over, answered) = (&over, &answered);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        let painted = caller.paint(["GREEN", "BLUE"][answered.load(Ordering::Relaxed) % 2]);
                        assert!(painted == 200 || painted == 400, "{painted}");
                        let lamp = caller.get("/lamp");
                        assert!(["RED", "GREEN", "BLUE"].iter().any(|colour| lamp["colour"] == *colour), "{lamp}");
                        caller.note("n");
                        assert!(caller.get("/notes").as_array().is_some());
                        answered.fetch_add(4, Ordering::Relaxed);
                    }
                });
            }
        }
        for turn in 0..20 {
            let wait = answered.load(Ordering::Relaxed) + 40;
            files.schemas(if turn % 2 == 0 { "RED, BLUE" } else { "RED, GREEN" }, 10);
            let reloaded = mock.reload();
            // Were it not for the time, callers that failed would be waited for.
            let late = Instant::now() + Duration::from_secs(20);
            while answered.load(Ordering::Relaxed) < wait && Instant::now() < late {
                std::thread::yield_now();
            }
            let goes_on = reloaded.is_ok() && answered.load(Ordering::Relaxed) >= wait;
            over.store(!goes_on, Ordering::Relaxed);
            assert!(goes_on, "{reloaded:?}");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(mock.report().drift(), 0, "nobody was shown a state of another contract");
    for application in &applications {
        let notes = Caller { mock: &mock, application }.get("/notes").as_array().unwrap().len();
        let posted = application.exchanges().iter().filter(|exchange| exchange.method() == "POST").count();
        assert!(posted > 0 && notes == posted, "no write was lost: {notes} of {posted}");
    }
}

#[test]
fn the_bundled_contract_can_be_loaded_again() {
    let mock = MockServer::start();
    let app = mock.application("development");
    let token = app.token();
    mock.reload().unwrap();
    assert_eq!(status(&mock, "/v1/application", &token), 200);
    assert_eq!(mock.applications().len(), 3);
}

#[test]
fn a_change_of_any_file_is_noticed() {
    let files = Files::new("noticed");
    let mock = files.start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let noticed = |change: &dyn Fn()| {
        change();
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), mock.files_changed()).await })
    };
    let changes: [&dyn Fn(); 4] = [
        &|| files.contract("2", "/oauth/token"),
        &|| files.schemas("RED, BLUE", 10),
        &|| files.fixture("home", "id-home", "BLUE"),
        &|| files.fixture("new", "id-new", "BLUE"),
    ];
    for change in changes {
        assert!(noticed(change).is_ok());
        mock.reload().unwrap();
    }
    assert!(noticed(&|| files.write("schemas.yaml", "Lamp: {")).is_ok());
    mock.reload().unwrap_err();
    assert!(noticed(&|| files.schemas("RED, BLUE", 10)).is_ok(), "a file that was broken is tried again");
    mock.reload().unwrap();
}
