//! Where a server listens: IPv6, Unix sockets, sockets of a service manager; and what of HTTP/1.1 a client may do there.

use crate::command_line::{BINARY, Folder, Server, run, stderr, stdout};
use crate::wire::exchanged;
use chatkitty_mock::MockServer;
use std::net::Ipv6Addr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

/// Version and status that curl tells, or its exit code.
fn curl(arguments: &[&str]) -> String {
    let shown = ["-sS", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"];
    let output = Command::new("curl").args(shown).args(arguments).output().unwrap();
    if output.status.success() { stdout(&output) } else { format!("exit {}", output.status.code().unwrap()) }
}

#[test]
fn ipv6_addresses_have_brackets_in_every_url() {
    let server = Server::with(&["-q", "--host", "::1"]);
    let url = server.ready["url"].as_str().unwrap();
    assert!(url.starts_with("http://[::1]:") && server.ready["token_url"].as_str().unwrap().starts_with(url), "{url}");
    assert_eq!(curl(&[&format!("{url}/_mock/api/verdict")]), "1.1 200");
    assert_eq!(run(&["ready", "--url", url]).status.code(), Some(0));
    let stopped = run(&["stop", "--url", url]);
    assert_eq!(stopped.status.code(), Some(0), "{}", stderr(&stopped));
    let mock = MockServer::builder().host(Ipv6Addr::LOCALHOST.into()).tls_self_signed().start().unwrap();
    let ca = mock.ca_file().unwrap().display().to_string();
    assert_eq!(curl(&["--cacert", &ca, &format!("{}/_mock/livez", mock.url())]), "2 200");
    let verified = run(&["verify", "--url", mock.url(), "--ca", &ca]);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
}

#[test]
fn a_unix_socket_is_served_beside_tcp_and_goes_with_the_server() {
    let folder = Folder::new("unix");
    let path = folder.path().join("mock.sock").display().to_string();
    let server = Server::with(&["-q", "--unix-socket", &path]);
    assert_eq!(server.ready["unix_socket"], path);
    assert_eq!(curl(&["--unix-socket", &path, "http://localhost/_mock/api/verdict"]), "1.1 200");
    assert_eq!(
        curl(&["--unix-socket", &path, "--http2-prior-knowledge", "http://localhost/_mock/api/verdict"]),
        "2 200"
    );
    assert_eq!(curl(&["--unix-socket", &path, "http://evil.example/_mock/api/verdict"]), "1.1 403");
    assert_eq!(curl(&[&format!("{}/_mock/livez", server.ready["url"].as_str().unwrap())]), "1.1 200");
    let (code, ..) = server.stop("TERM");
    assert_eq!(code, Some(0));
    assert!(!Path::new(&path).exists());
}

#[test]
fn a_stale_socket_is_replaced_and_nothing_else_is() {
    let folder = Folder::new("stale");
    let path = folder.path().join("mock.sock");
    let shown = path.display();
    let start = || MockServer::builder().unix_socket(&path).start();
    let reason = || {
        let error = start().unwrap_err();
        format!("{error}: {}", std::error::Error::source(&error).unwrap())
    };
    // Nobody listens on it any more.
    drop(UnixListener::bind(&path).unwrap());
    let mock = start().unwrap();
    assert_eq!(mock.unix_socket(), Some(path.as_path()));
    UnixStream::connect(&path).unwrap();
    assert_eq!(reason(), format!("cannot listen on `{shown}`: another server listens on it"));
    UnixStream::connect(&path).expect("the first one still listens");
    // A file that has taken its place is not ours to remove.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "kept").unwrap();
    drop(mock);
    assert_eq!(reason(), format!("cannot listen on `{shown}`: the file is no socket, and is not replaced"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
    // One that listens and does not accept is there all the same.
    std::fs::remove_file(&path).unwrap();
    let busy = UnixListener::bind(&path).unwrap();
    assert_eq!(reason(), format!("cannot listen on `{shown}`: another server listens on it"));
    drop(busy);
    let missing = folder.path().join("no/such/folder.sock");
    let error = MockServer::builder().unix_socket(&missing).start().unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on `{}`", missing.display()));
}

/// Opens sockets as a service manager does, and becomes the server.
const MANAGER: &str = r#"
import os, socket, sys
kinds, arguments = sys.argv[1].split(","), sys.argv[2:]
opened = []
for kind in kinds:
    if kind == "tcp":
        opened.append(socket.create_server(("127.0.0.1", 0)))
    elif kind == "udp":
        opened.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    else:
        opened.append(socket.socket(socket.AF_UNIX))
        opened[-1].bind(kind)
        opened[-1].listen()
for place, one in enumerate(opened):
    os.dup2(one.fileno(), 100 + place)
for place in range(len(opened)):
    os.dup2(100 + place, 3 + place, inheritable=True)
    os.close(100 + place)
pid = os.getpid() if "STRANGER" not in os.environ else 1
os.environ.update(LISTEN_FDS=str(len(opened)), LISTEN_PID=str(pid))
os.execv(arguments[0], arguments)
"#;

#[test]
fn sockets_of_a_service_manager_are_served() {
    let folder = Folder::new("activation");
    let path = folder.path().join("given.sock").display().to_string();
    let manager = |kinds: &str| {
        let mut command = Command::new("python3");
        command.args(["-c", MANAGER, kinds, BINARY, "serve", "-q", "--port", "0"]);
        command
    };
    let server = Server::start(&mut manager(&format!("tcp,{path}")));
    assert_eq!(curl(&[&format!("{}/_mock/livez", server.ready["url"].as_str().unwrap())]), "1.1 200");
    assert_eq!(curl(&["--unix-socket", &path, "http://localhost/_mock/livez"]), "1.1 200");
    let (code, ..) = server.stop("TERM");
    assert_eq!(code, Some(0));
    assert!(Path::new(&path).exists(), "the file is the manager's");
    for (kinds, expected) in [
        ("udp", "error: what `LISTEN_FDS` hands over as number 1 is no stream socket\n"),
        ("tcp,tcp", "error: `LISTEN_FDS` hands over two sockets of a kind; one of each can be served\n"),
        ("tcp,tcp,tcp", "error: `LISTEN_FDS` hands over 3 sockets; one of TCP and one Unix socket can be served\n"),
    ] {
        let output = manager(kinds).output().unwrap();
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(2), expected));
    }
    // They are for another process.
    let server = Server::start(manager("udp").env("STRANGER", "1"));
    assert_eq!(curl(&[&format!("{}/_mock/livez", server.ready["url"].as_str().unwrap())]), "1.1 200");
}

#[test]
fn requests_in_a_row_with_trailers_expectations_and_urls_as_targets_are_answered_in_order() {
    let mock = MockServer::start();
    let app = mock.application("development");
    let bearer = format!("Authorization: Bearer {}\r\n", app.token());
    let settings = "/v1/application/settings";
    let body = r#"{"guestUsers":"DISABLED","userCreatedChannels":"ENABLED"}"#;
    let (first, second) = body.split_at(20);
    let chunked =
        format!("{:x};a=b\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\nX-Sum: 1\r\n\r\n", first.len(), second.len());
    let received = exchanged(
        mock.port(),
        &format!(
            "PUT {settings} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n{chunked}\
             \r\nGET http://127.0.0.1{settings} HTTP/1.1\r\nHost: other\r\n{bearer}\r\n\
             PUT {settings} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-Continue\r\n\r\n{body}\
             GET {settings} HTTP/1.0\r\n{bearer}Connection: keep-alive\r\n\r\n\
             GET /_mock/livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            body.len()
        ),
    );
    assert_eq!(
        received.matches("HTTP/1.1 200 OK\r\n").count() + received.matches("HTTP/1.0 200 OK\r\n").count(),
        5,
        "{received}"
    );
    assert_eq!(received.matches(r#""guestUsers":"DISABLED""#).count(), 4, "{received}");
    assert!(received.ends_with(r#"{"status":"ok"}"#), "{received}");
    mock.verify();
}
