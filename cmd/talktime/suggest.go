package main

import (
	"fmt"
	"slices"
	"strings"

	"talktime/reports"
	"talktime/reports/render"
)

// wordFault is the complaint about a word that is none of those a flag or key
// takes, with the nearest that is.
func wordFault(flag, word string, words ...string) error {
	last := len(words) - 1
	listed := strings.Join(words[:last], ", ") + " or " + words[last]
	return fmt.Errorf("%s %q is not %s%s", flag, word, listed, didYouMean(word, words))
}

// groupingWords are those of --by.
var groupingWords = []string{"agent", "team", "15m", "30m", "60m", "day", "week", "month", "none"}

// parseGrouping reads a --by and adds the nearest word to the complaint about an
// unknown one.
func parseGrouping(text string) (reports.Grouping, error) {
	g, err := reports.ParseGrouping(text)
	for _, word := range trimmed(strings.Split(text, ",")) {
		if err != nil && !slices.Contains(groupingWords, word) {
			return g, fmt.Errorf("%w%s", err, didYouMean(word, groupingWords))
		}
	}
	return g, err
}

// parseProfile reads a profile's name and adds the nearest one to the complaint
// about an unknown one.
func parseProfile(name string) (render.Profile, error) {
	p, err := render.ParseProfile(name)
	if err != nil {
		err = fmt.Errorf("%w%s", err, didYouMean(name, profileNames()))
	}
	return p, err
}

func profileNames() []string {
	var names []string
	for _, p := range render.Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// didYouMean returns `, did you mean "x"?` for the candidate nearest to a
// mistyped word, whatever its case, or nothing when none is near.
func didYouMean(word string, candidates []string) string {
	best, least := "", 0
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(word), strings.ToLower(c)); d <= max(1, len(c)/3) && (best == "" || d < least) {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbouring bytes that turn a into b.
func editDistance(a, b string) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replaced := above[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
