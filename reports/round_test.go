package reports_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"talktime/reports"
)

func TestLargestRemainder(t *testing.T) {
	for name, c := range map[string]struct {
		parts []int64
		unit  int64
		want  []int64
	}{
		"nothing to do":             {[]int64{1000, 2000, 0}, 1000, []int64{1, 2, 0}},
		"a third each":              {[]int64{333, 333, 334}, 1000, []int64{0, 0, 1}},
		"ties go to the earlier":    {[]int64{500, 500, 500, 500}, 1000, []int64{1, 1, 0, 0}},
		"half a unit is rounded up": {[]int64{250, 250}, 1000, []int64{1, 0}},
		"less than half is not":     {[]int64{250, 249}, 1000, []int64{0, 0}},
		"never the whole ones":      {[]int64{1000, 1400, 1400, 1400}, 1000, []int64{1, 2, 1, 1}},
		"minutes":                   {[]int64{89_000, 31_000, 780_000}, 60_000, []int64{1, 1, 13}},
		"none":                      {nil, 1000, []int64{}},
	} {
		if got := reports.LargestRemainder(c.parts, c.unit); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestLargestRemainderAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Int64Range(0, 1<<45), 0, 13).Draw(t, "parts")
		unit := rapid.SampledFrom([]int64{1, 2, 7, 1000, 60_000}).Draw(t, "unit")
		units := reports.LargestRemainder(parts, unit)
		var exact, printed int64
		for i, part := range parts {
			exact += part
			printed += units[i]
			if units[i] != part/unit && (units[i] != part/unit+1 || part%unit == 0) {
				t.Fatalf("%d of unit %d became %d", part, unit, units[i])
			}
		}
		if want := (exact + unit/2) / unit; printed != want {
			t.Fatalf("the units sum to %d, their rounded sum is %d", printed, want)
		}
	})
}
