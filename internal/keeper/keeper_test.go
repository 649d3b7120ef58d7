package keeper

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kae"
	"kae/internal/hub"
)

// running is a keeper under test. Its clock is that of a synctest bubble.
type running struct {
	*Keeper
	t     *testing.T
	store *memory
	stop  func()
}

func start(t *testing.T, store *memory) *running {
	t.Helper()
	return startWith(t, store, Config{Delay: 5 * time.Second, Keep: 10})
}

func startWith(t *testing.T, store *memory, c Config) *running {
	t.Helper()
	c.Store, c.Hub, c.Log = store, hub.New(), slog.New(slog.DiscardHandler)
	k, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	r := &running{Keeper: k, t: t, store: store}
	r.stop = func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		r.stop = func() {}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *running) create(every, grace time.Duration) kae.Token {
	r.t.Helper()
	token, err := r.Create(r.t.Context(), kae.Settings{Name: "a", Schedule: kae.Every(every), Grace: grace})
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

func (r *running) beat(value string) error {
	return r.Heartbeat(r.t.Context(), value, kae.Heartbeat{At: clockNow(), Kind: kae.Success})
}

func (r *running) mustBeat(value string) {
	r.t.Helper()
	if err := r.beat(value); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) token(id int64) kae.Token {
	r.t.Helper()
	token, ok := r.Roster().Get(id)
	if !ok {
		r.t.Fatalf("no token %d", id)
	}
	return token
}

func (r *running) expect(id int64, want kae.Status, flips int64) kae.Token {
	r.t.Helper()
	token := r.token(id)
	if token.Status != want || token.Flips != flips {
		r.t.Fatalf("%s after %d flips, want %s after %d", token.Status, token.Flips, want, flips)
	}
	return token
}

// pass lets time pass, and the loop do what there is to do.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestItFiresAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newMemory())
		token := r.create(time.Minute, 30*time.Second)
		pass(time.Hour)
		r.expect(token.ID, kae.New, 0)
		r.mustBeat(token.Value)
		first := r.expect(token.ID, kae.Up, 1)
		s := r.Hub.Subscribe(nil)
		defer s.Close()

		pass(time.Minute - time.Microsecond)
		if r.Roster().Counts().Late != 0 {
			t.Error("late before it is due")
		}
		pass(time.Microsecond)
		if r.Roster().Counts().Late != 1 || len(s.Take()) != 1 {
			t.Error("due, and nobody is told that it is late")
		}
		pass(30*time.Second - time.Microsecond)
		r.expect(token.ID, kae.Up, 1)
		pass(time.Microsecond)
		fired := r.expect(token.ID, kae.Firing, 2)
		flips := r.store.look().flips
		if !fired.FlippedAt.Equal(first.Deadline) || !flips[1].At.Equal(first.Deadline) || flips[1].Reason != kae.Missed {
			t.Errorf("fired %+v, its deadline was %v", flips[1], first.Deadline)
		}
		if c := s.Take(); len(c) != 1 || c[0].Flip == nil {
			t.Errorf("published %+v", c)
		}
		pass(time.Hour)
		r.expect(token.ID, kae.Firing, 2)
		r.mustBeat(token.Value)
		r.expect(token.ID, kae.Up, 3)
	})
}

// A deadline brought forward by an edit does not wait for the sleep to end.
func TestAnEditWakesTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startWith(t, newMemory(), Config{Delay: time.Hour, Keep: 10})
		token := r.create(24*time.Hour, 0)
		r.mustBeat(token.Value)
		pass(10 * time.Second)
		_, err := r.Change(t.Context(), token.ID, func(t kae.Token, now time.Time) (kae.Change, error) {
			s := t.Settings()
			s.Schedule = kae.Every(20 * time.Second)
			return t.Edit(s, now), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pass(10*time.Second - time.Microsecond)
		r.expect(token.ID, kae.Up, 1)
		pass(time.Microsecond)
		r.expect(token.ID, kae.Firing, 2)
	})
}

func TestAnIdleKeeperSignsLifeAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newMemory())
		before, _ := r.store.count()
		pass(time.Minute + time.Second)
		if n, _ := r.store.count(); n-before != 12 {
			t.Errorf("%d commits in a minute of nothing, want one every 5 s", n-before)
		}
		if age := time.Since(r.store.look().clock.AliveAt); age > 5*time.Second {
			t.Errorf("the sign of life is %v old", age)
		}
		if h := r.Health(); time.Since(h.LastCommit) > 5*time.Second || h.Overdue != 0 || !h.FailingSince.IsZero() {
			t.Errorf("health %+v", h)
		}
	})
}

// While one commit lasts, the heartbeats that come share the next one; one
// that came in time is not beaten by its deadline.
func TestHeartbeatsShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		var tokens []kae.Token
		for range 100 {
			tokens = append(tokens, r.create(time.Minute, 0))
		}
		for _, token := range tokens {
			r.mustBeat(token.Value)
		}
		pass(time.Minute - time.Second)
		synctest.Wait()
		release := store.hold()
		before, _ := store.count()
		answers := make(chan error, len(tokens))
		for _, token := range tokens {
			go func() { answers <- r.beat(token.Value) }()
		}
		pass(2 * time.Second) // the deadline of all passes while they wait
		select {
		case err := <-answers:
			t.Fatalf("answered before it was committed: %v", err)
		default:
		}
		release()
		for range tokens {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
		if n, _ := store.count(); n-before > 3 {
			t.Errorf("%d commits for 100 heartbeats", n-before)
		}
		if c := r.Roster().Counts(); c.Up != 100 || len(store.look().flips) != 100 {
			t.Errorf("%+v, %d flips", c, len(store.look().flips))
		}
	})
}

func TestUnknownAndRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newMemory())
		if err := r.beat("nothing"); kae.ErrorCode(err) != kae.NotFound {
			t.Errorf("unknown value: %v", err)
		}
		token := r.create(time.Minute, 0)
		r.mustBeat(token.UUID)
		change := func(rule Rule) kae.Token {
			t.Helper()
			token, err := r.Change(t.Context(), token.ID, rule)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		removed := change(func(t kae.Token, now time.Time) (kae.Change, error) { return t.Remove(now), nil })
		if err := r.beat(token.Value); kae.ErrorCode(err) != kae.NotFound || !removed.Removed() {
			t.Errorf("removed: %v", err)
		}
		pass(kae.KeepRemoved - time.Hour)
		change(func(t kae.Token, now time.Time) (kae.Change, error) { return t.Undo(now), nil })
		r.mustBeat(token.Value)
		change(func(t kae.Token, now time.Time) (kae.Change, error) { return t.Remove(now), nil })
		pass(kae.KeepRemoved + 10*time.Second)
		if _, ok := r.Roster().Get(token.ID); ok || len(r.store.look().tokens) != 0 {
			t.Error("after a week it is still there")
		}
		if _, err := r.Change(t.Context(), token.ID, nil); kae.ErrorCode(err) != kae.NotFound {
			t.Errorf("gone for good: %v", err)
		}
		r.stop()
		again := start(t, r.store)
		if next := again.create(time.Minute, 0); next.ID == token.ID {
			t.Error("its id is used again")
		}
		refused := fmt.Errorf("no")
		if _, err := again.Change(t.Context(), 0, func(t kae.Token, _ time.Time) (kae.Change, error) { return kae.Change{}, refused }); err != refused {
			t.Errorf("a rule's error: %v", err)
		}
	})
}

// Stopped for three intervals: promise 2, and that it is not silent after it.
func TestOffForThreeIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token := r.create(time.Minute, 10*time.Second)
		r.mustBeat(token.Value)
		due := r.token(token.ID).DueAt
		pass(30 * time.Second)
		r.stop()
		pass(3 * time.Minute)

		r = start(t, store)
		excused := r.expect(token.ID, kae.Up, 2)
		if !excused.Unknown || !excused.DueAt.Equal(due.Add(3*time.Minute)) {
			t.Fatalf("unknown: %t, due %v, want %v", excused.Unknown, excused.DueAt, due.Add(3*time.Minute))
		}
		gaps := store.look().gaps
		if len(gaps) != 1 || gaps[0].To.Sub(gaps[0].From) != 3*time.Minute {
			t.Errorf("gaps: %v", gaps)
		}
		r.stop()
		pass(45 * time.Second) // over the expected time and the deadline again
		r = start(t, store)
		pass(time.Microsecond)
		fired := r.expect(token.ID, kae.Firing, 3)
		if !fired.FlippedAt.Equal(excused.Deadline) {
			t.Errorf("fired at %v, want %v", fired.FlippedAt, excused.Deadline)
		}
	})
}

// A restart more often than the interval postpones nothing: promise 1.
func TestRestartsDoNotPostpone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token := r.create(10*time.Minute, 0)
		r.mustBeat(token.Value)
		deadline := r.token(token.ID).Deadline
		for clockNow().Before(deadline.Add(-90 * time.Second)) {
			pass(time.Minute)
			r.stop()
			r = start(t, store)
		}
		pass(deadline.Sub(clockNow()))
		r.expect(token.ID, kae.Firing, 2)
	})
}

// The store fails, and heartbeats are refused: that is a gap.
func TestAFailingStoreIsAGap(t *testing.T) {
	for _, persist := range []bool{false, true} {
		t.Run(fmt.Sprintf("persist=%t", persist), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newMemory()
				r := start(t, store)
				token, other := r.create(time.Minute, 0), r.create(time.Hour, 0)
				r.mustBeat(token.Value)
				r.mustBeat(other.Value)
				pass(30 * time.Second)
				store.failWith(func(int) (error, bool) { return errDisk, persist })
				// The first comes to the failing commit, the second not so far.
				if err := r.beat(other.Value); kae.ErrorCode(err) != kae.Unavailable {
					t.Fatalf("refused with %v", err)
				}
				if err := r.beat(token.Value); kae.ErrorCode(err) != kae.Unavailable {
					t.Fatalf("refused with %v", err)
				}
				from := clockNow()
				_, failed := store.count()
				pass(10 * time.Minute)
				if _, n := store.count(); n-failed > 150 {
					t.Errorf("%d tries in ten minutes: it spins", n-failed)
				}
				if r.Health().FailingSince.IsZero() {
					t.Error("it does not say that it fails")
				}
				told := r.Hub.Subscribe(nil)
				defer told.Close()
				store.failWith(nil)
				pass(10 * time.Second)
				if n := len(told.Take()); n != 2 && persist {
					t.Errorf("%d tokens told of after the commit in doubt, want 2", n)
				}
				if !r.Health().FailingSince.IsZero() || r.Health().Overdue != 0 {
					t.Errorf("mended: %+v", r.Health())
				}
				excused := r.expect(token.ID, kae.Up, 2)
				gaps := store.look().gaps
				if !excused.Unknown || len(gaps) != 1 || !gaps[0].From.Equal(from) {
					t.Errorf("unknown: %t, gaps %v", excused.Unknown, gaps)
				}
				if got := r.token(other.ID); got.Unknown {
					t.Error("a token that expected nothing meanwhile is excused")
				}
				wantBeats := int64(1)
				if persist {
					wantBeats = 2
				}
				if got := r.token(other.ID); got.Beats != wantBeats || excused.Beats != 1 {
					t.Errorf("%d and %d heartbeats, want %d and 1", got.Beats, excused.Beats, wantBeats)
				}
				r.mustBeat(token.Value)
				r.expect(token.ID, kae.Up, 2)
				same(t, r)
			})
		})
	}
}

// A failing store that refused nothing is no excuse: nothing was lost.
func TestAFailureNobodySawIsNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token := r.create(time.Minute, 0)
		r.mustBeat(token.Value)
		deadline := r.token(token.ID).Deadline
		store.failWith(func(int) (error, bool) { return errDisk, false })
		pass(2 * time.Minute)
		store.failWith(nil)
		pass(6 * time.Second)
		if fired := r.expect(token.ID, kae.Firing, 2); !fired.FlippedAt.Equal(deadline) || len(store.look().gaps) != 0 {
			t.Errorf("fired %v, want %v; gaps %v", fired.FlippedAt, deadline, store.look().gaps)
		}
	})
}

// The clock is set back by a day: a deadline is not a day later.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token := r.create(time.Minute, 0)
		r.mustBeat(token.Value)
		r.stop()
		store.mu.Lock()
		ahead := store.data.tokens[token.ID]
		ahead.Since, ahead.LastAt = ahead.Since.Add(24*time.Hour), ahead.LastAt.Add(24*time.Hour)
		store.data.tokens[token.ID] = ahead.Settle()
		store.mu.Unlock()
		r = start(t, store)
		if got := r.token(token.ID); !got.DueAt.Equal(clockNow().Add(time.Minute)) {
			t.Errorf("due %v, now is %v", got.DueAt, clockNow())
		}
		pass(time.Minute)
		r.expect(token.ID, kae.Firing, 2)
	})
}

// same restarts the keeper over the same store, as after a crash, and checks
// that every token is as before.
func same(t *testing.T, r *running) {
	t.Helper()
	synctest.Wait() // the loop is idle: what it has is what it wrote
	again := &Keeper{Config: r.Config, roster: newRoster()}
	again.saver.touched = map[int64]struct{}{}
	if _, err := again.load(t.Context(), -1); err != nil {
		t.Fatal(err)
	}
	if diff := compare(r.Keeper, again); diff != "" {
		t.Errorf("a restart changes something (-before +after):\n%s", diff)
	}
	d := r.store.look()
	for id, token := range tokens(r.Keeper) {
		if row, ok := d.tokens[id]; ok && row.Flips != token.Flips {
			t.Errorf("token %d flipped %d times, its row says %d: a flip writes the row", id, token.Flips, row.Flips)
		}
	}
	for id := range tokens(r.Keeper) {
		if again.lastID < id {
			t.Errorf("id %d would be given again", id)
		}
	}
	var positions []int64
	for _, h := range d.journal {
		positions = append(positions, h.Pos)
		if again.pos < h.Pos {
			t.Errorf("position %d would be used again", h.Pos)
		}
	}
	if !slices.IsSorted(positions) || len(slices.Compact(positions)) != len(positions) {
		t.Error("the journal's positions are not in order")
	}
}
