package gatewaysim

import "time"

// Lengths that make a day. Calls are log-normal as talk times are; with sigma
// 0.8 the median call is 131 s and one in a hundred is longer than 14 minutes.
const (
	callMean, callSigma     = 180 * time.Second, 0.8
	wrapUpMean, wrapUpSigma = 30 * time.Second, 0.6

	unansweredChance = 0.03 // of calls that ring
	noWrapUpChance   = 0.1  // of calls that end
	busyChance       = 0.03 // before each call
	talkBusyChance   = 0.3  // of the calls of an agent of that oddity

	hour   = int64(time.Hour / time.Millisecond)
	minute = int64(time.Minute / time.Millisecond)
)

// oddity is something real centres have and a neat script would not.
type oddity uint8

const (
	noOddity      oddity = iota
	leftSignedIn         // forgets to sign out, every other night or so
	unknownCode          // shows code 42 for some minutes of each shift
	talksWhenBusy        // asks for busy during a call: (3, true)
)

// habits are what stays the same over an agent's days.
type habits struct {
	idleMean time.Duration // how long calls keep them waiting
	starts   int64         // by the clock, ms after midnight (ShiftDay)
	stagger  int64         // how far their day is behind midnight (ShiftAlways)
	oddity   oddity
}

// Oddities go round the agents, so that any dozen has each of them once.
func newHabits(seed, agent uint64, shift Shift) habits {
	random := newStream(seed, forHabits, agent)
	h := habits{
		idleMean: time.Duration(random.between(25*time.Second, 75*time.Second)) * time.Millisecond,
		starts:   8*hour + int64(random.float()*5)*hour/2,
	}
	switch agent % 12 {
	case 7:
		h.oddity = unknownCode
	case 9:
		h.oddity = talksWhenBusy
	case 11:
		h.oddity = leftSignedIn
	}
	if shift == ShiftAlways {
		h.stagger = random.between(0, 8*time.Hour)
	}
	return h
}

// diary writes one day of one agent, moves in ascending order.
type diary struct {
	habits
	random stream
	now    int64 // written up to here, ms since the day's start
	limit  int64 // nothing is written beyond
	moves  []move
}

// stay puts the agent in a pair for a while, at most up to the limit.
func (d *diary) stay(p pair, ms int64) { d.until(p, d.now+ms) }

// until puts the agent in a pair up to an instant, at most up to the limit.
func (d *diary) until(p pair, at int64) {
	at = min(at, d.limit)
	if at <= d.now {
		return
	}
	if n := len(d.moves); n == 0 || d.moves[n-1].pair() != p {
		d.moves = append(d.moves, newMove(d.now, p))
	}
	d.now = at
}

// shift has the agent sign in now and work until the first moment after end
// that they are not held by a call. They are still signed in when it returns.
func (d *diary) shift(end int64) {
	start, length := d.now, end-d.now
	due := func(share float64) int64 {
		return start + int64(share*float64(length)) + d.random.between(-10*time.Minute, 10*time.Minute)
	}
	type pause struct{ at, ms int64 }
	pauses := []pause{
		{due(0.22), d.random.between(10*time.Minute, 18*time.Minute)},
		{due(0.48), d.random.between(28*time.Minute, 45*time.Minute)},
		{due(0.75), d.random.between(10*time.Minute, 18*time.Minute)},
	}
	oddAt := due(0.35)

	d.stay(busy, d.random.between(20*time.Second, 90*time.Second)) // opening their programs
	for d.now < end && d.now < d.limit {
		switch {
		case len(pauses) > 0 && d.now >= pauses[0].at:
			d.stay(available, d.random.between(time.Second, 10*time.Second))
			d.stay(preRest, d.random.between(5*time.Second, time.Minute))
			d.stay(rest, pauses[0].ms)
			pauses = pauses[1:]
		case d.oddity == unknownCode && oddAt > 0 && d.now >= oddAt:
			d.stay(available, d.random.between(time.Second, 10*time.Second))
			d.stay(unknown, d.random.between(5*time.Minute, 15*time.Minute))
			oddAt = 0
		case d.random.chance(busyChance):
			d.stay(available, d.random.between(time.Second, 10*time.Second))
			d.stay(busy, d.random.between(time.Minute, 5*time.Minute))
		}
		d.call()
	}
}

// call has the agent wait for a call, take it and finish it.
func (d *diary) call() {
	d.stay(available, time.Second.Milliseconds()+d.random.exponential(d.idleMean))
	d.stay(ringing, d.random.between(2*time.Second, 12*time.Second))
	if d.random.chance(unansweredChance) {
		d.stay(available, d.random.between(time.Second, 10*time.Second))
		return
	}
	length := 1 + d.random.logNormal(callMean, callSigma)
	if d.oddity == talksWhenBusy && d.random.chance(talkBusyChance) {
		alone := int64(d.random.float() * float64(length))
		d.stay(talk, alone)
		d.stay(talkBusy, length-alone)
		d.stay(busy, d.random.between(30*time.Second, 2*time.Minute))
		return
	}
	d.stay(talk, length)
	if !d.random.chance(noWrapUpChance) {
		d.stay(acw, time.Second.Milliseconds()+d.random.logNormal(wrapUpMean, wrapUpSigma))
	}
}

// writeOneShift fills a day of ShiftDay. leftBefore says that the agent was
// left signed in the evening before, leftNow that they forget it today.
func (d *diary) writeOneShift(leftBefore, leftNow bool) {
	start := d.starts + d.random.between(-10*time.Minute, 10*time.Minute)
	end := start + d.random.between(8*time.Hour, 8*time.Hour+30*time.Minute)
	if leftBefore {
		d.until(busy, start)
		start += d.random.between(15*time.Second, 45*time.Second)
	}
	d.until(signedOut, start)
	d.shift(end)
	if leftNow {
		d.stay(available, d.random.between(time.Second, 10*time.Second))
		d.until(busy, d.limit)
		return
	}
	d.until(signedOut, d.limit)
}

// writeThreeShifts fills a day of ShiftAlways. A call that is not over when the
// shift is, ends with the sign-out.
func (d *diary) writeThreeShifts() {
	length := d.limit
	for i := range int64(3) {
		next := min((i+1)*8*hour, length)
		if i == 2 {
			next = length // also where the clocks change
		}
		d.limit = next - d.random.between(time.Minute, 3*time.Minute)
		d.shift(d.limit - 5*minute)
		d.limit = next
		d.until(signedOut, next)
	}
}
