//go:build !race && !soak

package main

// raceDetector says whether the real program is built to look for data races: as
// the tests are, and in the soak.
const raceDetector = false
