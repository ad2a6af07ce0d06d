//! Servers in processes of their own: started, asked, measured, and gone with the value.

use crate::requests::Work;
use crate::{Result, wire};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Linux tells the times of processes in hundredths of a second, whatever its clock ticks in.
const TICK: Duration = Duration::from_millis(10);

/// A process that serves at an address.
pub(crate) struct Process {
    child: Child,
    /// Kept open, for the process to write to.
    _output: Option<BufReader<ChildStdout>>,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// A process that is known to serve there.
    pub(crate) fn new(child: Child, address: SocketAddr) -> Self {
        Self { child, _output: None, address }
    }

    /// Waits for the first line on the process's piped standard output, which says where it serves.
    pub(crate) fn told(mut child: Child, address: impl FnOnce(&str) -> Result<SocketAddr>) -> Result<Self> {
        let output = child.stdout.take().map(BufReader::new);
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut process = Self { child, _output: output, address: unknown };
        let mut line = String::new();
        if let Some(output) = &mut process._output {
            output.read_line(&mut line)?;
        }
        process.address = address(&line)?;
        Ok(process)
    }

    /// Whether it ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The time it has spent in user space.
    pub(crate) fn user_time(&self) -> Result<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is a name in parentheses, which may have spaces; the 14th is the time.
        let after_name = text.rsplit(") ").next().unwrap_or_default();
        let ticks: u32 = after_name.split(' ').nth(11).unwrap_or_default().parse()?;
        Ok(TICK * ticks)
    }

    /// Bytes in memory now, and at most so far.
    pub(crate) fn memory(&self) -> Result<Memory> {
        memory(&self.child.id().to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes of memory of a process.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) most: u64,
}

/// The memory of a process by its id, or of this one: `self`.
pub(crate) fn memory(process: &str) -> Result<Memory> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = |name: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib: u64 = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default().parse()?;
        Ok(kib * 1024)
    };
    Ok(Memory { now: field("VmRSS:")?, most: field("VmHWM:")? })
}

/// This server, with a token of its first application.
pub(crate) struct Server {
    pub(crate) process: Process,
    token: String,
}

impl Server {
    /// Starts the binary of this checkout with the bundled contract, or with a document.
    pub(crate) fn start(document: Option<&Path>) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatkitty-mock"));
        command.args(["serve", "--quiet", "--port", "0"]).env_clear().stdout(Stdio::piped());
        if let Some(document) = document {
            command.arg("--openapi").arg(document);
        }
        let mut ready = Value::Null;
        let process = Process::told(command.spawn()?, |line| {
            ready = serde_json::from_str(line).map_err(|_| "the server did not start")?;
            Ok(ready["url"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?)
        })?;
        let token = token(process.address, &ready)?;
        Ok(Self { process, token })
    }

    /// The bytes of a request that the server takes.
    pub(crate) fn request(&self, work: &Work<'_>) -> Vec<u8> {
        wire::bytes(&work.request(&self.token))
    }

    /// The bytes of so many requests that differ in a field which says nothing, so that none is the one before it again.
    pub(crate) fn in_turn(&self, work: &Work<'_>, count: usize) -> Vec<Vec<u8>> {
        let turns = (0..count).map(|turn| {
            let mut request = work.request(&self.token);
            request.headers_mut().insert("x-turn", turn.into());
            wire::bytes(&request)
        });
        turns.collect()
    }
}

/// A token for the first application of the ready line.
fn token(address: SocketAddr, ready: &Value) -> Result<String> {
    let application = &ready["applications"][0];
    let text = |name: &str| application[name].as_str().unwrap_or_default();
    let credentials = BASE64_STANDARD.encode(format!("{}:{}", text("client_id"), text("client_secret")));
    let path =
        ready["token_url"].as_str().unwrap_or_default().trim_start_matches(ready["url"].as_str().unwrap_or_default());
    let body = "grant_type=client_credentials";
    let request = http::Request::post(path)
        .header("host", "localhost")
        .header("authorization", format!("Basic {credentials}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-length", body.len())
        .body(body)?;
    let reply = wire::exchange(address, &wire::bytes(&request))?;
    let granted: Value = serde_json::from_slice(reply.body())?;
    Ok(granted["access_token"].as_str().ok_or("the token endpoint gave no token")?.to_owned())
}
