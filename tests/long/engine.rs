//! The engine behind a process, asked by its HTTP address without a process in between; and one that stands alone as a
//! server that can be killed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::running::{Running, write_config};

/// Where the tables of a server are. Not where its own process has some: that would key them anew by its own config.
pub const SHOP: &str = "shop";

/// The answer of a server at this address as TSV; `None`: nobody answers, or not this.
pub fn ask(address: &str, query: &str) -> Option<String> {
    ask_in(SHOP, address, query)
}

fn ask_in(database: &str, address: &str, query: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let length = query.len();
    write!(
        stream,
        "POST /?database={database} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{query}"
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunked(body)?
    } else {
        body.to_owned()
    };
    head.split_whitespace().nth(1).filter(|status| *status == "200")?;
    Some(body.trim_end().to_owned())
}

fn unchunked(mut body: &str) -> Option<String> {
    let mut text = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n")?;
        let length = usize::from_str_radix(length.trim(), 16).ok()?;
        if length == 0 {
            return Some(text);
        }
        text.push_str(rest.get(..length)?);
        body = rest.get(length..)?.strip_prefix("\r\n")?;
    }
}

/// The engine that the process of a data folder holds.
pub fn ask_owner(data: &Path, query: &str) -> Option<String> {
    ask_in("tropa", std::fs::read_to_string(data.join("address")).ok()?.trim(), query)
}

/// A number that a query gives.
pub fn number(answer: Option<String>) -> Option<u64> {
    answer?.trim().parse().ok()
}

/// A process that only holds an engine, at a port of its own.
pub struct Server {
    running: Option<Running>,
    folder: PathBuf,
    pub port: u16,
}

impl Server {
    pub fn start(folder: &Path, port: u16) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        write_config(folder, &format!("embedded: {{ listen: {port} }}\nsources: {{ none: {{ decoder: web }} }}\n"));
        std::fs::write(folder.join("shop.journey.yaml"), crate::running::MAP).expect("writable");
        let mut server = Self { running: None, folder: folder.to_owned(), port };
        server.comes_back();
        server
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// kill -9.
    pub fn goes_away(&mut self) {
        self.running = None;
    }

    pub fn comes_back(&mut self) {
        let mut running = Running::start(&self.folder, &["run"]);
        running.hear("store loaded");
        self.running = Some(running);
    }
}
