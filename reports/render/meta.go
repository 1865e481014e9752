package render

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"talktime/reports"
)

// metaText is a report's meta as machines read it. By, TeamAsOf, MinCoveragePct
// and AllowPartial are told of the reports that have a Grouping.
type metaText struct {
	Report            string         `json:"report"`
	At                time.Time      `json:"at,omitzero"`
	From              time.Time      `json:"from,omitzero"`
	To                time.Time      `json:"to,omitzero"`
	TimeZone          string         `json:"time_zone"`
	BusinessDayStart  string         `json:"business_day_start"`
	By                string         `json:"by,omitempty"`
	Agents            string         `json:"agents,omitempty"`     // those asked for
	Teams             []string       `json:"teams,omitempty"`      // those asked for
	TeamAsOf          string         `json:"team_as_of,omitempty"` // time, or the instant whose team counts
	HorizonAt         *time.Time     `json:"horizon_at"`           // null: nothing derived yet
	DirtyQuarterHours int            `json:"dirty_quarter_hours"`
	Schedules         []scheduleText `json:"schedules"`
	PeriodsSeconds    []float64      `json:"periods_seconds"`
	HoldsSeconds      []float64      `json:"holds_seconds"`
	MinCoveragePct    int            `json:"min_coverage_pct,omitempty"`
	AllowPartial      *bool          `json:"allow_partial,omitempty"`
	Columns           []string       `json:"columns,omitempty"` // those asked for
	Sort              []string       `json:"sort,omitempty"`
	Top               int            `json:"top,omitempty"`
	LeftOut           *leftOutText   `json:"left_out,omitempty"` // by top
	Program           string         `json:"program"`
}

// leftOutText is what a top leaves out: its rows, and their time.
type leftOutText struct {
	Rows    int                    `json:"rows"`
	Seconds json.Number            `json:"seconds,omitempty"`
	Of      map[string]json.Number `json:"of,omitempty"` // seconds of each measure there is any of
}

func newLeftOutText(left *reports.LeftOut) *leftOutText {
	if left == nil {
		return nil
	}
	text := &leftOutText{Rows: left.Rows, Of: map[string]json.Number{}}
	if left.Time > 0 {
		text.Seconds = exactSeconds(left.Time)
	}
	for m, ms := range left.MS {
		if ms > 0 {
			text.Of[reports.Measure(m).String()+"_seconds"] = exactSeconds(ms)
		}
	}
	return text
}

func exactSeconds(ms int64) json.Number {
	return json.Number(fmt.Sprintf("%d.%03d", ms/1000, ms%1000))
}

type scheduleText struct {
	Name     string `json:"name"`
	Cron     string `json:"cron"`
	TimeZone string `json:"time_zone"`
	Agents   string `json:"agents"`
}

func newMetaText(m reports.Meta) metaText {
	text := metaText{
		Report:            m.Report,
		At:                m.At,
		From:              m.Window.From,
		To:                m.Window.To,
		TimeZone:          m.Window.Zone.String(),
		BusinessDayStart:  reports.FormatDayStart(m.Window.DayStart),
		Agents:            m.Request.Agents.String(),
		Teams:             m.Teams,
		DirtyQuarterHours: m.Dirty,
		Schedules:         []scheduleText{},
		PeriodsSeconds:    []float64{},
		HoldsSeconds:      []float64{},
		Columns:           m.Shape.Columns,
		Top:               m.Shape.Top,
		LeftOut:           newLeftOutText(m.LeftOut),
		Program:           m.Program,
	}
	for _, key := range m.Shape.Sort {
		text.Sort = append(text.Sort, key.String())
	}
	if _, isGrouped := groupedTitles[m.Report]; isGrouped {
		text.By, text.TeamAsOf = m.Grouping.String(), "time"
		if !m.TeamAsOf.IsZero() {
			text.TeamAsOf = m.TeamAsOf.Format(time.RFC3339)
		}
		text.MinCoveragePct, text.AllowPartial = reports.MinCoverage, &m.AllowPartial
	}
	if !m.Horizon.IsZero() {
		text.HorizonAt = &m.Horizon
	}
	for _, s := range m.Schedules {
		text.Schedules = append(text.Schedules, scheduleText{s.Name, s.Cron, s.Zone, s.Agents})
	}
	for _, p := range m.Periods {
		text.PeriodsSeconds = append(text.PeriodsSeconds, p.Seconds())
		text.HoldsSeconds = append(text.HoldsSeconds, reports.Hold(p).Seconds())
	}
	return text
}

// WriteMeta writes a report's meta as a JSON object.
func WriteMeta(w io.Writer, meta reports.Meta) error {
	text, err := json.MarshalIndent(newMetaText(meta), "", "  ")
	if err != nil {
		return fmt.Errorf("write meta: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}
