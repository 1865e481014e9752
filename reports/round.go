package reports

import (
	"cmp"
	"slices"
)

// LargestRemainder rounds parts to whole units so that they add up to their
// sum, rounded half up. Every part becomes the whole number below or above it
// (a whole one stays), and those with the largest remainders are raised; of
// equal ones, the earlier. Parts must not be negative, unit must be positive
// (metrics.md §8).
func LargestRemainder(parts []int64, unit int64) []int64 {
	units := make([]int64, len(parts))
	order := make([]int, len(parts))
	var remainders int64
	for i, part := range parts {
		units[i], order[i] = part/unit, i
		remainders += part % unit
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(parts[j]%unit, parts[i]%unit)
	})
	raised := (remainders + unit/2) / unit
	for _, i := range order[:raised] {
		units[i]++
	}
	return units
}
