//! A network between a process and its ClickHouse that can be told to misbehave: answers that come late, connections that
//! close after an insert was applied and before anybody hears of it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Default)]
pub struct Faults {
    /// Every answer comes so many milliseconds late.
    pub late: AtomicU64,
    /// Of so many inserts one is applied and not answered; 0: none.
    pub unanswered: AtomicUsize,
    /// INSERTs seen.
    pub inserts: AtomicUsize,
    /// Those that were applied and not answered.
    pub closed: AtomicUsize,
}

/// Stands before `target`; gives its port and what it can be told.
pub fn before(target: u16) -> (u16, Arc<Faults>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let faults = Arc::new(Faults::default());
    let told = faults.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = told.clone();
            std::thread::spawn(move || pass(stream, target, &told));
        }
    });
    (port, faults)
}

/// One request and its answer; the connection is not used again, so that no request goes by unseen.
fn pass(mut client: TcpStream, target: u16, faults: &Faults) -> Option<()> {
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
    let insert = line.contains("INSERT");
    let nth = if insert { faults.inserts.fetch_add(1, Ordering::SeqCst) } else { 0 };
    let mut server = TcpStream::connect(("127.0.0.1", target)).ok()?;
    write!(server, "{line}\r\n{headers}\r\nConnection: close\r\n\r\n").ok()?;
    server.write_all(&seen[end + 4..]).ok()?;
    let (mut up, mut down) = (server.try_clone().ok()?, client.try_clone().ok()?);
    let upwards = std::thread::spawn(move || std::io::copy(&mut down, &mut up).ok());
    let every = faults.unanswered.load(Ordering::SeqCst);
    if insert && every > 0 && nth % every == 0 {
        // The server's word is waited for, so that the insert is applied.
        std::io::copy(&mut server, &mut std::io::sink()).ok();
        faults.closed.fetch_add(1, Ordering::SeqCst);
    } else {
        std::thread::sleep(Duration::from_millis(faults.late.load(Ordering::SeqCst)));
        std::io::copy(&mut server, &mut client).ok();
    }
    client.shutdown(Shutdown::Both).ok();
    server.shutdown(Shutdown::Both).ok();
    upwards.join().ok();
    Some(())
}
