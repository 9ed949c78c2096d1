//! The funnel by persona, counted by ClickHouse. In: a table of customers' rows, a reading, the mature entry dates. Out:
//! counts, bounded by personas and stages.

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::personas::{self, PersonaCount, PersonaStageCount};
use crate::aggregate::{JourneyDay, Scope, StageDay};
use crate::map::MapVersions;
use crate::time::Day;

#[derive(Row, Deserialize)]
struct PersonaRow {
    who: String,
    customers: u64,
    counts: Vec<u64>,
    mature_counts: Vec<u64>,
}

#[derive(Row, Deserialize)]
struct StageRow {
    who: String,
    place: String,
    customers: u64,
    counts: Vec<u64>,
    mature_counts: Vec<u64>,
}

impl Clickhouse {
    /// Nothing, if no version knows a persona.
    pub(super) async fn persona_counts(
        &self,
        scope: &Scope<'_>,
        map: &MapVersions,
        mature: &[Day],
    ) -> Result<(Vec<PersonaCount>, Vec<PersonaStageCount>), WarehouseError> {
        if map.versions.iter().all(|version| version.personas.is_empty()) {
            return Ok((Vec::new(), Vec::new()));
        }
        let persona = |r: PersonaRow| PersonaCount {
            persona: r.who,
            customers: r.customers,
            all: journeys(&r.counts),
            mature: journeys(&r.mature_counts),
        };
        let stage = |r: StageRow| PersonaStageCount {
            persona: r.who,
            stage: r.place,
            customers: r.customers,
            all: entries(&r.counts),
            mature: entries(&r.mature_counts),
        };
        let all = self.fetch::<PersonaRow>(&personas::journeys(scope, mature)).await?;
        let stages = self.fetch::<StageRow>(&personas::stages(scope, mature)).await?;
        Ok((all.into_iter().map(persona).collect(), stages.into_iter().map(stage).collect()))
    }
}

/// In the order of `personas::journeys`.
fn journeys(counts: &[u64]) -> JourneyDay {
    JourneyDay {
        entered: counts[0],
        completed: counts[1],
        ended: counts[2],
        dropped: counts[3],
        in_flight: counts[4],
        completed_open: counts[5],
        ..JourneyDay::default()
    }
}

/// In the order of `OF_ENTERED`, by which `personas::stages` counts.
fn entries(counts: &[u64]) -> StageDay {
    StageDay {
        entered: counts[0],
        decided: counts[1],
        progressed: counts[2],
        progressed_in_flight: counts[3],
        in_flight: counts[4],
        dropped: counts[5],
        completed_open: counts[6],
        progressed_dropped: counts[7],
        lost_dropped: counts[8],
        lost_ended: counts[9],
        ..StageDay::default()
    }
}
