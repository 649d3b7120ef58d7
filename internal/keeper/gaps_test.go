package keeper

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kae"
	"kae/internal/hub"
)

// stepped is a keeper without a loop of its own: the test takes its rounds.
type stepped struct {
	*Keeper
	t     *testing.T
	store *memory
}

func step(t *testing.T, store *memory) *stepped {
	t.Helper()
	k, err := Open(t.Context(), Config{Store: store, Hub: hub.New(), Log: slog.New(slog.DiscardHandler), Delay: 5 * time.Second, Keep: 10})
	if err != nil {
		t.Fatal(err)
	}
	return &stepped{k, t, store}
}

// asks lets a request wait for the next round.
func (s *stepped) asks(id int64, rule Rule, h kae.Heartbeat) *item {
	it := newItem().(*item)
	token, _ := s.roster.Get(id)
	it.id, it.value, it.rule, it.beat = id, token.Value, rule, h
	if err := s.queue.put(it); err != nil {
		s.t.Fatal(err)
	}
	return it
}

func (s *stepped) round() { s.look(context.Background()) }

// watched makes a token of a minute that is up.
func (s *stepped) watched() kae.Token {
	s.t.Helper()
	it := s.asks(0, func(t kae.Token, now time.Time) (kae.Change, error) {
		t.Value, t.UUID, t.Status, t.CreatedAt, t.Schedule = kae.NewValue(), kae.NewUUID(), kae.New, now, kae.Every(time.Minute)
		return kae.Change{Token: t}, nil
	}, kae.Heartbeat{})
	s.round()
	s.beats(it.token.ID, clockNow())
	s.round()
	return s.token(it.token.ID)
}

func (s *stepped) beats(id int64, at time.Time) *item {
	return s.asks(id, nil, kae.Heartbeat{At: at, Kind: kae.Success})
}

func (s *stepped) token(id int64) kae.Token {
	s.t.Helper()
	token, ok := s.roster.Get(id)
	if !ok {
		s.t.Fatalf("no token %d", id)
	}
	return token
}

// excused checks that the token is not blamed, and that the gap covers a time.
func (s *stepped) excused(id int64, from, to time.Time) {
	s.t.Helper()
	token, gaps := s.token(id), s.store.look().gaps
	if token.Status != kae.Up || !token.Unknown {
		s.t.Errorf("%s because %s, unknown: %t, gaps %v", token.Status, token.Reason, token.Unknown, gaps)
	}
	for _, g := range gaps {
		if !g.From.After(from) && !g.To.Before(to) {
			return
		}
	}
	s.t.Errorf("no gap from %v to %v: %v", from, to, gaps)
}

// The process is stopped for ten minutes, be the loop idle or in a commit.
func TestAStoppedProcessIsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := step(t, newMemory())
		token := s.watched()
		stopped := clockNow()
		time.Sleep(10 * time.Minute) // nothing beats, as in a stopped process
		s.round()
		s.excused(token.ID, stopped, clockNow())
	})
}

// A disk that stalls for ten seconds is no gap: heartbeats were taken.
func TestASlowCommitIsNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token, other := r.create(time.Minute, 0), r.create(time.Hour, 0)
		r.mustBeat(token.Value)
		pass(55 * time.Second)
		release := store.hold()
		go r.beat(other.Value)
		pass(10 * time.Second)
		release()
		synctest.Wait()
		if got := r.expect(token.ID, kae.Firing, 2); len(store.look().gaps) != 0 || got.Unknown {
			t.Errorf("gaps %v", store.look().gaps)
		}
	})
}

func TestThePulse(t *testing.T) {
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return now.Add(d) }
	var p pulse
	p.beat(now)
	if gap := p.take(after(pulseEvery + missing)); gap != nil {
		t.Errorf("on time, and a gap: %v", gap)
	}
	// The clock goes on without a beat; whoever beats first, the loop or the
	// pulse, does not hide the gap.
	p.beat(after(time.Hour))
	p.beat(after(time.Hour + pulseEvery))
	p.beat(after(2 * time.Hour))
	gap := p.take(after(2*time.Hour + time.Millisecond))
	if gap == nil || !gap.From.Equal(after(pulseEvery+missing)) || !gap.To.Equal(after(2*time.Hour)) {
		t.Errorf("gap %v", gap)
	}
	if gap := p.take(after(2*time.Hour + time.Second)); gap != nil {
		t.Errorf("taken twice: %v", gap)
	}
	if gap := p.take(after(time.Hour)); gap != nil {
		t.Errorf("the clock goes back, and a gap: %v", gap)
	}
}

// The machine slept, and the first commit afterwards fails: its connection
// died meanwhile. The gap is still owed.
func TestAGapIsOwedUntilItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := step(t, newMemory())
		token := s.watched()
		slept := clockNow()
		time.Sleep(time.Hour)
		failures := 3
		s.store.failWith(func(int) (error, bool) {
			failures--
			if failures >= 0 {
				return errDisk, false
			}
			return nil, false
		})
		woke := clockNow()
		for range 5 {
			s.round()
			time.Sleep(time.Second)
		}
		s.excused(token.ID, slept, woke)
	})
}

// kae finds out what became of its commit, and is killed before the next one.
func TestACrashBeforeTheGapIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := step(t, newMemory())
		token := s.watched()
		time.Sleep(55 * time.Second)
		s.pulse.beat(clockNow())
		refused := clockNow()
		s.store.failWith(func(int) (error, bool) { return errDisk, false })
		s.beats(token.ID, clockNow())
		s.round()
		time.Sleep(30 * time.Second)
		s.store.failWith(nil)
		if err := s.mend(context.Background()); err != nil {
			t.Fatal(err)
		}
		next := step(t, s.store)
		next.round()
		next.excused(token.ID, refused, clockNow())
	})
}

// Finding out takes twelve seconds, and heartbeats are refused meanwhile.
func TestAGapLastsUntilHeartbeatsAreTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token := r.create(time.Minute, 0)
		r.mustBeat(token.Value)
		pass(50 * time.Second)
		slow := &slowRead{memory: store}
		release := store.hold()
		refused := make(chan error, 1)
		go func() { refused <- r.beat(token.Value) }()
		synctest.Wait()
		r.Keeper.Store = slow // the loop is in the commit that fails
		store.failWith(func(write int) (error, bool) {
			store.fail = nil
			return errDisk, false
		})
		slow.wait.Store(int64(12 * time.Second))
		release()
		if err := <-refused; err == nil {
			t.Fatal("taken")
		}
		pass(9 * time.Second)
		if err := r.beat(token.Value); kae.ErrorCode(err) != kae.Unavailable {
			t.Fatal(err)
		}
		pass(10 * time.Second) // it was due in the meantime
		if got := r.expect(token.ID, kae.Up, 2); !got.Unknown {
			t.Errorf("gaps %v", store.look().gaps)
		}
	})
}

type slowRead struct {
	*memory
	wait atomic.Int64
}

func (s *slowRead) Read(ctx context.Context, after int64, token func(kae.Token, int64), beat func(kae.Heartbeat)) (kae.Clock, error) {
	time.Sleep(time.Duration(s.wait.Load()))
	return s.memory.Read(ctx, after, token, beat)
}

// The disk stalls, the queue fills, and a heartbeat is refused for it.
func TestAHeartbeatThatFoundNoRoomIsExcused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token, other := r.create(time.Minute, 0), r.create(time.Hour, 0)
		r.mustBeat(token.Value)
		pass(55 * time.Second)
		release := store.hold()
		answers := make(chan error, queueLimit+1)
		go func() { answers <- r.beat(other.Value) }()
		synctest.Wait()
		for range queueLimit {
			go func() { answers <- r.beat(other.Value) }()
		}
		synctest.Wait()
		if err := r.beat(token.Value); err != errFull {
			t.Fatal(err)
		}
		pass(20 * time.Second)
		release()
		for range queueLimit + 1 {
			<-answers
		}
		synctest.Wait()
		if got := r.expect(token.ID, kae.Up, 2); !got.Unknown {
			t.Errorf("gaps %v", store.look().gaps)
		}
	})
}

// Small writes work and appends do not, as on a disk that is nearly full: the
// log is not flooded, and the store is tried ever more seldom.
func TestAStoreThatFailsNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		s := step(t, store)
		token := s.watched()
		var log bytes.Buffer
		s.Log = slog.New(slog.NewTextHandler(&log, nil))
		s.Store = noAppends{store}
		before, _ := store.count()
		refused := 0
		for range 6000 { // a heartbeat every 100 ms, for ten minutes
			if s.failing.Load() == 0 {
				it := s.beats(token.ID, clockNow())
				s.round()
				if it.err != nil {
					refused++
				}
			} else {
				refused++
				s.round()
			}
			time.Sleep(100 * time.Millisecond)
			s.pulse.beat(clockNow())
		}
		writes, _ := store.count()
		if lines := strings.Count(log.String(), "\n"); refused != 6000 || lines > 5 || writes-before > 800 {
			t.Errorf("%d refused, %d lines logged, %d writes", refused, lines, writes-before)
		}
	})
}

type noAppends struct{ *memory }

func (n noAppends) Write(ctx context.Context, f func(kae.Tx) error) error {
	return n.memory.Write(ctx, func(tx kae.Tx) error { return f(noAppendsTx{tx}) })
}

type noAppendsTx struct{ kae.Tx }

func (noAppendsTx) Append([]kae.Heartbeat) error { return errDisk }

// The clock is set back by a day while a heartbeat waits for its turn.
func TestTheClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := step(t, newMemory())
		token, other := s.watched(), s.watched()
		day := 24 * time.Hour
		s.latest = clockNow().Add(day)
		s.asks(other.ID, func(t kae.Token, _ time.Time) (kae.Change, error) {
			t.Since = t.Since.Add(day)
			return kae.Change{Token: t.Settle()}, nil
		}, kae.Heartbeat{})
		s.beats(token.ID, clockNow().Add(day))
		s.round()
		s.latest = clockNow().Add(day) // the edit above was made before
		s.round()
		for _, id := range []int64{token.ID, other.ID} {
			if wait := s.token(id).Deadline.Sub(clockNow()); wait > time.Minute {
				t.Errorf("token %d fires in %v", id, wait)
			}
		}
		if s.latest.After(clockNow()) {
			t.Error("the clock is set back again and again")
		}
	})
}

// At a due time, and after a crash, the sign of life is as exact as it can be.
func TestSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := startWith(t, store, Config{Delay: time.Hour, Keep: 10})
		token := r.create(time.Minute, 10*time.Minute)
		r.mustBeat(token.Value)
		pass(time.Minute)
		if got := store.look().clock.AliveAt; !got.Equal(clockNow()) {
			t.Errorf("at a due time the sign of life is %v old", clockNow().Sub(got))
		}
		pass(30 * time.Second)
		r.mustBeat(token.Value)
		beat := clockNow()
		crashed := newMemory() // the same data, without the orderly end
		crashed.data = store.look()
		time.Sleep(time.Minute)
		s := step(t, crashed)
		if gaps := crashed.look().gaps; len(gaps) != 1 || !gaps[0].From.Equal(beat) {
			t.Errorf("gaps %v, the newest heartbeat was at %v", gaps, beat)
		}
		_ = s
	})
}

// Positions and ids go on after a token that is gone, however empty the rest.
func TestPositionsAreNeverUsedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token := r.create(time.Minute, 0)
		_, err := r.Change(t.Context(), token.ID, func(t kae.Token, now time.Time) (kae.Change, error) { return t.Remove(now), nil })
		if err != nil {
			t.Fatal(err)
		}
		pass(kae.KeepRemoved + 10*time.Second)
		used := store.look().clock.Pos
		r.stop()
		next := start(t, store)
		again := next.create(time.Minute, 0)
		if pos := store.look().saved[again.ID]; pos <= used || used < 3 || again.ID == token.ID {
			t.Errorf("position %d after %d, id %d after %d", pos, used, again.ID, token.ID)
		}
	})
}
