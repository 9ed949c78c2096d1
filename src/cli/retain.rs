//! `tropa retain`: history before a day leaves; journeys that were closed by then are frozen.

use clap::Args;

use super::Failure;
use super::orders::{OrderArgs, day, give};
use crate::identity::Order;

#[derive(Debug, Args)]
pub(super) struct Retain {
    /// The first UTC day that is kept; it only moves forward
    #[arg(long, value_name = "DATE")]
    before: String,
    #[command(flatten)]
    order: OrderArgs,
}

impl Retain {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let before = day(Some(&self.before))?;
        give(self.order, |_, _| Ok(Order::Retain { before })).await
    }
}
