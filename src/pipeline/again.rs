//! What the writer of identity says once more: customers whose rows are to be computed anew, and what an internal topic has
//! lost. In: who asks. Out: announcements, in turns with the notices or before the next of them.

use std::sync::Arc;

use tracing::info;

use super::identity::Setting;
use super::sweep::Sweep;
use super::writer::{CHUNK, Then, Unsettled, Writer};
use super::{PipelineError, warehouse};
use crate::orders::Rebuilding;
use crate::stage::announce::partition_of;
use crate::stage::orders::OrderRows;
use crate::stage::{Announced, Host, Outlet, Partition, Rows, Warehouse};
use crate::time::Day;

/// Nodes whose events are taken once more together.
const NODES: usize = 5_000;

impl Writer {
    /// Everybody whom a new reading concerns is announced by and by.
    pub(super) fn begin_first_sweep(&mut self, setting: &Setting) {
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
    pub(super) async fn rebuild<W: Warehouse>(&mut self, store: &W, asked: Rebuilding) -> Result<(), PipelineError> {
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
    pub(super) fn give_up_sweeps(&mut self) {
        self.sweeps.clear();
        self.unsettled.iter_mut().for_each(|step| step.then.swept = 0);
    }

    /// Announces the next customers of the sweep.
    pub(super) async fn sweep<O: Outlet<Announced>, H: Host>(
        &mut self,
        host: &H,
        out: &mut O,
    ) -> Result<(), PipelineError> {
        let Some(chunk) = self.sweeps.front_mut().and_then(Sweep::chunk) else { return Ok(()) };
        let swept = chunk.len();
        let announcements = host.heavy(|| self.stage.announce(chunk));
        self.announce(out, &Arc::default(), announcements).await?;
        let (before, version) = (self.next_ticket, self.next_version());
        let then = Then { swept, ..Then::default() };
        self.unsettled.push_back(Unsettled { before, assignments: Vec::new(), version, then });
        Ok(())
    }

    /// Takes every stored event once more: notices were lost, and with them who is whom.
    pub(super) async fn take_all<W: Warehouse, O: Outlet<Announced>, H: Host>(
        &mut self,
        host: &H,
        store: &W,
        out: &mut O,
    ) -> Result<(), PipelineError> {
        let nodes = store.nodes_since(Day::SINCE_EVER).await.map_err(warehouse)?;
        // Of a store without events none can be missing: it is the first start.
        if !nodes.is_empty() {
            info!(nodes = nodes.len(), "notices are missing: all stored events are looked at once more");
        }
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
    pub(super) async fn announce_slice<W: Warehouse, O: Outlet<Announced>, H: Host>(
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
}
