// Package keeper is the loop that owns heartbeats and time.
//
// Whatever changes a token goes through one goroutine, in turns. A turn takes
// all heartbeats and edits that wait, applies the rules to them, expires what
// is overdue, commits all of it as one transaction, installs it in the roster,
// and only then answers and publishes. While one turn commits the next one
// fills: an idle kae answers a heartbeat after exactly one commit, a busy one
// shares each commit among many, and no timer is needed for either.
package keeper

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kae"
	"kae/internal/hub"
	"kae/internal/roster"
)

// Config is what a keeper needs.
type Config struct {
	Store kae.Store
	Hub   *hub.Hub
	Log   *slog.Logger
	Delay time.Duration // the longest sleep between two looks, and between two saves
	Keep  int64         // heartbeats, and flips, kept for each token

	Policy  func() *kae.Policy // which channels hear of what; nil: there are none
	Alerted func()             // called after a commit that wrote alerts; it must not block. nil: nobody waits

	Metrics prometheus.Registerer // where the keeper's metrics go; nil: nowhere
}

const (
	turnBeats   = 4096             // heartbeats and edits in one turn
	turnExpires = 2000             // expiries in one turn; more at once are no faster and make a long turn
	commitLimit = 20 * time.Second // less than HTTP waits for an answer
	skew        = time.Minute      // a clock that goes back by less is left alone
	calm        = time.Minute      // without a failure, before a store counts as mended
)

// Keeper changes tokens. All its fields but the atomic ones, the
// roster, the queue and its pool belong to the goroutine of Run.
type Keeper struct {
	Config
	roster  *roster.Roster
	queue   queue
	items   sync.Pool // of *item, to be used again
	metrics *metrics

	pos    int64     // the newest position
	lastID int64     // the largest token id given
	turn   turn      // the one under way
	latest time.Time // the latest that the clock has shown
	saver  saver
	pulse  pulse

	owed     *kae.Gap  // a gap that is not yet written down
	doubt    bool      // the last commit may or may not have happened
	troubled time.Time // when the store failed last; zero: it is well
	retry    time.Time
	backoff  time.Duration

	failing    atomic.Int64 // since when the store fails, in microseconds; 0: it does not
	refused    atomic.Int64 // when the first heartbeat was refused for it
	lastCommit atomic.Int64
	rounds     atomic.Int64 // that the loop has begun
}

// Open loads the tokens, brings them up to the newest committed heartbeat, and
// writes down the time in which kae was off, with the tokens that it excuses.
// When it returns, heartbeats may be taken.
func Open(ctx context.Context, c Config) (*Keeper, error) {
	k := &Keeper{Config: c, roster: roster.New()}
	if k.Alerted == nil {
		k.Alerted = func() {}
	}
	if k.Policy == nil {
		k.Policy = func() *kae.Policy { return &kae.Policy{} }
	}
	k.items.New = newItem
	k.metrics = newMetrics(c.Metrics, k)
	k.queue.wake = make(chan struct{}, 1)
	k.saver.touched = map[int64]struct{}{}
	clock, err := k.load(ctx, -1)
	if err != nil {
		return nil, err
	}
	k.saver.start(clock)
	now := clockNow()
	alive := later(clock.AliveAt, k.roster.LastBeat())
	var gap *kae.Gap
	if !clock.AliveAt.IsZero() && now.After(alive) {
		gap = &kae.Gap{From: alive, To: now}
	}
	k.turn.begin(k, now)
	k.turn.rewind()
	k.turn.excuse(gap)
	k.turn.alive = true
	if err := k.commit(ctx); err != nil {
		return nil, err
	}
	k.turn.finish(nil)
	k.latest = now
	k.pulse.beat(now)
	return k, nil
}

// Roster gives the tokens that the keeper changes.
func (k *Keeper) Roster() *roster.Roster { return k.roster }

// Run takes turns until ctx ends. Then it commits what waits, saves, and
// refuses what comes later.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.pulse.start()()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(k.nextLook().Sub(clockNow()))
		select {
		case <-ctx.Done():
			return k.finish(context.WithoutCancel(ctx))
		case <-k.queue.wake:
		case <-timer.C:
		}
		k.rounds.Add(1)
		k.look(context.WithoutCancel(ctx))
	}
}

// Stir wakes the loop and tells how many rounds it has begun. One that is alive
// begins another soon, also while the store fails; one that hangs does not.
func (k *Keeper) Stir() int64 {
	k.queue.stir()
	return k.rounds.Load()
}

// nextLook is when the loop wakes if nothing comes in.
func (k *Keeper) nextLook() time.Time {
	now := clockNow()
	if k.doubt {
		return k.retry
	}
	if k.saver.busy(k) || k.queue.waiting() {
		return now
	}
	next := earlier(now.Add(k.Delay), k.saver.due.Add(k.Delay))
	if wake := k.roster.Wake(); !wake.IsZero() {
		next = earlier(next, wake)
	}
	return later(next, now)
}

// look is one round of the loop.
func (k *Keeper) look(ctx context.Context) {
	now := clockNow()
	mending := k.doubt
	if mending {
		if now.Before(k.retry) {
			k.refuse()
			return
		}
		if err := k.mend(ctx); err != nil {
			k.fail(err)
			return
		}
		now = clockNow() // it may have taken a while
		k.Alerted()      // what was in doubt may have had alerts
	}
	k.oweGaps(now)
	k.turn.begin(k, now)
	k.turn.alive = mending // shows that the store can write, with nothing at stake
	if now.Before(k.latest.Add(-skew)) {
		k.Log.Warn("the clock was set back", "by", k.latest.Sub(now).Round(time.Second).String())
		k.turn.rewind()
		k.latest = now
	}
	k.latest = later(k.latest, now)
	k.turn.excuse(k.owed)
	k.turn.take(k.queue.take(turnBeats))
	k.turn.expire()
	if err := k.commit(ctx); err != nil {
		k.turn.finish(errFailing)
		k.fail(err)
		return
	}
	k.owed = nil
	k.works(now)
	k.turn.finish(nil)
	if err := k.saver.step(ctx, k, now); err != nil {
		k.fail(err)
	}
}

// oweGaps collects the times in which kae took no heartbeat. They are owed
// until the commit that writes them down, however many fail before it.
func (k *Keeper) oweGaps(now time.Time) {
	if gap := k.pulse.take(now); gap != nil {
		k.Log.Warn("kae was stopped for a while", "from", gap.From, "to", gap.To)
		k.owed = wider(k.owed, gap)
	}
	if first := k.refused.Swap(0); first != 0 {
		k.owed = wider(k.owed, &kae.Gap{From: time.UnixMicro(first).UTC(), To: now})
	}
}

// wider gives the gap from the beginning of the first to the end of the last.
func wider(a, b *kae.Gap) *kae.Gap {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return &kae.Gap{From: earlier(a.From, b.From), To: later(a.To, b.To)}
}

// commit writes the turn, if there is anything to write, and installs it.
func (k *Keeper) commit(ctx context.Context) error {
	t := &k.turn
	if t.writes() {
		// After a gap all tokens may have to be written.
		limit := commitLimit + time.Duration(len(t.rows))*time.Millisecond
		if err := k.write(ctx, limit, k.metrics.turn, t.write); err != nil {
			return err
		}
		k.pos, k.lastID = t.pos, t.lastID
		k.metrics.committed(t)
	}
	for id := range t.next {
		if _, saved := t.rows[id]; !saved {
			k.saver.touch(id)
		}
	}
	k.roster.Install(t.changes, t.now)
	if t.gap != nil {
		k.roster.AddGap(*t.gap)
	}
	return nil
}

// write is one transaction, which may take so long.
func (k *Keeper) write(ctx context.Context, limit time.Duration, took prometheus.Observer, f func(kae.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	begun := time.Now()
	if err := k.Store.Write(ctx, f); err != nil {
		k.metrics.failures.Inc()
		return err
	}
	now := time.Now()
	took.Observe(now.Sub(begun).Seconds())
	k.lastCommit.Store(now.UnixMicro())
	return nil
}

// finish is the last turn: it commits what waits, saves every token, and
// refuses what is still to come.
func (k *Keeper) finish(ctx context.Context) error {
	defer k.queue.close(errStopping)
	if k.doubt {
		return nil // what was answered is committed; replay does the rest
	}
	for k.queue.waiting() && !k.doubt {
		k.look(ctx)
	}
	if k.doubt {
		return nil
	}
	return k.saver.all(ctx, k)
}

// Health tells how kae itself is doing. It writes nothing.
func (k *Keeper) Health() kae.Health {
	now := clockNow()
	h := kae.Health{
		LastCommit: time.UnixMicro(k.lastCommit.Load()).UTC(),
		Overdue:    k.roster.Overdue(now.Add(-time.Second)),
	}
	if since := k.failing.Load(); since != 0 {
		h.FailingSince = time.UnixMicro(since).UTC()
	}
	return h
}

// clockNow reads the wall clock as the rest of kae keeps times: microseconds,
// UTC, without the monotonic reading, which stops while a machine sleeps.
func clockNow() time.Time { return time.UnixMicro(time.Now().UnixMicro()).UTC() }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
