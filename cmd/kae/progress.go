package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is a line on a terminal that tells how far something is. Elsewhere
// it says nothing.
type progress struct {
	mu   sync.Mutex
	w    io.Writer // nil: no terminal
	last time.Time
	step string
}

func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return &progress{w: w}
}

func (p *progress) tell(step string, done, all int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || step == "" || step == p.step && time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.step, p.last = step, time.Now()
	text := fmt.Sprintf("%s: %s", step, megabytes(done))
	if all > 0 {
		text = fmt.Sprintf("%s: %d %% of %s", step, min(100, done*100/all), megabytes(all))
	}
	fmt.Fprintf(p.w, "\r\033[K%s", text)
}

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil && p.step != "" {
		fmt.Fprint(p.w, "\r\033[K")
	}
}
