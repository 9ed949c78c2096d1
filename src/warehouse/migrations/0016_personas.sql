ALTER TABLE customer_journeys ADD COLUMN IF NOT EXISTS `j.persona` Array(String) COMMENT 'Of which persona the customer was at entry, or other; empty: computed by an older program' AFTER `j.trail_ends`,
    ADD COLUMN IF NOT EXISTS `j.f_stage` Array(Array(String)) COMMENT 'What told of emotion, in order: the stage where the journey stood' AFTER `j.persona`,
    ADD COLUMN IF NOT EXISTS `j.f_touchpoint` Array(Array(String)) COMMENT 'The touchpoint: a survey that was answered, or one with a declared impact' AFTER `j.f_stage`,
    ADD COLUMN IF NOT EXISTS `j.f_value` Array(Array(Float64)) COMMENT 'The emotion, -2 to +2: the answer rescaled, or the impact' AFTER `j.f_touchpoint`;

CREATE TABLE IF NOT EXISTS emotions_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    entry_date Date32 COMMENT 'Day of the journey''s entry in the map''s zone',
    map_version UInt32 COMMENT 'Version of the map that judges it',
    persona LowCardinality(String) COMMENT 'Persona of the customer at entry, or other',
    stage LowCardinality(String) COMMENT 'Stage where the journey stood',
    touchpoint LowCardinality(String) COMMENT 'The survey that was answered, or the touchpoint with a declared impact',
    told UInt64 COMMENT 'Answers, or visits with that impact',
    emotion_ppm Array(Int32) COMMENT 'Their emotions, -2 to +2, in millionths',
    emotion_count Array(UInt64) COMMENT 'How many told each of them',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, entry_date, map_version, persona, stage, touchpoint)
COMMENT 'Measured emotion by entry date; read with FINAL, sum and sumMap';

CREATE VIEW IF NOT EXISTS v_emotions
(
    map String COMMENT 'Id of the map', map_version UInt32 COMMENT 'Version of the map', entry_date Date32 COMMENT 'Day of the journey''s entry in the map''s zone', persona String COMMENT 'Persona of the customer at entry, or other', stage String COMMENT 'Stage where the journey stood', touchpoint String COMMENT 'The survey that was answered, or the touchpoint with a declared impact',
    told UInt64 COMMENT 'Answers, or visits with that impact', emotion_sum Float64 COMMENT 'Sum of their emotions, each -2 to +2: divide sums by sums, never average averages', emotion Nullable(Float64) COMMENT 'Mean', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT e.map AS map, e.map_version AS map_version, e.entry_date AS entry_date, e.persona AS persona, e.stage AS stage, e.touchpoint AS touchpoint, sum(e.told) AS told,
    sum(arraySum((p, n) -> toInt64(p) * toInt64(n), e.emotion_ppm, e.emotion_count)) / 1e6 AS emotion_sum, if(told = 0, NULL, emotion_sum / told) AS emotion, any(v.as_of) AS as_of
FROM emotions_1d AS e FINAL INNER JOIN v_current AS v ON e.map = v.map AND e.reading = v.reading
GROUP BY map, map_version, entry_date, persona, stage, touchpoint HAVING told > 0;

ALTER TABLE v_emotions MODIFY COMMENT 'Measured emotion by entry date, persona, stage and touchpoint';

CREATE VIEW IF NOT EXISTS v_journey_personas
(
    map String COMMENT 'Id of the map', map_version UInt32 COMMENT 'Version of the map that judges it', customer String COMMENT 'Name of the customer', journey_id String COMMENT 'The journey, as in v_journeys', entry_date Date32 COMMENT 'Day of its entry', persona String COMMENT 'Of which persona the customer was at entry, or other',
    outcome String COMMENT 'Its outcome at as_of', stages Array(String) COMMENT 'Stages reached, each once', lost_at String COMMENT 'Of a dropped or ended journey the last stage entered that is no exit, else empty', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT map, `j.map_version` AS map_version, customer, `j.id` AS journey_id, `j.entry_date` AS entry_date, `j.persona` AS persona,
    multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome, arrayDistinct(`j.e_stage`) AS stages,
    if(outcome IN ('dropped', 'ended'), `j.e_stage`[arrayLastIndex(x -> x = 0, `j.e_exit`)], '') AS lost_at, as_of
FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0 AND (map, reading) IN (SELECT map, reading FROM v_current))
ARRAY JOIN `j.id`, `j.map_version`, `j.entry_date`, `j.persona`, `j.decision`, `j.drops_at`, `j.e_stage`, `j.e_exit`;

ALTER TABLE v_journey_personas MODIFY COMMENT 'Of which persona each journey is';

CREATE VIEW IF NOT EXISTS v_personas
(
    map String COMMENT 'Id of the map', persona String COMMENT 'Persona at entry, or other', stage String COMMENT 'Stage of the map', customers UInt64 COMMENT 'Customers who reached it', reached UInt64 COMMENT 'Journeys that reached it', decided UInt64 COMMENT 'Of them completed, ended or dropped by now',
    dropped UInt64 COMMENT 'Of them lost here in silence', ended UInt64 COMMENT 'Of them lost here with a reason', completed UInt64 COMMENT 'Of them completed, here or later', in_flight UInt64 COMMENT 'Of them still on their way', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT p.map AS map, p.persona AS persona, p.stage AS stage, uniqExact(p.customer) AS customers, count() AS reached, countIf(p.outcome != 'in_flight') AS decided,
    countIf(p.outcome = 'dropped' AND p.lost_at = p.stage) AS dropped, countIf(p.outcome = 'ended' AND p.lost_at = p.stage) AS ended, countIf(p.outcome = 'completed') AS completed, countIf(p.outcome = 'in_flight') AS in_flight, any(p.as_of) AS as_of
FROM (SELECT map, persona, customer, outcome, lost_at, as_of, arrayJoin(stages) AS stage FROM v_journey_personas) AS p
GROUP BY map, persona, stage;

ALTER TABLE v_personas MODIFY COMMENT 'The funnel by persona: who reached each stage, and who was lost there; all entry dates';
