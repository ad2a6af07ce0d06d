//! What the project weighs: packages for those who embed it, bytes for those who download it.

use crate::Result;
use crate::rounds::Spread;
use crate::start::MIB;
use crate::table::Row;
use std::collections::BTreeSet;
use std::process::Command;

/// Packages of wiremock-rs 0.6.5 in a lock file.
const WIREMOCK_RS: usize = 93;

/// The packages of the library without default features. What reads OpenAPI and JSON Schema has no counterpart in wiremock-rs.
pub(crate) fn packages() -> Result<Vec<Row>> {
    let all = tree(&["--no-default-features"])?;
    let mut schemas = tree(&["--package", "jsonschema"])?;
    schemas.extend(tree(&["--package", "openapiv3"])?);
    let limit = WIREMOCK_RS + schemas.len();
    let name = format!(
        "packages of the library without default features; wiremock-rs has {WIREMOCK_RS}, jsonschema and openapiv3 together {}",
        schemas.len()
    );
    Ok(vec![Row::limit(name, Spread::of([all.len() as f64]), limit as f64, "packages")])
}

/// The packages that Cargo lists, each with its version.
fn tree(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none"])
        .args(arguments)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect())
}

/// The size of the binary as it is shipped.
pub(crate) fn size() -> Result<Vec<Row>> {
    let bytes = std::fs::metadata(env!("CARGO_BIN_EXE_chatkitty-mock"))?.len();
    Ok(vec![Row::limit("the shipped binary, stripped", Spread::of([bytes as f64 / MIB]), 12.0, "MiB")])
}
