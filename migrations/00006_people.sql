-- +goose Up
CREATE TABLE talktime.agents (
    agent_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person    text NOT NULL UNIQUE CHECK (person <> '')
);
COMMENT ON TABLE talktime.agents IS
    'Persons: one row each. An agent id passes from one to another, so a person has a key of the database''s own.';
COMMENT ON COLUMN talktime.agents.agent_key IS 'Key of the person.';
COMMENT ON COLUMN talktime.agents.person IS 'What tells persons apart: the roster''s own key, or "agent 101: Ann Mayr" where the roster has none.';

-- Each row ends where another of its agent begins, no two end at one instant,
-- and one of them never ends: so the rows of an agent follow each other without
-- gap or overlap, whoever writes them.
CREATE TABLE talktime.agent_history (
    agent_id   integer NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz,
    agent_key  bigint REFERENCES talktime.agents,
    name       text NOT NULL,
    team       text NOT NULL,
    PRIMARY KEY (agent_id, valid_from),
    CONSTRAINT agent_history_forward CHECK (valid_to > valid_from),
    CONSTRAINT agent_history_aligned CHECK (date_bin('15 minutes', valid_from, 'epoch') = valid_from),
    CONSTRAINT agent_history_named CHECK ((agent_key IS NULL) = (name = '') AND (name <> '' OR team = '')),
    CONSTRAINT agent_history_one_end UNIQUE NULLS NOT DISTINCT (agent_id, valid_to) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT agent_history_no_gap FOREIGN KEY (agent_id, valid_to) REFERENCES talktime.agent_history (agent_id, valid_from)
        DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX agent_history_person ON talktime.agent_history (agent_key);
COMMENT ON TABLE talktime.agent_history IS
    'Who held an agent id, by what name and in which team, and when: one row a tenure. A quarter-hour belongs to the tenure valid at its start. Before an agent''s first row nothing is known.';
COMMENT ON COLUMN talktime.agent_history.agent_id IS 'The gateway''s number for the agent.';
COMMENT ON COLUMN talktime.agent_history.valid_from IS 'From this instant on, a quarter-hour of UTC.';
COMMENT ON COLUMN talktime.agent_history.valid_to IS 'Up to this instant, not including it: valid_from of the agent''s next row. Empty in the last.';
COMMENT ON COLUMN talktime.agent_history.agent_key IS 'The person; empty while the id is nobody''s.';
COMMENT ON COLUMN talktime.agent_history.name IS 'The person''s name then; empty while the id is nobody''s.';
COMMENT ON COLUMN talktime.agent_history.team IS 'The person''s team then; empty for none.';

-- +goose Down
DROP TABLE talktime.agent_history, talktime.agents;
