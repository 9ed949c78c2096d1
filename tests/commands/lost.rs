//! Where people went after a drop-off, on the demo's shop: told once more from its events and journeys, by loops that know
//! the shop's touchpoints by heart. In: the store of `shop.rs`. Out: the same rows, adding up to the drop-off rates.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::shop::{asked, list, mature, n, now, number, rows, word};

const DAY: i64 = 86_400_000_000;

/// An event of a customer.
struct Deed {
    at: i64,
    source: String,
    id: String,
    name: String,
    path: String,
    topic: String,
    channel: String,
    platform: String,
    staff: bool,
}

impl Deed {
    /// The stage of its touchpoint.
    fn stage(&self) -> Option<&'static str> {
        let page = self.path.as_str();
        match (self.source.as_str(), self.name.as_str()) {
            ("web", "page_view") => match page {
                "/" | "/sale/spring" => Some("discover"),
                "/cart" => Some("basket"),
                "/checkout/delivery" => Some("checkout"),
                _ if page.starts_with("/catalog/") => Some("discover"),
                _ if page.starts_with("/product/") => Some("consider"),
                _ => None,
            },
            ("web", "Product Viewed" | "Products Compared") => Some("consider"),
            ("web", "Product Added") => Some("basket"),
            ("web", "Checkout Started" | "Payment Failed") => Some("checkout"),
            ("crm", "call.finished") => match self.topic.as_str() {
                "advice" => Some("consider"),
                "order" => Some("checkout"),
                "complaint" => Some("delivery"),
                _ => None,
            },
            ("crm", "shop.visit") => Some("consider"),
            ("crm", "order.created") => Some("checkout"),
            ("crm", "order.paid") => Some("paid"),
            ("crm", "delivery.shipped" | "delivery.done" | "survey.answered") => Some("delivery"),
            ("crm", "order.cancelled") => Some("cancelled"),
            ("crm", "return.received") => Some("returned"),
            _ => None,
        }
    }

    fn channel(&self) -> &str {
        let own = if self.source == "web" { &self.platform } else { &self.channel };
        let of_source = if self.source == "web" { "web" } else { "back_office" };
        if self.stage().is_some() && !own.is_empty() { own } else { of_source }
    }
}

/// Events of every customer, in order.
fn deeds() -> HashMap<String, Vec<Deed>> {
    let found = rows(
        "WITH now AS (SELECT node, has_day, day, argMax(customer, version) AS customer FROM identity GROUP BY node, has_day, day), \
         parts AS (SELECT *, i, identifiers[i] AS known, toDate32(occurred_at) AS on FROM events FINAL ARRAY JOIN arrayEnumerate(identifiers) AS i) \
         SELECT p.source AS source, p.event_id AS id, any(p.name) AS name, any(toUnixTimestamp64Micro(p.occurred_at)) AS at, any(p.properties) AS properties, \
         arrayFirst(x -> x != '', arrayMap(t -> t.2, arraySort(groupArray((p.i, if(d.customer != '', d.customer, a.customer)))))) AS customer FROM parts AS p \
         LEFT JOIN (SELECT node, customer FROM now WHERE has_day = 0) AS a ON p.known = a.node \
         LEFT JOIN (SELECT node, day, customer FROM now WHERE has_day = 1) AS d ON p.known = d.node AND p.on = d.day GROUP BY source, id",
    );
    let mut by_customer: HashMap<String, Vec<Deed>> = HashMap::new();
    for row in found {
        let properties: Value = serde_json::from_str(word(&row["properties"])).expect("JSON");
        let said = |key: &str| properties[key].as_str().unwrap_or_default().to_owned();
        let url = said("url").replace("https://shop.example", "");
        by_customer.entry(word(&row["customer"]).to_owned()).or_default().push(Deed {
            at: number(&row["at"]) as i64,
            source: word(&row["source"]).to_owned(),
            id: word(&row["id"]).to_owned(),
            name: word(&row["name"]).to_owned(),
            path: if said("path").is_empty() { url } else { said("path") },
            topic: said("topic"),
            channel: said("channel"),
            platform: said("platform"),
            staff: properties["staff"] == true,
        });
    }
    let order = |d: &Deed| (d.at, d.source.clone(), d.id.clone());
    by_customer.values_mut().for_each(|list| list.sort_by_key(order));
    by_customer
}

/// What became of a drop-off, by the words of docs/comparison.md.
fn went(journey: &Value, deeds: &[Deed], stages: &HashMap<(String, String), String>) -> (&'static str, String) {
    if journey["outcome"] == "ended" {
        return ("exit_reason", word(&journey["reason"]).to_owned());
    }
    let (touchpoints, last) = (list(&journey["touchpoints"]), number(&journey["last"]) as i64);
    let said = touchpoints.iter().rev().map(word).find(|t| *t != "csat").unwrap_or_default();
    if ["payment_refused", "complaint"].contains(&said) {
        return ("failed", said.to_owned());
    }
    let window = match word(&journey["stands"]) {
        "discover" => 7 * DAY,
        "checkout" => 10 * DAY,
        _ => 14 * DAY,
    };
    let later: Vec<&Deed> = deeds.iter().filter(|d| d.at > last && !d.staff).collect();
    let soon = || later.iter().filter(|d| d.at <= last + window);
    if soon().any(|d| d.source == "web" && d.name == "Chat Opened") {
        return ("support", "chat".to_owned());
    }
    let own = word(&journey["channel"]);
    if let Some(other) = soon().map(|d| d.channel()).find(|c| !own.is_empty() && *c != own) {
        return ("channel", other.to_owned());
    }
    match soon().next() {
        Some(next) if next.stage().is_none() => return ("outside", next.name.clone()),
        _ => {}
    }
    match later.iter().find_map(|d| Some((d, d.stage()?))) {
        Some((deed, own)) => {
            let inside = stages.get(&(deed.source.clone(), deed.id.clone()));
            ("came_back", inside.cloned().unwrap_or_else(|| own.to_owned()))
        }
        None => ("silence", String::new()),
    }
}

#[test]
fn where_people_went_adds_up_to_the_drop_off_rates_and_is_what_their_events_tell() {
    let journeys = rows(
        "SELECT customer, toString(`j.entry_date`) AS day, `j.decision` = 'ended' AS ended, if(ended, 'ended', 'dropped') AS outcome, `j.reason` AS reason, \
         toUnixTimestamp64Micro(`j.last_at`) AS last, `j.e_stage`[-1] AS stands, `j.e_stage`[arrayLastIndex(x -> x = 0, `j.e_exit`)] AS stage, `j.v_touchpoint` AS touchpoints, `j.v_channel`[-1] AS channel \
         FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0) \
         ARRAY JOIN `j.entry_date`, `j.decision`, `j.reason`, `j.last_at`, `j.drops_at`, `j.e_stage`, `j.e_exit`, `j.v_touchpoint`, `j.v_channel` \
         WHERE ended OR (`j.decision` = 'open' AND as_of >= `j.drops_at`)",
    );
    let visits = rows(
        "SELECT s AS source, i AS id, t AS stage FROM (SELECT `j.v_source` AS vs, `j.v_event_id` AS vi, `j.v_stage` AS vt FROM customer_journeys FINAL \
         ARRAY JOIN `j.v_source`, `j.v_event_id`, `j.v_stage` WHERE is_deleted = 0) ARRAY JOIN vs AS s, vi AS i, vt AS t",
    );
    let key = |v: &Value| (word(&v["source"]).to_owned(), word(&v["id"]).to_owned());
    let stages: HashMap<_, _> = visits.iter().map(|v| (key(v), word(&v["stage"]).to_owned())).collect();
    let (mature, deeds) = (mature(), deeds());
    let mut expected: BTreeMap<(String, &str), BTreeMap<String, u64>> = BTreeMap::new();
    for journey in journeys.iter().filter(|j| mature.contains(word(&j["day"]))) {
        let (way, name) = went(journey, &deeds[word(&journey["customer"])], &stages);
        let things = expected.entry((word(&journey["stage"]).to_owned(), way)).or_default();
        *things.entry(name).or_default() += 1;
    }

    let shown = list(&now()["after_drop_off"]);
    let keys = |of: &mut dyn Iterator<Item = (String, String)>| of.collect::<std::collections::BTreeSet<_>>();
    let found = keys(&mut shown.iter().map(|r| (word(&r["stage"]).to_owned(), word(&r["went"]).to_owned())));
    let wanted = keys(&mut expected.keys().map(|(stage, way)| (stage.clone(), (*way).to_owned())));
    assert_eq!(found, wanted);
    for row in shown {
        let things = &expected[&(word(&row["stage"]).to_owned(), word(&row["went"]))];
        assert_eq!(n(&row["journeys"]), things.values().sum::<u64>(), "{row:#}");
        // A name may stand on several pages.
        let told: u64 = list(&row["most_often"]).iter().map(|t| n(&t["journeys"])).sum();
        assert!(told <= n(&row["journeys"]) && (told == n(&row["journeys"]) || n(&row["distinct"]) > 5), "{row:#}");
        for thing in list(&row["most_often"]) {
            let most = things.get(word(&thing["name"])).copied().unwrap_or(0);
            let exact = n(&row["distinct"]) <= 5 && thing["path"] == "";
            assert!(if exact { n(&thing["journeys"]) == most } else { n(&thing["journeys"]) <= most }, "{row:#}");
        }
        assert_eq!(list(&row["examples"]).len(), n(&row["journeys"]).min(3) as usize);
        let share = number(&row["share"]["value"]) * n(&row["drop_offs"]) as f64;
        assert!((share - number(&row["journeys"])).abs() < 1e-6, "{row:#}");
    }
    for way in ["exit_reason", "failed", "support", "channel", "outside", "came_back", "silence"] {
        assert!(shown.iter().any(|r| r["went"] == way), "nobody went by {way}: the shop shows too little");
    }

    // The law: the ways of a stage are the drop-offs of its rate.
    let mut held = HashSet::new();
    for stage in list(&now()["stages"]) {
        let own: Vec<&Value> = shown.iter().filter(|r| r["stage"] == stage["stage"]).collect();
        let sum: u64 = own.iter().map(|r| n(&r["journeys"])).sum();
        let Some(rate) = stage["drop_off_rate"]["value"].as_f64() else {
            assert_eq!(sum, 0, "{stage:#}");
            continue;
        };
        let lost = rate * number(&stage["drop_off_rate"]["n"]);
        assert!((lost - sum as f64).abs() < 1e-6, "{stage:#}");
        assert!(own.iter().all(|r| n(&r["drop_offs"]) == sum));
        held.insert(sum > 0);
    }
    assert!(held.contains(&true));

    let by_view = rows(
        "SELECT stage, went, count() AS journeys, toString(entry_date) AS day FROM v_after_drop_offs GROUP BY ALL",
    );
    let mut in_view: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in by_view.iter().filter(|r| mature.contains(word(&r["day"]))) {
        *in_view.entry((word(&row["stage"]).to_owned(), word(&row["went"]).to_owned())).or_default() +=
            n(&row["journeys"]);
    }
    let in_report: BTreeMap<_, _> = shown
        .iter()
        .map(|r| ((word(&r["stage"]).to_owned(), word(&r["went"]).to_owned()), n(&r["journeys"])))
        .collect();
    assert_eq!(in_view, in_report);
}

#[test]
fn the_shop_shows_who_asked_for_help_and_which_drop_offs_look_broken_in_both_languages() {
    let text = asked(&["compare", "--data", "d"]);
    assert!(text.contains("Where people went after a drop-off") && text.contains("contacted support"), "{text}");
    assert!(!text.contains("the map has no `support` rule"), "the shop has one");
    assert!(text.contains("Drop-offs that look like broken identity"), "{text}");
    let russian = asked(&["compare", "--data", "d", "--language", "ru", "--format", "markdown"]);
    assert!(
        russian.contains("Куда ушли те, кого потеряли") && russian.contains("Потери, похожие на разрыв идентификации")
    );

    let broken = &now()["broken_identity"];
    assert_eq!(broken["not_told"], Value::Null);
    assert_eq!(broken["anonymous_kinds"], serde_json::json!(["cookie"]));
    let steps: Vec<_> = list(&broken["steps"]).iter().map(|s| (word(&s["from"]), word(&s["to"]))).collect();
    let designed = [
        ("discover", "basket"),
        ("consider", "basket"),
        ("basket", "checkout"),
        ("checkout", "paid"),
        ("paid", "delivery"),
    ];
    assert_eq!(steps, designed, "arcs forward, to no exit, and to no stage that opens journeys");
    for stage in list(&broken["stages"]) {
        let (low, high) = (number(&stage["interval"][0]), number(&stage["interval"][1]));
        let value = number(&stage["estimate"]);
        assert!(0.0 <= low && low <= value && value <= high, "{stage:#}");
        assert!(high <= number(&stage["trails_begun"]).min(number(&stage["anonymous_trails"])), "{stage:#}");
        let of = list(&now()["stages"]).iter().find(|s| s["stage"] == stage["stage"]).expect("the same stages");
        assert_eq!(stage["drop_off_rate"], of["drop_off_rate"]);
    }
}
