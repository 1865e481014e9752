package gatewaysim

import (
	"math"
	"time"
)

// stream is a deterministic source of numbers (the splitmix64 generator). Its
// output is part of what a seed means, so it is not the standard library's,
// whose derived draws may change between releases.
type stream uint64

// What a stream is drawn for, so that no two uses of one seed share numbers.
const (
	forHabits uint64 = iota + 1
	forDay
	forNight
	forGUID
	forFault
)

// newStream starts the stream that belongs to all of the given words.
func newStream(words ...uint64) stream {
	var s stream
	for _, w := range words {
		s = stream(s.next() ^ w)
	}
	return stream(s.next())
}

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float draws from [0, 1).
func (s *stream) float() float64 { return float64(s.next()>>11) / (1 << 53) }

func (s *stream) chance(p float64) bool { return s.float() < p }

// between draws a duration from [least, most), in whole milliseconds.
func (s *stream) between(least, most time.Duration) int64 {
	return least.Milliseconds() + int64(s.float()*float64((most-least).Milliseconds()))
}

// exponential draws a waiting time of the given mean.
func (s *stream) exponential(mean time.Duration) int64 {
	return int64(-math.Log(1-s.float()) * float64(mean.Milliseconds()))
}

// logNormal draws a duration of the given mean; sigma is the spread of its
// logarithm.
func (s *stream) logNormal(mean time.Duration, sigma float64) int64 {
	radius := math.Sqrt(-2 * math.Log(1-s.float()))
	normal := radius * math.Cos(2*math.Pi*s.float())
	return int64(float64(mean.Milliseconds()) * math.Exp(sigma*normal-sigma*sigma/2))
}
