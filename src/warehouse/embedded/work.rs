//! One statement at work, on a thread that may block. In: a statement and its connection. Out: the head of the answer
//! as soon as the engine has said yes or no, then its blocks one by one, as fast as the client takes them.

use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Instant;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use super::codec;
use super::connection::{Answer, Connection, Counts};
use super::request::{Insert, Statement, answers, is_select, name, named_format, quote, sets, setting};

/// Formats whose blocks, one after the other, are one document.
const CONCATENATE: [&str; 11] = [
    "CSV",
    "TSV",
    "TSVRaw",
    "TabSeparated",
    "TabSeparatedRaw",
    "RowBinary",
    NAMES_AND_TYPES,
    "Native",
    "JSONEachRow",
    "JSONLines",
    "NDJSON",
];
/// Bytes of an answer on their way at once.
const PIECE: usize = 1 << 20;
/// The same, but for a header on every block.
const NAMES_AND_TYPES: &str = "RowBinaryWithNamesAndTypes";

/// What the client is told first.
pub(super) struct Head {
    /// Of an answer with rows.
    pub format: Option<String>,
    pub counts: Counts,
    pub elapsed_ns: u128,
    /// The whole answer; where it is missing, pieces follow.
    pub body: Option<Bytes>,
}

pub(super) enum Piece {
    Data(Bytes),
    Failed(String),
    /// Without it the answer was cut off.
    End,
}

/// Where the answer goes.
pub(super) struct Out {
    pub head: Option<oneshot::Sender<Result<Head, String>>>,
    pub pieces: mpsc::Sender<Piece>,
    pub cut: watch::Receiver<bool>,
}

impl Out {
    fn is_gone(&self) -> bool {
        self.head.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn begin(&mut self, head: Head) {
        if let Some(sender) = self.head.take() {
            sender.send(Ok(head)).ok();
        }
    }

    /// Waits until the client has taken what came before; false once there is no use in going on.
    fn send(&mut self, piece: Piece) -> bool {
        Handle::current().block_on(async {
            tokio::select! {
                sent = self.pieces.send(piece) => sent.is_ok(),
                _ = self.cut.wait_for(|cut| *cut) => false,
            }
        })
    }

    fn fail(&mut self, error: String) {
        match self.head.take() {
            Some(sender) => {
                sender.send(Err(error)).ok();
            }
            None => {
                self.send(Piece::Failed(error));
            }
        }
    }
}

/// Runs a statement to its end, or to the point where nobody wants it.
pub(super) fn execute(connection: &mut Connection, mut s: Statement, id: &str, shared: bool, mut out: Out) {
    let start = Instant::now();
    let before = if shared && !sets(&s.sql) { remember(connection, &s) } else { Vec::new() };
    let insert = s.insert.take();
    let outcome = prepare(connection, &s, id).and_then(|()| {
        if out.is_gone() {
            return Ok(());
        }
        let format = named_format(&s.sql).unwrap_or_else(|| s.default_format.clone());
        if can_stream(&s, &format, shared) {
            return stream(connection, &s, format, &mut out, start);
        }
        let shown = answers(&s.sql).then(|| format.clone());
        let answer = match insert {
            Some(insert) => store(connection, insert),
            None => connection.run(statement(&s), &format),
        }?;
        let body = Bytes::from(if s.compress { codec::frame(&answer.bytes) } else { answer.bytes });
        out.begin(Head {
            format: shown,
            counts: answer.counts,
            elapsed_ns: start.elapsed().as_nanos(),
            body: Some(body),
        });
        Ok(())
    });
    for sql in before {
        // The statement has been answered; a session that cannot be put back as it was says so at its next request.
        if let Err(error) = connection.run(&sql, "Null") {
            tracing::warn!(%error, sql, "a session keeps a setting of one request");
        }
    }
    if let Err(error) = outcome {
        out.fail(error);
    }
}

fn statement(s: &Statement) -> &str {
    s.sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}

/// JSONEachRow is an array per block where a setting says so; a session may have set it long ago.
fn can_stream(s: &Statement, format: &str, shared: bool) -> bool {
    let arrays = "output_format_json_array_of_rows";
    let lines = ["JSONEachRow", "JSONLines", "NDJSON"].contains(&format);
    let plain = !shared && !s.settings.contains_key(arrays) && !s.sql.to_ascii_lowercase().contains(arrays);
    !s.whole && CONCATENATE.contains(&format) && is_select(&s.sql) && (!lines || plain)
}

/// The statements that undo what the URL of a request sets on a session's connection.
fn remember(connection: &mut Connection, s: &Statement) -> Vec<String> {
    let mut ask = vec!["currentDatabase()".to_owned()];
    ask.extend(s.settings.keys().map(|k| format!("toString(getSetting({}))", quote(k))));
    let sql = format!("SELECT {}", ask.join(", "));
    // A setting that is not known is refused by the SET that follows.
    let Ok(answer) = connection.run(&sql, "JSONCompactEachRow") else { return Vec::new() };
    let Ok(values) = serde_json::from_slice::<Vec<String>>(&answer.bytes) else { return Vec::new() };
    let mut values = values.iter();
    let database = values.next().filter(|_| s.database.is_some()).map(|d| format!("USE {}", name(d)));
    let settings = s.settings.keys().zip(values).map(|(k, v)| format!("SET {k} = {}", setting(v)));
    settings.chain(database).collect()
}

/// Settings, parameters and the id. What this first statement answers is never read: after an error the engine puts the
/// rest of the failed answer before it.
fn prepare(connection: &mut Connection, s: &Statement, id: &str) -> Result<(), String> {
    if let Some(database) = s.database.as_deref().filter(|d| !d.is_empty()) {
        connection.run(&format!("USE {}", name(database)), "Null")?;
    }
    let own = ["implicit_select = 0".to_owned(), format!("log_comment = {}", quote(id))];
    let settings = s.settings.iter().map(|(k, v)| format!("{k} = {}", setting(v)));
    let parameters = s.parameters.iter().map(|(k, v)| format!("param_{k} = {}", quote(v)));
    let all: Vec<String> = own.into_iter().chain(settings).chain(parameters).collect();
    match connection.run(&format!("SET {}", all.join(", ")), "Null") {
        // A session that made itself read-only can still ask.
        Err(error) if error.contains("(READONLY)") && s.settings.is_empty() && s.parameters.is_empty() => Ok(()),
        other => other.map(|_| ()),
    }
}

fn stream(
    connection: &mut Connection,
    s: &Statement,
    format: String,
    out: &mut Out,
    start: Instant,
) -> Result<(), String> {
    let headed = format == NAMES_AND_TYPES;
    let mut blocks = connection.stream(statement(s), &format)?;
    let mut header = Vec::new();
    // The first block decides whether there is an answer at all.
    let mut next = blocks.next()?;
    if let Some(first) = next.as_ref().filter(|_| headed) {
        header = first.bytes[..names_and_types(&first.bytes).ok_or("Code: 1001. DB::Exception: no header")?].to_vec();
    }
    let counts = next.as_ref().map(|b| b.counts).unwrap_or_default();
    out.begin(Head { format: Some(format), counts, elapsed_ns: start.elapsed().as_nanos(), body: None });
    let mut is_first = true;
    while let Some(block) = next {
        let skip = if is_first || !block.bytes.starts_with(&header) { 0 } else { header.len() };
        is_first = false;
        // In pieces, so that little stands in queues on the way, however wide the rows are.
        let mut bytes = Bytes::from(block.bytes).slice(skip..);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            let piece = if s.compress { Bytes::from(codec::frame(&piece)) } else { piece };
            if !out.send(Piece::Data(piece)) {
                return Ok(());
            }
        }
        next = blocks.next()?;
    }
    out.send(Piece::End);
    Ok(())
}

/// Length of the header of `RowBinaryWithNamesAndTypes`: a number of columns, their names, their types.
fn names_and_types(block: &[u8]) -> Option<usize> {
    let mut at = 0;
    let number = |at: &mut usize| {
        let (mut value, mut shift) = (0_usize, 0);
        loop {
            let byte = *block.get(*at)?;
            *at += 1;
            value |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            shift += 7;
        }
    };
    for _ in 0..2 * number(&mut at)? {
        at += number(&mut at)?;
    }
    (at <= block.len()).then_some(at)
}

fn store(connection: &mut Connection, insert: Insert) -> Result<Answer, String> {
    let Insert { head, settings, format, data } = insert;
    let file = memory_file(&data).map_err(|e| format!("Code: 74. DB::Exception: {e}"))?;
    drop(data);
    let fd = file.as_raw_fd();
    connection
        .run(&format!("{head} FROM INFILE '/proc/self/fd/{fd}' COMPRESSION 'none' {settings} FORMAT {format}"), "Null")
}

/// The data as a file that only this process has: any byte may stand in it.
fn memory_file(data: &[u8]) -> std::io::Result<OwnedFd> {
    // SAFETY: a constant name; the descriptor is checked and owned at once.
    let file = unsafe {
        let fd = libc::memfd_create(c"insert".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    let mut writer = std::fs::File::from(file);
    writer.write_all(data)?;
    Ok(OwnedFd::from(writer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_block_is_as_long_as_its_names_and_types() {
        assert_eq!(names_and_types(b"\x02\x01a\x02bb\x05UInt8\x05Int16data"), Some(18));
        assert_eq!(names_and_types(b"\x00"), Some(1));
        assert_eq!(names_and_types(b"\x01\x01a\x05UI"), None);
    }
}
