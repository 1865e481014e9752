-- +goose Up
CREATE SCHEMA IF NOT EXISTS talktime;
COMMENT ON SCHEMA talktime IS 'talktime''s own tables: truth, derived figures and ledgers. Not a contract: BI tools read schema bi_v1.';

-- The order is that of the program's Outcome constants; the words are those of
-- the interface notes. New ones are only ever appended.
CREATE TYPE talktime.outcome AS ENUM (
    'observed', 'not_signed_in', 'unauthorized', 'bad_request',
    'gateway_error', 'unreachable', 'bad_reply', 'skipped');
COMMENT ON TYPE talktime.outcome IS 'What became of a poll; see talktime.outcomes.';

CREATE TYPE talktime.measure AS ENUM (
    'talk', 'reserved', 'acw', 'available', 'busy', 'rest', 'pre_rest', 'other', 'signed_out');
COMMENT ON TYPE talktime.measure IS 'The nine states time is counted in; see talktime.state_measures.';

CREATE TYPE talktime.tick_status AS ENUM ('taken', 'missed');
COMMENT ON TYPE talktime.tick_status IS 'taken: a round was made at the due instant; missed: no recorder made one.';

CREATE TABLE talktime.outcomes (
    outcome        talktime.outcome PRIMARY KEY,
    is_observation boolean NOT NULL,
    meaning        text NOT NULL
);
COMMENT ON TABLE talktime.outcomes IS 'Reference: what each outcome of a poll means. One row an outcome.';
COMMENT ON COLUMN talktime.outcomes.outcome IS 'The outcome as stored with every sample.';
COMMENT ON COLUMN talktime.outcomes.is_observation IS 'True when the outcome says where the agent was; only such samples count as time.';
COMMENT ON COLUMN talktime.outcomes.meaning IS 'The outcome in words.';

INSERT INTO talktime.outcomes (outcome, is_observation, meaning) VALUES
    ('observed',      true,  'the gateway told the agent''s state'),
    ('not_signed_in', true,  'the gateway said the agent is signed out (100-006, 100-008)'),
    ('unauthorized',  false, 'no right, GUID expired, just replaced, or none held (000-003)'),
    ('bad_request',   false, 'the gateway refused the URL, a parameter or the agent id (000-002)'),
    ('gateway_error', false, 'the gateway answered with any other error code'),
    ('unreachable',   false, 'no answer: time-out, refused connection, TLS failure'),
    ('bad_reply',     false, 'an answer that is none: HTTP status other than 200, oversized or unreadable body'),
    ('skipped',       false, 'the tick''s deadline came before the agent''s answer');

CREATE TABLE talktime.state_measures (
    agent_state integer NOT NULL,
    is_working  boolean NOT NULL,
    measure     talktime.measure NOT NULL,
    is_conflict boolean NOT NULL,
    label       text NOT NULL,
    PRIMARY KEY (agent_state, is_working)
);
COMMENT ON TABLE talktime.state_measures IS
    'Reference: the measure a pair (agent_state, is_working) counts for. A pair without a row is talk and a conflict when working, other when not.';
COMMENT ON COLUMN talktime.state_measures.agent_state IS 'The gateway''s agentState code.';
COMMENT ON COLUMN talktime.state_measures.is_working IS 'The gateway''s isWorking: the agent is talking.';
COMMENT ON COLUMN talktime.state_measures.measure IS 'The measure such time counts for.';
COMMENT ON COLUMN talktime.state_measures.is_conflict IS 'True when the two parts of the pair contradict each other; counted in conflicts.';
COMMENT ON COLUMN talktime.state_measures.label IS 'The pair in words.';

INSERT INTO talktime.state_measures (agent_state, is_working, measure, is_conflict, label) VALUES
    (0, false, 'other',      false, 'unknown'),
    (1, false, 'other',      false, 'signed in (reserved)'),
    (2, false, 'signed_out', false, 'signed out'),
    (3, false, 'busy',       false, 'busy'),
    (4, false, 'available',  false, 'idle'),
    (5, false, 'acw',        false, 'wrap-up'),
    (6, false, 'available',  false, 'idle (reserved code)'),
    (7, false, 'reserved',   false, 'ringing or being seized'),
    (8, false, 'rest',       false, 'rest'),
    (9, false, 'pre_rest',   false, 'rest asked for'),
    (0, true,  'talk',       true,  'talking while unknown'),
    (1, true,  'talk',       true,  'talking while signed in (reserved)'),
    (2, true,  'talk',       true,  'talking while signed out'),
    (3, true,  'talk',       false, 'talking while busy is asked for'),
    (4, true,  'talk',       true,  'talking while idle'),
    (5, true,  'talk',       true,  'talking while in wrap-up'),
    (6, true,  'talk',       true,  'talking while idle (reserved code)'),
    (7, true,  'talk',       false, 'talking'),
    (8, true,  'talk',       true,  'talking while at rest'),
    (9, true,  'talk',       false, 'talking while rest is asked for');

-- +goose Down
DROP SCHEMA talktime CASCADE;
