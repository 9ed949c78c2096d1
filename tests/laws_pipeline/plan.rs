//! Ways in which the same records may arrive. In: deliveries and a seed. Out: batches: any order, some twice, any sizes.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tropa::source::{DecodedBatch, Progress};

use crate::world::Delivery;

/// All in one batch, in the order of the list.
pub fn at_once(deliveries: &[Delivery]) -> Vec<DecodedBatch> {
    vec![batch(deliveries)]
}

/// In a random order, some twice, cut anywhere.
pub fn shuffled(deliveries: &[Delivery], seed: u64) -> Vec<DecodedBatch> {
    let greatest = [1, 3, 8, deliveries.len()][(seed % 4) as usize];
    shuffled_into(deliveries, seed, greatest.max(1))
}

/// The same with batches of at most `greatest`.
pub fn shuffled_into(deliveries: &[Delivery], seed: u64, greatest: usize) -> Vec<DecodedBatch> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut list = deliveries.to_vec();
    let again: Vec<Delivery> = list.iter().filter(|_| dice.random_bool(0.2)).cloned().collect();
    list.extend(again);
    list.shuffle(&mut dice);
    cut(&list, greatest, &mut dice)
}

/// In a random order, as two batches.
pub fn halves(deliveries: &[Delivery], seed: u64) -> [DecodedBatch; 2] {
    let mut list = deliveries.to_vec();
    list.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let (first, second) = list.split_at(list.len() / 2);
    [batch(first), batch(second)]
}

fn cut(list: &[Delivery], greatest: usize, dice: &mut ChaCha8Rng) -> Vec<DecodedBatch> {
    let mut batches = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(dice.random_range(1..=greatest.min(rest.len())));
        batches.push(batch(head));
        rest = tail;
    }
    batches
}

/// Every source is a file read to its end, so that `as_of` is the greatest time, however the batches are cut.
fn batch(deliveries: &[Delivery]) -> DecodedBatch {
    let mut out = DecodedBatch::default();
    for delivery in deliveries {
        out.events.extend(delivery.events.iter().cloned());
        out.dead_letters.extend(delivery.rejected.iter().cloned());
        out.progress.push(Progress {
            source: delivery.source,
            topic: delivery.position.topic.clone(),
            partition: 0,
            next: delivery.position.offset + 1,
            counters: delivery.counters,
            max_occurred: delivery.events.iter().map(|e| e.occurred_at).max(),
            counted_before: None,
            behind: false,
            finished: true,
            content: "".into(),
        });
    }
    out
}
