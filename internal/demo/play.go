package demo

import (
	"context"
	"time"

	"kae"
)

// Keeper is what takes the heartbeats of the demo's processes.
type Keeper interface {
	Heartbeat(ctx context.Context, value string, h kae.Heartbeat) error
}

// asleep is how old a report may be. The processes are thought to run on this
// machine: while it slept, they did too.
const asleep = time.Minute

// Play goes on with all roles, in real time, until ctx ends. A heartbeat that
// is refused is lost, as with any process: a visitor may have removed its
// token, or given it a new value.
func (s *Scene) Play(ctx context.Context, k Keeper) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(s.queue[0].arrives()))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		a, h, _ := s.next()
		now := time.UnixMicro(time.Now().UnixMicro()).UTC()
		if h.Kind == nothing || now.Sub(h.Received) > asleep {
			continue
		}
		if h.BackDated() {
			h.Received = now
		} else {
			h.At, h.Received = now, time.Time{}
		}
		// Nobody is told of an error: there is nobody who could do anything.
		_ = k.Heartbeat(ctx, a.token.Value, h)
	}
}
