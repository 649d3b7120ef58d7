package keeper

import (
	"context"
	"time"

	"kae"
)

const (
	firstRetry   = 100 * time.Millisecond
	longestRetry = 5 * time.Second
)

// load reads what was written after a position, applies it, and installs it.
// It serves the start, where all is read, and a commit in doubt.
func (k *Keeper) load(ctx context.Context, after int64) (kae.Clock, error) {
	saved := map[int64]int64{} // up to where a token that was read is saved
	next := map[int64]kae.Token{}
	pos, lastID := k.pos, k.lastID
	var lastBeat *kae.Heartbeat
	clock, err := k.Store.Read(ctx, after,
		func(t kae.Token, at int64) {
			saved[t.ID], next[t.ID] = at, t
			pos, lastID = max(pos, at), max(lastID, t.ID)
		},
		func(h kae.Heartbeat) {
			pos = max(pos, h.Pos)
			if h.Pos <= max(saved[h.TokenID], after) {
				return
			}
			t, ok := next[h.TokenID]
			if !ok {
				t, ok = k.roster.Get(h.TokenID)
			}
			if !ok {
				return // its token is gone for good
			}
			c := t.Beat(h)
			next[h.TokenID], lastBeat = c.Token, c.Beat
			k.saver.touch(h.TokenID)
		})
	if err != nil {
		return clock, err
	}
	gaps, err := k.Store.Gaps(ctx)
	if err != nil {
		return clock, err
	}
	changes := make([]kae.Change, 0, len(next))
	for _, t := range next {
		changes = append(changes, kae.Change{Token: t})
	}
	if lastBeat != nil {
		changes = append(changes, kae.Change{Token: next[lastBeat.TokenID], Beat: lastBeat})
	}
	k.pos, k.lastID = max(pos, clock.Pos), max(lastID, clock.LastID)
	k.roster.Install(changes, clockNow())
	k.roster.SetGaps(gaps)
	if after >= 0 {
		k.Hub.Publish(changes)
	}
	return clock, nil
}

// fail notes that a commit failed: whether it happened has to be found out
// before anything else is written. Until then heartbeats are refused.
func (k *Keeper) fail(err error) {
	now := clockNow()
	k.failing.CompareAndSwap(0, now.UnixMicro())
	if k.troubled.IsZero() {
		k.Log.Error("the database fails; heartbeats are refused until it works again", "err", err)
	}
	k.troubled = now
	k.backoff = min(max(2*k.backoff, firstRetry), longestRetry)
	k.doubt, k.retry = true, now.Add(k.backoff)
	k.saver.giveUp()
	k.refuse()
}

// works notes that a commit succeeded. A store that fails again and again in
// between, as a disk that is nearly full does, is told of once, and is tried
// ever more seldom.
func (k *Keeper) works(now time.Time) {
	if k.troubled.IsZero() {
		return
	}
	k.failing.Store(0)
	if now.Sub(k.troubled) >= calm {
		k.Log.Info("the database works again")
		k.troubled, k.backoff = time.Time{}, 0
	}
}

// refuse answers what waits, and remembers since when heartbeats are refused.
func (k *Keeper) refuse() {
	for _, it := range k.queue.take(queueLimit) {
		k.noteRefused(it)
		it.answer(kae.Token{}, errFailing)
	}
}

func (k *Keeper) noteRefused(it *item) {
	if it.rule == nil {
		k.refused.CompareAndSwap(0, it.beat.At.UnixMicro())
	}
}

// giveUp ends the round; what it had still to save is saved by the next one.
func (s *saver) giveUp() {
	for _, id := range s.round {
		s.touched[id] = struct{}{}
	}
	s.round, s.upTo = nil, 0
}

// mend finds out what became of the commit in doubt. The turn that follows
// shows whether the store works again.
func (k *Keeper) mend(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
	if _, err := k.load(ctx, k.pos); err != nil {
		return err
	}
	k.doubt = false
	return nil
}
