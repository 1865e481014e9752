package oracle

import "math"

// MeasureAt says what one agent's instant counts as once all of the case is
// settled, whatever its horizon: a state, Failed, RecorderDown or Unscheduled.
func MeasureAt(c Case, agent int32, at int64) int {
	h := historyOf(agent, c)
	h.horizon = math.MaxInt64
	return h.measureAt(at, h.coverage, h.claims)
}
