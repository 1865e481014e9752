package ingest

import (
	"slices"
	"sync"
	"time"
)

// A pool polls for all rounds with a fixed number of goroutines, so no more
// than that many polls are in flight, and never two of one agent: the second
// is parked until the first is back.
type pool struct {
	poller   Poller
	clock    Clock
	finished func(*round) // called when a round has all its samples; not under mu
	handed   chan handed
	workers  sync.WaitGroup

	mu     sync.Mutex
	size   int // workers there are to be
	extra  int // workers beyond that, who leave after their task
	idle   int // workers waiting on handed
	queue  []task
	polled map[AgentID]struct{} // agents with a poll in flight
	parked map[AgentID][]task
}

// A task is to fill one sample of a round.
type task struct {
	round *round
	index int
}

func (t task) agent() AgentID { return t.round.samples[t.index].AgentID }

// handed is a task given to an idle worker, which leaves the clock when it is
// idle again. One without a round ends the worker. Queued and parked tasks do not join: they wait for polls that
// may sleep on the clock themselves.
type handed struct {
	task
	leave func()
}

func newPool(poller Poller, clock Clock, size int, finished func(*round)) *pool {
	p := &pool{
		poller: poller, clock: clock, finished: finished,
		handed: make(chan handed, size),
		polled: map[AgentID]struct{}{}, parked: map[AgentID][]task{},
	}
	p.resize(size)
	return p
}

// resize changes the number of workers. Those with a task finish it.
func (p *pool) resize(size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ; p.size < size; p.size++ {
		if p.extra > 0 {
			p.extra--
			continue
		}
		p.idle++
		p.workers.Go(p.work)
	}
	for ; p.size > size; p.size-- {
		if p.idle == 0 {
			p.extra++
			continue
		}
		p.idle--
		p.handed <- handed{leave: func() {}}
	}
}

// close ends the workers after their last task.
func (p *pool) close() {
	close(p.handed)
	p.workers.Wait()
}

// add hands out the round's samples up to index upTo.
func (p *pool) add(r *round, upTo int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ; r.sent < upTo; r.sent++ {
		t := task{r, r.sent}
		if p.idle == 0 {
			p.queue = append(p.queue, t)
			continue
		}
		p.idle--
		p.handed <- handed{t, join(p.clock)} // an idle worker takes it
	}
}

// cut ends a round at limit, its deadline or an earlier instant: polls in
// flight are called back, the others are given up.
func (p *pool) cut(r *round, limit time.Time, cause error) {
	p.mu.Lock()
	if r.open == 0 {
		p.mu.Unlock()
		return
	}
	r.limit = limit
	r.end(cause)
	giveUp := func(t task) bool {
		if t.round != r {
			return false
		}
		r.samples[t.index].Poll = r.givenUp()
		r.open--
		return true
	}
	p.queue = slices.DeleteFunc(p.queue, giveUp)
	for agent, tasks := range p.parked {
		p.parked[agent] = slices.DeleteFunc(tasks, giveUp)
	}
	for ; r.sent < len(r.samples); r.sent++ {
		giveUp(task{r, r.sent})
	}
	open := r.open
	p.mu.Unlock()
	if open == 0 {
		p.complete(r)
	}
}

func (p *pool) complete(r *round) {
	r.end(nil)
	p.finished(r)
	close(r.over)
}

func (p *pool) work() {
	for h := range p.handed {
		if h.round == nil {
			return
		}
		leaves := false
		for t, ok := h.task, true; ok; t, ok, leaves = p.next() {
			p.poll(t)
		}
		h.leave()
		if leaves {
			return
		}
	}
}

// next takes a task from the queue; without one the worker is idle. It leaves
// where there are too many.
func (p *pool) next() (t task, ok, leaves bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.extra > 0 {
		p.extra--
		return task{}, false, true
	}
	if len(p.queue) == 0 {
		p.idle++
		return task{}, false, false
	}
	t = p.queue[0]
	p.queue = p.queue[1:]
	return t, true, false
}

// poll fills a sample, or parks the task while its agent is being polled.
func (p *pool) poll(t task) {
	agent := t.agent()
	p.mu.Lock()
	if _, busy := p.polled[agent]; busy {
		p.parked[agent] = append(p.parked[agent], t)
		p.mu.Unlock()
		return
	}
	p.polled[agent] = struct{}{}
	p.mu.Unlock()

	var result Poll
	sent := t.round.behind.Load()
	if t.round.ctx.Err() == nil {
		result = p.poller.Poll(t.round.ctx, agent)
	}

	p.mu.Lock()
	delete(p.polled, agent)
	if parked := p.parked[agent]; len(parked) > 0 {
		p.queue = slices.Insert(p.queue, 0, parked...)
	}
	delete(p.parked, agent)
	if result.PolledAt.IsZero() { // not asked
		result.PolledAt = t.round.limit
	} else {
		result.PolledAt = result.PolledAt.Add(time.Duration(sent))
	}
	t.round.samples[t.index].Poll = t.round.settled(result)
	t.round.open--
	open := t.round.open
	p.mu.Unlock()
	if open == 0 {
		p.complete(t.round)
	}
}
