// Package demo makes up tokens that look like somebody's: in every state, with
// seven weeks behind them, and moving on while they are watched.
//
// Nothing is drawn by hand. Each token has a [role]: how the process behind it
// reports, and what went wrong with it. The past is made by playing all roles
// together in the order of time and applying the rules of package kae to what
// they report, so that tokens, journal, flips and gaps agree with one another;
// the future is the same roles, played on against a real keeper.
//
// Chance is seeded: as of one moment the demo is always the same.
package demo

import (
	"context"
	"errors"
	"slices"
	"time"

	"kae"
)

// flipsKept is far more than there are.
const flipsKept = 1_000_000

// Scene is the demo's tokens as of a moment, with all that led there.
type Scene struct {
	Now    time.Time
	Tokens []kae.Token // by id
	Gaps   []kae.Gap   // oldest first

	actors []*actor
	queue  []*actor        // the same, in the order in which they report next
	beats  []kae.Heartbeat // those that are kept, in the order of their positions
	flips  []kae.Flip
	pos    int64
}

// New makes the demo as of a moment.
func New(now time.Time) *Scene { return stage(cast(), now) }

func stage(roles []role, now time.Time) *Scene {
	s := &Scene{Now: time.UnixMicro(now.UnixMicro()).UTC()}
	for i, r := range roles {
		s.actors = append(s.actors, newActor(r, int64(i+1), s.Now))
	}
	s.queue = slices.Clone(s.actors)
	slices.SortStableFunc(s.queue, func(a, b *actor) int { return a.arrives().Compare(b.arrives()) })
	s.playPast()
	for _, a := range s.actors {
		s.Tokens = append(s.Tokens, a.token)
	}
	return s
}

// happening is what befalls tokens from outside, at a moment of the past.
type happening struct {
	at time.Time
	do func()
}

// playPast plays all roles until now.
func (s *Scene) playPast() {
	happenings := s.happenings()
	for {
		at := s.queue[0].arrives()
		if len(happenings) > 0 && !happenings[0].at.After(at) {
			happenings[0].do()
			happenings = happenings[1:]
			continue
		}
		if at.After(s.Now) {
			break
		}
		s.report()
	}
	for _, a := range s.actors {
		s.expire(a, s.Now)
	}
}

// happenings are what people did, and the gaps, in order.
func (s *Scene) happenings() []happening {
	var all []happening
	for _, a := range s.actors {
		for _, act := range a.acts {
			at := s.Now.Add(-act.ago)
			all = append(all, happening{at, func() {
				s.expire(a, at)
				s.apply(a, act.do(a.token, at))
			}})
		}
	}
	for _, g := range gaps {
		gap := kae.Gap{From: s.Now.Add(-g.from), To: s.Now.Add(-g.to)}
		all = append(all, happening{gap.To, func() { s.gap(gap) }})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return a.at.Compare(b.at) })
	return all
}

// gap excuses the tokens that expected a heartbeat in it.
func (s *Scene) gap(g kae.Gap) {
	s.Gaps = append(s.Gaps, g)
	for _, a := range s.actors {
		if a.token.Removed() || a.token.CreatedAt.After(g.From) {
			continue
		}
		s.expire(a, g.From)
		if c := a.token.Excuse(g); c.Flip != nil {
			s.apply(a, c)
		}
	}
}

// next gives the next heartbeat of all, and whose it is.
func (s *Scene) next() (a *actor, h kae.Heartbeat, kept bool) {
	a = s.queue[0]
	h, kept = a.take()
	rest := s.queue[1:]
	i, _ := slices.BinarySearchFunc(rest, a.arrives(), func(b *actor, at time.Time) int { return b.arrives().Compare(at) })
	copy(s.queue, rest[:i])
	s.queue[i] = a
	return a, h, kept
}

// report lets the next heartbeat arrive.
func (s *Scene) report() {
	a, h, kept := s.next()
	at := h.Received
	if !h.BackDated() {
		h.Received = time.Time{}
	}
	if h.Kind == nothing || a.token.Removed() || s.deaf(at) {
		return
	}
	if kept {
		s.pos++
		h.Pos = s.pos
	}
	s.expire(a, at)
	s.apply(a, a.token.Beat(a.token.Judge(h)))
}

// deaf tells whether kae was in a gap.
func (s *Scene) deaf(at time.Time) bool {
	ago := s.Now.Sub(at)
	return slices.ContainsFunc(gaps, func(g span) bool { return ago <= g.from && ago > g.to })
}

// expire does what the keeper would have done by a time.
func (s *Scene) expire(a *actor, now time.Time) {
	for a.token.Overdue(now) {
		s.apply(a, a.token.Expire(now))
	}
}

func (s *Scene) apply(a *actor, c kae.Change) {
	a.token = c.Token
	if c.Beat != nil && c.Beat.Pos != 0 {
		s.beats = append(s.beats, *c.Beat)
	}
	if c.Flip != nil {
		s.flips = append(s.flips, *c.Flip)
	}
}

// Write puts the demo into an empty store. A keeper that is opened within a
// minute from Now finds no gap before its start.
func (s *Scene) Write(ctx context.Context, store kae.Store) error {
	return store.Write(ctx, func(tx kae.Tx) error {
		errs := []error{tx.Append(s.beats), tx.PutTokens(s.Tokens, s.pos), tx.AddFlips(s.flips, flipsKept)}
		for _, g := range s.Gaps {
			errs = append(errs, tx.AddGap(g))
		}
		errs = append(errs, tx.SetClock(kae.Clock{
			AliveAt: s.Now.Add(time.Minute), Pos: s.pos, Safe: s.pos, LastID: int64(len(s.Tokens)),
		}))
		return errors.Join(errs...)
	})
}
