//! `cargo bench --bench versus`: this server beside a bare hyper one that answers the same bytes, and beside its peers.
//!
//! Every figure is a ratio, or a limit that was promised. What is compared runs in processes of its own, in short
//! rounds that alternate, under the same load from the same built-in loader; `docs/performance.md` says more. The table goes to
//! standard output, `target/bench/versus.md` and `.json`, and with `--update-readme` into the README.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures and progress are for their reader")]

mod bare;
mod contracts;
mod embedding;
mod latency;
mod loader;
mod peers;
mod process;
mod rounds;
mod start;
mod table;
mod throughput;
mod weight;
mod wire;

#[path = "../work/contract.rs"]
mod contract;
#[path = "../work/requests.rs"]
mod requests;

use clap::{Parser, ValueEnum};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use table::Row;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Compares this server with a bare hyper one, and with its peers.
#[derive(Parser)]
#[command(name = "versus")]
pub(crate) struct Arguments {
    /// What is measured, by name; given more than once, all of these. Default: everything
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// How often each side of a comparison is run
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long a run takes
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// One short round of each, without the peers: whether the instrument works, and no more
    #[arg(long)]
    quick: bool,
    /// 10 million requests where it is looked at what memory they leave
    #[arg(long)]
    long: bool,
    /// Installs and compares the peers even with `--quick`
    #[arg(long)]
    peers: bool,
    /// Writes the table into README.md
    #[arg(long)]
    update_readme: bool,
    /// Serves as the bare server, for which this program runs itself
    #[arg(long, hide = true)]
    bare: bool,
    /// Cargo adds it
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured on its own.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Get,
    Pipelined,
    Put,
    Refused,
    Latency,
    Peers,
    Operations,
    Start,
    Memory,
    Embedding,
    Packages,
    Size,
}

impl Arguments {
    fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds }
    }

    fn run(&self) -> Duration {
        Duration::from_secs_f64(if self.quick { 0.2 } else { self.seconds })
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = if arguments.bare { bare::serve() } else { compare(&arguments) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<()> {
    let mut rows = Vec::new();
    for part in Part::value_variants() {
        if arguments.only.is_empty() || arguments.only.contains(part) {
            let name = part.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            eprintln!("{name} …");
            rows.extend(measure(*part, arguments).map_err(|error| format!("{name}: {error}"))?);
        }
    }
    let markdown = table::markdown(&rows, arguments);
    println!("{markdown}");
    std::fs::write(folder()?.join("versus.md"), &markdown)?;
    std::fs::write(folder()?.join("versus.json"), table::json(&rows, arguments)?)?;
    if arguments.update_readme {
        table::update_readme(&markdown)?;
    }
    Ok(())
}

fn measure(part: Part, arguments: &Arguments) -> Result<Vec<Row>> {
    match part {
        Part::Get => throughput::get(arguments),
        Part::Pipelined => throughput::pipelined(arguments),
        Part::Put => throughput::put(arguments),
        Part::Refused => throughput::refused(arguments),
        Part::Latency => latency::latency(arguments),
        Part::Peers => peers::peers(arguments),
        Part::Operations => contracts::operations(arguments),
        Part::Start => start::start(arguments),
        Part::Memory => start::memory(arguments),
        Part::Embedding => embedding::embedding(arguments),
        Part::Packages => weight::packages(),
        Part::Size => weight::size(),
    }
}

/// Where results, generated documents and installed peers are.
fn folder() -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
