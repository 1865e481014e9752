package spool_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"talktime/ingest/spool"
)

// crashDir names the folder in which this test binary, started again, appends
// and removes until it is killed.
const crashDir = "TALKTIME_SPOOL_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		appendForEver(dir)
	}
	os.Exit(m.Run())
}

// appendForEver appends rounds, ever later ones, removes now and then the oldest,
// and acknowledges each on standard output: "+ 12" appended, "- 3" removed.
func appendForEver(dir string) {
	s, err := spool.Open(folderAt(nil, dir).options)
	if err != nil {
		os.Exit(1)
	}
	next := 0
	if size := s.Size(); size.Rounds > 0 {
		e, _, _ := s.Oldest()
		next = e.Tick.Polls[0] - 1 + size.Rounds
	}
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	for ; ; next++ {
		agents := next + 1 // the number of samples is the round's name
		if s.Append(roundAt(next, agents)) != nil {
			os.Exit(1)
		}
		fmt.Println("+", next)
		for range random.IntN(3) {
			e, found, err := s.Oldest()
			if err != nil || !found || s.Remove() != nil {
				os.Exit(1)
			}
			fmt.Println("-", len(e.Samples)-1)
		}
	}
}

// Whenever the program is killed, every round that was acknowledged and not
// removed is there for the next one, whole and in order.
func TestSpoolOutlivesKills(t *testing.T) {
	const kills = 20
	f := newFolder(t)
	acknowledged, removed := -1, -1
	for kill := range kills {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+f.options.Dir)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		if !lines.Scan() {
			t.Fatalf("the program ended before its first round: %v", cmd.Wait())
		}
		time.AfterFunc(time.Duration(rand.IntN(40_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		for ok := true; ok; ok = lines.Scan() {
			var sign rune
			var number int
			if _, err := fmt.Sscanf(lines.Text(), "%c %d", &sign, &number); err != nil {
				break // cut off
			}
			if sign == '+' {
				acknowledged = number
			} else {
				removed = number
			}
		}
		_ = cmd.Wait() // it was killed

		s := f.open()
		size := s.Size()
		if size.Rounds == 0 {
			if acknowledged > removed {
				t.Fatalf("kill %d: nothing is there of rounds %d to %d", kill, removed+1, acknowledged)
			}
			closed(t, s)
			continue
		}
		e, _, err := s.Oldest()
		if err != nil {
			t.Fatal(err)
		}
		first := len(e.Samples) - 1
		last := first + size.Rounds - 1
		if first > removed+1 && acknowledged > removed || last < acknowledged {
			t.Fatalf("kill %d: rounds %d to %d are there of %d to %d", kill, first, last, removed+1, acknowledged)
		}
		closed(t, s)
	}
	t.Logf("%d kills, %d rounds acknowledged, %d removed", kills, acknowledged+1, removed+1)

	// Every single one is what was appended.
	s := f.open()
	defer closed(t, s)
	var want []int
	got := make([]int, 0, 100)
	for {
		e, found, err := s.Oldest()
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			break
		}
		number := len(e.Samples) - 1
		if diff := difference(roundAt(number, number+1), e); diff != "" {
			t.Fatalf("round %d (-appended +read):\n%s", number, diff)
		}
		got = append(got, number)
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range got {
		want = append(want, got[0]+i)
	}
	if !slices.Equal(got, want) {
		t.Errorf("rounds come as %v", got)
	}
	if got := f.names(); got != "0.db" {
		t.Errorf("the files %s are there", got)
	}
}
