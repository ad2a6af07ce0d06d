//! The configuration file, which the binary reads.
#![no_main]
#![allow(dead_code, reason = "only what reads the file is used of these")]

#[path = "../../src/cli/args.rs"]
mod args;
#[path = "../../src/cli/config_file.rs"]
mod config_file;
#[path = "../../src/cli/evidence.rs"]
mod evidence;
#[path = "../../src/cli/later.rs"]
mod later;

const UNCONFIGURED: [&str; 0] = [];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        config_file::tried(text);
    }
});
