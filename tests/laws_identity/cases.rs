//! The identity examples of the semantics, one rule each, and the corners that follow from them.

use tropa::config::{Class, Kind};
use tropa::event::Event;
use tropa::identity::{Identity, Refusal, Undo, Verdict};
use tropa::time::{Day, Timestamp};

use crate::world::{World, batch_of, customer_of, examples, kind};

struct Told {
    events: Vec<Event>,
    identity: Identity,
}

fn tell(world: &World, events: Vec<Event>) -> Told {
    let mut identity = world.identity();
    let (facts, nodes) = batch_of(world, &events);
    identity.apply(facts, nodes);
    Told { events, identity }
}

fn told(events: &[(&str, &[&str])]) -> Told {
    let world = examples();
    tell(&world, events.iter().map(|(at, ids)| world.event(at, ids)).collect())
}

impl Told {
    /// Members of each customer, customers in order of their first member.
    fn customers(&self) -> Vec<Vec<String>> {
        let members = |c: &str| self.identity.members(c).iter().map(ToString::to_string).collect();
        let mut all: Vec<Vec<String>> = self.identity.customers().map(|c| members(&c)).collect();
        all.sort();
        all
    }

    fn owners(&self) -> Vec<String> {
        self.events.iter().map(|e| customer_of(&self.identity, e).unwrap_or_else(|| "-".into())).collect()
    }

    fn refused(&self) -> Vec<(String, Refusal)> {
        self.identity.refused().into_iter().map(|(fact, by)| (format!("{} {}", fact.a, fact.b), by)).collect()
    }

    fn quarantined(&self) -> Vec<String> {
        self.identity.quarantined().map(|q| q.to_string()).collect()
    }
}

#[test]
fn an_event_states_its_strongest_identifier_with_each_of_the_others() {
    let world = examples();
    let facts = |ids: &[&str]| -> Vec<String> {
        let event = world.event("2026-01-01T10:00Z", ids);
        tropa::identity::facts_of(&event).iter().map(|f| format!("{} {} {}", f.a, f.b, f.day)).collect()
    };
    assert_eq!(
        facts(&["cookie:c", "email:m", "device:d"]),
        ["email:m device:d 2026-01-01", "email:m cookie:c 2026-01-01"]
    );
    assert!(facts(&["cookie:c"]).is_empty());
    assert!(facts(&[]).is_empty());
}

#[test]
fn anonymous_history_joins_the_person_of_its_device() {
    let told = told(&[("2026-01-01T10:00Z", &["cookie:c"]), ("2026-01-02T10:00Z", &["cookie:c", "user:u"])]);
    assert_eq!(told.customers(), [["cookie:c", "user:u"]]);
    assert_eq!(told.owners(), ["user:u", "user:u"]);
}

#[test]
fn two_crm_contacts_are_never_joined_through_a_mail_address() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["crm:11", "email:a@x.org"]),
        ("2026-01-02T10:00Z", &["crm:12", "email:a@x.org"]),
    ]);
    assert_eq!(told.customers(), [vec!["crm:11", "email:a@x.org"], vec!["crm:12"]]);
    assert_eq!(told.refused(), [("crm:12 email:a@x.org".to_owned(), Refusal::Unique)]);
    assert_eq!(told.owners(), ["crm:11", "crm:12"]);
}

#[test]
fn the_fourth_cookie_of_a_customer_is_refused_and_stays_alone() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["user:u", "cookie:c1"]),
        ("2026-01-01T11:00Z", &["user:u", "cookie:c2"]),
        ("2026-01-01T12:00Z", &["user:u", "cookie:c3"]),
        ("2026-01-01T13:00Z", &["user:u", "cookie:c4"]),
        ("2026-01-01T14:00Z", &["cookie:c4"]),
    ]);
    assert_eq!(told.refused(), [("user:u cookie:c4".to_owned(), Refusal::Limit)]);
    assert_eq!(told.owners(), ["user:u", "user:u", "user:u", "user:u", "cookie:c4"]);
}

#[test]
fn a_placeholder_address_joins_nobody_not_even_its_first_partners() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["user:u1", "email:t"]),
        ("2026-01-01T11:00Z", &["user:u2", "email:t"]),
        ("2026-01-01T12:00Z", &["user:u3", "email:t"]),
        ("2026-01-01T13:00Z", &["user:u4", "email:t"]),
        ("2026-01-01T14:00Z", &["email:t"]),
    ]);
    assert_eq!(told.quarantined(), ["email:t"]);
    assert_eq!(told.customers(), [["user:u1"], ["user:u2"], ["user:u3"], ["user:u4"]]);
    assert_eq!(told.owners(), ["user:u1", "user:u2", "user:u3", "user:u4", "-"]);
}

#[test]
fn at_the_limit_of_partners_they_are_one_customer() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["user:u1", "email:t"]),
        ("2026-01-01T11:00Z", &["user:u2", "email:t"]),
        ("2026-01-01T12:00Z", &["user:u3", "email:t"]),
    ]);
    assert!(told.quarantined().is_empty());
    assert_eq!(told.customers(), [["email:t", "user:u1", "user:u2", "user:u3"]]);
    assert_eq!(told.owners()[2], "user:u1");
}

#[test]
fn an_anonymous_event_on_a_shared_device_goes_to_the_only_person_of_its_utc_day() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["user:u", "cookie:c"]),
        ("2026-01-01T20:00Z", &["cookie:c"]),
        ("2026-01-02T10:00Z", &["user:w", "cookie:c"]),
        ("2026-01-02T09:00Z", &["cookie:c"]),
        ("2026-01-03T09:00Z", &["cookie:c"]),
    ]);
    assert_eq!(told.customers(), [["cookie:c"], ["user:u"], ["user:w"]]);
    assert_eq!(told.owners(), ["user:u", "user:u", "user:w", "user:w", "cookie:c"]);
    let of = |c| told.identity.nodes_of(c).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(of("user:u"), ["cookie:c", "user:u"]);
    assert_eq!(of("cookie:c"), ["cookie:c"]);
    let verdicts: Vec<_> = told.identity.why("user:u").into_iter().map(|link| link.verdict).collect();
    assert_eq!(verdicts, [Verdict::Shared]);
}

#[test]
fn a_shared_device_on_a_day_with_two_persons_or_none_keeps_its_anonymous_events() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["user:u", "cookie:c"]),
        ("2026-01-01T11:00Z", &["user:w", "cookie:c"]),
        ("2026-01-01T12:00Z", &["cookie:c"]),
        ("2026-01-02T12:00Z", &["cookie:c"]),
    ]);
    assert_eq!(told.owners(), ["user:u", "user:w", "cookie:c", "cookie:c"]);
}

#[test]
fn two_identifiers_of_one_person_do_not_make_a_device_shared() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["user:u", "cookie:c"]),
        ("2026-01-02T10:00Z", &["email:m", "cookie:c"]),
        ("2026-01-03T10:00Z", &["user:u", "email:m"]),
    ]);
    assert_eq!(told.customers(), [["cookie:c", "email:m", "user:u"]]);
}

#[test]
fn devices_joined_to_each_other_belong_to_the_person_of_one_of_them() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["cookie:c", "device:d"]),
        ("2026-01-02T10:00Z", &["user:u", "device:d"]),
        ("2026-01-03T10:00Z", &["cookie:c"]),
    ]);
    assert_eq!(told.owners(), ["user:u", "user:u", "user:u"]);
}

#[test]
fn an_event_that_names_persons_of_two_customers_goes_to_the_strongest() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["crm:1", "email:m"]),
        ("2026-01-02T10:00Z", &["crm:2", "email:m"]),
        ("2026-01-03T10:00Z", &["email:m"]),
    ]);
    assert_eq!(told.owners(), ["crm:1", "crm:2", "crm:1"]);
}

#[test]
fn a_fact_of_an_older_generation_is_outside_the_function() {
    let world = World { sources: vec![("web", 2), ("crm", 1)], ..examples() };
    let at = |t| Timestamp::parse(t).expect("a time");
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let events = vec![
        world.event_of(0, 1, "x", at("2026-01-01T10:00Z"), ids(&["user:u", "cookie:c"])),
        world.event_of(0, 2, "x", at("2026-01-01T11:00Z"), ids(&["user:w"])),
        world.event_of(0, 2, "z", at("2026-01-02T11:00Z"), ids(&["cookie:c"])),
        world.event_of(1, 1, "y", at("2026-01-01T12:00Z"), ids(&["user:w"])),
    ];
    assert_eq!(tell(&world, events).customers(), [["cookie:c"], ["user:w"]]);
}

#[test]
fn copies_of_one_event_with_different_persons_stay_with_each() {
    let told = told(&[("2026-01-01T10:00Z", &["user:u"]), ("2026-01-01T10:00Z", &["user:w"])]);
    assert_eq!(told.owners(), ["user:u", "user:w"]);
}

#[test]
fn an_object_is_no_identifier_and_joins_nobody() {
    let told = told(&[
        ("2026-01-01T10:00Z", &["user:u", "deal:1"]),
        ("2026-01-01T10:00Z", &["user:w", "deal:1"]),
        ("2026-01-01T11:00Z", &["deal:1"]),
    ]);
    assert_eq!(told.customers(), [["user:u"], ["user:w"]]);
    assert_eq!(told.owners(), ["user:u", "user:w", "-"]);
}

#[test]
fn linked_counts_a_fact_that_a_guard_would_refuse() {
    // c4 is over the limit of u, and yet u makes it shared with w.
    let told = told(&[
        ("2026-01-01T10:00Z", &["user:u", "cookie:c1"]),
        ("2026-01-01T11:00Z", &["user:u", "cookie:c2"]),
        ("2026-01-01T12:00Z", &["user:u", "cookie:c3"]),
        ("2026-01-01T13:00Z", &["user:u", "cookie:c4"]),
        ("2026-01-02T13:00Z", &["user:w", "cookie:c4"]),
        ("2026-01-01T20:00Z", &["cookie:c4"]),
    ]);
    assert!(told.refused().is_empty());
    assert_eq!(told.owners()[5], "user:u");
    assert_eq!(told.identity.members("cookie:c4").len(), 1);
}

#[test]
fn unique_holds_for_devices_too_and_a_whole_device_group_is_refused_at_once() {
    let kinds = vec![
        kind("user", Class::Person, 1),
        Kind { unique: true, ..kind("serial", Class::Device, 2) },
        kind("cookie", Class::Device, 3),
    ];
    let world = World { kinds, ..examples() };
    let events = vec![
        world.event("2026-01-01T10:00Z", &["user:u", "serial:1"]),
        world.event("2026-01-01T11:00Z", &["serial:2", "cookie:c"]),
        world.event("2026-01-01T12:00Z", &["user:u", "cookie:c"]),
    ];
    let told = tell(&world, events);
    assert_eq!(told.customers(), [vec!["cookie:c", "serial:2"], vec!["serial:1", "user:u"]]);
    assert_eq!(told.refused(), [("user:u cookie:c".to_owned(), Refusal::Unique)]);
}

#[test]
fn groups_join_a_person_in_the_order_of_their_first_facts() {
    // A pair of cookies does not fit beside two others; a single later one does.
    let told = told(&[
        ("2026-01-01T08:00Z", &["cookie:p1", "cookie:p2"]),
        ("2026-01-01T10:00Z", &["user:u", "cookie:c1"]),
        ("2026-01-01T11:00Z", &["user:u", "cookie:c2"]),
        ("2026-01-01T12:00Z", &["user:u", "cookie:p2"]),
        ("2026-01-01T13:00Z", &["user:u", "cookie:c3"]),
    ]);
    assert_eq!(
        told.customers(),
        [vec!["cookie:c1", "cookie:c2", "cookie:c3", "user:u"], vec!["cookie:p1", "cookie:p2"]]
    );
}

#[test]
fn a_customer_is_named_by_priority_then_earliest_fact_then_least_value() {
    let told = told(&[
        ("2026-01-02T10:00Z", &["user:a", "email:m"]),
        ("2026-01-01T10:00Z", &["user:b", "email:m"]),
        ("2026-01-05T10:00Z", &["user:y", "user:x"]),
    ]);
    let mut names: Vec<_> = told.identity.customers().map(|c| c.to_string()).collect();
    names.sort();
    assert_eq!(names, ["user:b", "user:x"]);
}

#[test]
fn an_event_of_a_quarantined_identifier_goes_to_the_next_one_and_both_customers_are_dirty() {
    let world = examples();
    let events: Vec<Event> =
        (1..=3).map(|n| world.event(&format!("2026-01-0{n}T10:00Z"), &["email:t", &format!("cookie:{n}")])).collect();
    let mut identity = world.identity();
    let (facts, nodes) = batch_of(&world, &events);
    identity.apply(facts, nodes);
    assert_eq!(customer_of(&identity, &events[0]).as_deref(), Some("email:t"));
    let (facts, nodes) = batch_of(&world, &[world.event("2026-01-04T10:00Z", &["email:t", "cookie:4"])]);
    let changes = identity.apply(facts, nodes);
    assert_eq!(customer_of(&identity, &events[0]).as_deref(), Some("cookie:1"));
    let mut dirty: Vec<_> = changes.dirty.iter().map(|c| &**c).collect();
    dirty.sort_unstable();
    assert_eq!(dirty, ["cookie:1", "cookie:2", "cookie:3", "cookie:4", "email:t"]);
    let quarantined = changes.assignments.iter().find(|a| &*a.node == "email:t").map(|a| a.customer.clone());
    assert_eq!(quarantined, Some(None));
    assert_eq!(identity.nodes_of("cookie:1").len(), 2);
}

#[test]
fn a_known_fact_changes_nothing_and_an_earlier_statement_is_told() {
    let world = examples();
    let noon = world.event("2026-01-01T12:00Z", &["user:u", "cookie:c"]);
    let morning = world.event("2026-01-01T08:00Z", &["user:u", "cookie:c"]);
    let mut identity = world.identity();
    let mut say = |event: &Event| {
        let (facts, nodes) = batch_of(&world, std::slice::from_ref(event));
        let changes = identity.apply(facts, nodes);
        (changes.facts.len(), changes.assignments.len(), changes.dirty.len())
    };
    assert_eq!(say(&noon), (1, 2, 2));
    assert_eq!(say(&noon), (0, 0, 0));
    assert_eq!(say(&morning), (1, 0, 0));
    assert_eq!(say(&noon), (0, 0, 0));
}

#[test]
fn an_earlier_statement_of_a_known_fact_can_change_which_fact_is_refused() {
    let world = examples();
    let mut identity = world.identity();
    let mut say = |at: &str, ids: &[&str]| {
        let (facts, nodes) = batch_of(&world, &[world.event(at, ids)]);
        let dirty: Vec<String> = identity.apply(facts, nodes).dirty.iter().map(ToString::to_string).collect();
        (identity.customer_of(["email:m"], Day(0)).map(|c| c.to_string()), dirty)
    };
    say("2026-01-01T09:00Z", &["crm:12", "email:m"]);
    let (customer, _) = say("2026-01-01T10:00Z", &["crm:11", "email:m"]);
    assert_eq!(customer.as_deref(), Some("crm:12"));
    let (customer, mut dirty) = say("2026-01-01T08:00Z", &["crm:11", "email:m"]);
    assert_eq!(customer.as_deref(), Some("crm:11"));
    dirty.sort();
    assert_eq!(dirty, ["crm:11", "crm:12"]);
}

#[test]
fn a_placeholder_that_comes_back_takes_its_events_from_customers_that_stay_what_they_are() {
    let world = examples();
    // Four partners are one too many; `c4` would be the fourth cookie of `u`.
    let events: Vec<Event> = [
        ("2026-01-01T10:00Z", &["user:u", "cookie:c1"][..]),
        ("2026-01-01T11:00Z", &["user:u", "cookie:c2"]),
        ("2026-01-01T12:00Z", &["user:u", "cookie:c3"]),
        ("2026-01-02T10:00Z", &["user:u", "email:t"]),
        ("2026-01-02T11:00Z", &["email:t", "cookie:c4"]),
        ("2026-01-02T12:00Z", &["user:x", "email:t"]),
        ("2026-01-02T13:00Z", &["user:y", "email:t"]),
    ]
    .map(|(at, ids)| world.event(at, ids))
    .to_vec();
    let mut told = tell(&world, events);
    assert_eq!((told.quarantined(), told.owners()[4].as_str()), (vec!["email:t".to_owned()], "cookie:c4"));
    let revoke = |b: &str| Undo::Revoke { a: "email:t".into(), b: b.into(), day: Day(30_000) };
    let changes = told.identity.undo([revoke("user:x")]);
    assert!(told.quarantined().is_empty());
    assert_eq!(told.owners()[4], "user:u");
    assert_eq!(told.identity.members("cookie:c4").len(), 1);
    for customer in ["cookie:c4", "user:u"] {
        assert!(changes.dirty.iter().any(|d| &**d == customer), "{customer}: {:?}", changes.dirty);
    }
}
