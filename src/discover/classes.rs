//! Events that are worth a touchpoint. In: trails. Out: classes of events (a name, and where its pages differ a URL template
//! for each), and every trail as the classes it went through.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Asked, Happening, Trail};
use crate::exchange::draft::id_of;
use crate::time::Timestamp;
use crate::touchpoint::path::path_template;

/// More different names than this below one path are ids.
const NAMES_BELOW: usize = 20;
/// Most classes: what is seldom is left out first.
const MOST: usize = 80;

/// One kind of event.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    pub id: String,
    pub source: Arc<str>,
    pub name: Arc<str>,
    /// None: any page, or none at all.
    pub path: Option<String>,
    pub events: u64,
    pub trails: u64,
}

/// Classes with the more special rules first, and what was left out.
#[derive(Clone, Debug, Default)]
pub struct Classes {
    pub list: Vec<Class>,
    pub events: u64,
    pub left_out: u64,
    /// (source, name, template) -> class.
    known: BTreeMap<Key, u16>,
    parents: BTreeSet<String>,
}

/// Source, name and template; an empty template: the name alone.
type Key = (Arc<str>, Arc<str>, String);
/// Events, trails that have one, and the last trail that was counted.
type Met = (u64, u64, usize);

/// A trail as classes.
pub type Steps = Vec<(Timestamp, u16)>;

impl Classes {
    pub fn of(trails: &[Trail], asked: &Asked) -> Self {
        let events = || trails.iter().flat_map(|t| t.events.iter()).filter(|e| asked.looks_at(e));
        let mut out = Self { parents: wide(events()), ..Self::default() };
        // By source and name, then by template: events, and trails that have one.
        let mut found: BTreeMap<Key, Met> = BTreeMap::new();
        for (i, trail) in trails.iter().enumerate() {
            for event in trail.events.iter().filter(|e| asked.looks_at(e)) {
                out.events += 1;
                for template in [String::new(), out.template(&event.path)] {
                    let entry = found.entry((event.source.clone(), event.name.clone(), template.clone())).or_insert((
                        0,
                        0,
                        usize::MAX,
                    ));
                    entry.0 += 1;
                    entry.1 += u64::from(entry.2 != i);
                    entry.2 = i;
                    if event.path.is_empty() {
                        break;
                    }
                }
            }
        }
        let worth = |n: &Met| n.1 as f64 >= asked.least * trails.len() as f64 && n.1 > 0;
        let mut taken = BTreeSet::new();
        let mut chosen: Vec<(&Key, &Met)> = Vec::new();
        for (key, n) in found.iter().filter(|(key, n)| key.2.is_empty() && worth(n)) {
            let pages: Vec<_> =
                found.iter().filter(|(k, _)| (&k.0, &k.1) == (&key.0, &key.1) && !k.2.is_empty()).collect();
            let special: Vec<_> = pages.iter().filter(|(_, n)| worth(n)).copied().collect();
            let covered: u64 = special.iter().map(|(_, n)| n.0).sum();
            if special.len() > 1 || (special.len() == 1 && pages.len() > 1) {
                chosen.extend(special);
                // What is on other pages still counts as the name alone says.
                if (covered as f64) < 0.99 * n.0 as f64 {
                    chosen.push((key, n));
                }
            } else {
                chosen.push((key, n));
            }
        }
        chosen.sort_by_key(|(key, n)| (std::cmp::Reverse(n.1), key.2.is_empty(), (*key).clone()));
        chosen.truncate(MOST);
        // The first rule that matches wins: templates before names, words before stars.
        chosen.sort_by_key(|(key, n)| (key.2.is_empty(), key.2.contains('*'), std::cmp::Reverse(n.1), (*key).clone()));
        for (key, n) in chosen {
            let (source, name, template) = key;
            let words =
                if template.is_empty() { name.to_string() } else { format!("{name} {}", template.replace('*', "any")) };
            let class = Class {
                id: id_of(&words, &mut taken),
                source: source.clone(),
                name: name.clone(),
                path: Some(template.clone()).filter(|t| !t.is_empty()),
                events: n.0,
                trails: n.1,
            };
            out.known.insert(key.clone(), out.list.len() as u16);
            out.list.push(class);
        }
        out.left_out = events().filter(|e| out.class(e).is_none()).count() as u64;
        out
    }

    /// Where the rule of a class must stand: the first that matches wins.
    pub fn special(&self, class: usize) -> (bool, bool) {
        let path = self.list[class].path.as_deref();
        (path.is_none(), path.is_some_and(|p| p.contains('*')))
    }

    /// A path with ids as stars, and with stars for names of which there are too many.
    pub fn template(&self, path: &str) -> String {
        let mut out = String::new();
        for segment in path_template(path).split('/').skip(1) {
            let star = self.parents.contains(&out);
            out.push('/');
            out.push_str(if star { "*" } else { segment });
        }
        if out.is_empty() { path.to_owned() } else { out }
    }

    pub fn class(&self, event: &Happening) -> Option<u16> {
        let key = |template: String| (event.source.clone(), event.name.clone(), template);
        let special = (!event.path.is_empty()).then(|| self.known.get(&key(self.template(&event.path)))).flatten();
        special.or_else(|| self.known.get(&key(String::new()))).copied()
    }

    pub fn steps(&self, trail: &Trail, asked: &Asked) -> Steps {
        let looked = trail.events.iter().filter(|e| asked.looks_at(e));
        looked.filter_map(|e| Some((e.at, self.class(e)?))).collect()
    }
}

/// Paths below which there are too many names.
fn wide<'a>(events: impl Iterator<Item = &'a Happening>) -> BTreeSet<String> {
    let mut below: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in events.filter(|e| !e.path.is_empty()) {
        let mut parent = String::new();
        for segment in path_template(&event.path).split('/').skip(1) {
            let names = below.entry(parent.clone()).or_default();
            if segment != "*" && names.len() <= NAMES_BELOW {
                names.insert(segment.to_owned());
            }
            parent.push('/');
            parent.push_str(if names.len() > NAMES_BELOW { "*" } else { segment });
        }
    }
    below.into_iter().filter(|(_, names)| names.len() > NAMES_BELOW).map(|(parent, _)| parent).collect()
}
