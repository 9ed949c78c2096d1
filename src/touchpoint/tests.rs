//! Events against rules: which touchpoint wins, what is taken from the event, what `explain` says, and that the index
//! leaves nothing out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::subject::Subject;
use super::*;
use crate::config::{
    Config, Decoder, IdentifierConfig, Input, MappingDecoder, Properties, Sequence, Source, WarehouseConfig,
};
use crate::event::{Event, SourceId};
use crate::map::{MapVersions, load};
use crate::time::Timestamp;

fn config() -> Config {
    let source = |name: &str, channel: Option<&str>| Source {
        name: name.into(),
        input: Input::None,
        decoder: Arc::new(Decoder::Mapping(Box::new(MappingDecoder {
            id: None,
            revision: None,
            session: None,
            sequence: Sequence::None,
            identifiers: Vec::new(),
            properties: Properties::AllBut(Vec::new()),
            filter: Vec::new(),
            events: Vec::new(),
            numbered: false,
        }))),
        channel: channel.map(Arc::from),
        generation: 1,
        delay: Duration::ZERO,
        delay_declared: false,
        idle: Duration::ZERO,
        until: None,
        observed_from: None,
        facts_only: false,
    };
    Config {
        data: PathBuf::new(),
        warehouse: WarehouseConfig::Embedded { listen: 0, database: "tropa".into(), fsync: false },
        maps: Vec::new(),
        identifiers: IdentifierConfig { raw: false, key: None, kinds: Vec::new() },
        sources: vec![source("web", Some("web")), source("crm", None)],
        decoders: Default::default(),
        max_visits: 100_000,
        refresh: Duration::ZERO,
        flush_records: 1,
        flush_interval: Duration::ZERO,
        cache_bytes: 0,
        fingerprint: String::new(),
    }
}

fn event(source: u16, name: &str) -> Event {
    Event {
        source: SourceId(source),
        event_id: "e".into(),
        generation: 1,
        revision: None,
        name: name.into(),
        occurred_at: Timestamp::EARLIEST,
        received_at: Timestamp::EARLIEST,
        sequence: None,
        identifiers: Default::default(),
        properties: "{}".into(),
        session: None,
        payload_hash: 0,
        plausible: true,
        blocked: 0,
    }
}

fn map(touchpoints: &str, more: &str) -> MapVersions {
    let text = format!(
        "schema: journey/v1\nid: m\nversion: 1\nchannels: {{ web: {{}}, app: {{}} }}\n{more}\n\
         stages: [{{ id: a, role: entry }}, {{ id: b, role: success }}]\ntouchpoints:\n{touchpoints}"
    );
    load(&[("m.yaml".to_owned(), text)]).unwrap_or_else(|faults| panic!("{faults}")).remove(0)
}

fn props(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

struct Shop {
    map: MapVersions,
    rules: Rules,
}

impl Shop {
    fn new(touchpoints: &str, more: &str) -> Self {
        let map = map(touchpoints, more);
        let (rules, _) = Rules::compile(&map, &config());
        Self { map, rules }
    }

    fn matched(&self, source: u16, name: &str, values: Value) -> VersionMatch {
        self.rules.match_event(&event(source, name), &props(values)).remove(0)
    }

    fn id(&self, source: u16, name: &str, values: Value) -> Option<&str> {
        match self.matched(source, name, values) {
            VersionMatch::Touched(t) => Some(&self.map.newest().touchpoints[usize::from(t.touchpoint)].id),
            _ => None,
        }
    }

    fn touch(&self, source: u16, name: &str, values: Value) -> Touch {
        match self.matched(source, name, values) {
            VersionMatch::Touched(touch) => *touch,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_first_declared_touchpoint_wins() {
    let shop = Shop::new(
        "  - { id: cart, stage: a, match: { source: web, event: page, path: /cart } }\n\
        \x20 - { id: shop, stage: a, match: { source: web, event: page, path: '/**' } }\n\
        \x20 - { id: any_page, stage: a, match: { event: pa* } }\n\
        \x20 - { id: crm, stage: b, match: { source: crm } }\n",
        "",
    );
    assert_eq!(shop.id(0, "page", json!({"path": "/cart"})), Some("cart"));
    assert_eq!(shop.id(0, "page", json!({"url": "https://e.org/x?cart"})), Some("shop"));
    assert_eq!(shop.id(0, "page", json!({})), Some("any_page"), "no path, so no rule with a path");
    assert_eq!(shop.id(1, "page", json!({"path": "/cart"})), Some("any_page"));
    assert_eq!(shop.id(1, "call", json!({})), Some("crm"));
    assert_eq!(shop.id(0, "call", json!({})), None);
    assert_eq!(shop.id(7, "page", json!({})), None, "a source the config does not have");
}

#[test]
fn properties_compare_as_text_in_any_alternative() {
    let shop = Shop::new(
        "  - id: x\n    stage: a\n    match:\n      any:\n        - { event: e, props: { ok: true, kind: [1, two] } }\n\
        \x20       - { event: e, props: { deep.er: z } }\n  - { id: y, stage: b, match: { event: f } }\n",
        "",
    );
    let alternative = |v: Value| match shop.matched(0, "e", v) {
        VersionMatch::Touched(touch) => Some(touch.alternative),
        _ => None,
    };
    assert_eq!(alternative(json!({"ok": "true", "kind": "1"})), Some(0));
    assert_eq!(alternative(json!({"ok": true, "kind": 1.0})), Some(0));
    assert_eq!(alternative(json!({"ok": true, "kind": ["none", "two"]})), Some(0));
    assert_eq!(alternative(json!({"ok": true, "kind": 2, "deep": {"er": "z"}})), Some(1));
    assert_eq!(alternative(json!({"ok": false, "kind": 1})), None);
    assert_eq!(alternative(json!({"ok": null, "kind": 1})), None);
}

#[test]
fn an_excluded_event_says_whether_a_touchpoint_took_it() {
    let shop = Shop::new(
        "  - { id: x, stage: a, match: { event: e } }\n  - { id: y, stage: b, match: { event: f } }\n",
        "exclude: [{ id: bots, match: { props: { bot: true } } }, { id: staff, match: { props: { staff: true } } }]",
    );
    assert_eq!(shop.matched(0, "e", json!({"staff": "true"})), VersionMatch::Excluded { rule: 1, mapped: true });
    assert_eq!(
        shop.matched(0, "z", json!({"bot": true, "staff": true})),
        VersionMatch::Excluded { rule: 0, mapped: false }
    );
    assert_eq!(shop.matched(0, "z", json!({})), VersionMatch::Unmapped);
}

#[test]
fn a_touch_holds_what_the_journey_needs() {
    let shop = Shop::new(
        "  - id: x\n    stage: a\n    channels: [web, app]\n    channel_from: props.platform\n\
        \x20   failed_when: { props: { status: [timeout, 500], final: true } }\n\
        \x20   value: { from: props.order.amount, currency: EUR }\n    match: { event: e }\n\
        \x20 - { id: s, stage: a, emotion: { from: props.score, scale: [1, 5] }, match: { event: s } }\n\
        \x20 - { id: y, stage: b, match: { event: f } }\n",
        "journey_key: props.order.id\ndimensions: [channel, campaign, props.region]",
    );
    let order = json!({"platform": "app", "order": {"id": 17, "amount": "12.50"}, "campaign": "spring", "status": 500, "final": true});
    let touch = shop.touch(0, "e", order);
    assert_eq!(
        (touch.channel.as_deref(), touch.key.as_deref(), touch.value, touch.failed),
        (Some("app"), Some("17"), Some(12.5), true)
    );
    assert_eq!(touch.dims.iter().map(|d| &**d).collect::<Vec<_>>(), ["app", "spring", ""]);
    let bare = shop.touch(0, "e", json!({"order": {"id": "", "amount": "much"}, "status": 500}));
    assert_eq!(
        (bare.channel.as_deref(), bare.key.as_deref(), bare.value, bare.failed),
        (Some("web"), None, None, false)
    );
    assert_eq!(shop.touch(1, "e", json!({})).channel, None, "a source without channel");
    let score = |v: Value| shop.touch(0, "s", json!({ "score": v })).score;
    assert_eq!(
        (score(json!(1)), score(json!("5")), score(json!(3)), score(json!(4))),
        (Some(-2.0), Some(2.0), Some(0.0), Some(1.0))
    );
    assert_eq!((score(json!(6)), score(json!("good")), score(json!(null))), (None, None, None));
}

#[test]
fn explain_says_what_held_what_failed_and_what_else_matches() {
    let shop = Shop::new(
        "  - { id: cart, stage: a, match: { source: web, event: page, path: /cart } }\n\
        \x20 - { id: form, stage: a, match: { source: web, event: page, props: { form: order } } }\n\
        \x20 - { id: all, stage: a, match: { event: page } }\n\
        \x20 - { id: paid, stage: b, match: { source: crm, event: paid } }\n",
        "exclude: [{ id: bots, match: { props: { bot: true } } }]",
    );
    let explanation = shop.rules.explain(&event(0, "page"), &props(json!({"path": "/carts", "form": "order"})));
    assert_eq!(explanation.path.as_deref(), Some("/carts"));
    let version = &explanation.versions[0];
    let verdicts: Vec<_> = version.touchpoints.iter().map(|r| (&*r.id, r.verdict)).collect();
    assert_eq!(
        verdicts,
        [("cart", Verdict::Nearly), ("form", Verdict::Chosen), ("all", Verdict::AlsoMatches), ("paid", Verdict::No)]
    );
    assert_eq!(version.excludes[0].verdict, Verdict::No);
    let failed: Vec<_> = version.touchpoints[0].checks.iter().filter(|c| !c.held).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0].key.as_str(), &failed[0].wanted[..], failed[0].found.as_deref()),
        ("path", &["/cart".to_owned()][..], Some("/carts"))
    );
}

#[test]
fn a_source_that_the_config_does_not_have_is_warned_of() {
    let map = map(
        "  - { id: x, stage: a, match: { source: wbe, event: e } }\n  - { id: y, stage: b, match: { event: f } }\n",
        "",
    );
    let (_, warnings) = Rules::compile(&map, &config());
    assert_eq!(
        warnings,
        [
            "m.yaml: touchpoint `x` names source `wbe`, which the config does not declare (declared: `web`, `crm`; did you mean `web`?)"
        ]
    );
}

#[test]
fn among_many_rules_only_a_few_are_tried() {
    let mut text = String::new();
    for i in 0..200 {
        text.push_str(&format!(
            "  - {{ id: t{i}, stage: a, match: {{ source: crm, event: status, props: {{ to: s{i} }} }} }}\n"
        ));
        text.push_str(&format!("  - {{ id: p{i}, stage: a, match: {{ source: web, event: page, path: /p/{i} }} }}\n"));
    }
    text.push_str("  - { id: won, stage: b, match: { event: [status, page] } }\n");
    let shop = Shop::new(&text, "");
    assert_eq!(shop.id(1, "status", json!({"to": "s150"})), Some("t150"));
    assert_eq!(shop.id(1, "status", json!({"to": ["z", "s9"]})), Some("t9"));
    assert_eq!(shop.id(0, "page", json!({"path": "/p/199"})), Some("p199"));
    assert_eq!(shop.id(0, "page", json!({"path": "/q"})), Some("won"));
    let config = config();
    let touchpoints = shop.map.newest().touchpoints.iter().map(|t| &t.matching);
    let names: Vec<&str> = config.sources.iter().map(|s| &*s.name).collect();
    let index = super::index::Index::new(touchpoints, &names, &mut Vec::new());
    let values = props(json!({"to": "s150", "path": "/p/7"}));
    assert_eq!(index.tried(&Subject::new(SourceId(1), "crm", "status", &values)), 2);
    assert_eq!(index.tried(&Subject::new(SourceId(0), "web", "page", &values)), 2);
}

/// Rules and events of few words, so that they meet often.
fn rule() -> impl Strategy<Value = String> {
    let pick = |words: &'static [&'static str]| prop::option::of(prop::sample::select(words));
    let parts = (
        pick(&["web", "crm", "[web, crm]"]),
        pick(&["e", "f", "'e*'", "[f, g]"]),
        pick(&["/a", "/a/*", "/a/**", "[/a, /b]", "'**'"]),
        pick(&["x", "y", "[x, 1]", "true"]),
        pick(&["x", "1"]),
    );
    parts.prop_map(|(source, event, path, k, l)| {
        let part = |key: &str, value: Option<&str>| value.map(|v| format!("{key}: {v}"));
        let props: Vec<_> = [part("k", k), part("l", l)].into_iter().flatten().collect();
        let props = (!props.is_empty()).then(|| format!("props: {{ {} }}", props.join(", ")));
        let all = [part("source", source), part("event", event), part("path", path), props];
        let all: Vec<_> = all.into_iter().flatten().collect();
        if all.is_empty() { "event: e".to_owned() } else { all.join(", ") }
    })
}

proptest! {
    #[test]
    fn the_index_finds_what_trying_every_rule_finds(
        rules in prop::collection::vec(rule(), 1..14),
        source in 0u16..2,
        name in prop::sample::select(&["e", "ee", "f", "g", "h"][..]),
        path in prop::option::of(prop::sample::select(&["/a", "/a/b", "/a/b/c", "/b", "/"][..])),
        k in prop::option::of(prop::sample::select(vec![json!("x"), json!(1), json!(true), json!(["y", "x"]), json!(null)])),
        l in prop::option::of(prop::sample::select(vec![json!("x"), json!("1"), json!(2)])),
    ) {
        let mut text = String::from("  - { id: never, stage: b, match: { event: never } }\n");
        for (i, rule) in rules.iter().enumerate() {
            text.push_str(&format!("  - {{ id: t{i}, stage: a, match: {{ {rule} }} }}\n"));
        }
        let shop = Shop::new(&text, "");
        let mut values = Map::new();
        let path = path.map(|p| json!(p));
        for (key, value) in [("path", path), ("k", k), ("l", l)] {
            if let Some(value) = value {
                values.insert(key.to_owned(), value);
            }
        }
        let explanation = shop.rules.explain(&event(source, name), &values);
        let holds = |r: &&RuleExplanation| r.checks.iter().all(|c| c.held);
        let naive = explanation.versions[0].touchpoints.iter().find(holds).map(|r| r.id.to_string());
        prop_assert_eq!(shop.id(source, name, Value::Object(values)).map(str::to_owned), naive);
    }
}
