package keeper

import (
	"context"
	"time"

	"kae"
)

const (
	savePortion  = 1000    // tokens saved in one transaction, so that no turn waits long
	cutPortion   = 2000    // journal rows cut in one transaction
	journalLeast = 100_000 // rows that the journal always keeps
	forgetAtOnce = 100
)

// saver writes the state of tokens behind the journal, and cuts the journal
// before it. It works in small transactions of its own, after the answers.
type saver struct {
	aliveAt time.Time
	due     time.Time // when the newest round began
	safe    int64     // every journal row up to here is in its token's saved state
	head    int64     // one before the journal's oldest row

	touched map[int64]struct{} // tokens that changed since they were last taken
	round   []int64            // those that this round still has to save
	upTo    int64              // the round's safe position; 0: no round
}

// start takes over where the process before stopped.
func (s *saver) start(c kae.Clock) {
	s.safe, s.head, s.aliveAt, s.due = c.Safe, c.Head, c.AliveAt, clockNow()
}

func (s *saver) touch(id int64) { s.touched[id] = struct{}{} }

// clock is the clock's row as of now.
func (s *saver) clock(now time.Time) kae.Clock { return kae.Clock{AliveAt: now, Safe: s.safe} }

// busy tells whether there is work that does not wait for the next round.
func (s *saver) busy(k *Keeper) bool { return s.upTo != 0 || s.tooLong(k) }

// bound is how long the journal may be: so long that of a busy token all that
// is kept is in it, and only slow tokens' heartbeats have to be moved.
func (s *saver) bound(k *Keeper) int64 {
	return max(journalLeast, 2*k.Keep*int64(k.roster.Len()))
}

func (s *saver) tooLong(k *Keeper) bool {
	return k.pos-s.head > s.bound(k)+cutPortion && s.safe > s.head
}

// step does one small piece of what is to be done, if anything is.
func (s *saver) step(ctx context.Context, k *Keeper, now time.Time) error {
	// A clock that was set back does not keep the next round waiting.
	if s.upTo == 0 && (!now.Before(s.due.Add(k.Delay)) || now.Before(s.due)) {
		s.begin(k, now)
	}
	if s.upTo != 0 {
		if err := s.save(ctx, k, now); err != nil {
			return err
		}
	}
	if s.tooLong(k) {
		return s.cut(ctx, k)
	}
	return nil
}

// begin starts a round: what was touched until now is safe when it ends.
func (s *saver) begin(k *Keeper, now time.Time) {
	s.due, s.upTo = now, k.pos
	if s.upTo == 0 {
		s.upTo = -1 // nothing was ever written; the sign of life still is
	}
	for id := range s.touched {
		s.round = append(s.round, id)
	}
	clear(s.touched)
}

// save writes one portion of the round, and with the last one the clock.
func (s *saver) save(ctx context.Context, k *Keeper, now time.Time) error {
	n := min(len(s.round), savePortion)
	tokens := make([]kae.Token, 0, n)
	for _, id := range s.round[:n] {
		if t, ok := k.roster.Get(id); ok {
			tokens = append(tokens, t)
		}
	}
	last := n == len(s.round)
	clock := kae.Clock{AliveAt: now, Pos: k.pos, Safe: max(s.upTo, s.safe), LastID: k.lastID}
	err := k.upkeep(ctx, func(tx kae.Tx) error {
		if err := tx.SaveTokens(tokens, k.pos); err != nil {
			return err
		}
		if last {
			return tx.SetClock(clock)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.round = s.round[n:]
	if last {
		s.safe, s.aliveAt, s.upTo, s.round = clock.Safe, now, 0, nil
		return s.forget(ctx, k, now)
	}
	return nil
}

// cut takes a little from the journal's head: what is still among its token's
// newest is kept elsewhere.
func (s *saver) cut(ctx context.Context, k *Keeper) error {
	to := min(s.head+cutPortion, s.safe)
	err := k.upkeep(ctx, func(tx kae.Tx) error {
		return tx.Cut(to, func(id int64) int64 {
			t, ok := k.roster.Get(id)
			if !ok {
				return -1
			}
			return max(0, t.Beats-k.Keep)
		})
	})
	if err == nil {
		s.head = to
	}
	return err
}

// forget drops tokens whose week to be brought back is over.
func (s *saver) forget(ctx context.Context, k *Keeper, now time.Time) error {
	ids := k.roster.RemovedBefore(now.Add(-kae.KeepRemoved), forgetAtOnce)
	if len(ids) == 0 {
		return nil
	}
	clock := kae.Clock{AliveAt: now, Pos: k.pos + 1, Safe: s.safe, LastID: k.lastID}
	err := k.upkeep(ctx, func(tx kae.Tx) error {
		if err := tx.Forget(ids); err != nil {
			return err
		}
		return tx.SetClock(clock)
	})
	if err != nil {
		return err
	}
	k.pos++
	k.roster.Drop(ids)
	k.Log.Info("removed tokens are gone for good", "tokens", len(ids))
	return nil
}

// all saves every token that changed.
func (s *saver) all(ctx context.Context, k *Keeper) error {
	for {
		if s.upTo == 0 {
			s.begin(k, clockNow())
		}
		if err := s.save(ctx, k, clockNow()); err != nil {
			return err
		}
		if s.upTo == 0 && len(s.touched) == 0 {
			return nil
		}
	}
}

// upkeep is one transaction of the saver's.
func (k *Keeper) upkeep(ctx context.Context, f func(kae.Tx) error) error {
	return k.write(ctx, commitLimit, k.metrics.upkeep, f)
}
