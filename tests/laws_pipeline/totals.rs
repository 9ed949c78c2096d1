//! The sums that must agree (semantics.md, "Rates"). In: a store. Out: every place where two ways of counting differ.
//! Each query lists differences, so that none is what agrees.

use tropa::warehouse::Clickhouse;

use crate::tables::ask;

/// (what it says, rows that contradict it).
const LAWS: [(&str, &str); 16] = [
    (
        "per entry date, the transitions into a stage are its entries and the transitions out of it",
        "SELECT map, entry_date, stage, sum(i), sum(o), sum(e) FROM ( \
         SELECT map, entry_date, to_stage AS stage, transitions AS i, 0 AS o, 0 AS e FROM v_transitions WHERE to_stage NOT IN @outcomes \
         UNION ALL SELECT map, entry_date, from_stage, 0, transitions, 0 FROM v_transitions WHERE from_stage != 'start' \
         UNION ALL SELECT map, entry_date, stage, 0, 0, entries FROM v_stages) \
         GROUP BY map, entry_date, stage HAVING sum(i) != sum(o) OR sum(i) != sum(e)",
    ),
    (
        "overall too",
        "SELECT map, stage, sum(i), sum(o), sum(e) FROM ( \
         SELECT map, to_stage AS stage, transitions AS i, 0 AS o, 0 AS e FROM v_transitions WHERE to_stage NOT IN @outcomes \
         UNION ALL SELECT map, from_stage, 0, transitions, 0 FROM v_transitions WHERE from_stage != 'start' \
         UNION ALL SELECT map, stage, 0, 0, entries FROM v_stages) \
         GROUP BY map, stage HAVING sum(i) != sum(o) OR sum(i) != sum(e)",
    ),
    (
        "per entry date, what starts is what ends in an outcome is the list",
        "SELECT map, entry_date, sum(s), sum(o), sum(j) FROM ( \
         SELECT map, entry_date, if(from_stage = 'start', transitions, 0) AS s, if(to_stage IN @outcomes, transitions, 0) AS o, 0 AS j FROM v_transitions \
         UNION ALL SELECT map, entry_date, 0, 0, 1 FROM v_journeys) GROUP BY map, entry_date HAVING sum(s) != sum(o) OR sum(s) != sum(j)",
    ),
    (
        "the funnel is the rows of the list that entered the stage, and the transitions into it flagged as first",
        "SELECT map, entry_date, stage, sum(f), sum(l), sum(t) FROM ( \
         SELECT map, entry_date, stage, entered AS f, 0 AS l, 0 AS t FROM v_stages \
         UNION ALL SELECT map, entry_date, stage, 0, 1, 0 FROM v_journeys ARRAY JOIN arrayDistinct(stages) AS stage \
         UNION ALL SELECT map, entry_date, to_stage, 0, 0, first FROM v_transitions WHERE to_stage NOT IN @outcomes) \
         GROUP BY map, entry_date, stage HAVING sum(f) != sum(l) OR sum(f) != sum(t)",
    ),
    (
        "every outcome of the list is a transition from its last stage",
        "SELECT map, entry_date, stage, outcome, sum(l), sum(t) FROM ( \
         SELECT map, entry_date, last_stage AS stage, outcome, 1 AS l, 0 AS t FROM v_journeys \
         UNION ALL SELECT map, entry_date, from_stage, to_stage, 0, transitions FROM v_transitions WHERE to_stage IN @outcomes) \
         GROUP BY map, entry_date, stage, outcome HAVING sum(l) != sum(t)",
    ),
    (
        "drop-offs are the dropped journeys of the list, with their values, where and when they were last seen",
        "SELECT map, entry_date, stage, touchpoint, event_date, sum(d), sum(l), sum(v) FROM ( \
         SELECT map, entry_date, stage, touchpoint, event_date, drop_offs AS d, 0 AS l, value AS v FROM v_drop_offs \
         UNION ALL SELECT map, entry_date, last_stage, touchpoints[-1], outcome_date, 0, 1, -ifNull(value, 0.) FROM v_journeys WHERE outcome = 'dropped') \
         GROUP BY map, entry_date, stage, touchpoint, event_date HAVING sum(d) != sum(l) OR sum(v) != 0",
    ),
    (
        "transitions are the steps of the journeys, by the day of the step",
        "SELECT map, entry_date, event_date, f, t, sum(n), sum(m) FROM ( \
         SELECT map, entry_date, event_date, from_stage AS f, to_stage AS t, transitions AS n, 0 AS m FROM v_transitions WHERE from_stage != 'start' AND to_stage NOT IN @outcomes \
         UNION ALL SELECT s.map, s.entry_date, toDate32(toTimeZone(n.entered_at, 'UTC')), s.stage, s.next_stage, 0, 1 FROM v_journey_steps AS s \
           INNER JOIN v_journey_steps AS n ON n.map = s.map AND n.journey_id = s.journey_id AND n.step = s.step + 1 \
         ) WHERE map IN (SELECT map FROM v_current WHERE time_zone = 'UTC') GROUP BY map, entry_date, event_date, f, t HAVING sum(n) != sum(m)",
    ),
    (
        "decided, in flight and lost here are counted alike by the funnel and by the list",
        "SELECT map, entry_date, stage, sum(a), sum(b), sum(c) FROM ( \
         SELECT map, entry_date, stage, toInt64(decided) AS a, toInt64(in_flight) AS b, toInt64(entered) AS c FROM v_stages \
         UNION ALL SELECT map, entry_date, stage, -toInt64(outcome != 'in_flight'), -toInt64(outcome = 'in_flight'), toInt64(-1) FROM v_journeys ARRAY JOIN arrayDistinct(stages) AS stage) \
         GROUP BY map, entry_date, stage HAVING sum(a) != 0 OR sum(b) != 0 OR sum(c) != 0",
    ),
    (
        "the visits of the journeys are the events that coverage counts as inside",
        "SELECT map, sum(v), sum(c) FROM (SELECT map, length(touchpoints) AS v, 0 AS c FROM v_journeys \
         UNION ALL SELECT map, 0, events FROM v_coverage WHERE fate = 'in_journey') GROUP BY map HAVING sum(v) != sum(c)",
    ),
    (
        "visits by touchpoint are the visits of the list",
        "SELECT map, touchpoint, sum(v), sum(c) FROM (SELECT map, touchpoint, 1 AS v, 0 AS c FROM v_journeys ARRAY JOIN touchpoints AS touchpoint \
         UNION ALL SELECT map, touchpoint, 0, visits FROM touchpoints_1d FINAL WHERE reading IN (SELECT reading FROM v_current)) GROUP BY map, touchpoint HAVING sum(v) != sum(c)",
    ),
    (
        "every map sees every event of a customer once: the same sum of fates without copies that lost",
        "SELECT source, groupUniqArray(n) AS sums FROM (SELECT map, source, sum(events) AS n FROM v_coverage WHERE fate != 'superseded' GROUP BY map, source) \
         GROUP BY source HAVING length(sums) != 1",
    ),
    (
        "every journey is of one persona, and the funnel by persona adds up to the funnel",
        "SELECT map, stage, sum(p), sum(s), sum(d) FROM ( \
         SELECT map, stage, toInt64(reached) AS p, 0 AS s, toInt64(dropped + ended) AS d FROM v_personas \
         UNION ALL SELECT map, stage, 0, toInt64(entered), -toInt64(lost_dropped + lost_ended) FROM v_stages \
         UNION ALL SELECT map, '', 1, 0, 0 FROM v_journey_personas UNION ALL SELECT map, '', 0, 1, 0 FROM v_journeys) \
         GROUP BY map, stage HAVING sum(p) != sum(s) OR sum(d) != 0",
    ),
    (
        "customers of a persona are counted once each",
        "SELECT map, persona, stage, sum(v), sum(l) FROM ( \
         SELECT map, persona, stage, customers AS v, 0 AS l FROM v_personas \
         UNION ALL SELECT map, persona, stage, 0, 1 FROM (SELECT DISTINCT map, persona, stage, customer FROM v_journey_personas ARRAY JOIN stages AS stage)) \
         GROUP BY map, persona, stage HAVING sum(v) != sum(l)",
    ),
    (
        "emotion is told by answers and declared impacts, and its sum is theirs",
        "SELECT map, sum(n), sum(m), sum(e), sum(f) FROM ( \
         SELECT map, told AS n, 0 AS m, emotion_sum AS e, 0 AS f FROM v_emotions \
         UNION ALL SELECT map, 0, 1, 0, s FROM (SELECT map, `j.v_score` AS scores FROM customer_journeys FINAL ARRAY JOIN `j.v_score` WHERE is_deleted = 0 AND reading IN (SELECT reading FROM v_current)) \
           ARRAY JOIN scores AS s WHERE s IS NOT NULL \
         UNION ALL SELECT map, 0, 1, 0, -1.5 FROM v_journeys ARRAY JOIN touchpoints AS touchpoint WHERE touchpoint = 'error') \
         GROUP BY map HAVING sum(n) != sum(m) OR abs(sum(e) - sum(f)) > 1e-6",
    ),
    (
        "a journey has one row, and its id is its own",
        "SELECT map, journey_id, count() FROM v_journeys GROUP BY map, journey_id HAVING count() != 1",
    ),
    (
        "every identity row is among the candidates of its customer",
        "SELECT customer, node FROM identity FINAL WHERE customer != '' AND (customer, node) NOT IN (SELECT customer, node FROM identity_by_customer)",
    ),
];

pub async fn contradictions(store: &Clickhouse) -> Vec<String> {
    let mut out = Vec::new();
    for (law, query) in LAWS {
        let query = query.replace("@outcomes", "('completed', 'ended', 'dropped', 'in_flight')");
        let rows = ask(store, &query).await;
        if rows.lines().count() > 1 {
            out.push(format!("{law}:\n{}", rows.lines().take(4).collect::<Vec<_>>().join("\n")));
        }
    }
    out
}
