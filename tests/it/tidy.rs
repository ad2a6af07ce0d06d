//! The house rules that a compiler does not know.

use std::path::{Path, PathBuf};

/// The rooms, bottom to top: a room names only those before it.
const ROOMS: [&str; 15] = [
    "source",
    "diagnostic",
    "message",
    "contract",
    "store",
    "resources",
    "fixtures",
    "oauth",
    "evidence",
    "engine",
    "control",
    "server",
    "remote",
    "mock_server",
    "cli",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn code_lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(ToOwned::to_owned).collect()
}

#[test]
fn every_room_names_only_rooms_below_it() {
    let mut found = Vec::new();
    let folders: Vec<String> = std::fs::read_dir(root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    for folder in &folders {
        assert!(ROOMS.contains(&folder.as_str()), "`src/{folder}` is no room that ARCHITECTURE.md knows");
    }
    for (rank, room) in ROOMS.iter().enumerate() {
        for file in rust_files(&root().join("src").join(room)) {
            for line in code_lines(&file) {
                for above in &ROOMS[rank + 1..] {
                    let named = |prefix: &str| {
                        line.split(prefix).skip(1).any(|rest| {
                            rest.starts_with(&format!("{above}::")) || rest.starts_with(&format!("{above};"))
                        })
                    };
                    if named("crate::") {
                        found.push(format!("{}: names `{above}`: {}", file.display(), line.trim()));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn third_party_schema_and_openapi_types_stay_in_the_contract_room() {
    for room in ROOMS.iter().filter(|room| **room != "contract") {
        for file in rust_files(&root().join("src").join(room)) {
            for line in code_lines(&file) {
                assert!(!line.contains("jsonschema::") && !line.contains("openapiv3::"), "{}: {line}", file.display());
            }
        }
    }
}

#[test]
fn no_branch_of_the_engine_knows_chatkitty() {
    for room in ["contract", "store", "oauth", "evidence", "engine", "server"] {
        for file in rust_files(&root().join("src").join(room)) {
            for line in code_lines(&file) {
                assert!(!line.to_lowercase().contains("chatkitty"), "{}: {line}", file.display());
            }
        }
    }
}

#[test]
fn architecture_lists_the_rooms_in_their_order() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("## Rooms").nth(1).unwrap().split("## ").next().unwrap();
    let listed: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(listed, ROOMS);
}

#[test]
fn every_code_is_explained_and_used() {
    let mut sources = String::new();
    for file in rust_files(&root().join("src")) {
        if !file.ends_with("diagnostic/code.rs") {
            sources.push_str(&std::fs::read_to_string(file).unwrap());
        }
    }
    let catalogue = std::fs::read_to_string(root().join("src/diagnostic/code.rs")).unwrap();
    for code in chatkitty_mock::diagnostic::code::ALL {
        let entry = code.entry();
        assert!(entry.explanation.len() > 40 && !entry.cure.is_empty() && !entry.example.is_empty(), "{code}");
        let name = catalogue.lines().find_map(|line| {
            let (name, number) = line.trim().split_once(' ')?;
            (number.split(' ').next()? == entry.number.to_string()).then_some(name)
        });
        let name = name.unwrap_or_else(|| panic!("{code} is not in the catalogue"));
        assert!(sources.contains(&format!("code::{name}")), "{code} ({name}) is never reported");
    }
}
