//! One customer's row of `customer_journeys`. In: [`CustomerJourneys`] and the map they were folded with. Out: nested
//! arrays, one element per journey, ids in words so that SQL reads without a dictionary.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::conformance::{Followed, NotEvaluated, is_accepted};
use crate::journey::{CustomerJourneys, Decision, Journey, Visit};
use crate::map::{DesignedMap, MapVersions, Role};
use crate::stage::reading::Reading;
use crate::stage::{CustomerRow, bucket};
use crate::time::{Day, Timestamp};

type Nested<T> = Vec<Vec<T>>;

/// A value as a person reads it. In this row whole numbers of 64 bits with a sign are moments, those of 32 bits days.
trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown_as_it_is {
    ($($type:ty),*) => { $(impl Shown for $type {
        fn shown(&self) -> String {
            self.to_string()
        }
    })* };
}
shown_as_it_is!(String, &str, u8, u16, u32, u64, f64, bool);

impl Shown for i64 {
    fn shown(&self) -> String {
        Timestamp::from_micros(*self).to_string()
    }
}

impl Shown for i32 {
    fn shown(&self) -> String {
        Day(*self).to_string()
    }
}

impl Shown for Option<f64> {
    fn shown(&self) -> String {
        self.map_or_else(|| "none".to_owned(), |n| n.to_string())
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> String {
        format!("[{}]", self.iter().map(Shown::shown).collect::<Vec<_>>().join(", "))
    }
}

macro_rules! customer_journeys_row {
    ($($field:ident : $type:ty = $column:literal),* $(,)?) => {
        /// The table's columns in its own order.
        #[derive(Row, Serialize, Deserialize, Default)]
        #[serde(bound(deserialize = "'de: 'a"))]
        pub(super) struct JourneysRow<'a> {
            bucket: u8,
            map: &'a str,
            reading: &'a str,
            pub(super) customer: &'a str,
            pub(super) version: u64,
            is_deleted: bool,
            oversized: bool,
            $(#[serde(rename = $column)] $field: $type,)*
        }

        impl JourneysRow<'_> {
            /// The columns that are not as in `should`: name, what stands, what should stand. When and at which version
            /// a row was written is no part of what it says.
            pub fn differences(&self, should: &JourneysRow<'_>) -> Vec<(&'static str, String, String)> {
                let mut differ = Vec::new();
                if self.bucket != should.bucket {
                    differ.push(("bucket", self.bucket.shown(), should.bucket.shown()));
                }
                if self.oversized != should.oversized {
                    differ.push(("oversized", self.oversized.shown(), should.oversized.shown()));
                }
                $(if self.$field != should.$field {
                    differ.push(($column, self.$field.shown(), should.$field.shown()));
                })*
                differ
            }
        }
    };
}

customer_journeys_row! {
    id: Vec<String> = "j.id",
    key: Vec<&'a str> = "j.key",
    map_version: Vec<u32> = "j.map_version",
    attempt: Vec<u32> = "j.attempt",
    entry_at: Vec<i64> = "j.entry_at",
    entry_date: Vec<i32> = "j.entry_date",
    matures_at: Vec<i64> = "j.matures_at",
    last_at: Vec<i64> = "j.last_at",
    last_date: Vec<i32> = "j.last_date",
    drops_at: Vec<i64> = "j.drops_at",
    belongs_until: Vec<i64> = "j.belongs_until",
    decision: Vec<&'a str> = "j.decision",
    decided_at: Vec<i64> = "j.decided_at",
    decided_date: Vec<i32> = "j.decided_date",
    reason: Vec<&'a str> = "j.reason",
    success_entry: Vec<u32> = "j.success_entry",
    value: Vec<Option<f64>> = "j.value",
    currency: Vec<&'a str> = "j.currency",
    order_ambiguous: Vec<bool> = "j.order_ambiguous",
    left_truncated: Vec<bool> = "j.left_truncated",
    clean: Vec<bool> = "j.clean",
    dims: Nested<&'a str> = "j.dims",
    e_stage: Nested<&'a str> = "j.e_stage",
    e_rank: Nested<u16> = "j.e_rank",
    e_exit: Nested<bool> = "j.e_exit",
    e_first_at: Nested<i64> = "j.e_first_at",
    e_first_date: Nested<i32> = "j.e_first_date",
    e_last_at: Nested<i64> = "j.e_last_at",
    e_visits: Nested<u32> = "j.e_visits",
    e_is_first: Nested<bool> = "j.e_is_first",
    e_problems: Nested<Vec<&'a str>> = "j.e_problems",
    v_touchpoint: Nested<&'a str> = "j.v_touchpoint",
    v_stage: Nested<&'a str> = "j.v_stage",
    v_at: Nested<i64> = "j.v_at",
    v_source: Nested<&'a str> = "j.v_source",
    v_event_id: Nested<&'a str> = "j.v_event_id",
    v_channel: Nested<&'a str> = "j.v_channel",
    v_session: Nested<&'a str> = "j.v_session",
    v_failed: Nested<bool> = "j.v_failed",
    v_score: Nested<Option<f64>> = "j.v_score",
    v_entry: Nested<u32> = "j.v_entry",
    v_beside: Nested<bool> = "j.v_beside",
    fit_cost: Vec<u32> = "j.fit_cost",
    fit_most: Vec<u32> = "j.fit_most",
    not_evaluated: Vec<&'a str> = "j.not_evaluated",
    follows: Vec<bool> = "j.follows",
    ambiguous_type: Vec<bool> = "j.ambiguous_type",
    d_kind: Nested<&'a str> = "j.d_kind",
    d_place: Nested<String> = "j.d_place",
    d_stage: Nested<&'a str> = "j.d_stage",
    d_accepted: Nested<bool> = "j.d_accepted",
    after: Vec<&'a str> = "j.after",
    after_name: Vec<&'a str> = "j.after_name",
    after_path: Vec<&'a str> = "j.after_path",
    trail_ends: Vec<bool> = "j.trail_ends",
    persona: Vec<&'a str> = "j.persona",
    f_stage: Nested<&'a str> = "j.f_stage",
    f_touchpoint: Nested<&'a str> = "j.f_touchpoint",
    f_value: Nested<f64> = "j.f_value",
    first_visit_at: i64 = "first_visit_at",
    first_visit_stage: &'a str = "first_visit_stage",
    c_source: Vec<&'a str> = "c.source",
    c_day: Vec<i32> = "c.day",
    c_fate: Vec<&'a str> = "c.fate",
    c_rule: Vec<&'a str> = "c.rule",
    c_count: Vec<u64> = "c.count",
    u_source: Vec<&'a str> = "u.source",
    u_name: Vec<&'a str> = "u.name",
    u_path: Vec<&'a str> = "u.path",
    u_count: Vec<u64> = "u.count",
}

impl<'a> JourneysRow<'a> {
    pub fn of(row: &'a CustomerRow, reading: &'a Reading, config: &'a Config) -> Self {
        let mut out = Self {
            bucket: bucket(&row.customer),
            map: &reading.map.id,
            reading: &reading.id,
            customer: &row.customer,
            version: row.version.0,
            is_deleted: row.journeys.is_none(),
            ..Self::default()
        };
        if let Some(journeys) = &row.journeys {
            out.oversized = journeys.oversized;
            if let Some(first) = &journeys.first_visit {
                (out.first_visit_at, out.first_visit_stage) = (first.at.micros(), &first.stage);
            }
            for (journey, followed) in journeys.journeys.iter().zip(&row.followed) {
                out.push(journey, &reading.map, config);
                out.follow(journey, followed, &reading.map);
            }
            out.count(journeys, config);
        }
        out
    }

    fn push(&mut self, j: &'a Journey, map: &'a MapVersions, config: &'a Config) {
        let newest = map.newest();
        let zone = &newest.time_zone;
        let day = |t: Timestamp| t.day_in(zone).0;
        let micros = Timestamp::micros;
        let version = &map.versions[j.version_ix];
        let (decision, decided_at, success, reason) = match &j.decision {
            Decision::Open => ("open", j.last_at, None, ""),
            Decision::Completed { at, visit } => ("completed", *at, Some(*visit), ""),
            Decision::Ended { at, reason, .. } => ("ended", *at, None, &**reason),
        };
        self.id.push(format!("{:032x}", j.id));
        self.key.push(j.key.as_deref().unwrap_or_default());
        self.map_version.push(version.version);
        self.attempt.push(j.attempt);
        self.entry_at.push(micros(j.entry_at));
        self.entry_date.push(j.entry_date.0);
        self.matures_at.push(micros(matures_at(j.entry_date, map)));
        self.last_at.push(micros(j.last_at));
        self.last_date.push(day(j.last_at));
        self.drops_at.push(micros(j.drops_at));
        self.belongs_until.push(micros(j.belongs_until));
        self.decision.push(decision);
        self.decided_at.push(micros(decided_at));
        self.decided_date.push(day(decided_at));
        self.reason.push(reason);
        self.success_entry.push(success.map_or(0, |v| j.visits[v].entry as u32 + 1));
        self.value.push(j.value);
        self.currency.push(j.currency.as_deref().unwrap_or_default());
        self.order_ambiguous.push(j.order_ambiguous);
        self.left_truncated.push(j.left_truncated);
        self.clean.push(j.clean);
        let after = j.after.as_ref();
        self.after.push(after.map_or("", |a| a.went.as_str()));
        self.after_name.push(after.map_or("", |a| &a.name));
        self.after_path.push(after.map_or("", |a| &a.path));
        self.trail_ends.push(j.trail_ends);
        self.persona.push(version.persona(j.persona));
        let mut dims: Vec<&str> = j.dims.iter().map(|d| &**d).collect();
        dims.resize(4, "");
        self.dims.push(dims);

        let entries = &j.entries;
        let stage = |s: u16| &version.stages[usize::from(s)];
        self.e_stage.push(entries.iter().map(|e| &*stage(e.stage).id).collect());
        self.e_rank.push(entries.iter().map(|e| e.stage).collect());
        self.e_exit.push(entries.iter().map(|e| stage(e.stage).role == Role::Exit).collect());
        self.e_first_at.push(entries.iter().map(|e| micros(e.first_at)).collect());
        self.e_first_date.push(entries.iter().map(|e| day(e.first_at)).collect());
        self.e_last_at.push(entries.iter().map(|e| micros(e.last_at)).collect());
        self.e_visits.push(entries.iter().map(|e| e.visits).collect());
        self.e_is_first.push(entries.iter().map(|e| e.first).collect());
        self.e_problems.push(entries.iter().map(|e| e.problems.iter().map(|p| &**p).collect()).collect());

        let visits = &j.visits;
        self.v_touchpoint.push(visits.iter().map(|v| &*version.touchpoints[usize::from(v.touchpoint)].id).collect());
        self.v_stage.push(visits.iter().map(|v| &*stage(v.stage).id).collect());
        self.v_at.push(visits.iter().map(|v| micros(v.at)).collect());
        self.v_source.push(visits.iter().map(|v| &*config.source(v.source).name).collect());
        self.v_event_id.push(visits.iter().map(|v| &*v.event_id).collect());
        self.v_channel.push(visits.iter().map(|v| v.channel.as_deref().unwrap_or_default()).collect());
        self.v_session.push(visits.iter().map(|v| &*v.session).collect());
        self.v_failed.push(visits.iter().map(|v| v.failed).collect());
        self.v_score.push(visits.iter().map(|v| v.score).collect());
        self.v_entry.push(visits.iter().map(|v| v.entry as u32 + 1).collect());
        self.v_beside.push(visits.iter().map(|v| v.beside).collect());
        self.feel(j, version);
    }

    /// Answers to surveys and declared impacts, in the order of the visits; a visit may tell both.
    fn feel(&mut self, j: &Journey, version: &'a DesignedMap) {
        let touchpoint = |v: &Visit| &version.touchpoints[usize::from(v.touchpoint)];
        let both = |v: &Visit| [v.score, touchpoint(v).emotion_impact];
        let told = j.visits.iter().flat_map(|v| both(v).into_iter().flatten().map(move |value| (v, value)));
        let told: Vec<(&Visit, f64)> = told.collect();
        self.f_stage.push(told.iter().map(|(v, _)| &*version.stages[usize::from(v.stage)].id).collect());
        self.f_touchpoint.push(told.iter().map(|(v, _)| &*touchpoint(v).id).collect());
        self.f_value.push(told.iter().map(|(_, value)| *value).collect());
    }

    fn follow(&mut self, j: &Journey, followed: &Followed, map: &'a MapVersions) {
        let version = &map.versions[j.version_ix];
        let fitness = followed.fitness();
        self.fit_cost.push(fitness.map_or(0, |fitness| fitness.cost));
        self.fit_most.push(fitness.map_or(0, |fitness| fitness.most));
        self.not_evaluated.push(fitness.err().map_or("", NotEvaluated::as_str));
        self.follows.push(followed.follows(version, j.entry_date));
        self.ambiguous_type.push(followed.verdict.ambiguous_type);
        let each = || followed.deviations();
        self.d_kind.push(each().map(|d| d.kind.as_str()).collect());
        self.d_place.push(each().map(|d| d.place.words(version)).collect());
        self.d_stage.push(each().map(|d| &*version.stages[usize::from(d.place.stage(version))].id).collect());
        self.d_accepted.push(each().map(|d| is_accepted(version, d, j.entry_date)).collect());
    }

    fn count(&mut self, journeys: &'a CustomerJourneys, config: &'a Config) {
        for c in &journeys.coverage {
            self.c_source.push(&config.source(c.source).name);
            self.c_day.push(c.day.0);
            self.c_fate.push(c.fate.as_str());
            self.c_rule.push(&c.rule);
            self.c_count.push(c.count);
        }
        for u in &journeys.unmapped {
            self.u_source.push(&config.source(u.source).name);
            self.u_name.push(&u.name);
            self.u_path.push(&u.path);
            self.u_count.push(u.count);
        }
    }
}

/// From when an entry date's rates may be points, as far as time goes.
fn matures_at(entry_date: Day, map: &MapVersions) -> Timestamp {
    entry_date.end_in(&map.newest().time_zone) + map.longest_window()
}
