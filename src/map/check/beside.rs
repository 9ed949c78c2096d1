//! What stands beside the model: personas, targets, experiments, accepted deviations and the file's own tests.

use std::time::Duration;

use serde_json::Value;

use super::scope::{Scope, text, texts};
use crate::map::designed::{
    AcceptedDeviation, Experiment, Kpi, KpiTarget, MapTest, Metric, OTHER, Persona, TestEvent, TestExpectation,
};
use crate::map::file::{
    AcceptedFile, DeviationKind, ExpectFile, ExperimentFile, KpiFile, KpiTargetFile, MetricWord, PersonaFile, Scalar,
    SegmentFile, TestFile,
};
use crate::time::Timestamp;
use crate::yaml::{allowed, quoted_list};

pub fn personas(scope: &mut Scope, written: Vec<PersonaFile>) -> Vec<Persona> {
    scope.check_ids("persona", "personas", written.iter().map(|p| p.id.as_str()));
    for (i, persona) in written.iter().enumerate() {
        if persona.id == OTHER {
            let help = "tables call so whoever is of no declared persona";
            scope.fault(&format!("personas/{i}/id"), format!("a persona cannot be called `{OTHER}`"), help);
        }
        if let Some(segment) = &persona.segment {
            attribute(scope, &format!("personas/{i}/segment"), &persona.id, segment);
        }
    }
    let persona = |file: PersonaFile| {
        let (attribute, values) = file.segment.map(|s| (s.attribute, s.values)).unwrap_or_default();
        Persona {
            id: file.id.into(),
            title: text(file.title),
            attribute,
            values: values.into_iter().map(|s| s.0).collect(),
            goals: texts(file.goals),
            pains: texts(file.pains),
        }
    };
    written.into_iter().map(persona).collect()
}

/// The dotted name of a property of the customer's events, without the word `props`.
fn attribute(scope: &mut Scope, at: &str, persona: &str, segment: &SegmentFile) {
    let written = segment.attribute.as_str();
    if written.split('.').any(str::is_empty) || matches!(written.split('.').next(), Some("props")) {
        let bare = written.strip_prefix("props.").filter(|rest| rest.split('.').all(|part| !part.is_empty()));
        let hint = bare.map(|bare| format!("; did you mean `{bare}`?")).unwrap_or_default();
        let message = format!("persona `{persona}` asks about attribute `{written}`, which is no name of one");
        let help = format!("allowed: the name of a property that events carry, such as `segment` or `plan.tier`{hint}");
        scope.fault(&format!("{at}/attribute"), message, help);
    }
    if segment.values.is_empty() {
        let help = "list at least one value of the attribute under `in`";
        scope.warn(&format!("{at}/in"), format!("persona `{persona}` lists no value: nobody is one"), help);
    }
}

pub fn kpis(scope: &mut Scope, written: Vec<KpiFile>) -> Vec<Kpi> {
    scope.check_ids("kpi", "kpis", written.iter().map(|k| k.id.as_str()));
    written.into_iter().enumerate().map(|(i, file)| kpi(scope, &format!("kpis/{i}"), file)).collect()
}

fn kpi(scope: &mut Scope, at: &str, file: KpiFile) -> Kpi {
    let who = format!("kpi `{}`", file.id);
    let metric = match file.metric {
        MetricWord::Conversion => Metric::Conversion,
        MetricWord::DropOffRate => Metric::DropOffRate,
        MetricWord::TimeInStageP50 => Metric::TimeInStageP50,
        MetricWord::TimeInStageP90 => Metric::TimeInStageP90,
        MetricWord::TimeToNextP50 => Metric::TimeToNextP50,
        MetricWord::TimeToNextP90 => Metric::TimeToNextP90,
        MetricWord::Overall => Metric::Overall,
    };
    let stage = file.stage.as_deref().map(|id| scope.stage(&format!("{at}/stage"), id, &who));
    match (metric, stage) {
        (Metric::Overall, Some(_)) => {
            scope.fault(&format!("{at}/stage"), format!("{who} measures `overall`, which belongs to no stage"), "");
        }
        (Metric::Overall, None) | (_, Some(_)) => {}
        (_, None) if !scope.lacks(at, "stage") => {}
        (_, None) => scope.fault(at, format!("{who} names no stage"), "only `metric: overall` is without `stage`"),
    }
    let is_share = matches!(metric, Metric::Conversion | Metric::DropOffRate | Metric::Overall);
    let target_at = format!("{at}/target");
    let target = match file.target {
        KpiTargetFile::Share(share) if is_share => {
            if !(0.0..=1.0).contains(&share) {
                scope.fault(&target_at, format!("the target of {who} is `{share}`"), "allowed: a share from 0 to 1");
            }
            KpiTarget::Share(share)
        }
        KpiTargetFile::Time(time) if !is_share => {
            let time = scope.duration(&target_at, Some(&time), &format!("the target of {who}"));
            KpiTarget::Time(time.unwrap_or(Duration::ZERO))
        }
        KpiTargetFile::Share(share) => {
            let help = "allowed for times: a length such as `PT36H` or `36h`";
            scope.fault(
                &target_at,
                format!("the target of {who} is the number `{share}`, but it measures a time"),
                help,
            );
            KpiTarget::Share(share)
        }
        KpiTargetFile::Time(time) => {
            let help = "allowed for rates: a share from 0 to 1";
            scope.fault(&target_at, format!("the target of {who} is `{time}`, but it measures a rate"), help);
            KpiTarget::Time(Duration::ZERO)
        }
    };
    Kpi { id: file.id, stage, metric, target }
}

pub fn experiments(scope: &mut Scope, written: Vec<ExperimentFile>) -> Vec<Experiment> {
    scope.check_ids("experiment", "experiments", written.iter().map(|e| e.id.as_str()));
    let mut list = Vec::new();
    for (i, file) in written.into_iter().enumerate() {
        let control = file.control.into_text();
        let variants: Vec<String> = file.variants.into_iter().map(Scalar::into_text).collect();
        let at = format!("experiments/{i}/variants");
        for (j, variant) in variants.iter().enumerate() {
            if *variant == control || variants[..j].contains(variant) {
                let message = format!("experiment `{}` has two groups called `{variant}`", file.id);
                scope.fault(&format!("{at}/{j}"), message, "");
            }
        }
        list.push(Experiment { id: file.id, attribute: file.attribute, control, variants });
    }
    list
}

pub fn accepted(scope: &mut Scope, written: Vec<AcceptedFile>) -> Vec<AcceptedDeviation> {
    written.into_iter().enumerate().map(|(i, f)| accept(scope, &format!("accepted_deviations/{i}"), f)).collect()
}

fn accept(scope: &mut Scope, at: &str, file: AcceptedFile) -> AcceptedDeviation {
    let who = format!("accepted deviation `{}`", file.kind.as_str());
    // Alone, `from` names the stage in which something is missing or takes too long.
    let in_stage = matches!(file.kind, DeviationKind::Missing | DeviationKind::TooSlow);
    let named = match ["from", "to", "touchpoint"].map(|key| !scope.lacks(at, key)) {
        [true, true, false] | [false, false, true] => true,
        [true, false, false] => in_stage,
        _ => false,
    };
    if !named {
        let more = if in_stage { ", or `from` alone for what lies in one stage" } else { "" };
        let help = format!("allowed: `from` and `to`, or `touchpoint`{more}");
        scope.fault(at, format!("{who} does not say where"), help);
    }
    let stage = |scope: &mut Scope, key: &str, id: &Option<String>| {
        id.as_deref().map(|id| scope.stage(&format!("{at}/{key}"), id, &who))
    };
    let (from, to) = (stage(scope, "from", &file.from), stage(scope, "to", &file.to));
    AcceptedDeviation {
        from,
        to,
        touchpoint: file.touchpoint.as_deref().map(|id| scope.touchpoint(&format!("{at}/touchpoint"), id, &who)),
        until: file.until.as_deref().and_then(|d| scope.day(&format!("{at}/until"), d, &format!("`until` of {who}"))),
        reason: text(Some(file.reason)),
        kind: file.kind,
    }
}

pub fn tests(scope: &mut Scope, written: Vec<TestFile>) -> Vec<MapTest> {
    let mut names: Vec<String> = Vec::new();
    let mut list = Vec::new();
    for (i, file) in written.into_iter().enumerate() {
        let at = format!("tests/{i}");
        if let Some(first) = names.iter().position(|n| *n == file.name) {
            let line = scope.node.at(&format!("tests/{first}")).line;
            scope.fault(&format!("{at}/name"), format!("two tests have this name (the first on line {line})"), "");
        }
        names.push(file.name.clone());
        let mut events = Vec::new();
        for (j, event) in file.events.into_iter().enumerate() {
            let help = "an instant with its zone, such as `2026-10-01T10:00:00+03:00`";
            let time = scope.instant(&format!("{at}/events/{j}/at"), &event.at, "`at` of a test's event", help);
            events.push(TestEvent {
                source: event.source,
                event: event.event,
                at: time.unwrap_or(Timestamp::EARLIEST),
                ids: event.ids.into_iter().map(|(kind, value)| (kind, value.into_text())).collect(),
                props: Value::Object(event.props),
            });
        }
        let help = "an instant such as `2026-12-31T00:00:00Z`";
        let as_of =
            file.as_of.as_deref().and_then(|t| scope.instant(&format!("{at}/as_of"), t, "`as_of` of a test", help));
        let expect = expectation(scope, &format!("{at}/expect"), file.expect);
        list.push(MapTest { line: u64::from(scope.node.at(&at).line), name: file.name, events, as_of, expect });
    }
    list
}

fn expectation(scope: &mut Scope, at: &str, file: ExpectFile) -> TestExpectation {
    for (i, id) in file.path.iter().flatten().enumerate() {
        scope.touchpoint(&format!("{at}/path/{i}"), id, "a test's `path`");
    }
    for (i, id) in file.stages.iter().flatten().enumerate() {
        scope.stage(&format!("{at}/stages/{i}"), id, "a test's list of stages");
    }
    if let Some(id) = &file.reason {
        scope.touchpoint(&format!("{at}/reason"), id, "a test's `reason`");
    }
    if let Some(id) = file.persona.as_deref().filter(|id| *id != OTHER) {
        let personas = scope.personas.clone();
        scope.one_of(&format!("{at}/persona"), id, "a test", "persona", &personas);
    }
    for (i, written) in file.deviations.iter().flatten().enumerate() {
        deviation(scope, &format!("{at}/deviations/{i}"), written);
    }
    TestExpectation {
        journeys: file.journeys,
        outcome: file.outcome.map(|o| o.as_str().to_owned()),
        reason: file.reason,
        path: file.path,
        stages: file.stages,
        deviations: file.deviations,
        persona: file.persona,
    }
}

/// `missing approved`, `unexpected sign decide`: a type, then ids of stages and touchpoints.
fn deviation(scope: &mut Scope, at: &str, written: &str) {
    let mut words = written.split_whitespace();
    let kind = words.next().unwrap_or_default();
    let kinds = DeviationKind::ALL.map(DeviationKind::as_str);
    if !kinds.contains(&kind) {
        scope.fault(
            at,
            format!("a test expects deviation `{kind}`, which is no type"),
            allowed("allowed", kind, kinds),
        );
        return;
    }
    for id in words {
        if !scope.is_stage(id) && !scope.is_touchpoint(id) {
            let message = format!("a test expects deviation `{written}`, but `{id}` is not declared");
            scope.fault(
                at,
                message,
                format!("a type, then ids of stages or touchpoints, such as {}", quoted_list(["missing approved"])),
            );
        }
    }
}
