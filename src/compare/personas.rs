//! Who walks the map (personas): of each persona its customers and journeys, whether it reaches the goal and follows the
//! map, and stage by stage who is lost and what is felt. In: counts by persona. Out: [`PersonaLine`]s and
//! [`PersonaStageLine`]s; none if no version of the map knows a persona.

use std::collections::BTreeSet;

use super::expectations::{Felt, felt};
use super::following::{Followed, Following};
use super::rates::{self, Rate};
use super::stages;
use crate::aggregate::personas::PersonaCount;
use crate::aggregate::{EmpiricalMap, StageDay};
use crate::map::{MapVersions, OTHER, Role, Text};
use crate::time::Day;

#[derive(Clone, Debug, PartialEq)]
pub struct PersonaLine {
    /// Its id, or `other`. `None`: computed by an older program, which did not tell.
    pub persona: Option<String>,
    pub title: Text,
    /// Each counted once, over all entry dates; so are the journeys.
    pub customers: u64,
    pub entered: u64,
    pub completed: u64,
    pub ended: u64,
    pub dropped: u64,
    pub in_flight: u64,
    /// completed / decided.
    pub overall: Rate,
    pub followed: Followed,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PersonaStageLine {
    pub persona: Option<String>,
    pub stage: String,
    /// Who entered the stage; all entry dates.
    pub customers: u64,
    pub entered: u64,
    /// Journeys lost here in silence, and with a reason.
    pub dropped: u64,
    pub ended: u64,
    pub in_flight: u64,
    pub conversion: Rate,
    pub drop_off_rate: Rate,
    pub emotion: Felt,
}

type Lines = (Vec<PersonaLine>, Vec<PersonaStageLine>);

pub(super) fn personas(
    versions: &MapVersions,
    (real, mature): (&EmpiricalMap, &BTreeSet<Day>),
    following: &Following,
) -> Lines {
    let map = versions.newest();
    let keyed = map.journey_key.is_some();
    let ripe = !mature.is_empty();
    let counted = &real.walked.personas;
    let none = PersonaCount::default();
    let (mut lines, mut by_stage) = (Vec::new(), Vec::new());
    for (id, title) in known(versions, counted) {
        let own = counted.iter().find(|c| c.persona == id).unwrap_or(&none);
        let persona = (!id.is_empty()).then(|| id.clone());
        let followed = following.personas.iter().find(|p| p.0 == id).map(|p| p.1.clone()).unwrap_or_default();
        let overall = match ripe {
            true => Rate::point(own.mature.completed, own.mature.completed + own.mature.ended + own.mature.dropped),
            false => rates::overall(std::slice::from_ref(&own.all), &BTreeSet::new(), keyed),
        };
        lines.push(PersonaLine {
            persona: persona.clone(),
            title,
            customers: own.customers,
            entered: own.all.entered,
            completed: own.all.completed,
            ended: own.all.ended,
            dropped: own.all.dropped,
            in_flight: own.all.in_flight,
            overall,
            followed,
        });
        for (stage, role) in stages_of(versions, real) {
            let counts = real.walked.persona_stages.iter().find(|c| c.persona == id && c.stage == stage);
            let Some(counts) = counts.filter(|c| c.all.entered > 0) else { continue };
            let (all, mature_ones): ([&StageDay; 1], [&StageDay; 1]) = ([&counts.all], [&counts.mature]);
            let over = (&all[..], ripe.then_some(&mature_ones[..]));
            let (conversion, drop_off_rate) = stages::rates(role, over, (std::slice::from_ref(&own.all), keyed));
            by_stage.push(PersonaStageLine {
                persona: persona.clone(),
                emotion: felt(&real.emotions, mature, |e| e.persona == id && e.stage == stage).beyond(map.min_n),
                stage,
                customers: counts.customers,
                entered: counts.all.entered,
                dropped: counts.all.lost_dropped,
                ended: counts.all.lost_ended,
                in_flight: counts.all.in_flight,
                conversion,
                drop_off_rate,
            });
        }
    }
    (lines, by_stage)
}

/// Declared personas with their titles, the newest version's first, whether or not anybody is one; then whoever is of none.
fn known(versions: &MapVersions, counted: &[PersonaCount]) -> Vec<(String, Text)> {
    let mut known: Vec<(String, Text)> = Vec::new();
    for persona in versions.versions.iter().rev().flat_map(|v| &v.personas) {
        if known.iter().all(|(id, _)| **id != *persona.id) {
            known.push((persona.id.to_string(), persona.title.clone()));
        }
    }
    if known.is_empty() {
        return known;
    }
    for id in [OTHER, ""] {
        if counted.iter().any(|c| c.persona == id) {
            known.push((id.to_owned(), Text::default()));
        }
    }
    known
}

/// Stages in the order of the newest version; those of older ones that it does not have stand last.
fn stages_of(versions: &MapVersions, real: &EmpiricalMap) -> Vec<(String, Role)> {
    let mut stages: Vec<(String, Role)> = Vec::new();
    for stage in versions.versions.iter().rev().flat_map(|v| &v.stages) {
        let counted = real.walked.persona_stages.iter().any(|c| c.stage == *stage.id);
        if counted && stages.iter().all(|(id, _)| **id != *stage.id) {
            stages.push((stage.id.to_string(), stage.role));
        }
    }
    stages
}
