//! How the customers are cut into slices for the roles, as the warehouse knows it. In: the prefix of the internal topics.
//! Out: the cut that holds, and who lies in a slice of it.

use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::quote;
use crate::stage::announce::buckets_of;
use crate::stage::{Cut, Partition};

#[derive(Row, Deserialize)]
struct CutRow {
    since: u64,
    slices: u16,
}

#[derive(Row, Deserialize)]
struct Name {
    name: String,
}

impl Clickhouse {
    /// The cut that holds; `None`: `tropa migrate` has made no topics with this prefix.
    pub async fn cut(&self, prefix: &str) -> Result<Option<Cut>, WarehouseError> {
        self.catch_up(&["cuts"]).await?;
        let query =
            format!("SELECT since, slices FROM cuts WHERE prefix = {} ORDER BY since DESC LIMIT 1", quote(prefix));
        let found = self.fetch::<CutRow>(&query).await?;
        Ok(found.first().map(|r| Cut { since: r.since, slices: r.slices }))
    }

    /// From now on this cut holds. Its topic must be there.
    pub async fn begin_cut(&self, prefix: &str, cut: Cut) -> Result<(), WarehouseError> {
        let Cut { since, slices } = cut;
        self.execute(&format!("INSERT INTO cuts (prefix, since, slices) SELECT {}, {since}, {slices}", quote(prefix)))
            .await
    }

    /// Every customer of a slice that has, or had, a row under some reading.
    pub(super) async fn customers_in(
        &self,
        (partition, slices): (Partition, Partition),
    ) -> Result<Vec<Arc<str>>, WarehouseError> {
        self.catch_up(&["customer_journeys"]).await?;
        let buckets: Vec<String> = buckets_of(partition, slices).iter().map(ToString::to_string).collect();
        let query =
            format!("SELECT DISTINCT customer AS name FROM customer_journeys WHERE bucket IN ({})", buckets.join(", "));
        Ok(self.fetch::<Name>(&query).await?.into_iter().map(|r| Arc::from(r.name)).collect())
    }
}
