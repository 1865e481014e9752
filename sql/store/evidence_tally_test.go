package store_test

import (
	"fmt"
	"math"

	"talktime/reports"
)

// tally counts how figures compare with the truth. Lengths are seconds.
type tally struct {
	n                int
	truth            float64
	off, offSq       float64 // of the figure from the truth
	half, variance   float64 // of the printed interval
	nHeld, nBounded  int
	nWithoutInterval int
}

func (y *tally) add(row *reports.Row, e reports.Evidence, truth int64) {
	off := float64(row.Value(e)-truth) / 1000
	stderr, seen := row.StdErr(e)
	stderr /= 1000
	y.n++
	y.truth += float64(truth) / 1000
	y.off += off
	y.offSq += off * off
	y.half += 1.96 * stderr
	y.variance += stderr * stderr
	if !seen {
		y.nWithoutInterval++
	} else if math.Abs(off) <= 1.96*stderr {
		y.nHeld++
	}
	if low, high := row.Bounds(e); low <= truth && truth <= high {
		y.nBounded++
	}
}

func (y *tally) merge(other tally) {
	y.n += other.n
	y.truth += other.truth
	y.off += other.off
	y.offSq += other.offSq
	y.half += other.half
	y.variance += other.variance
	y.nHeld += other.nHeld
	y.nBounded += other.nBounded
	y.nWithoutInterval += other.nWithoutInterval
}

// held and bounded are how often, in percent, the interval and the bounds held
// the truth.
func (y *tally) held() float64    { return 100 * float64(y.nHeld) / float64(y.n) }
func (y *tally) bounded() float64 { return 100 * float64(y.nBounded) / float64(y.n) }

func (y *tally) bias() float64 { return y.off / float64(y.n) }

// z is the bias in its own standard errors, 0 where there are too few figures
// to know them.
func (y *tally) z() float64 {
	n := float64(y.n)
	if n < 10 {
		return 0
	}
	return y.bias() / math.Sqrt((y.offSq/n-y.bias()*y.bias())/(n-1))
}

// isUnbiased: of some hundred figures none should be further out by chance.
func (y *tally) isUnbiased() bool { return math.Abs(y.z()) <= 4 }

// holds reports whether the truth was held 88 % of the time, less what three
// standard errors of so many tries allow for, and an interval was never blank.
func (y *tally) holds() bool {
	n := float64(y.n)
	return y.nWithoutInterval == 0 && float64(y.nHeld) >= 0.88*n-3*math.Sqrt(n*0.88*0.12)
}

// width is how wide the interval is as a multiple of what it had to be.
func (y *tally) width() float64 { return math.Sqrt(y.variance / y.offSq) }

// isTooWide: more than 1.6 times (metrics.md §5) and what three standard errors
// of a standard deviation allow for.
func (y *tally) isTooWide() bool {
	return y.n >= 10 && y.width() > 1.6*(1+3/math.Sqrt(2*float64(y.n)))
}

func (y *tally) String() string {
	return fmt.Sprintf("%7.0fs bias %+8.1fs z %+.1f held %5.1f%% ±%6.0fs ×%.2f bounds %5.1f%%",
		y.truth/float64(y.n), y.bias(), y.z(), y.held(), y.half/float64(y.n), y.width(), y.bounded())
}
