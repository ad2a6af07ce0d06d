//! The peers, installed from npm, each serving the same contract.

use crate::loader::Load;
use crate::process::{Process, Server};
use crate::requests::{self, Work};
use crate::rounds::{Side, Spread, compare};
use crate::table::{Row, Target};
use crate::throughput::{CONNECTIONS, rate};
use crate::{Arguments, Result, folder, wire};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is asked of each.
const WORK: Work<'static> = requests::GET;
/// How much faster this server is to be.
const LEAST: f64 = 20.0;
/// The slowest is ready in a fifth of it.
const READY: Duration = Duration::from_secs(60);

/// A peer: its name and version at npm, and how it is started.
struct Peer {
    name: &'static str,
    package: &'static str,
    version: &'static str,
    command: fn(folder: &Path, contract: &str, port: u16) -> Result<Command>,
}

const PEERS: [Peer; 3] = [
    Peer { name: "Prism", package: "@stoplight/prism-cli", version: "5.16.0", command: prism },
    Peer { name: "Mockoon", package: "@mockoon/cli", version: "9.9.0", command: mockoon },
    Peer { name: "WireMock", package: "wiremock", version: "3.13.2", command: wiremock },
];

fn prism(folder: &Path, contract: &str, port: u16) -> Result<Command> {
    let mut command = Command::new(folder.join("node_modules/.bin/prism"));
    command.args(["mock", "--verboseLevel", "silent", "--port", &port.to_string(), contract]);
    Ok(command)
}

fn mockoon(folder: &Path, contract: &str, port: u16) -> Result<Command> {
    let mut command = Command::new(folder.join("node_modules/.bin/mockoon-cli"));
    command.args([
        "start",
        "--disable-log-to-file",
        "--disable-admin-api",
        "--port",
        &port.to_string(),
        "--data",
        contract,
    ]);
    Ok(command)
}

/// It reads no OpenAPI, so it is told the answer of the contract's example, and to ask for a token.
fn wiremock(folder: &Path, _: &str, port: u16) -> Result<Command> {
    let root = folder.join("wiremock");
    let mappings = root.join("mappings");
    std::fs::create_dir_all(&mappings)?;
    let answer = json!({ "id": 1, "key": "19b458d0-2b50-491c-8f13-65ec12f3978e", "properties": {}, "created_time": "2020-10-02T20:29:25.316Z" });
    let mapping = json!({
        "request": { "method": WORK.method, "urlPath": WORK.path, "headers": { "Authorization": { "matches": "Bearer .+" } } },
        "response": { "status": WORK.status, "headers": { "Content-Type": "application/json" }, "jsonBody": answer },
    });
    std::fs::write(mappings.join("application.json"), mapping.to_string())?;
    let package = folder.join("node_modules/wiremock/build");
    let jar = std::fs::read_dir(package)?.filter_map(|entry| Some(entry.ok()?.path()));
    let jar = jar.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "jar"));
    let mut command = Command::new("java");
    command.arg("-jar").arg(jar.ok_or("the package has no jar")?);
    command.args(["--disable-banner", "--max-request-journal-entries", "10000", "--use-chunked-encoding", "never"]);
    command.args(["--port", &port.to_string()]).arg("--root-dir").arg(root);
    Ok(command)
}

/// A row for each peer, with the reason where it cannot be installed or started.
pub(crate) fn peers(arguments: &Arguments) -> Result<Vec<Row>> {
    let folder = folder()?.join("npm");
    let installed =
        if arguments.quick && !arguments.peers { Err("left out by `--quick`".into()) } else { install(&folder) };
    let installed = installed.map_err(|error| error.to_string());
    let measure = |peer: &Peer| -> Result<Row> {
        installed.clone()?;
        against(peer, &folder, arguments)
    };
    let rows = PEERS.iter().map(|peer| {
        let row = measure(peer);
        row.unwrap_or_else(|error| Row::missing(title(peer), &format!("≥ {LEAST} ×"), format!("not measured: {error}")))
    });
    Ok(rows.collect())
}

fn title(peer: &Peer) -> String {
    format!("`{} {}`, {CONNECTIONS} connections, beside {} {}", WORK.method, WORK.path, peer.name, peer.version)
}

/// Installs all of them, without the scripts of the packages.
fn install(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let packages = PEERS.map(|peer| format!("{}@{}", peer.package, peer.version));
    let output = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(folder)
        .args(packages)
        .output()
        .map_err(|error| format!("`npm` cannot be run: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(first_line(&output.stderr).into()) }
}

fn first_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().next().unwrap_or("npm failed and does not say why").to_owned()
}

fn against(peer: &Peer, folder: &Path, arguments: &Arguments) -> Result<Row> {
    let server = Server::start(None)?;
    let load = Load { requests: vec![server.request(&WORK)], status: WORK.status, connections: CONNECTIONS, depth: 1 };
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/chatkitty.yaml");
    let port = free_port()?;
    let mut command = (peer.command)(folder, contract, port)?;
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut process = Process::new(child, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    wait(&mut process)?;
    let reply = wire::exchange(process.address, &server.request(&WORK))?;
    if reply.status() != WORK.status {
        return Err(format!("it answers {}", reply.status()).into());
    }
    let sides = [&server.process, &process].map(|process| Side { process, load: load.clone() });
    let runs = compare(&sides, arguments)?;
    let [ours, other] = runs.as_slice() else { return Err("each side is run".into()) };
    let ratio = Spread::of_ratios(&ours.rates, &other.rates);
    Ok(Row::ratio(title(peer), rate(ours), rate(other), ratio, Target::AtLeast(LEAST)))
}

/// None of the peers tells which port it took, so they are told one that was free.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[expect(clippy::disallowed_methods, reason = "none of the peers says when it is ready")]
fn wait(process: &mut Process) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect(process.address).is_err() {
        if process.has_ended() {
            return Err("it ended as soon as it was started".into());
        }
        if start.elapsed() > READY {
            return Err(format!("it is not ready after {READY:?}").into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
