CREATE VIEW IF NOT EXISTS v_current
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading String COMMENT 'Its current reading',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time up to which silence is decided',
    time_zone String COMMENT 'Zone of its days',
    dimensions Array(String) COMMENT 'Names of dim_1..dim_4',
    maturity Float64 COMMENT 'Share of decided journeys from which an entry date is mature',
    longest_window_seconds Float64 COMMENT 'Longest W',
    keyed UInt8 COMMENT '1: silence decides only provisionally'
)
AS SELECT map, r.1 AS reading, (SELECT max(as_of) FROM watermarks) AS as_of, r.2 AS time_zone, r.3 AS dimensions, r.4 AS maturity, r.5 AS longest_window_seconds, r.6 AS keyed
FROM (SELECT map, argMax((reading, time_zone, dimensions, maturity, longest_window_seconds, keyed), activated) AS r FROM readings WHERE mode = 'valid' AND activated > 0 GROUP BY map);

ALTER TABLE v_current MODIFY COMMENT 'Which reading of each map the other views show, and at which as_of';

CREATE VIEW IF NOT EXISTS v_journeys
(
    map String COMMENT 'Id of the map', customer String COMMENT 'Name of the customer', journey_id String COMMENT 'Stable id of the journey', journey_key String COMMENT 'Journey key, or empty',
    map_version UInt32 COMMENT 'Version of the map that judges it', attempt UInt32 COMMENT '1, 2, … in order of entry',
    entry_at DateTime64(6, 'UTC') COMMENT 'First visit', entry_date Date32 COMMENT 'Its day in the map''s zone', last_at DateTime64(6, 'UTC') COMMENT 'Last visit',
    outcome String COMMENT 'completed, ended, dropped or in_flight, at as_of', outcome_at DateTime64(6, 'UTC') COMMENT 'Deciding visit, or the last visit', outcome_date Date32 COMMENT 'Its day', reason String COMMENT 'Why it ended',
    last_stage String COMMENT 'Stage where it stands or ended', stages Array(String) COMMENT 'Stage entries', touchpoints Array(String) COMMENT 'Visits',
    value Nullable(Float64) COMMENT 'Value of the last visit that carries one', currency String COMMENT 'Its currency',
    order_ambiguous UInt8 COMMENT '1: the order rests on a tie', left_truncated UInt8 COMMENT '1: may have begun before observation did', clean UInt8 COMMENT '1: no unmapped event inside',
    dim_1 String COMMENT 'First dimension at entry', dim_2 String COMMENT 'Second', dim_3 String COMMENT 'Third', dim_4 String COMMENT 'Fourth',
    version UInt64 COMMENT 'Version of the row', written_at DateTime64(3, 'UTC') COMMENT 'When the row was written', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT map, customer, `j.id` AS journey_id, `j.key` AS journey_key, `j.map_version` AS map_version, `j.attempt` AS attempt, `j.entry_at` AS entry_at, `j.entry_date` AS entry_date, `j.last_at` AS last_at,
    multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome, `j.decided_at` AS outcome_at, `j.decided_date` AS outcome_date, `j.reason` AS reason,
    `j.e_stage`[-1] AS last_stage, `j.e_stage` AS stages, `j.v_touchpoint` AS touchpoints, `j.value` AS value, `j.currency` AS currency,
    `j.order_ambiguous` AS order_ambiguous, `j.left_truncated` AS left_truncated, `j.clean` AS clean, `j.dims`[1] AS dim_1, `j.dims`[2] AS dim_2, `j.dims`[3] AS dim_3, `j.dims`[4] AS dim_4, version, written_at, as_of
FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0 AND (map, reading) IN (SELECT map, reading FROM v_current))
ARRAY JOIN `j.id`, `j.key`, `j.map_version`, `j.attempt`, `j.entry_at`, `j.entry_date`, `j.last_at`, `j.drops_at`, `j.decision`, `j.decided_at`, `j.decided_date`, `j.reason`, `j.value`, `j.currency`, `j.order_ambiguous`, `j.left_truncated`, `j.clean`, `j.dims`, `j.e_stage`, `j.v_touchpoint`;

ALTER TABLE v_journeys MODIFY COMMENT 'One row per journey';

CREATE VIEW IF NOT EXISTS v_journey_steps
(
    map String COMMENT 'Id of the map', customer String COMMENT 'Name of the customer', journey_id String COMMENT 'The journey', step UInt32 COMMENT '1, 2, …: a step never points back, safe for Sankey charts',
    stage String COMMENT 'Stage entered', next_stage String COMMENT 'Next stage, or the outcome', first UInt8 COMMENT '1: the journey''s first entry of the stage',
    entered_at DateTime64(6, 'UTC') COMMENT 'First visit of the entry', left_at DateTime64(6, 'UTC') COMMENT 'Last visit of the entry', seconds_in_stage Float64 COMMENT 'Last less first visit', seconds_to_next Nullable(Float64) COMMENT 'First visit of the next entry less first of this',
    entry_date Date32 COMMENT 'Day of the journey''s entry', outcome String COMMENT 'Outcome of the journey at as_of'
)
AS SELECT map, customer, journey_id, toUInt32(i) AS step, e_stage[i] AS stage, if(i < length(e_stage), e_stage[i + 1], outcome) AS next_stage, e_is_first[i] AS first, e_first_at[i] AS entered_at, e_last_at[i] AS left_at,
    dateDiff('microsecond', e_first_at[i], e_last_at[i]) / 1e6 AS seconds_in_stage, if(i < length(e_stage), dateDiff('microsecond', e_first_at[i], e_first_at[i + 1]) / 1e6, NULL) AS seconds_to_next, entry_date, outcome
FROM (
    SELECT map, customer, `j.id` AS journey_id, `j.e_stage` AS e_stage, `j.e_is_first` AS e_is_first, `j.e_first_at` AS e_first_at, `j.e_last_at` AS e_last_at, `j.entry_date` AS entry_date,
        multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome
    FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0 AND (map, reading) IN (SELECT map, reading FROM v_current))
    ARRAY JOIN `j.id`, `j.e_stage`, `j.e_is_first`, `j.e_first_at`, `j.e_last_at`, `j.entry_date`, `j.decision`, `j.drops_at`
)
ARRAY JOIN arrayEnumerate(e_stage) AS i;

ALTER TABLE v_journey_steps MODIFY COMMENT 'One row per stage entry, numbered within its journey';

CREATE VIEW IF NOT EXISTS v_stages
(
    map String COMMENT 'Id of the map', entry_date Date32 COMMENT 'Day of entry in the map''s zone', stage String COMMENT 'Stage id', position UInt32 COMMENT 'Place of the stage in the file, from 1',
    entered UInt64 COMMENT 'Journeys of that entry date that entered the stage', entries UInt64 COMMENT 'Stage entries', decided UInt64 COMMENT 'Of entered: decided', progressed UInt64 COMMENT 'Of decided: went on or succeeded', in_flight UInt64 COMMENT 'Of entered: in flight',
    lost_dropped UInt64 COMMENT 'Dropped here', lost_ended UInt64 COMMENT 'Ended here', conversion Nullable(Float64) COMMENT 'progressed / decided; none for exit stages', drop_off_rate Nullable(Float64) COMMENT '(dropped or ended here) / decided; none for exit stages',
    conversion_low Nullable(Float64) COMMENT 'Least that conversion may become', conversion_high Nullable(Float64) COMMENT 'Most that conversion may become', mature UInt8 COMMENT '1: the rates are points; 0: show the bounds', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS WITH
    days AS (SELECT j.map AS map, j.entry_date AS entry_date, max(j.matures_at) AS matures_at, sum(j.entered) AS all_entered, sum(j.completed + j.ended + j.dropped) AS all_decided, sum(j.in_flight + j.completed_open + if(v.keyed, j.dropped, 0)) AS may_still
        FROM journeys_1d AS j FINAL INNER JOIN v_current AS v ON j.map = v.map AND j.reading = v.reading GROUP BY map, entry_date),
    counts AS (SELECT s.map AS map, s.reading AS reading, s.entry_date AS entry_date, s.stage AS stage, sum(s.entered) AS entered, sum(s.entries) AS entries, sum(s.decided) AS decided, sum(s.progressed) AS progressed, sum(s.in_flight) AS in_flight,
            sum(s.lost_dropped) AS lost_dropped, sum(s.lost_ended) AS lost_ended, sum(s.progressed_in_flight) AS progressed_in_flight, sum(s.in_flight + s.completed_open + if(v.keyed, s.dropped, 0)) AS here_may_still,
            sum(s.in_flight + if(v.keyed, s.dropped, 0)) AS open, sum(s.progressed_in_flight + if(v.keyed, s.progressed_dropped, 0)) AS open_progressed, any(v.maturity) AS maturity, any(v.as_of) AS now
        FROM stages_1d AS s FINAL INNER JOIN v_current AS v ON s.map = v.map AND s.reading = v.reading GROUP BY map, reading, entry_date, stage)
SELECT c.map AS map, c.entry_date AS entry_date, c.stage AS stage, toUInt32(indexOf(r.stages, c.stage)) AS position, c.entered AS entered, c.entries AS entries, c.decided AS decided, c.progressed AS progressed, c.in_flight AS in_flight, c.lost_dropped AS lost_dropped, c.lost_ended AS lost_ended,
    if(r.stage_roles[position] = 'exit' OR c.decided = 0, NULL, c.progressed / c.decided) AS conversion, if(r.stage_roles[position] = 'exit' OR c.decided = 0, NULL, (c.lost_dropped + c.lost_ended) / c.decided) AS drop_off_rate,
    if(r.stage_roles[position] = 'exit', NULL, (c.progressed + c.progressed_in_flight) / (c.entered + d.may_still - c.here_may_still)) AS conversion_low,
    if(r.stage_roles[position] = 'exit', NULL, (c.progressed + c.progressed_in_flight + c.open - c.open_progressed + d.may_still - c.here_may_still) / (c.entered + d.may_still - c.here_may_still)) AS conversion_high,
    toUInt8(d.all_decided / d.all_entered >= c.maturity AND c.now >= d.matures_at) AS mature, c.now AS as_of
FROM counts AS c INNER JOIN days AS d ON c.map = d.map AND c.entry_date = d.entry_date INNER JOIN (SELECT map, reading, stages, stage_roles FROM readings FINAL) AS r ON c.map = r.map AND c.reading = r.reading
WHERE c.entered > 0;

ALTER TABLE v_stages MODIFY COMMENT 'The funnel: stages by entry date, with rates and whether they are mature';

CREATE VIEW IF NOT EXISTS v_transitions
(
    map String COMMENT 'Id of the map', entry_date Date32 COMMENT 'Day of the journey''s entry', event_date Date32 COMMENT 'Day of the transition', from_stage String COMMENT 'Stage id, or start', to_stage String COMMENT 'Stage id, or an outcome',
    transitions UInt64 COMMENT 'How many', decided UInt64 COMMENT 'Of them in decided journeys', first UInt64 COMMENT 'Of them first entries of to_stage', dim_1 String COMMENT 'First dimension at entry', dim_2 String COMMENT 'Second', dim_3 String COMMENT 'Third', dim_4 String COMMENT 'Fourth', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT t.map AS map, t.entry_date AS entry_date, t.event_date AS event_date, t.from_stage AS from_stage, t.to_stage AS to_stage, sum(t.transitions) AS transitions, sum(t.decided) AS decided, sum(t.first) AS first, t.dim_1 AS dim_1, t.dim_2 AS dim_2, t.dim_3 AS dim_3, t.dim_4 AS dim_4, any(v.as_of) AS as_of
FROM stage_transitions_1d AS t FINAL INNER JOIN v_current AS v ON t.map = v.map AND t.reading = v.reading
GROUP BY map, entry_date, event_date, from_stage, to_stage, dim_1, dim_2, dim_3, dim_4 HAVING transitions > 0;

ALTER TABLE v_transitions MODIFY COMMENT 'Transitions; per entry date: sum into a stage = its entries = sum out of it';

CREATE VIEW IF NOT EXISTS v_drop_offs
(
    map String COMMENT 'Id of the map', entry_date Date32 COMMENT 'Day of the journey''s entry', event_date Date32 COMMENT 'Day of the last visit', stage String COMMENT 'Stage where the journey stood', touchpoint String COMMENT 'Last touchpoint visited',
    drop_offs UInt64 COMMENT 'Journeys dropped', value Float64 COMMENT 'Sum of their values', dim_1 String COMMENT 'First dimension at entry', dim_2 String COMMENT 'Second', dim_3 String COMMENT 'Third', dim_4 String COMMENT 'Fourth', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT d.map AS map, d.entry_date AS entry_date, d.event_date AS event_date, d.stage AS stage, d.touchpoint AS touchpoint, sum(d.drop_offs) AS drop_offs, sum(d.value) AS value, d.dim_1 AS dim_1, d.dim_2 AS dim_2, d.dim_3 AS dim_3, d.dim_4 AS dim_4, any(v.as_of) AS as_of
FROM drop_offs_1d AS d FINAL INNER JOIN v_current AS v ON d.map = v.map AND d.reading = v.reading
GROUP BY map, entry_date, event_date, stage, touchpoint, dim_1, dim_2, dim_3, dim_4 HAVING drop_offs > 0;

ALTER TABLE v_drop_offs MODIFY COMMENT 'Where people leave';

CREATE VIEW IF NOT EXISTS v_coverage
(
    map String COMMENT 'Id of the map', source String COMMENT 'Source of the config', event_date Date32 COMMENT 'Day of the events in the map''s zone', fate String COMMENT 'in_journey, before_entry, after_drop_off, after_exit, after_goal, unmapped, excluded, no_version, superseded, oversized', rule String COMMENT 'Exclude rule, or empty', events UInt64 COMMENT 'Distinct events'
)
AS SELECT c.map AS map, c.source AS source, c.event_date AS event_date, c.fate AS fate, c.rule AS rule, sum(c.events) AS events
FROM coverage_1d AS c FINAL INNER JOIN v_current AS v ON c.map = v.map AND c.reading = v.reading
GROUP BY map, source, event_date, fate, rule HAVING events > 0;

ALTER TABLE v_coverage MODIFY COMMENT 'What became of every event';

CREATE VIEW IF NOT EXISTS v_unmapped
(
    map String COMMENT 'Id of the map', source String COMMENT 'Source of the config', name String COMMENT 'Name of the event', path String COMMENT 'Path template, or empty', events UInt64 COMMENT 'Distinct events'
)
AS SELECT map, `u.source` AS source, `u.name` AS name, `u.path` AS path, sum(`u.count`) AS events
FROM (SELECT * FROM customer_journeys FINAL WHERE is_deleted = 0 AND (map, reading) IN (SELECT map, reading FROM v_current))
ARRAY JOIN `u.source`, `u.name`, `u.path`, `u.count`
GROUP BY map, source, name, path;

ALTER TABLE v_unmapped MODIFY COMMENT 'Events that no touchpoint matches, by name and path';
