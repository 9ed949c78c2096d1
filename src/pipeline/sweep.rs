//! History computed once more beside the stream: every customer, or those seen since a day, announced in chunks between
//! the notices. In: names of customers. Out: which to announce next, and how far that has come. It is no member of any
//! set: cut off, it changes nothing, and begins anew at the next start if a reading still waits for it.

use std::sync::Arc;

use indicatif::ProgressBar;

use crate::orders::Progress;
use crate::progress::{BarUnit, bar};

/// Customers announced together.
const CHUNK: usize = 10_000;
/// Chunks of one sweep that may be on their way at once: one is read while the one before is written.
const UNDER_WAY: usize = 2;

#[derive(Debug)]
pub(super) struct Sweep {
    customers: Vec<Arc<str>>,
    /// Announced so far.
    next: usize,
    /// Settled so far.
    done: usize,
    under_way: usize,
    /// Whether a new reading waits for it.
    pub first: bool,
    /// Who asked for it.
    tell: Option<tokio::sync::mpsc::UnboundedSender<Progress>>,
    bar: ProgressBar,
}

impl Sweep {
    pub fn new(
        customers: Vec<Arc<str>>,
        first: bool,
        tell: Option<tokio::sync::mpsc::UnboundedSender<Progress>>,
    ) -> Self {
        let bar = bar(customers.len() as u64, "recomputing customers", BarUnit::Count);
        let sweep = Self { customers, next: 0, done: 0, under_way: 0, first, tell, bar };
        sweep.say();
        sweep
    }

    /// The customers to announce next; none while enough are on their way.
    pub fn chunk(&mut self) -> Option<&[Arc<str>]> {
        if self.under_way >= UNDER_WAY || self.next == self.customers.len() {
            return None;
        }
        let from = self.next;
        self.next = (from + CHUNK).min(self.customers.len());
        self.under_way += 1;
        Some(&self.customers[from..self.next])
    }

    pub fn has_more(&self) -> bool {
        self.under_way < UNDER_WAY && self.next < self.customers.len()
    }

    /// A chunk of so many customers is settled.
    pub fn settled(&mut self, customers: usize) {
        self.done += customers;
        self.under_way -= 1;
        self.bar.inc(customers as u64);
        self.say();
    }

    pub fn is_done(&self) -> bool {
        self.done == self.customers.len()
    }

    fn say(&self) {
        if let Some(to) = &self.tell {
            // Whoever asked may have gone.
            to.send(Progress { done: self.done, of: self.customers.len() }).ok();
        }
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_announces_everybody_once_and_few_at_a_time() {
        let names: Vec<Arc<str>> = (0..25_000).map(|n| Arc::from(format!("user:{n:05}"))).collect();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let mut sweep = Sweep::new(names.clone(), true, Some(tell));
        let mut announced = Vec::new();
        let mut open = Vec::new();
        while !sweep.is_done() {
            while let Some(chunk) = sweep.chunk() {
                announced.extend_from_slice(chunk);
                open.push(chunk.len());
            }
            assert!(open.len() <= UNDER_WAY && !sweep.has_more());
            sweep.settled(open.remove(0));
        }
        assert_eq!(announced, names);
        drop(sweep);
        let mut heard = Vec::new();
        while let Ok(progress) = told.try_recv() {
            heard.push(progress.done);
        }
        assert_eq!(heard, [0, 10_000, 20_000, 25_000]);
    }

    #[test]
    fn a_sweep_of_nobody_is_done_at_once() {
        assert!(Sweep::new(Vec::new(), true, None).is_done());
    }
}
