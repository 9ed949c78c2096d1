//! Stands between a process and its ClickHouse and changes one setting of every INSERT: the limits are then the engine's
//! own, and so are its errors.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::exchange::Exchange;

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

fn pass(client: TcpStream, target: u16, change: &dyn Fn(&str) -> String, counted: &AtomicUsize) -> Option<()> {
    let exchange = Exchange::of(client)?;
    let line = if exchange.is_insert() {
        counted.fetch_add(1, Ordering::SeqCst);
        change(&exchange.line)
    } else {
        exchange.line.clone()
    };
    exchange.pass(target, &line, |server, client| {
        std::io::copy(server, client).ok();
    })
}
