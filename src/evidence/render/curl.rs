//! A line for a POSIX shell that sends an exchange's request again. Secrets are variables in it.

use super::{Address, Exchange};
use crate::diagnostic::{Part, Place, Severity, code};
use crate::evidence::mask::{self, Shown};
use crate::message::{MASK, Secrets};
use crate::source::pointer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, REFERER};
use http::{HeaderName, HeaderValue, Method};

/// Header fields that the transport makes, and `curl` makes anew.
const OF_THE_TRANSPORT: [&str; 13] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "user-agent",
    "accept-encoding",
    "expect",
    "priority",
];

/// Bytes of a body that are written out. A longer one is named, as nobody reads such a line.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What stands for what is secret.
const TOKEN: &str = "TOKEN";

/// The line, and what it cannot do.
pub(super) struct Line {
    pub(super) command: String,
    pub(super) note: Option<String>,
}

/// The line that sends the request again; `None` for a request that was never read whole.
pub(super) fn line(exchange: &Exchange, address: Address) -> Option<Line> {
    let unread = [
        code::BODY_TOO_LARGE,
        code::TARGET_TOO_LONG,
        code::HEAD_TOO_LARGE,
        code::REQUEST_TIMEOUT,
        code::BAD_FRAMING,
        code::EXPECTATION_UNKNOWN,
        code::TRANSFER_CODING_UNKNOWN,
        code::VERSION_UNKNOWN,
    ];
    if exchange.messages.diagnostics.iter().any(|diagnostic| unread.contains(&diagnostic.code)) {
        return None;
    }
    let mut words = vec![Word::plain("curl"), Word::plain("-i")];
    method(exchange, &mut words);
    target(exchange, address, &mut words);
    for (name, value) in &exchange.messages.heads.request() {
        if let Some(field) = field(exchange, name, value) {
            words.extend([Word::plain("-H"), field]);
        }
    }
    let (before, note) = body(exchange, &mut words);
    let words: Vec<String> = words.iter().map(Word::quoted).collect();
    Some(Line { command: format!("{}{}", before.unwrap_or_default(), words.join(" ")), note })
}

fn method(exchange: &Exchange, words: &mut Vec<Word>) {
    if exchange.messages.method == Method::HEAD {
        words.push(Word::plain("--head"));
    } else if exchange.messages.method != Method::GET || !exchange.messages.request_body.bytes.is_empty() {
        words.extend([Word::plain("-X"), Word::plain(exchange.messages.method.as_str())]);
    }
}

fn target(exchange: &Exchange, address: Address, words: &mut Vec<Word>) {
    let mut url = base(exchange, address);
    let target = exchange.path_and_query();
    if !target.starts_with('/') {
        words.extend([Word::plain("--request-target"), Word::plain(target)]);
        words.push(url);
        return;
    }
    if target.contains(['[', ']', '{', '}']) {
        words.push(Word::plain("--globoff"));
    }
    if target.contains("/.") {
        words.push(Word::plain("--path-as-is"));
    }
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    url.text(path);
    if let Some(query) = query {
        url.text("?");
        url.pairs(&exchange.messages.secrets, query);
    }
    words.push(url);
}

fn base(exchange: &Exchange, address: Address) -> Word {
    let headers = exchange.messages.heads.request();
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    match host.filter(|_| address.lasts) {
        Some(host) => Word::plain(&format!("{}://{host}", address.scheme)),
        None => Word(vec![Piece::Variable(address.variable.to_owned())]),
    }
}

/// The header field, if it matters to the contract.
fn field(exchange: &Exchange, name: &HeaderName, value: &HeaderValue) -> Option<Word> {
    let raw = String::from_utf8_lossy(value.as_bytes());
    let browser = name.as_str().starts_with("sec-");
    if OF_THE_TRANSPORT.contains(&name.as_str()) || browser || name == ACCEPT && raw == "*/*" {
        return None;
    }
    let mut word = Word(Vec::new());
    if raw.is_empty() {
        word.text(&format!("{};", titled(name)));
        return Some(word);
    }
    word.text(&format!("{}: ", titled(name)));
    let shown = exchange.field(name, value);
    if name == COOKIE {
        cookies(exchange, &raw, &mut word);
    } else if shown == raw {
        word.text(&raw);
    } else if let Some((path, query)) = raw.split_once('?').filter(|_| name == REFERER) {
        word.text(&format!("{path}?"));
        word.pairs(&exchange.messages.secrets, query);
    } else {
        word.text(shown.trim_end_matches(MASK));
        word.variable(if name == AUTHORIZATION { TOKEN } else { variable(name.as_str()) });
    }
    Some(word)
}

/// Cookies are secrets, but for one that is what was wrong: the diagnostic shows its value anyway.
fn cookies(exchange: &Exchange, raw: &str, word: &mut Word) {
    let is_wrong = |name: &str| {
        let at = pointer::join("", name);
        exchange.messages.diagnostics.iter().any(|diagnostic| {
            diagnostic.severity == Severity::Error
                && matches!(&diagnostic.place, Some(Place::Message { part: Part::Cookie, pointer }) if *pointer == at)
        })
    };
    for (index, pair) in raw.split("; ").enumerate() {
        if index > 0 {
            word.text("; ");
        }
        match pair.split_once('=') {
            Some((name, _)) if !is_wrong(name) => {
                word.text(&format!("{name}="));
                word.variable(TOKEN);
            }
            _ => word.text(pair),
        }
    }
}

/// Adds the body to the line; gives what stands before `curl`, and what the line cannot do.
fn body(exchange: &Exchange, words: &mut Vec<Word>) -> (Option<String>, Option<String>) {
    let kept = &exchange.messages.request_body;
    if kept.bytes.is_empty() {
        return (None, None);
    }
    if !exchange.messages.heads.request().contains_key(CONTENT_TYPE) {
        // Without this, `curl` says that it is a form.
        words.extend([Word::plain("-H"), Word::plain("Content-Type:")]);
    }
    if kept.truncated || kept.bytes.len() > BODY_BYTES_MAX {
        words.extend([Word::plain("--data-binary"), Word::plain("@body")]);
        let what = if kept.truncated { ", of which only the beginning was kept" } else { "" };
        return (None, Some(format!("the file `body` stands for the body of exchange {}{what}", exchange.id)));
    }
    let shown = exchange.masked(kept);
    if matches!(shown, Some(Shown::Nothing(_))) {
        return (None, Some("the body holds secrets, and is left out".to_owned()));
    }
    let text = std::str::from_utf8(&kept.bytes).ok();
    let Some(text) = text.filter(|text| !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')) else {
        if shown.is_some() {
            return (None, Some("the body holds secrets, and is left out".to_owned()));
        }
        words.extend([Word::plain("--data-binary"), Word::plain("@-")]);
        return (Some(format!("printf %s {} | base64 -d | ", STANDARD.encode(&kept.bytes))), None);
    };
    let mut word = Word(Vec::new());
    match shown {
        Some(Shown::Json(masked)) => {
            let quoted = format!("\"{MASK}\"");
            for (index, piece) in masked.split(quoted.as_str()).enumerate() {
                if index > 0 {
                    word.text("\"");
                    word.variable(TOKEN);
                    word.text("\"");
                }
                word.text(piece);
            }
        }
        Some(_) => word.pairs(&exchange.messages.secrets, text),
        None => word.text(text),
    }
    words.extend([Word::plain("--data-raw"), word]);
    (None, None)
}

/// A field name as it is usually written: `Content-Type`.
fn titled(name: &HeaderName) -> String {
    let words = name.as_str().split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
    });
    words.collect::<Vec<_>>().join("-")
}

/// The variable for a secret of this name.
fn variable(name: &str) -> &'static str {
    match name.to_ascii_lowercase() {
        name if name.contains("secret") => "CLIENT_SECRET",
        name if name.contains("password") => "PASSWORD",
        _ => TOKEN,
    }
}

enum Piece {
    Text(String),
    Variable(String),
}

/// One word of the line.
struct Word(Vec<Piece>);

impl Word {
    fn plain(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }

    fn variable(&mut self, name: &str) {
        self.0.push(Piece::Variable(name.to_owned()));
    }

    /// Pairs of a query or a form; the values of secrets are variables.
    fn pairs(&mut self, secrets: &Secrets, pairs: &str) {
        for (index, pair) in pairs.split('&').enumerate() {
            if index > 0 {
                self.text("&");
            }
            match pair.split_once('=') {
                Some((name, _)) if mask::is_secret(secrets, name) => {
                    self.text(&format!("{name}="));
                    self.variable(variable(name));
                }
                _ => self.text(pair),
            }
        }
    }

    /// As the shell reads it.
    fn quoted(&self) -> String {
        if let [Piece::Text(text)] = self.0.as_slice() {
            return quoted(text);
        }
        let texts = self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            Piece::Variable(_) => None,
        });
        // What double quotes leave as it is; an exclamation mark is for the history of interactive shells.
        let simple = texts.clone().all(|text| !text.contains(['"', '\\', '$', '`', '!', '\n']));
        let mut word = String::new();
        for (index, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Text(text) if simple => word.push_str(text),
                Piece::Text(text) => word.push_str(&quoted(text)),
                Piece::Variable(name) => {
                    let touches = matches!(self.0.get(index + 1), Some(Piece::Text(next))
                        if next.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
                    let variable = if simple && touches { format!("${{{name}}}") } else { format!("${name}") };
                    word.push_str(&if simple { variable } else { format!("\"{variable}\"") });
                }
            }
        }
        if simple { format!("\"{word}\"") } else { word }
    }
}

/// A text as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Word};

    #[test]
    fn words_are_quoted_so_that_a_shell_reads_them_back() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let variable = || Piece::Variable("TOKEN".to_owned());
        for (pieces, shown) in [
            (vec![text("a-1")], "a-1"),
            (vec![text("")], "''"),
            (vec![text("it's")], r"'it'\''s'"),
            (vec![text("Bearer "), variable()], "\"Bearer $TOKEN\""),
            (vec![variable(), text("x")], "\"${TOKEN}x\""),
            (vec![text("{\"a\":\""), variable(), text("\"}")], "'{\"a\":\"'\"$TOKEN\"'\"}'"),
            (vec![variable(), text("/a!b")], "\"$TOKEN\"'/a!b'"),
        ] {
            assert_eq!(Word(pieces).quoted(), shown);
        }
    }
}
