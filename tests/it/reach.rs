//! Which files a document reads: those of its own folder, and no others unless that is asked for.

use super::command_line::{Folder, command, run, stdout};
use chatkitty_mock::{Builder, MockServer};
use http::{Request, StatusCode};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

/// Stands in what must not be read.
const CANARY: &str = "canary-outside";

/// A folder with a document's own folder in it, and files beside that.
struct Tree(Folder);

impl Tree {
    fn new(name: &str) -> Self {
        let tree = Self(Folder::new(name));
        for folder in ["api/sub", "api-beside"] {
            std::fs::create_dir_all(tree.path(folder)).unwrap();
        }
        for file in ["outside.yaml", "api-beside/outside.yaml"] {
            std::fs::write(tree.path(file), format!("enum: [{CANARY}]\n")).unwrap();
        }
        std::fs::write(tree.path("outside.txt"), format!("{CANARY}: [unclosed")).unwrap();
        std::fs::write(tree.path("api/sub/inside.yaml"), "enum: [inside]\n").unwrap();
        std::fs::write(tree.path("api/a b%.yaml"), "enum: [inside]\n").unwrap();
        for (target, link) in [
            ("../outside.yaml", "link.yaml"),
            ("..", "up"),
            ("sub/inside.yaml", "alias.yaml"),
            ("loop.yaml", "loop.yaml"),
        ] {
            symlink(target, tree.path("api").join(link)).unwrap();
        }
        tree
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// A document whose one schema is somewhere else.
    fn document(&self, reference: &str) -> String {
        let reference = serde_json::Value::String(reference.to_owned());
        let schema = format!("{{ $ref: {reference} }}");
        self.text(&format!("paths:\n  /a: {{ post: {{ requestBody: {{ required: true, content: {{ application/json: {{ schema: {schema} }} }} }}, responses: {{ '200': {{ description: ok }} }} }} }}\n"))
    }

    fn text(&self, rest: &str) -> String {
        let file = self.path("api/api.yaml");
        std::fs::write(&file, format!("openapi: 3.1.1\ninfo: {{ title: t, version: '1' }}\n{rest}")).unwrap();
        file.display().to_string()
    }
}

/// Whether a server takes the text as the body, which says what its schema is; else why it does not start.
fn takes(builder: Builder, text: &str) -> Result<bool, String> {
    let mock = builder.verify_on_drop(false).start().map_err(|error| error.to_string())?;
    let request = Request::post("/a").header("content-type", "application/json").body(format!("\"{text}\""));
    Ok(mock.handle(request.unwrap()).status() == StatusCode::OK)
}

/// References that lead out of the folder, in whatever way they are written.
fn ways_out(tree: &Tree) -> Vec<String> {
    let absolute = tree.path("outside.yaml").display().to_string();
    let api = tree.path("api").display().to_string();
    [
        "../outside.yaml",
        "./../outside.yaml",
        "sub/../../outside.yaml",
        "sub/./../../outside.yaml",
        "%2e%2e/outside.yaml",
        "%2E%2E%2Foutside.yaml",
        "sub/%2e%2e/%2e%2e/outside.yaml",
        "sub%2f..%2f..%2foutside.yaml",
        ".%2e/outside.yaml",
        "../api-beside/outside.yaml",
        "link.yaml",
        "up/outside.yaml",
        "up/api/up/outside.yaml",
        &absolute,
        &format!("file://{absolute}"),
        &format!("FILE://{absolute}"),
        &format!("file:{absolute}"),
        &format!("file://{api}/../outside.yaml"),
        &format!("file://{api}/%2e%2e/outside.yaml"),
        "../outside.yaml#/enum",
        "../outside.yaml?x=1",
    ]
    .map(ToOwned::to_owned)
    .into()
}

#[test]
fn references_out_of_the_folder_are_followed_only_where_that_is_asked_for() {
    let tree = Tree::new("ways-out");
    let mut followed = 0;
    for reference in ways_out(&tree) {
        let file = tree.document(&reference);
        let refused = takes(MockServer::builder().openapi(&file), CANARY).unwrap_err();
        assert!(!refused.contains(CANARY), "{reference}: {refused}");
        let checked = run(&["check", "--format", "json", &file]);
        assert_eq!(checked.status.code(), Some(1), "{reference}");
        assert!(!stdout(&checked).contains(CANARY), "{reference}: {}", stdout(&checked));
        // The network's flag is not this one's.
        assert!(takes(MockServer::builder().openapi(&file).allow_remote_refs(true), CANARY).is_err(), "{reference}");
        followed +=
            usize::from(takes(MockServer::builder().openapi(&file).allow_outside_refs(true), CANARY) == Ok(true));
    }
    assert!(followed >= 15, "{followed} of them lead to the file, if they may");
    let told = run(&["check", &tree.document("../outside.yaml")]);
    for expected in ["CK0705", "lies outside the folder of the document", "`--allow-outside-refs` lets it be read"] {
        assert!(stdout(&told).contains(expected), "{}", stdout(&told));
    }
    // What does not parse is not shown either.
    assert!(!stdout(&run(&["check", &tree.document("../outside.txt")])).contains(CANARY));
    for reference in [
        "sub/inside.yaml",
        "./sub/../sub/inside.yaml",
        "sub%2Finside.yaml",
        "alias.yaml",
        "a%20b%25.yaml",
        "up/api/sub/inside.yaml",
    ] {
        let file = tree.document(reference);
        assert_eq!(takes(MockServer::builder().openapi(&file), "inside"), Ok(true), "{reference}");
    }
}

#[test]
fn what_is_no_file_of_this_machine_is_not_read() {
    let tree = Tree::new("no-files");
    let fifo = tree.path("api/pipe.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink("/dev/zero", tree.path("api/zero.yaml")).unwrap();
    symlink("/proc/self/environ", tree.path("api/environ.yaml")).unwrap();
    let big = std::fs::File::create(tree.path("api/big.yaml")).unwrap();
    big.set_len(1 << 40).unwrap();
    let outside = tree.path("outside.yaml").display().to_string();
    for reference in [
        "//host/share/outside.yaml",
        "file://host/share/outside.yaml",
        &format!("file://localhost{outside}"),
        &format!("//localhost{outside}"),
        r"\\host\share\outside.yaml",
        r"..\outside.yaml",
        r"C:\outside.yaml",
        "file:///C:/outside.yaml",
        "ftp://localhost/outside.yaml",
        "data:application/json,%7B%22enum%22:%5B%22canary-outside%22%5D%7D",
        "jar:file:outside.yaml!/x",
        "unix:/run/x",
        "urn:example:outside",
        "pipe.yaml",
        "zero.yaml",
        "environ.yaml",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/environ",
        "big.yaml",
        "loop.yaml",
        "sub",
        ".",
        "%00",
        "sub/inside.yaml%00.txt",
        "%ff",
    ] {
        let file = tree.document(reference);
        for reach in [MockServer::builder(), MockServer::builder().allow_outside_refs(true)] {
            let start = Instant::now();
            let taken = takes(reach.openapi(&file), CANARY);
            assert_ne!(taken, Ok(true), "{reference}");
            assert!(start.elapsed() < Duration::from_secs(5), "{reference} takes long");
        }
    }
}

#[test]
fn nothing_in_a_document_is_fetched_unasked() {
    let tree = Tree::new("unasked");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let net = format!("http://{}", listener.local_addr().unwrap());
    let ways = [format!("{net}/x.yaml"), "../outside.yaml".to_owned(), "link.yaml".to_owned()];
    for target in ways {
        let places = [
            format!("paths: {{ /a: {{ $ref: '{target}' }} }}"),
            format!(
                "paths: {{ /a: {{ get: {{ parameters: [{{ $ref: '{target}' }}], responses: {{ '200': {{ $ref: '{target}' }} }} }} }} }}"
            ),
            format!(
                "paths: {{ /a: {{ get: {{ responses: {{ '200': {{ description: x, headers: {{ X: {{ $ref: '{target}' }} }}, links: {{ l: {{ operationRef: '{target}' }} }} }} }} }} }} }}"
            ),
            format!(
                "paths: {{ /a: {{ get: {{ responses: {{ '200': {{ description: x, content: {{ application/json: {{ examples: {{ e: {{ externalValue: '{target}' }}, r: {{ $ref: '{target}' }} }} }} }} }} }} }} }} }}"
            ),
            format!(
                "paths: {{}}\ncomponents: {{ schemas: {{ A: {{ oneOf: [{{ type: object }}], discriminator: {{ propertyName: p, mapping: {{ a: '{target}' }} }} }} }} }}"
            ),
            format!(
                "paths: {{}}\ncomponents: {{ schemas: {{ A: {{ $dynamicRef: '{target}#x' }}, B: {{ $id: '{target}', $ref: 'other.yaml' }}, C: {{ $schema: '{target}' }} }} }}"
            ),
            format!("paths: {{}}\njsonSchemaDialect: '{target}'\nexternalDocs: {{ url: '{target}' }}\ninfo2: 1"),
            format!(
                "paths: {{ /a: {{ get: {{ security: [{{ s: [] }}], responses: {{}} }} }} }}\ncomponents: {{ securitySchemes: {{ s: {{ $ref: '{target}' }}, o: {{ type: openIdConnect, openIdConnectUrl: '{target}' }} }} }}"
            ),
            format!(
                "paths: {{}}\ncomponents: {{ requestBodies: {{ r: {{ $ref: '{target}' }} }}, callbacks: {{ c: {{ $ref: '{target}' }} }}, pathItems: {{ p: {{ $ref: '{target}' }} }} }}\nwebhooks: {{ w: {{ $ref: '{target}' }} }}"
            ),
            format!("$self: '{target}'\npaths: {{}}\ncomponents: {{ schemas: {{ A: {{ $ref: 'outside.yaml' }} }} }}"),
            format!("paths: {{}}\nservers: [{{ url: '{target}' }}]\nx-mock: {{ $ref: '{target}' }}"),
        ];
        for place in places {
            let file = tree.text(&place);
            let checked = run(&["check", "--format", "json", &file]);
            assert!(checked.status.code() == Some(0) || checked.status.code() == Some(1), "{place}");
            assert!(!stdout(&checked).contains(CANARY), "{place}: {}", stdout(&checked));
            if let Ok(mock) = MockServer::builder().openapi(&file).verify_on_drop(false).start() {
                let reply = mock.handle(Request::get("/a").body("").unwrap());
                assert!(!String::from_utf8_lossy(reply.body()).contains(CANARY), "{place}");
            }
            let asked = listener.accept().map(|_| ()).map_err(|error| error.kind());
            assert_eq!(asked, Err(std::io::ErrorKind::WouldBlock), "{place}");
        }
    }
}

#[test]
fn a_name_that_a_document_gives_itself_opens_no_other_folder() {
    let tree = Tree::new("named");
    let folder = tree.path("").display().to_string();
    for name in [
        format!("file://{folder}known-as.yaml"),
        "https://example.com/api/known-as.yaml".to_owned(),
        "../known-as.yaml".to_owned(),
    ] {
        for reference in
            ["outside.yaml", "../outside.yaml", "%2e%2e/outside.yaml", "https://example.com/api/%2e%2e/outside.yaml"]
        {
            let schema = format!("{{ application/json: {{ schema: {{ $ref: '{reference}' }} }} }}");
            let file = tree.text(&format!("paths:\n  /a: {{ post: {{ requestBody: {{ content: {schema} }}, responses: {{ '200': {{ description: ok }} }} }} }}\n"));
            let text = std::fs::read_to_string(&file)
                .unwrap()
                .replace("openapi: 3.1.1", &format!("openapi: 3.2.0\n$self: '{name}'"));
            std::fs::write(&file, text).unwrap();
            assert_ne!(takes(MockServer::builder().openapi(&file), CANARY), Ok(true), "{name} {reference}");
            assert!(!stdout(&run(&["check", &file])).contains(CANARY), "{name} {reference}");
        }
    }
}

#[test]
fn a_document_given_as_text_reads_no_file() {
    let tree = Tree::new("as-text");
    for reference in ways_out(&tree).iter().map(String::as_str).chain(["sub/inside.yaml", "api/sub/inside.yaml"]) {
        let text = std::fs::read_to_string(tree.document(reference)).unwrap();
        for outside in [false, true] {
            let builder = MockServer::builder().openapi_text("api.yaml", text.clone()).allow_outside_refs(outside);
            assert!(takes(builder, CANARY).is_err(), "{reference}");
        }
    }
}

#[test]
fn the_flags_have_their_environment_variables() {
    let tree = Tree::new("flags");
    let file = tree.document("../outside.yaml");
    let code = |set: &[(&str, &str)]| {
        let mut check = command();
        check.args(["check", &file]).current_dir(Path::new(env!("CARGO_TARGET_TMPDIR")));
        check.envs(set.iter().copied()).output().unwrap().status.code()
    };
    assert_eq!(code(&[]), Some(1));
    assert_eq!(code(&[("CHATKITTY_MOCK_ALLOW_REMOTE_REFS", "true")]), Some(1));
    assert_eq!(code(&[("CHATKITTY_MOCK_ALLOW_OUTSIDE_REFS", "true")]), Some(0));
}
