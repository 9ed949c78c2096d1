//! A look at the beginning of a reader, before anyone decides how to read it. In: a reader. Out: its first bytes, and a
//! reader that gives them again, then the rest.

use std::io::{self, Read};

/// Most that is looked at before reading begins.
const PEEK: usize = 1 << 16;

/// A reader whose beginning has been looked at. A pipe may give it byte by byte, so one read would not do.
pub(super) struct Peeked<R> {
    seen: io::Cursor<Vec<u8>>,
    /// What ended the look; met again where the bytes end.
    failed: Option<io::Error>,
    rest: R,
}

impl<R: Read> Peeked<R> {
    pub fn at(mut rest: R, enough: impl Fn(&[u8]) -> bool) -> Self {
        let (mut seen, mut failed) = (Vec::new(), None);
        let mut part = [0; 4096];
        while seen.len() < PEEK && !enough(&seen) {
            match rest.read(&mut part) {
                Ok(0) => break,
                Ok(n) => seen.extend_from_slice(&part[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            }
        }
        Self { seen: io::Cursor::new(seen), failed, rest }
    }

    /// An error, if the very look has failed.
    pub fn readable(self) -> io::Result<Self> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    pub fn start(&self) -> &[u8] {
        &self.seen.get_ref()[self.seen.position() as usize..]
    }

    pub fn skip_byte_order_mark(&mut self) {
        if self.start().starts_with(b"\xef\xbb\xbf") {
            self.seen.set_position(self.seen.position() + 3);
        }
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.seen.read(buffer)? {
            0 => match self.failed.take() {
                Some(error) => Err(error),
                None => self.rest.read(buffer),
            },
            n => Ok(n),
        }
    }
}
