//! An exchange as something to paste: a request by curl, a fixture, an assertion in Rust.

use super::ask::{list, text};
use super::layout::copy_button;
use maud::{Markup, html};
use serde_json::Value;

/// Header fields that curl or the connection sees to.
const LEFT_OUT: [&str; 6] =
    ["host", "content-length", "connection", "user-agent", "accept-encoding", "transfer-encoding"];

pub(super) fn show(exchange: &Value, base_url: &str) -> Markup {
    let mut forms = vec![("curl", curl(exchange, base_url))];
    forms.extend(fixture(exchange).map(|fixture| ("fixture", fixture)));
    forms.push(("Rust assertion", assertion(exchange)));
    html! {
        @for (index, (name, form)) in forms.iter().enumerate() {
            @let id = format!("copy-{index}");
            details.snippet {
                summary { "As " (name) }
                div.copied { pre tabindex="0" { code #(id) { (form) } } (copy_button(&id, name)) }
            }
        }
    }
}

/// A text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn curl(exchange: &Value, base_url: &str) -> String {
    let request = &exchange["request"];
    let mut command =
        format!("curl -X {} {}", text(&request["method"]), quoted(&format!("{base_url}{}", text(&request["target"]))));
    for header in list(&request["headers"]) {
        let (name, value) = (text(&header["name"]), text(&header["value"]));
        if LEFT_OUT.contains(&name) {
            continue;
        }
        // Secrets are masked here; the shell's variable takes their place.
        let field = match value.strip_suffix("***") {
            Some(scheme) => format!("\"{name}: {scheme}$TOKEN\""),
            None => quoted(&format!("{name}: {value}")),
        };
        command.push_str(&format!(" \\\n  -H {field}"));
    }
    if let Some(body) = request["body"].as_str() {
        command.push_str(&format!(" \\\n  --data-raw {}", quoted(body)));
    }
    command
}

/// What was answered, as the seed of an application; only of answers that are JSON.
fn fixture(exchange: &Value) -> Option<String> {
    let status = exchange["response"]["status"].as_u64()?;
    let body: Value = serde_json::from_str(exchange["response"]["body"].as_str()?).ok()?;
    let path = text(&exchange["request"]["target"]).split('?').next()?;
    let is_resource = (200..300).contains(&status) && exchange["operation"].is_string() && body.is_object();
    is_resource.then(|| format!("resources:\n  {}: {body}", Value::String(path.to_owned())))
}

fn assertion(exchange: &Value) -> String {
    let (request, response) = (&exchange["request"], &exchange["response"]);
    let mut lines = vec![
        "let request = http::Request::builder()".to_owned(),
        format!("    .method({:?})", text(&request["method"])),
        format!("    .uri({})", raw(text(&request["target"]))),
    ];
    for header in list(&request["headers"]) {
        let (name, value) = (text(&header["name"]), text(&header["value"]));
        if name == "authorization" {
            lines.push("    .header(\"authorization\", format!(\"Bearer {}\", app.token()))".to_owned());
        } else if !LEFT_OUT.contains(&name) {
            lines.push(format!("    .header({name:?}, {})", raw(value)));
        }
    }
    lines.push(format!("    .body({})?;", raw(request["body"].as_str().unwrap_or_default())));
    lines.push("let reply = mock.handle(request);".to_owned());
    lines.push(format!("assert_eq!(reply.status(), {});", response["status"]));
    let body = response["body"].as_str().filter(|_| response["status"].as_u64().is_some_and(|status| status < 300));
    if let Some(body) = body.filter(|body| serde_json::from_str::<Value>(body).is_ok()) {
        lines.push("let body: serde_json::Value = serde_json::from_slice(reply.body())?;".to_owned());
        lines.push(format!("assert_eq!(body, serde_json::json!({body}));"));
    }
    lines.join("\n")
}

/// A text as a literal of Rust.
fn raw(text: &str) -> String {
    if text.contains(['"', '\\']) && !text.contains("\"#") { format!("r#\"{text}\"#") } else { format!("{text:?}") }
}
