//! One HTTP request on its way to a server, for whoever stands between. In: a client's connection. Out: the request's first
//! line, to be counted or changed, and the answer, to be passed on or not. The connection is not used again, so that no
//! request goes by unseen.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

pub struct Exchange {
    pub client: TcpStream,
    /// The request line as it came.
    pub line: String,
    headers: String,
    /// What came with the headers.
    body: Vec<u8>,
}

impl Exchange {
    pub fn of(mut client: TcpStream) -> Option<Self> {
        let mut seen = Vec::new();
        let mut buffer = [0; 1 << 16];
        let end = loop {
            let n = client.read(&mut buffer).ok().filter(|n| *n > 0)?;
            seen.extend_from_slice(&buffer[..n]);
            if let Some(at) = seen.windows(4).position(|w| w == b"\r\n\r\n") {
                break at;
            }
        };
        let head = String::from_utf8_lossy(&seen[..end]).into_owned();
        let (line, headers) = head.split_once("\r\n")?;
        Some(Self { line: line.to_owned(), headers: headers.to_owned(), body: seen.split_off(end + 4), client })
    }

    pub fn is_insert(&self) -> bool {
        self.line.contains("INSERT")
    }

    /// Sends the request on with this first line; `answer` gets the server's connection and the client's.
    pub fn pass(mut self, target: u16, line: &str, answer: impl FnOnce(&mut TcpStream, &mut TcpStream)) -> Option<()> {
        let mut server = TcpStream::connect(("127.0.0.1", target)).ok()?;
        write!(server, "{line}\r\n{}\r\nConnection: close\r\n\r\n", self.headers).ok()?;
        server.write_all(&self.body).ok()?;
        let (mut up, mut down) = (server.try_clone().ok()?, self.client.try_clone().ok()?);
        let upwards = std::thread::spawn(move || std::io::copy(&mut down, &mut up).ok());
        answer(&mut server, &mut self.client);
        self.client.shutdown(Shutdown::Both).ok();
        server.shutdown(Shutdown::Both).ok();
        upwards.join().ok();
        Some(())
    }
}
