//! Cutting bytes into records. In: a buffered reader. Out: one payload after the other with its line. What cannot be cut
//! comes out as a broken payload; a reader that fails in the middle gives one such payload and ends.

use std::io::{self, BufRead};
use std::ops::ControlFlow;

use crate::event::{RawPayload, RejectReason};

/// Longest part of an over-long record that is kept for people.
const KEPT: usize = 4096;

pub(super) type Take<'a> = &'a mut dyn FnMut((u64, RawPayload<'_>)) -> ControlFlow<()>;

enum Line {
    End,
    Whole,
    TooLong,
}

/// Reads up to and without the next line feed; over-long lines are read past, their beginning stays in `line`.
fn next_line(input: &mut dyn BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<Line> {
    line.clear();
    let (mut any, mut long) = (false, false);
    loop {
        let available = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if available.is_empty() {
            break;
        }
        any = true;
        let (part, end) = match memchr(b'\n', available) {
            Some(i) => (&available[..i], true),
            None => (available, false),
        };
        if line.len() + part.len() <= limit {
            line.extend_from_slice(part);
        } else {
            long = true;
            let room = KEPT.saturating_sub(line.len()).min(part.len());
            line.extend_from_slice(&part[..room]);
            line.truncate(KEPT.max(1));
        }
        let used = part.len() + usize::from(end);
        input.consume(used);
        if end {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(match (any, long) {
        (false, _) => Line::End,
        (_, true) => Line::TooLong,
        (_, false) => Line::Whole,
    })
}

fn memchr(byte: u8, bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|b| *b == byte)
}

fn too_long(take: Take<'_>, line: u64, bytes: &[u8], limit: usize) -> ControlFlow<()> {
    let detail = format!("the record is longer than {limit} bytes");
    take((line, RawPayload::Broken { bytes, reason: RejectReason::TooLarge, detail: &detail }))
}

fn broken_off(take: Take<'_>, line: u64, bytes: &[u8], error: &io::Error) {
    let detail = format!("the file breaks off here: {error}");
    // The reader ends after this record whatever the answer.
    let _ = take((line, RawPayload::Broken { bytes, reason: RejectReason::Truncated, detail: &detail }));
}

/// One JSON document a line; empty lines are none.
pub(super) fn lines(input: &mut dyn BufRead, limit: usize, take: Take<'_>) {
    let (mut buffer, mut number) = (Vec::new(), 0);
    loop {
        number += 1;
        let flow = match next_line(input, &mut buffer, limit) {
            Ok(Line::End) => return,
            Ok(Line::TooLong) => too_long(take, number, &buffer, limit),
            Ok(Line::Whole) => {
                let text = if number == 1 { buffer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&buffer) } else { &buffer };
                if text.trim_ascii().is_empty() {
                    ControlFlow::Continue(())
                } else {
                    take((number, RawPayload::Json(text)))
                }
            }
            Err(error) => return broken_off(take, number, &buffer, &error),
        };
        if flow.is_break() {
            return;
        }
    }
}

/// The elements of one JSON array, streamed: brackets are counted outside of strings.
pub(super) fn json_array(input: &mut dyn BufRead, limit: usize, take: Take<'_>) {
    let (mut element, mut line, mut began) = (Vec::new(), 1_u64, 1_u64);
    let (mut depth, mut in_string, mut escaped, mut long) = (0_usize, false, false, false);
    loop {
        let used = match input.fill_buf() {
            Ok([]) => break,
            Ok(bytes) => {
                for &b in bytes {
                    line += u64::from(b == b'\n');
                    let inside = depth > 1 || in_string || (depth == 1 && !b",]".contains(&b));
                    if in_string {
                        match b {
                            _ if escaped => escaped = false,
                            b'\\' => escaped = true,
                            b'"' => in_string = false,
                            _ => {}
                        }
                    } else {
                        match b {
                            b'"' => in_string = true,
                            b'{' | b'[' => depth += 1,
                            b'}' | b']' => depth = depth.saturating_sub(1),
                            _ => {}
                        }
                    }
                    if inside {
                        if element.is_empty() && b.is_ascii_whitespace() {
                            continue;
                        }
                        if element.is_empty() {
                            began = line;
                        }
                        if element.len() < limit { element.push(b) } else { long = true }
                    } else if !element.is_empty() {
                        let flow = if long {
                            too_long(take, began, &element[..KEPT.min(element.len())], limit)
                        } else {
                            take((began, RawPayload::Json(element.trim_ascii_end())))
                        };
                        element.clear();
                        long = false;
                        if flow.is_break() {
                            return;
                        }
                    }
                }
                bytes.len()
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return broken_off(take, began, &element, &error),
        };
        input.consume(used);
    }
    if depth > 0 || !element.is_empty() {
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the array is not closed");
        broken_off(take, began, &element, &error);
    }
}

/// A header, then one record a row. A row of another width than the header is a broken record.
pub(super) fn delimited(input: &mut dyn BufRead, separator: u8, limit: usize, take: Take<'_>) {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(input);
    let mut row = csv::ByteRecord::new();
    let mut header: Vec<String> = Vec::new();
    loop {
        let line = reader.position().line();
        match reader.read_byte_record(&mut row) {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => {
                let error = io::Error::other(error.to_string());
                return broken_off(take, line, &[], &error);
            }
        }
        let line = row.position().map_or(line, csv::Position::line);
        if header.is_empty() {
            header = row
                .iter()
                .map(|c| String::from_utf8_lossy(c).trim_start_matches('\u{feff}').trim().to_owned())
                .collect();
            continue;
        }
        let cells: Vec<&[u8]> = row.iter().collect();
        let length: usize = cells.iter().map(|c| c.len()).sum();
        let flow = if length > limit {
            let bytes = cells.join(&separator);
            too_long(take, line, &bytes[..KEPT.min(bytes.len())], limit)
        } else if cells.len() != header.len() {
            let bytes = cells.join(&separator);
            let detail = format!("the row has {} cells, the header {}", cells.len(), header.len());
            take((line, RawPayload::Broken { bytes: &bytes, reason: RejectReason::WrongWidth, detail: &detail }))
        } else {
            take((line, RawPayload::Row { header: &header, cells: &cells }))
        };
        if flow.is_break() {
            return;
        }
    }
}
