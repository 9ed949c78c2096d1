//! Personas on the demo's shop: of which one every journey is, told once more from the events; the funnel and the emotion
//! of each, counted once more from the journeys; and the same figures in every format.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;
use tropa::exchange::xlsx::tables;

use super::shop::{list, n, number, word};
use super::world::{ok, run};

const PERSONAS: &str = "
personas:
  - id: app_user
    title: { en: Who uses the app, ru: Кто пользуется приложением }
    segment: { attribute: platform, in: [app] }
  - id: advertised
    title: { en: Who followed an advert, ru: Кто пришёл по рекламе }
    segment: { attribute: campaign, in: CAMPAIGNS }
  - id: nobody
    segment: { attribute: platform, in: [telegraph] }
";

fn sql(folder: &Path, query: &str) -> Vec<Value> {
    let lines = ok(folder, &["sql", query, "--format", "JSONEachRow", "--data", "d"]);
    lines.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

/// Two campaigns that any event tells of.
fn campaigns(folder: &Path) -> Vec<String> {
    let found = sql(
        folder,
        "SELECT JSONExtractString(properties, 'campaign') AS c, count() FROM events WHERE c != '' GROUP BY c ORDER BY count() DESC, c LIMIT 2",
    );
    found.iter().map(|r| word(&r["c"]).to_owned()).collect()
}

/// A shop of 800 people whose map knows personas.
fn shop() -> &'static Path {
    static SHOP: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = SHOP.get_or_init(|| {
        let made = tempfile::tempdir().expect("a temporary folder");
        let folder = made.path();
        ok(folder, &["demo", "--customers", "800", "--seed", "11", "--data", "d", "--no-open"]);
        let file = folder.join("d/shop.journey.yaml");
        let text = std::fs::read_to_string(&file).expect("the demo's map");
        let personas = PERSONAS.replace("CAMPAIGNS", &serde_json::to_string(&campaigns(folder)).expect("a list"));
        let text = text
            .replacen("\nchannels:\n", &format!("{personas}\nchannels:\n"), 1)
            .replace("alert_below: -0.5 }", "alert_below: -0.5, by_persona: { app_user: -1.5, nobody: 1 } }")
            .replace(
                "emotion: { expected: 1.5 }",
                "emotion: { expected: 1.5, by_persona: { app_user: 2, advertised: -1 } }",
            );
        std::fs::write(&file, text).expect("writable");
        ok(folder, &["rebuild", "--data", "d", "--map", "shop-order"]);
        made
    });
    folder.path()
}

fn compared(more: &[&str]) -> Value {
    let text = ok(shop(), &[&["compare", "--data", "d", "--format", "json"], more].concat());
    serde_json::from_str(&text).expect("JSON")
}

fn now() -> &'static Value {
    static NOW: OnceLock<Value> = OnceLock::new();
    NOW.get_or_init(|| compared(&[]))
}

fn journeys() -> &'static Vec<Value> {
    static JOURNEYS: OnceLock<Vec<Value>> = OnceLock::new();
    JOURNEYS.get_or_init(|| {
        sql(
            shop(),
            "SELECT customer, toString(`j.entry_date`) AS day, toUnixTimestamp64Micro(`j.entry_at`) AS at, `j.persona` AS persona, `j.v_source`[1] AS source, `j.v_event_id`[1] AS event_id, \
             multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome, `j.e_stage` AS stages, `j.e_exit` AS exits, \
             `j.v_touchpoint` AS touchpoints, `j.v_score` AS scores, `j.v_stage` AS places, `j.follows` = 1 AS follows \
             FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0 AND reading IN (SELECT reading FROM v_current)) \
             ARRAY JOIN `j.entry_date`, `j.entry_at`, `j.persona`, `j.v_source`, `j.v_event_id`, `j.decision`, `j.drops_at`, `j.e_stage`, `j.e_exit`, `j.v_touchpoint`, `j.v_score`, `j.v_stage`, `j.follows`",
        )
    })
}

/// (moment, source, sequence, id), and the properties: all events of each customer but those of staff.
type Told = ((i64, String, Option<i64>, String), Value);

fn told() -> HashMap<String, Vec<Told>> {
    let rows = sql(
        shop(),
        "WITH now AS (SELECT node, has_day, day, argMax(customer, version) AS customer FROM identity GROUP BY node, has_day, day), \
         parts AS (SELECT *, i, identifiers[i] AS known, toDate32(occurred_at) AS on FROM events FINAL ARRAY JOIN arrayEnumerate(identifiers) AS i) \
         SELECT p.source AS source, p.event_id AS id, any(toUnixTimestamp64Micro(p.occurred_at)) AS at, any(p.sequence) AS sequence, any(p.properties) AS properties, \
         arrayFirst(x -> x != '', arrayMap(t -> t.2, arraySort(groupArray((p.i, if(d.customer != '', d.customer, a.customer)))))) AS customer FROM parts AS p \
         LEFT JOIN (SELECT node, customer FROM now WHERE has_day = 0) AS a ON p.known = a.node \
         LEFT JOIN (SELECT node, day, customer FROM now WHERE has_day = 1) AS d ON p.known = d.node AND p.on = d.day GROUP BY source, id",
    );
    let mut by_customer: HashMap<String, Vec<Told>> = HashMap::new();
    for row in rows {
        let properties: Value = serde_json::from_str(word(&row["properties"])).expect("JSON");
        if row["source"] == "web" && properties["staff"] == true {
            continue;
        }
        let sequence = (!row["sequence"].is_null()).then(|| number(&row["sequence"]) as i64);
        let place = (number(&row["at"]) as i64, word(&row["source"]).to_owned(), sequence, word(&row["id"]).to_owned());
        by_customer.entry(word(&row["customer"]).to_owned()).or_default().push((place, properties));
    }
    by_customer
}

#[test]
fn the_persona_of_every_journey_is_what_the_customers_last_events_until_its_entry_say() {
    let (told, campaigns) = (told(), campaigns(shop()));
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    let mut changed = 0;
    for journey in journeys() {
        let at = number(&journey["at"]) as i64;
        let opens = |t: &Told| journey["source"] == t.0.1.as_str() && journey["event_id"] == t.0.3.as_str();
        let last = |attribute: &str, until: i64| {
            let own = told[word(&journey["customer"])].iter().filter(|t| t.0.0 <= until);
            let saying = own.filter(|t| t.1[attribute].as_str().is_some_and(|said| !said.is_empty()));
            let last = saying.max_by_key(|t| (t.0.0, opens(t), t.0.clone()));
            last.map(|t| word(&t.1[attribute]).to_owned()).unwrap_or_default()
        };
        let of = |until: i64| {
            let advertised = campaigns.contains(&last("campaign", until));
            if last("platform", until) == "app" {
                "app_user"
            } else if advertised {
                "advertised"
            } else {
                "other"
            }
        };
        assert_eq!(word(&journey["persona"]), of(at), "{journey:#}");
        *found.entry(word(&journey["persona"])).or_default() += 1;
        changed += u64::from(of(i64::MAX) != of(at));
    }
    assert!(found.len() == 3 && found.values().all(|&n| n >= 20), "{found:?}");
    assert!(changed >= 20, "of {changed} journeys the customer was somebody else later");
}

#[test]
fn the_funnel_and_the_headline_of_a_persona_are_those_of_its_journeys_in_the_report_and_in_sql() {
    let mature: BTreeSet<&str> = list(&now()["following"]["days"])
        .iter()
        .filter(|d| d["mature"] == true)
        .map(|d| word(&d["entry_date"]))
        .collect();
    let lines = list(&now()["personas"]);
    let ids: Vec<&str> = lines.iter().map(|p| word(&p["persona"])).collect();
    assert_eq!(ids, ["app_user", "advertised", "nobody", "other"], "declared ones first, also who is nobody");
    let customers = |of: &[&Value]| of.iter().map(|j| word(&j["customer"])).collect::<BTreeSet<_>>().len() as u64;
    for line in lines {
        let own: Vec<&Value> = journeys().iter().filter(|j| j["persona"] == line["persona"]).collect();
        let count = |outcome: &str| own.iter().filter(|j| j["outcome"] == outcome).count() as u64;
        assert_eq!((n(&line["entered"]), n(&line["customers"])), (own.len() as u64, customers(&own)), "{line:#}");
        for outcome in ["completed", "ended", "dropped", "in_flight"] {
            assert_eq!(n(&line[outcome]), count(outcome), "{outcome}");
        }
        let ripe: Vec<&&Value> =
            own.iter().filter(|j| j["outcome"] != "in_flight" && mature.contains(word(&j["day"]))).collect();
        let share = |key: &dyn Fn(&Value) -> bool| ripe.iter().filter(|j| key(j)).count() as f64 / ripe.len() as f64;
        if ripe.is_empty() {
            assert!(line["overall"].is_null() && n(&line["following"]["decided"]) == 0, "{line:#}");
            continue;
        }
        assert!((number(&line["overall"]["value"]) - share(&|j| j["outcome"] == "completed")).abs() < 1e-12);
        assert!((number(&line["following"]["share"]["value"]) - share(&|j| n(&j["follows"]) == 1)).abs() < 1e-12);
        let f = &line["following"];
        let all_five = ["precision", "fitness", "design_use", "coverage"].map(|key| !f[key].is_null());
        assert_eq!((n(&f["decided"]), all_five), (ripe.len() as u64, [true; 4]), "{line:#}");
    }
    let view = sql(shop(), "SELECT * FROM v_personas");
    let stages = list(&now()["persona_stages"]);
    assert!(stages.len() > 12 && stages.len() == view.len(), "{} of {}", stages.len(), view.len());
    for line in stages {
        let stage = word(&line["stage"]);
        let own = |j: &&Value| j["persona"] == line["persona"] && list(&j["stages"]).iter().any(|s| s == stage);
        let own: Vec<&Value> = journeys().iter().filter(own).collect();
        let lost_here = |j: &Value| {
            let mut stays = list(&j["stages"]).iter().zip(list(&j["exits"])).filter(|(_, exit)| n(exit) == 0);
            stays.next_back().is_some_and(|(s, _)| s == stage)
        };
        let lost = |outcome: &str| own.iter().filter(|j| j["outcome"] == outcome && lost_here(j)).count() as u64;
        let expected = [customers(&own), own.len() as u64, lost("dropped"), lost("ended")];
        assert_eq!(["customers", "entered", "dropped", "ended"].map(|key| n(&line[key])), expected, "{line:#}");
        let row = view.iter().find(|r| r["persona"] == line["persona"] && r["stage"] == stage).expect("a row");
        assert_eq!(["customers", "reached", "dropped", "ended"].map(|key| n(&row[key])), expected, "{row:#}");
        let ripe: Vec<&&Value> =
            own.iter().filter(|j| j["outcome"] != "in_flight" && mature.contains(word(&j["day"]))).collect();
        if let Some(rate) = line["drop_off_rate"]["value"].as_f64() {
            let gone =
                ripe.iter().filter(|j| ["dropped", "ended"].contains(&word(&j["outcome"])) && lost_here(j)).count();
            assert!((rate - gone as f64 / ripe.len() as f64).abs() < 1e-12, "{line:#}");
        }
    }
}

#[test]
fn the_emotion_of_a_persona_is_measured_by_stage_and_held_against_what_was_expected() {
    let mature: BTreeSet<&str> = list(&now()["following"]["days"])
        .iter()
        .filter(|d| d["mature"] == true)
        .map(|d| word(&d["entry_date"]))
        .collect();
    let mut felt: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    let mut all: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
    for journey in journeys() {
        for (i, touchpoint) in list(&journey["touchpoints"]).iter().enumerate() {
            let impact = (touchpoint == "payment_refused").then_some(-1.0);
            for value in impact.into_iter().chain(journey["scores"][i].as_f64()) {
                let sum = all.entry(word(&journey["persona"])).or_default();
                *sum = (sum.0 + 1, sum.1 + value);
                if mature.contains(word(&journey["day"])) {
                    let place = (word(&journey["persona"]), word(&journey["places"][i]));
                    felt.entry(place).or_default().push(value);
                }
            }
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut told = 0;
    for line in list(&now()["persona_stages"]) {
        let own = felt.get(&(word(&line["persona"]), word(&line["stage"]))).map_or(&[][..], Vec::as_slice);
        assert_eq!(n(&line["emotion"]["n"]), own.len() as u64, "{line:#}");
        match line["emotion"]["mean"].as_f64() {
            Some(shown) => assert!((shown - mean(own)).abs() < 1e-6 && own.len() >= 30, "{line:#}"),
            None => assert!(own.len() < 30, "{line:#}"),
        }
        told += usize::from(own.len() >= 30);
    }
    assert!(told >= 2, "enough is felt at {told} places");
    let expected: Vec<&Value> =
        list(&now()["expectations"]).iter().filter(|e| e["expectation"] == "emotion_by_persona").collect();
    let verdicts: Vec<(&str, &str)> = expected.iter().map(|e| (word(&e["by"]), word(&e["verdict"]))).collect();
    assert_eq!(expected.len(), 4, "{verdicts:?}");
    for line in &expected {
        let own = felt.get(&(word(&line["by"]), word(&line["of"][0]))).map_or(&[][..], Vec::as_slice);
        assert_eq!(n(&line["n"]), own.len() as u64, "{line:#}");
        assert_eq!(line["verdict"] == "not_enough_data", own.len() < 30, "{line:#}");
        if own.len() >= 30 {
            assert!((number(&line["measured"]) - mean(own)).abs() < 1e-6, "{line:#}");
            let (low, high) = (number(&line["interval"][0]), number(&line["interval"][1]));
            assert!(low <= mean(own) && mean(own) <= high && low < high, "{line:#}");
        }
    }
    let has = |verdict: &str| verdicts.iter().any(|v| v.1 == verdict);
    assert!(has("missed") && has("not_enough_data"), "{verdicts:?}");
    for row in
        sql(shop(), "SELECT persona, sum(told) AS told, sum(emotion_sum) AS total FROM v_emotions GROUP BY persona")
    {
        let (count, sum) = all[word(&row["persona"])];
        assert_eq!(n(&row["told"]), count, "{row:#}");
        assert!((number(&row["total"]) - sum).abs() < 1e-6, "{row:#}");
    }
}

#[test]
fn every_format_shows_personas_in_both_languages_and_a_past_moment_tells_them_too() {
    for (language, who, title, other) in [
        ("en", "Who walks it (personas)", "Who uses the app", "(other)"),
        ("ru", "Кто проходит путь (персоны)", "Кто пользуется приложением", "(прочие)"),
    ] {
        for format in ["text", "markdown", "html"] {
            let shown = ok(shop(), &["compare", "--data", "d", "--format", format, "--language", language]);
            let part = shown.split(who).last().expect("a part");
            for words in [title, other, "nobody"] {
                assert!(part.contains(words), "{format}, {language}: {words} is not there");
            }
            let line = part.lines().find(|l| l.contains(title)).expect("a line");
            let journeys = now()["personas"][0]["entered"].to_string();
            assert!(line.contains(&journeys), "{format}: {line}");
        }
    }
    let sheets = tables(now());
    let rows = |name: &str| sheets.iter().find(|s| s.0 == name).expect("a sheet").1.rows.len();
    assert_eq!(rows("personas"), list(&now()["personas"]).len());
    assert_eq!(rows("persona_stages"), list(&now()["persona_stages"]).len());
    assert_eq!(rows("following.version_days"), list(&now()["following"]["version_days"]).len());
    let as_of = word(&now()["as_of"]).trim_end_matches('Z').to_owned();
    let just_after = if as_of.contains('.') { format!("{as_of}1Z") } else { format!("{as_of}.000001Z") };
    let then = compared(&["--as-of", &just_after]);
    for key in ["personas", "persona_stages", "emotions", "expectations"] {
        assert_eq!(then[key], now()[key], "{key}: counted anew from the sets");
    }
    assert!(ok(shop(), &["verify", "--data", "d"]).contains("stale: 0; "));
    let one = journeys().iter().find(|j| j["persona"] == "app_user").expect("somebody uses the app");
    let shown = ok(shop(), &["show", word(&one["customer"]), "--data", "d"]);
    assert!(shown.contains("\n  persona app_user\n"), "{shown}");
}

#[test]
fn a_test_in_the_file_can_say_of_which_persona_a_journey_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |plan: &str, wanted: &str| {
        let text = format!(
            "schema: journey/v1
id: m
version: 1
personas: [{{ id: paying, segment: {{ attribute: account.plan, in: [gold, 2] }} }}]
stages: [{{ id: A, role: entry }}, {{ id: B, role: success }}]
touchpoints: [{{ id: a, stage: A, match: {{ event: a }} }}, {{ id: b, stage: B, match: {{ event: b }} }}]
tests:
  - name: who it is when the journey begins
    events:
      - {{ source: web, event: sign_in, at: 2026-01-01T10:00:00Z, ids: {{ user: u }}, props: {{ account: {{ plan: {plan} }} }} }}
      - {{ source: web, event: a, at: 2026-01-01T11:00:00Z, ids: {{ user: u }} }}
      - {{ source: web, event: sign_in, at: 2026-01-01T12:00:00Z, ids: {{ user: u }}, props: {{ account: {{ plan: none }} }} }}
    expect: {{ persona: {wanted} }}
"
        );
        std::fs::write(folder.path().join("m.journey.yaml"), text).expect("writable");
        run(folder.path(), &["check", "m.journey.yaml"], "")
    };
    for (plan, wanted) in
        [("gold", "paying"), ("2.0", "paying"), ("silver", "other"), ("null", "other"), ("\"\"", "other")]
    {
        let (out, errors, code) = write(plan, wanted);
        assert_eq!(code, 0, "{plan}: {out}{errors}");
    }
    let (out, errors, code) = write("silver", "paying");
    assert_eq!(code, 78, "{out}{errors}");
    assert!(format!("{out}{errors}").contains("persona: expected paying, found other"), "{out}{errors}");
    let (out, errors, code) = write("silver", "playing");
    assert_eq!(code, 78, "{out}{errors}");
    assert!(
        format!("{out}{errors}").contains("a test names persona `playing`, which is not declared"),
        "{out}{errors}"
    );
}
