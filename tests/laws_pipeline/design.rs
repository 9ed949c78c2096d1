//! Random journey files. In: what proptest draws. Out: one file per version of a map, together with every key of the
//! format that decides what belongs to a journey and how it ends.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::merge;

/// The choices of one map.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    keyed: bool,
    after_goal: Option<&'static str>,
    entry: Entry,
    silence: &'static str,
    zone: &'static str,
    excludes: bool,
    goal: bool,
    /// A second version that opens elsewhere, waits shorter and reads some events as other touchpoints.
    second: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Entry {
    ByRole,
    Two,
    Any,
}

impl Design {
    /// `keyed`: whether a journey key may be drawn.
    pub fn any(keyed: bool) -> impl Strategy<Value = Self> {
        let key = prop::bool::weighted(if keyed { 0.5 } else { 0.0 });
        let after_goal = prop::option::of(prop::sample::select(vec!["PT1H", "P2D"]));
        let entry = prop::sample::select(vec![Entry::ByRole, Entry::Two, Entry::Any]);
        let silence = prop::sample::select(vec!["PT30M", "P2D", "P5D"]);
        let zone = prop::sample::select(vec!["UTC", "Europe/Moscow", "America/New_York"]);
        let second = prop::option::of(prop::sample::select(vec!["2026-01-03", "2026-01-05T09:00:00Z"]));
        (key, after_goal, entry, silence, zone, any::<bool>(), any::<bool>(), second).prop_map(
            |(keyed, after_goal, entry, silence, zone, excludes, goal, second)| Self {
                keyed,
                after_goal,
                entry,
                silence,
                zone,
                excludes,
                goal,
                second,
            },
        )
    }

    /// (name, text) of each file.
    pub fn files(&self, id: &str) -> Vec<(String, String)> {
        let mut files = vec![(format!("{id}1.journey.yaml"), self.first(id).to_string())];
        if let Some(valid_from) = self.second {
            let mut second = self.first(id);
            merge(
                &mut second,
                &json!({ "version": 2, "valid_from": valid_from, "entry": ["look", "apply"], "drop_off": { "after": "PT12H" } }),
            );
            second["personas"] = json!([
                { "id": "thrifty", "segment": { "attribute": "campaign", "in": ["autumn", "spring"] } },
                { "id": "phoner", "segment": { "attribute": "platform", "in": ["phone", true] } },
            ]);
            second["touchpoints"].as_array_mut().expect("a list").retain(|t| t["id"] != "csat");
            second["touchpoints"][0]["match"] = json!({ "event": ["calc", "promo"] });
            second["touchpoints"][3]["stage"] = json!("decide");
            files.push((format!("{id}2.journey.yaml"), second.to_string()));
        }
        files
    }

    fn first(&self, id: &str) -> Value {
        let mut map = json!({
            "schema": "journey/v1", "id": id, "version": 1, "time_zone": self.zone, "maturity": 0.5,
            "drop_off": { "after": self.silence, "by_stage": { "look": "P2D" } },
            "dimensions": ["channel", "props.campaign"],
            "personas": [
                { "id": "phoner", "segment": { "attribute": "platform", "in": ["phone"] } },
                { "id": "thrifty", "segment": { "attribute": "campaign", "in": ["spring"] } },
                { "id": "happy", "segment": { "attribute": "score", "in": ["4", 5] } },
            ],
            "stages": [
                { "id": "look", "role": "entry" }, { "id": "apply" }, { "id": "decide" },
                { "id": "sign", "role": "success" }, { "id": "refused", "role": "exit" },
            ],
            "touchpoints": [
                { "id": "calc", "stage": "look", "match": { "event": "calc" } },
                { "id": "article", "stage": "look", "match": { "event": "article" } },
                { "id": "form", "stage": "apply", "channel_from": "props.platform", "failed_when": { "props": { "status": ["timeout"] } }, "match": { "event": "form" } },
                { "id": "doc", "stage": "apply", "value": { "from": "props.amount", "currency": "EUR" }, "match": { "event": "doc" } },
                { "id": "error", "stage": "apply", "problem": { "id": "broken" }, "emotion": { "impact": -1.5 }, "match": { "event": "error" } },
                { "id": "approve", "stage": "decide", "match": { "source": "crm", "event": "approve" } },
                { "id": "overtake", "stage": "decide", "match": { "source": ["web", "app"], "event": "approve", "props": { "app": ["A", "B"] } } },
                { "id": "signed", "stage": "sign", "goal": self.goal, "value": { "from": "props.amount", "currency": "EUR" }, "match": { "event": "signed" } },
                { "id": "thanks", "stage": "sign", "match": { "event": "promo", "props": { "campaign": "spring" } } },
                { "id": "decline", "stage": "refused", "match": { "event": "decline" } },
                { "id": "csat", "stage": "sign", "emotion": { "from": "props.score", "scale": [1, 5] }, "match": { "event": "csat" } },
            ],
        });
        let mut also = |key: &str, value: Value| map[key] = value;
        match self.entry {
            Entry::ByRole => {}
            Entry::Two => also("entry", json!(["look", "apply"])),
            Entry::Any => also("entry", json!("any")),
        }
        if self.keyed {
            also("journey_key", json!("props.app"));
        }
        if let Some(after_goal) = self.after_goal {
            also("after_goal", json!(after_goal));
        }
        if self.excludes {
            also("exclude", json!([{ "id": "staff", "match": { "props": { "staff": true } } }]));
        }
        map
    }
}
