-- +goose Up
-- A row of samples begins with 24 bytes of Postgres' own and is filled up to the
-- next multiple of 8. With agentState of four bytes its values are 25, or 28 as
-- they lie, and take 32; with two bytes they are 24 exactly: 52 bytes a sample
-- instead of 60. The interface documents the codes 0 to 9.
--
-- This writes all samples anew, half a second to some seconds for each million by
-- the disk, and nobody reads or stores any meanwhile. Drop partitions that are no
-- longer needed before.

-- bi_v1.fct_samples reads samples through my_samples. It stays what it is, with its
-- readers and whatever else was built on it, while that view lets go of the table.
CREATE OR REPLACE VIEW talktime.my_samples WITH (security_barrier) AS
SELECT NULL::timestamptz AS polled_at, NULL::integer AS agent_id, NULL::integer AS period_ms, NULL::integer AS agent_state, NULL::boolean AS is_working,
       NULL::talktime.outcome AS outcome, NULL::text AS retcode;

ALTER TABLE talktime.samples ALTER COLUMN agent_state TYPE smallint;

CREATE OR REPLACE VIEW talktime.my_samples WITH (security_barrier) AS
SELECT s.polled_at, s.agent_id, s.period_ms, s.agent_state::integer AS agent_state, s.is_working, s.outcome, s.retcode
FROM talktime.samples AS s
WHERE (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
   OR (SELECT t.moments FROM talktime.my_tenures AS t) @> talktime.moment(s.agent_id, s.polled_at);

-- +goose Down
CREATE OR REPLACE VIEW talktime.my_samples WITH (security_barrier) AS
SELECT NULL::timestamptz AS polled_at, NULL::integer AS agent_id, NULL::integer AS period_ms, NULL::integer AS agent_state, NULL::boolean AS is_working,
       NULL::talktime.outcome AS outcome, NULL::text AS retcode;

ALTER TABLE talktime.samples ALTER COLUMN agent_state TYPE integer;

CREATE OR REPLACE VIEW talktime.my_samples WITH (security_barrier) AS
SELECT s.polled_at, s.agent_id, s.period_ms, s.agent_state, s.is_working, s.outcome, s.retcode
FROM talktime.samples AS s
WHERE (SELECT true FROM talktime.my_teams AS m WHERE m.team IS NULL LIMIT 1) IS NOT NULL
   OR (SELECT t.moments FROM talktime.my_tenures AS t) @> talktime.moment(s.agent_id, s.polled_at);
