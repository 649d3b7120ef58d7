package keeper

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kae"
)

func TestAFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token := r.create(time.Minute, 0)
		release := store.hold()
		answers := make(chan error, queueLimit+turnBeats+1)
		go func() { answers <- r.beat(token.Value) }()
		synctest.Wait() // that one is being committed
		for range queueLimit {
			go func() { answers <- r.beat(token.Value) }()
		}
		synctest.Wait()
		if err := r.beat(token.Value); err != errFull {
			t.Fatalf("a full queue: %v", err)
		}
		release()
		for range queueLimit + 1 {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
		if got := r.token(token.ID); got.Beats != queueLimit+1 {
			t.Errorf("%d heartbeats", got.Beats)
		}
	})
}

// What a spool sends at once is one step, not a storm of flips.
func TestLateReportsAreOneStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token, other := r.create(10*time.Minute, 0), r.create(time.Hour, 0)
		r.mustBeat(token.Value)
		first := clockNow()
		pass(11 * time.Minute)
		r.expect(token.ID, kae.Firing, 2)
		release := store.hold()
		go r.beat(other.Value)
		synctest.Wait()
		answers := make(chan error, 5)
		for i, kind := range []kae.Kind{kae.Success, kae.Failure, kae.Success, kae.Failure, kae.Success} {
			h := kae.Heartbeat{At: first.Add(10*time.Minute - 5*time.Second + time.Duration(i)*10*time.Second), Received: clockNow(), Kind: kind}
			go func() { answers <- r.Heartbeat(context.Background(), token.Value, h) }()
			synctest.Wait()
		}
		release()
		for range 5 {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
		got := r.expect(token.ID, kae.Up, 3)
		if got.Beats != 6 || got.Reason != kae.Recovered {
			t.Errorf("%d heartbeats, %s", got.Beats, got.Reason)
		}
		same(t, r)
	})
}

func TestPostOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newMemory())
		token, err := r.Create(t.Context(), kae.Settings{Name: "a", Schedule: kae.Every(time.Minute), PostOnly: true, BodyHas: "done"})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.beat(token.Value); kae.ErrorCode(err) != kae.Refused {
			t.Errorf("a GET: %v", err)
		}
		if err := r.Heartbeat(t.Context(), token.Value, kae.Heartbeat{At: clockNow(), Kind: kae.Success, Posted: true, Body: []byte("all done")}); err != nil {
			t.Error(err)
		}
		r.expect(token.ID, kae.Up, 1)
		if err := r.Heartbeat(t.Context(), token.Value, kae.Heartbeat{At: clockNow(), Kind: kae.Success, Posted: true}); err != nil {
			t.Error(err)
		}
		if got := r.expect(token.ID, kae.Firing, 2); got.Beats != 2 || r.store.look().journal[1].Kind != kae.Failure {
			t.Errorf("%d heartbeats, the second a %s", got.Beats, r.store.look().journal[1].Kind)
		}
	})
}

// A new value stops the old one at once, also for heartbeats that wait beside.
func TestANewValueStopsTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token, other := r.create(time.Minute, 0), r.create(time.Minute, 0)
		release := store.hold()
		go r.beat(other.Value)
		synctest.Wait() // a turn is under way; what follows shares the next one
		renewed, refused := make(chan kae.Token, 1), make(chan error, 1)
		go func() {
			token, _ := r.Change(context.Background(), token.ID, func(t kae.Token, _ time.Time) (kae.Change, error) {
				return t.Renew(kae.NewValue(), kae.NewUUID()), nil
			})
			renewed <- token
		}()
		synctest.Wait()
		go func() { refused <- r.beat(token.Value) }()
		synctest.Wait()
		release()
		if err := <-refused; kae.ErrorCode(err) != kae.NotFound {
			t.Errorf("the old value: %v", err)
		}
		r.mustBeat((<-renewed).Value)
		if got := r.token(token.ID); got.Beats != 1 {
			t.Errorf("%d heartbeats", got.Beats)
		}
	})
}

// Who gives up stops waiting; the heartbeat counts all the same.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		token := r.create(time.Minute, 0)
		release := store.hold()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Heartbeat(ctx, token.Value, kae.Heartbeat{At: clockNow(), Kind: kae.Success}); kae.ErrorCode(err) != kae.Unavailable {
			t.Fatalf("gave up with %v", err)
		}
		release()
		synctest.Wait()
		if got := r.token(token.ID); got.Beats != 1 {
			t.Errorf("%d heartbeats", got.Beats)
		}
		r.stop()
		if err := r.beat(token.Value); err != errStopping {
			t.Errorf("after the end: %v", err)
		}
	})
}
