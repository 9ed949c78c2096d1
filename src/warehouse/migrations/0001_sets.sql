CREATE TABLE IF NOT EXISTS events
(
    node String COMMENT 'Strongest identifier of the event, kind:value; empty: none',
    occurred_at DateTime64(6, 'UTC') COMMENT 'When it happened, UTC',
    source String COMMENT 'Source of the config',
    generation UInt32 COMMENT 'The source''s generation when it was decoded; older ones are outside every figure',
    event_id String COMMENT 'Id within the source, or a hash of the record',
    revision Int64 COMMENT 'The source''s revision; -9223372036854775808: it gives none',
    payload_hash UInt128 COMMENT 'BLAKE3-128 of name, identifiers and properties as canonical JSON',
    name String COMMENT 'Name of the event',
    sequence Nullable(Int64) COMMENT 'Order within one moment, from the source or the file''s line',
    identifiers Array(String) COMMENT 'All identifiers, strongest first',
    properties String COMMENT 'Canonical JSON object' CODEC(ZSTD(1)),
    session String COMMENT 'The source''s session id, or empty',
    plausible UInt8 COMMENT '0: later than could be believed; moves no watermark',
    received_at DateTime64(6, 'UTC') COMMENT 'When the source gave it',
    first_seen_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this row was written',
    keep_first UInt64 MATERIALIZED bitNot(toUInt64(toUnixTimestamp64Milli(first_seen_at))) COMMENT 'Greatest for the earliest row: of equal members the first stays'
)
ENGINE = ReplacingMergeTree(keep_first)
PARTITION BY toYear(occurred_at)
ORDER BY (node, occurred_at, source, generation, event_id, revision, payload_hash, isNull(sequence), ifNull(sequence, 0), session)
SETTINGS min_bytes_for_wide_part = 134217728
COMMENT 'Grow-only set of all decoded events; inserting a member twice is a no-op';

CREATE TABLE IF NOT EXISTS identity_facts
(
    kind String COMMENT 'link (later: revoke, forbid)',
    a String COMMENT 'The event''s strongest identifier',
    b String COMMENT 'Another identifier of the same event',
    source String COMMENT 'Source of the config',
    generation UInt32 COMMENT 'The source''s generation',
    day Date32 COMMENT 'UTC day of the statement',
    statement SimpleAggregateFunction(min, Tuple(DateTime64(6, 'UTC'), String)) COMMENT 'Earliest statement of that day: when, and its event id',
    first_seen_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) DEFAULT now64(3) COMMENT 'When the first statement was written',
    occurred_at DateTime64(6, 'UTC') ALIAS statement.1 COMMENT 'When the earliest statement was made',
    event_id String ALIAS statement.2 COMMENT 'Event of the earliest statement'
)
ENGINE = AggregatingMergeTree
ORDER BY (a, b, kind, source, generation, day)
SETTINGS min_bytes_for_wide_part = 134217728
COMMENT 'Grow-only set of statements that two identifiers are one, the earliest of each day; read with FINAL';

CREATE TABLE IF NOT EXISTS erasures
(
    erasure String COMMENT 'Id of the order',
    identifier String COMMENT 'Keyed hash of an erased identifier',
    until Date32 COMMENT 'Events and facts up to and with this UTC day are covered',
    ordered_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was ordered'
)
ENGINE = ReplacingMergeTree
ORDER BY (identifier, until, erasure)
COMMENT 'Grow-only set of erasures';

CREATE TABLE IF NOT EXISTS identity
(
    node String COMMENT 'Identifier, kind:value',
    day Date32 COMMENT 'For a shared device: the UTC day this row is about; 1970-01-01: every day',
    has_day UInt8 COMMENT '1: the row is about that day only',
    customer String COMMENT 'Name of the customer; empty: none (quarantined, or no longer apart)',
    version UInt64 COMMENT 'epoch << 40 | n; the greatest holds',
    is_deleted UInt8 COMMENT '1: no customer'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (node, has_day, day)
COMMENT 'Which customer each identifier belongs to; derived from identity_facts';

CREATE TABLE IF NOT EXISTS identity_by_customer
(
    customer String COMMENT 'Name of the customer',
    node String COMMENT 'An identifier that belonged to it at some version; check its newest row in identity',
    version UInt64 COMMENT 'Version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (customer, node)
COMMENT 'The same rows in order of customer: candidates, to be checked against identity';

CREATE MATERIALIZED VIEW IF NOT EXISTS identity_by_customer_fill TO identity_by_customer
AS SELECT customer, node, version FROM identity WHERE customer != '';

CREATE TABLE IF NOT EXISTS positions
(
    source LowCardinality(String) COMMENT 'Source of the config',
    topic String COMMENT 'Kafka topic, or file',
    partition Int32 COMMENT 'Kafka partition; 0 for a file',
    next Int64 COMMENT 'Everything before this position is stored, and all that follows from it',
    records UInt64 COMMENT 'Records read up to here',
    skipped UInt64 COMMENT 'Of them left out by the config',
    decoded UInt64 COMMENT 'Of them decoded',
    rejected UInt64 COMMENT 'Of them dead letters',
    blocked_identifiers UInt64 COMMENT 'Identifiers taken out by the blocklist',
    max_occurred Nullable(DateTime64(6, 'UTC')) COMMENT 'Greatest plausible occurred_at',
    finished UInt8 COMMENT '1: a file read to its end',
    content String COMMENT 'BLAKE3 of a finished file',
    written_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When this row was written'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (source, topic, partition)
COMMENT 'How far each partition is stored, with everything counted up to there';

CREATE TABLE IF NOT EXISTS epochs
(
    epoch UInt64 COMMENT '1 + the greatest before',
    claimed_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was claimed'
)
ENGINE = MergeTree
ORDER BY epoch
COMMENT 'Each start of a writer claims one; versions of derived rows begin with it';

CREATE TABLE IF NOT EXISTS readings
(
    map LowCardinality(String) COMMENT 'Id of the map',
    mode LowCardinality(String) COMMENT 'valid, or version=N',
    reading String COMMENT 'Id: hash of map, mode, journey files, config fingerprint and semantics version',
    map_fingerprint String COMMENT 'BLAKE3 of the journey files',
    config_fingerprint String COMMENT 'BLAKE3 of the config keys that can change a figure',
    semantics UInt32 COMMENT 'Version of the meaning of figures',
    files Array(Tuple(String, String)) COMMENT 'Names and texts of the journey files',
    time_zone LowCardinality(String) COMMENT 'Zone of days',
    stages Array(String) COMMENT 'Stage ids in file order',
    stage_roles Array(String) COMMENT 'entry, success, exit or empty, by stage',
    dimensions Array(String) COMMENT 'Names of dim_1..dim_4',
    maturity Float64 COMMENT 'Share of decided journeys from which an entry date is mature',
    longest_window_seconds Float64 COMMENT 'Longest W of any version',
    keyed UInt8 COMMENT '1: the map has a journey key, silence decides only provisionally',
    activated UInt64 COMMENT 'Greatest of a map: its current reading; 0: not complete yet'
)
ENGINE = ReplacingMergeTree(activated)
ORDER BY (map, mode, reading)
COMMENT 'What derived rows were computed with';

CREATE TABLE IF NOT EXISTS watermarks
(
    id UInt8 COMMENT 'Always 0',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time up to which silence is decided; never falls'
)
ENGINE = ReplacingMergeTree
ORDER BY (id, as_of)
COMMENT 'The current as_of is the greatest';

CREATE TABLE IF NOT EXISTS dead_letters
(
    source LowCardinality(String) COMMENT 'Source of the config',
    topic String COMMENT 'Kafka topic, or file',
    partition Int32 COMMENT 'Kafka partition; 0 for a file',
    offset Int64 COMMENT 'Kafka offset, or record number of a file from 0',
    line UInt64 COMMENT 'Line of a file, from 1; 0 for Kafka',
    reason LowCardinality(String) COMMENT 'Why, as a word',
    detail String COMMENT 'Why, as a sentence',
    payload String COMMENT 'The record as it came, at most 64 KiB of it' CODEC(ZSTD(1)),
    received_at DateTime64(6, 'UTC') COMMENT 'When the source gave it'
)
ENGINE = ReplacingMergeTree
ORDER BY (source, topic, partition, offset)
COMMENT 'Records that cannot become events; read with FINAL for exact counts';
