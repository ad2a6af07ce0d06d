//! Other people's documents: every one is served, or refused with a place, and nothing it declares makes a 500.

use chatkitty_mock::MockServer;
use http::{Method, Request};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn documents() -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/node_modules/@readme/oas-examples");
    assert!(package.exists(), "the public documents are not installed; run: bash tests/run");
    let mut found = Vec::new();
    let mut folders = vec![package.join("3.0"), package.join("3.1")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json" || extension == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every operation once, with `1` for each path parameter.
fn requests(mock: &MockServer) -> Vec<(Method, String)> {
    let reply = mock.handle(Request::get("/_mock/api/contract").body("").unwrap());
    let contract: Value = serde_json::from_slice(reply.body()).unwrap();
    let operations = contract["operations"].as_array().unwrap().iter();
    let concrete = |template: &str| {
        let pieces = template
            .split('{')
            .map(|piece| piece.split_once('}').map_or(piece.to_owned(), |(_, rest)| format!("1{rest}")));
        pieces.collect::<String>()
    };
    let request = |operation: &Value| {
        let method = Method::from_bytes(operation["method"].as_str().unwrap().as_bytes()).unwrap();
        (method, concrete(operation["path"].as_str().unwrap()))
    };
    operations.map(request).collect()
}

#[test]
fn public_documents_are_served_and_answer_by_their_own_schemas() {
    let (mut served, mut operations) = (0, 0);
    for path in documents() {
        let name = path.display().to_string();
        let builder = MockServer::builder().openapi(&path).ignore_base_path(true);
        let mock = match builder.start() {
            Ok(mock) => mock,
            Err(error) => {
                // Only what is missing from a document stops it, and the place is named.
                assert!(!error.diagnostics().is_empty() && error.to_string().contains("CK070"), "{name}: {error}");
                continue;
            }
        };
        mock.allow_violations();
        served += 1;
        let token = mock.applications()[0].token();
        for (method, target) in requests(&mock) {
            let request =
                Request::builder().method(&method).uri(&target).header("authorization", format!("Bearer {token}"));
            let Ok(request) = request.body("") else { continue };
            let reply = mock.handle(request);
            operations += 1;
            if reply.status().as_u16() >= 500 {
                // A document that nothing can satisfy is told so by `check`.
                // Where it declares nothing but a 500, that is the answer.
                let Some(codes) = reply.headers().get("x-mock-violations") else { continue };
                let codes = codes.to_str().unwrap().to_owned();
                let told = MockServer::builder().openapi(&path).check().diagnostics;
                let told = told.iter().any(|finding| codes.contains(&finding.code.to_string()));
                assert!(told, "{name}: {method} {target}: {reply:?}");
            }
        }
    }
    println!("{served} documents served, {operations} operations asked");
    assert!(served >= 90 && operations >= 500, "{served} documents, {operations} operations");
}
