//! Cutting a JSON file whose records are the elements of an array, or objects one after the other over any number of
//! lines. In: a buffered reader. Out: the text of each record. Streamed: brackets are counted outside of strings, and
//! what is broken inside one record is left to the decoder, which says why; the next record is found all the same.

use std::io::{self, BufRead};
use std::ops::ControlFlow;

use super::cut::{Take, broken_off, too_long};
use crate::event::RawPayload;

/// Open brackets that are remembered by kind; deeper ones are counted only (the decoder refuses them anyway).
const REMEMBERED: usize = 1024;

/// Where in the record the next byte stands.
#[derive(Default)]
struct Nest {
    open: Vec<u8>,
    deeper: usize,
    in_string: bool,
    escaped: bool,
    /// A line feed stood inside a string, which JSON forbids: the next byte tells whether the string was left open.
    string_broke: bool,
}

impl Nest {
    fn is_outside(&self) -> bool {
        self.open.is_empty() && self.deeper == 0 && !self.in_string
    }

    fn step(&mut self, b: u8) {
        if self.in_string {
            if self.string_broke && !b.is_ascii_whitespace() {
                self.string_broke = false;
                // The next key, or the end of the object: the string was never closed.
                if b"\"{}]".contains(&b) {
                    self.in_string = false;
                    return self.step(b);
                }
            }
            match b {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                b'\n' => self.string_broke = true,
                _ => {}
            }
            return;
        }
        match b {
            b'"' => self.in_string = true,
            b'{' | b'[' if self.open.len() < REMEMBERED => self.open.push(b),
            b'{' | b'[' => self.deeper += 1,
            b'}' | b']' if self.deeper > 0 => self.deeper -= 1,
            // A bracket left open inside is closed by the one around it.
            b'}' => self.close(b'{'),
            b']' => self.close(b'['),
            _ => {}
        }
    }

    fn close(&mut self, opener: u8) {
        if let Some(place) = self.open.iter().rposition(|b| *b == opener) {
            self.open.truncate(place);
        }
    }
}

struct Cutter<'a> {
    take: Take<'a>,
    limit: usize,
    record: Vec<u8>,
    long: bool,
    nest: Nest,
    line: u64,
    began: u64,
    /// Inside the array around the records; false before, after and without one.
    in_array: bool,
}

impl Cutter<'_> {
    fn byte(&mut self, b: u8) -> ControlFlow<()> {
        self.line += u64::from(b == b'\n');
        if self.record.is_empty() {
            match b {
                _ if b.is_ascii_whitespace() => return ControlFlow::Continue(()),
                b'[' if !self.in_array => self.in_array = true,
                b',' if self.in_array => {}
                b']' if self.in_array => self.in_array = false,
                _ => {
                    self.began = self.line;
                    return self.inside(b);
                }
            }
            return ControlFlow::Continue(());
        }
        // A text, a number or rubbish ends where the next record or line does.
        if self.nest.is_outside() && (b == b'\n' || (self.in_array && b",]".contains(&b))) {
            self.in_array &= b != b']';
            return self.give();
        }
        self.inside(b)
    }

    fn inside(&mut self, b: u8) -> ControlFlow<()> {
        if self.record.len() < self.limit {
            self.record.push(b)
        } else {
            self.long = true
        }
        self.nest.step(b);
        if b"}]".contains(&b) && self.nest.is_outside() { self.give() } else { ControlFlow::Continue(()) }
    }

    fn give(&mut self) -> ControlFlow<()> {
        let flow = if self.long {
            too_long(self.take, self.began, &self.record, self.limit)
        } else {
            (self.take)((self.began, RawPayload::Json(self.record.trim_ascii_end())))
        };
        self.record.clear();
        self.long = false;
        self.nest = Nest::default();
        flow
    }
}

pub(super) fn values(input: &mut dyn BufRead, limit: usize, take: Take<'_>) {
    let mut cutter = Cutter {
        take,
        limit,
        record: Vec::new(),
        long: false,
        nest: Nest::default(),
        line: 1,
        began: 1,
        in_array: false,
    };
    loop {
        let used = match input.fill_buf() {
            Ok([]) => break,
            Ok(bytes) => {
                for &b in bytes {
                    if cutter.byte(b).is_break() {
                        return;
                    }
                }
                bytes.len()
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return broken_off(cutter.take, cutter.began, &cutter.record, &error),
        };
        input.consume(used);
    }
    if cutter.long {
        // Nothing follows, whatever the answer.
        let _ = cutter.give();
    } else if !cutter.record.is_empty() && cutter.nest.is_outside() && !cutter.in_array {
        let _ = cutter.give();
    } else if !cutter.record.is_empty() || cutter.in_array {
        let what = if cutter.in_array { "the array is not closed" } else { "the object is not closed" };
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, what);
        let line = if cutter.record.is_empty() { cutter.line } else { cutter.began };
        broken_off(cutter.take, line, &cutter.record, &error);
    }
}
