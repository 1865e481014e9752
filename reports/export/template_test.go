package export_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/reports"
	"talktime/reports/export"
)

// window reads a period as a report's flags are read.
func window(t testing.TB, zone, from, to string) reports.Window {
	t.Helper()
	location, err := reports.ParseZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	w, err := reports.ParseWindow(from, to, location, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func edition(t testing.TB) export.Edition {
	return export.Edition{
		Export: "daily-states", Report: "states", Profile: "machine", Extension: "csv",
		Window: window(t, "Europe/Berlin", "2026-11-16", "2026-11-17"), Revision: 2,
	}
}

func TestTemplateNames(t *testing.T) {
	for _, c := range []struct{ name, template, want string }{
		{"default", export.DefaultTemplate, "daily-states_20261115T2300Z_20261116T2300Z_r2.csv"},
		{"every variable", "{name}.{report}.{profile}.{zone}.{revision}.{ext}", "daily-states.states.machine.Europe-Berlin.2.csv"},
		{"the form of the field's page", "agentstate_{report}_15m_{from}_{to}_{zone}_r{revision}.{ext}", "agentstate_states_15m_20261115T2300Z_20261116T2300Z_Europe-Berlin_r2.csv"},
		{"NICE IEX, 30 characters", "History-{from:YYMMDDhhmm}.{revision}.txt", "History-2611160000.2.txt"},
		{"IEX export, mmddyy_hhmm", "queue_{from:MMDDYY_hhmm}_{revision}.txt", "queue_111626_0000_2.txt"},
		{"a date by the zone's clock", "x{from:YYYYMMDD}-{to:YYYY-MM-DDThh.mm}r{revision}", "x20261116-2026-11-17T00.00r2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			template, err := export.ParseTemplate(c.template)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := template.Name(edition(t)); err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
			if template.String() != c.template {
				t.Errorf("it says it is %q", template)
			}
		})
	}
}

func TestTemplatesRefused(t *testing.T) {
	for _, c := range []struct{ name, template, want string }{
		{"empty", "", "is empty; the default is {name}_"},
		{"another folder", "../{name}", "character 3: a file name cannot lead into another folder"},
		{"Windows' way to another folder", `a\{name}`, "character 2: a file name cannot lead into another folder"},
		{"a blank", "{name} {from}", "character 7: a blank is not allowed"},
		{"an accent", "{name}é", "character 7: only A-Z a-z 0-9 _ . - and variables"},
		{"a NUL", "{name}\x00", "character 7: only A-Z"},
		{"never closed", "{name}_{from", "character 8: { is never closed by }"},
		{"never opened", "name}", "character 5: } closes nothing"},
		{"no variable", "{agent}", "{agent} is none of the variables {name} {report}"},
		{"one in another", "{na{me}}", "{na{me} is none of the variables"},
		{"a colon too many", "{name:YY}", "{name} takes nothing after a colon"},
		{"no letters", "{from:}", "nothing follows the colon"},
		{"other letters", "{from:YYYYmmdd}", `"YYYYmmdd" is not of YYYY YY MM DD hh mm`},
		{"a separator inside", "{from:YYYY/MM}", `"YYYY/MM" is not of`},
		{"two faults", "a b{x}", "character 2: a blank is not allowed in a file name: many importers refuse it\nfile name template \"a b{x}\", character 4: {x} is none"},
		{"too long", strings.Repeat("x", 501), "has 501 characters; 500 fit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := export.ParseTemplate(c.template); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q in it", err, c.want)
			}
		})
	}
}

// Some templates can be read, yet make no name for this edition.
func TestNamesRefused(t *testing.T) {
	for _, c := range []struct{ name, template, export, want string }{
		{"hidden", ".{name}", "x", "begins with a dot"},
		{"an option", "-{name}", "x", "begins with -"},
		{"two dots", "{name}..csv", "x", "two dots in a row"},
		{"two dots that meet", "a.{name}", ".b", "two dots in a row"},
		{"a dot at the end", "{name}.", "x", "ends with a dot"},
		{"a folder in the export's name", "a{name}", "b/../c", `"ab/../c" holds two dots`},
		{"a character in the export's name", "a{name}", "b/c", `holds '/'`},
		{"nothing", "{name}", "", "is empty"},
		{"too long", "{name}", strings.Repeat("x", 201), "has 201 characters; 200 fit"},
		{"unfinished", "{name}.PART", "x", "the mark of a file that is not finished"},
		{"a checksum's", "{name}.sha256", "x", "ends with .sha256"},
		{"a manifest's", "{name}.manifest.json", "x", "ends with .manifest.json"},
		{"a diff's", "{name}_diff.csv", "x", "ends with _diff"},
		{"a device", "{name}.csv", "Con", "is a device to Windows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			template, err := export.ParseTemplate(c.template)
			if err != nil {
				t.Fatal(err)
			}
			e := edition(t)
			e.Export = c.export
			if name, err := template.Name(e); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v; want %q in it", name, err, c.want)
			}
		})
	}
}

// Stamps read the period's ends by its zone's clock, however their letters are
// put together.
func TestStampsAreTheirLetters(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Etc/GMT+5"}
	letters := []string{"YYYY", "YY", "MM", "DD", "hh", "mm", "-", "_", ".", "T"}
	rapid.Check(t, func(rt *rapid.T) {
		w := window(t, rapid.SampledFrom(zones).Draw(rt, "zone"), "2026-01-01", "2026-01-02")
		w.From = w.From.Add(time.Duration(rapid.IntRange(0, 200_000).Draw(rt, "quarter")) * reports.QuarterHour)
		written := rapid.SliceOfN(rapid.SampledFrom(letters), 1, 8).Filter(func(written []string) bool {
			// Of YY and YY together the letters YYYY are read.
			return !strings.Contains(strings.Join(written, ","), "YY,YY")
		}).Draw(rt, "letters")
		local := w.From.In(w.Zone)
		var want strings.Builder
		for _, l := range written {
			switch layout, isTime := map[string]string{"YYYY": "2006", "YY": "06", "MM": "01", "DD": "02", "hh": "15", "mm": "04"}[l]; {
			case isTime:
				want.WriteString(local.Format(layout))
			default:
				want.WriteString(l)
			}
		}
		template, err := export.ParseTemplate("x{from:" + strings.Join(written, "") + "}x")
		if err != nil {
			rt.Fatal(err)
		}
		got, err := template.Name(export.Edition{Window: w, Revision: 1})
		if strings.Contains(want.String(), "..") {
			if err == nil {
				rt.Errorf("%q was accepted", got)
			}
			return
		}
		if err != nil || got != "x"+want.String()+"x" {
			rt.Errorf("%v: got %q, %v; want x%sx", written, got, err, want.String())
		}
	})
}

// Whatever a template is, the name it makes stays in its folder and is of the
// allowed characters, and so are the names that go with it.
func FuzzParseTemplate(f *testing.F) {
	for _, text := range []string{
		export.DefaultTemplate, "History-{from:YYMMDDhhmm}.{revision}.txt", "{zone}", "{{name}}", "{from:}", "..{name}", "{name", "a/b", "{to:_YYYY_2}", "\xff",
	} {
		f.Add(text)
	}
	e := edition(f)
	f.Fuzz(func(t *testing.T, text string) {
		template, err := export.ParseTemplate(text)
		if err != nil {
			return
		}
		if template.String() != text {
			t.Errorf("%q became %q", text, template)
		}
		name, err := template.Name(e)
		if err != nil {
			return
		}
		for _, name := range []string{name, export.SumName(name), export.ManifestName(name), export.DiffName(name)} {
			if err := export.CheckName(name); err != nil {
				t.Error(err)
			}
			if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != "" ||
				strings.Contains(name, "..") || name[0] == '.' || len(name) > 230 {
				t.Errorf("%q made %q", text, name)
			}
			partial := export.PartialName(name)
			if !export.IsPartialOf(partial, name) || len(partial) > 255 {
				t.Errorf("unfinished: %q", partial)
			}
		}
	})
}
