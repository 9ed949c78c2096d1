//! What a case expects against what the tables hold. Only the fields that the case names are compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tropa::compare::{self, Coverage, EmpiricalMap, StageDay, TransitionDay};
use tropa::identity::Identity;
use tropa::journey::{CustomerJourneys, Decision, Fate, Journey};
use tropa::stage::CustomerRow;
use tropa::time::Timestamp;

use crate::case::World;

pub struct Found<'a> {
    pub world: &'a World,
    pub rows: &'a [CustomerRow],
    pub real: &'a EmpiricalMap,
    pub as_of: Timestamp,
    pub identity: Arc<Identity>,
}

/// How many single values a case expects.
pub fn figures(expect: &Value) -> usize {
    match expect {
        Value::Object(fields) => fields.values().map(figures).sum(),
        Value::Array(items) if !items.is_empty() => items.iter().map(figures).sum(),
        _ => 1,
    }
}

pub fn differences(expect: &Value, found: &Found<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for (field, expected) in expect.as_object().expect("expectations") {
        let got = match field.as_str() {
            "journeys" => {
                out.extend(journeys(expected, found));
                continue;
            }
            "customers" => found.customers(),
            "refused" => json!(found.identity.refused().len()),
            "quarantined" => json!(sorted(found.identity.quarantined().map(|q| q.to_string()).collect())),
            "outside" => found.fates(&[Fate::BeforeEntry, Fate::AfterDropOff, Fate::AfterExit, Fate::AfterGoal]),
            "excluded" => found.excluded(),
            "coverage" => found.coverage(expected),
            "overall" => found.overall(expected),
            "mature" => found.mature(expected),
            "totals" => found.totals(expected),
            "stages" => found.stages(expected),
            "transitions" => found.transitions(),
            "shares" => found.shares(expected),
            "drop_offs" => found.drop_offs(),
            "drop_off_days" => found.drop_off_days(),
            "clean_journeys" => json!(found.all().filter(|(_, j)| j.clean).count()),
            other => panic!("nobody compares `{other}`"),
        };
        if !same(expected, &got) {
            out.push(format!("{field}: expected {expected}, found {got}"));
        }
    }
    out
}

/// Numbers are compared within the 2 % that the histograms of the aggregates allow for times, exactly otherwise.
fn same(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            (a - b).abs() <= 1e-9
                || (a.abs() > 2.0 && a.fract() == 0.0 && (a - b).abs() / a.abs() <= 0.02 && b.fract() != 0.0)
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same(v, w)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(v, w)| same(v, w)),
        (a, b) => a == b,
    }
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

/// The fields of `got` that `expected` names.
fn named(expected: &Value, got: Value) -> Value {
    let Some(expected) = expected.as_object() else { return got };
    Value::Object(expected.keys().map(|k| (k.clone(), got.get(k).cloned().unwrap_or(Value::Null))).collect())
}

fn journeys(expected: &Value, found: &Found<'_>) -> Vec<String> {
    let expected = expected.as_array().expect("a list of journeys");
    let mut got: Vec<(String, &Journey)> = found.all().collect();
    // As the cases list them: by customer where they name one, else by entry.
    let keyed = expected.iter().any(|e| e.get("key").is_some());
    got.sort_by_key(|(c, j)| (c.clone(), keyed.then(|| j.key.clone()), j.entry_at, j.id));
    if got.len() != expected.len() {
        let list: Vec<String> = got.iter().map(|(c, j)| format!("{c} {:?}", path(found, j))).collect();
        return vec![format!("journeys: expected {}, found {}: {list:?}", expected.len(), got.len())];
    }
    let mut free: Vec<Value> = got.iter().map(|(customer, j)| journey(found, customer, j)).collect();
    let mut out = Vec::new();
    for e in expected {
        match free.iter().position(|g| same(e, &named(e, g.clone()))) {
            Some(i) => {
                free.remove(i);
            }
            None => out.push(format!("journeys: no journey is {e}; left: {}", json!(free))),
        }
    }
    out
}

fn path(found: &Found<'_>, j: &Journey) -> Vec<String> {
    let map = &found.world.maps[0].versions[j.version_ix];
    j.visits.iter().map(|v| map.touchpoints[usize::from(v.touchpoint)].id.to_string()).collect()
}

fn journey(found: &Found<'_>, customer: &str, j: &Journey) -> Value {
    let map = &found.world.maps[0].versions[j.version_ix];
    let reason = match &j.decision {
        Decision::Ended { reason, .. } => json!(**reason),
        _ => Value::Null,
    };
    json!({
        "customer": customer,
        "key": j.key.as_deref(),
        "version": map.version,
        "attempt": j.attempt,
        "path": path(found, j),
        "stages": j.entries.iter().map(|e| map.stages[usize::from(e.stage)].id.to_string()).collect::<Vec<_>>(),
        "outcome": j.outcome(found.as_of).as_str(),
        "reason": reason,
        "order_ambiguous": j.order_ambiguous,
        "entry_at": j.entry_at.to_string(),
        "entry_date": j.entry_date.to_string(),
        "events": j.visits.iter().map(|v| json!([found.source(v.source), *v.event_id])).collect::<Vec<_>>(),
    })
}

impl Found<'_> {
    fn source(&self, id: tropa::event::SourceId) -> String {
        self.world.config.source(id).name.to_string()
    }

    fn live(&self) -> impl Iterator<Item = (&CustomerRow, &CustomerJourneys)> {
        self.rows.iter().filter_map(|r| r.journeys.as_ref().map(|j| (r, j)))
    }

    fn all(&self) -> impl Iterator<Item = (String, &Journey)> {
        self.live().flat_map(|(r, c)| c.journeys.iter().map(|j| (r.customer.to_string(), j)))
    }

    fn customers(&self) -> Value {
        // A customer is listed if it has an event; a device whose days all belong to persons has none.
        let mut list: Vec<Vec<String>> = self
            .live()
            .filter(|(_, journeys)| !journeys.coverage.is_empty())
            .map(|(row, _)| row.customer.clone())
            .map(|c| sorted(self.identity.members(&c).iter().map(|n| n.to_string()).collect()))
            .collect();
        list.sort();
        json!(list)
    }

    fn fates(&self, of: &[Fate]) -> Value {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for count in self.live().flat_map(|(_, c)| &c.coverage).filter(|c| of.contains(&c.fate)) {
            *counts.entry(count.fate.as_str()).or_default() += count.count;
        }
        json!(counts)
    }

    fn excluded(&self) -> Value {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for count in self.live().flat_map(|(_, c)| &c.coverage).filter(|c| c.fate == Fate::Excluded) {
            // Only what matched a touchpoint as well is a visit taken out.
            if !count.rule.is_empty() {
                *counts.entry(count.rule.to_string()).or_default() += count.count;
            }
        }
        json!(counts)
    }

    fn coverage(&self, expected: &Value) -> Value {
        let by_source = |name: &str| self.real.coverage.iter().find(|c| c.source == name).cloned().unwrap_or_default();
        let one = |(name, fields): (&String, &Value)| {
            let c: Coverage = by_source(name);
            let all = json!({
                "records": c.records, "skipped": c.skipped, "rejected": c.rejected, "decoded": c.decoded,
                "distinct": c.distinct, "mapped": c.mapped, "no_identifier": c.no_identifier,
                "conflicts": c.conflicts, "superseded": c.superseded,
                "duplicates": c.decoded.saturating_sub(c.distinct + c.superseded + c.conflicts),
                "blocked_identifiers": c.blocked_identifiers,
            });
            (name.clone(), named(fields, all))
        };
        Value::Object(expected.as_object().expect("sources").iter().map(one).collect())
    }

    fn comparison(&self) -> compare::Comparison {
        let map = &self.world.maps[0];
        compare::compare(map, self.real)
    }

    fn overall(&self, expected: &Value) -> Value {
        let days = self.real.days();
        let sum = |f: fn(&compare::JourneyDay) -> u64| days.iter().map(f).sum::<u64>();
        let (completed, in_flight) = (sum(|d| d.completed), sum(|d| d.in_flight));
        let decided = completed + sum(|d| d.ended) + sum(|d| d.dropped);
        let entered = sum(|d| d.entered);
        let all = json!({
            "entered": entered, "completed": completed, "decided": decided, "in_flight": in_flight,
            "overall": if decided == 0 { Value::Null } else { json!(completed as f64 / decided as f64) },
            "bounds": [completed as f64 / entered as f64, (completed + in_flight) as f64 / entered as f64],
        });
        named(expected, all)
    }

    fn mature(&self, expected: &Value) -> Value {
        let map = &self.world.maps[0];
        let days: Vec<_> = self.real.days().into_iter().filter(|d| compare::is_mature(map, d, self.as_of)).collect();
        let completed: u64 = days.iter().map(|d| d.completed).sum();
        let decided: u64 = days.iter().map(|d| d.completed + d.ended + d.dropped).sum();
        let entered: u64 = days.iter().map(|d| d.entered).sum();
        named(
            expected,
            json!({ "entered": entered, "completed": completed, "overall": completed as f64 / decided as f64 }),
        )
    }

    fn totals(&self, expected: &Value) -> Value {
        let p = self.comparison().population;
        named(expected, json!({ "immature_dates": p.immature_dates, "left_out": p.left_out }))
    }

    fn stages(&self, expected: &Value) -> Value {
        let comparison = self.comparison();
        let one = |(id, fields): (&String, &Value)| {
            let days: Vec<&StageDay> = self.real.stages.iter().filter(|d| d.stage == *id).collect();
            let sum = |f: fn(&StageDay) -> u64| days.iter().map(|d| f(d)).sum::<u64>();
            let line = comparison.stages.iter().find(|s| s.id == *id).expect("a stage");
            let exit = line.role == tropa::map::Role::Exit;
            let decided = sum(|d| d.decided);
            let rate = |hits: u64| {
                if exit || decided == 0 { Value::Null } else { json!(hits as f64 / decided as f64) }
            };
            let lost = sum(|d| d.lost_dropped + d.lost_ended);
            let (low, high) = compare::bounds_of_conversion(&self.real.days(), &days, false);
            let mut problems: BTreeMap<String, u64> = BTreeMap::new();
            for (id, n) in days.iter().flat_map(|d| &d.problems) {
                *problems.entry(id.clone()).or_default() += n;
            }
            let entered = sum(|d| d.entered);
            let problems: BTreeMap<String, Value> = problems
                .into_iter()
                .map(|(id, n)| (id, json!({ "journeys": n, "share": n as f64 / entered as f64 })))
                .collect();
            let mut next = compare::Histogram::default();
            days.iter().for_each(|d| next.merge(&d.time_to_next));
            let all = json!({
                "entered": entered, "entries": sum(|d| d.entries), "decided": decided,
                "progressed": sum(|d| d.progressed), "progressed_in_flight": sum(|d| d.progressed_in_flight),
                "in_flight": sum(|d| d.in_flight), "ended": sum(|d| d.ended), "lost_here": lost,
                "conversion": rate(sum(|d| d.progressed)), "drop_off_rate": rate(lost), "bounds": [low, high],
                "open_entries": sum(|d| d.open_entries), "problems": problems,
                "time_in_stage": { "n": line.timed, "p50": line.time_p50, "p90": line.time_p90 },
                "time_to_next": { "n": next.n(), "p50": line.time_to_next_p50, "p90": line.time_to_next_p90 },
            });
            let mut got = named(fields, all);
            for key in ["time_in_stage", "time_to_next"] {
                if let Some(fields) = fields.get(key) {
                    got[key] = named(fields, got[key].clone());
                }
            }
            (id.clone(), got)
        };
        Value::Object(expected.as_object().expect("stages").iter().map(one).collect())
    }

    fn counted(&self, f: fn(&TransitionDay) -> u64) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for t in &self.real.transitions {
            *counts.entry(format!("{}>{}", t.from, t.to)).or_default() += f(t);
        }
        counts.retain(|_, n| *n > 0);
        counts
    }

    fn transitions(&self) -> Value {
        json!(self.counted(|t| t.transitions))
    }

    fn shares(&self, expected: &Value) -> Value {
        let decided = self.counted(|t| t.decided);
        let share = |key: &String| {
            let from = key.split('>').next().expect("from");
            let out: u64 = decided.iter().filter(|(k, _)| k.split('>').next() == Some(from)).map(|(_, n)| n).sum();
            decided.get(key).copied().unwrap_or(0) as f64 / out as f64
        };
        Value::Object(expected.as_object().expect("shares").keys().map(|k| (k.clone(), json!(share(k)))).collect())
    }

    fn drop_offs(&self) -> Value {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for t in self.real.transitions.iter().filter(|t| t.to == "dropped" && t.transitions > 0) {
            *counts.entry(t.from.clone()).or_default() += t.transitions;
        }
        json!(counts)
    }

    fn drop_off_days(&self) -> Value {
        let zone = &self.world.maps[0].newest().time_zone;
        let dropped = self.all().filter(|(_, j)| j.outcome(self.as_of) == tropa::journey::Outcome::Dropped);
        json!(dropped.map(|(_, j)| j.last_at.day_in(zone).to_string()).collect::<Vec<_>>())
    }
}
