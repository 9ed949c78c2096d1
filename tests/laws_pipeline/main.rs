//! The law of the figures (semantics.md), as property tests of the whole pipeline: small random worlds of records with
//! several sources, shared devices, merges, placeholders, ties in time, duplicates, copies of one key that differ, records
//! without ids, an older generation and a dead letter, under two random maps with up to two versions each.
//!
//! 1. Permuted, duplicated and split records give the tables that one batch gives: `on_a_shelf`, `on_the_engine`.
//! 2. Totals reconcile, per entry date and overall: `totals`.
//! 3. A past `as_of` is a batch over the events until then and all facts: `on_the_engine`.
//! 4. A restart changes nothing, also one that finds a batch half written: `on_the_engine`; under any schedule: `tests/model`.
//! 5. A small cache changes nothing: both.
//! 6. A changed reading gives what a fresh store gives, there and back: `on_the_engine`.
//! 7. Of which persona a journey is, as loops over the customer's events tell it: wherever a batch is made, `personas`.
//! 8. Orders at any time, cut off anywhere, give what the same orders give when they come first: `ordered`.
//!
//! On a shelf a warehouse in memory stands beside the real pipeline and stages, for hundreds of worlds; on the engine every
//! table, aggregate and view is compared, for few large ones (`TROPA_WORLDS` asks for more).
//!
//! Mistakes seeded by hand in the flow as it was before it became loops of its own, each found: losers of a merge not forwarded (1) · the old customer of a shared device's day not
//! told (1) · heirs of a placeholder's events not told (4, 5) · the first statement heard kept instead of the earliest (1) ·
//! the winner among copies chosen without `sequence` (1) · copies that differ in sequence taken for one in the cache (1) ·
//! an event appended to a set that had been forgotten (5) · forgotten nodes forgotten as known, too (5) · customers that
//! changed without a row of their own not signed (4) · customers behind their identity not looked for at a start (4) ·
//! nodes of an older generation taken for customers at a start (4) · events of the very moment left out of a past (3) ·
//! `sequence` left out of the key of `events` (1, after a merge of parts) · vanished keys of an aggregate not set to
//! nought (1, 4) · a changed reading activated without folding every customer again (6) · every transition flagged as first (2).
//! Found in earnest: the same without `session` (1), the key of `identity_facts` with the event id (1), tombstones for
//! names that nobody brings any more (6), rows of new customers without an event (1).

mod design;
mod interrupted;
mod naive;
mod on_a_shelf;
mod on_the_engine;
mod ordered;
mod personas;
mod plan;
mod shelf;
#[path = "../support/store.rs"]
mod store;
mod tables;
mod totals;
mod world;
