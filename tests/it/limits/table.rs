//! `docs/limits.md` says what the code says: each limit is a documented constant or field, and the page is made of them.
//! `UPDATE_DOCS=1` writes the page.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The parts of the page, by where in `src/` a limit is; what is in none of them is not for users.
const PARTS: [(&str, &[&str]); 5] = [
    ("What a server is started with", &["message/limits.rs"]),
    (
        "Messages",
        &[
            "source/json.rs",
            "contract/decode",
            "contract/request",
            "contract/schema.rs",
            "contract/pattern.rs",
            "contract/effort.rs",
            "contract/points.rs",
            "engine",
            "resources",
            "server",
        ],
    ),
    ("What is kept and told", &["store", "oauth", "evidence", "diagnostic", "control"]),
    (
        "Documents, fixtures and configuration",
        &["source", "contract/document", "contract", "fixtures", "cli", "mock_server"],
    ),
    ("Generated instances", &["contract/generate"]),
];

/// A limit as the code has it.
struct Limit {
    what: String,
    value: String,
    over: String,
    file: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The value of a constant expression: a product of whole numbers, or a duration.
fn value(expression: &str, name: &str) -> Option<String> {
    let product = |text: &str| {
        let factors = text.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>().ok());
        factors.collect::<Option<Vec<_>>>().map(|factors| factors.iter().product::<u64>())
    };
    let duration = |unit: &str| expression.strip_prefix(&format!("Duration::from_{unit}("))?.strip_suffix(')');
    if let Some(seconds) = duration("secs") {
        return product(seconds).map(|seconds| format!("{seconds} s"));
    }
    if let Some(milliseconds) = duration("millis") {
        return product(milliseconds).map(|milliseconds| format!("{milliseconds} ms"));
    }
    let number = product(expression)?;
    if name.to_lowercase().contains("bytes") {
        for (unit, size) in [("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if number >= size && number % size == 0 {
                return Some(format!("{} {unit}", number / size));
            }
        }
        return Some(format!("{number} B"));
    }
    let digits = number.to_string();
    let grouped: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    Some(grouped.join(","))
}

/// What a comment says: what is limited, and what happens over it. `None` if it is about no limit.
fn read(comment: &str) -> Option<(String, String)> {
    let (what, over) = comment.split_once("ver it ").or_else(|| comment.split_once("ver it, "))?;
    let what = what.trim_end_matches(['O', 'o']).trim_end().trim_end_matches([';', '.']);
    Some((what.to_owned(), over.trim_end_matches('.').to_owned()))
}

fn limits_in(path: &Path) -> Vec<Limit> {
    let text = std::fs::read_to_string(path).unwrap();
    let file = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
    let mut found = Vec::new();
    let mut comment = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(said) = line.strip_prefix("/// ") {
            comment = if comment.is_empty() { said.to_owned() } else { format!("{comment} {said}") };
            continue;
        }
        let said = std::mem::take(&mut comment);
        let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub(super) ")).unwrap_or(line);
        let constant = line.strip_prefix("const ").and_then(|rest| rest.split_once(": "));
        let field =
            line.strip_prefix("pub ").and_then(|rest| rest.split_once(": ")).filter(|_| file.ends_with("limits.rs"));
        let Some((name, rest)) = constant.or(field) else { continue };
        let Some((what, over)) = read(&said) else { continue };
        let (what, value) = match field {
            // Its default stands in the comment and in the code, which are to agree.
            Some(_) => {
                let set =
                    text.lines().find_map(|line| line.trim().strip_prefix(&format!("{name}: "))?.strip_suffix(','));
                let set = text
                    .lines()
                    .filter(|line| line.starts_with("            "))
                    .find_map(|line| line.trim().strip_prefix(&format!("{name}: "))?.strip_suffix(','))
                    .or(set);
                let value = value(set.unwrap_or_else(|| panic!("{file}: `{name}` has no default")), name).unwrap();
                let (what, default) =
                    what.split_once(" Default ").unwrap_or_else(|| panic!("{file}: `{name}` tells no default"));
                assert_eq!(default.split(" (").next().unwrap(), value, "{file}: the default of `{name}`");
                (what.trim_end_matches('.').to_owned(), default.to_owned())
            }
            None => {
                let expression = rest.split_once(" = ").and_then(|(_, expression)| expression.strip_suffix(';'));
                let value = expression.and_then(|expression| value(expression, name));
                (what, value.unwrap_or_else(|| panic!("{file}: the value of `{name}` is not understood")))
            }
        };
        found.push(Limit { what, value, over, file: file.clone() });
    }
    found
}

/// All limits, in the order of their files.
fn limits() -> Vec<Limit> {
    let mut paths = Vec::new();
    files(&root().join("src"), &mut paths);
    paths.iter().flat_map(|path| limits_in(path)).collect()
}

fn part_of(file: &str) -> usize {
    let fits = |prefix: &&str| file.starts_with(*prefix);
    let longest = PARTS.iter().enumerate().filter_map(|(index, (_, prefixes))| {
        prefixes.iter().filter(|prefix| fits(prefix)).map(|prefix| prefix.len()).max().map(|length| (length, index))
    });
    longest.max().unwrap_or_else(|| panic!("`{file}` has a limit, and no part of the page is for it")).1
}

fn page() -> String {
    let mut page = include_str!("head.md").to_owned();
    let limits = limits();
    for (index, (title, _)) in PARTS.iter().enumerate() {
        let _ = write!(page, "\n## {title}\n\n| limit | value | over it |\n|---|---|---|\n");
        for limit in limits.iter().filter(|limit| part_of(&limit.file) == index) {
            let cell = |text: &str| text.replace('|', "\\|");
            let _ = writeln!(page, "| {} | {} | {} |", cell(&limit.what), cell(&limit.value), cell(&limit.over));
        }
    }
    page
}

#[test]
fn the_page_has_every_limit_of_the_code() {
    let file = root().join("docs/limits.md");
    let made = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == made, "`docs/limits.md` is not what the code says; UPDATE_DOCS=1 writes it");
}

#[cfg(feature = "cli")]
#[test]
fn every_flag_of_the_page_is_one_of_the_command_line() {
    let arguments = std::fs::read_to_string(root().join("src/cli/args.rs")).unwrap();
    let page = page();
    let flags: Vec<&str> = page.split("`--").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    assert!(flags.len() >= 5, "{flags:?}");
    for flag in flags {
        let variable = format!("CHATKITTY_MOCK_{}", flag.replace('-', "_").to_uppercase());
        assert!(arguments.contains(&format!("\"{variable}\"")), "--{flag}");
    }
}
