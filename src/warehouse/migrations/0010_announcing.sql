CREATE TABLE IF NOT EXISTS announcing
(
    version UInt64 COMMENT 'Of the step of the identity writer; settled once an identity row has this version or a greater one',
    customer String COMMENT 'Customer that the step was about to announce because identity changed',
    written_at DateTime DEFAULT now() COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY version
TTL written_at + INTERVAL 30 DAY
COMMENT 'What the identity writer was about to say: a restart says again what was not settled';

CREATE TABLE IF NOT EXISTS slice_watermarks
(
    slices UInt16 COMMENT 'Into how many slices the customers are cut',
    slice UInt16 COMMENT 'One of them, from 0',
    as_of DateTime64(6, 'UTC') COMMENT 'Event time up to which silence is decided in it'
)
ENGINE = ReplacingMergeTree
ORDER BY (slices, slice, as_of)
COMMENT 'How far each slice of the customers has come; watermarks holds the least of them'
