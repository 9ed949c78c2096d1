//! What orders bring about in the tables. In: [`OrderRows`], one deed each. Out: the acknowledgement. Every deed may be
//! done again. Deletions rewrite the parts they concern, so what they delete is gone from the disk once old parts are.

use clickhouse::Row;
use serde::Deserialize;
use std::sync::Arc;

use super::rows::FactRow;
use super::sets::erased;
use super::{Clickhouse, WarehouseError};
use crate::aggregate::{moment, quote};
use crate::identity::{Erasure, Fact, Outside, Undo};
use crate::stage::OpenOrders;
use crate::stage::orders::{OrderRows, SOURCE};
use crate::time::Day;

#[derive(Row, Deserialize)]
struct Accepted {
    place: u64,
    what: String,
}

#[derive(Row, Deserialize)]
struct Place {
    place: u64,
}

#[derive(Row, Deserialize)]
struct Name {
    name: String,
}

#[derive(Row, Deserialize)]
struct Losing {
    node: String,
    still: bool,
}

impl Clickhouse {
    pub(super) async fn carry_out(&self, rows: OrderRows) -> Result<(), WarehouseError> {
        match rows {
            OrderRows::Accepted(place, record) => {
                let what = serde_json::to_string(&record).map_err(|e| WarehouseError::Schema(e.to_string()))?;
                self.execute(&format!("INSERT INTO operator_orders (place, what) SELECT {place}, {}", quote(&what)))
                    .await
            }
            OrderRows::Undo(undo) => self.insert_undo(&undo).await,
            OrderRows::Erasure(erasure) => self.insert_erasure(&erasure).await,
            OrderRows::Horizon(day) => {
                self.execute(&format!("INSERT INTO horizons (id, day) SELECT 0, {}", date(day))).await
            }
            OrderRows::Erased(facts) => self.insert_erased(&facts).await,
            OrderRows::Freeze(day) => self.freeze_journeys(day).await,
            OrderRows::SweepErased(erasure, customers) => self.sweep_erased(&erasure, &customers).await,
            OrderRows::Sweep(outside) => self.sweep(&outside).await,
            OrderRows::Done(place) => {
                self.execute(&format!(
                    "INSERT INTO positions (source, topic, partition, next, finished) SELECT {}, 'orders', 0, {}, 1",
                    quote(SOURCE),
                    place + 1
                ))
                .await
            }
        }
    }

    /// The place of the next order, and the orders that were accepted and not carried out to the end.
    pub async fn open_orders(&self) -> Result<OpenOrders, WarehouseError> {
        let next = "SELECT max(place) + 1 AS place FROM operator_orders";
        let next = self.fetch::<Place>(next).await?.first().map_or(1, |p| p.place);
        let query = format!(
            "SELECT place, what FROM operator_orders FINAL WHERE place >= \
             (SELECT max(next) FROM positions WHERE source = {}) ORDER BY place",
            quote(SOURCE)
        );
        let mut open = Vec::new();
        for row in self.fetch::<Accepted>(&query).await? {
            let record = serde_json::from_str(&row.what).map_err(|e| {
                WarehouseError::Schema(format!("order {} of `operator_orders` is none of this program: {e}", row.place))
            })?;
            open.push((row.place, record));
        }
        Ok((next, open))
    }

    /// Nodes with events before a day, each with whether it has later ones inside the function.
    pub(super) async fn nodes_losing(
        &self,
        day: Day,
        outside: &Outside,
    ) -> Result<Vec<(Arc<str>, bool)>, WarehouseError> {
        let start = moment(day.start_utc());
        let query = format!(
            "SELECT node, max(occurred_at >= {start} AND {}) AS still FROM events WHERE node != '' \
             GROUP BY node HAVING min(occurred_at) < {start}",
            self.inside(outside)?
        );
        Ok(self.fetch::<Losing>(&query).await?.into_iter().map(|r| (Arc::from(r.node), r.still)).collect())
    }

    /// Nodes with an event on this UTC day or later.
    pub async fn nodes_since(&self, day: Day) -> Result<Vec<Arc<str>>, WarehouseError> {
        let query = format!(
            "SELECT DISTINCT node AS name FROM events WHERE node != '' AND occurred_at >= {}",
            moment(day.start_utc())
        );
        Ok(self.fetch::<Name>(&query).await?.into_iter().map(|r| Arc::from(r.name)).collect())
    }

    /// Nodes of the stored events that name one of these identifiers.
    pub(super) async fn nodes_naming(&self, identifiers: &[Arc<str>]) -> Result<Vec<Arc<str>>, WarehouseError> {
        let names = identifiers.iter().map(|i| quote(i)).collect::<Vec<_>>().join(", ");
        let query =
            format!("SELECT DISTINCT node AS name FROM events WHERE node != '' AND hasAny(identifiers, [{names}])");
        Ok(self.fetch::<Name>(&query).await?.into_iter().map(|r| Arc::from(r.name)).collect())
    }

    async fn insert_undo(&self, undo: &Undo) -> Result<(), WarehouseError> {
        let (kind, a, b, day) = match undo {
            Undo::Revoke { a, b, day } => ("revoke", a, b, *day),
            Undo::Forbid { a, b } => ("forbid", a, b, Day(0)),
        };
        self.execute(&format!(
            "INSERT INTO identity_facts (kind, a, b, source, generation, day, statement) SELECT {}, {}, {}, {}, 0, {}, ({}, '')",
            quote(kind),
            quote(a),
            quote(b),
            quote(SOURCE),
            date(day),
            moment(day.start_utc())
        ))
        .await
    }

    /// One block, so that an erasure is there whole or not at all.
    async fn insert_erasure(&self, erasure: &Erasure) -> Result<(), WarehouseError> {
        let row = |identifier: &str, since: Day, until: Day, anonymous: u8| {
            let (id, identifier) = (quote(&erasure.id), quote(identifier));
            format!("({id}, {identifier}, {}, {}, {anonymous})", date(since), date(until))
        };
        let named = erasure.identifiers.iter().map(|i| row(i, Day::SINCE_EVER, erasure.until, 0));
        let days = erasure.days.iter().map(|(node, day)| row(node, *day, *day, 1));
        let rows: Vec<String> = named.chain(days).collect();
        self.execute(&format!(
            "INSERT INTO erasures (erasure, identifier, since, until, anonymous) SELECT r.1, r.2, r.3, r.4, r.5 FROM \
             (SELECT arrayJoin([{}]) AS r)",
            rows.join(", ")
        ))
        .await
    }

    async fn insert_erased(&self, facts: &[Fact]) -> Result<(), WarehouseError> {
        let config = self.config()?;
        let rows: Vec<FactRow> = facts.iter().map(|f| FactRow::erased(f, config)).collect();
        self.insert_all("identity_facts", &rows).await
    }

    /// Journeys of the current readings whose visits all lie before the day, if they are decided.
    async fn freeze_journeys(&self, day: Day) -> Result<(), WarehouseError> {
        let columns = "map, reading, customer, journey_id, journey_key, map_version, attempt, entry_at, entry_date, outcome, \
                       reason, last_at, decided_at, value, currency, dims, stages, stages_at, touchpoints, touchpoints_at";
        let nested = "`j.id`, `j.key`, `j.map_version`, `j.attempt`, `j.entry_at`, `j.entry_date`, `j.decision`, `j.drops_at`, \
                      `j.reason`, `j.last_at`, `j.decided_at`, `j.value`, `j.currency`, `j.dims`, `j.e_stage`, `j.e_first_at`, \
                      `j.v_touchpoint`, `j.v_at`";
        self.execute(&format!(
            "INSERT INTO journeys_frozen ({columns}, horizon) SELECT map, reading, customer, `j.id`, `j.key`, `j.map_version`, \
             `j.attempt`, `j.entry_at`, `j.entry_date`, multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome, \
             `j.reason`, `j.last_at`, `j.decided_at`, `j.value`, `j.currency`, `j.dims`, `j.e_stage`, `j.e_first_at`, `j.v_touchpoint`, `j.v_at`, {day} \
             FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL \
                   WHERE is_deleted = 0 AND (map, reading) IN (SELECT map, reading FROM v_current)) \
             ARRAY JOIN {nested} WHERE arrayMax(`j.v_at`) < {start} AND outcome != 'in_flight'",
            day = date(day),
            start = moment(day.start_utc())
        ))
        .await
    }

    async fn sweep_erased(&self, erasure: &Erasure, customers: &[Arc<str>]) -> Result<(), WarehouseError> {
        let list = |names: &[Arc<str>]| names.iter().map(|n| quote(n)).collect::<Vec<_>>().join(", ");
        let (names, until) = (list(&erasure.identifiers), date(erasure.until));
        let links = format!("kind = 'link' AND day <= {until} AND (a IN ({names}) OR b IN ({names}))");
        self.execute(&format!(
            "INSERT INTO identity_facts (kind, a, b, source, generation, day, statement) \
             SELECT DISTINCT 'erased', a, b, source, generation, day, (toDateTime64(day, 6, 'UTC'), '') FROM identity_facts WHERE {links}"
        ))
        .await?;
        self.delete_for_good("identity_facts", &links).await?;
        let mut outside = Outside::new(self.config()?);
        outside.erase(erasure);
        self.delete_for_good("events", &erased(&outside)).await?;
        self.delete_for_good("dead_letters", &format!("hasAny(identifiers, [{names}])")).await?;
        if !customers.is_empty() {
            let theirs = format!("customer IN ({})", list(customers));
            // Rows of one customer are written together, so these are of an earlier time, or of a reading that nobody computes
            // any more.
            let behind = format!(
                "{theirs} AND (customer, version) NOT IN \
                 (SELECT customer, max(version) FROM customer_journeys WHERE {theirs} GROUP BY customer)"
            );
            self.delete_for_good("customer_journeys", &behind).await?;
        }
        self.delete_for_good("journeys_frozen", &format!("customer IN ({names}) AND toDate32(last_at) <= {until}"))
            .await
    }

    /// Events outside, and what could not be read before the horizon.
    async fn sweep(&self, outside: &Outside) -> Result<(), WarehouseError> {
        self.delete_for_good("events", &erased(outside)).await?;
        if let Some(horizon) = outside.horizon() {
            let start = moment(horizon.start_utc());
            self.delete_for_good("events", &format!("occurred_at < {start}")).await?;
            self.delete_for_good("dead_letters", &format!("received_at < {start}")).await?;
        }
        Ok(())
    }

    /// Deletes for good, and says when it is done.
    async fn delete_for_good(&self, table: &str, what: &str) -> Result<(), WarehouseError> {
        if what == "0" {
            return Ok(());
        }
        if self.cluster.is_some() {
            return self.delete(table, what).await;
        }
        self.execute(&format!("ALTER TABLE {table} DELETE WHERE {what} SETTINGS mutations_sync = 2")).await
    }
}

fn date(day: Day) -> String {
    format!("toDate32({})", quote(&day.to_string()))
}
