//! How far long work is: a bar on standard error, where people look at it, and the rate at the end.

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::Read;
use std::time::{Duration, Instant};

/// Work that takes less shows no bar, and has no rate worth telling.
const LONG: Duration = Duration::from_secs(1);

/// How work of known and of unknown length is drawn.
const BAR: &str = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
const SPINNER: &str = "{spinner} {bytes}, {bytes_per_sec}";

/// Some reading on its way.
pub(super) struct Progress {
    bar: ProgressBar,
    is_shown: Cell<bool>,
    start: Instant,
}

impl Progress {
    /// Work on so many bytes, where that is known.
    pub(super) fn start(bytes: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::hidden());
        // The templates are constants, which the tests try.
        if let Ok(style) = ProgressStyle::with_template(if bytes.is_some() { BAR } else { SPINNER }) {
            bar.set_style(style);
        }
        Self { bar, is_shown: Cell::new(false), start: Instant::now() }
    }

    /// The reader, whose bytes are counted.
    pub(super) fn watch<R: Read>(&self, reader: R) -> Watched<'_, R> {
        Watched { reader, progress: self }
    }

    fn advance(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
        if !self.is_shown.get() && self.start.elapsed() > LONG {
            self.is_shown.set(true);
            // Where standard error is no terminal, it stays hidden.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes the bar away; a line with the rate if it was long work.
    pub(super) fn finish(self, exchanges: u64) -> Option<String> {
        self.bar.finish_and_clear();
        let elapsed = self.start.elapsed();
        (elapsed >= LONG).then(|| rate(self.bar.position(), exchanges, elapsed))
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for people")]
fn rate(bytes: u64, exchanges: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let a_second = |count: u64| (count as f64 / seconds) as u64;
    format!(
        "note: {exchanges} exchanges, {} in {seconds:.1} s: {} and {} exchanges a second",
        ByteSize(bytes),
        ByteSize(a_second(bytes)),
        a_second(exchanges)
    )
}

/// A reader that tells how far it is.
pub(super) struct Watched<'a, R> {
    reader: R,
    progress: &'a Progress,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.progress.advance(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::{BAR, Progress, SPINNER, rate};
    use indicatif::ProgressStyle;
    use std::io::Read as _;
    use std::time::Duration;

    #[test]
    fn bytes_are_counted_and_short_work_has_no_rate() {
        for bytes in [Some(3), None] {
            let progress = Progress::start(bytes);
            let mut text = String::new();
            progress.watch("abc".as_bytes()).read_to_string(&mut text).unwrap();
            assert_eq!((text.as_str(), progress.bar.position()), ("abc", 3));
            assert_eq!(progress.finish(1), None);
        }
        assert!([BAR, SPINNER].iter().all(|template| ProgressStyle::with_template(template).is_ok()));
    }

    #[test]
    fn the_rate_is_said_in_bytes_and_exchanges() {
        let said = rate(3 << 30, 600_000, Duration::from_secs(12));
        assert_eq!(said, "note: 600000 exchanges, 3.0 GiB in 12.0 s: 256.0 MiB and 50000 exchanges a second");
    }
}
