package reports_test

import (
	"testing"

	"talktime/reports"
)

func TestRatios(t *testing.T) {
	// talk 3, reserved 1, acw 1, available 3, busy 1, rest 1, pre_rest 0,
	// other 2: staffed 12, not ready 2; signed out 6; failed 1, down 1.
	row := reports.Row{Sums: reports.Sums{MS: [reports.Measures]int64{3, 1, 1, 3, 1, 1, 0, 2, 6, 1, 1, 20, 5}}}
	for ratio, want := range map[reports.Ratio]int64{
		reports.Occupancy:          57143, // 4/7
		reports.OccupancyInclRing:  62500, // 5/8
		reports.ReadyUtilization:   40000, // 4/10
		reports.StaffedUtilization: 33333, // 4/12
		reports.TalkShare:          25000, // 3/12
		reports.NotReadyShare:      16667, // 2/12
		reports.Coverage:           90000, // 18/20
	} {
		if got, blank := row.Ratio(ratio, false); got != want || blank != reports.NotBlank {
			t.Errorf("%v is %d, %d, want %d", ratio, got, blank, want)
		}
	}
}

func TestRatiosAreBlankForAReason(t *testing.T) {
	seen := func(talk, failed int64) reports.Row {
		return reports.Row{Sums: reports.Sums{MS: [reports.Measures]int64{reports.Talk: talk, reports.Failed: failed}}}
	}
	for name, c := range map[string]struct {
		row     reports.Row
		ratio   reports.Ratio
		partial bool
		want    reports.Blank
	}{
		"just covered":           {seen(900, 100), reports.Occupancy, false, reports.NotBlank},
		"just not covered":       {seen(899, 101), reports.Occupancy, false, reports.LowCoverage},
		"asked for all the same": {seen(899, 101), reports.Occupancy, true, reports.NotBlank},
		"coverage itself":        {seen(1, 999), reports.Coverage, false, reports.NotBlank},
		"nothing seen":           {seen(0, 1000), reports.Occupancy, true, reports.NoBase},
		"nothing was due":        {seen(0, 0), reports.Coverage, false, reports.NoBase},
		"nobody was staffed":     {reports.Row{Sums: reports.Sums{MS: [reports.Measures]int64{reports.SignedOut: 9}}}, reports.TalkShare, false, reports.NoBase},
	} {
		t.Run(name, func(t *testing.T) {
			if _, blank := c.row.Ratio(c.ratio, c.partial); blank != c.want {
				t.Errorf("blank is %d, want %d", blank, c.want)
			}
		})
	}
}

func TestFullCoverageMeansNothingIsMissing(t *testing.T) {
	row := reports.Row{Sums: reports.Sums{MS: [reports.Measures]int64{reports.Talk: 1e15, reports.Failed: 1}}}
	if got, _ := row.Ratio(reports.Coverage, false); got != 99_999 {
		t.Errorf("coverage with 1 ms missing is printed as %d", got)
	}
	row.MS[reports.Failed] = 0
	if got, _ := row.Ratio(reports.Coverage, false); got != 100_000 {
		t.Errorf("full coverage is printed as %d", got)
	}
	if row.MS[reports.Talk] = 0; !row.IsCovered(100) {
		t.Error("a row nothing was due in is said to miss something")
	}
}
