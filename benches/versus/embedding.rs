//! Servers in a test's process: how fast they start, and how many there can be.

use crate::process::memory;
use crate::requests;
use crate::rounds::Spread;
use crate::table::{Row, short};
use crate::{Arguments, Result, wire};
use chatkitty_mock::MockServer;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

/// Servers that are started one after the other.
const STARTS: usize = 500;
/// Servers alive at once.
const LIVE: usize = 1_000;

pub(crate) fn embedding(arguments: &Arguments) -> Result<Vec<Row>> {
    // The process may hold few sockets unless it asks for more.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    drop(MockServer::start());
    let starts = if arguments.quick { 10 } else { STARTS };
    let times = (0..starts).map(|_| {
        let start = Instant::now();
        let mock = MockServer::start();
        let time = start.elapsed().as_secs_f64() * 1e6;
        drop(mock);
        time
    });
    let mut rows = vec![Row::limit("`MockServer::start()`, second and later", Spread::of(times), 60.0, "µs")];

    let before = memory("self")?.now;
    let servers: Vec<MockServer> = (0..LIVE).map(|_| MockServer::start()).collect();
    for server in &servers {
        let request = wire::bytes(&requests::GET.request(&server.application("development").token()));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
        let status = wire::exchange(address, &request)?.status();
        if status != requests::GET.status {
            return Err(format!("of {LIVE} servers in one process, one answers {status}").into());
        }
    }
    let each = (memory("self")?.now - before) as f64 / LIVE as f64 / 1024.0;
    let all = Spread::of([servers.len() as f64]);
    let note = format!("each answered and takes {} KiB", short(each));
    rows.push(Row::at_least("live servers in one process", all, LIVE as f64).noting(&note));
    Ok(rows)
}
