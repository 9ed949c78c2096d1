//! Who owns which slice, as the workers themselves say. In: the lines of their logs, each with its moment, and when a
//! worker was stopped or killed. Out: the longest time that a slice had no owner.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Ownership {
    owners: BTreeMap<u64, Vec<usize>>,
    /// Since when a slice that once had an owner has none.
    orphans: BTreeMap<u64, Instant>,
    pub longest: Duration,
    pub taken: usize,
}

pub type Shared = Arc<Mutex<Ownership>>;

impl Ownership {
    fn gains(&mut self, slice: u64, worker: usize, now: Instant) {
        self.taken += 1;
        if let Some(since) = self.orphans.remove(&slice) {
            self.longest = self.longest.max(now - since);
        }
        self.owners.entry(slice).or_default().push(worker);
    }

    fn loses(&mut self, slice: u64, worker: usize, now: Instant) {
        let owners = self.owners.entry(slice).or_default();
        if owners.contains(&worker) {
            owners.retain(|w| *w != worker);
            if owners.is_empty() {
                self.orphans.insert(slice, now);
            }
        }
    }

    /// It does nothing from now on.
    fn gone(&mut self, worker: usize, now: Instant) {
        let slices: Vec<u64> = self.owners.keys().copied().collect();
        slices.into_iter().for_each(|slice| self.loses(slice, worker, now));
    }

    /// Slices that have no owner now count until now.
    pub fn ends(&mut self) {
        let now = Instant::now();
        let longest = self.orphans.values().map(|since| now - *since).max().unwrap_or_default();
        self.longest = self.longest.max(longest);
    }

    pub fn orphaned(&self) -> usize {
        self.orphans.len()
    }

    pub fn slices(&self) -> usize {
        self.owners.len()
    }
}

/// A worker whose log is read; gone with the test.
pub struct Worker {
    pub child: Child,
    number: usize,
    shared: Shared,
    said: Arc<Mutex<Vec<String>>>,
}

impl Worker {
    pub fn start(mut command: Command, number: usize, shared: &Shared, said: &Arc<Mutex<Vec<String>>>) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let errors = BufReader::new(child.stderr.take().expect("piped"));
        let (owned, lines) = (shared.clone(), said.clone());
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let now = Instant::now();
                if let Some(slice) = number_after(&line, "partition") {
                    let mut owned = owned.lock().unwrap_or_else(PoisonError::into_inner);
                    if line.contains("a slice is taken over") {
                        owned.gains(slice, number, now);
                    } else if line.contains("a slice is given back") {
                        owned.loses(slice, number, now);
                    }
                }
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{number}: {line}"));
            }
        });
        Self { child, number, shared: shared.clone(), said: said.clone() }
    }

    pub fn signal(&self, name: &str) {
        if name != "CONT" {
            self.shared.lock().unwrap_or_else(PoisonError::into_inner).gone(self.number, Instant::now());
        }
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{}: SIG{name}", self.number));
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Told to stop: it leaves the group by itself.
    pub fn leaves(self) {
        self.signal("TERM");
        let mut child = self.child_out();
        std::thread::spawn(move || child.wait().ok());
    }

    pub fn kill(self) {
        self.signal("KILL");
        self.child_out().wait().expect("it is dead");
    }

    fn child_out(mut self) -> Child {
        let stand_in = Command::new("true").stdin(Stdio::null()).spawn().expect("true runs");
        std::mem::replace(&mut self.child, stand_in)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The number behind a field's name, in JSON or as plain text.
fn number_after(line: &str, field: &str) -> Option<u64> {
    let rest = &line[line.find(field)? + field.len()..];
    let digits: String =
        rest.trim_start_matches(['"', ':', '=', ' ']).chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
