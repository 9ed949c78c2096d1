//! What the commands that order something share: what an order would change, and handing it in. In: an order, a place.
//! Out: customers and journeys before and after, as text; the order carried out by the process that holds the store, or
//! here if nobody does.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use clap::Args;

use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs, at_work, retained};
use crate::decode::Decoding;
use crate::identity::{Identity, Order, Sets};
use crate::journey::{Mode, Outcome};
use crate::orders::Accepted;
use crate::recompute::FromSets;
use crate::serve::orders::{OrderError, hand_in};
use crate::stage::CustomerRow;
use crate::stage::identity::IdentityStage;
use crate::stage::orders::carry_out;
use crate::stage::reading::Reading;
use crate::startup;
use crate::time::{Day, Timestamp};
use crate::warehouse::Writer;

/// Customers that are shown one by one.
const SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(super) struct OrderArgs {
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// A day as people write it; today if none is given.
pub(super) fn day(text: Option<&str>) -> Result<Day, Failure> {
    let Some(text) = text else { return Ok(clock().utc_day()) };
    let moment = (text.len() == 10).then(|| Timestamp::parse(text)).flatten();
    moment
        .map(Timestamp::utc_day)
        .ok_or_else(|| Failure::Unusable(format!("`{text}` is no day\n  allowed: a UTC day such as 2026-06-30")))
}

/// Makes the order from identity as it stands, says what it changes, and hands it in.
pub(super) async fn give(
    args: OrderArgs,
    order: impl Fn(&Place, &Identity) -> Result<Order, Failure>,
) -> Result<(), Failure> {
    let place = args.place.load()?;
    let store = Store::reach(&place.config).await?;
    let given = prepared(&store, &place, args.dry_run, order).await;
    store.close().await;
    println!("{}", given?.trim_end());
    Ok(())
}

async fn prepared(
    store: &Store,
    place: &Place,
    dry_run: bool,
    order: impl Fn(&Place, &Identity) -> Result<Order, Failure>,
) -> Result<String, Failure> {
    crate::beside::keyed_alike(&store.client, &place.config).await?;
    let sets = store.client.sets().await?;
    let before = IdentityStage::load(place.config.clone(), sets.clone());
    let order = order(place, before.identity())?;
    if let Order::Retain { before } = &order {
        late_enough(store, place, *before).await?;
    }
    let mut text = changes(store, place, sets, before, &order).await?;
    if dry_run {
        text.push_str("nothing is changed: this was a dry run\n");
        return Ok(text);
    }
    let Accepted { customers, .. } = carried_out(store, place, &order).await?;
    writeln!(text, "the order is carried out: {customers} customers computed anew").ok();
    Ok(text)
}

/// A journey may not lose all of its visits while it is still on its way.
async fn late_enough(store: &Store, place: &Place, before: Day) -> Result<(), Failure> {
    let Some(as_of) = store.client.watermark().await? else { return Ok(()) };
    let longest = place.maps.iter().map(|m| m.longest_window()).max().unwrap_or_default();
    let latest = as_of.saturating_sub(longest).utc_day();
    if before <= latest {
        return Ok(());
    }
    Err(Failure::Unusable(format!(
        "{before} is too late: journeys that were last seen before it may still be on their way\n  \
         allowed: up to {latest}, the longest drop-off limit of the maps before the events known now ({as_of})"
    )))
}

/// By the process that takes orders for this store, or by this one.
async fn carried_out(store: &Store, place: &Place, order: &Order) -> Result<Accepted, Failure> {
    match hand_in(&place.config.data, order).await {
        Ok(accepted) => return Ok(accepted),
        Err(OrderError::Nobody) if store.is_ours() => {}
        Err(OrderError::Nobody) => return Err(not_taken()),
        Err(other) => return Err(Failure::Store(other.to_string())),
    }
    at_work::no_writer(place).await?;
    let start = startup::load(&store.client, &place.config, &place.maps, &place.files).await?;
    let writer = Writer::new((*store.client).clone(), start.readings.clone());
    let done = startup::order(&store.client, writer, start, order.clone(), &place.files, clock).await?;
    done.ok_or_else(|| Failure::Store("the order was not carried out to the end; the lines above say why".to_owned()))
}

/// Somebody else holds the store, and nobody takes orders for it.
pub(super) fn not_taken() -> Failure {
    Failure::InUse(
        "another process holds the store and takes no orders\n  hint: wait for it, or start `tropa run`, which takes them"
            .to_owned(),
    )
}

/// Customers and journeys before and after.
async fn changes(
    store: &Store,
    place: &Place,
    sets: Sets,
    before: IdentityStage,
    order: &Order,
) -> Result<String, Failure> {
    let config = &place.config;
    let readings: Vec<Reading> = place.maps.iter().map(|m| Reading::new(m.clone(), Mode::Valid, config)).collect();
    let readings = Arc::new(readings);
    let writer = Writer::new((*store.client).clone(), readings.clone());
    let mut after = IdentityStage::load(config.clone(), sets);
    let record = order.record(before.identity());
    let carried = carry_out(&writer, &mut after, (0, &record), false).await?;
    let names = carried.step.changed;
    let of = |identity| FromSets::of(identity, config, readings.clone(), None);
    let (before, after) = (of(before), of(after));
    let (rows_before, rows_after) =
        (before.rows(&store.client, &names).await?, after.rows(&store.client, &names).await?);

    let mut text = customers(before.identity(), after.identity(), &names);
    let as_of = store.client.watermark().await?.unwrap_or_else(clock);
    for (n, reading) in readings.iter().enumerate() {
        let (old, new) = (counts(&rows_before, n, as_of), counts(&rows_after, n, as_of));
        let kept = match order {
            Order::Retain { before } => retained::say(&rows_before, &rows_after, (n, as_of), *before),
            _ => String::new(),
        };
        let total = |counts: &BTreeMap<&str, usize>| counts.values().sum::<usize>();
        write!(text, "map {}: journeys {} -> {}", reading.map.id, total(&old), total(&new)).ok();
        for outcome in ["completed", "ended", "dropped", "in_flight"] {
            let of = |counts: &BTreeMap<&str, usize>| counts.get(outcome).copied().unwrap_or(0);
            if (of(&old), of(&new)) != (0, 0) {
                write!(text, "; {outcome} {} -> {}", of(&old), of(&new)).ok();
            }
        }
        text.push_str(&kept);
        text.push('\n');
    }
    Ok(text)
}

/// Customers whose identifiers change, with their members before and after.
fn customers(before: &Identity, after: &Identity, names: &[Arc<str>]) -> String {
    let line = |identity: &Identity, name: &Arc<str>| {
        let members: Vec<Arc<str>> = if identity.is_customer(name) { identity.members(name) } else { Vec::new() };
        (!members.is_empty()).then(|| members.iter().map(|m| &**m).collect::<Vec<_>>().join(", "))
    };
    let changed: Vec<&Arc<str>> = names.iter().filter(|n| line(before, n) != line(after, n)).collect();
    let mut text = String::new();
    for name in changed.iter().take(SHOWN) {
        for (when, identity) in [("before", before), ("after ", after)] {
            let members = line(identity, name).unwrap_or_else(|| "no customer".to_owned());
            writeln!(text, "{when}  {name}: {members}").ok();
        }
    }
    if changed.len() > SHOWN {
        writeln!(text, "… and {} more customers", changed.len() - SHOWN).ok();
    }
    if changed.is_empty() {
        text.push_str("no customer has other identifiers by this\n");
    }
    text
}

fn counts(rows: &[CustomerRow], map: usize, as_of: Timestamp) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for journeys in rows.iter().filter(|r| r.map == map).filter_map(|r| r.journeys.as_ref()) {
        for journey in &journeys.journeys {
            let outcome = match journey.outcome(as_of) {
                Outcome::Completed => "completed",
                Outcome::Ended => "ended",
                Outcome::Dropped => "dropped",
                Outcome::InFlight => "in_flight",
            };
            *counts.entry(outcome).or_default() += 1;
        }
    }
    counts
}

/// The stored form of an identifier, written as stored or raw; it must be known.
pub(super) fn known(place: &Place, identity: &Identity, written: &str) -> Result<Arc<str>, Failure> {
    let is_known = |node: &Arc<str>| !identity.assignments_of(node).is_empty() || identity.outside().knows(node);
    let candidates = candidates(place, written);
    candidates.into_iter().find(is_known).ok_or_else(|| unknown(place, written))
}

/// Nobody has this identifier, as far as this place can tell.
pub(super) fn unknown(place: &Place, written: &str) -> Failure {
    let kinds: Vec<String> = place.config.identifiers.kinds.iter().map(|k| format!("`{}:…`", k.name)).collect();
    // As people shorten ids of journeys; eight digits are asked for so that they tell one from another.
    let short = written.len() < 8 && written.len() > 3 && written.bytes().all(|b| b.is_ascii_hexdigit());
    let hint = if short { "\n  hint: of a journey's id `tropa show` needs the first eight digits or more" } else { "" };
    Failure::NotFound(format!("no customer has the identifier `{written}`\n  kinds here: {}{hint}", kinds.join(", ")))
}

/// An identifier as it may be stored: hashed from what was written, or as written.
pub(super) fn candidates(place: &Place, written: &str) -> Vec<Arc<str>> {
    let raw = written.split_once(':').and_then(|(kind, value)| {
        let key = place.identifier_key().ok()?;
        Decoding::new(place.config.clone(), key).identifier(kind, value).map(|i| i.node)
    });
    raw.into_iter().chain([Arc::from(written)]).collect()
}
