//! What the comparison asks of single journeys, grouped by ClickHouse. In: a table of customers' rows, a reading, an
//! `as_of`, the mature entry dates. Out: [`WalkedMap`], bounded: what was cut is counted.

use std::collections::BTreeSet;

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::{
    AcceptableCount, AssociationCount, DeviationCount, FollowCounts, FollowGroup, FollowStage, Histogram, PathCount,
    PathPart, Paths, Scope, TouchpointSeen, TransitionDay, WalkedMap, studied, walk,
};
use crate::map::MapVersions;
use crate::time::{Day, Timestamp};

/// Paths that are read back: each is aligned again for precision.
const PATHS: usize = 10_000;
/// Deviations that are read back, and of them those whose association is asked for.
const DEVIATIONS: usize = 200;
const STUDIED: usize = 40;

#[derive(Row, Deserialize)]
struct GroupRow {
    entry_day: i32,
    version: u32,
    who: String,
    outcome: String,
    tied: u8,
    counts: Vec<u64>,
}

#[derive(Row, Deserialize)]
struct StageRow {
    version: u32,
    stage: String,
    tied: u8,
    counts: Vec<u64>,
}

#[derive(Row, Deserialize)]
struct PathRow {
    version: u32,
    tied: u8,
    decided: u8,
    path: Vec<String>,
    /// Entry date, persona, journeys.
    parts: Vec<(i32, String, u64)>,
    journeys: u64,
    paths: u64,
    walked: u64,
}

#[derive(Row, Deserialize)]
struct DeviationRow {
    version: u32,
    kind: String,
    place: String,
    stage: String,
    counts: Vec<u64>,
    value: Vec<(String, f64)>,
    at_stake: Vec<(String, f64)>,
    examples: Vec<String>,
    kinds: u64,
}

#[derive(Row, Deserialize)]
struct AcceptableRow {
    kind: String,
    place: String,
    stage: String,
    journeys: u64,
    accepted: u64,
}

#[derive(Row, Deserialize)]
struct AssociationRow {
    studied: u32,
    has_it: u8,
    journeys: u64,
    completed: u64,
    time_bucket: Vec<i32>,
    time_count: Vec<u64>,
}

#[derive(Row, Deserialize)]
struct SeenRow {
    touchpoint: String,
    visits: u64,
    first: i64,
    last: i64,
    channels: Vec<String>,
}

impl Clickhouse {
    pub(super) async fn walked(
        &self,
        scope: &Scope<'_>,
        map: &MapVersions,
        mature: &[Day],
        transitions: &[TransitionDay],
    ) -> Result<WalkedMap, WarehouseError> {
        let (stages, paths) = (walk::stages(scope, mature), walk::paths(scope, mature, PATHS));
        // Side by side, for each uses little more than one core.
        let (groups, (deviations, distinct_deviations), personas, stages, paths, seen, lost, broken, acceptable) = tokio::try_join!(
            self.follow_groups(scope),
            self.deviation_counts(scope, mature),
            self.persona_counts(scope, map, mature),
            self.follow_stages(&stages),
            self.paths(&paths),
            self.touchpoints_seen(scope),
            self.lost_counts(scope, mature),
            self.broken_counts(scope, map, mature, transitions),
            self.acceptable_counts(scope, map),
        )?;
        let studied = studied(map, &deviations, STUDIED);
        let associations = if studied.is_empty() {
            Vec::new()
        } else {
            self.association_counts(&walk::associations(scope, mature, &studied)).await?
        };
        Ok(WalkedMap {
            groups,
            stages,
            paths,
            deviations,
            distinct_deviations,
            acceptable,
            studied,
            associations,
            personas: personas.0,
            persona_stages: personas.1,
            seen,
            lost,
            broken,
        })
    }

    async fn follow_groups(&self, scope: &Scope<'_>) -> Result<Vec<FollowGroup>, WarehouseError> {
        let group = |r: GroupRow| FollowGroup {
            entry_date: Day(r.entry_day),
            version: r.version,
            persona: r.who,
            outcome: r.outcome,
            order_ambiguous: r.tied == 1,
            counts: follow_counts(&r.counts),
        };
        Ok(self.fetch::<GroupRow>(&walk::groups(scope)).await?.into_iter().map(group).collect())
    }

    async fn follow_stages(&self, query: &str) -> Result<Vec<FollowStage>, WarehouseError> {
        let stage = |r: StageRow| FollowStage {
            version: r.version,
            stage: r.stage,
            order_ambiguous: r.tied == 1,
            counts: follow_counts(&r.counts),
        };
        Ok(self.fetch::<StageRow>(query).await?.into_iter().map(stage).collect())
    }

    async fn paths(&self, query: &str) -> Result<Paths, WarehouseError> {
        let rows = self.fetch::<PathRow>(query).await?;
        let (distinct, journeys) = rows.first().map_or((0, 0), |r| (r.paths, r.walked));
        let part = |(day, persona, journeys)| PathPart { entry_date: Day(day), persona, journeys };
        let path = |r: PathRow| PathCount {
            version: r.version,
            order_ambiguous: r.tied == 1,
            decided: r.decided == 1,
            path: r.path,
            journeys: r.journeys,
            parts: r.parts.into_iter().map(part).collect(),
        };
        Ok(Paths { kept: rows.into_iter().map(path).collect(), distinct, journeys })
    }

    async fn deviation_counts(
        &self,
        scope: &Scope<'_>,
        mature: &[Day],
    ) -> Result<(Vec<DeviationCount>, u64), WarehouseError> {
        let rows = self.fetch::<DeviationRow>(&walk::deviations(scope, mature, DEVIATIONS)).await?;
        let all = rows.first().map_or(0, |r| r.kinds);
        let count = |r: DeviationRow| DeviationCount {
            version: r.version,
            kind: r.kind,
            place: r.place,
            stage: r.stage,
            journeys: r.counts[0],
            customers: r.counts[1],
            accepted: r.counts[2],
            completed: r.counts[3],
            ended: r.counts[4],
            dropped: r.counts[5],
            in_flight: r.counts[6],
            mature_decided: r.counts[7],
            mature_dropped: r.counts[8],
            value: r.value,
            at_stake: r.at_stake,
            examples: r.examples,
        };
        Ok((rows.into_iter().map(count).collect(), all))
    }

    async fn acceptable_counts(
        &self,
        scope: &Scope<'_>,
        map: &MapVersions,
    ) -> Result<Vec<AcceptableCount>, WarehouseError> {
        let kinds: BTreeSet<&str> = map.newest().accepted_deviations.iter().map(|a| a.kind.as_str()).collect();
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let kinds: Vec<&str> = kinds.into_iter().collect();
        let count = |r: AcceptableRow| AcceptableCount {
            kind: r.kind,
            place: r.place,
            stage: r.stage,
            journeys: r.journeys,
            accepted: r.accepted,
        };
        Ok(self.fetch::<AcceptableRow>(&walk::acceptable(scope, &kinds)).await?.into_iter().map(count).collect())
    }

    async fn association_counts(&self, query: &str) -> Result<Vec<AssociationCount>, WarehouseError> {
        let count = |r: AssociationRow| AssociationCount {
            studied: r.studied as usize,
            with: r.has_it == 1,
            journeys: r.journeys,
            completed: r.completed,
            time_to_goal: Histogram(r.time_bucket.into_iter().zip(r.time_count).collect()),
        };
        Ok(self.fetch::<AssociationRow>(query).await?.into_iter().map(count).collect())
    }

    async fn touchpoints_seen(&self, scope: &Scope<'_>) -> Result<Vec<TouchpointSeen>, WarehouseError> {
        let seen = |r: SeenRow| TouchpointSeen {
            touchpoint: r.touchpoint,
            visits: r.visits,
            first: Timestamp::from_micros(r.first),
            last: Timestamp::from_micros(r.last),
            channels: r.channels,
        };
        Ok(self.fetch::<SeenRow>(&walk::seen(scope)).await?.into_iter().map(seen).collect())
    }
}

/// In the order of `aggregate::walk`.
fn follow_counts(counts: &[u64]) -> FollowCounts {
    FollowCounts {
        journeys: counts[0],
        evaluated: counts[1],
        following: counts[2],
        forbidden: counts[3],
        fitness_ppm: counts[4],
        ambiguous_type: counts[5],
        clean: counts[6],
    }
}
