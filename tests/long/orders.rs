//! Operators at work while processes die: splits, revokes and erasures about people who are there, by the command or
//! through the door of the running process. Whether an order was accepted is the store's to say.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::engine::ask_owner;
use crate::shop::text;

/// An order on its way.
pub enum Order {
    Command(Child),
    Door(std::thread::JoinHandle<bool>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Split,
    Revoke,
    Forget,
}

/// Days after which the same words count again.
const DAYS: [&str; 3] = ["2026-04-15", "2026-06-30", "2027-01-01"];

impl Order {
    /// One about two identifiers that the store knows as linked; `None`: it knows none yet.
    pub fn give(config: &Path, data: &Path, kind: Kind, dice: &mut ChaCha8Rng) -> Option<Self> {
        let query = format!(
            "SELECT a, b FROM identity_facts WHERE kind = 'link' ORDER BY cityHash64(a, b, {}) LIMIT 1",
            dice.random::<u32>()
        );
        let pair = ask_owner(data, &query)?;
        let (a, b) = pair.split_once('\t')?;
        let day = DAYS[dice.random_range(0..DAYS.len())];
        if dice.random_bool(0.5) {
            let order = match kind {
                Kind::Split => format!(r#"{{"order":"split","a":"{a}","b":"{b}"}}"#),
                Kind::Revoke => format!(r#"{{"order":"revoke","a":"{a}","b":"{b}","day":"{day}"}}"#),
                Kind::Forget => format!(r#"{{"order":"forget","identifier":"{a}","until":"{day}"}}"#),
            };
            let data = data.to_owned();
            return Some(Self::Door(std::thread::spawn(move || knock(&data, &order).is_some())));
        }
        let order = match kind {
            Kind::Split => vec!["identity", "split", a, b],
            Kind::Revoke => vec!["identity", "revoke", a, b, "--day", day],
            Kind::Forget => vec!["forget", a, "--day", day],
        };
        let child = Command::new(env!("CARGO_BIN_EXE_tropa"))
            .args([&order[..], &["--config", text(config), "--data", text(data)]].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Some(Self::Command(child.expect("the binary runs")))
    }

    pub fn is_over(&mut self) -> bool {
        match self {
            Self::Command(child) => child.try_wait().expect("our child").is_some(),
            Self::Door(thread) => thread.is_finished(),
        }
    }

    /// Whoever asked is gone as well.
    pub fn end(self) {
        match self {
            Self::Command(mut child) => {
                child.kill().ok();
                child.wait().ok();
            }
            Self::Door(thread) => drop(thread.join()),
        }
    }
}

fn knock(data: &Path, order: &str) -> Option<()> {
    let read = |name: &str| std::fs::read_to_string(PathBuf::from(data).join(name)).ok();
    let (address, secret) = (read("serve")?, read("orders.key")?);
    let mut stream = TcpStream::connect(address.trim()).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
    write!(
        stream,
        "POST /orders HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{order}",
        address.trim(),
        order.len()
    )
    .ok()?;
    stream.read_to_end(&mut Vec::new()).ok()?;
    Some(())
}
