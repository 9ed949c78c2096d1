//! Random journeys as aggregates would count them. In: what was walked. Out: the daily counts of an [`EmpiricalMap`].

use super::super::super::EmpiricalMap;
use super::walked::{STAGES, WAYS, Walked};
use crate::aggregate::lost::LostCount;
use crate::aggregate::personas::{PersonaCount, PersonaStageCount};
use crate::aggregate::{
    DeviationCount, EmotionDay, FollowCounts, FollowGroup, FollowStage, Histogram, JourneyDay, PathCount, PathPart,
    StageDay, TransitionDay, WalkedMap,
};
use crate::time::Timestamp;

fn entry<T>(list: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let at = list.iter().rposition(is).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    });
    &mut list[at]
}

pub(super) fn real(all: &[Walked]) -> EmpiricalMap {
    let mut real = EmpiricalMap { walked: WalkedMap::default(), ..super::super::super::tests::real() };
    (real.journeys, real.customers) = (Vec::new(), all.iter().map(|w| w.n).sum());
    for w in all {
        began(&mut real, w);
        stages(&mut real, w);
        transitions(&mut real, w);
        followed(&mut real.walked, w);
        strayed(&mut real.walked, w);
        lost(&mut real.walked, w);
        felt(&mut real.emotions, w);
    }
    real.as_of = Timestamp::parse("2026-02-02").expect("a day");
    real
}

fn began(real: &mut EmpiricalMap, w: &Walked) {
    let add = |d: &mut JourneyDay| {
        d.entered += w.n;
        *match w.outcome() {
            "completed" => &mut d.completed,
            "ended" => &mut d.ended,
            "dropped" => &mut d.dropped,
            _ => &mut d.in_flight,
        } += w.n;
        d.order_ambiguous += if w.tied { w.n } else { 0 };
    };
    let date = w.date;
    let new = || JourneyDay { entry_date: date, ..JourneyDay::default() };
    add(entry(&mut real.journeys, |d| d.entry_date == date, new));
    let new = || PersonaCount { persona: w.persona.to_owned(), ..PersonaCount::default() };
    let of = entry(&mut real.walked.personas, |c| c.persona == w.persona, new);
    of.customers += w.n;
    add(&mut of.all);
    if w.is_mature() {
        add(&mut of.mature);
    }
}

fn stages(real: &mut EmpiricalMap, w: &Walked) {
    let ((stages, outcome), n, date) = (WAYS[w.way], w.n, w.date);
    let decided = outcome != "in_flight";
    let last_stay = stages.iter().rev().find(|s| **s != 4).expect("no journey begins at an exit");
    for (i, stage) in stages.iter().enumerate() {
        let (id, is_last) = (STAGES[*stage].0, i + 1 == stages.len());
        let went_on = outcome == "completed" || stages[i..].iter().any(|later| later > stage && *later != 4);
        let is_first = !stages[..i].contains(stage);
        let add = |s: &mut StageDay| {
            s.entries += n;
            if is_last && !decided {
                s.open_entries += n;
            } else {
                s.time_in_stage.merge(&Histogram(vec![(1_000, n)]));
            }
            if is_last && outcome == "ended" {
                s.ended += n;
            }
            if is_first {
                s.entered += n;
                s.decided += if decided { n } else { 0 };
                s.progressed += if decided && went_on { n } else { 0 };
                s.in_flight += if decided { 0 } else { n };
                s.lost_dropped += if outcome == "dropped" && last_stay == stage { n } else { 0 };
                s.lost_ended += if outcome == "ended" && last_stay == stage { n } else { 0 };
            }
        };
        let new = || StageDay { entry_date: date, stage: id.to_owned(), ..StageDay::default() };
        add(entry(&mut real.stages, |s| s.entry_date == date && s.stage == id, new));
        let new = || PersonaStageCount {
            persona: w.persona.to_owned(),
            stage: id.to_owned(),
            ..PersonaStageCount::default()
        };
        let of = entry(&mut real.walked.persona_stages, |c| c.persona == w.persona && c.stage == id, new);
        of.customers += if is_first { n } else { 0 };
        add(&mut of.all);
        if w.is_mature() {
            add(&mut of.mature);
        }
    }
}

fn transitions(real: &mut EmpiricalMap, w: &Walked) {
    let ((stages, outcome), date) = (WAYS[w.way], w.date);
    let names: Vec<&str> = stages.iter().map(|s| STAGES[*s].0).collect();
    for pair in [&["start"][..], &names, &[outcome]].concat().windows(2) {
        let new = || TransitionDay {
            entry_date: date,
            from: pair[0].to_owned(),
            to: pair[1].to_owned(),
            ..TransitionDay::default()
        };
        let same = |t: &TransitionDay| t.entry_date == date && t.from == pair[0] && t.to == pair[1];
        let t = entry(&mut real.transitions, same, new);
        t.transitions += w.n;
        t.decided += if outcome == "in_flight" { 0 } else { w.n };
    }
}

fn followed(walked: &mut WalkedMap, w: &Walked) {
    let of = |holds: bool| if holds { w.n } else { 0 };
    let counts = FollowCounts {
        journeys: w.n,
        evaluated: of(w.evaluated),
        following: of(w.follows),
        forbidden: of(w.way == 5),
        fitness_ppm: of(w.evaluated) * 900_000,
        clean: of(w.clean),
        ..FollowCounts::default()
    };
    walked.groups.push(FollowGroup {
        entry_date: w.date,
        version: w.version,
        persona: w.persona.to_owned(),
        outcome: w.outcome().to_owned(),
        order_ambiguous: w.tied,
        counts,
    });
    if !w.is_mature() {
        return;
    }
    let mut stages: Vec<usize> = WAYS[w.way].0.to_vec();
    stages.sort_unstable();
    stages.dedup();
    walked.stages.extend(stages.into_iter().map(|stage| FollowStage {
        version: w.version,
        stage: STAGES[stage].0.to_owned(),
        order_ambiguous: w.tied,
        counts,
    }));
    if w.evaluated {
        walked.paths.distinct += 1;
        walked.paths.journeys += w.n;
        if !w.rare {
            walked.paths.kept.push(PathCount {
                version: w.version,
                order_ambiguous: w.tied,
                decided: w.outcome() != "dropped",
                path: WAYS[w.way].0.iter().map(|s| STAGES[*s].1.to_owned()).collect(),
                journeys: w.n,
                parts: vec![PathPart { entry_date: w.date, persona: w.persona.to_owned(), journeys: w.n }],
            });
        }
    }
}

fn strayed(walked: &mut WalkedMap, w: &Walked) {
    if !w.evaluated || w.follows {
        return;
    }
    let of = |holds: bool| if holds { w.n } else { 0 };
    let new = || DeviationCount {
        version: w.version,
        kind: "too_slow".to_owned(),
        place: "A".to_owned(),
        stage: "A".to_owned(),
        examples: vec!["x".to_owned()],
        ..DeviationCount::default()
    };
    let d = entry(&mut walked.deviations, |d| d.version == w.version, new);
    d.journeys += w.n;
    d.customers += w.n;
    d.accepted += of(w.tied);
    d.mature_decided += of(w.is_mature());
    d.mature_dropped += of(w.is_mature() && w.outcome() == "dropped");
}

fn lost(walked: &mut WalkedMap, w: &Walked) {
    let went = match w.outcome() {
        "ended" => "exit_reason",
        "dropped" if w.tied => "silence",
        "dropped" => "outside",
        _ => return,
    };
    if !w.is_mature() {
        return;
    }
    let last_stay = WAYS[w.way].0.iter().rev().find(|s| **s != 4).expect("no journey begins at an exit");
    let stage = STAGES[*last_stay].0;
    let new = || LostCount {
        stage: stage.to_owned(),
        went: went.to_owned(),
        name: "x".to_owned(),
        path: String::new(),
        journeys: 0,
        examples: vec!["x".to_owned()],
        of_way: 0,
        things: 1,
    };
    let l = entry(&mut walked.lost, |l| l.stage == stage && l.went == went, new);
    l.journeys += w.n;
    l.of_way += w.n;
}

/// Whoever has no unmapped event was asked, the others looked around.
fn felt(days: &mut Vec<EmotionDay>, w: &Walked) {
    let date = w.date;
    let (touchpoint, value) = if w.clean { ("ask", 1_000_000) } else { ("a", -1_000_000) };
    let new = || EmotionDay {
        entry_date: date,
        version: w.version,
        persona: w.persona.to_owned(),
        stage: "A".to_owned(),
        touchpoint: touchpoint.to_owned(),
        told: vec![(value, 0)],
    };
    let same = |d: &EmotionDay| {
        (d.entry_date, d.version, d.persona.as_str(), d.touchpoint.as_str()) == (date, w.version, w.persona, touchpoint)
    };
    entry(days, same, new).told[0].1 += w.n;
}
