//! The journey file as written -> [`DesignedMap`], or all of its faults. In: the file's text. Out: the map and what is
//! doubtful about it. Structure is checked first, against the JSON Schema; then what the words mean together, even of a
//! file whose structure has faults, so that nobody mends a file in two rounds.

mod beside;
mod matching;
mod model;
mod overlap;
mod scope;

use std::time::Duration;

use super::arcs;
use super::designed::{
    Channel, DesignedMap, Dimension, DimensionPath, ExcludeRule, PropertyPath, Role, Stage, StageIx, Status,
    SupportRule,
};
use super::file::{ChannelFile, DropOffFile, ExcludeFile, MapFile, OneOrMany, StatusWord, SupportFile, json_schema};
use crate::yaml::{self, Fault, Faults, Node};
use scope::{Scope, text};

const DROP_OFF: Duration = Duration::from_secs(30 * 86_400);
const MATURITY: f64 = 0.95;
const MIN_N: u64 = 30;
/// Dimensions that need no `props.`.
const PLAIN_DIMENSIONS: [&str; 4] = ["channel", "campaign", "device", "segment"];

/// One file's text, checked; `label` is how messages call it. Warnings stand beside the map.
pub fn check(label: &str, content: &str) -> Result<(DesignedMap, Vec<Fault>), Faults> {
    let written = yaml::read(label, content)?;
    let mut node = written.clone();
    let (file, faults) = yaml::fill_partly::<MapFile>(&mut node, &json_schema(), label);
    let Some(file) = file else { return Err(faults) };
    if node.entries().is_empty() {
        return Err(faults);
    }
    let mut scope = Scope::new(label, &written, &node, faults);
    let map = designed(&mut scope, file);
    let Scope { faults, warnings, .. } = scope;
    faults.or((map, warnings))
}

fn designed(scope: &mut Scope, file: MapFile) -> DesignedMap {
    if scope.node.get("id").is_some() {
        scope.check_id("map", "id", &file.id);
    }
    let (time_zone, zone_name) = scope.zone("time_zone", file.time_zone.as_deref());
    let valid_from = file.valid_from.as_deref();
    let valid_from = valid_from.and_then(|t| scope.day_or_instant("valid_from", t, &time_zone, "`valid_from`"));

    let before = scope.faults.len();
    let stages = model::stages(scope, file.stages);
    let touchpoints = model::touchpoints(scope, file.touchpoints);
    model::owed(scope, &stages, &touchpoints);
    let transitions = model::transitions(scope, file.transitions);
    let entry = entry(scope, file.entry, &stages);
    let sound = !scope.partial && before == scope.faults.len();

    let (window_default, windows) = windows(scope, file.drop_off.unwrap_or_default(), &stages);
    let journey_key = file.journey_key.map(|p| scope.property("journey_key", &p, "`journey_key`"));
    let after_goal = scope.duration("after_goal", file.after_goal.as_deref(), "`after_goal`").unwrap_or_default();
    let map = DesignedMap {
        id: file.id.into(),
        version: file.version,
        status: match file.status {
            Some(StatusWord::Draft) => Status::Draft,
            None | Some(StatusWord::Active) => Status::Active,
            Some(StatusWord::Retired) => Status::Retired,
        },
        valid_from,
        title: text(file.title),
        owner: file.owner,
        objective: text(file.objective),
        time_zone,
        zone_name,
        entry,
        journey_key,
        after_goal,
        windows,
        window_default,
        maturity: file.maturity.unwrap_or(MATURITY),
        min_n: file.min_n.unwrap_or(MIN_N),
        dimensions: dimensions(scope, file.dimensions),
        exclude: exclude(scope, file.exclude),
        support: support(scope, file.support),
        personas: beside::personas(scope, file.personas),
        channels: channels(scope, file.channels),
        stages,
        touchpoints,
        transitions,
        kpis: beside::kpis(scope, file.kpis),
        experiments: beside::experiments(scope, file.experiments),
        accepted_deviations: beside::accepted(scope, file.accepted_deviations),
        tests: beside::tests(scope, file.tests),
        file: scope.label.to_owned(),
    };
    if sound {
        reach(scope, &map);
        overlap::warn(scope, &map);
    }
    map
}

/// Stages that may open a journey: those named, or `any`; else those with role entry; else the first.
fn entry(scope: &mut Scope, written: Option<OneOrMany<String>>, stages: &[Stage]) -> Vec<bool> {
    let Some(written) = written else {
        let named = stages.iter().any(|s| s.role == Role::Entry);
        return stages.iter().enumerate().map(|(i, s)| if named { s.role == Role::Entry } else { i == 0 }).collect();
    };
    let (list, one) = match written {
        OneOrMany::One(word) if word == "any" => return vec![true; stages.len()],
        OneOrMany::One(word) => (vec![word], true),
        OneOrMany::Many(list) => (list, false),
    };
    if list.is_empty() {
        scope.fault("entry", "`entry` lists no stage", "leave it out, name stages, or write `any`");
    }
    let mut entry = vec![false; stages.len()];
    for (i, id) in list.iter().enumerate() {
        let pointer = if one { "entry".to_owned() } else { format!("entry/{i}") };
        let stage = usize::from(scope.stage(&pointer, id, "`entry`"));
        if let Some(open) = entry.get_mut(stage) {
            *open = true;
        }
    }
    entry
}

/// The map's own window, and that of each stage.
fn windows(scope: &mut Scope, file: DropOffFile, stages: &[Stage]) -> (Duration, Vec<Duration>) {
    let limit = |scope: &mut Scope, pointer: &str, written: Option<&str>, what: &str| {
        let length = scope.duration(pointer, written, what)?;
        if length.is_zero() {
            scope.fault(pointer, format!("{what} is no time at all"), "leave it out for the default");
        }
        Some(length)
    };
    let default = limit(scope, "drop_off/after", file.after.as_deref(), "`drop_off.after`").unwrap_or(DROP_OFF);
    let mut windows = vec![default; stages.len()];
    for (id, written) in &file.by_stage {
        let pointer = format!("drop_off/by_stage/{id}");
        let length = limit(scope, &pointer, Some(written), &format!("`drop_off` of stage `{id}`"));
        let stage = usize::from(scope.stage(&pointer, id, "`drop_off.by_stage`"));
        if let (Some(window), Some(length)) = (windows.get_mut(stage), length) {
            *window = length;
        }
    }
    (default, windows)
}

fn dimensions(scope: &mut Scope, written: Vec<String>) -> Vec<Dimension> {
    if written.len() > 4 {
        let message = format!("{} dimensions are declared", written.len());
        scope.fault("dimensions", message, "allowed: at most 4, because every table is counted by all of them");
    }
    let mut list: Vec<Dimension> = Vec::new();
    for (i, name) in written.into_iter().enumerate() {
        let pointer = format!("dimensions/{i}");
        if list.iter().any(|d| *d.name == *name) {
            scope.fault(&pointer, format!("dimension `{name}` is declared twice"), "");
        }
        let path = match name.as_str() {
            "channel" => DimensionPath::Channel,
            plain if PLAIN_DIMENSIONS.contains(&plain) => DimensionPath::Property(PropertyPath {
                written: format!("props.{plain}").into(),
                parts: vec![plain.into()],
            }),
            property if property.starts_with("props.") => {
                DimensionPath::Property(scope.property(&pointer, property, "a dimension"))
            }
            other => {
                let help = format!(
                    "allowed: {} or a property; did you mean `props.{other}`?",
                    yaml::quoted_list(PLAIN_DIMENSIONS)
                );
                scope.fault(&pointer, format!("`{other}` is not a dimension"), help);
                DimensionPath::Channel
            }
        };
        list.push(Dimension { name: name.into(), path });
    }
    list
}

fn exclude(scope: &mut Scope, written: Vec<ExcludeFile>) -> Vec<ExcludeRule> {
    scope.check_ids("exclude rule", "exclude", written.iter().map(|e| e.id.as_str()));
    let rule = |(i, file): (usize, ExcludeFile)| {
        let who = format!("exclude rule `{}`", file.id);
        let matching = matching::check(scope, &format!("exclude/{i}/match"), &who, file.matching);
        ExcludeRule { id: file.id.into(), matching }
    };
    written.into_iter().enumerate().map(rule).collect()
}

fn support(scope: &mut Scope, written: Vec<SupportFile>) -> Vec<SupportRule> {
    scope.check_ids("support rule", "support", written.iter().map(|s| s.id.as_str()));
    let rule = |(i, file): (usize, SupportFile)| {
        let who = format!("support rule `{}`", file.id);
        let matching = matching::check(scope, &format!("support/{i}/match"), &who, file.matching);
        SupportRule { id: file.id.into(), matching }
    };
    written.into_iter().enumerate().map(rule).collect()
}

/// Channels in file order.
fn channels(scope: &mut Scope, mut written: std::collections::BTreeMap<String, ChannelFile>) -> Vec<Channel> {
    let mut list = Vec::new();
    for entry in scope.node.get("channels").map_or(&[][..], Node::entries) {
        scope.check_id("channel", &format!("channels/{}", entry.key), &entry.key);
        let title = written.remove(&entry.key).and_then(|c| c.title);
        list.push(Channel { id: entry.key.as_str().into(), title: text(title) });
    }
    list
}

/// A stage that no entry reaches, or from which no end is reached, could never be followed.
fn reach(scope: &mut Scope, map: &DesignedMap) {
    let name = |s: StageIx| &map.stages[usize::from(s)].id;
    let explain = if map.transitions.is_empty() {
        "no transition is listed, so each stage leads to the next, up to the first that succeeds, and to every exit"
    } else {
        "only transitions of kind expected and allowed lead from stage to stage"
    };
    let unreachable = arcs::unreachable(map);
    for &stage in &unreachable {
        let open = (0..map.stages.len() as StageIx).filter(|&s| map.entry[usize::from(s)]).map(|s| &**name(s));
        let help = format!("entry: {}; {explain}", yaml::quoted_list(open));
        scope.fault(&format!("stages/{stage}/id"), format!("no entry reaches stage `{}`", name(stage)), help);
    }
    for stage in arcs::endless(map).into_iter().filter(|s| !unreachable.contains(s)) {
        let ends = (0..map.stages.len() as StageIx).filter(|&s| arcs::is_end(map, s)).map(|s| &**name(s));
        let help = format!("ends: {}; {explain}", yaml::quoted_list(ends));
        let message = format!("no success or exit is reached from stage `{}`", name(stage));
        scope.fault(&format!("stages/{stage}/id"), message, help);
    }
    if !(0..map.stages.len() as StageIx).any(|s| arcs::is_end(map, s)) {
        let help = "give a stage `role: success` or `exit`, or a touchpoint `goal: true`";
        scope.warn("stages", "no journey can be completed or ended: silence alone decides, and whether journeys follow the map cannot be told", help);
    }
    for (i, stage) in map.stages.iter().enumerate() {
        if !map.touchpoints.iter().any(|t| usize::from(t.stage) == i && !t.is_beside()) {
            let message = format!("stage `{}` has no touchpoint that a journey can visit", stage.id);
            scope.warn(&format!("stages/{i}/id"), message, "");
        }
    }
}
