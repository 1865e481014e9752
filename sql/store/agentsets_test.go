package store_test

import (
	"testing"

	"talktime/sql/store"
)

// Whatever text is taken for a set of agents is written again as one that means
// the same.
func FuzzAgentsOf(f *testing.F) {
	for _, seed := range []string{"{}", "{[101,102)}", "{[101,105),[200,201)}", "{[,)}", "{(101,105]}", "", "{[105,101)}", "{[-2147483648,2147483647)}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		agents, err := store.AgentsOf(text)
		if err != nil {
			return
		}
		again, err := store.AgentsOf(store.MultirangeOf(agents))
		if err != nil || !again.Equal(agents) {
			t.Errorf("%q is %s, written and read again %s (%v)", text, agents, again, err)
		}
	})
}
