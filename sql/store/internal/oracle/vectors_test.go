package oracle_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"talktime/sql/store/internal/oracle"
)

// TestVectors reproduces every stored case exactly, then once more with each
// sample stored twice and all of them in another order.
func TestVectors(t *testing.T) {
	for _, file := range []struct {
		name  string
		cases int
	}{
		{"hand.jsonl", 66},
		{"random.jsonl", 150},
	} {
		cases, err := oracle.ReadCases(filepath.Join("..", "..", "testdata", "vectors", file.name))
		if err != nil {
			t.Fatal(err)
		}
		if len(cases) != file.cases {
			t.Errorf("%s has %d cases, want %d", file.name, len(cases), file.cases)
		}
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				if diff := oracle.Diff(oracle.Derive(c), c.Expect); diff != "" {
					t.Errorf("%s\n%s", c.Why, diff)
				}
				twice := shuffledTwice(c, 1)
				if diff := oracle.Diff(oracle.Derive(twice), c.Expect); diff != "" {
					t.Errorf("shuffled, each sample twice: %s\n%s", c.Why, diff)
				}
			})
		}
	}
}

// shuffledTwice returns the case with each sample stored twice, in an order that
// depends on seed, and its schedules and ticks backwards.
func shuffledTwice(c oracle.Case, seed uint64) oracle.Case {
	c.Samples = slices.Concat(c.Samples, c.Samples)
	random := rand.New(rand.NewPCG(seed, seed))
	random.Shuffle(len(c.Samples), func(i, j int) { c.Samples[i], c.Samples[j] = c.Samples[j], c.Samples[i] })

	c.Schedules = slices.Clone(c.Schedules)
	slices.Reverse(c.Schedules)
	for i := range c.Schedules {
		c.Schedules[i].Ticks = slices.Clone(c.Schedules[i].Ticks)
		slices.Reverse(c.Schedules[i].Ticks)
	}
	return c
}
