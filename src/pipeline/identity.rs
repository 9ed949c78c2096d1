//! The identity loop: one writer at a time. In: notices of stored events. Out: facts, announcements to the owners of
//! customers, identity rows once all that was announced is settled, and the moment up to which silence is decided.
//!
//! Facts are written before anything is announced, identity rows after everything announced is settled: whatever a crash
//! leaves undone stands as a difference between the two, or in the list of customers that were about to be announced.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tracing::{debug, info};

use super::sweep::Sweep;
use super::{PipelineError, closed, epoch, warehouse};
use crate::config::Config;
use crate::event::Event;
use crate::identity::{Assignment, OrderRecord};
use crate::orders::{self, Accepted, Answer, Asked, Ordered, Orders, Rebuilding};
use crate::progress::{BarUnit, bar};
use crate::stage::announce::partition_of;
use crate::stage::identity::{IdentityStage, IdentityStep};
use crate::stage::orders::{Carried, Known, OrderRows, carry_out, first_place};
use crate::stage::watermark::Watermark;
use crate::stage::{
    Again, Announced, Announcement, Heard, Host, Inlet, Notice, Outlet, Partition, Rows, Ticket, Version, Warehouse,
};
use crate::telemetry::Telemetry;
use crate::time::{Day, Timestamp};

/// Batches whose announcements may be on their way at once.
const UNSETTLED: usize = 8;
/// Customers announced in one message where nothing else cuts it.
const CHUNK: usize = 10_000;
/// Nodes whose events are taken once more together.
const NODES: usize = 5_000;

/// What the writer is told beside its seams.
pub struct Setting {
    pub config: Arc<Config>,
    /// Of a process that runs all stages; else the writer claims one.
    pub epoch: Option<u64>,
    /// `as_of` is announced at most this often.
    pub refresh: Duration,
    /// Orders of operators.
    pub orders: Orders,
    /// What orders leave outside, for an ingest stage of the same process.
    pub outside: watch::Sender<Arc<Known>>,
    /// Customers to recompute beside the stream, whatever the facts say: a reading is new.
    pub anew: Vec<Arc<str>>,
    /// All customers, too.
    pub everybody: bool,
    /// Turns true when nobody waits for such recomputing any more.
    pub hurry: watch::Receiver<bool>,
}

/// Everything the active writer knows.
struct Writer {
    stage: IdentityStage,
    epoch: u64,
    /// Steps written so far.
    n: i64,
    watermark: Watermark,
    marked_at: Option<Timestamp>,
    unsettled: VecDeque<Unsettled>,
    /// History that is computed once more, one after the other.
    sweeps: VecDeque<Sweep>,
    /// One past the last ticket it was given.
    next_ticket: Ticket,
    /// Every ticket below is settled.
    settled: Ticket,
    /// What the orders carried out so far leave outside.
    known: Arc<Known>,
}

/// A step whose identity rows wait for what it announced.
struct Unsettled {
    /// All of its messages have smaller tickets.
    before: Ticket,
    assignments: Vec<Assignment>,
    version: Version,
    then: Then,
}

/// What a look at what is settled has found.
enum Settled {
    So,
    /// And with it everything that a new reading waits for.
    Swept,
    /// Somebody else is the writer by now.
    Replaced,
}

/// What comes after the identity rows of a step.
#[derive(Default)]
struct Then {
    /// Where the notices go on.
    next: Option<i64>,
    last: Vec<Rows>,
    /// Who waits for all of it.
    answer: Option<Answer>,
    /// So many customers of the sweep.
    swept: usize,
}

/// Runs until the stage before ends or the process is told to stop. `swept` hears when everything that a new reading waits
/// for is settled.
pub async fn run<W: Warehouse, I: Inlet<Notice>, O: Outlet<Announced>, H: Host>(
    host: &H,
    store: &W,
    (inlet, out): (&mut I, &mut O),
    mut setting: Setting,
    (mut stop, swept): (watch::Receiver<bool>, watch::Sender<bool>),
    telemetry: &Telemetry,
) -> Result<(), PipelineError> {
    let mut writer: Option<Writer> = None;
    let mut open = true;
    // A sweep and the stream take turns.
    let mut turn = false;
    let (mut hurry, mut may_hurry) = (setting.hurry.clone(), true);
    loop {
        if let Some(w) = &mut writer {
            match w.settle(store, inlet).await? {
                Settled::Replaced => {
                    writer = None;
                    continue;
                }
                Settled::Swept => {
                    swept.send_replace(true);
                    w.mark(host, out).await?;
                }
                Settled::So => {}
            }
            if *hurry.borrow() && !w.sweeps.is_empty() {
                info!("history is not computed to the end: the next start begins it anew");
                w.give_up_sweeps();
            }
        }
        if !open && writer.as_ref().is_none_or(|w| w.unsettled.is_empty() && w.sweeps.is_empty()) {
            break;
        }
        let (owing, room, sweeping, more) = writer.as_ref().map_or((false, true, false, false), |w| {
            let more = w.sweeps.front().is_some_and(Sweep::has_more);
            (!w.unsettled.is_empty(), w.unsettled.len() < UNSETTLED, !w.sweeps.is_empty(), more)
        });
        tokio::select! {
            biased;
            settled = out.settled(), if owing => {
                let settled = settled.map_err(closed)?;
                if let Some(w) = &mut writer {
                    w.settled = settled;
                }
            }
            changed = stop.changed(), if open => open = changed.is_ok() && !*stop.borrow(),
            changed = hurry.changed(), if sweeping && may_hurry => may_hurry = changed.is_ok(),
            () = std::future::ready(()), if more && room && turn => {
                turn = false;
                if let Some(w) = &mut writer {
                    w.sweep(host, out).await?;
                }
            }
            heard = inlet.poll(), if open && room => match heard.map_err(closed)? {
                Heard::Gained { partition, note } => {
                    let epoch = epoch(setting.epoch, store).await?;
                    if !inlet.confirm(partition, note.max(epoch)).await.map_err(closed)? {
                        continue;
                    }
                    // Before the sets: what the writer before had accepted is open here, or all that follows from it was
                    // said before anything that is said now.
                    let orders = store.open_orders().await.map_err(warehouse)?;
                    let mut w = Writer::load(host, store, &setting, epoch).await?;
                    setting.orders.go_on_at(orders.0.max(first_place(epoch)));
                    w.know(Known::of(&orders, w.stage.identity().outside().clone()), &setting);
                    w.mend(host, store, out).await?;
                    w.finish_orders(store, out, &setting, orders.1).await?;
                    w.begin_first_sweep(&setting);
                    w.mark(host, out).await?;
                    writer = Some(w);
                }
                Heard::Lost { .. } => writer = None,
                Heard::Message { offset, message, .. } => {
                    turn = true;
                    if let Some(w) = &mut writer {
                        let began = Instant::now();
                        w.take(host, store, out, offset, &message).await?;
                        telemetry.resolved(&w.stage, began);
                    }
                }
                Heard::End => open = false,
            },
            asked = setting.orders.asked(), if open && room && writer.is_some() => {
                if let Some(w) = &mut writer {
                    match asked {
                        Asked::Order(Ordered { order, answer }) => {
                            let (place, record) =
                                setting.orders.accept(store, &w.stage, &order).await.map_err(warehouse)?;
                            // One that has been replaced is not heard. Its successor has found the record, or nobody is
                            // told that it was accepted.
                            if inlet.confirm(0, w.epoch).await.map_err(closed)? {
                                w.order(store, out, &setting, (place, &record), Some(answer)).await?;
                            } else {
                                writer = None;
                            }
                        }
                        Asked::Rebuild(asked) => w.rebuild(store, asked).await?,
                    }
                }
            }
            () = host.tick(), if open => {}
            () = std::future::ready(()), if more && room => {
                if let Some(w) = &mut writer {
                    w.sweep(host, out).await?;
                }
            }
        }
        if open && let Some(w) = writer.as_mut().filter(|w| w.mark_is_due(host.now(), setting.refresh)) {
            w.mark(host, out).await?;
            telemetry.watermark(&w.watermark, host.now());
        }
    }
    if let Some(w) = &mut writer {
        w.mark(host, out).await?;
        telemetry.watermark(&w.watermark, host.now());
    }
    Ok(())
}

impl Writer {
    /// The writer as the sets say it stands, under an epoch of its own.
    async fn load<W: Warehouse, H: Host>(
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
    async fn mend<W: Warehouse, O: Outlet<Announced>, H: Host>(
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

    /// Everybody whom a new reading concerns is announced by and by.
    fn begin_first_sweep(&mut self, setting: &Setting) {
        let mut customers = setting.anew.clone();
        if setting.everybody {
            customers.extend(self.stage.identity().customers());
        }
        customers.sort_unstable();
        customers.dedup();
        if !customers.is_empty() {
            info!(customers = customers.len(), "a reading is new: history is computed beside the stream");
        }
        self.sweeps.push_front(Sweep::new(customers, true, None));
    }

    /// Lines up the customers that somebody wants computed once more.
    async fn rebuild<W: Warehouse>(&mut self, store: &W, asked: Rebuilding) -> Result<(), PipelineError> {
        let identity = self.stage.identity();
        let customers: Vec<Arc<str>> = match asked.from {
            None => identity.customers().collect(),
            Some(day) => identity.customers_of(&store.nodes_since(day).await.map_err(warehouse)?),
        };
        info!(
            customers = customers.len(),
            from = asked.from.map(|day| day.to_string()),
            "history is computed once more"
        );
        self.sweeps.push_back(Sweep::new(customers, false, Some(asked.tell)));
        Ok(())
    }

    /// Nobody waits for them any more; what is on its way of them counts for none that comes after.
    fn give_up_sweeps(&mut self) {
        self.sweeps.clear();
        self.unsettled.iter_mut().for_each(|step| step.then.swept = 0);
    }

    /// Announces the next customers of the sweep.
    async fn sweep<O: Outlet<Announced>, H: Host>(&mut self, host: &H, out: &mut O) -> Result<(), PipelineError> {
        let Some(chunk) = self.sweeps.front_mut().and_then(Sweep::chunk) else { return Ok(()) };
        let swept = chunk.len();
        let announcements = host.heavy(|| self.stage.announce(chunk));
        self.announce(out, &Arc::default(), announcements).await?;
        let (before, version) = (self.next_ticket, self.next_version());
        let then = Then { swept, ..Then::default() };
        self.unsettled.push_back(Unsettled { before, assignments: Vec::new(), version, then });
        Ok(())
    }

    async fn take<W: Warehouse, O: Outlet<Announced>, H: Host>(
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

    /// Takes every stored event once more: notices were lost, and with them who is whom.
    async fn take_all<W: Warehouse, O: Outlet<Announced>, H: Host>(
        &mut self,
        host: &H,
        store: &W,
        out: &mut O,
    ) -> Result<(), PipelineError> {
        let nodes = store.nodes_since(Day::SINCE_EVER).await.map_err(warehouse)?;
        info!(nodes = nodes.len(), "notices are missing: all stored events are looked at once more");
        for some in nodes.chunks(NODES) {
            let events = Arc::new(store.events_of(some.to_vec()).await.map_err(warehouse)?);
            let mut step = host.heavy(|| self.stage.step(&events));
            let erased = Rows::Orders(OrderRows::Erased(std::mem::take(&mut step.erased)));
            if !erased.is_empty() {
                store.insert(erased).await.map_err(warehouse)?;
            }
            self.tell(store, out, &events, step, Then::default()).await?;
        }
        Ok(())
    }

    /// Announces everybody in a slice, also those who are nobody any more: its owner may have heard of none of it, and
    /// former owners may still be writing.
    async fn announce_slice<W: Warehouse, O: Outlet<Announced>, H: Host>(
        &mut self,
        host: &H,
        store: &W,
        out: &mut O,
        partition: Partition,
    ) -> Result<(), PipelineError> {
        let slices = out.partitions();
        if partition >= slices {
            return Ok(());
        }
        let mut customers = store.customers_in((partition, slices)).await.map_err(warehouse)?;
        let names = self.stage.identity().all_names().filter(|name| partition_of(name, slices) == partition);
        customers.extend(names.cloned());
        customers.sort_unstable();
        customers.dedup();
        info!(partition, customers = customers.len(), "a slice begins anew: everybody in it is announced once more");
        for chunk in customers.chunks(CHUNK) {
            let mut announcements = host.heavy(|| self.stage.announce(chunk));
            announcements.iter_mut().for_each(|announcement| announcement.reread = true);
            self.announce(out, &Arc::default(), announcements).await?;
        }
        Ok(())
    }

    /// Notes whom a step is about to announce, beside its facts, and announces it; its identity rows wait.
    async fn tell<W: Warehouse, O: Outlet<Announced>>(
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
    async fn finish_orders<W: Warehouse, O: Outlet<Announced>>(
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
    async fn order<W: Warehouse, O: Outlet<Announced>>(
        &mut self,
        store: &W,
        out: &mut O,
        setting: &Setting,
        (place, record): (u64, &OrderRecord),
        answer: Option<oneshot::Sender<Accepted>>,
    ) -> Result<(), PipelineError> {
        let Carried { members, step, last } =
            carry_out(store, &mut self.stage, (place, record)).await.map_err(warehouse)?;
        for rows in members {
            store.insert(rows).await.map_err(warehouse)?;
        }
        self.know(Known { orders: place, outside: self.stage.identity().outside().clone() }, setting);
        let accepted = Accepted { place, customers: step.changed.len() };
        info!(place, customers = accepted.customers, "an order is carried out");
        let answer = answer.map(|to| Answer { to, accepted });
        self.tell(store, out, &Arc::default(), step, Then { last, answer, ..Then::default() }).await
    }

    fn know(&mut self, known: Known, setting: &Setting) {
        self.known = Arc::new(known);
        setting.outside.send_replace(self.known.clone());
    }

    /// Writes the identity rows of the steps that are settled, and commits what they came from.
    async fn settle<W: Warehouse, I: Inlet<Notice>>(
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

    async fn announce<O: Outlet<Announced>>(
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
    async fn mark<O: Outlet<Announced>, H: Host>(&mut self, host: &H, out: &mut O) -> Result<(), PipelineError> {
        self.marked_at = Some(host.now());
        let Some(as_of) = self.watermark.advance(host.now()) else { return Ok(()) };
        for partition in 0..out.partitions() {
            let (events, customers) = (Arc::default(), Vec::new());
            let (writer, orders, as_of) = (self.epoch, self.known.orders, Some(as_of));
            self.send(out, partition, Announced { writer, orders, events, customers, as_of }).await?;
        }
        Ok(())
    }

    fn mark_is_due(&self, now: Timestamp, refresh: Duration) -> bool {
        self.marked_at.is_none_or(|marked| now >= marked + refresh)
    }

    async fn send<O: Outlet<Announced>>(
        &mut self,
        out: &mut O,
        partition: Partition,
        message: Announced,
    ) -> Result<(), PipelineError> {
        self.next_ticket = out.announce(partition, message).await.map_err(closed)? + 1;
        Ok(())
    }

    fn next_version(&mut self) -> Version {
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
