//! How many instructions a request costs, in process and without HTTP: `cargo bench --bench instructions [-- WORK…]`.
//!
//! Unlike times, they are the same from run to run. The program runs itself under callgrind, twice for each kind of work,
//! with a number of requests and with twice as many; the difference is what the second half of them cost, so what happens
//! once is not in it. `callgrind_annotate target/bench/callgrind.WORK.out` shows where they went.
#![expect(clippy::print_stdout, reason = "the figures are for its reader")]

mod work;

use chatkitty_mock::MockServer;
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use work::{GET, PUT, REFUSED, Work};

const ALL: [&Work; 3] = [&GET, &PUT, &REFUSED];
/// Requests of the shorter run. The journal is full long before its end.
const REQUESTS: u64 = 2_000;
const JOURNAL_ENTRIES: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [first, name, requests] = arguments.as_slice()
        && first == "--run"
    {
        return run(named(name)?, requests.parse()?);
    }
    let asked: Vec<&Work> = arguments.iter().map(|name| named(name)).collect::<Result<_, _>>()?;
    for work in if asked.is_empty() { ALL.to_vec() } else { asked } {
        let difference = counted(work, 2 * REQUESTS)? - counted(work, REQUESTS)?;
        println!("{} {}", work.name, difference / REQUESTS);
    }
    Ok(())
}

fn named(name: &str) -> Result<&'static Work, String> {
    let found = ALL.into_iter().find(|work| work.name == name);
    found.ok_or_else(|| format!("there is no work `{name}`; there are: {}", ALL.map(|work| work.name).join(", ")))
}

/// Has requests answered, one after the other.
fn run(work: &Work, requests: u64) -> Result<(), Box<dyn Error>> {
    let mock = MockServer::builder().seed(1).journal(JOURNAL_ENTRIES).verify_on_drop(false).start()?;
    let token = mock.application("development").token();
    for _ in 0..requests {
        let request = work.request(&token);
        let status = answered(&mock, request);
        if status != work.status {
            return Err(format!("`{}` was answered with {status} instead of {}", work.name, work.status).into());
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
fn counted(work: &Work, requests: u64) -> Result<u64, Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    std::fs::create_dir_all(&folder)?;
    let out = folder.join(format!("callgrind.{}.out", work.name));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*instructions*answered*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["--run", work.name, &requests.to_string()])
        .output()
        .map_err(|error| format!("`valgrind` cannot be run: {error}; install it: apt-get install valgrind"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let profile = std::fs::read_to_string(&out)?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}
