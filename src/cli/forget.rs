//! `tropa forget`: erases a customer, up to and with a day.

use clap::Args;

use super::Failure;
use super::orders::{OrderArgs, day, give, known};
use super::run::clock;
use crate::identity::Order;

#[derive(Debug, Args)]
pub(super) struct Forget {
    /// Any identifier of the customer, `kind:value`, as stored or as the source wrote it
    identifier: String,
    /// The last UTC day that is erased; what comes of later days is a new customer's [default: today]
    #[arg(long, value_name = "DAY")]
    day: Option<String>,
    #[command(flatten)]
    order: OrderArgs,
}

impl Forget {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let until = day(self.day.as_deref())?;
        let today = clock().utc_day();
        if until > today {
            return Err(Failure::Unusable(format!(
                "{until} is still to come: who comes until then is not known yet\n  allowed: up to {today}, today in UTC"
            )));
        }
        give(self.order, |place, identity| {
            Ok(Order::Forget { identifier: known(place, identity, &self.identifier)?, until })
        })
        .await
    }
}
