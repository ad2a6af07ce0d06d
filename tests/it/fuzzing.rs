//! Every seed of the fuzzers, and every input that once was a finding, as ordinary tests. The configuration's are in `src/cli`.

#[path = "../../fuzz/bodies.rs"]
mod bodies;

use std::path::Path;

fn seeds(fuzzer: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(fuzzer);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{fuzzer}");
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn run(fuzzer: &str, body: fn(&[u8])) {
    for seed in seeds(fuzzer) {
        body(&seed);
        // And what is left of it when it breaks off.
        (1..8).for_each(|part| body(&seed[..seed.len() * part / 8]));
    }
}

#[test]
fn bytes_on_a_connection() {
    run("http", bodies::http);
}

#[test]
fn documents() {
    run("contract", bodies::contract);
}

#[test]
fn fixture_files() {
    run("fixtures", bodies::fixtures);
}

#[test]
fn requests() {
    run("request", bodies::request);
}

#[test]
fn recordings() {
    run("recording", bodies::recording);
}

#[test]
fn negotiation() {
    run("negotiation", bodies::negotiation);
}
