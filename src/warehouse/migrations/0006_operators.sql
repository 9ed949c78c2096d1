ALTER TABLE identity_facts COMMENT COLUMN kind 'link: an event said so; erased: a link that an erasure covers, without its event; revoke: links up to and with the day are cancelled; forbid: a and b are never one customer';

ALTER TABLE erasures ADD COLUMN IF NOT EXISTS since Date32 DEFAULT toDate32('1900-01-01') COMMENT 'Events and facts from this UTC day on are covered' AFTER identifier;

ALTER TABLE erasures ADD COLUMN IF NOT EXISTS anonymous UInt8 DEFAULT 0 COMMENT '1: only events that name no person are covered, on a device that was the erased customer''s that day' AFTER until;

ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS identifiers Array(String) COMMENT 'Identifiers it names, as far as they can be read; whoever is forgotten leaves by them';

CREATE TABLE IF NOT EXISTS horizons
(
    id UInt8 COMMENT 'Always 0',
    day Date32 COMMENT 'Events before this UTC day are outside every figure; never falls',
    ordered_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was ordered'
)
ENGINE = ReplacingMergeTree
ORDER BY (id, day)
COMMENT 'How far history is kept: the greatest holds';

CREATE TABLE IF NOT EXISTS operator_orders
(
    place UInt64 COMMENT '1, 2, …: orders are carried out in this order; positions (source @operator) says how far',
    what String COMMENT 'The order, as JSON; identifiers as stored',
    ordered_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was accepted'
)
ENGINE = ReplacingMergeTree
ORDER BY place
COMMENT 'What operators have ordered: split, revoke, forget, retain';

CREATE TABLE IF NOT EXISTS journeys_frozen
(
    map LowCardinality(String) COMMENT 'Id of the map',
    reading LowCardinality(String) COMMENT 'What it was computed with; see readings',
    customer String COMMENT 'Name of the customer when it was frozen',
    journey_id String COMMENT 'Journey id, 32 hex digits',
    journey_key String COMMENT 'Journey key, or empty',
    map_version UInt32 COMMENT 'Version of the map that judges it',
    attempt UInt32 COMMENT '1, 2, … in order of entry, among what was known then',
    entry_at DateTime64(6, 'UTC') COMMENT 'First visit',
    entry_date Date32 COMMENT 'Its day in the map''s zone',
    outcome LowCardinality(String) COMMENT 'completed, ended or dropped',
    reason String COMMENT 'Exit touchpoint of an ended journey',
    last_at DateTime64(6, 'UTC') COMMENT 'Last visit',
    decided_at DateTime64(6, 'UTC') COMMENT 'Deciding visit, or the last visit',
    value Nullable(Float64) COMMENT 'Value of the last visit that carries one',
    currency String COMMENT 'Its currency',
    dims Array(String) COMMENT 'Four values at entry; names stand in readings',
    stages Array(String) COMMENT 'Stage entries in order',
    stages_at Array(DateTime64(6, 'UTC')) COMMENT 'First visit of each',
    touchpoints Array(String) COMMENT 'Visits in order',
    touchpoints_at Array(DateTime64(6, 'UTC')) COMMENT 'When',
    horizon Date32 COMMENT 'The horizon that froze it',
    frozen_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was frozen'
)
ENGINE = ReplacingMergeTree
ORDER BY (map, customer, journey_id)
COMMENT 'Journeys closed before the horizon, as they stood when it passed them; outside every other figure. Read with FINAL';

CREATE VIEW IF NOT EXISTS v_journeys_frozen
(
    map String COMMENT 'Id of the map', customer String COMMENT 'Name of the customer when it was frozen', journey_id String COMMENT 'Journey id', journey_key String COMMENT 'Journey key, or empty', map_version UInt32 COMMENT 'Version of the map that judges it',
    entry_at DateTime64(6, 'UTC') COMMENT 'First visit', entry_date Date32 COMMENT 'Its day in the map''s zone', outcome String COMMENT 'completed, ended or dropped', reason String COMMENT 'Exit touchpoint of an ended journey', last_at DateTime64(6, 'UTC') COMMENT 'Last visit',
    value Nullable(Float64) COMMENT 'Value of the last visit that carries one', currency String COMMENT 'Its currency', stages Array(String) COMMENT 'Stage entries in order', touchpoints Array(String) COMMENT 'Visits in order', horizon Date32 COMMENT 'The horizon that froze it'
)
AS SELECT map, customer, journey_id, journey_key, map_version, entry_at, entry_date, outcome, reason, last_at, value, currency, stages, touchpoints, horizon FROM journeys_frozen FINAL;

ALTER TABLE v_journeys_frozen MODIFY COMMENT 'One row per journey closed before the horizon';
