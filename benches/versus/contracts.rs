//! Requests on contracts of different sizes.

use crate::contract::{SENT, contract, path};
use crate::loader::Load;
use crate::process::Server;
use crate::requests::Work;
use crate::rounds::{Runs, Side, Spread, compare};
use crate::table::{Row, Target};
use crate::throughput::{CONNECTIONS, rate};
use crate::{Arguments, Result, folder};

const OPERATIONS: [usize; 3] = [10, 1_000, 10_000];
/// Properties of each schema.
const PROPERTIES: usize = 4;

/// The throughput of each contract beside that of the smallest.
pub(crate) fn operations(arguments: &Arguments) -> Result<Vec<Row>> {
    let mut servers = Vec::new();
    for operations in OPERATIONS {
        let document = folder()?.join(format!("generated-{operations}.json"));
        std::fs::write(&document, contract(operations, PROPERTIES).to_string())?;
        servers.push((Server::start(Some(&document))?, path(operations / 2)));
    }
    let mut rows = Vec::new();
    for (method, body) in [("GET", ""), ("PUT", SENT)] {
        let sides: Vec<Side<'_>> = servers
            .iter()
            .map(|(server, path)| {
                let work = Work { method, path, body, status: 200 };
                let load = Load { requests: server.in_turn(&work, 2), status: 200, connections: CONNECTIONS, depth: 1 };
                Side { process: &server.process, load }
            })
            .collect();
        let runs = compare(&sides, arguments)?;
        let beside = |(run, operations): (&Runs, usize)| {
            let name = format!("{method} on a contract of {operations} operations, beside one of {}", OPERATIONS[0]);
            let ratio = Spread::of_ratios(&run.rates, &runs[0].rates);
            Row::ratio(name, rate(run), rate(&runs[0]), ratio, Target::AtLeast(0.9))
        };
        rows.extend(runs.iter().zip(OPERATIONS).skip(1).map(beside));
    }
    Ok(rows)
}
