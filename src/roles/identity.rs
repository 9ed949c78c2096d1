//! The identity role: one writer, the others stand by. In: notices while they are this process's to read, orders, when to
//! end. Out: what the identity loop makes of them, and figures that nobody but the writer follows.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::info;

use super::{Ending, Left, Place, RoleError, leave, until};
use crate::follow;
use crate::health::Health;
use crate::orders::Desk;
use crate::pipeline::identity;
use crate::relay::{TopicInlet, TopicOutlet, wait_until_committed};
use crate::stage::{Inlet, Notice};
use crate::startup::{self, Start};
use crate::warehouse::{Standby, Writer};

/// How often a process that stands by looks what is new.
const STANDING_BY: std::time::Duration = std::time::Duration::from_secs(5);

/// What whoever hands in an order is told meanwhile.
const STANDS_BY: &str = "this identity process stands by, or has not taken over yet; orders are taken by the active one, whose \
     `tropa_identity_writer` is 1";

/// The time as the writer; over with whatever ends it.
struct Active<'a>(&'a Desk, &'a Health);

impl<'a> Active<'a> {
    fn begin(desk: &'a Desk, health: &'a Health) -> Self {
        health.metrics().writes_identity(true);
        Self(desk, health)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        stand_by(self.0, self.1);
    }
}

fn stand_by(desk: &Desk, health: &Health) {
    desk.close(STANDS_BY);
    health.metrics().writes_identity(false);
}

impl Place<'_> {
    /// One stand after the other: each begins when the notices are this process's to read, and ends when they are not any
    /// more, when another reading is shown, or with the process.
    pub(super) async fn identity(&self, desk: &Desk, Ending { stop, over }: Ending) -> Result<Left, RoleError> {
        let (topic, group) = (self.roles.identity_topic(), self.roles.writer_group());
        let watched = (self.health.clone(), self.clock);
        let inlet = TopicInlet::new(self.config.clone(), self.roles, (&topic, &group, 0), self.fingerprint(), watched)?;
        let mut inlet = inlet.ending_with_loss();
        let done = until(&over, self.stands(&mut inlet, desk, stop)).await;
        leave(inlet, !matches!(done, Ok(None))).await;
        if done?.is_none() {
            return Ok(Left::OutOfTime);
        }
        info!("the identity writer has stopped; everything it was told is announced");
        Ok(Left::Settled)
    }

    async fn stands(
        &self,
        inlet: &mut TopicInlet<Notice>,
        desk: &Desk,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), RoleError> {
        let standby = Standby::default();
        let told = stop.clone();
        stand_by(desk, self.health);
        let mut look = tokio::time::interval(STANDING_BY);
        while !*stop.borrow() {
            if inlet.holds_any() {
                self.stand(inlet, (desk, &standby), stop.clone()).await?;
                continue;
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {}
                heard = inlet.poll() => {
                    heard?;
                }
                _ = look.tick() => {
                    // It owes nothing: a warehouse that is away does not hold up its end.
                    let catching_up = async { Ok::<(), RoleError>(standby.catch_up(self.store, self.config).await?) };
                    until(&told, catching_up).await?;
                }
            }
        }
        Ok(())
    }

    async fn stand(
        &self,
        inlet: &mut TopicInlet<Notice>,
        (desk, standby): (&Desk, &Standby),
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), RoleError> {
        let mut start = startup::load(self.store, self.config, self.maps, self.files).await?;
        self.store.forget_scratch((self.clock)()).await?;
        let computes_more = start.computes_more(self.maps);
        let ids = || start.readings.iter().map(|r| r.id.clone());
        let inputs: Arc<str> = ids().collect::<Vec<_>>().join(" ").into();
        let (hasten, hurry) = watch::channel(*stop.borrow());
        desk.open_for(&mut start.stages.identity.orders, ids());
        start.stages.identity.hurry = hurry;
        // Read after the notices are ours: a newer cut is told by a notice that comes later.
        let cut = self.cut().await?;
        let customers = (self.roles.customers_topic(cut.since), cut.slices);
        let mut out = TopicOutlet::new(self.config.clone(), self.roles, customers, inputs)?;
        let upto = out.upto();
        let Start { stages, readings, new, .. } = start;
        let writer = Writer::new(self.store.clone(), readings.clone()).taking_over(standby.clone());
        let (swept, mut has_swept) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let (host, telemetry) = (self.machine(), self.telemetry());
        let _active = Active::begin(desk, self.health);
        let _stale = follow::stale(self.store.clone(), self.config.clone(), readings.clone(), self.health.clone());
        let _coverage = follow::coverage(self.store.clone(), self.config.refresh, self.health.clone());
        let showing = async {
            // An error of the loop ends the wait as well, and is told by it.
            if has_swept.wait_for(|swept| *swept).await.is_ok() && !new.is_empty() {
                wait_until_committed(self.roles, cut, &upto).await?;
                startup::show(self.store, &readings, &new, self.files).await?;
                if computes_more {
                    return Ok::<(), RoleError>(());
                }
            }
            std::future::pending().await
        };
        let ending = async {
            let shown = tokio::select! {
                shown = showing => shown,
                _ = stop.wait_for(|stop| *stop) => Ok(()),
            };
            hasten.send_replace(true);
            end.send_replace(true);
            shown
        };
        inlet.begin(self.fingerprint(), cut.since);
        let running =
            identity::run(&host, &writer, (&mut *inlet, &mut out), stages.identity, (ended, swept), &telemetry);
        tokio::pin!(running, ending);
        tokio::select! {
            run = &mut running => run?,
            told = &mut ending => {
                running.await?;
                told?;
            }
        }
        Ok(())
    }
}
