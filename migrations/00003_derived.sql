-- +goose Up
CREATE TABLE talktime.derivations (
    derivation_id bigint PRIMARY KEY,
    derived_at    timestamptz NOT NULL,
    from_at       timestamptz NOT NULL,
    to_at         timestamptz NOT NULL,
    horizon_at    timestamptz NOT NULL,
    inserted_rows bigint NOT NULL,
    updated_rows  bigint NOT NULL,
    deleted_rows  bigint NOT NULL,
    restated_rows bigint NOT NULL
);
CREATE INDEX derivations_horizon_at ON talktime.derivations (horizon_at);
COMMENT ON TABLE talktime.derivations IS 'Ledger: one row a derivation of a range of quarter-hours, written in its transaction.';
COMMENT ON COLUMN talktime.derivations.derivation_id IS 'Given under the derive lock: a higher id was committed later, so nothing commits behind a watermark.';
COMMENT ON COLUMN talktime.derivations.derived_at IS 'The program''s clock when it derived.';
COMMENT ON COLUMN talktime.derivations.from_at IS 'First quarter-hour derived.';
COMMENT ON COLUMN talktime.derivations.to_at IS 'End of the last quarter-hour derived, not included.';
COMMENT ON COLUMN talktime.derivations.horizon_at IS 'The instant before which every due tick was stored; everything from it on was pending.';
COMMENT ON COLUMN talktime.derivations.inserted_rows IS 'Quarter-hour rows that came to be.';
COMMENT ON COLUMN talktime.derivations.updated_rows IS 'Quarter-hour rows that changed, becoming final included.';
COMMENT ON COLUMN talktime.derivations.deleted_rows IS 'Quarter-hour rows that vanished.';
COMMENT ON COLUMN talktime.derivations.restated_rows IS 'Final quarter-hour rows whose figures changed: each got a new revision.';

-- Partitioned by UTC month so that retention drops a table instead of deleting
-- rows. The key leads with the time: a derivation writes one quarter-hour of
-- all agents side by side.
CREATE TABLE talktime.quarter_hours (
    agent_id integer NOT NULL,
    bin_start_at timestamptz NOT NULL,
    talk_ms integer NOT NULL,
    reserved_ms integer NOT NULL,
    acw_ms integer NOT NULL,
    available_ms integer NOT NULL,
    busy_ms integer NOT NULL,
    rest_ms integer NOT NULL,
    pre_rest_ms integer NOT NULL,
    other_ms integer NOT NULL,
    signed_out_ms integer NOT NULL,
    failed_ms integer NOT NULL,
    recorder_down_ms integer NOT NULL,
    unscheduled_ms integer NOT NULL,
    pending_ms integer NOT NULL,
    talk_low_ms integer NOT NULL,
    talk_reach_ms integer NOT NULL,
    talk_edge_ms bigint NOT NULL,
    reserved_low_ms integer NOT NULL,
    reserved_reach_ms integer NOT NULL,
    reserved_edge_ms bigint NOT NULL,
    acw_low_ms integer NOT NULL,
    acw_reach_ms integer NOT NULL,
    acw_edge_ms bigint NOT NULL,
    available_low_ms integer NOT NULL,
    available_reach_ms integer NOT NULL,
    available_edge_ms bigint NOT NULL,
    busy_low_ms integer NOT NULL,
    busy_reach_ms integer NOT NULL,
    busy_edge_ms bigint NOT NULL,
    rest_low_ms integer NOT NULL,
    rest_reach_ms integer NOT NULL,
    rest_edge_ms bigint NOT NULL,
    pre_rest_low_ms integer NOT NULL,
    pre_rest_reach_ms integer NOT NULL,
    pre_rest_edge_ms bigint NOT NULL,
    other_low_ms integer NOT NULL,
    other_reach_ms integer NOT NULL,
    other_edge_ms bigint NOT NULL,
    signed_out_low_ms integer NOT NULL,
    signed_out_reach_ms integer NOT NULL,
    signed_out_edge_ms bigint NOT NULL,
    handle_low_ms integer NOT NULL,
    handle_reach_ms integer NOT NULL,
    handle_edge_ms bigint NOT NULL,
    not_ready_low_ms integer NOT NULL,
    not_ready_reach_ms integer NOT NULL,
    not_ready_edge_ms bigint NOT NULL,
    staffed_low_ms integer NOT NULL,
    staffed_reach_ms integer NOT NULL,
    staffed_edge_ms bigint NOT NULL,
    change_ms bigint NOT NULL,
    change_sq bigint NOT NULL,
    talk_entries integer NOT NULL,
    conflicts integer NOT NULL,
    revision integer NOT NULL,
    is_final boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    derivation_id bigint NOT NULL,
    PRIMARY KEY (bin_start_at, agent_id),
    -- Every second is accounted for (metrics.md, section 3, identity 1).
    CONSTRAINT quarter_hours_identity CHECK (
        talk_ms + reserved_ms + acw_ms + available_ms + busy_ms + rest_ms + pre_rest_ms + other_ms + signed_out_ms
        + failed_ms + recorder_down_ms + unscheduled_ms + pending_ms = 900000),
    CONSTRAINT quarter_hours_not_negative CHECK (
        least(talk_ms, reserved_ms, acw_ms, available_ms, busy_ms, rest_ms, pre_rest_ms, other_ms, signed_out_ms,
              failed_ms, recorder_down_ms, unscheduled_ms, pending_ms) >= 0),
    CONSTRAINT quarter_hours_aligned CHECK (date_bin('15 minutes', bin_start_at, 'epoch') = bin_start_at),
    CONSTRAINT quarter_hours_final CHECK (NOT is_final OR pending_ms = 0)
) PARTITION BY RANGE (bin_start_at);
CREATE INDEX quarter_hours_open ON talktime.quarter_hours (bin_start_at) WHERE NOT is_final;
CREATE INDEX quarter_hours_derivation ON talktime.quarter_hours USING brin (derivation_id);
COMMENT ON TABLE talktime.quarter_hours IS
    'Derived: one row an agent and quarter-hour (UTC) in which a tick was due or time was counted. A pure function of samples and ticks; its thirteen measures sum to 900000 ms.';
COMMENT ON COLUMN talktime.quarter_hours.agent_id IS 'The gateway''s number of the agent.';
COMMENT ON COLUMN talktime.quarter_hours.bin_start_at IS 'Start of the quarter-hour, UTC; it holds its start and not its end.';
COMMENT ON COLUMN talktime.quarter_hours.talk_ms IS 'Time talking (isWorking). Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.reserved_ms IS 'Time ringing or being seized (7, not working). Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.acw_ms IS 'Time after-call work (5). Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.available_ms IS 'Time available (4, 6). Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.busy_ms IS 'Time busy (3). Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.rest_ms IS 'Time at rest (8). Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.pre_rest_ms IS 'Time waiting for rest (9). Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.other_ms IS 'Time in an unknown or undocumented state. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.signed_out_ms IS 'Time signed out (2, or not signed in). Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.failed_ms IS 'Time not observed: polls failed. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.recorder_down_ms IS 'Time not observed: no recorder polled. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.unscheduled_ms IS 'Time not observed: no poll was due. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.pending_ms IS 'Time not settled yet; 0 in every final row. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.talk_low_ms IS 'Part of the time talking (isWorking) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.talk_reach_ms IS 'Length of all edges of the time talking (isWorking) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.talk_edge_ms IS 'Summed length of the changes into or out of talking (isWorking) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.reserved_low_ms IS 'Part of the time ringing or being seized (7, not working) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.reserved_reach_ms IS 'Length of all edges of the time ringing or being seized (7, not working) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.reserved_edge_ms IS 'Summed length of the changes into or out of ringing or being seized (7, not working) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.acw_low_ms IS 'Part of the time after-call work (5) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.acw_reach_ms IS 'Length of all edges of the time after-call work (5) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.acw_edge_ms IS 'Summed length of the changes into or out of after-call work (5) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.available_low_ms IS 'Part of the time available (4, 6) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.available_reach_ms IS 'Length of all edges of the time available (4, 6) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.available_edge_ms IS 'Summed length of the changes into or out of available (4, 6) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.busy_low_ms IS 'Part of the time busy (3) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.busy_reach_ms IS 'Length of all edges of the time busy (3) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.busy_edge_ms IS 'Summed length of the changes into or out of busy (3) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.rest_low_ms IS 'Part of the time at rest (8) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.rest_reach_ms IS 'Length of all edges of the time at rest (8) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.rest_edge_ms IS 'Summed length of the changes into or out of at rest (8) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.pre_rest_low_ms IS 'Part of the time waiting for rest (9) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.pre_rest_reach_ms IS 'Length of all edges of the time waiting for rest (9) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.pre_rest_edge_ms IS 'Summed length of the changes into or out of waiting for rest (9) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.other_low_ms IS 'Part of the time in an unknown or undocumented state that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.other_reach_ms IS 'Length of all edges of the time in an unknown or undocumented state in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.other_edge_ms IS 'Summed length of the changes into or out of in an unknown or undocumented state whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.signed_out_low_ms IS 'Part of the time signed out (2, or not signed in) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.signed_out_reach_ms IS 'Length of all edges of the time signed out (2, or not signed in) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.signed_out_edge_ms IS 'Summed length of the changes into or out of signed out (2, or not signed in) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.handle_low_ms IS 'Part of the time handle (talk, acw) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.handle_reach_ms IS 'Length of all edges of the time handle (talk, acw) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.handle_edge_ms IS 'Summed length of the changes into or out of handle (talk, acw) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.not_ready_low_ms IS 'Part of the time not ready (busy, rest, pre_rest) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.not_ready_reach_ms IS 'Length of all edges of the time not ready (busy, rest, pre_rest) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.not_ready_edge_ms IS 'Summed length of the changes into or out of not ready (busy, rest, pre_rest) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.staffed_low_ms IS 'Part of the time staffed (all states but signed_out) that lies outside all its edges. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.staffed_reach_ms IS 'Length of all edges of the time staffed (all states but signed_out) in this quarter-hour; low + reach is the high bound. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.staffed_edge_ms IS 'Summed length of the changes into or out of staffed (all states but signed_out) whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.change_ms IS 'Summed length of all changes whose second sample lies here. Milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.change_sq IS 'Sum of the squared lengths of those changes. Square milliseconds, additive.';
COMMENT ON COLUMN talktime.quarter_hours.talk_entries IS 'Talk episodes seen to begin here: not a count of calls. Additive.';
COMMENT ON COLUMN talktime.quarter_hours.conflicts IS 'Observations here whose isWorking contradicts their state code. Additive.';
COMMENT ON COLUMN talktime.quarter_hours.revision IS '1 until final, then one more for every change of the row''s figures.';
COMMENT ON COLUMN talktime.quarter_hours.is_final IS 'True once no outstanding tick can change the row and the settle delay has passed.';
COMMENT ON COLUMN talktime.quarter_hours.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN talktime.quarter_hours.derivation_id IS 'The derivation that last changed the row: the watermark for incremental refresh.';

CREATE TABLE talktime.dirty (
    dirty_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_at   timestamptz NOT NULL,
    to_at     timestamptz NOT NULL,
    period_ms integer NOT NULL
);
COMMENT ON TABLE talktime.dirty IS
    'Marks of what must be derived again, append-only: recorders add rows, derive consumes them. A row a statement, never a shared counter, so that no recorder waits.';
COMMENT ON COLUMN talktime.dirty.dirty_id IS 'Key of the mark.';
COMMENT ON COLUMN talktime.dirty.from_at IS 'Earliest instant touched.';
COMMENT ON COLUMN talktime.dirty.to_at IS 'Latest instant touched.';
COMMENT ON COLUMN talktime.dirty.period_ms IS 'The largest period among what was stored: how far around it figures can change. Milliseconds.';

-- +goose StatementBegin
CREATE FUNCTION talktime.mark_ticks_dirty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO talktime.dirty (from_at, to_at, period_ms)
    SELECT min(due_at), max(due_at + period_ms * interval '1 millisecond'), max(period_ms) FROM stored HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.mark_ticks_dirty() IS 'Marks the time around stored ticks for derive.';
CREATE TRIGGER ticks_inserted AFTER INSERT ON talktime.ticks
    REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION talktime.mark_ticks_dirty();
CREATE TRIGGER ticks_updated AFTER UPDATE ON talktime.ticks
    REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION talktime.mark_ticks_dirty();

-- +goose StatementBegin
CREATE FUNCTION talktime.mark_hand_rounds_dirty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO talktime.dirty (from_at, to_at, period_ms)
    SELECT min(taken_from), max(taken_to + period_ms * interval '1 millisecond'), max(period_ms) FROM stored HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.mark_hand_rounds_dirty() IS 'Marks the time around rounds taken by hand for derive.';
CREATE TRIGGER hand_rounds_inserted AFTER INSERT ON talktime.hand_rounds
    REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION talktime.mark_hand_rounds_dirty();

-- +goose Down
DROP TRIGGER hand_rounds_inserted ON talktime.hand_rounds;
DROP TRIGGER ticks_updated ON talktime.ticks;
DROP TRIGGER ticks_inserted ON talktime.ticks;
DROP FUNCTION talktime.mark_hand_rounds_dirty();
DROP FUNCTION talktime.mark_ticks_dirty();
DROP TABLE talktime.dirty, talktime.quarter_hours, talktime.derivations;
