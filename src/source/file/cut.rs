//! Cutting bytes into records. In: a buffered reader. Out: one payload after the other with its line. What cannot be cut
//! comes out as a broken payload; a reader that fails in the middle gives one such payload and ends. Here: what all
//! formats share, and lines; `values` cuts JSON documents, `rows` delimited ones.

use std::io::{self, BufRead};
use std::ops::ControlFlow;

use crate::event::{RawPayload, RejectReason};

/// Longest part of an over-long record that is kept for people.
const KEPT: usize = 4096;

pub(super) type Take<'a> = &'a mut dyn FnMut((u64, RawPayload<'_>)) -> ControlFlow<()>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    End,
    Whole,
    TooLong,
}

/// Reads up to and without the next line feed; over-long lines are read past, their beginning stays in `line`.
pub(super) fn next_line(input: &mut dyn BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<Line> {
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
        if !long && line.len() + part.len() > limit {
            long = true;
            line.extend_from_slice(&part[..KEPT.saturating_sub(line.len()).min(part.len())]);
            line.truncate(KEPT);
        } else if !long {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end);
        input.consume(used);
        if end {
            break;
        }
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

pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

pub(super) fn too_long(take: Take<'_>, line: u64, bytes: &[u8], limit: usize) -> ControlFlow<()> {
    let detail = format!("the record is longer than {limit} bytes");
    let bytes = &bytes[..KEPT.min(bytes.len())];
    take((line, RawPayload::Broken { bytes, reason: RejectReason::TooLarge, detail: &detail }))
}

pub(super) fn broken_off(take: Take<'_>, line: u64, bytes: &[u8], error: &io::Error) {
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
            Ok(Line::Whole) => match without_return(&buffer) {
                text if text.trim_ascii().is_empty() => ControlFlow::Continue(()),
                text => take((number, RawPayload::Json(text))),
            },
            Err(error) => return broken_off(take, number, &buffer, &error),
        };
        if flow.is_break() {
            return;
        }
    }
}
