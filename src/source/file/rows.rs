//! Cutting delimited files: a header, then one record a row; a quoted cell may hold separators and line feeds. In: a
//! buffered reader. Out: header and cells of each row. A row of another width is a broken record, and so is a line whose
//! quote is never closed: it does not swallow the rows after it.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

use csv_core::ReadRecordResult;

use super::cut::{Line, Take, broken_off, next_line, too_long, without_return};
use crate::event::{RawPayload, RejectReason};

/// Where in a cell a line ends; the same automaton as the parser's, which only sees whole records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Start,
    Plain,
    Quoted,
    /// After a quote inside a quoted cell: its end, or the first half of a doubled one.
    QuoteSeen,
}

impl Cell {
    fn after(self, separator: u8, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |cell, &b| match (cell, b) {
            (Self::Quoted, b'"') => Self::QuoteSeen,
            (Self::Quoted, _) => Self::Quoted,
            (Self::Start | Self::QuoteSeen, b'"') => Self::Quoted,
            (_, b) if b == separator => Self::Start,
            _ => Self::Plain,
        })
    }
}

/// What a record turned out to be.
enum Record {
    End,
    /// Its text is in the buffer.
    Whole(u64),
    TooLong(u64),
    /// The line opens a quote that nothing closes; the lines after it are read again as records.
    OpenQuote(u64),
}

struct Records<'a> {
    input: &'a mut dyn BufRead,
    separator: u8,
    limit: usize,
    /// Lines read ahead for a quote that was not closed, to be read again.
    again: VecDeque<(Line, Vec<u8>)>,
    /// Number of the line read last.
    line: u64,
}

impl Records<'_> {
    fn next_line(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        let read = match self.again.pop_front() {
            Some((read, earlier)) => {
                *line = earlier;
                read
            }
            None => next_line(self.input, line, self.limit)?,
        };
        self.line += u64::from(read != Line::End);
        Ok(read)
    }

    /// The next record into `text`, without its line end. Empty lines are none.
    fn next(&mut self, text: &mut Vec<u8>) -> io::Result<Record> {
        loop {
            match self.next_line(text)? {
                Line::End => return Ok(Record::End),
                Line::TooLong => return Ok(Record::TooLong(self.line)),
                Line::Whole if without_return(text).is_empty() => {}
                Line::Whole => break,
            }
        }
        let began = self.line;
        let mut cell = Cell::Start.after(self.separator, text);
        let mut more: Vec<(Line, Vec<u8>)> = Vec::new();
        let mut length = text.len();
        while cell == Cell::Quoted {
            let mut line = Vec::new();
            let read = self.next_line(&mut line)?;
            length += line.len() + 1;
            cell = Cell::Quoted.after(self.separator, &line);
            if read != Line::End {
                more.push((read, line));
            }
            if read != Line::Whole || length > self.limit {
                self.line -= more.len() as u64;
                for line in more.into_iter().rev() {
                    self.again.push_front(line);
                }
                return Ok(Record::OpenQuote(began));
            }
        }
        for (_, line) in more {
            text.push(b'\n');
            text.extend_from_slice(&line);
        }
        if text.last() == Some(&b'\r') {
            text.pop();
        }
        Ok(Record::Whole(began))
    }
}

/// Cells of one record; its buffers are kept from row to row.
struct Cells {
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Cells {
    fn new(separator: u8) -> Self {
        let end = csv_core::Terminator::Any(b'\n');
        let mut parser = csv_core::ReaderBuilder::new().delimiter(separator).terminator(end).build();
        // The parser passes over a byte order mark before its first record; the file's own is gone already.
        parser.read_record(b"-\n", &mut [0; 2], &mut [0; 2]);
        Self { parser, text: Vec::new(), ends: Vec::new(), count: 0 }
    }

    fn read(&mut self, record: &mut Vec<u8>, separator: u8) {
        // One more of each than a record can need: the parser stops where a buffer is full.
        let most = record.iter().filter(|b| **b == separator).count() + 2;
        self.text.resize(self.text.len().max(record.len() + 1), 0);
        self.ends.resize(self.ends.len().max(most), 0);
        record.push(b'\n');
        let (result, _, _, count) = self.parser.read_record(record, &mut self.text, &mut self.ends);
        record.pop();
        debug_assert!(matches!(result, ReadRecordResult::Record), "a whole record has been given");
        self.count = count;
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let ends = &self.ends[..self.count];
        ends.iter().enumerate().map(|(i, end)| &self.text[if i == 0 { 0 } else { ends[i - 1] }..*end])
    }
}

/// Why no row below this header can be read.
fn doubtful(header: &[String], cells: &Cells) -> Option<(RejectReason, String)> {
    if cells.iter().any(|c| std::str::from_utf8(c).is_err()) {
        return Some((RejectReason::NotUtf8, "the header is not UTF-8".to_owned()));
    }
    let twice = header.iter().enumerate().find(|(i, name)| !name.is_empty() && header[..*i].contains(name))?.1;
    Some((RejectReason::DuplicateKey, format!("the column `{twice}` stands twice in the header")))
}

pub(super) fn rows(input: &mut dyn BufRead, separator: u8, limit: usize, take: Take<'_>) {
    let mut records = Records { input, separator, limit, again: VecDeque::new(), line: 0 };
    let mut cells = Cells::new(separator);
    let mut text = Vec::new();
    let mut header: Vec<String> = Vec::new();
    let mut doubt = None;
    loop {
        let flow = match records.next(&mut text) {
            Ok(Record::End) => return,
            Ok(Record::TooLong(line)) => too_long(take, line, &text, limit),
            Ok(Record::OpenQuote(line)) => {
                let (bytes, reason) = (without_return(&text), RejectReason::Truncated);
                let detail = "a quote that opens on this line is never closed; hint: write a quote inside a cell twice";
                take((line, RawPayload::Broken { bytes, reason, detail }))
            }
            Ok(Record::Whole(_)) if header.is_empty() => {
                cells.read(&mut text, separator);
                header = cells.iter().map(|c| String::from_utf8_lossy(c).trim().to_owned()).collect();
                doubt = doubtful(&header, &cells);
                ControlFlow::Continue(())
            }
            Ok(Record::Whole(line)) => {
                cells.read(&mut text, separator);
                let bytes = text.as_slice();
                if let Some((reason, detail)) = &doubt {
                    take((line, RawPayload::Broken { bytes, reason: *reason, detail }))
                } else if cells.count != header.len() {
                    let detail = format!("the row has {} cells, the header {}", cells.count, header.len());
                    take((line, RawPayload::Broken { bytes, reason: RejectReason::WrongWidth, detail: &detail }))
                } else {
                    let row: Vec<&[u8]> = cells.iter().collect();
                    take((line, RawPayload::Row { header: &header, cells: &row, text: bytes }))
                }
            }
            Err(error) => return broken_off(take, records.line + 1, &text, &error),
        };
        if flow.is_break() {
            return;
        }
    }
}
