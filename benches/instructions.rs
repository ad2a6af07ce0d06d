//! How many instructions a request costs, in process and without HTTP: `cargo bench --bench instructions [-- WORK…]`.
//!
//! Unlike times, they are the same from run to run. The program runs itself under callgrind, twice for each kind of work,
//! with a number of requests and with twice as many; the difference is what the second half of them cost, so what happens
//! once is not in it. `callgrind_annotate target/bench/callgrind.WORK.out` shows where they went.
#![expect(clippy::print_stdout, reason = "the figures are for its reader")]

#[path = "work/requests.rs"]
mod requests;

use chatkitty_mock::MockServer;
use requests::{GET, PUT, REFUSED, Work};
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

const ALL: [(&str, Work<'_>); 3] = [("get", GET), ("put", PUT), ("refused", REFUSED)];
/// Requests of the shorter run. The journal is full long before its end.
const REQUESTS: u64 = 2_000;
const JOURNAL_ENTRIES: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [first, name, requests] = arguments.as_slice()
        && first == "--run"
    {
        return run(&named(name)?, requests.parse()?);
    }
    let all = ALL.map(|(name, _)| name.to_owned());
    for name in if arguments.is_empty() { &all } else { arguments.as_slice() } {
        named(name)?;
        let difference = counted(name, 2 * REQUESTS)? - counted(name, REQUESTS)?;
        println!("{name} {}", difference / REQUESTS);
    }
    Ok(())
}

fn named(asked: &str) -> Result<Work<'static>, String> {
    let found = ALL.into_iter().find(|(name, _)| *name == asked);
    let names = ALL.map(|(name, _)| name).join(", ");
    found.map(|(_, work)| work).ok_or_else(|| format!("there is no work `{asked}`; there are: {names}"))
}

/// Has requests answered, one after the other.
fn run(work: &Work<'_>, requests: u64) -> Result<(), Box<dyn Error>> {
    let mock = MockServer::builder().seed(1).journal(JOURNAL_ENTRIES).verify_on_drop(false).start()?;
    let token = mock.application("development").token();
    for _ in 0..requests {
        let request = work.request(&token);
        let status = answered(&mock, request);
        if status != work.status {
            return Err(format!("a request was answered with {status} instead of {}", work.status).into());
        }
    }
    Ok(())
}

/// What is counted: a request that was parsed, to a reply that is ready to be written.
#[inline(never)]
fn answered(mock: &MockServer, request: http::Request<&'static str>) -> u16 {
    black_box(mock.handle(black_box(request))).status().as_u16()
}

/// The instructions of so many requests.
fn counted(name: &str, requests: u64) -> Result<u64, Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    std::fs::create_dir_all(&folder)?;
    let out = folder.join(format!("callgrind.{name}.out"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*instructions*answered*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["--run", name, &requests.to_string()])
        .output()
        .map_err(|error| format!("`valgrind` cannot be run: {error}; install it: apt-get install valgrind"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let profile = std::fs::read_to_string(&out)?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}
