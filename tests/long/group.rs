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
    /// The longest time that a slice had no owner: which, and from when until when.
    longest: Option<(u64, Instant, Instant)>,
    pub taken: usize,
}

/// What the workers said, each line with its moment.
pub type Lines = Arc<Mutex<Vec<(Instant, String)>>>;

pub type Shared = Arc<Mutex<Ownership>>;

impl Ownership {
    fn gains(&mut self, slice: u64, worker: usize, now: Instant) {
        self.taken += 1;
        if let Some(since) = self.orphans.remove(&slice) {
            self.was_orphaned(slice, since, now);
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
        for (slice, since) in std::mem::take(&mut self.orphans) {
            self.was_orphaned(slice, since, now);
        }
    }

    fn was_orphaned(&mut self, slice: u64, since: Instant, until: Instant) {
        if until - since > self.longest() {
            self.longest = Some((slice, since, until));
        }
    }

    pub fn longest(&self) -> Duration {
        self.longest.map_or(Duration::ZERO, |(_, since, until)| until - since)
    }

    /// What was said while the slice was without an owner for longest.
    pub fn story(&self, lines: &Lines) -> String {
        let Some((slice, since, until)) = self.longest else { return String::new() };
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, to) = (since - Duration::from_secs(5), until + Duration::from_secs(1));
        let told = lines.iter().filter(|(at, _)| (from..=to).contains(at)).map(|(at, line)| {
            let seconds =
                at.saturating_duration_since(since).as_secs_f64() - since.saturating_duration_since(*at).as_secs_f64();
            format!("{seconds:+8.3} s {line}\n")
        });
        format!("slice {slice}:\n{}", told.collect::<String>())
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
    said: Lines,
}

impl Worker {
    pub fn start(mut command: Command, number: usize, shared: &Shared, said: &Lines) -> Self {
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
                lines.lock().unwrap_or_else(PoisonError::into_inner).push((now, format!("{number}: {line}")));
            }
        });
        Self { child, number, shared: shared.clone(), said: said.clone() }
    }

    pub fn signal(&self, name: &str) {
        if name != "CONT" {
            self.shared.lock().unwrap_or_else(PoisonError::into_inner).gone(self.number, Instant::now());
        }
        let line = format!("{}: SIG{name}", self.number);
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), line));
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
