//! The entries of a HAR 1.2 file, one after the other: the file is never held in memory.

use super::counter::{Counter, Progress};
use super::entry::EntryJson;
use super::message::{Form, exchange};
use super::{Bounds, Entry, RecordingError, reason};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::fmt;
use std::io::BufRead;
use std::rc::Rc;

/// Reads a HAR, and hands over each entry as it is read.
///
/// # Errors
///
/// It is no HAR, ends too early, or goes over a bound. What came before has been handed over.
pub(crate) fn read_har(
    reader: impl BufRead,
    bounds: Bounds,
    sink: &mut dyn FnMut(Entry),
) -> Result<(), RecordingError> {
    let progress = Rc::new(Progress::default());
    let unreadable = |error: std::io::Error| RecordingError::new(format!("cannot read on: {error}"), progress.offset());
    let counter = Counter::new(reader, &progress).map_err(unreadable)?;
    let reading = Reading { bounds, progress: &progress, sink: RefCell::new(sink), failure: RefCell::default() };
    reading.allow();
    let mut deserializer = serde_json::Deserializer::from_reader(counter);
    let read = Level::Root.seed(&reading).deserialize(&mut deserializer);
    let ended = read.and_then(|()| {
        reading.allow();
        deserializer.end()
    });
    match ended {
        Ok(()) => Ok(()),
        Err(error) => Err(reading.error(&error)),
    }
}

struct Reading<'a> {
    bounds: Bounds,
    progress: &'a Progress,
    sink: RefCell<&'a mut dyn FnMut(Entry)>,
    /// A failure that has a better place than where the parser is.
    failure: RefCell<Option<RecordingError>>,
}

impl Reading<'_> {
    fn allow(&self) {
        self.progress.allow(self.bounds.entry_bytes_max);
    }

    fn error(&self, error: &serde_json::Error) -> RecordingError {
        if let Some(failure) = self.failure.take() {
            return failure;
        }
        let offset = self.progress.offset();
        if self.progress.is_over() {
            let max = self.bounds.entry_bytes_max;
            return RecordingError::new(format!("an entry has more than the {max} bytes allowed"), offset);
        }
        if error.is_io() {
            return RecordingError::new(format!("cannot read on: {}", reason(error)), offset);
        }
        // A number that ends too early is no end of the file to the parser.
        if self.progress.is_at_end() {
            let message = if offset == 0 { "it is empty" } else { "it ends in the middle of the HAR" };
            return RecordingError::new(message, offset);
        }
        let place = self.progress.place(error.line(), error.column());
        RecordingError::new(format!("it is no HAR: {}", reason(error)), place)
    }

    /// Hands over the entry that began at `start`.
    fn take<E: de::Error>(&self, entry: EntryJson, start: u64) -> Result<(), E> {
        match exchange(entry, Form::Har, self.bounds.fields_max) {
            Ok(entry) => {
                (self.sink.borrow_mut())(entry);
                Ok(())
            }
            Err(message) => Err(self.fail(format!("the entry that begins here is no exchange: {message}"), start)),
        }
    }

    /// A failure that has a place of its own.
    fn fail<E: de::Error>(&self, message: String, offset: u64) -> E {
        *self.failure.borrow_mut() = Some(RecordingError::new(message, offset));
        E::custom("no HAR")
    }
}

/// What of the file is read: the whole, `log`, `log.entries`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Log,
    Entries,
}

impl Level {
    fn seed<'a>(self, reading: &'a Reading<'a>) -> Seed<'a> {
        Seed { level: self, reading }
    }
}

struct Seed<'a> {
    level: Level,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.level {
            Level::Entries => deserializer.deserialize_seq(self),
            Level::Root | Level::Log => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Root => "an object with `log`",
            Level::Log => "the object `log` with `entries`",
            Level::Entries => "the list `log.entries`",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (wanted, below) = match self.level {
            Level::Root => ("log", Level::Log),
            _ => ("entries", Level::Entries),
        };
        let mut found = false;
        self.reading.allow();
        while let Some(name) = map.next_key::<String>()? {
            if name == wanted {
                found = true;
                map.next_value_seed(below.seed(self.reading))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            self.reading.allow();
        }
        if found {
            return Ok(());
        }
        let end = self.reading.progress.offset().saturating_sub(1);
        Err(self.reading.fail(format!("it is no HAR: `{wanted}` is missing"), end))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        loop {
            self.reading.allow();
            let start = Start::default();
            let entry = entries.next_element_seed(EntrySeed { progress: self.reading.progress, start: &start })?;
            let Some(entry) = entry else { return Ok(()) };
            self.reading.take(entry, start.0.get())?;
        }
    }
}

/// Where an entry began.
#[derive(Default)]
struct Start(std::cell::Cell<u64>);

struct EntrySeed<'a> {
    progress: &'a Progress,
    start: &'a Start,
}

impl<'de> DeserializeSeed<'de> for EntrySeed<'_> {
    type Value = EntryJson;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<EntryJson, D::Error> {
        // The parser has looked at the first byte.
        self.start.0.set(self.progress.offset().saturating_sub(1));
        serde::Deserialize::deserialize(deserializer)
    }
}
