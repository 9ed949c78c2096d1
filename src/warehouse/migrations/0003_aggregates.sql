CREATE TABLE IF NOT EXISTS journeys_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    entry_date Date32 COMMENT 'Day of entry in the map''s zone',
    matures_at DateTime64(6, 'UTC') COMMENT 'End of that day + the longest W',
    dim_1 LowCardinality(String) COMMENT 'First dimension at entry; names stand in readings',
    dim_2 LowCardinality(String) COMMENT 'Second dimension',
    dim_3 LowCardinality(String) COMMENT 'Third dimension',
    dim_4 LowCardinality(String) COMMENT 'Fourth dimension',
    entered UInt64 COMMENT 'Journeys that began',
    completed UInt64 COMMENT 'Of them completed',
    ended UInt64 COMMENT 'Of them ended with a reason',
    dropped UInt64 COMMENT 'Of them dropped in silence',
    in_flight UInt64 COMMENT 'Of them still on their way',
    completed_open UInt64 COMMENT 'Completed and still inside after_goal',
    customers UInt64 COMMENT 'Customers whose first journey of that day began',
    order_ambiguous UInt64 COMMENT 'Journeys whose order rests on a tie',
    left_truncated UInt64 COMMENT 'Journeys that may have begun before observation did',
    clean UInt64 COMMENT 'Journeys without an unmapped event inside',
    value Float64 COMMENT 'Sum of the journeys'' values',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, entry_date, matures_at, dim_1, dim_2, dim_3, dim_4)
COMMENT 'Journeys by entry date; read with FINAL and sum';

CREATE TABLE IF NOT EXISTS stages_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    entry_date Date32 COMMENT 'Day of the journey''s entry in the map''s zone',
    dim_1 LowCardinality(String) COMMENT 'First dimension at entry',
    dim_2 LowCardinality(String) COMMENT 'Second dimension',
    dim_3 LowCardinality(String) COMMENT 'Third dimension',
    dim_4 LowCardinality(String) COMMENT 'Fourth dimension',
    stage LowCardinality(String) COMMENT 'Stage id',
    entered UInt64 COMMENT 'Journeys that entered the stage',
    entries UInt64 COMMENT 'Stage entries they made',
    decided UInt64 COMMENT 'Of entered: completed, ended or dropped',
    progressed UInt64 COMMENT 'Of decided: went on to a later stage that is no exit, or succeeded',
    progressed_in_flight UInt64 COMMENT 'In flight and gone on',
    progressed_dropped UInt64 COMMENT 'Dropped after having gone on',
    in_flight UInt64 COMMENT 'Of entered: in flight',
    dropped UInt64 COMMENT 'Of entered: dropped, wherever',
    completed_open UInt64 COMMENT 'Of entered: completed and still inside after_goal',
    lost_dropped UInt64 COMMENT 'Dropped with this the last stage that is no exit',
    lost_ended UInt64 COMMENT 'Ended with this the last stage that is no exit',
    ended UInt64 COMMENT 'Of an exit stage: journeys that ended in it',
    open_entries UInt64 COMMENT 'Entries not left yet',
    problem_id Array(String) COMMENT 'Problems met',
    problem_journeys Array(UInt64) COMMENT 'Journeys that met them, by problem_id',
    time_bucket Array(Int32) COMMENT 'Time in stage: buckets; 0: no time, else 1000 + floor(ln(seconds) / ln(1.02))',
    time_count Array(UInt64) COMMENT 'Closed entries by time_bucket',
    next_bucket Array(Int32) COMMENT 'Time to the next entry: buckets as above',
    next_count Array(UInt64) COMMENT 'Entries by next_bucket',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, entry_date, dim_1, dim_2, dim_3, dim_4, stage)
COMMENT 'Stages by entry date of the journey; read with FINAL and sum';

CREATE TABLE IF NOT EXISTS stage_transitions_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    entry_date Date32 COMMENT 'Day of the journey''s entry in the map''s zone',
    event_date Date32 COMMENT 'Day of the transition; of an outcome: of its deciding, or the last, visit',
    dim_1 LowCardinality(String) COMMENT 'First dimension at entry',
    dim_2 LowCardinality(String) COMMENT 'Second dimension',
    dim_3 LowCardinality(String) COMMENT 'Third dimension',
    dim_4 LowCardinality(String) COMMENT 'Fourth dimension',
    from_stage LowCardinality(String) COMMENT 'Stage id, or start',
    to_stage LowCardinality(String) COMMENT 'Stage id, or an outcome',
    transitions UInt64 COMMENT 'How many',
    decided UInt64 COMMENT 'Of them in decided journeys',
    first UInt64 COMMENT 'Of them the journey''s first entry of to_stage',
    time_bucket Array(Int32) COMMENT 'Time from the entry of from_stage to the entry of to_stage: buckets as in stages_1d',
    time_count Array(UInt64) COMMENT 'Transitions by time_bucket',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, entry_date, event_date, dim_1, dim_2, dim_3, dim_4, from_stage, to_stage)
COMMENT 'Transitions between stage entries, with start and outcomes; read with FINAL and sum';

CREATE TABLE IF NOT EXISTS drop_offs_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    entry_date Date32 COMMENT 'Day of the journey''s entry in the map''s zone',
    event_date Date32 COMMENT 'Day of the last visit',
    dim_1 LowCardinality(String) COMMENT 'First dimension at entry',
    dim_2 LowCardinality(String) COMMENT 'Second dimension',
    dim_3 LowCardinality(String) COMMENT 'Third dimension',
    dim_4 LowCardinality(String) COMMENT 'Fourth dimension',
    stage LowCardinality(String) COMMENT 'Stage where the journey stood',
    touchpoint LowCardinality(String) COMMENT 'Last touchpoint visited',
    drop_offs UInt64 COMMENT 'Journeys dropped',
    value Float64 COMMENT 'Sum of their values',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, entry_date, event_date, dim_1, dim_2, dim_3, dim_4, stage, touchpoint)
COMMENT 'Drop-offs by stage and last touchpoint; read with FINAL and sum';

CREATE TABLE IF NOT EXISTS touchpoints_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    entry_date Date32 COMMENT 'Day of the journey''s entry in the map''s zone',
    dim_1 LowCardinality(String) COMMENT 'First dimension at entry',
    dim_2 LowCardinality(String) COMMENT 'Second dimension',
    dim_3 LowCardinality(String) COMMENT 'Third dimension',
    dim_4 LowCardinality(String) COMMENT 'Fourth dimension',
    touchpoint LowCardinality(String) COMMENT 'Touchpoint id',
    channel LowCardinality(String) COMMENT 'Channel of the visit, or empty',
    visits UInt64 COMMENT 'Visits',
    journeys UInt64 COMMENT 'Journeys whose first visit of the touchpoint this was',
    failed UInt64 COMMENT 'Visits that failed',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, entry_date, dim_1, dim_2, dim_3, dim_4, touchpoint, channel)
COMMENT 'Visits of touchpoints inside journeys; read with FINAL and sum';

CREATE TABLE IF NOT EXISTS coverage_1d
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with',
    bucket UInt8 COMMENT 'Slice of customers; sum over it',
    source LowCardinality(String) COMMENT 'Source of the config',
    event_date Date32 COMMENT 'Day of the events in the map''s zone',
    fate LowCardinality(String) COMMENT 'What became of them',
    rule LowCardinality(String) COMMENT 'Exclude rule, or empty',
    events UInt64 COMMENT 'Distinct events of the customers',
    version UInt64 COMMENT 'Greatest version of the bucket when it was read',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (map, reading, bucket, source, event_date, fate, rule)
COMMENT 'What became of every event; read with FINAL and sum';
