//! What single journeys tell, as SQL over the nested arrays of `customer_journeys`. In: a [`Scope`], the mature entry dates.
//! Out: SELECTs whose rows are the shapes of `walked.rs`. Meanings are those of semantics.md, "Conformance".

use super::select::{FITNESS, histogram, live};
use super::{Exposed, Landmark, Scope, Studied, quote};
use crate::time::Day;

/// Which entry dates are mature, as a condition.
pub(super) fn mature(days: &[Day]) -> String {
    if days.is_empty() {
        return "0".to_owned();
    }
    format!("toInt32(entry_date) IN ({})", days.iter().map(|d| d.0.to_string()).collect::<Vec<_>>().join(", "))
}

pub fn groups(scope: &Scope<'_>) -> String {
    let columns = [
        "map_version",
        "persona",
        "fit_cost",
        "fit_most",
        "follows",
        "ambiguous_type",
        "order_ambiguous",
        "clean",
        "d_kind",
    ];
    format!(
        "SELECT toInt32(entry_date) AS entry_day, map_version AS version, toString(l.persona) AS who, toString(outcome) AS outcome, l.order_ambiguous = 1 AS tied, [count(), countIf(fit_most > 0), countIf(l.follows = 1), \
         countIf(has(d_kind, 'forbidden')), {FITNESS}, countIf(l.ambiguous_type = 1), countIf(l.clean = 1)] AS counts \
         FROM ({}) AS l GROUP BY entry_day, version, who, outcome, tied ORDER BY entry_day, version, who, outcome, tied",
        live(scope, &columns)
    )
}

pub fn stages(scope: &Scope<'_>, days: &[Day]) -> String {
    let columns = [
        "map_version",
        "fit_cost",
        "fit_most",
        "ambiguous_type",
        "order_ambiguous",
        "clean",
        "e_stage",
        "d_kind",
        "d_stage",
        "d_accepted",
    ];
    let each = format!(
        "SELECT map_version, fit_cost, fit_most, l.ambiguous_type AS ambiguous, l.order_ambiguous = 1 AS tied, l.clean AS is_clean, stage, \
         arrayExists((s, a) -> s = stage AND a = 0, d_stage, d_accepted) AS strays, \
         arrayExists((k, s) -> k = 'forbidden' AND s = stage, d_kind, d_stage) AS forbids \
         FROM ({}) AS l ARRAY JOIN arrayDistinct(arrayConcat(e_stage, d_stage)) AS stage WHERE outcome != 'in_flight' AND {}",
        live(scope, &columns),
        mature(days)
    );
    format!(
        "SELECT map_version AS version, toString(stage) AS stage, tied, [count(), countIf(fit_most > 0), countIf(fit_most > 0 AND NOT strays), \
         countIf(forbids), {FITNESS}, countIf(ambiguous = 1), countIf(is_clean = 1)] AS counts \
         FROM ({each}) GROUP BY version, stage, tied ORDER BY version, stage, tied"
    )
}

/// At most `most` paths, each with its entry dates and personas; how many there are stands in every row.
pub fn paths(scope: &Scope<'_>, days: &[Day], most: usize) -> String {
    let columns = ["map_version", "persona", "fit_most", "order_ambiguous", "v_touchpoint", "v_beside"];
    let each = format!(
        "SELECT map_version AS version, l.order_ambiguous = 1 AS tied, outcome IN ('completed', 'ended') AS decided, \
         arrayFilter((t, b) -> b = 0, v_touchpoint, v_beside) AS path, toInt32(entry_date) AS entry_day, toString(l.persona) AS who, count() AS n \
         FROM ({}) AS l WHERE outcome != 'in_flight' AND fit_most > 0 AND {} GROUP BY version, tied, decided, path, entry_day, who",
        live(scope, &columns),
        mature(days)
    );
    format!(
        "SELECT version, tied, decided, path, parts, journeys, count() OVER () AS paths, sum(journeys) OVER () AS walked FROM \
         (SELECT version, tied, decided, path, arraySort(groupArray((entry_day, who, n))) AS parts, sum(n) AS journeys \
          FROM ({each}) GROUP BY version, tied, decided, path) \
         ORDER BY journeys DESC, version, tied, decided, path LIMIT {most}"
    )
}

/// At most `most` deviations, most frequent first.
pub fn deviations(scope: &Scope<'_>, days: &[Day], most: usize) -> String {
    let live = live(scope, &["id", "map_version", "value", "currency", "d_kind", "d_place", "d_stage", "d_accepted"]);
    // A kind and place stand once in a journey.
    let each = format!(
        "SELECT id, map_version, customer, outcome, {} AS is_mature, ifNull(l.value, 0.) AS worth, if(l.value IS NULL, '', l.currency) AS money, \
         d_kind[i] AS kind, d_place[i] AS place, d_stage[i] AS stage, d_accepted[i] AS accepted FROM ({live}) AS l ARRAY JOIN arrayEnumerate(d_kind) AS i",
        mature(days)
    );
    let by_currency = |name: &str, when: &str| {
        format!(
            "arrayFilter(v -> v.1 != '', arrayZip((sumMapIf([money], [worth], {when}) AS {name}_sum).1, {name}_sum.2)) AS {name}"
        )
    };
    format!(
        "SELECT map_version AS version, toString(kind) AS kind, toString(place) AS place, toString(stage) AS stage, \
         [count(), uniqExact(customer), countIf(accepted = 1), countIf(outcome = 'completed'), countIf(outcome = 'ended'), countIf(outcome = 'dropped'), \
          countIf(outcome = 'in_flight'), countIf(is_mature AND outcome != 'in_flight'), countIf(is_mature AND outcome = 'dropped')] AS counts, \
         {}, {}, groupArraySorted(3)(id) AS examples, count() OVER () AS kinds \
         FROM ({each}) GROUP BY version, kind, place, stage ORDER BY counts[1] DESC, version, kind, place, stage LIMIT {most}",
        by_currency("value", "1"),
        by_currency("at_stake", "outcome IN ('ended', 'dropped')"),
    )
}

/// Deviations of these kinds, all of them: there are no more than the map has places.
pub fn acceptable(scope: &Scope<'_>, kinds: &[&str]) -> String {
    let kinds: Vec<String> = kinds.iter().map(|k| quote(k)).collect();
    format!(
        "SELECT toString(kind) AS kind, toString(place) AS place, toString(stage) AS stage, count() AS journeys, countIf(accepted = 1) AS accepted FROM \
         (SELECT d_kind[i] AS kind, d_place[i] AS place, d_stage[i] AS stage, d_accepted[i] AS accepted FROM ({}) AS l ARRAY JOIN arrayEnumerate(d_kind) AS i) \
         WHERE kind IN ({}) GROUP BY kind, place, stage ORDER BY kind, place, stage",
        live(scope, &["d_kind", "d_place", "d_stage", "d_accepted"]),
        kinds.join(", ")
    )
}

/// With each of these deviations and without it: who was undecided at the landmark, who completed, and how long after.
pub fn associations(scope: &Scope<'_>, days: &[Day], studied: &[Studied]) -> String {
    let columns = [
        "map_version",
        "fit_most",
        "decided_at",
        "e_stage",
        "e_rank",
        "e_exit",
        "e_first_at",
        "v_touchpoint",
        "v_at",
        "v_entry",
        "v_failed",
        "v_channel",
        "e_last_at",
        "d_kind",
        "d_place",
    ];
    let one = |(i, s): (usize, &Studied)| {
        let with =
            format!("arrayExists((k, p) -> k = {} AND p = {}, d_kind, d_place)", quote(&s.kind), quote(&s.place));
        let at = landmark(&s.landmark, &format!("place_{i}"));
        format!("(toUInt32({i}), map_version = {}, {at}, {with} AND {})", s.version, exposed(s, i))
    };
    let list: Vec<String> = studied.iter().enumerate().map(one).collect();
    let each = format!(
        "SELECT outcome, one.1 AS studied, one.4 AS has_it, (toUnixTimestamp64Micro(decided_at) - toUnixTimestamp64Micro(assumeNotNull(one.3))) / 1e6 AS took \
         FROM ({}) AS l ARRAY JOIN arrayFilter(x -> x.2 AND isNotNull(x.3) AND (outcome = 'dropped' OR x.3 < decided_at), [{}]) AS one \
         WHERE outcome != 'in_flight' AND fit_most > 0 AND {}",
        live(scope, &columns),
        list.join(", "),
        mature(days)
    );
    format!(
        "SELECT studied, has_it, count() AS journeys, countIf(outcome = 'completed') AS completed, {} \
         FROM ({each}) GROUP BY studied, has_it ORDER BY studied, has_it",
        histogram("took", "outcome = 'completed'", ("time_bucket", "time_count")),
    )
}

/// When a journey reached the landmark, NULL: never. `alias`: of the stage entry or visit it was reached by, or left by;
/// aliases hold for a whole query, so each landmark has one of its own.
fn landmark(landmark: &Landmark, alias: &str) -> String {
    let or_null = |index: String, at: &str| format!("if(({index} AS {alias}) = 0, NULL, {})", at.replace('@', alias));
    let n = "length(e_stage)";
    match landmark {
        Landmark::Left(stage) => {
            let stage = quote(stage);
            let left = format!("arrayFirstIndex((s, k) -> s = {stage} AND k < {n}, e_stage, arrayEnumerate(e_stage))");
            or_null(left, "e_first_at[@ + 1]")
        }
        Landmark::Past(rank) => {
            or_null(format!("arrayFirstIndex((r, x) -> r > {rank} AND x = 0, e_rank, e_exit)"), "e_first_at[@]")
        }
        Landmark::Change(from, to, times) => {
            let (from, to) = (quote(from), quote(to));
            // Side by side: a lambda that takes a whole array with it copies it for every element.
            let (before, after) = ("arrayPopBack(e_stage)", "arrayPopFront(e_stage)");
            let changes =
                format!("arrayFilter((k, a, b) -> a = {from} AND b = {to}, range(1, {n}), {before}, {after})");
            or_null(format!("{changes}[{times}]"), "e_first_at[@ + 1]")
        }
        Landmark::Visit(touchpoint, 1) => or_null(format!("indexOf(v_touchpoint, {})", quote(touchpoint)), "v_at[@]"),
        Landmark::Visit(touchpoint, times) => {
            let t = quote(touchpoint);
            let nth = "arrayEnumerateUniq(v_touchpoint, v_entry)";
            or_null(format!("arrayFirstIndex((u, c) -> u = {t} AND c = {times}, v_touchpoint, {nth})"), "v_at[@]")
        }
    }
}

/// Whether a journey that reached the landmark has the deviation by then.
fn exposed(studied: &Studied, number: usize) -> String {
    let place = format!("place_{number}");
    let list = |words: &[String]| words.iter().map(|w| quote(w)).collect::<Vec<_>>().join(", ");
    // Between stages the clock runs from first visit to first visit, within one from first to last.
    let until = match studied.landmark {
        Landmark::Left(_) => format!("e_last_at[{place}]"),
        _ => format!("e_first_at[{place} + 1]"),
    };
    let took = format!("(toUnixTimestamp64Micro({until}) - toUnixTimestamp64Micro(e_first_at[{place}]))");
    match &studied.exposed {
        Exposed::WentTo(stage) => format!("e_stage[{place} + 1] = {}", quote(stage)),
        Exposed::Longer(micros) => format!("{took} > {micros}"),
        Exposed::Shorter(micros) => format!("{took} < {micros}"),
        Exposed::NoneOf(owed) => {
            format!("NOT arrayExists((u, e) -> u IN ({}) AND e < {place}, v_touchpoint, v_entry)", list(owed))
        }
        Exposed::NotIn(stage) => {
            format!("NOT arrayExists((s, k) -> s = {} AND k < {place}, e_stage, arrayEnumerate(e_stage))", quote(stage))
        }
        Exposed::Visited(touchpoint) => {
            format!("arrayExists((u, e) -> u = {} AND e <= {place}, v_touchpoint, v_entry)", quote(touchpoint))
        }
        Exposed::Failed => format!("v_failed[{place}] = 1"),
        Exposed::ThroughNoneOf(channels) if channels.is_empty() => "0".to_owned(),
        Exposed::ThroughNoneOf(channels) => {
            format!("v_channel[{place}] != '' AND v_channel[{place}] NOT IN ({})", list(channels))
        }
        Exposed::OnceMore => {
            let once_more = match &studied.landmark {
                Landmark::Visit(t, n) => Landmark::Visit(t.clone(), n + 1),
                Landmark::Change(from, to, n) => Landmark::Change(from.clone(), to.clone(), n + 1),
                other => other.clone(),
            };
            let again = landmark(&once_more, &format!("again_{number}"));
            format!("ifNull(outcome = 'dropped' OR {again} <= decided_at, 0) AND again_{number} > 0")
        }
    }
}

/// When and through which channels each touchpoint was visited inside journeys. All entry dates, all outcomes.
pub fn seen(scope: &Scope<'_>) -> String {
    format!(
        "SELECT toString(touchpoint) AS touchpoint, count() AS visits, min(at) AS first, max(at) AS last, \
         arraySort(arrayFilter(c -> c != '', groupUniqArray(toString(channel)))) AS channels FROM \
         (SELECT v_touchpoint[i] AS touchpoint, v_channel[i] AS channel, toUnixTimestamp64Micro(v_at[i]) AS at FROM ({}) AS l \
          ARRAY JOIN arrayEnumerate(v_touchpoint) AS i) GROUP BY touchpoint ORDER BY touchpoint",
        live(scope, &["v_touchpoint", "v_channel", "v_at"])
    )
}
