package keeper

import (
	"sync"
	"time"

	"kae"
)

const (
	pulseEvery = 500 * time.Millisecond
	missing    = time.Second // a pulse later than this means that kae could take no heartbeat
)

// pulse notices when the process was stopped, the machine slept, or the clock
// was set forward, also while a commit is under way: it beats beside the loop,
// so that a slow disk is not taken for any of these.
type pulse struct {
	mu   sync.Mutex
	last time.Time
	gap  *kae.Gap // not yet taken
}

// start beats until the function that it gives is called.
func (p *pulse) start() (stop func()) {
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		tick := time.NewTicker(pulseEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.beat(clockNow())
			}
		}
	})
	return func() {
		close(done)
		beating.Wait()
	}
}

// beat is a sign of life. One that is long after the one before ends a gap.
func (p *pulse) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() && now.Sub(p.last) > pulseEvery+missing {
		p.gap = wider(p.gap, &kae.Gap{From: p.last, To: now})
	}
	p.last = now
}

// take gives the gap since the last call, if there was one. It beats first:
// after a stop the loop may be the first to go on.
func (p *pulse) take(now time.Time) *kae.Gap {
	p.beat(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	gap := p.gap
	p.gap = nil
	return gap
}
