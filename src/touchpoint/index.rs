//! Compiled rules and the way to the few that can match: by source and event name, then, where many are left, by the
//! property or page that tells most of them apart. In: rules as checked. Out: rules in the order in which they are tried.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::subject::{Property, Subject, is_any_of};
use crate::map::glob::Glob;
use crate::map::value::as_text;
use crate::map::{Condition, Match};

/// Below this many rules a second step costs more than trying them.
const FEW: usize = 4;

/// One alternative of one rule, without its source (the index holds that).
#[derive(Clone, Debug)]
pub struct Rule {
    /// Place of the touchpoint or exclude rule in its list.
    pub owner: u16,
    /// Place in `match.any`.
    pub alternative: u16,
    pub events: Vec<Glob>,
    pub paths: Vec<Glob>,
    pub props: Vec<(Property, Vec<Box<str>>)>,
}

impl Rule {
    /// A pattern that cannot be compiled makes the rule match nothing, and is named in `broken`; the check of the
    /// journey file has refused such a pattern before.
    fn of(owner: u16, alternative: u16, written: &Condition, broken: &mut Vec<String>) -> Option<Self> {
        let mut globs = |list: &[String], glob: fn(&str) -> Result<Glob, regex::Error>| {
            let compiled: Result<Vec<_>, _> = list.iter().map(|p| glob(p).map_err(|_| p.clone())).collect();
            compiled.map_err(|pattern| broken.push(pattern)).ok()
        };
        let (events, paths) = (globs(&written.event, Glob::name)?, globs(&written.path, Glob::path)?);
        let text = |v: &Value| as_text(v).map(|t| Box::from(&*t));
        let props = written.props.iter();
        let props = props.map(|(name, v)| (Property::named(name), v.iter().filter_map(text).collect())).collect();
        Some(Self { owner, alternative, events, paths, props })
    }

    fn holds(&self, subject: &Subject<'_>, name_is_known: bool) -> bool {
        (name_is_known || self.takes_name(subject.name))
            && (self.paths.is_empty() || subject.path().is_some_and(|p| self.paths.iter().any(|g| g.matches(p))))
            && self.props.iter().all(|(property, allowed)| is_any_of(subject.property(property), allowed))
    }

    fn takes_name(&self, name: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|g| g.matches(name))
    }
}

/// The rules of one list (touchpoints, or excludes), each by its number.
#[derive(Clone, Debug, Default)]
pub struct Index {
    rules: Vec<Rule>,
    /// By source.
    sources: Vec<OfSource>,
}

#[derive(Clone, Debug, Default)]
struct OfSource {
    /// By a name that some rule states in full: all rules that take it.
    named: FxHashMap<Box<str>, Candidates>,
    /// For every other name: rules with a wildcard or without names.
    rest: Candidates,
}

/// Numbers of rules, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
struct Candidates {
    all: Vec<u32>,
    narrowed: Option<Narrowed>,
}

/// Which of the candidates an event leaves over. Rules that do not ask for the key stand in every list.
#[derive(Clone, Debug)]
enum Narrowed {
    ByValue { property: Property, values: FxHashMap<Box<str>, Vec<u32>>, rest: Vec<u32> },
    ByPath { starts: Vec<PathStart>, rest: Vec<u32> },
}

/// The literal text with which the paths of some rules begin. Sorted by text, so that the longest start of a path is
/// the last one not after it, or one that this one itself begins with.
#[derive(Clone, Debug)]
struct PathStart {
    text: Box<str>,
    /// The longest other start that `text` begins with.
    shorter: Option<usize>,
    rules: Vec<u32>,
}

impl Index {
    pub fn new<'m>(rules: impl Iterator<Item = &'m Match>, sources: &[&str], broken: &mut Vec<String>) -> Self {
        let (mut list, mut stated) = (Vec::new(), Vec::new());
        for (owner, matching) in rules.enumerate() {
            for (alternative, condition) in matching.any.iter().enumerate() {
                if let Some(rule) = Rule::of(owner as u16, alternative as u16, condition, broken) {
                    list.push(rule);
                    stated.push(&condition.source);
                }
            }
        }
        let of_source = |source: &&str| {
            let takes = |i: &u32| stated[*i as usize].is_empty() || stated[*i as usize].iter().any(|s| s == source);
            OfSource::new(&list, (0..list.len() as u32).filter(takes).collect())
        };
        Self { sources: sources.iter().map(of_source).collect(), rules: list }
    }

    /// The first rule that holds.
    pub fn first(&self, subject: &Subject<'_>) -> Option<&Rule> {
        let of_source = self.sources.get(usize::from(subject.source.0))?;
        let named = of_source.named.get(subject.name);
        let candidates = named.unwrap_or(&of_source.rest).for_subject(subject);
        candidates.iter().map(|&i| &self.rules[i as usize]).find(|rule| rule.holds(subject, named.is_some()))
    }

    #[cfg(test)]
    pub fn tried(&self, subject: &Subject<'_>) -> usize {
        let of_source = &self.sources[usize::from(subject.source.0)];
        of_source.named.get(subject.name).unwrap_or(&of_source.rest).for_subject(subject).len()
    }
}

impl OfSource {
    fn new(rules: &[Rule], own: Vec<u32>) -> Self {
        let mut named = FxHashMap::default();
        for glob in own.iter().flat_map(|&i| &rules[i as usize].events).filter(|g| g.is_literal()) {
            named.entry(Box::from(glob.pattern())).or_insert_with(|| {
                let takes = |i: &u32| rules[*i as usize].takes_name(glob.pattern());
                Candidates::new(rules, own.iter().copied().filter(takes).collect())
            });
        }
        let open = |i: &u32| {
            let events = &rules[*i as usize].events;
            events.is_empty() || events.iter().any(|g| !g.is_literal())
        };
        Self { named, rest: Candidates::new(rules, own.into_iter().filter(open).collect()) }
    }
}

impl Candidates {
    fn new(rules: &[Rule], all: Vec<u32>) -> Self {
        let narrowed = if all.len() > FEW { Narrowed::new(rules, &all) } else { None };
        Self { all, narrowed }
    }

    fn for_subject(&self, subject: &Subject<'_>) -> &[u32] {
        match &self.narrowed {
            None => &self.all,
            Some(Narrowed::ByPath { starts, rest }) => match subject.path().and_then(|p| longest_start(starts, p)) {
                Some(i) => &starts[i].rules,
                None => rest,
            },
            Some(Narrowed::ByValue { property, values, rest }) => match subject.property(property) {
                // Any of several values may hold, so all rules are tried.
                Some(Value::Array(_)) => &self.all,
                Some(value) => as_text(value).and_then(|text| values.get(&*text)).unwrap_or(rest),
                None => rest,
            },
        }
    }
}

fn longest_start(starts: &[PathStart], path: &str) -> Option<usize> {
    let mut at = starts.partition_point(|s| *s.text <= *path).checked_sub(1);
    while let Some(i) = at.filter(|&i| !path.starts_with(&*starts[i].text)) {
        at = starts[i].shorter;
    }
    at
}

impl Narrowed {
    /// By the key that most of the rules ask for, if that is half of them at least.
    fn new(rules: &[Rule], all: &[u32]) -> Option<Self> {
        let rule = |i: &u32| &rules[*i as usize];
        let mut properties: Vec<(&Property, usize)> = Vec::new();
        for (property, _) in all.iter().flat_map(|i| &rule(i).props) {
            match properties.iter_mut().find(|(p, _)| *p == property) {
                Some((_, count)) => *count += 1,
                None => properties.push((property, 1)),
            }
        }
        let with_path = all.iter().filter(|i| has_start(rule(i))).count();
        let most = properties.into_iter().max_by_key(|(_, count)| *count);
        match most {
            Some((property, count)) if count >= with_path && count * 2 >= all.len() => {
                Some(Self::by_value(rules, all, property))
            }
            _ if with_path * 2 >= all.len() => Some(Self::by_path(rules, all)),
            _ => None,
        }
    }

    fn by_value(rules: &[Rule], all: &[u32], property: &Property) -> Self {
        let allowed = |i: u32| rules[i as usize].props.iter().find(|(p, _)| p == property).map(|(_, values)| values);
        let rest: Vec<u32> = all.iter().copied().filter(|&i| allowed(i).is_none()).collect();
        let mut values: FxHashMap<Box<str>, Vec<u32>> = FxHashMap::default();
        for &i in all {
            for text in allowed(i).into_iter().flatten() {
                values.entry(text.clone()).or_insert_with(|| rest.clone()).push(i);
            }
        }
        values.values_mut().for_each(in_order);
        Self::ByValue { property: property.clone(), values, rest }
    }

    fn by_path(rules: &[Rule], all: &[u32]) -> Self {
        let (with, rest): (Vec<u32>, Vec<u32>) = all.iter().copied().partition(|&i| has_start(&rules[i as usize]));
        let of = |i: u32| rules[i as usize].paths.iter().map(Glob::prefix);
        let mut texts: Vec<&str> = with.iter().flat_map(|&i| of(i)).collect();
        texts.sort_unstable();
        texts.dedup();
        let mut starts: Vec<PathStart> = Vec::with_capacity(texts.len());
        for text in texts {
            let shorter = longest_start(&starts, text);
            // Whatever a shorter start lets through, this one does too.
            let mut own = shorter.map_or_else(|| rest.clone(), |i| starts[i].rules.clone());
            own.extend(with.iter().copied().filter(|&i| of(i).any(|p| p == text)));
            in_order(&mut own);
            starts.push(PathStart { text: text.into(), shorter, rules: own });
        }
        Self::ByPath { starts, rest }
    }
}

/// A rule whose every path begins with literal text.
fn has_start(rule: &Rule) -> bool {
    !rule.paths.is_empty() && rule.paths.iter().all(|g| !g.prefix().is_empty())
}

fn in_order(list: &mut Vec<u32>) {
    list.sort_unstable();
    list.dedup();
}
