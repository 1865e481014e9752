-- +goose Up
CREATE TABLE talktime.epochs (
    epoch       bigint PRIMARY KEY CHECK (epoch >= 0),
    holder      text NOT NULL,
    ticks_from  timestamptz NOT NULL,
    ticks_until timestamptz CHECK (ticks_until >= ticks_from),
    beat_at     timestamptz NOT NULL,
    ttl_ms      integer NOT NULL CHECK (ttl_ms BETWEEN 1000 AND 10000)
);
COMMENT ON TABLE talktime.epochs IS
    'Reigns of recorders, one row each; the newest row is the lease. A tick belongs to the epoch that reigned at its due instant and is stored only with that one: a recorder that was taken for dead can store what was due before, and nothing else.';
COMMENT ON COLUMN talktime.epochs.epoch IS 'Number of the reign, one more than the one before. 0 reigns over all instants: it stands for programs that take no lease.';
COMMENT ON COLUMN talktime.epochs.holder IS 'Who holds or held the lease: host:pid.';
COMMENT ON COLUMN talktime.epochs.ticks_from IS 'Due instants from here on are its own.';
COMMENT ON COLUMN talktime.epochs.ticks_until IS 'Up to here, not included; empty while it reigns. A later row takes over from exactly here.';
COMMENT ON COLUMN talktime.epochs.beat_at IS 'The database''s clock when the row last changed: its last sign of life while it reigns. Others take over when it has not moved for ttl_ms.';
COMMENT ON COLUMN talktime.epochs.ttl_ms IS 'How long it may give no sign of life. Milliseconds.';

INSERT INTO talktime.epochs (epoch, holder, ticks_from, ticks_until, beat_at, ttl_ms)
VALUES (0, 'nobody', '-infinity', 'infinity', '-infinity', 1000);

ALTER TABLE talktime.ticks ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN talktime.ticks.epoch IS 'The reign it was stored in; 0 without a lease, as are ticks that were missed before a reign began.';

-- +goose Down
ALTER TABLE talktime.ticks DROP COLUMN epoch;
DROP TABLE talktime.epochs;
