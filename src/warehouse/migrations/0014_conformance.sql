ALTER TABLE customer_journeys ADD COLUMN IF NOT EXISTS `j.fit_cost` Array(UInt32) COMMENT 'Log and model moves of the best alignment with the map' AFTER `j.v_beside`,
    ADD COLUMN IF NOT EXISTS `j.fit_most` Array(UInt32) COMMENT 'What the cost is measured by: events, and visits of the shortest run to the end; fitness = 1 - fit_cost / fit_most; 0: not evaluated' AFTER `j.fit_cost`,
    ADD COLUMN IF NOT EXISTS `j.not_evaluated` Array(String) COMMENT 'Why there is no alignment: too_long, no_run, no_events; empty: there is one' AFTER `j.fit_most`,
    ADD COLUMN IF NOT EXISTS `j.follows` Array(UInt8) COMMENT '1: evaluated, and no deviation that the map does not accept' AFTER `j.not_evaluated`,
    ADD COLUMN IF NOT EXISTS `j.ambiguous_type` Array(UInt8) COMMENT '1: another of the best alignments tells of other deviations' AFTER `j.follows`,
    ADD COLUMN IF NOT EXISTS `j.d_kind` Array(Array(String)) COMMENT 'Deviations: out_of_order, repeated, forbidden, unexpected, missing, too_slow, too_fast, wrong_channel, failed' AFTER `j.ambiguous_type`,
    ADD COLUMN IF NOT EXISTS `j.d_place` Array(Array(String)) COMMENT 'Where: ids of a touchpoint, of a stage, of the touchpoints of a choice, or of both stages of a change' AFTER `j.d_kind`,
    ADD COLUMN IF NOT EXISTS `j.d_stage` Array(Array(String)) COMMENT 'The stage it lies in, or leaves' AFTER `j.d_place`,
    ADD COLUMN IF NOT EXISTS `j.d_accepted` Array(Array(UInt8)) COMMENT '1: the map accepts it on the journey''s entry date' AFTER `j.d_stage`;

CREATE TABLE IF NOT EXISTS conformance_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    entry_date Date32 COMMENT 'Day of entry in the map''s zone',
    matures_at DateTime64(6, 'UTC') COMMENT 'End of that day + the longest W',
    map_version UInt32 COMMENT 'Version of the map that judges them',
    dim_1 LowCardinality(String) COMMENT 'First dimension at entry',
    dim_2 LowCardinality(String) COMMENT 'Second dimension',
    dim_3 LowCardinality(String) COMMENT 'Third dimension',
    dim_4 LowCardinality(String) COMMENT 'Fourth dimension',
    outcome LowCardinality(String) COMMENT 'completed, ended, dropped or in_flight',
    journeys UInt64 COMMENT 'Journeys with that outcome',
    evaluated UInt64 COMMENT 'Of them with an alignment',
    following UInt64 COMMENT 'Of them without a deviation that is not accepted',
    forbidden UInt64 COMMENT 'Journeys with a forbidden transition, accepted or not',
    fitness_ppm UInt64 COMMENT 'Sum of the fitness of those evaluated, in millionths, rounded for each journey',
    ambiguous_type UInt64 COMMENT 'Journeys of which another of the best alignments tells of other deviations',
    order_ambiguous UInt64 COMMENT 'Journeys whose order rests on a tie',
    evaluated_order_ambiguous UInt64 COMMENT 'Of them evaluated',
    following_order_ambiguous UInt64 COMMENT 'Of them following the map',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, entry_date, matures_at, map_version, dim_1, dim_2, dim_3, dim_4, outcome)
COMMENT 'How journeys followed the map, by entry date; read with FINAL and sum';

CREATE TABLE IF NOT EXISTS deviations_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    entry_date Date32 COMMENT 'Day of the journey''s entry in the map''s zone',
    map_version UInt32 COMMENT 'Version of the map that judges it',
    dim_1 LowCardinality(String) COMMENT 'First dimension at entry',
    dim_2 LowCardinality(String) COMMENT 'Second dimension',
    dim_3 LowCardinality(String) COMMENT 'Third dimension',
    dim_4 LowCardinality(String) COMMENT 'Fourth dimension',
    kind LowCardinality(String) COMMENT 'Type of the deviation',
    place LowCardinality(String) COMMENT 'Where: ids of touchpoints or stages',
    stage LowCardinality(String) COMMENT 'The stage it lies in, or leaves',
    accepted UInt8 COMMENT '1: the map accepts it',
    journeys UInt64 COMMENT 'Journeys that have it',
    completed UInt64 COMMENT 'Of them completed',
    ended UInt64 COMMENT 'Of them ended with a reason',
    dropped UInt64 COMMENT 'Of them dropped in silence',
    in_flight UInt64 COMMENT 'Of them still on their way',
    customers UInt64 COMMENT 'Customers with such a journey on that day and in that group; not to be summed over days',
    value Float64 COMMENT 'Sum of the journeys'' values',
    value_lost Float64 COMMENT 'Of those ended or dropped',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, entry_date, map_version, dim_1, dim_2, dim_3, dim_4, kind, place, stage, accepted)
COMMENT 'Deviations by entry date of the journey; read with FINAL and sum';

CREATE VIEW IF NOT EXISTS v_conformance
(
    map String COMMENT 'Id of the map', map_version UInt32 COMMENT 'Version of the map', entry_date Date32 COMMENT 'Day of entry in the map''s zone', outcome String COMMENT 'completed, ended, dropped or in_flight; in flight is never part of the share',
    journeys UInt64 COMMENT 'Journeys', evaluated UInt64 COMMENT 'Of them with an alignment', not_evaluated UInt64 COMMENT 'Of them without', following UInt64 COMMENT 'Journeys that follow the map: no deviation that is not accepted', follows_share Nullable(Float64) COMMENT 'following / evaluated', fitness Nullable(Float64) COMMENT 'Mean fitness of those evaluated',
    forbidden UInt64 COMMENT 'Journeys with a forbidden transition', ambiguous_type UInt64 COMMENT 'Journeys of which another of the best alignments tells of other deviations', order_ambiguous UInt64 COMMENT 'Journeys whose order rests on a tie', mature UInt8 COMMENT '1: as_of is past the end of the day + the longest W', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT c.map AS map, c.map_version AS map_version, c.entry_date AS entry_date, c.outcome AS outcome, sum(c.journeys) AS journeys, sum(c.evaluated) AS evaluated, sum(c.journeys) - sum(c.evaluated) AS not_evaluated, sum(c.following) AS following,
    if(sum(c.evaluated) = 0, NULL, sum(c.following) / sum(c.evaluated)) AS follows_share, if(sum(c.evaluated) = 0, NULL, sum(c.fitness_ppm) / 1e6 / sum(c.evaluated)) AS fitness,
    sum(c.forbidden) AS forbidden, sum(c.ambiguous_type) AS ambiguous_type, sum(c.order_ambiguous) AS order_ambiguous, toUInt8(any(v.as_of) >= max(c.matures_at)) AS mature, any(v.as_of) AS as_of
FROM conformance_1d AS c FINAL INNER JOIN v_current AS v ON c.map = v.map AND c.reading = v.reading
GROUP BY map, map_version, entry_date, outcome HAVING journeys > 0;

ALTER TABLE v_conformance MODIFY COMMENT 'Do journeys follow the map (conformance), by entry date and outcome';

CREATE VIEW IF NOT EXISTS v_journey_deviations
(
    map String COMMENT 'Id of the map', map_version UInt32 COMMENT 'Version of the map that judges it', customer String COMMENT 'Name of the customer', journey_id String COMMENT 'The journey', entry_date Date32 COMMENT 'Day of its entry', outcome String COMMENT 'Its outcome at as_of',
    kind String COMMENT 'Type of the deviation', place String COMMENT 'Where: ids of touchpoints or stages', stage String COMMENT 'The stage it lies in, or leaves', accepted UInt8 COMMENT '1: the map accepts it', value Nullable(Float64) COMMENT 'Value of the journey', currency String COMMENT 'Its currency', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT map, map_version, customer, journey_id, entry_date, outcome, d_kind[i] AS kind, d_place[i] AS place, d_stage[i] AS stage, d_accepted[i] AS accepted, value, currency, as_of
FROM (
    SELECT map, customer, as_of, `j.id` AS journey_id, `j.map_version` AS map_version, `j.entry_date` AS entry_date, `j.value` AS value, `j.currency` AS currency, `j.d_kind` AS d_kind, `j.d_place` AS d_place, `j.d_stage` AS d_stage, `j.d_accepted` AS d_accepted,
        multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome
    FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0 AND (map, reading) IN (SELECT map, reading FROM v_current))
    ARRAY JOIN `j.id`, `j.map_version`, `j.entry_date`, `j.value`, `j.currency`, `j.d_kind`, `j.d_place`, `j.d_stage`, `j.d_accepted`, `j.decision`, `j.drops_at`
)
ARRAY JOIN arrayEnumerate(d_kind) AS i;

ALTER TABLE v_journey_deviations MODIFY COMMENT 'One row per journey and deviation';

CREATE VIEW IF NOT EXISTS v_deviations
(
    map String COMMENT 'Id of the map', map_version UInt32 COMMENT 'Version of the map', kind String COMMENT 'Type of the deviation', place String COMMENT 'Where: ids of touchpoints or stages', stage String COMMENT 'The stage it lies in, or leaves', accepted UInt8 COMMENT '1: the map accepts it',
    journeys UInt64 COMMENT 'Journeys that have it, in flight included', customers UInt64 COMMENT 'Customers with such a journey', decided UInt64 COMMENT 'Of the journeys: completed, ended or dropped', share Nullable(Float64) COMMENT 'decided / all decided journeys of that version',
    completed UInt64 COMMENT 'Of them completed', ended UInt64 COMMENT 'Of them ended with a reason', dropped UInt64 COMMENT 'Of them dropped in silence', drop_off_share Nullable(Float64) COMMENT 'dropped / decided: how many of those that have it are lost in silence', share_of_drop_offs Nullable(Float64) COMMENT 'dropped / all dropped journeys of that version',
    value Float64 COMMENT 'Sum of the journeys'' values', value_at_stake Float64 COMMENT 'Of those ended or dropped', currencies Array(String) COMMENT 'Currencies of these values; more than one: do not add them', examples Array(String) COMMENT 'Three journeys, by id', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT d.map AS map, d.map_version AS map_version, d.kind AS kind, d.place AS place, d.stage AS stage, d.accepted AS accepted, count() AS journeys, uniqExact(d.customer) AS customers, countIf(d.outcome != 'in_flight') AS decided,
    if(any(t.decided) = 0, NULL, decided / any(t.decided)) AS share, countIf(d.outcome = 'completed') AS completed, countIf(d.outcome = 'ended') AS ended, countIf(d.outcome = 'dropped') AS dropped,
    if(decided = 0, NULL, dropped / decided) AS drop_off_share, if(any(t.dropped) = 0, NULL, dropped / any(t.dropped)) AS share_of_drop_offs,
    sum(ifNull(d.value, 0.)) AS value, sumIf(ifNull(d.value, 0.), d.outcome IN ('ended', 'dropped')) AS value_at_stake, arraySort(arrayFilter(c -> c != '', groupUniqArray(d.currency))) AS currencies, arraySlice(arraySort(groupArray(d.journey_id)), 1, 3) AS examples, any(d.as_of) AS as_of
FROM v_journey_deviations AS d
LEFT JOIN (SELECT map, map_version, sumIf(journeys, outcome != 'in_flight') AS decided, sumIf(journeys, outcome = 'dropped') AS dropped FROM v_conformance GROUP BY map, map_version) AS t ON d.map = t.map AND d.map_version = t.map_version
GROUP BY map, map_version, kind, place, stage, accepted;

ALTER TABLE v_deviations MODIFY COMMENT 'Where journeys do not follow the map, how often, and what is at stake';
