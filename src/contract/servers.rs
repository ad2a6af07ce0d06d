//! The path parts of Server Objects, under which the contract's paths are served.

use super::document::Document;
use crate::source::pointer;
use fluent_uri::UriRef;
use openapiv3::Server;
use serde_json::Value;

/// Base paths that one server's variables may give. Over it the rest is left out.
const VARIANTS_MAX: usize = 64;

/// The base paths of an operation: of its own servers, else of its path item's, else of the document's.
///
/// `items` are the places that the path item is read from.
pub(crate) fn base_paths(document: &Document, items: &[String], operation: &str) -> Vec<String> {
    let mut levels = vec![pointer::join(operation, "servers")];
    levels.extend(items.iter().map(|item| pointer::join(item, "servers")));
    levels.push("/servers".to_owned());
    let servers =
        levels.iter().find_map(|at| document.at(at).and_then(Value::as_array).filter(|servers| !servers.is_empty()));
    let mut paths: Vec<String> = Vec::new();
    for server in servers.into_iter().flatten() {
        let Ok(server) = serde_json::from_value::<Server>(server.clone()) else { continue };
        for url in variants(&server) {
            let path = path_of(&url);
            let path = path.trim_end_matches('/').to_owned();
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    if paths.is_empty() {
        paths.push(String::new());
    }
    paths
}

/// The URL with each variable replaced by its default, and by each value of its enum; one without an enum takes any
/// text, and stays as an expression, too.
fn variants(server: &Server) -> Vec<String> {
    let mut urls = vec![server.url.clone()];
    for (name, variable) in server.variables.iter().flatten() {
        let expression = format!("{{{name}}}");
        let mut values = vec![variable.default.clone()];
        values.extend(variable.enumeration.iter().filter(|value| **value != variable.default).cloned());
        if variable.enumeration.is_empty() {
            values.push(expression.clone());
        }
        urls = urls
            .iter()
            .flat_map(|url| values.iter().map(|value| url.replace(&expression, value)))
            .take(VARIANTS_MAX)
            .collect();
        urls.dedup();
    }
    urls
}

/// The path of an absolute or relative URL, with a leading slash unless it is empty.
pub(crate) fn path_of(url: &str) -> String {
    let path = match UriRef::parse(url) {
        Ok(parsed) => parsed.path().as_str().to_owned(),
        // A variable in the host leaves braces, which no URI has.
        Err(_) => {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
            rest.split(['?', '#']).next().unwrap_or_default().to_owned()
        }
    };
    without_dots(&if path.is_empty() || path.starts_with('/') { path } else { format!("/{path}") })
}

/// The path without its `.` and `..` segments (RFC 3986 §5.2.4), as it is against the address that serves the document.
fn without_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let count = path.split('/').count();
    for (index, segment) in path.split('/').enumerate() {
        let last = index + 1 == count;
        match segment {
            "." | ".." => {
                if segment == ".." && segments.len() > 1 {
                    segments.pop();
                }
                if last {
                    segments.push("");
                }
            }
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_part_of_a_server_is_found() {
        for (url, path) in [
            ("https://api.example.com", ""),
            ("https://api.example.com/v1/", "/v1/"),
            ("/v2", "/v2"),
            ("v3", "/v3"),
            ("https://{host}/v4?x=1", "/v4"),
            ("/", "/"),
            ("./v1", "/v1"),
            ("../v1/./x/..", "/v1/"),
            (".", "/"),
            ("http://[::1]:8080/base", "/base"),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }
}
