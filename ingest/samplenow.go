package ingest

import (
	"context"
)

// SampleNow takes one round of every schedule now, by hand, and returns its
// samples: one for each agent, with the smallest p of the schedules it is in,
// in force at each one's latest due instant. There is no tick for such samples.
// Polls still out by the deadline p would give them, or when ctx ends, are
// Skipped. The Recorder is not used.
func (r Recording) SampleNow(ctx context.Context) ([]Sample, error) {
	r = r.withOptions()
	if err := checkSchedules(r.Schedules); err != nil {
		return nil, err
	}
	defer join(r.Clock)()
	now := wholeMilliseconds(r.Clock.Now())
	var due []dueTick
	agents := r.Poller.Agents()
	for _, s := range r.Schedules {
		if s.All() {
			s = s.WithAgents(agents)
		}
		latest := s.Prev(now.Add(1))
		if latest.IsZero() {
			latest = s.Next(now)
		}
		due = append(due, dueTick{&line{schedule: s}, now, s.Period(latest)})
	}
	sortDue(due)

	rs := rounds{clock: r.Clock, pool: newPool(r.Poller, r.Clock, r.Concurrency, func(*round) {})}
	taken := plan(ctx, due)
	for _, round := range taken {
		round.hurry()
		rs.start(round, now)
	}
	rs.finish(ctx)
	rs.pool.close()

	var samples []Sample
	for _, round := range taken {
		samples = append(samples, round.samples...)
	}
	return samples, nil
}
