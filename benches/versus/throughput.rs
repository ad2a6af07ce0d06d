//! This server beside the bare one: answers a second, and user-space time an answer.

use crate::loader::Load;
use crate::process::Server;
use crate::requests::{self, Work};
use crate::rounds::{Runs, Side, Spread, compare};
use crate::table::{Row, Target, short};
use crate::{Arguments, Result, bare};
use serde_json::json;
use std::time::Duration;

/// Connections where nothing else is said.
pub(crate) const CONNECTIONS: usize = 16;

pub(crate) fn get(arguments: &Arguments) -> Result<Vec<Row>> {
    let mut rows = against_bare(&requests::GET, 1, 16, 1, 0.95, Some(1.5), arguments)?;
    rows.extend(against_bare(&requests::GET, 1, 64, 1, 0.95, Some(1.5), arguments)?);
    rows.extend(against_bare(&requests::GET, 2, 16, 1, 0.95, Some(1.5), arguments)?);
    Ok(rows)
}

pub(crate) fn pipelined(arguments: &Arguments) -> Result<Vec<Row>> {
    against_bare(&requests::GET, 1, CONNECTIONS, 16, 0.70, None, arguments)
}

pub(crate) fn put(arguments: &Arguments) -> Result<Vec<Row>> {
    against_bare(&requests::PUT, 1, CONNECTIONS, 1, 0.90, Some(1.7), arguments)
}

pub(crate) fn refused(arguments: &Arguments) -> Result<Vec<Row>> {
    against_bare(&requests::REFUSED, 1, CONNECTIONS, 1, 0.75, Some(4.0), arguments)
}

/// The rows of one kind of work, `turns` different requests of it in turn on each connection: at least so much of the bare server's throughput, at most so much of its user-space time.
fn against_bare(
    work: &Work<'_>,
    turns: usize,
    connections: usize,
    depth: usize,
    throughput: f64,
    user: Option<f64>,
    arguments: &Arguments,
) -> Result<Vec<Row>> {
    let server = Server::start(None)?;
    let requests = if turns > 1 { server.in_turn(work, turns) } else { vec![server.request(work)] };
    let load = Load { requests, status: work.status, connections, depth };
    let bare = bare::start(server.process.address, &server.request(work))?;
    let sides = [&server.process, &bare].map(|process| Side { process, load: load.clone() });
    let runs = compare(&sides, arguments)?;
    let [ours, bare] = runs.as_slice() else { return Err("each side is run".into()) };
    let mut name = format!("`{} {}`, {connections} connections", work.method, work.path);
    if turns > 1 {
        name = format!("{name}, no request the same as the one before");
    }
    if depth > 1 {
        name = format!("{name}, pipelined {depth} deep");
    }
    if work.status >= 400 {
        name = format!("{name}, refused with three violations");
    }
    let ratio = Spread::of_ratios(&ours.rates, &bare.rates);
    let details = json!({ "loader_busy": [ours.busy, bare.busy], "user_us": [micros(ours.user), micros(bare.user)] });
    let mut rows =
        vec![Row::ratio(name.as_str(), rate(ours), rate(bare), ratio, Target::AtLeast(throughput)).with(details)];
    if let Some(most) = user {
        let ratio = Spread::of([ours.user.as_secs_f64() / bare.user.as_secs_f64()]);
        let [ours, bare] = [ours, bare].map(|runs| format!("{} µs", short(micros(runs.user))));
        rows.push(Row::ratio(format!("{name}: user-space CPU an answer"), ours, bare, ratio, Target::AtMost(most)));
    }
    Ok(rows)
}

/// Answers a second, for people.
pub(crate) fn rate(runs: &Runs) -> String {
    per_second(Spread::of(runs.rates.iter().copied()).median)
}

pub(crate) fn per_second(rate: f64) -> String {
    if rate < 10_000.0 { format!("{rate:.0}/s") } else { format!("{} k/s", short(rate / 1000.0)) }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
