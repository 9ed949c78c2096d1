CREATE TABLE IF NOT EXISTS cuts
(
    prefix String COMMENT 'Of the internal topics of the roles',
    since UInt64 COMMENT 'The epoch that this cut began, 0 for the first; the greatest holds',
    slices UInt16 COMMENT 'Into how many slices the customers are cut',
    begun_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When'
)
ENGINE = ReplacingMergeTree
ORDER BY (prefix, since)
COMMENT 'How the customers are cut into slices for the roles; written by tropa migrate'
