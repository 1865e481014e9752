package reports

import "math/bits"

// Ratio is one of the shares a report prints (metrics.md §6). Ratios are never
// stored and never averaged: each is made from its row's own sums.
type Ratio int

// The ratios in the order of their columns.
const (
	Occupancy          Ratio = iota // (talk+acw) / (talk+acw+available)
	OccupancyInclRing               // the same with reserved on both sides
	ReadyUtilization                // (talk+acw) / (staffed-not_ready)
	StaffedUtilization              // (talk+acw) / staffed
	TalkShare                       // talk / staffed
	NotReadyShare                   // not_ready / staffed
	Coverage                        // observed / (observed+unobserved)
)

// Ratios is how many ratios there are.
const Ratios = 7

// String returns the ratio's column name, such as "occupancy_pct".
func (q Ratio) String() string {
	return [Ratios]string{
		"occupancy_pct", "occupancy_incl_ring_pct", "ready_utilization_pct", "staffed_utilization_pct",
		"talk_share_pct", "not_ready_pct", "coverage_pct",
	}[q]
}

// MinCoverage is the coverage in percent below which the other ratios are left
// blank unless they are asked for.
const MinCoverage = 90

// Blank says why a ratio is not printed.
type Blank int

// The reasons for a blank.
const (
	NotBlank    Blank = iota
	NoBase            // its denominator is 0
	LowCoverage       // the row's coverage is under MinCoverage
)

// Ratio returns a ratio in thousandths of a percent, or why it is blank.
// Coverage is rounded down, so 100 means that nothing is missing; the others
// are rounded half up.
func (r *Row) Ratio(q Ratio, allowPartial bool) (milliPercent int64, blank Blank) {
	part, whole := r.ratioTerms(q)
	if whole == 0 {
		return 0, NoBase
	}
	if q != Coverage && !allowPartial && !r.IsCovered(MinCoverage) {
		return 0, LowCoverage
	}
	const all = 100_000
	high, low := bits.Mul64(uint64(part), all)
	quotient, remainder := bits.Div64(high, low, uint64(whole))
	if q != Coverage && remainder >= uint64(whole+1)/2 {
		quotient++
	}
	return int64(quotient), NotBlank
}

// IsCovered reports whether at least the given percentage of the time polls
// were due for was observed. Where none were due, nothing is missing.
func (r *Row) IsCovered(percent float64) bool {
	observed, due := r.ratioTerms(Coverage)
	return float64(observed)*100 >= percent*float64(due)
}

func (r *Row) ratioTerms(q Ratio) (part, whole int64) {
	handle, staffed := r.Value(Handle), r.Value(Staffed)
	switch q {
	case Occupancy:
		return handle, handle + r.MS[Available]
	case OccupancyInclRing:
		return handle + r.MS[Reserved], handle + r.MS[Reserved] + r.MS[Available]
	case ReadyUtilization:
		return handle, staffed - r.Value(NotReady)
	case StaffedUtilization:
		return handle, staffed
	case TalkShare:
		return r.MS[Talk], staffed
	case NotReadyShare:
		return r.Value(NotReady), staffed
	default:
		return r.Observed(), r.Observed() + r.Unobserved()
	}
}
