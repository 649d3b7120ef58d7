package keeper

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
	"kae/internal/hub"
	"kae/internal/sqlstore"
	"kae/internal/storetest"
)

// faulty is a store whose transactions break off at a statement, or report a
// failure although they were committed.
type faulty struct {
	kae.Store
	countdown atomic.Int64 // statements and commits until the fault; 0: none
	persist   bool         // the fault is a commit that happened, reported as failed
	broke     atomic.Bool
}

// reached tells whether the fault is here.
func (f *faulty) reached() bool {
	if f.countdown.Load() > 0 && f.countdown.Add(-1) == 0 {
		f.broke.Store(true)
		return true
	}
	return false
}

func (f *faulty) Write(ctx context.Context, do func(kae.Tx) error) error {
	err := f.Store.Write(ctx, func(tx kae.Tx) error { return do(&faultyTx{tx, f}) })
	if err == nil && f.persist && f.reached() {
		return errDisk
	}
	return err
}

type faultyTx struct {
	kae.Tx
	f *faulty
}

func (x *faultyTx) after(err error) error {
	if err == nil && !x.f.persist && x.f.reached() {
		return errDisk
	}
	return err
}

func (x *faultyTx) Append(beats []kae.Heartbeat) error { return x.after(x.Tx.Append(beats)) }
func (x *faultyTx) PutTokens(tokens []kae.Token, pos int64) error {
	return x.after(x.Tx.PutTokens(tokens, pos))
}
func (x *faultyTx) SaveTokens(tokens []kae.Token, pos int64) error {
	return x.after(x.Tx.SaveTokens(tokens, pos))
}
func (x *faultyTx) AddFlips(flips []kae.Flip, keep int64) error {
	return x.after(x.Tx.AddFlips(flips, keep))
}
func (x *faultyTx) SetClock(c kae.Clock) error { return x.after(x.Tx.SetClock(c)) }
func (x *faultyTx) AddGap(g kae.Gap) error     { return x.after(x.Tx.AddGap(g)) }
func (x *faultyTx) Forget(ids []int64) error   { return x.after(x.Tx.Forget(ids)) }
func (x *faultyTx) Cut(to int64, floor func(int64) int64) error {
	return x.after(x.Tx.Cut(to, floor))
}

// engines are the databases that kae runs on, as configuration for sqlstore.
func engines(t *testing.T) map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "kae.sqlite") },
		"PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	}
}

// A crash at any statement of a turn, or right after its commit: the next
// process has all of the turn or nothing, and so has this one when it goes on.
func TestACrashAtAnyStatement(t *testing.T) {
	for name, database := range engines(t) {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			for at := int64(1); at <= 30; at++ {
				for _, persist := range []bool{false, true} {
					t.Run(fmt.Sprintf("%d/%t", at, persist), func(t *testing.T) { crashAt(t, db, at, persist) })
				}
			}
		})
	}
}

func crashAt(t *testing.T, db string, at int64, persist bool) {
	open := func() *sqlstore.Store {
		store, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: db})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	store := &faulty{Store: open(), persist: persist}
	k, err := Open(t.Context(), Config{Store: store, Hub: hub.New(), Log: slog.New(slog.DiscardHandler), Delay: time.Millisecond, Keep: 5})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(uint64(at), 3))
	var made []int64
	before, whole := tokens(k), tokens(k)
	store.countdown.Store(at)
	for n := 0; !store.broke.Load(); n++ {
		if n == 1000 {
			t.Fatal("it never came to the fault")
		}
		enqueue(k, random, &made)
		before = tokens(k)
		k.look(t.Context())
		whole = planned(k)
	}
	store.countdown.Store(0)
	// The turn failed, or what is saved after it.
	if diff := diffTokens(before, tokens(k)); diff != "" && diffTokens(whole, tokens(k)) != "" {
		t.Errorf("memory has a part of a turn that failed:\n%s", diff)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store.Store = open()
	defer store.Close()
	next := &Keeper{Config: k.Config, roster: newRoster()}
	next.saver.touched = map[int64]struct{}{}
	if _, err := next.load(t.Context(), -1); err != nil {
		t.Fatal(err)
	}
	if diff := diffTokens(tokens(k), tokens(next)); diff != "" && !persist {
		t.Errorf("the turn was not committed, and something of it is there:\n%s", diff)
	}
	if diff := diffTokens(whole, tokens(next)); diff != "" && persist {
		t.Errorf("the turn was committed, and something of it is missing:\n%s", diff)
	}
	k.retry = time.Time{}
	k.look(t.Context()) // this process finds out
	if k.doubt {
		t.Fatal("still in doubt")
	}
	if diff := diffTokens(tokens(k), restarted(t, k)); diff != "" {
		t.Errorf("it went on, and a restart changes something (-before +after):\n%s", diff)
	}
}

// planned is what the newest turn made, or would have made, of the tokens.
func planned(k *Keeper) map[int64]kae.Token {
	all := tokens(k)
	for id, token := range k.turn.next {
		all[id] = token
	}
	return all
}

func restarted(t *testing.T, k *Keeper) map[int64]kae.Token {
	again := &Keeper{Config: k.Config, roster: newRoster()}
	again.saver.touched = map[int64]struct{}{}
	if _, err := again.load(t.Context(), -1); err != nil {
		t.Fatal(err)
	}
	return tokens(again)
}

// enqueue lets a few random requests wait for the next turn.
func enqueue(k *Keeper, random *rand.Rand, made *[]int64) {
	rules := []Rule{
		func(t kae.Token, now time.Time) (kae.Change, error) { return t.Disable(now), nil },
		func(t kae.Token, now time.Time) (kae.Change, error) { return t.Enable(now), nil },
		func(t kae.Token, now time.Time) (kae.Change, error) { return t.Remove(now), nil },
		func(t kae.Token, now time.Time) (kae.Change, error) { return t.Undo(now), nil },
		func(t kae.Token, now time.Time) (kae.Change, error) {
			return t.Renew(kae.NewValue(), kae.NewUUID()), nil
		},
	}
	for range 1 + random.IntN(6) {
		it := newItem().(*item)
		switch n := random.IntN(10); {
		case n == 0 || len(*made) < 3:
			it.rule = func(t kae.Token, now time.Time) (kae.Change, error) {
				t.Value, t.UUID, t.Status, t.CreatedAt = kae.NewValue(), kae.NewUUID(), kae.New, now
				t.Name, t.Schedule = "'a' \"quoted\" näme", kae.Every(time.Second)
				return kae.Change{Token: t}, nil
			}
			*made = append(*made, k.lastID+int64(len(*made))) // some of them exist
		case n < 4:
			it.id, it.rule = (*made)[random.IntN(len(*made))], rules[random.IntN(len(rules))]
		default:
			token, ok := k.Roster().Get((*made)[random.IntN(len(*made))])
			if !ok {
				continue
			}
			kind := []kae.Kind{kae.Success, kae.Failure, kae.Start, kae.Log}[random.IntN(4)]
			it.id, it.value = token.ID, token.Value
			it.beat = kae.Heartbeat{At: clockNow(), Kind: kind, Message: "m", Body: []byte{0, 255}, BodySize: 2}
		}
		k.queue.put(it)
	}
}

func diffTokens(want, got map[int64]kae.Token) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(kae.Schedule{}))
}
