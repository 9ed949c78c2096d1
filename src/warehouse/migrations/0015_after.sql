ALTER TABLE customer_journeys ADD COLUMN IF NOT EXISTS `j.after` Array(String) COMMENT 'What followed the last visit of an undecided journey: failed, support, channel, outside, came_back, silence; empty: completed or ended' AFTER `j.d_accepted`,
    ADD COLUMN IF NOT EXISTS `j.after_name` Array(String) COMMENT 'Which touchpoint failed, which rule of support, channel or event, or the stage of the later visit' AFTER `j.after`,
    ADD COLUMN IF NOT EXISTS `j.after_path` Array(String) COMMENT 'Path template of an event on no touchpoint, or empty' AFTER `j.after_name`,
    ADD COLUMN IF NOT EXISTS `j.trail_ends` Array(UInt8) COMMENT '1: no visit of the customer, in a journey or not, came later' AFTER `j.after_path`,
    ADD COLUMN IF NOT EXISTS first_visit_at DateTime64(6, 'UTC') COMMENT 'The customer''s first visit on the map, in a journey or not; 1970: none' AFTER `j.trail_ends`,
    ADD COLUMN IF NOT EXISTS first_visit_stage String COMMENT 'Stage of its touchpoint, or empty' AFTER first_visit_at;

CREATE VIEW IF NOT EXISTS v_after_drop_offs
(
    map String COMMENT 'Id of the map', customer String COMMENT 'Name of the customer', journey_id String COMMENT 'The journey', entry_date Date32 COMMENT 'Day of its entry', stage String COMMENT 'The last stage entered that is no exit: where it was lost',
    last_at DateTime64(6, 'UTC') COMMENT 'Last visit', went String COMMENT 'exit_reason, failed, support, channel, outside, came_back, silence: the first that holds', name String COMMENT 'Exit touchpoint, touchpoint that failed, rule of support, channel, event, or stage of the later visit', path String COMMENT 'Path template of an event on no touchpoint, or empty', as_of DateTime64(6, 'UTC') COMMENT 'Event time at which silence was decided'
)
AS SELECT map, customer, `j.id` AS journey_id, `j.entry_date` AS entry_date, `j.e_stage`[arrayLastIndex(x -> x = 0, `j.e_exit`)] AS stage, `j.last_at` AS last_at,
    if(`j.decision` = 'ended', 'exit_reason', `j.after`) AS went, if(`j.decision` = 'ended', `j.reason`, `j.after_name`) AS name, if(`j.decision` = 'ended', '', `j.after_path`) AS path, as_of
FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0 AND (map, reading) IN (SELECT map, reading FROM v_current))
ARRAY JOIN `j.id`, `j.entry_date`, `j.e_stage`, `j.e_exit`, `j.last_at`, `j.decision`, `j.reason`, `j.drops_at`, `j.after`, `j.after_name`, `j.after_path`
WHERE `j.decision` = 'ended' OR (`j.decision` = 'open' AND as_of >= `j.drops_at`);

ALTER TABLE v_after_drop_offs MODIFY COMMENT 'Where people went after a drop-off: one row per journey that was lost, in silence or with a reason';
