//! Stages, touchpoints and transitions: the model that journeys are folded and judged with.

use std::collections::BTreeMap;

use super::matching;
use super::scope::{Scope, text, texts, values};
use crate::map::designed::{
    Match, Opportunity, PainPoint, Problem, PropertyPath, Role, Stage, Touchpoint, Transition, TransitionKind,
    ValueRule,
};
use crate::map::file::{
    SeverityWord, StageFile, StageRole, TouchpointFile, TouchpointRole, TransitionFile, TransitionWord,
};

/// Stages; `solves` and `one_of` are looked up, what needs the touchpoints is checked by [`owed`].
pub fn stages(scope: &mut Scope, written: Vec<StageFile>) -> Vec<Stage> {
    scope.check_ids("stage", "stages", written.iter().map(|s| s.id.as_str()));
    let pains = scope.pain_points.clone();
    let each = written.into_iter().enumerate();
    each.map(|(i, file)| stage(scope, &format!("stages/{i}"), file, &pains)).collect()
}

fn stage(scope: &mut Scope, at: &str, file: StageFile, pains: &[String]) -> Stage {
    let who = format!("stage `{}`", file.id);
    scope.check_reserved(&format!("{at}/id"), &file.id);
    let emotion = file.emotion.unwrap_or_default();
    for persona in emotion.by_persona.keys() {
        let personas = scope.personas.clone();
        scope.one_of(&format!("{at}/emotion/by_persona/{persona}"), persona, &who, "persona", &personas);
    }
    scope.check_ids("pain point", &format!("{at}/pain_points"), file.pain_points.iter().map(|p| p.id.as_str()));
    scope.check_ids("opportunity", &format!("{at}/opportunities"), file.opportunities.iter().map(|o| o.id.as_str()));
    for (i, opportunity) in file.opportunities.iter().enumerate() {
        for (j, pain) in opportunity.solves.iter().enumerate() {
            let who = format!("opportunity `{}`", opportunity.id);
            scope.one_of(&format!("{at}/opportunities/{i}/solves/{j}"), pain, &who, "pain point", pains);
        }
    }
    let one_of = file.one_of.iter().enumerate();
    let one_of = one_of.map(|(i, id)| scope.touchpoint(&format!("{at}/one_of/{i}"), id, &who)).collect();
    Stage {
        title: text(file.title),
        role: match file.role {
            None | Some(StageRole::None) => Role::None,
            Some(StageRole::Entry) => Role::Entry,
            Some(StageRole::Success) => Role::Success,
            Some(StageRole::Exit) => Role::Exit,
        },
        expectations: texts(file.expectations),
        emotion_expected: emotion.expected,
        emotion_alert_below: emotion.alert_below,
        emotion_by_persona: emotion.by_persona.into_iter().map(|(id, point)| (id, point.0)).collect(),
        max_time: scope.duration(&format!("{at}/max_time"), file.max_time.as_deref(), &format!("`max_time` of {who}")),
        sequence: file.sequence,
        one_of,
        pain_points: file
            .pain_points
            .into_iter()
            .map(|p| PainPoint { id: p.id, severity: severity(p.severity), text: text(p.text) })
            .collect(),
        opportunities: file
            .opportunities
            .into_iter()
            .map(|o| Opportunity { id: o.id, solves: o.solves, text: text(o.text) })
            .collect(),
        id: file.id.into(),
    }
}

fn severity(word: Option<SeverityWord>) -> Option<String> {
    word.map(|w| w.as_str().to_owned())
}

pub fn touchpoints(scope: &mut Scope, written: Vec<TouchpointFile>) -> Vec<Touchpoint> {
    scope.check_ids("touchpoint", "touchpoints", written.iter().map(|t| t.id.as_str()));
    let each = written.into_iter().enumerate();
    let mut list: Vec<Touchpoint> =
        each.map(|(i, file)| touchpoint(scope, &format!("touchpoints/{i}"), file)).collect();
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by_key(|&i| list[i].stage);
    for (rank, i) in order.into_iter().enumerate() {
        list[i].rank = rank as u16;
    }
    list
}

fn touchpoint(scope: &mut Scope, at: &str, file: TouchpointFile) -> Touchpoint {
    let who = format!("touchpoint `{}`", file.id);
    let stage = scope.stage(&format!("{at}/stage"), &file.stage, &who);
    for (i, channel) in file.channels.iter().enumerate() {
        let channels = scope.channels.clone();
        scope.one_of(&format!("{at}/channels/{i}"), channel, &who, "channel", &channels);
    }
    let exit = matches!(file.role, Some(TouchpointRole::Exit));
    let emotion = file.emotion.unwrap_or_default();
    let emotion_from = survey(scope, at, &who, emotion.from, emotion.scale);
    let beside = match (&file.problem, &emotion_from) {
        (Some(_), _) => Some("a problem"),
        (_, Some(_)) => Some("a survey"),
        _ => None,
    };
    if let Some(kind) = beside {
        for (key, set) in [("goal", file.goal), ("required", file.required), ("role", exit)] {
            if set {
                let help = "problems and surveys stand beside the model: they open, move and decide no journey";
                scope.fault(&format!("{at}/{key}"), format!("{who} is {kind}, so it cannot have `{key}`"), help);
            }
        }
    }
    if file.goal && exit {
        let help = "allowed: `goal: true` or `role: exit`";
        scope.fault(&format!("{at}/role"), format!("{who} both completes and ends a journey"), help);
    }
    if exit && file.required {
        scope.fault(&format!("{at}/required"), format!("{who} ends the journey, so it cannot be owed"), "");
    }
    if let Some(value) = &file.value {
        let code = &value.currency;
        if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
            let help = "allowed: a code of three capital letters, such as `EUR`";
            scope.fault(&format!("{at}/value/currency"), format!("`{code}` is not a currency"), help);
        }
    }
    let matching = match file.matching {
        Some(written) => matching::check(scope, &format!("{at}/match"), &who, written),
        None => {
            scope.warn(at, format!("{who} has no `match`: no event can be it"), "");
            Match::default()
        }
    };
    Touchpoint {
        title: text(file.title),
        stage,
        rank: 0,
        channels: file.channels.into_iter().map(Into::into).collect(),
        channel_from: file
            .channel_from
            .map(|p| scope.property(&format!("{at}/channel_from"), &p, &format!("`channel_from` of {who}"))),
        max_repeats: file.max_repeats,
        failed_when: file
            .failed_when
            .map(|f| f.props.into_iter().map(|(name, allowed)| (name, values(allowed))).collect::<BTreeMap<_, _>>()),
        required: file.required,
        goal: file.goal,
        exit,
        problem: file.problem.map(|p| Problem { id: p.id.into(), severity: severity(p.severity) }),
        emotion_impact: emotion.impact,
        emotion_from,
        value: file.value.map(|v| ValueRule {
            from: scope.property(&format!("{at}/value/from"), &v.from, &format!("`value.from` of {who}")),
            currency: v.currency.into(),
        }),
        matching,
        id: file.id.into(),
    }
}

/// Where a survey's score stands, and the scale it is on.
fn survey(
    scope: &mut Scope,
    at: &str,
    who: &str,
    from: Option<String>,
    scale: Option<[f64; 2]>,
) -> Option<(PropertyPath, f64, f64)> {
    match (from, scale) {
        (Some(from), Some([low, high])) => {
            if low >= high {
                let help = "allowed: the lowest, then the highest score, as in `[1, 5]`";
                let message = format!("the scale of {who} runs from `{low}` to `{high}`");
                scope.fault(&format!("{at}/emotion/scale"), message, help);
            }
            let what = format!("`emotion.from` of {who}");
            Some((scope.property(&format!("{at}/emotion/from"), &from, &what), low, high))
        }
        (None, None) => None,
        (from, _) => {
            let missing = if from.is_some() { "scale" } else { "from" };
            if scope.lacks(&format!("{at}/emotion"), missing) {
                let help = "a survey states both: `emotion: { from: props.score, scale: [1, 5] }`";
                scope.fault(&format!("{at}/emotion"), format!("{who} has only one of `from` and `scale`"), help);
            }
            None
        }
    }
}

/// What a stage may owe (semantics.md, "Conformance"): `one_of` and `required` against roles and goals.
pub fn owed(scope: &mut Scope, stages: &[Stage], touchpoints: &[Touchpoint]) {
    for (i, stage) in stages.iter().enumerate() {
        let who = format!("stage `{}`", stage.id);
        let is_last = matches!(stage.role, Role::Success | Role::Exit);
        let own = |t: &Touchpoint| usize::from(t.stage) == i;
        if is_last && !stage.one_of.is_empty() {
            let help = "in a stage with role success or exit only the goal touchpoint may be owed, by `required`";
            scope.fault(
                &format!("stages/{i}/one_of"),
                format!("{who} decides journeys, so it can owe no choice"),
                help,
            );
        }
        for (j, &ix) in stage.one_of.iter().enumerate() {
            let at = format!("stages/{i}/one_of/{j}");
            let Some(touchpoint) = touchpoints.get(usize::from(ix)) else { continue };
            let id = &touchpoint.id;
            if !own(touchpoint) && usize::from(touchpoint.stage) < stages.len() {
                let list = touchpoints.iter().filter(|t| own(t) && !t.is_beside()).map(|t| &*t.id);
                let help = format!("allowed: {}", crate::yaml::quoted_list(list));
                scope.fault(&at, format!("`one_of` of {who} names `{id}`, which belongs to another stage"), help);
            } else if touchpoint.is_beside() || touchpoint.exit {
                let help = "problems, surveys and exits cannot be owed";
                scope.fault(&at, format!("`one_of` of {who} names `{id}`, which no journey can owe"), help);
            }
            if stage.one_of[..j].contains(&ix) {
                scope.fault(&at, format!("`one_of` of {who} names `{id}` twice"), "");
            }
        }
        let goals = touchpoints.iter().filter(|t| own(t) && t.goal && !t.exit && !t.is_beside()).count();
        for (j, touchpoint) in touchpoints.iter().enumerate().filter(|(_, t)| own(t)) {
            let (id, at) = (&touchpoint.id, format!("touchpoints/{j}"));
            if touchpoint.goal && stage.role == Role::Exit {
                let help = "a goal completes a journey, a stage with role exit ends it: give it a stage of its own";
                scope.fault(&format!("{at}/goal"), format!("goal touchpoint `{id}` stands in exit {who}"), help);
            }
            if touchpoint.required && is_last && !touchpoint.goal {
                let help = "in a stage with role success or exit only the goal touchpoint may be required";
                let message = format!("touchpoint `{id}` is required in {who}, where the journey is decided");
                scope.fault(&format!("{at}/required"), message, help);
            } else if touchpoint.required && touchpoint.goal && goals > 1 {
                let message = format!("{who} has {goals} goal touchpoints, so `{id}` cannot be required");
                let help = "the first goal visited ends the journey: none of several can be owed";
                scope.fault(&format!("{at}/required"), message, help);
            }
        }
    }
}

pub fn transitions(scope: &mut Scope, written: Vec<TransitionFile>) -> Vec<Transition> {
    let mut list: Vec<Transition> = Vec::new();
    let mut names: Vec<(String, String)> = Vec::new();
    for (i, file) in written.into_iter().enumerate() {
        let at = format!("transitions/{i}");
        let who = format!("transition `{}` -> `{}`", file.from, file.to);
        let from = scope.stage(&format!("{at}/from"), &file.from, &who);
        let to = scope.stage(&format!("{at}/to"), &file.to, &who);
        let name = (file.from.clone(), file.to.clone());
        if let Some(first) = names.iter().position(|n| *n == name) {
            let line = scope.node.at(&format!("transitions/{first}")).line;
            scope.fault(&at, format!("{who} is declared twice (first on line {line})"), "");
        }
        names.push(name);
        if file.from == file.to {
            let help = "a transition leads to another stage; repeated visits are `max_repeats` of a touchpoint";
            scope.fault(&at, format!("{who} leads nowhere"), help);
        }
        if file.kind == TransitionWord::Forbidden {
            let limits = [
                ("within", file.within.is_some()),
                ("not_before", file.not_before.is_some()),
                ("target_share", file.target_share.is_some()),
                ("max_repeats", file.max_repeats.is_some()),
            ];
            for (key, _) in limits.into_iter().filter(|(_, set)| *set) {
                let message = format!("{who} is forbidden, so it cannot have `{key}`");
                scope.fault(&format!("{at}/{key}"), message, "allowed beside `kind: forbidden`: `reason`");
            }
        }
        let mut limit = |key: &str, written: Option<&str>| {
            scope.duration(&format!("{at}/{key}"), written, &format!("`{key}` of {who}"))
        };
        let (within, not_before) =
            (limit("within", file.within.as_deref()), limit("not_before", file.not_before.as_deref()));
        if within.zip(not_before).is_some_and(|(within, not_before)| not_before > within) {
            scope.fault(&format!("{at}/not_before"), format!("`not_before` of {who} is longer than its `within`"), "");
        }
        list.push(Transition {
            from,
            to,
            kind: match file.kind {
                TransitionWord::Expected => TransitionKind::Expected,
                TransitionWord::Allowed => TransitionKind::Allowed,
                TransitionWord::Forbidden => TransitionKind::Forbidden,
            },
            within,
            not_before,
            target_share: file.target_share,
            max_repeats: file.max_repeats,
            reason: text(file.reason),
        });
    }
    list
}
