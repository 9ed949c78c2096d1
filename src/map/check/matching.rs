//! Rules as written -> [`Match`]. Finds conditions that no event can meet and rules that say nothing.

use std::collections::BTreeMap;

use super::scope::{Scope, values};
use crate::map::designed::{Condition, Match};
use crate::map::file::{ConditionFile, MatchFile, OneOrMany};
use crate::map::glob::Glob;

/// `who`: "touchpoint `x`", "exclude rule `y`". `pointer`: where the `match` stands.
pub fn check(scope: &mut Scope, pointer: &str, who: &str, written: MatchFile) -> Match {
    let MatchFile { source, event, path, props, any } = written;
    let beside = ConditionFile { source, event, path, props };
    match any {
        None => Match { any: vec![condition(scope, pointer, who, beside)] },
        Some(alternatives) => {
            if !is_empty(&beside) {
                let help = "allowed: only `any`, or only conditions; repeat shared conditions in each alternative";
                scope.fault(pointer, format!("the match of {who} has conditions beside `any`"), help);
            }
            if alternatives.is_empty() {
                scope.fault(&format!("{pointer}/any"), format!("`any` of {who} lists no alternative"), "");
            }
            let each = alternatives.into_iter().enumerate();
            Match { any: each.map(|(i, c)| condition(scope, &format!("{pointer}/any/{i}"), who, c)).collect() }
        }
    }
}

fn is_empty(condition: &ConditionFile) -> bool {
    let ConditionFile { source, event, path, props } = condition;
    source.is_none() && event.is_none() && path.is_none() && props.is_empty()
}

fn condition(scope: &mut Scope, pointer: &str, who: &str, written: ConditionFile) -> Condition {
    // A condition that was taken out for a fault of its own is not missing.
    if is_empty(&written) && ["source", "event", "path", "props"].iter().all(|key| scope.lacks(pointer, key)) {
        let help = "state at least one of `source`, `event`, `path`, `props`";
        scope.fault(pointer, format!("a rule of {who} states no condition, so every event would match"), help);
    }
    let source = words(scope, pointer, who, "source", written.source);
    let event = words(scope, pointer, who, "event", written.event);
    let path = words(scope, pointer, who, "path", written.path);
    for (key, list, glob) in [("event", &event, Glob::name as fn(&str) -> _), ("path", &path, Glob::path)] {
        for pattern in list {
            if glob(pattern).is_err() {
                scope.fault(&format!("{pointer}/{key}"), format!("a pattern of {who} is too long"), "");
            }
        }
    }
    for pattern in path.iter().filter(|p| !p.starts_with(['/', '*'])) {
        let help = format!("a path begins with `/`; did you mean `/{}`?", pattern.trim_start_matches("./"));
        scope.fault(&format!("{pointer}/path"), format!("path `{pattern}` of {who} can match no page"), help);
    }
    let mut props = BTreeMap::new();
    for (name, allowed) in written.props {
        let at = format!("{pointer}/props/{}", name.replace('~', "~0").replace('/', "~1"));
        let allowed = values(allowed);
        if allowed.is_empty() {
            scope.fault(&at, format!("property `{name}` of {who} allows no value"), "");
        }
        if let Some(bare) = name.strip_prefix("props.") {
            let help = format!("names below `props` stand without it: `{bare}`");
            scope.fault(&at, format!("property `{name}` of {who} says `props` twice"), help);
        }
        props.insert(name, allowed);
    }
    Condition { source, event, path, props }
}

fn words(scope: &mut Scope, pointer: &str, who: &str, key: &str, list: Option<OneOrMany<String>>) -> Vec<String> {
    let Some(list) = list.map(OneOrMany::into_vec) else { return Vec::new() };
    if list.is_empty() || list.iter().any(String::is_empty) {
        let help = "name at least one, or leave the key out";
        scope.fault(&format!("{pointer}/{key}"), format!("`{key}` of {who} is empty"), help);
    }
    list
}
