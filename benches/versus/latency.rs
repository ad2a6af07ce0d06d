//! How long an answer takes under half of the load that saturates.

use crate::loader::Load;
use crate::process::Server;
use crate::requests;
use crate::rounds::{Side, Spread, compare};
use crate::table::{Row, Target};
use crate::throughput::{CONNECTIONS, per_second};
use crate::{Arguments, Result, bare};

/// Of a hundred answers, the slowest but one.
const QUANTILE: f64 = 0.99;

pub(crate) fn latency(arguments: &Arguments) -> Result<Vec<Row>> {
    let server = Server::start(None)?;
    let work = &requests::GET;
    let load = Load { requests: vec![server.request(work)], status: work.status, connections: CONNECTIONS, depth: 1 };
    let bare = bare::start(server.process.address, &server.request(work))?;
    let runs = compare(&[Side { process: &server.process, load: load.clone() }], arguments)?;
    let rate = Spread::of(runs.into_iter().flat_map(|runs| runs.rates)).median / 2.0;
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds() {
        for (process, all) in [(&server.process, &mut ours), (&bare, &mut others)] {
            let latencies = load.pace(process.address, rate, arguments.run())?;
            all.push(latencies.value_at_quantile(QUANTILE) as f64);
        }
    }
    let name = format!("`{} {}`, p99 at half of the saturating load ({})", work.method, work.path, per_second(rate));
    let median = |values: &[f64]| format!("{:.0} µs", Spread::of(values.iter().copied()).median);
    let ratio = Spread::of_ratios(&ours, &others);
    Ok(vec![Row::ratio(name, median(&ours), median(&others), ratio, Target::AtMost(1.3))])
}
