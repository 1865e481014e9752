package gatewaysim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

func TestParseFault(t *testing.T) {
	const hour = time.Hour
	for _, c := range []struct {
		text string
		want gatewaysim.Fault
	}{
		{"timeout", gatewaysim.Fault{Kind: "timeout", Chance: 1}},
		{"http500=0.01", gatewaysim.Fault{Kind: "http500", Chance: 0.01}},
		{"000-004=1", gatewaysim.Fault{Kind: "000-004", Chance: 1}},
		{"100-007=0.005@09:00-09:10", gatewaysim.Fault{Kind: "100-007", Chance: 0.005, From: 9 * hour, To: 9*hour + 10*time.Minute}},
		{"html@23:59:30-00:00", gatewaysim.Fault{Kind: "html", Chance: 1, From: 24*hour - 30*time.Second}},
		{"cut@00:00-24:00", gatewaysim.Fault{Kind: "cut", Chance: 1, To: 24 * hour}},
		{"latency=2s", gatewaysim.Fault{Kind: "latency", Chance: 1, Least: 2 * time.Second, Most: 2 * time.Second}},
		{"latency=20ms..50ms", gatewaysim.Fault{Kind: "latency", Chance: 1, Least: 20 * time.Millisecond, Most: 50 * time.Millisecond}},
		{"latency=0s..1m:0.5@12:00-13:00", gatewaysim.Fault{Kind: "latency", Chance: 0.5, Most: time.Minute, From: 12 * hour, To: 13 * hour}},
		{"timeout#101", gatewaysim.Fault{Kind: "timeout", Chance: 1, Agents: ingest.AgentRange{First: 101, Last: 101}}},
		{"stall=0.5@09:00-10:00#103-110", gatewaysim.Fault{Kind: "stall", Chance: 0.5, From: 9 * hour, To: 10 * hour, Agents: ingest.AgentRange{First: 103, Last: 110}}},
		{"latency=1s#999999", gatewaysim.Fault{Kind: "latency", Chance: 1, Least: time.Second, Most: time.Second, Agents: ingest.AgentRange{First: 999999, Last: 999999}}},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := gatewaysim.ParseFault(c.text)
			if err != nil || got != c.want {
				t.Fatalf("is %+v, %v; want %+v", got, err, c.want)
			}
			if again, err := gatewaysim.ParseFault(got.String()); err != nil || again != got {
				t.Errorf("written as %q it is %+v, %v", got, again, err)
			}
		})
	}
}

func TestParseFaultRefuses(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"", `"" is none of latency, timeout,`},
		{"http404", `"http404" is none of`},
		{"100-006=0.1", "a lie about where the agent is"},
		{"100-008", "a lie about where the agent is"},
		{"http500=", `"" is not a chance above 0 up to 1`},
		{"http500=0", `"0" is not a chance`},
		{"http500=1.01", `"1.01" is not a chance`},
		{"http500=-1", `"-1" is not a chance`},
		{"http500=NaN", `"NaN" is not a chance`},
		{"http500=0.1:0.2", `"0.1:0.2" is not a chance`},
		{"latency", `"" is not a delay such as`},
		{"latency=0.5", `"0.5" is not a delay such as`},
		{"latency=50ms..20ms", "does not run upwards"},
		{"latency=-1s", "does not run upwards"},
		{"latency=11m", "does not run upwards between 0s and 10m0s"},
		{"latency=1s:", `"" is not a chance`},
		{"timeout@", `"" is not a window such as`},
		{"timeout@09:00", `"09:00" is not a window`},
		{"timeout@9:00-10:00", `"9:00-10:00" is not a window`},
		{"timeout@09:00-25:00", `is not a window`},
		{"timeout@24:00-01:00", `is not a window`},
		{"timeout@09:00:00.5-10:00", `is not a window`},
		{"timeout@09:00-09:00:00", "is empty"},
		{"timeout#", `agent "" is not a number`},
		{"timeout#100", "agent 100 is outside 101-999999"},
		{"timeout#110-101", "runs backwards"},
		{"timeout#101@09:00-10:00", `agent "101@09:00" is not a number`},
	} {
		t.Run(c.text, func(t *testing.T) {
			if got, err := gatewaysim.ParseFault(c.text); err == nil {
				t.Errorf("is taken as %+v", got)
			} else if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "fault ") {
				t.Errorf("error %q does not say %q", err, c.says)
			}
		})
	}
}

func TestParseFaultsReportsAllThatIsWrong(t *testing.T) {
	_, err := gatewaysim.ParseFaults("http500=2, nonsense=0@x", "latency=1s", "timeout@1-2")
	if err == nil {
		t.Fatal("nonsense is accepted")
	}
	for _, says := range []string{
		`fault "http500=2": "2" is not a chance`,
		`fault "nonsense=0@x": "nonsense" is none of`,
		`fault "nonsense=0@x": "0" is not a chance`,
		`fault "nonsense=0@x": "x" is not a window`,
		`fault "timeout@1-2": "1-2" is not a window`,
	} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error does not say %s:\n%s", says, err)
		}
	}
	if strings.Contains(err.Error(), "latency=1s") {
		t.Errorf("the error speaks of the good one:\n%s", err)
	}
}

func TestParseFaultsInOrder(t *testing.T) {
	faults, err := gatewaysim.ParseFaults("", "cut=0.5, html", " timeout ,")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []gatewaysim.FaultKind
	for _, f := range faults {
		kinds = append(kinds, f.Kind)
	}
	if want := []gatewaysim.FaultKind{"cut", "html", "timeout"}; !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
}

func FuzzParseFault(f *testing.F) {
	for _, kind := range gatewaysim.FaultKinds() {
		f.Add(string(kind) + "=0.5@23:00-01:00")
	}
	f.Add("latency=20ms..50ms:0.1@09:00:01-24:00")
	f.Add("http500=1e-3")
	f.Add("timeout@09:00:00.-10:00")
	f.Add("reset=0.5@09:00-10:00#101-110")
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := gatewaysim.ParseFault(text)
		if err != nil {
			if fault != (gatewaysim.Fault{}) {
				t.Errorf("%q is refused and yet %+v", text, fault)
			}
			return
		}
		if !(fault.Chance > 0 && fault.Chance <= 1) || fault.Least < 0 || fault.Most < fault.Least ||
			fault.From < 0 || fault.From >= 24*time.Hour || fault.To < 0 || fault.To > 24*time.Hour ||
			!slices.Contains(gatewaysim.FaultKinds(), fault.Kind) {
			t.Errorf("%q is taken as %+v", text, fault)
		}
		if again, err := gatewaysim.ParseFault(fault.String()); err != nil || again != fault {
			t.Errorf("%q is %+v, written as %q it is %+v, %v", text, fault, fault, again, err)
		}
	})
}
