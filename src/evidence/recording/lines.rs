//! Exchanges one a line: entries of a HAR, or the control plane's own form. One line is in memory at a time.

use super::entry::EntryJson;
use super::message::{Form, exchange};
use super::{Bounds, Entry, RecordingError, reason};
use std::io::BufRead;

/// Reads lines of JSON to the end, and hands over each exchange. Empty lines are passed over.
///
/// # Errors
///
/// A line is no exchange, or goes over a bound. What came before has been handed over.
pub(crate) fn read_lines(
    mut reader: impl BufRead,
    bounds: Bounds,
    sink: &mut dyn FnMut(Entry),
) -> Result<(), RecordingError> {
    let mut offset = 0;
    let mut line = Vec::new();
    while next_line(&mut reader, &mut line, offset, bounds.entry_bytes_max)? {
        read_line(&line, offset, bounds, sink)?;
        offset += line.len() as u64;
    }
    Ok(())
}

/// Puts the next line with its end into `line`; `false` at the end.
fn next_line(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    offset: u64,
    bytes_max: usize,
) -> Result<bool, RecordingError> {
    line.clear();
    loop {
        let at = offset + line.len() as u64;
        let available =
            reader.fill_buf().map_err(|error| RecordingError::new(format!("cannot read on: {error}"), at))?;
        let end = available.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let count = end.unwrap_or(available.len());
        if line.len() + count > bytes_max {
            return Err(RecordingError::new(format!("a line has more than the {bytes_max} bytes allowed"), offset));
        }
        line.extend_from_slice(available.get(..count).unwrap_or_default());
        reader.consume(count);
        if end.is_some() || count == 0 {
            return Ok(!line.is_empty());
        }
    }
}

fn read_line(line: &[u8], offset: u64, bounds: Bounds, sink: &mut dyn FnMut(Entry)) -> Result<(), RecordingError> {
    let mark: &[u8] = if offset == 0 { b"\xef\xbb\xbf" } else { b"" };
    let text = line.strip_prefix(mark).unwrap_or(line);
    let offset = offset + (line.len() - text.len()) as u64;
    let text = text.trim_ascii_end();
    if text.is_empty() {
        return Ok(());
    }
    let mut parsed: EntryJson = serde_json::from_slice(text).map_err(|error| {
        // A line has one line, so the column is the place.
        let at = if error.is_eof() { text.len() } else { error.column().saturating_sub(1) };
        RecordingError::new(format!("the line is no exchange: {}", reason(&error)), offset + at as u64)
    })?;
    let fail = |message: String| RecordingError::new(format!("the line is no exchange: {message}"), offset);
    if parsed.log.is_some() {
        return Err(fail("it is a whole HAR".to_owned()));
    }
    // What the control plane lists is one object with many.
    let entries = match parsed.exchanges.take() {
        Some(exchanges) => exchanges,
        None => vec![parsed],
    };
    for entry in entries {
        let form = if entry.is_own() { Form::Own } else { Form::Har };
        sink(exchange(entry, form, bounds.fields_max).map_err(fail)?);
    }
    Ok(())
}
