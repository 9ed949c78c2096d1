//! HTTP as curl speaks it, by hand, so that a test sees every byte and may stop in the middle.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::address;

pub struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// Whether the body came to its proper end.
    pub complete: bool,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn code(&self) -> &str {
        self.header("x-clickhouse-exception-code")
    }
}

/// `a=b&c=d`, escaped.
pub fn arguments(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new("/?".to_owned());
    for (key, value) in pairs {
        query.append_pair(key, value);
    }
    query.finish().replacen("/?&", "/?", 1)
}

impl Request {
    pub fn post(path: &str) -> Self {
        Self { method: "POST", path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(path: &str) -> Self {
        Self { method: "GET", ..Self::post(path) }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request and leaves the answer to be read.
    pub fn open(self) -> TcpStream {
        let mut stream = TcpStream::connect(address()).expect("the face listens");
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.path);
        if !self.headers.iter().any(|(k, _)| k == "Host") {
            head += &format!("Host: {}\r\n", address());
        }
        if !self.headers.iter().any(|(k, _)| k == "Content-Length") {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).expect("the head goes out");
        // A refusal may come before the body is taken.
        stream.write_all(&self.body).ok();
        stream
    }

    pub fn send(self) -> Answer {
        read(self.open(), |_| {})
    }
}

/// Reads an answer to its end; `piece` sees each part of the body before it is kept.
pub fn read(stream: TcpStream, mut piece: impl FnMut(&mut Vec<u8>)) -> Answer {
    let mut from = BufReader::new(stream);
    let line = |from: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        from.read_line(&mut line).ok();
        line.trim_end().to_owned()
    };
    let first = line(&mut from);
    let status = first.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("no status: {first:?}"));
    let mut headers = HashMap::new();
    loop {
        let header = line(&mut from);
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let (mut body, mut complete) = (Vec::new(), false);
    if let Some(length) = headers.get("content-length").and_then(|l| l.parse().ok()) {
        body = vec![0; length];
        complete = from.read_exact(&mut body).is_ok();
        piece(&mut body);
    } else {
        while let Ok(length) = usize::from_str_radix(&line(&mut from), 16) {
            let mut part = vec![0; length];
            if from.read_exact(&mut part).is_err() {
                break;
            }
            line(&mut from);
            if length == 0 {
                complete = true;
                break;
            }
            piece(&mut part);
            body.append(&mut part);
        }
    }
    Answer { status, headers, body, complete }
}
