//! The identity loop: one writer at a time. In: notices of stored events, orders of operators, who is the writer now. Out:
//! what the [`Writer`] makes of them, in turns with history that is computed once more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::info;

use super::sweep::Sweep;
use super::writer::{Settled, Writer};
use super::{PipelineError, closed, epoch, warehouse};
use crate::config::Config;
use crate::orders::{Asked, Ordered, Orders};
use crate::stage::orders::{Known, first_place};
use crate::stage::{Announced, Heard, Host, Inlet, Notice, Outlet, Warehouse};
use crate::telemetry::Telemetry;

/// Batches whose announcements may be on their way at once.
const UNSETTLED: usize = 8;

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
                Heard::Gained(gained) => {
                    let epoch = epoch(setting.epoch, store).await?;
                    // The notices are one partition.
                    let note = gained.iter().map(|(_, note)| *note).max().unwrap_or_default();
                    if !inlet.confirm(0, note.max(epoch)).await.map_err(closed)? {
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
