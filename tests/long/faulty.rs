//! A network between a process and its ClickHouse that can be told to misbehave: answers that come late, connections that
//! close after an insert was applied and before anybody hears of it.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::exchange::Exchange;

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

fn pass(client: TcpStream, target: u16, faults: &Faults) -> Option<()> {
    let exchange = Exchange::of(client)?;
    let insert = exchange.is_insert();
    let nth = if insert { faults.inserts.fetch_add(1, Ordering::SeqCst) } else { 0 };
    let every = faults.unanswered.load(Ordering::SeqCst);
    let line = exchange.line.clone();
    exchange.pass(target, &line, |server, client| {
        if insert && every > 0 && nth % every == 0 {
            // The server's word is waited for, so that the insert is applied.
            std::io::copy(server, &mut std::io::sink()).ok();
            faults.closed.fetch_add(1, Ordering::SeqCst);
        } else {
            std::thread::sleep(Duration::from_millis(faults.late.load(Ordering::SeqCst)));
            std::io::copy(server, client).ok();
        }
    })
}
