ALTER TABLE dead_letters
    ADD COLUMN IF NOT EXISTS columns Array(String) DEFAULT [] COMMENT 'Header of the delimited file that the record is a row of; empty: no such file' AFTER payload,
    ADD COLUMN IF NOT EXISTS record_key String DEFAULT '' COMMENT 'Key of the Kafka record' AFTER columns,
    ADD COLUMN IF NOT EXISTS payload_bytes UInt64 DEFAULT if(length(payload) < 65536, length(payload), 0) COMMENT 'Length of the whole record; payload holds less: it was cut, and cannot be replayed from here' AFTER record_key;

CREATE TABLE IF NOT EXISTS replayed_letters
(
    source LowCardinality(String) COMMENT 'Source of the config',
    topic String COMMENT 'Kafka topic, or file, of the original',
    partition Int32 COMMENT 'Its Kafka partition; 0 for a file',
    offset Int64 COMMENT 'Its Kafka offset, or record number of a file from 0',
    replayed_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it became events'
)
ENGINE = ReplacingMergeTree
ORDER BY (source, topic, partition, offset)
COMMENT 'Dead letters that became events after all: positions counts them as rejected, and they are not any more';
