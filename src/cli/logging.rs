//! The log on standard error.

use super::args::{LogFormat, ServeArgs};
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts the log. `least` is what is written without `-q` and `-v`.
pub(super) fn start(arguments: &ServeArgs, least: Level) {
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => Level::ERROR,
        (_, true) => Level::DEBUG,
        _ => least,
    };
    let format = match arguments.log_format {
        LogFormat::Auto if std::io::stderr().is_terminal() => LogFormat::Human,
        LogFormat::Auto => LogFormat::Logfmt,
        chosen => chosen,
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(super::terminal::color())
        .with_target(false);
    // A second server of the same process keeps the first one's log.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Logfmt => builder.event_format(Logfmt).try_init(),
        _ => builder.compact().without_time().try_init(),
    };
}

/// `key=value` pairs, quoted where they need it.
struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> std::fmt::Result {
        let mut pairs = Pairs(String::new());
        write!(writer, "ts=")?;
        SystemTime.format_time(&mut writer)?;
        pairs.push("level", &event.metadata().level().to_string().to_lowercase());
        event.record(&mut pairs);
        writeln!(writer, "{}", pairs.0)
    }
}

struct Pairs(String);

impl Pairs {
    fn push(&mut self, name: &str, value: &str) {
        let name = if name == "message" { "msg" } else { name };
        let plain =
            !value.is_empty() && value.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '"' && c != '=');
        let _ = if plain { write!(self.0, " {name}={value}") } else { write!(self.0, " {name}={value:?}") };
    }
}

impl Visit for Pairs {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.push(field.name(), &format!("{value:?}"));
    }
}
