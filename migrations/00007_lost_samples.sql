-- +goose Up
CREATE TABLE talktime.lost_samples (
    day date PRIMARY KEY
);
COMMENT ON TABLE talktime.lost_samples IS
    'UTC days whose samples were deleted before others of the day came late. What was derived from the deleted ones stays; such a day is not derived again. Remove a row only when its day''s samples are all back.';
COMMENT ON COLUMN talktime.lost_samples.day IS 'The day, UTC.';

-- A round that crosses an end of the range does not count: its samples may lie
-- on the other side.
-- +goose StatementBegin
CREATE FUNCTION talktime.was_sampled(from_at timestamptz, to_at timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM talktime.ticks
        WHERE due_at >= from_at AND due_at < to_at AND finished_at < to_at
          AND observed + not_signed_in + unauthorized + bad_request + gateway_error + unreachable + bad_reply + skipped > 0)
    OR EXISTS (
        SELECT FROM talktime.hand_rounds WHERE taken_from >= from_at AND taken_from < to_at AND taken_to < to_at)
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION talktime.was_sampled(timestamptz, timestamptz) IS
    'Whether rounds that lie in [from_at, to_at) stored samples, be they still there or not.';

-- +goose Down
DROP FUNCTION talktime.was_sampled(timestamptz, timestamptz);
DROP TABLE talktime.lost_samples;
