-- Calendars laid out for bi_v1.

-- name: LockCalendars :exec
SELECT pg_advisory_xact_lock(hashtext('talktime.calendars'));

-- name: Calendars :many
SELECT calendar_no, time_zone, fingerprint FROM talktime.calendars ORDER BY calendar_no;

-- Takes a calendar's days along.
-- name: DropCalendars :exec
DELETE FROM talktime.calendars WHERE calendar_no = ANY (@calendar_nos::smallint[]);

-- name: PutCalendar :exec
INSERT INTO talktime.calendars (calendar_no, time_zone, business_day_start, fingerprint, program, filled_at)
VALUES (@calendar_no, @time_zone, (@business_day_start::text)::time, @fingerprint, @program, @filled_at);

-- name: TouchCalendars :exec
UPDATE talktime.calendars SET program = @program, filled_at = @filled_at;

-- name: PutLocalDays :exec
INSERT INTO talktime.local_days (calendar_no, local_date, starts_at, ends_at, utc_offset, local_time, is_dst_change)
SELECT @calendar_no, (unnest(@local_dates::text[]))::date, unnest(@starts_at::timestamptz[]), unnest(@ends_at::timestamptz[]),
       unnest(@utc_offsets::text[]), unnest(@local_times::text[]), unnest(@is_dst_change::boolean[]);

-- name: PutLocalQuarterHours :exec
INSERT INTO talktime.local_quarter_hours (calendar_no, bin_start_at, half_hour_start_at, hour_start_at, local_date, utc_offset, local_time)
SELECT @calendar_no, unnest(@bins::timestamptz[]), unnest(@half_hours::timestamptz[]), unnest(@hours::timestamptz[]),
       (unnest(@local_dates::text[]))::date, unnest(@utc_offsets::text[]), unnest(@local_times::text[]);

-- The planner is not to wait for autovacuum to know how many they are.
-- name: AnalyzeCalendars :exec
ANALYZE talktime.calendars, talktime.local_days, talktime.local_quarter_hours;
