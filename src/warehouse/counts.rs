//! The empirical map, read from the aggregates, or counted from a scratch table at a past `as_of` by the same SQL; and
//! the refresh that keeps the aggregates current. In: a reading and an `as_of`. Out: [`EmpiricalMap`].

use clickhouse::Row;
use serde::Deserialize;
use tracing::debug;

use super::{Clickhouse, Scratch, WarehouseError};
use crate::aggregate::variants::StagePaths;
use crate::aggregate::{
    self, Aggregate, Coverage, EmpiricalMap, Histogram, JourneyDay, Scope, StageDay, TransitionDay, Unmapped, quote,
};
use crate::identity::Outside;
use crate::stage::reading::Reading;
use crate::steps::{self, When};
use crate::time::{Day, Timestamp};

/// Most unmapped (name, path) pairs that are read back.
const UNMAPPED: usize = 50;

#[derive(Row, Deserialize)]
struct BucketRow {
    bucket: u8,
}

#[derive(Row, Deserialize)]
struct JourneyCounts {
    entry_date: i32,
    counts: Vec<u64>,
    value: f64,
}

#[derive(Row, Deserialize)]
struct StageCounts {
    entry_date: i32,
    stage: String,
    counts: Vec<u64>,
    problems: Vec<(String, u64)>,
    time: Vec<(i32, u64)>,
    next: Vec<(i32, u64)>,
}

#[derive(Row, Deserialize)]
struct TransitionCounts {
    entry_date: i32,
    from_stage: String,
    to_stage: String,
    transitions: u64,
    decided: u64,
    time: Vec<(i32, u64)>,
}

#[derive(Row, Deserialize)]
struct FateCount {
    source: String,
    fate: String,
    events: u64,
}

#[derive(Row, Deserialize)]
struct PositionCounts {
    source: String,
    records: u64,
    skipped: u64,
    decoded: u64,
    rejected: u64,
    blocked: u64,
}

#[derive(Row, Deserialize)]
struct EventCounts {
    source: String,
    distinct: u64,
    no_identifier: u64,
    conflicts: u64,
}

#[derive(Row, Deserialize)]
struct UnmappedRow {
    source: String,
    name: String,
    path: String,
    events: u64,
}

/// Where an aggregate's rows come from.
enum From<'a> {
    Tables,
    Scratch(&'a str),
}

impl Clickhouse {
    /// Brings every due bucket among `own` to `as_of`; returns how many were refreshed.
    pub async fn refresh_aggregates(
        &self,
        readings: &[Reading],
        as_of: Timestamp,
        own: &[u8],
    ) -> Result<usize, WarehouseError> {
        self.catch_up(&["customer_journeys"]).await?;
        let mut refreshed = 0;
        for reading in readings {
            let due = self.fetch::<BucketRow>(&aggregate::due(&reading.map.id, &reading.id, as_of)).await?;
            let buckets: Vec<u8> = due.into_iter().map(|r| r.bucket).filter(|b| own.contains(b)).collect();
            if buckets.is_empty() {
                continue;
            }
            let scope = Scope {
                table: "customer_journeys",
                map: &reading.map.id,
                reading: &reading.id,
                as_of,
                buckets: &buckets,
            };
            // Side by side, for each uses little more than one core; the one that `due` asks comes last, so that a crash in
            // between forgets nothing.
            let [a, b, c, d, e, f, g, h, last] = aggregate::ALL;
            let fill = |one: Aggregate| self.fill(one, &scope);
            tokio::try_join!(fill(a), fill(b), fill(c), fill(d), fill(e), fill(f), fill(g), fill(h))?;
            fill(last).await?;
            refreshed += buckets.len();
        }
        Ok(refreshed)
    }

    async fn fill(&self, one: Aggregate, scope: &Scope<'_>) -> Result<(), WarehouseError> {
        let began = std::time::Instant::now();
        steps::reach(When::Before, one.table);
        self.execute(&one.fill(scope)).await?;
        steps::reach(When::After, one.table);
        debug!(table = one.table, millis = began.elapsed().as_millis() as u64, "aggregate refreshed");
        Ok(())
    }

    /// The daily counts as the aggregates hold them.
    pub async fn empirical(&self, reading: &Reading, as_of: Timestamp) -> Result<EmpiricalMap, WarehouseError> {
        self.read_counts(reading, as_of, &From::Tables).await
    }

    /// The daily counts of rows computed elsewhere, such as those of a past `as_of`, by the same SQL; `paths`: every path of
    /// stages, too.
    pub async fn empirical_of(
        &self,
        reading: &Reading,
        scratch: &Scratch,
        (as_of, paths): (Timestamp, bool),
    ) -> Result<(EmpiricalMap, Option<StagePaths>), WarehouseError> {
        let table = scratch.table();
        let real = self.read_counts(reading, as_of, &From::Scratch(table)).await?;
        let scope = Scope { table, map: &reading.map.id, reading: &reading.id, as_of, buckets: &[] };
        let paths = if paths { Some(self.stage_paths_in(&scope).await?) } else { None };
        Ok((real, paths))
    }

    async fn read_counts(
        &self,
        reading: &Reading,
        as_of: Timestamp,
        from: &From<'_>,
    ) -> Result<EmpiricalMap, WarehouseError> {
        let rows_of = |one: &Aggregate| match from {
            From::Tables => format!(
                "SELECT * FROM {} FINAL WHERE map = {} AND reading = {}",
                one.table,
                quote(&reading.map.id),
                quote(&reading.id)
            ),
            From::Scratch(table) => {
                one.select(&Scope { table, map: &reading.map.id, reading: &reading.id, as_of, buckets: &[] })
            }
        };
        let table = match from {
            From::Tables => "customer_journeys",
            From::Scratch(table) => table,
        };
        let cut = match from {
            From::Tables => None,
            From::Scratch(_) => Some(as_of),
        };
        let journeys = self.journey_days(&rows_of(&aggregate::JOURNEYS)).await?;
        let judging = reading.judging();
        let mature: Vec<Day> = aggregate::mature_dates(&judging, &journeys, as_of).into_iter().collect();
        let scope = Scope { table, map: &reading.map.id, reading: &reading.id, as_of, buckets: &[] };
        let transitions = self.transition_days(&rows_of(&aggregate::TRANSITIONS)).await?;
        Ok(EmpiricalMap {
            reading: reading.id.to_string(),
            as_of,
            customers: self.count_customers(table, reading, "notEmpty(`j.id`)").await?,
            oversized_customers: self.count_customers(table, reading, "oversized = 1").await?,
            journeys,
            stages: self.stage_days(&rows_of(&aggregate::STAGES)).await?,
            emotions: self.emotion_days(&rows_of(&aggregate::EMOTIONS)).await?,
            coverage: self.coverage(&rows_of(&aggregate::COVERAGE), cut).await?,
            unmapped: self.unmapped(table, reading).await?,
            walked: self.walked(&scope, &judging, &mature, &transitions).await?,
            transitions,
        })
    }

    async fn journey_days(&self, rows: &str) -> Result<Vec<JourneyDay>, WarehouseError> {
        let query = format!(
            "SELECT entry_date, [sum(r.entered), sum(r.completed), sum(r.ended), sum(r.dropped), sum(r.in_flight), \
             sum(r.completed_open), sum(r.order_ambiguous), sum(r.left_truncated)] AS counts, sum(r.value) AS value FROM ({rows}) AS r GROUP BY entry_date ORDER BY entry_date"
        );
        let day = |r: JourneyCounts| JourneyDay {
            entry_date: Day(r.entry_date),
            entered: r.counts[0],
            completed: r.counts[1],
            ended: r.counts[2],
            dropped: r.counts[3],
            in_flight: r.counts[4],
            completed_open: r.counts[5],
            order_ambiguous: r.counts[6],
            left_truncated: r.counts[7],
            value: r.value,
        };
        Ok(self.fetch::<JourneyCounts>(&query).await?.into_iter().map(day).collect())
    }

    async fn stage_days(&self, rows: &str) -> Result<Vec<StageDay>, WarehouseError> {
        let query = format!(
            "SELECT entry_date, toString(stage) AS stage, [sum(r.entered), sum(r.entries), sum(r.decided), sum(r.progressed), sum(r.progressed_in_flight), \
             sum(r.in_flight), sum(r.dropped), sum(r.completed_open), sum(r.progressed_dropped), sum(r.lost_dropped), sum(r.lost_ended), sum(r.ended), sum(r.open_entries)] AS counts, \
             arrayZip((sumMap(r.problem_id, r.problem_journeys) AS p).1, p.2) AS problems, arrayZip((sumMap(r.time_bucket, r.time_count) AS t).1, t.2) AS time, \
             arrayZip((sumMap(r.next_bucket, r.next_count) AS n).1, n.2) AS next FROM ({rows}) AS r GROUP BY entry_date, stage ORDER BY entry_date, stage"
        );
        let day = |r: StageCounts| StageDay {
            entry_date: Day(r.entry_date),
            stage: r.stage,
            entered: r.counts[0],
            entries: r.counts[1],
            decided: r.counts[2],
            progressed: r.counts[3],
            progressed_in_flight: r.counts[4],
            in_flight: r.counts[5],
            dropped: r.counts[6],
            completed_open: r.counts[7],
            progressed_dropped: r.counts[8],
            lost_dropped: r.counts[9],
            lost_ended: r.counts[10],
            ended: r.counts[11],
            open_entries: r.counts[12],
            problems: r.problems,
            time_in_stage: Histogram(r.time),
            time_to_next: Histogram(r.next),
        };
        Ok(self.fetch::<StageCounts>(&query).await?.into_iter().map(day).collect())
    }

    async fn transition_days(&self, rows: &str) -> Result<Vec<TransitionDay>, WarehouseError> {
        let query = format!(
            "SELECT entry_date, toString(from_stage) AS from_stage, toString(to_stage) AS to_stage, sum(r.transitions) AS transitions, sum(r.decided) AS decided, \
             arrayZip((sumMap(r.time_bucket, r.time_count) AS t).1, t.2) AS time FROM ({rows}) AS r GROUP BY entry_date, from_stage, to_stage ORDER BY entry_date, from_stage, to_stage"
        );
        let day = |r: TransitionCounts| TransitionDay {
            entry_date: Day(r.entry_date),
            from: r.from_stage,
            to: r.to_stage,
            transitions: r.transitions,
            decided: r.decided,
            time: Histogram(r.time),
        };
        Ok(self.fetch::<TransitionCounts>(&query).await?.into_iter().map(day).collect())
    }

    /// What was read, decoded and mapped, by source. Counts of records are of deliveries; those of events are distinct.
    async fn coverage(&self, rows: &str, cut: Option<Timestamp>) -> Result<Vec<Coverage>, WarehouseError> {
        let mut list: Vec<Coverage> = self
            .config()?
            .sources
            .iter()
            .map(|s| Coverage { source: s.name.to_string(), ..Coverage::default() })
            .collect();
        let of = |list: &mut Vec<Coverage>, source: &str| list.iter().position(|c| c.source == source);
        // What was replayed was counted as rejected when it was read, and is decoded now.
        let deliveries = "SELECT toString(source) AS source, sum(records) AS records, sum(skipped) AS skipped, \
             toUInt64(sum(decoded) + sum(replayed)) AS decoded, toUInt64(sum(rejected) - sum(replayed)) AS rejected, sum(blocked) AS blocked FROM \
             (SELECT source, records, skipped, decoded, rejected, blocked_identifiers AS blocked, 0 AS replayed FROM positions FINAL \
             UNION ALL SELECT source, 0, 0, 0, 0, 0, 1 FROM replayed_letters FINAL) GROUP BY source";
        for r in self.fetch::<PositionCounts>(deliveries).await? {
            let Some(i) = of(&mut list, &r.source) else { continue };
            let c = &mut list[i];
            (c.records, c.skipped, c.decoded, c.rejected) = (r.records, r.skipped, r.decoded, r.rejected);
            c.blocked_identifiers = r.blocked;
        }
        for r in self.fetch::<EventCounts>(&self.distinct_events(&self.outside().await?, cut)?).await? {
            let Some(i) = of(&mut list, &r.source) else { continue };
            (list[i].distinct, list[i].no_identifier, list[i].conflicts) = (r.distinct, r.no_identifier, r.conflicts);
        }
        let fates = format!(
            "SELECT toString(source) AS source, toString(fate) AS fate, sum(r.events) AS events FROM ({rows}) AS r GROUP BY source, fate"
        );
        for r in self.fetch::<FateCount>(&fates).await? {
            let Some(i) = of(&mut list, &r.source) else { continue };
            let c = &mut list[i];
            match r.fate.as_str() {
                "in_journey" => c.mapped += r.events,
                "before_entry" | "after_drop_off" | "after_exit" | "after_goal" => {
                    c.mapped += r.events;
                    c.outside += r.events;
                }
                "excluded" => c.excluded += r.events,
                "unmapped" | "no_version" => c.unmapped += r.events,
                "superseded" => c.superseded += r.events,
                _ => {}
            }
        }
        Ok(list)
    }

    /// Distinct events inside the function, those without a customer, and keys that reached several customers.
    fn distinct_events(&self, outside: &Outside, cut: Option<Timestamp>) -> Result<String, WarehouseError> {
        let inside = self.inside(outside)?;
        let until = cut.map_or_else(|| "1".to_owned(), |t| format!("occurred_at <= {}", aggregate::moment(t)));
        // An event's customer is that of its first identifier that has one; on a day apart, the day's row decides.
        Ok(format!(
            "WITH now AS (SELECT node, has_day, day, argMax(customer, version) AS customer FROM identity GROUP BY node, has_day, day), \
             parts AS (SELECT source, event_id, payload_hash, occurred_at, revision, i, identifiers[i] AS node, toDate32(occurred_at) AS day \
               FROM events ARRAY JOIN arrayEnumerate(if(empty(identifiers), [''], identifiers)) AS i WHERE {inside} AND {until}), \
             named AS (SELECT e.source AS source, e.event_id AS event_id, e.payload_hash AS payload_hash, e.occurred_at AS occurred_at, e.revision AS revision, \
               arrayFirst(x -> x != '', arrayMap(t -> t.2, arraySort(groupArray((e.i, if(d.customer != '', d.customer, n.customer)))))) AS customer \
               FROM parts AS e \
               LEFT JOIN (SELECT node, customer FROM now WHERE has_day = 0) AS n ON e.node = n.node \
               LEFT JOIN (SELECT node, day, customer FROM now WHERE has_day = 1) AS d ON e.node = d.node AND e.day = d.day \
               GROUP BY source, event_id, payload_hash, occurred_at, revision), \
             keys AS (SELECT source, event_id, groupUniqArrayIf(customer, customer != '') AS customers FROM named GROUP BY source, event_id) \
             SELECT toString(source) AS source, count() AS distinct, countIf(empty(customers)) AS no_identifier, \
             countIf(length(customers) > 1) AS conflicts FROM keys GROUP BY source"
        ))
    }

    async fn unmapped(&self, table: &str, reading: &Reading) -> Result<Vec<Unmapped>, WarehouseError> {
        let query = format!(
            "SELECT toString(`u.source`) AS source, `u.name` AS name, `u.path` AS path, sum(`u.count`) AS events FROM \
             (SELECT `u.source`, `u.name`, `u.path`, `u.count` FROM {table} FINAL WHERE map = {} AND reading = {} AND is_deleted = 0) \
             ARRAY JOIN `u.source`, `u.name`, `u.path`, `u.count` GROUP BY source, name, path ORDER BY events DESC, source, name, path LIMIT {UNMAPPED}",
            quote(&reading.map.id),
            quote(&reading.id)
        );
        let row = |r: UnmappedRow| Unmapped { source: r.source, name: r.name, path: r.path, events: r.events };
        Ok(self.fetch::<UnmappedRow>(&query).await?.into_iter().map(row).collect())
    }
}
