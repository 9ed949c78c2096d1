CREATE TABLE IF NOT EXISTS keyings
(
    place UInt64 COMMENT '1, 2, …: the greatest holds',
    keying String COMMENT 'Order of the kinds of identifiers, strongest first, as rank and name',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When all rows stood in this order'
)
ENGINE = MergeTree
ORDER BY place
COMMENT 'In which order of identifier kinds events and identity_facts are keyed';
