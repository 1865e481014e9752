-- How far do the figures reach? Everything before horizon_at is counted, everything
-- from there on is pending. Put it on every dashboard.
SELECT f.horizon_at, f.horizon_age_seconds / 60 AS horizon_age_minutes, f.last_round_at, f.dirty_quarter_hours, f.derivation_id, f.time_zone
FROM bi_v1.meta_freshness AS f
