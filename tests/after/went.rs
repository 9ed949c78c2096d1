//! Where people went after a drop-off, told twice: by the fold, and by loops over all events that follow the words of the
//! documentation. In: random small logs with ties, keys, several channels, problems, surveys and staff. Out: no difference.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tropa::config::{self, Config};
use tropa::event::Event;
use tropa::journey::{CustomerEvent, Decision, FoldContext, Journey, Mode, SourceInfo, Went, fold};
use tropa::map::{self, MapVersions};
use tropa::stage::reading::Reading;
use tropa::time::Timestamp;
use tropa::touchpoint::{event_path, parse_properties, path_template};

const CONFIG: &str = "schema: config/v1
sources:
  web: { file: { paths: [w] }, channel: web, decoder: { id: id, name: name, time: at, ids: { user: user } } }
  call: { file: { paths: [c] }, channel: call, decoder: { id: id, name: name, time: at, ids: { user: user } } }
  mail: { file: { paths: [m] }, decoder: { id: id, name: name, time: at, ids: { user: user } } }
";

const MAP: &str = "schema: journey/v1
id: m
version: 1
KEYED
drop_off: { after: P3D, by_stage: { B: P1D } }
exclude: [{ id: staff, match: { props: { staff: true } } }]
support: [{ id: desk, match: { event: hotline } }, { id: help, match: { event: chat, props: { about: order } } }]
stages: [{ id: A, role: entry }, { id: B }, { id: Won, role: success }, { id: Gone, role: exit }]
touchpoints:
  - { id: a, stage: A, channel_from: props.platform, match: { event: a } }
  - { id: ask, stage: A, emotion: { from: props.score, scale: [1, 5] }, match: { event: ask } }
  - { id: b, stage: B, failed_when: { props: { status: timeout } }, match: { event: b } }
  - { id: oops, stage: B, problem: { id: broken }, match: { event: oops } }
  - { id: hotline, stage: B, match: { event: hotline } }
  - { id: won, stage: Won, match: { event: won } }
  - { id: gone, stage: Gone, match: { event: gone } }
";

const SOURCES: [&str; 3] = ["web", "call", "mail"];
const NAMES: [&str; 15] =
    ["a", "a", "a", "a", "b", "b", "b", "ask", "oops", "hotline", "chat", "chat", "x", "won", "gone"];
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// One record, as the second telling knows it.
#[derive(Clone, Debug)]
struct Told {
    id: String,
    source: usize,
    name: &'static str,
    at: i64,
    platform: Option<&'static str>,
    failed: bool,
    staff: bool,
    about_order: bool,
    key: Option<u8>,
}

fn told(rng: &mut ChaCha8Rng, keyed: bool) -> Vec<Told> {
    let count = rng.random_range(1..14);
    let one = |i: usize, rng: &mut ChaCha8Rng| Told {
        id: format!("e{i}"),
        source: rng.random_range(0..3),
        name: NAMES[rng.random_range(0..NAMES.len())],
        at: 1_767_225_600_000_000 + rng.random_range(0..48) * 6 * HOUR,
        platform: [None, Some("app"), Some("web")][rng.random_range(0..3)],
        failed: rng.random_bool(0.3),
        staff: rng.random_bool(0.05),
        about_order: rng.random_bool(0.6),
        key: (keyed && rng.random_bool(0.7)).then(|| rng.random_range(0..3)),
    };
    (0..count).map(|i| one(i, rng)).collect()
}

fn event(t: &Told, config: &Config) -> Event {
    let mut properties = serde_json::Map::new();
    let mut put = |key: &str, value: serde_json::Value| properties.insert(key.to_owned(), value);
    if let Some(platform) = t.platform {
        put("platform", platform.into());
    }
    if t.failed {
        put("status", "timeout".into());
    }
    if t.staff {
        put("staff", true.into());
    }
    if t.about_order {
        put("about", "order".into());
    }
    if let Some(key) = t.key {
        put("key", key.into());
    }
    put("path", "/p/7".into());
    put("score", 4.into());
    Event {
        source: config.source_id(SOURCES[t.source]).expect("a source"),
        event_id: t.id.as_str().into(),
        generation: 1,
        revision: None,
        name: t.name.into(),
        occurred_at: Timestamp::from_micros(t.at),
        received_at: Timestamp::from_micros(t.at),
        sequence: None,
        identifiers: Default::default(),
        properties: serde_json::Value::Object(properties).to_string().into(),
        session: None,
        payload_hash: t.id.bytes().fold(7, |hash, b| hash * 31 + u128::from(b)),
        plausible: true,
        blocked: 0,
    }
}

struct World {
    config: Arc<Config>,
    map: Arc<MapVersions>,
    reading: Reading,
}

fn world(keyed: bool) -> World {
    let config = Arc::new(config::parse("c", CONFIG, &|_| None, Path::new(".")).unwrap_or_else(|e| panic!("{e}")));
    let key = if keyed { "journey_key: props.key" } else { "entry: A" };
    let maps = map::load(&[("m.yaml".to_owned(), MAP.replace("KEYED", key))]).unwrap_or_else(|e| panic!("{e}"));
    let map = Arc::new(maps.into_iter().next().expect("a map"));
    let reading = Reading::new(map.clone(), Mode::Valid, &config);
    World { config, map, reading }
}

fn journeys(world: &World, told: &[Told]) -> Vec<Journey> {
    let events: Vec<CustomerEvent> = told
        .iter()
        .map(|t| {
            let event = event(t, &world.config);
            let properties = parse_properties(&event.properties);
            let path = event_path(&properties).map_or_else(|| "".into(), |p| path_template(&p).into());
            let rules = &world.reading.rules;
            CustomerEvent::of(&event, path, rules.match_event(&event, &properties), rules.said(&properties))
        })
        .collect();
    let sources = SourceInfo::of(&world.config);
    let context = FoldContext { map: &world.map, mode: Mode::Valid, sources: &sources, max_visits: 1_000 };
    fold(&context, "user:1", &events.iter().collect::<Vec<_>>()).journeys
}

// The second telling.

fn stage_of(name: &str) -> Option<&'static str> {
    match name {
        "a" | "ask" => Some("A"),
        "b" | "oops" | "hotline" => Some("B"),
        "won" => Some("Won"),
        "gone" => Some("Gone"),
        _ => None,
    }
}

fn channel(t: &Told) -> Option<&'static str> {
    match t.platform {
        Some(platform) if t.name == "a" => Some(platform),
        _ => [Some("web"), Some("call"), None][t.source],
    }
}

fn support(t: &Told) -> Option<&'static str> {
    match t.name {
        "hotline" => Some("desk"),
        "chat" if t.about_order => Some("help"),
        _ => None,
    }
}

/// `own`: ids of the journey's visits, in order. `stages`: of every visit inside a journey, its stage there.
fn naive(all: &[Told], own: &[&str], stages: &HashMap<&str, &str>, stands_in: &str) -> (Went, String) {
    let by_id = |id: &&str| all.iter().find(|t| t.id == **id).expect("a visit is an event");
    let visits: Vec<&Told> = own.iter().map(by_id).collect();
    let last = visits[visits.len() - 1];
    let window = if stands_in == "B" { DAY } else { 3 * DAY };
    let said = visits.iter().rev().find(|t| t.name != "ask");
    if let Some(failed) = said.filter(|t| t.name == "oops" || (t.name == "b" && t.failed)) {
        return (Went::Failed, failed.name.to_owned());
    }
    if let Some(rule) = support(last) {
        return (Went::Support, rule.to_owned());
    }
    let mut later: Vec<&Told> = all.iter().filter(|t| t.at > last.at && !t.staff).collect();
    later.sort_by_key(|t| (t.at, SOURCES[t.source], t.id.clone()));
    let soon: Vec<&&Told> = later.iter().filter(|t| t.at <= last.at + window).collect();
    if let Some(rule) = soon.iter().find_map(|t| support(t)) {
        return (Went::Support, rule.to_owned());
    }
    let own = channel(last);
    let other = soon.iter().filter_map(|t| channel(t)).find(|c| own.is_some_and(|own| *c != own));
    if let Some(other) = other {
        return (Went::Channel, other.to_owned());
    }
    if let Some(next) = soon.first().filter(|t| stage_of(t.name).is_none()) {
        return (Went::Outside, next.name.to_owned());
    }
    match later.iter().find(|t| stage_of(t.name).is_some()) {
        Some(t) => {
            let stage = stages.get(t.id.as_str()).copied().or_else(|| stage_of(t.name)).expect("a visit's stage");
            (Went::CameBack, stage.to_owned())
        }
        None => (Went::Silence, String::new()),
    }
}

#[test]
fn what_followed_a_journey_is_what_loops_over_all_its_customers_events_tell() {
    let mut seen: BTreeMap<(bool, Went), u32> = BTreeMap::new();
    for keyed in [false, true] {
        let world = world(keyed);
        let version = &world.map.versions[0];
        for seed in 0..6_000 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let all = told(&mut rng, keyed);
            let journeys = journeys(&world, &all);
            let visits = || journeys.iter().flat_map(|j| &j.visits);
            let stage = |s: u16| &*version.stages[usize::from(s)].id;
            let stages: HashMap<&str, &str> = visits().map(|v| (&*v.event_id, stage(v.stage))).collect();
            // A visit inside a journey or outside any.
            let last_visit = all.iter().filter(|t| stage_of(t.name).is_some() && !t.staff).map(|t| t.at).max();
            for journey in &journeys {
                let ends = Some(journey.last_at.micros()) == last_visit;
                assert_eq!(journey.trail_ends, ends, "seed {seed}: {all:#?}");
                let Some(after) = &journey.after else {
                    assert_ne!(journey.decision, Decision::Open, "seed {seed}");
                    continue;
                };
                assert_eq!(journey.decision, Decision::Open, "seed {seed}");
                let own: Vec<&str> = journey.visits.iter().map(|v| &*v.event_id).collect();
                let stands_in = stage(journey.entries.last().expect("an entry").stage);
                let expected = naive(&all, &own, &stages, stands_in);
                assert_eq!((after.went, after.name.to_string()), expected, "seed {seed}, keyed {keyed}: {all:#?}");
                let path = if after.went == Went::Outside { "/p/*" } else { "" };
                assert_eq!(&*after.path, path);
                *seen.entry((keyed, after.went)).or_default() += 1;
            }
        }
    }
    // Every way was met often, or nothing was shown of it.
    for keyed in [false, true] {
        for went in Went::ALL.into_iter().filter(|w| *w != Went::ExitReason) {
            assert!(seen.get(&(keyed, went)).is_some_and(|n| *n >= 50), "{went:?}, keyed {keyed}: {seen:?}");
        }
    }
}
