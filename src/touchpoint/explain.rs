//! Why an event is, or is not, a touchpoint. In: an event and the compiled rules. Out: an [`Explanation`] that prints the
//! rule that matches, what else would, and the rules that nearly do, with the parts that fail.

use std::fmt;

use super::condition::{Compiled, Part};
use super::path::event_path;
use super::{Properties, Rules};
use crate::event::Event;

/// How many rules that nearly match are told.
const NEARLY: usize = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub versions: Vec<VersionExplanation>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionExplanation {
    pub version: u32,
    /// Exclude rule that takes the event out.
    pub excluded: Option<String>,
    /// Rule by which the event is a contact with support.
    pub support: Option<String>,
    /// Touchpoints that match, in order of declaration: the first is the visit.
    pub matching: Vec<RuleVerdict>,
    /// Touchpoints that fail in the fewest parts.
    pub nearly: Vec<RuleVerdict>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVerdict {
    pub touchpoint: String,
    pub stage: String,
    /// From 1; 0 where the rule has one alternative only.
    pub alternative: u16,
    pub parts: Vec<Part>,
}

impl Rules {
    /// Every rule's verdict on the event.
    pub fn explain(&self, event: &Event, properties: &Properties) -> Explanation {
        let path = event_path(properties);
        let source = self.source_name(event);
        let versions = self.versions().iter().map(|v| {
            let mut matching = Vec::new();
            let mut nearly: Vec<(usize, RuleVerdict)> = Vec::new();
            for (touchpoint, number, condition) in v.alternatives() {
                let parts = condition.parts(source, event, properties, path.as_deref());
                let t = &v.map.touchpoints[usize::from(touchpoint)];
                let single = t.matching.any.len() < 2;
                let failing = parts.iter().filter(|p| !p.holds).count();
                let verdict = RuleVerdict {
                    touchpoint: t.id.to_string(),
                    stage: v.map.stages[usize::from(t.stage)].id.to_string(),
                    alternative: if single { 0 } else { number + 1 },
                    parts,
                };
                match failing {
                    0 => matching.push(verdict),
                    // A rule of which nothing holds is not near.
                    n if n < verdict.parts.len() => nearly.push((n, verdict)),
                    _ => {}
                }
            }
            nearly.sort_by_key(|(failing, verdict)| (*failing, std::cmp::Reverse(verdict.parts.len())));
            let holds = |c: &Compiled| c.parts(source, event, properties, path.as_deref()).iter().all(|p| p.holds);
            let excluded = v.exclusions().find(|(_, c)| holds(c));
            let support = v.supports().find(|(_, c)| holds(c)).filter(|_| excluded.is_none());
            VersionExplanation {
                version: v.map.version,
                excluded: excluded.map(|(i, _)| v.map.exclude[i].id.to_string()),
                support: support.map(|(i, _)| v.map.support[i].id.to_string()),
                matching,
                nearly: nearly.into_iter().take(NEARLY).map(|(_, verdict)| verdict).collect(),
            }
        });
        Explanation { versions: versions.collect() }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for v in &self.versions {
            writeln!(f, "  version {}", v.version)?;
            if let Some(rule) = &v.excluded {
                writeln!(f, "    excluded by `{rule}`: counted beside, never inside")?;
            }
            if let Some(rule) = &v.support {
                writeln!(f, "    is a contact with support by `{rule}`")?;
            }
            match v.matching.split_first() {
                None => writeln!(f, "    matches no touchpoint")?,
                Some((first, others)) => {
                    write!(f, "    is a visit of `{}` (stage `{}`)", first.touchpoint, first.stage)?;
                    writeln!(f, "{}: {}", alternative(first), words(&first.parts))?;
                    for other in others {
                        writeln!(f, "    also matches `{}`, which is declared later", other.touchpoint)?;
                    }
                }
            }
            for near in &v.nearly {
                let failing: Vec<&str> = near.parts.iter().filter(|p| !p.holds).map(|p| p.words.as_str()).collect();
                writeln!(f, "    nearly `{}`{}: {}", near.touchpoint, alternative(near), failing.join("; "))?;
            }
        }
        Ok(())
    }
}

fn alternative(verdict: &RuleVerdict) -> String {
    if verdict.alternative == 0 { String::new() } else { format!(" by alternative {}", verdict.alternative) }
}

fn words(parts: &[Part]) -> String {
    if parts.is_empty() {
        return "it matches every event".to_owned();
    }
    parts.iter().map(|p| p.words.as_str()).collect::<Vec<_>>().join(", ")
}
