//! A seeded electronics shop with known people. In: a seed and a number of customers. Out: raw records of two sources in
//! the order in which they arrive, and beside each the human behind it, which no record says. Pure: no clock, no I/O; the
//! same seed gives the same bytes. The shop never looks at the journey file: it only behaves. It does so with mistakes that
//! are planted, and counts them ([`Truth`]).
//!
//! ```text
//!  household ─> people, devices ─> story: drafts with a time ─> arrival order ─> JSON record + human
//! ```

mod after;
mod arrivals;
mod basket;
mod counts;
mod diary;
mod household;
pub mod planted;
mod record;
mod story;
mod trip;

pub use arrivals::{Shop, ShopRecord};
pub use counts::ShopCounts;
pub use record::Side;
pub use trip::{Times, Truth};

/// The config of the demo: sources `web` and `crm`, whose files stand beside it as [`Side::file_name`].
pub const CONFIG: &str = include_str!("../../config/demo/tropa.yaml");
/// The journey that the shop designed.
pub const JOURNEY: &str = include_str!("../../config/demo/shop.journey.yaml");
/// What [`JOURNEY`] is called where [`CONFIG`] looks for it.
pub const JOURNEY_FILE: &str = "shop.journey.yaml";
