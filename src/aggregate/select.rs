//! What each aggregate counts, as SQL over the nested arrays of `customer_journeys`. In: a [`Scope`]. Out: a SELECT of
//! bucket, keys and figures. Meanings are those of semantics.md, "Rates".

use super::{Scope, buckets, moment, quote};

/// One row per live journey, with the outcome that `as_of` decides.
pub(super) fn live(scope: &Scope<'_>, columns: &[&str]) -> String {
    let nested = |c: &&str| format!("`j.{c}` AS {c}");
    let always = ["entry_date", "dims", "decision", "drops_at", "belongs_until"];
    let all: Vec<&str> = always.iter().chain(columns).copied().collect();
    let select: Vec<String> = all.iter().map(nested).collect();
    let joined: Vec<String> = all.iter().map(|c| format!("`j.{c}`")).collect();
    let as_of = moment(scope.as_of);
    format!(
        "SELECT bucket, customer, {}, dims[1] AS dim_1, dims[2] AS dim_2, dims[3] AS dim_3, dims[4] AS dim_4, \
         multiIf(decision != 'open', toString(decision), {as_of} >= drops_at, 'dropped', 'in_flight') AS outcome, \
         (outcome = 'completed' AND belongs_until > {as_of}) AS completed_and_open \
         FROM (SELECT bucket, customer, {joined} FROM {} FINAL WHERE map = {} AND reading = {} AND is_deleted = 0 AND {}) \
         ARRAY JOIN {joined}",
        select.join(", "),
        scope.table,
        quote(scope.map),
        quote(scope.reading),
        buckets(scope.buckets),
        // Named twice: of a star the analyzer resolves some eighty columns, in every query anew.
        joined = joined.join(", "),
    )
}

const DIMS: &str = "dim_1, dim_2, dim_3, dim_4";

/// The histogram bucket of a number of seconds (see `bucket_seconds`).
fn histogram_bucket(seconds: &str) -> String {
    format!("if({seconds} <= 0, toInt32(0), toInt32(1000 + floor(log({seconds}) / log(1.02))))")
}

/// Two columns from a sum by bucket of the rows where `condition` holds.
pub(super) fn histogram(seconds: &str, condition: &str, (keys, counts): (&str, &str)) -> String {
    let bucket = histogram_bucket(seconds);
    format!("(sumMapIf([{bucket}], [toUInt64(1)], {condition}) AS {keys}_sum).1 AS {keys}, {keys}_sum.2 AS {counts}")
}

fn seconds(from: &str, to: &str) -> String {
    format!("((toUnixTimestamp64Micro({to}) - toUnixTimestamp64Micro({from})) / 1e6)")
}

pub(super) fn journeys(scope: &Scope<'_>) -> String {
    let live = live(scope, &["matures_at", "order_ambiguous", "left_truncated", "clean", "value"]);
    format!(
        "SELECT bucket, entry_date, matures_at, {DIMS}, count() AS entered, countIf(outcome = 'completed') AS completed, \
         countIf(outcome = 'ended') AS ended, countIf(outcome = 'dropped') AS dropped, countIf(outcome = 'in_flight') AS in_flight, \
         countIf(completed_and_open) AS completed_open, uniqExact(customer) AS customers, \
         countIf(l.order_ambiguous = 1) AS order_ambiguous, countIf(l.left_truncated = 1) AS left_truncated, \
         countIf(l.clean = 1) AS clean, sum(ifNull(l.value, 0.)) AS value \
         FROM ({live}) AS l GROUP BY bucket, entry_date, matures_at, {DIMS}"
    )
}

/// One row per stage entry i of each live journey. A journey's figures hang on its first entry of the stage. `more`: columns
/// of the journey beside.
pub(super) fn stage_entries(scope: &Scope<'_>, more: &[&str]) -> String {
    let own = ["success_entry", "e_stage", "e_rank", "e_exit", "e_first_at", "e_last_at", "e_is_first", "e_problems"];
    let live = live(scope, &[&own[..], more].concat());
    let more: String = more.iter().map(|column| format!("{column}, ")).collect();
    format!(
        "SELECT bucket, customer, entry_date, {DIMS}, {more}outcome, completed_and_open, e_stage[i] AS stage, e_is_first[i] = 1 AS is_first, e_exit[i] = 1 AS is_exit, \
         i = length(e_stage) AS is_last, \
         (success_entry >= i AND success_entry > 0) OR arrayExists((r, x, k) -> k > i AND r > e_rank[i] AND x = 0, e_rank, e_exit, arrayEnumerate(e_rank)) AS went_on, \
         arrayLastIndex(x -> x = 0, e_exit) AS last_stay, last_stay > 0 AND e_stage[last_stay] = e_stage[i] AS stood_here, \
         arrayDistinct(arrayFlatten(arrayFilter((p, s) -> s = e_stage[i], e_problems, e_stage))) AS problems, \
         {in_stage} AS in_stage, if(i < length(e_stage), {to_next}, 0) AS to_next \
         FROM ({live}) ARRAY JOIN arrayEnumerate(e_stage) AS i",
        in_stage = seconds("e_first_at[i]", "e_last_at[i]"),
        to_next = seconds("e_first_at[i]", "e_first_at[i + 1]"),
    )
}

/// Of the journeys that entered a stage, by their first entry of it: a figure, and which of them it counts.
pub(super) const OF_ENTERED: [(&str, &str); 10] = [
    ("entered", "1"),
    ("decided", "outcome != 'in_flight'"),
    ("progressed", "outcome != 'in_flight' AND went_on"),
    ("progressed_in_flight", "outcome = 'in_flight' AND went_on"),
    ("in_flight", "outcome = 'in_flight'"),
    ("dropped", "outcome = 'dropped'"),
    ("completed_open", "completed_and_open"),
    ("progressed_dropped", "outcome = 'dropped' AND went_on"),
    ("lost_dropped", "outcome = 'dropped' AND stood_here"),
    ("lost_ended", "outcome = 'ended' AND stood_here"),
];

pub(super) fn stages(scope: &Scope<'_>) -> String {
    let entries = stage_entries(scope, &[]);
    let of_entered = OF_ENTERED.map(|(name, which)| format!("countIf(is_first AND {which}) AS {name}")).join(", ");
    format!(
        "SELECT bucket, entry_date, {DIMS}, stage, count() AS entries, {of_entered}, countIf(is_last AND is_exit AND outcome = 'ended') AS ended, countIf(is_last AND outcome = 'in_flight') AS open_entries, \
         (sumMapIf(problems, arrayMap(p -> toUInt64(1), problems), is_first) AS problem_sum).1 AS problem_id, problem_sum.2 AS problem_journeys, \
         {time}, {next} \
         FROM ({entries}) GROUP BY bucket, entry_date, {DIMS}, stage",
        time = histogram("in_stage", "NOT (is_last AND outcome = 'in_flight')", ("time_bucket", "time_count")),
        next = histogram("to_next", "NOT is_last", ("next_bucket", "next_count")),
    )
}

pub(super) fn transitions(scope: &Scope<'_>) -> String {
    let live = live(scope, &["decided_date", "e_stage", "e_first_at", "e_first_date", "e_is_first"]);
    // Step k leads into entry k; the step after the last entry leads into the outcome.
    let steps = format!(
        "SELECT bucket, entry_date, {DIMS}, outcome, length(e_stage) AS n, k <= n AS inside, \
         if(k = 1, 'start', toString(e_stage[k - 1])) AS from_stage, if(inside, toString(e_stage[k]), outcome) AS to_stage, \
         if(inside, e_first_date[k], decided_date) AS event_date, inside AND e_is_first[k] = 1 AS is_first, k > 1 AND inside AS timed, \
         if(timed, {time}, 0) AS took \
         FROM ({live}) ARRAY JOIN range(1, length(e_stage) + 2) AS k",
        time = seconds("e_first_at[k - 1]", "e_first_at[k]"),
    );
    format!(
        "SELECT bucket, entry_date, event_date, {DIMS}, from_stage, to_stage, count() AS transitions, countIf(outcome != 'in_flight') AS decided, \
         countIf(is_first) AS first, {time} FROM ({steps}) GROUP BY bucket, entry_date, event_date, {DIMS}, from_stage, to_stage",
        time = histogram("took", "timed", ("time_bucket", "time_count")),
    )
}

pub(super) fn drop_offs(scope: &Scope<'_>) -> String {
    let live = live(scope, &["last_date", "e_stage", "v_touchpoint", "value"]);
    format!(
        "SELECT bucket, entry_date, last_date AS event_date, {DIMS}, e_stage[-1] AS stage, v_touchpoint[-1] AS touchpoint, count() AS drop_offs, \
         sum(ifNull(l.value, 0.)) AS value FROM ({live}) AS l WHERE outcome = 'dropped' GROUP BY bucket, entry_date, event_date, {DIMS}, stage, touchpoint"
    )
}

pub(super) fn touchpoints(scope: &Scope<'_>) -> String {
    let live = live(scope, &["v_touchpoint", "v_channel", "v_failed"]);
    format!(
        "SELECT bucket, entry_date, {DIMS}, touchpoint, channel, count() AS visits, countIf(is_first) AS journeys, countIf(has_failed) AS failed \
         FROM (SELECT bucket, entry_date, {DIMS}, v_touchpoint[i] AS touchpoint, v_channel[i] AS channel, v_failed[i] = 1 AS has_failed, \
               indexOf(v_touchpoint, v_touchpoint[i]) = i AS is_first FROM ({live}) ARRAY JOIN arrayEnumerate(v_touchpoint) AS i) \
         GROUP BY bucket, entry_date, {DIMS}, touchpoint, channel"
    )
}

/// Sum of the fitness of those evaluated, in millionths, rounded for each journey.
pub(super) const FITNESS: &str = "toUInt64(sumIf(round((1 - fit_cost / greatest(fit_most, 1)) * 1e6), fit_most > 0))";

pub(super) fn conformance(scope: &Scope<'_>) -> String {
    let columns =
        ["matures_at", "map_version", "fit_cost", "fit_most", "follows", "ambiguous_type", "order_ambiguous", "d_kind"];
    let live = live(scope, &columns);
    format!(
        "SELECT bucket, entry_date, matures_at, map_version, {DIMS}, outcome, count() AS journeys, countIf(fit_most > 0) AS evaluated, \
         countIf(l.follows = 1) AS following, countIf(has(d_kind, 'forbidden')) AS forbidden, \
         {FITNESS} AS fitness_ppm, \
         countIf(l.ambiguous_type = 1) AS ambiguous_type, countIf(l.order_ambiguous = 1) AS order_ambiguous, \
         countIf(l.order_ambiguous = 1 AND fit_most > 0) AS evaluated_order_ambiguous, \
         countIf(l.order_ambiguous = 1 AND l.follows = 1) AS following_order_ambiguous \
         FROM ({live}) AS l GROUP BY bucket, entry_date, matures_at, map_version, {DIMS}, outcome"
    )
}

pub(super) fn deviations(scope: &Scope<'_>) -> String {
    let live = live(scope, &["map_version", "value", "d_kind", "d_place", "d_stage", "d_accepted"]);
    // A kind and place stand once in a journey.
    let each = format!(
        "SELECT bucket, entry_date, map_version, {DIMS}, customer, outcome, ifNull(l.value, 0.) AS worth, d_kind[i] AS kind, d_place[i] AS place, \
         d_stage[i] AS stage, d_accepted[i] AS accepted FROM ({live}) AS l ARRAY JOIN arrayEnumerate(d_kind) AS i"
    );
    format!(
        "SELECT bucket, entry_date, map_version, {DIMS}, kind, place, stage, accepted, count() AS journeys, countIf(outcome = 'completed') AS completed, \
         countIf(outcome = 'ended') AS ended, countIf(outcome = 'dropped') AS dropped, countIf(outcome = 'in_flight') AS in_flight, \
         uniqExact(customer) AS customers, sum(worth) AS value, sumIf(worth, outcome IN ('ended', 'dropped')) AS value_lost \
         FROM ({each}) GROUP BY bucket, entry_date, map_version, {DIMS}, kind, place, stage, accepted"
    )
}

pub(super) fn emotions(scope: &Scope<'_>) -> String {
    let live = live(scope, &["map_version", "persona", "f_stage", "f_touchpoint", "f_value"]);
    format!(
        "SELECT bucket, entry_date, map_version, persona, stage, touchpoint, count() AS told, \
         (sumMap([toInt32(round(felt * 1e6))], [toUInt64(1)]) AS emotion_sum).1 AS emotion_ppm, emotion_sum.2 AS emotion_count \
         FROM (SELECT bucket, entry_date, map_version, persona, f_stage[i] AS stage, f_touchpoint[i] AS touchpoint, f_value[i] AS felt \
          FROM ({live}) AS l ARRAY JOIN arrayEnumerate(f_value) AS i) \
         GROUP BY bucket, entry_date, map_version, persona, stage, touchpoint"
    )
}

pub(super) fn coverage(scope: &Scope<'_>) -> String {
    let joined = "`c.source`, `c.day`, `c.fate`, `c.rule`, `c.count`";
    format!(
        "SELECT bucket, `c.source` AS source, `c.day` AS event_date, `c.fate` AS fate, `c.rule` AS rule, sum(`c.count`) AS events \
         FROM (SELECT bucket, {joined} FROM {} FINAL WHERE map = {} AND reading = {} AND is_deleted = 0 AND {}) \
         ARRAY JOIN {joined} GROUP BY bucket, source, event_date, fate, rule",
        scope.table,
        quote(scope.map),
        quote(scope.reading),
        buckets(scope.buckets)
    )
}
