//! The writer of identity. In: notices of stored events, orders of operators. Out: facts, announcements to the owners of
//! customers, identity rows once all that was announced is settled, and the moment up to which silence is decided.
//!
//! Facts are written before anything is announced, identity rows after everything announced is settled: whatever a crash
//! leaves undone stands as a difference between the two, or in the list of customers that were about to be announced.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{debug, info};

use super::identity::Setting;
use super::sweep::Sweep;
use super::{PipelineError, closed, warehouse};
use crate::event::Event;
use crate::identity::{Assignment, OrderRecord};
use crate::orders::{self, Accepted, Answer};
use crate::progress::{BarUnit, bar};
use crate::stage::announce::partition_of;
use crate::stage::identity::{IdentityStage, IdentityStep};
use crate::stage::orders::{Carried, Known, carry_out};
use crate::stage::watermark::Watermark;
use crate::stage::{
    Again, Announced, Announcement, Host, Inlet, Notice, Outlet, Partition, Rows, Ticket, Version, Warehouse,
};
use crate::time::Timestamp;

/// Customers announced in one message where nothing else cuts it.
pub(super) const CHUNK: usize = 10_000;

/// Everything the active writer knows.
pub(super) struct Writer {
    pub(super) stage: IdentityStage,
    pub(super) epoch: u64,
    /// Steps written so far.
    n: i64,
    pub(super) watermark: Watermark,
    marked_at: Option<Timestamp>,
    pub(super) unsettled: VecDeque<Unsettled>,
    /// History that is computed once more, one after the other.
    pub(super) sweeps: VecDeque<Sweep>,
    /// One past the last ticket it was given.
    pub(super) next_ticket: Ticket,
    /// Every ticket below is settled.
    pub(super) settled: Ticket,
    /// What the orders carried out so far leave outside.
    known: Arc<Known>,
}

/// A step whose identity rows wait for what it announced.
pub(super) struct Unsettled {
    /// All of its messages have smaller tickets.
    pub(super) before: Ticket,
    pub(super) assignments: Vec<Assignment>,
    pub(super) version: Version,
    pub(super) then: Then,
}

/// What a look at what is settled has found.
pub(super) enum Settled {
    So,
    /// And with it everything that a new reading waits for.
    Swept,
    /// Somebody else is the writer by now.
    Replaced,
}

/// What comes after the identity rows of a step.
#[derive(Default)]
pub(super) struct Then {
    /// Where the notices go on.
    pub(super) next: Option<i64>,
    pub(super) last: Vec<Rows>,
    /// Who waits for all of it.
    pub(super) answer: Option<Answer>,
    /// So many customers of the sweep.
    pub(super) swept: usize,
}

impl Writer {
    /// The writer as the sets say it stands, under an epoch of its own.
    pub(super) async fn load<W: Warehouse, H: Host>(
        host: &H,
        store: &W,
        setting: &Setting,
        epoch: u64,
    ) -> Result<Self, PipelineError> {
        let stage = match store.standby().await.map_err(warehouse)? {
            Some(stage) => {
                info!(epoch, "taken over");
                stage
            }
            None => {
                let sets = store.sets().await.map_err(warehouse)?;
                info!(facts = sets.facts.len(), nodes = sets.nodes.len(), epoch, "store loaded");
                host.heavy(|| IdentityStage::load(setting.config.clone(), sets))
            }
        };
        let mut watermark = Watermark::new(setting.config.clone(), store.as_of().await.map_err(warehouse)?, host.now());
        for row in store.positions().await.map_err(warehouse)? {
            watermark.observe(&row, host.now());
        }
        Ok(Self {
            stage,
            epoch,
            n: 0,
            watermark,
            marked_at: None,
            unsettled: VecDeque::new(),
            sweeps: VecDeque::new(),
            next_ticket: 0,
            settled: 0,
            known: Arc::default(),
        })
    }

    /// Announces what a crash left undone; waits until that is settled, and only then takes the identity rows for written.
    pub(super) async fn mend<W: Warehouse, O: Outlet<Announced>, H: Host>(
        &mut self,
        host: &H,
        store: &W,
        out: &mut O,
    ) -> Result<(), PipelineError> {
        let stored = store.assignments().await.map_err(warehouse)?;
        let unsettled = store.unsettled().await.map_err(warehouse)?;
        let mend = host.heavy(|| self.stage.mend(stored, &unsettled));
        let version = self.next_version();
        if !mend.dirty.is_empty() {
            // What is said now may already be overtaken by a rival that is still writing.
            store.insert(Rows::Announcing(mend.dirty.clone(), version)).await.map_err(warehouse)?;
            info!(customers = mend.dirty.len(), "what was left undone is done");
        }
        let progress = bar(mend.dirty.len() as u64, "recomputing customers", BarUnit::Count);
        for chunk in mend.dirty.chunks(CHUNK) {
            let announcements = host.heavy(|| self.stage.announce(chunk));
            self.announce(out, &Arc::default(), announcements).await?;
            progress.inc(chunk.len() as u64);
        }
        // What is told of the next notice rests on these rows, so nothing may overtake them.
        while self.settled < self.next_ticket {
            self.settled = out.settled().await.map_err(closed)?;
        }
        progress.finish_and_clear();
        if !mend.rows.is_empty() {
            info!(rows = mend.rows.len(), "identity rows are mended");
            store.insert(Rows::Assignments(mend.rows, version)).await.map_err(warehouse)?;
        }
        Ok(())
    }

    pub(super) async fn take<W: Warehouse, O: Outlet<Announced>, H: Host>(
        &mut self,
        host: &H,
        store: &W,
        out: &mut O,
        offset: i64,
        notice: &Notice,
    ) -> Result<(), PipelineError> {
        for row in &notice.positions {
            self.watermark.observe(row, host.now());
        }
        match notice.again {
            None => {}
            Some(Again::Events) => self.take_all(host, store, out).await?,
            Some(Again::Slice { partition, .. }) => self.announce_slice(host, store, out, partition).await?,
        }
        let mut step = host.heavy(|| self.stage.step(&notice.events));
        // Whoever stored the events may have known the orders, and a predecessor that stored them first may not.
        let covered = orders::covered_nodes(&notice.events, &self.known.outside);
        let stored = match covered.is_empty() || notice.orders < self.known.orders {
            true => Vec::new(),
            false => store.events_of(covered).await.map_err(warehouse)?,
        };
        let erased = std::mem::take(&mut step.erased);
        for rows in orders::late(&notice.events, erased, (notice.orders, &stored), &self.known) {
            if !rows.is_empty() {
                store.insert(rows).await.map_err(warehouse)?;
            }
        }
        debug!(events = notice.events.len(), customers = step.announcements.len(), "identity resolved");
        let then = Then { next: Some(offset + 1), ..Then::default() };
        self.tell(store, out, &notice.events, step, then).await
    }

    /// Notes whom a step is about to announce, beside its facts, and announces it; its identity rows wait.
    pub(super) async fn tell<W: Warehouse, O: Outlet<Announced>>(
        &mut self,
        store: &W,
        out: &mut O,
        events: &Arc<Vec<Event>>,
        step: IdentityStep,
        then: Then,
    ) -> Result<(), PipelineError> {
        let version = self.next_version();
        let insert = async |rows: Rows| if rows.is_empty() { Ok(()) } else { store.insert(rows).await };
        tokio::try_join!(insert(Rows::Facts(step.facts)), insert(Rows::Announcing(step.changed, version)))
            .map_err(warehouse)?;
        self.announce(out, events, step.announcements).await?;
        let before = self.next_ticket;
        self.unsettled.push_back(Unsettled { before, assignments: step.assignments, version, then });
        Ok(())
    }

    /// Carries out orders that were accepted before and cut off.
    pub(super) async fn finish_orders<W: Warehouse, O: Outlet<Announced>>(
        &mut self,
        store: &W,
        out: &mut O,
        setting: &Setting,
        open: Vec<(u64, OrderRecord)>,
    ) -> Result<(), PipelineError> {
        for (place, record) in open {
            info!(place, "an order was accepted and not carried out to the end");
            self.order(store, out, setting, (place, &record), None).await?;
        }
        Ok(())
    }

    /// Carries out an order: its members, then everybody whom it concerns, then what may be deleted.
    pub(super) async fn order<W: Warehouse, O: Outlet<Announced>>(
        &mut self,
        store: &W,
        out: &mut O,
        setting: &Setting,
        (place, record): (u64, &OrderRecord),
        answer: Option<oneshot::Sender<Accepted>>,
    ) -> Result<(), PipelineError> {
        // Nobody here waits for it: a writer before had accepted it.
        let found = answer.is_none();
        let Carried { members, step, last } =
            carry_out(store, &mut self.stage, (place, record), found).await.map_err(warehouse)?;
        for rows in members {
            store.insert(rows).await.map_err(warehouse)?;
        }
        self.know(Known { orders: place, outside: self.stage.identity().outside().clone() }, setting);
        let accepted = Accepted { place, customers: step.changed.len() };
        info!(place, customers = accepted.customers, "an order is carried out");
        let answer = answer.map(|to| Answer { to, accepted });
        self.tell(store, out, &Arc::default(), step, Then { last, answer, ..Then::default() }).await
    }

    pub(super) fn know(&mut self, known: Known, setting: &Setting) {
        self.known = Arc::new(known);
        setting.outside.send_replace(self.known.clone());
    }

    /// Writes the identity rows of the steps that are settled, and commits what they came from.
    pub(super) async fn settle<W: Warehouse, I: Inlet<Notice>>(
        &mut self,
        store: &W,
        inlet: &mut I,
    ) -> Result<Settled, PipelineError> {
        let mut steps = Vec::new();
        while let Some(step) = self.unsettled.pop_front_if(|step| step.before <= self.settled) {
            steps.push(step);
        }
        // What a replaced writer announced after its successor began is not heard: nothing may say that it was.
        if !steps.is_empty() && !inlet.confirm(0, self.epoch).await.map_err(closed)? {
            return Ok(Settled::Replaced);
        }
        let mut upto = None;
        for step in steps {
            if !step.assignments.is_empty() {
                store.insert(Rows::Assignments(step.assignments, step.version)).await.map_err(warehouse)?;
            }
            for rows in step.then.last {
                store.insert(rows).await.map_err(warehouse)?;
            }
            step.then.answer.into_iter().for_each(Answer::give);
            upto = upto.max(step.then.next);
            if let Some(sweep) = self.sweeps.front_mut().filter(|_| step.then.swept > 0) {
                sweep.settled(step.then.swept);
            }
        }
        if let Some(next) = upto {
            inlet.commit(0, next, self.epoch).await.map_err(closed)?;
        }
        let mut settled = Settled::So;
        while let Some(done) = self.sweeps.pop_front_if(|sweep| sweep.is_done()) {
            if done.first {
                settled = Settled::Swept;
            }
        }
        Ok(settled)
    }

    pub(super) async fn announce<O: Outlet<Announced>>(
        &mut self,
        out: &mut O,
        events: &Arc<Vec<Event>>,
        announcements: Vec<Announcement>,
    ) -> Result<(), PipelineError> {
        let partitions = out.partitions();
        let mut parts: BTreeMap<Partition, Vec<Announcement>> = BTreeMap::new();
        for announcement in announcements {
            parts.entry(partition_of(&announcement.customer, partitions)).or_default().push(announcement);
        }
        for (partition, mut customers) in parts {
            let events = if partitions == 1 { events.clone() } else { own_events(events, &mut customers) };
            self.send(
                out,
                partition,
                Announced { writer: self.epoch, orders: self.known.orders, events, customers, as_of: None },
            )
            .await?;
        }
        Ok(())
    }

    /// Announces to every slice how far silence is decided.
    pub(super) async fn mark<O: Outlet<Announced>, H: Host>(
        &mut self,
        host: &H,
        out: &mut O,
    ) -> Result<(), PipelineError> {
        self.marked_at = Some(host.now());
        let Some(as_of) = self.watermark.advance(host.now()) else { return Ok(()) };
        for partition in 0..out.partitions() {
            let (events, customers) = (Arc::default(), Vec::new());
            let (writer, orders, as_of) = (self.epoch, self.known.orders, Some(as_of));
            self.send(out, partition, Announced { writer, orders, events, customers, as_of }).await?;
        }
        Ok(())
    }

    pub(super) fn mark_is_due(&self, now: Timestamp, refresh: Duration) -> bool {
        self.marked_at.is_none_or(|marked| now >= marked + refresh)
    }

    pub(super) async fn send<O: Outlet<Announced>>(
        &mut self,
        out: &mut O,
        partition: Partition,
        message: Announced,
    ) -> Result<(), PipelineError> {
        self.next_ticket = out.announce(partition, message).await.map_err(closed)? + 1;
        Ok(())
    }

    pub(super) fn next_version(&mut self) -> Version {
        self.n += 1;
        Version::of(self.epoch, self.n)
    }
}

/// The events that some announcements point into, and nothing else.
fn own_events(events: &Arc<Vec<Event>>, customers: &mut [Announcement]) -> Arc<Vec<Event>> {
    let mut own = Vec::new();
    for place in customers.iter_mut().flat_map(|c| c.events.iter_mut()) {
        own.push(events[*place as usize].clone());
        *place = own.len() as u32 - 1;
    }
    Arc::new(own)
}
