//! From nothing to the first answer, and the memory that it takes, at once and in the long run.

use crate::contract::contract;
use crate::loader::Load;
use crate::process::{Memory, Server};
use crate::requests::{self, Work};
use crate::rounds::Spread;
use crate::table::{Row, Target, short};
use crate::throughput::CONNECTIONS;
use crate::{Arguments, Result, folder, wire};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) const MIB: f64 = 1024.0 * 1024.0;
/// ChatKitty's published document, which is other people's, and so stands beside the project where it does at all.
const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/contracts/chatkitty-2.41.9.json");
/// Operations and properties of a generated document of the published one's size, and of 10 MB.
const LIKE_PUBLISHED: (usize, usize) = (66, 62);
const LARGE: (usize, usize) = (1_000, 120);

/// The rows of each contract: how long until a request with a token is answered, and the memory after that.
pub(crate) fn start(arguments: &Arguments) -> Result<Vec<Row>> {
    let bundled = Started::of(None, &requests::GET, 3 * arguments.rounds())?;
    let mut rows = vec![
        Row::limit("start to first answer, bundled contract", bundled.time, 10.0, "ms"),
        Row::limit("memory after it", bundled.memory_mib(), 12.0, "MiB"),
    ];
    let users = Work { method: "GET", path: "/v1/users", body: "", status: 200 };
    let (published, work, name) = match PathBuf::from(PUBLISHED) {
        published if published.exists() => (published, users, "ChatKitty's published document"),
        _ => (generated(LIKE_PUBLISHED)?, first_of_generated(), "a generated document of the published one's size"),
    };
    let started = Started::of(Some(&published), &work, arguments.rounds())?;
    let name = format!("start to first answer, {name} ({})", size(&published)?);
    rows.push(
        Row::limit(name, started.time, 60.0, "ms").noting(&format!("{} MiB", short(started.memory_mib().median))),
    );

    let large = generated(LARGE)?;
    let bytes = std::fs::metadata(&large)?.len() as f64;
    let started = Started::of(Some(&large), &first_of_generated(), arguments.rounds())?;
    let name = format!("start to first answer, {} operations in a generated document ({})", LARGE.0, size(&large)?);
    rows.push(Row::limit(name, started.time, 1_000.0, "ms"));
    let most = Spread::of(started.memory.iter().map(|memory| memory.most as f64)).median;
    let ours = format!("{} MiB, at most {} MiB", short(started.memory_mib().median), short(most / MIB));
    let ratio = Spread::of(started.memory.iter().map(|memory| memory.now as f64 / bytes));
    let other = format!("{} MiB of document", short(bytes / MIB));
    rows.push(Row::ratio("memory after it", ours, other, ratio, Target::AtMost(10.0)));
    Ok(rows)
}

/// What starting came to, start by start.
struct Started {
    /// Milliseconds.
    time: Spread,
    memory: Vec<Memory>,
}

impl Started {
    fn of(document: Option<&Path>, work: &Work<'_>, times: u32) -> Result<Self> {
        let (mut time, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..times {
            let start = Instant::now();
            let server = Server::start(document)?;
            let reply = wire::exchange(server.process.address, &server.request(work))?;
            time.push(start.elapsed().as_secs_f64() * 1000.0);
            if reply.status() != work.status {
                return Err(format!("the first answer is {reply:?}").into());
            }
            memory.push(server.process.memory()?);
        }
        Ok(Self { time: Spread::of(time), memory })
    }

    fn memory_mib(&self) -> Spread {
        Spread::of(self.memory.iter().map(|memory| memory.now as f64 / MIB))
    }
}

fn generated((operations, properties): (usize, usize)) -> Result<PathBuf> {
    let document = folder()?.join(format!("generated-{operations}-{properties}.json"));
    std::fs::write(&document, contract(operations, properties).to_string())?;
    Ok(document)
}

fn first_of_generated() -> Work<'static> {
    Work { method: "GET", path: "/v1/group-0/things-0", body: "", status: 200 }
}

fn size(document: &Path) -> Result<String> {
    Ok(format!("{} kB", std::fs::metadata(document)?.len() / 1000))
}

/// How memory goes over many requests of every kind.
pub(crate) fn memory(arguments: &Arguments) -> Result<Vec<Row>> {
    let requests = match arguments {
        Arguments { quick: true, .. } => 50_000,
        Arguments { long: true, .. } => 10_000_000,
        _ => 1_000_000,
    };
    let server = Server::start(None)?;
    let loads = [&requests::GET, &requests::PUT, &requests::REFUSED].map(|work| Load {
        requests: vec![server.request(work)],
        status: work.status,
        connections: CONNECTIONS,
        depth: 1,
    });
    let time = Duration::from_millis(if arguments.quick { 200 } else { 1_000 });
    // Every sample is taken after the same kind of request, as the journal holds the last ones.
    let mut answers = 0;
    let mut carry = || -> Result<u64> {
        for load in &loads {
            answers += load.saturate(server.process.address, time)?.answers;
        }
        Ok(answers)
    };
    // Until the journal is full, which is a limit and no leak.
    let mut first = carry()?;
    while first < JOURNAL_FULL {
        first = carry()?;
    }
    let start = server.process.memory()?.now as f64;
    let mut middle = None;
    let mut carried = 0;
    while carried < requests {
        carried = carry()? - first;
        if carried >= requests / 2 {
            middle.get_or_insert(server.process.memory()?.now as f64);
        }
    }
    let end = server.process.memory()?.now as f64;
    let middle = middle.unwrap_or(end);
    let name = format!("memory after {} million requests", short(carried as f64 / 1e6));
    let ours = format!("{} MiB, at first {} MiB", short(end / MIB), short(start / MIB));
    let other = format!("{} MiB half-way", short(middle / MIB));
    // What leaks goes on; what the allocator keeps comes to an end.
    Ok(vec![Row::ratio(name, ours, other, Spread::of([end / middle]), Target::AtMost(1.05))])
}

/// Requests after which the journal, and what is allocated around it, is as full as it gets.
const JOURNAL_FULL: u64 = 40_000;
