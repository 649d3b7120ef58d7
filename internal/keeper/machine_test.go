package keeper

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
	"kae/internal/hub"
	"kae/internal/roster"
)

func newRoster() *roster.Roster { return roster.New() }

func tokens(k *Keeper) map[int64]kae.Token {
	all := map[int64]kae.Token{}
	k.Roster().All(func(t kae.Token) bool { all[t.ID] = t; return true })
	return all
}

func compare(a, b *Keeper) string {
	return cmp.Diff(tokens(a), tokens(b), cmp.AllowUnexported(kae.Schedule{}))
}

// After any sequence of operations, with commits that fail in both ways, a
// restart changes nothing.
func TestARestartChangesNothing(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				faults := rand.New(rand.NewPCG(seed, 2)) // the loop's own
				store := newMemory()
				r := startWith(t, store, Config{Delay: time.Second, Keep: 5})
				failing := false
				var made []kae.Token
				for range 10 {
					made = append(made, r.create(time.Duration(1+random.IntN(20))*time.Second, time.Duration(random.IntN(5))*time.Second))
				}
				for step := range 400 {
					if step%100 == 50 {
						failing = true
						store.failWith(func(int) (error, bool) {
							if faults.IntN(3) > 0 {
								return nil, false
							}
							return errDisk, faults.IntN(2) == 0
						})
					}
					if step%100 == 80 {
						failing = false
						store.failWith(nil)
						pass(time.Minute / 2)
					}
					made = act(t, r, random, made)
					synctest.Wait()
					if !failing && step%20 == 0 {
						same(t, r)
					}
				}
				store.failWith(nil)
				pass(time.Minute)
				same(t, r)
				r.stop()
				same(t, r)
			})
		})
	}
}

// act does one random thing, or several at once.
func act(t *testing.T, r *running, random *rand.Rand, made []kae.Token) []kae.Token {
	id := made[random.IntN(len(made))].ID
	change := func(rule Rule) {
		if _, err := r.Change(t.Context(), id, rule); err != nil && kae.ErrorCode(err) != kae.Unavailable && kae.ErrorCode(err) != kae.NotFound {
			t.Fatal(err)
		}
	}
	n := random.IntN(20)
	switch n {
	case 0:
		change(func(t kae.Token, now time.Time) (kae.Change, error) { return t.Disable(now), nil })
	case 1, 2:
		change(func(t kae.Token, now time.Time) (kae.Change, error) { return t.Enable(now), nil })
	case 3:
		change(func(t kae.Token, now time.Time) (kae.Change, error) { return t.Remove(now), nil })
	case 4, 5:
		change(func(t kae.Token, now time.Time) (kae.Change, error) { return t.Undo(now), nil })
	case 6:
		every := time.Duration(1+random.IntN(20)) * time.Second
		change(func(t kae.Token, now time.Time) (kae.Change, error) {
			s := t.Settings()
			s.Schedule, s.MaxRun, s.FireAfter = kae.Every(every), every/2, int(every/time.Second)%3
			return t.Edit(s, now), nil
		})
	case 7:
		change(func(t kae.Token, now time.Time) (kae.Change, error) {
			return t.Renew(kae.NewValue(), kae.NewUUID()), nil
		})
	case 8:
		if token, err := r.Create(t.Context(), kae.Settings{Name: "b", Schedule: kae.Every(10 * time.Second)}); err == nil {
			made = append(made, token)
		}
	case 9, 10, 11:
		pass(time.Duration(random.IntN(8000)) * time.Millisecond)
	default:
		var beats sync.WaitGroup
		for range 1 + random.IntN(5) {
			token, ok := r.Roster().Get(made[random.IntN(len(made))].ID)
			if !ok {
				continue
			}
			kind := []kae.Kind{kae.Success, kae.Success, kae.Success, kae.Failure, kae.Start, kae.Log}[random.IntN(6)]
			run := []string{"", "a", "b"}[random.IntN(3)]
			ago := max(0, time.Duration(random.IntN(40)-30)*time.Second)
			beats.Go(func() {
				err := r.Heartbeat(t.Context(), token.Value, kae.Heartbeat{At: clockNow().Add(-ago), Received: clockNow(), Kind: kind, RunID: run})
				if err != nil && kae.ErrorCode(err) == kae.Internal {
					t.Error(err)
				}
			})
		}
		beats.Wait()
	}
	return made
}

// A crash before or after any commit leaves the tokens as they were before or
// after the turn, never between.
func TestACrashInTheMiddle(t *testing.T) {
	for crash := 1; crash <= 40; crash++ {
		for _, persist := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/%t", crash, persist), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newMemory()
					r := startWith(t, store, Config{Delay: time.Second, Keep: 5})
					random := rand.New(rand.NewPCG(7, 7))
					made := []kae.Token{r.create(3*time.Second, time.Second), r.create(5*time.Second, 0)}
					writes, _ := store.count()
					dead := writes + crash
					store.failWith(func(write int) (error, bool) {
						if write < 0 && store.writes >= dead || write >= dead { // under the store's lock
							return errDisk, persist && write == dead
						}
						return nil, false
					})
					for range 60 {
						if _, failed := store.count(); failed > 0 {
							break
						}
						made = act(t, r, random, made)
						synctest.Wait()
					}
					if _, failed := store.count(); failed == 0 {
						t.Fatal("it never came to the crash")
					}
					// Memory is still as before the turn that failed; what the
					// next process loads is that, or all of the turn.
					before := tokens(r.Keeper)
					store.failWith(nil)
					next := &Keeper{Config: Config{Store: store, Hub: hub.New(), Log: slog.New(slog.DiscardHandler)}, roster: newRoster()}
					next.saver.touched = map[int64]struct{}{}
					if _, err := next.load(t.Context(), -1); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(before, tokens(next), cmp.AllowUnexported(kae.Schedule{})); diff != "" && !persist {
						t.Errorf("the turn was not committed, and something of it is there:\n%s", diff)
					}
					pass(10 * time.Second) // the first process finds out, too
					if !r.Health().FailingSince.IsZero() {
						t.Fatal("still in doubt")
					}
					same(t, r)
				})
			})
		}
	}
}
