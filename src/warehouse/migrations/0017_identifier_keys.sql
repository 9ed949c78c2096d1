CREATE TABLE IF NOT EXISTS identifier_keys
(
    fingerprint String COMMENT 'Of the key that identifiers are hashed with, which it does not tell; raw: they are not hashed',
    noted_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When a process began to write with it'
)
ENGINE = ReplacingMergeTree
ORDER BY fingerprint
COMMENT 'With which key the identifiers of this store are made: with another one everybody would be somebody else';
