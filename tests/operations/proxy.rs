//! Stands between a process and its ClickHouse and changes one setting of every INSERT: the limits are then the engine's
//! own, and so are its errors.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub struct Proxy {
    pub port: u16,
    /// INSERTs that passed through.
    pub inserts: Arc<AtomicUsize>,
    /// While set, nothing passes: connections are closed at once.
    pub closed: Arc<AtomicBool>,
}

impl Proxy {
    /// `change`: what an INSERT's address becomes.
    pub fn before(target: u16, change: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (inserts, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, shut, change) = (inserts.clone(), closed.clone(), Arc::new(change));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counted, shut, change) = (counted.clone(), shut.clone(), change.clone());
                std::thread::spawn(move || {
                    if !shut.load(Ordering::SeqCst) {
                        pass(stream, target, &*change, &counted);
                    }
                });
            }
        });
        Self { port, inserts, closed }
    }
}

/// One request and its answer; the connection is not used again, so that no request goes by unseen.
fn pass(mut client: TcpStream, target: u16, change: &dyn Fn(&str) -> String, counted: &AtomicUsize) -> Option<()> {
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
    let line = if line.contains("INSERT") {
        counted.fetch_add(1, Ordering::SeqCst);
        change(line)
    } else {
        line.to_owned()
    };
    let mut server = TcpStream::connect(("127.0.0.1", target)).ok()?;
    write!(server, "{line}\r\n{headers}\r\nConnection: close\r\n\r\n").ok()?;
    server.write_all(&seen[end + 4..]).ok()?;
    let (mut up, mut down) = (server.try_clone().ok()?, client.try_clone().ok()?);
    let upwards = std::thread::spawn(move || std::io::copy(&mut down, &mut up).ok());
    std::io::copy(&mut server, &mut client).ok();
    client.shutdown(std::net::Shutdown::Both).ok();
    upwards.join().ok();
    Some(())
}
