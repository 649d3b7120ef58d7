package keeper

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kae"
)

// Heartbeats that come between the portions of a round are replayed after a
// crash: the safe position is that of the round's beginning.
func TestTheSafePositionIsSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		var made []kae.Token
		for range savePortion + 500 {
			made = append(made, r.create(time.Hour, 0))
		}
		for _, token := range made {
			r.mustBeat(token.Value) // flips: these rows are saved
			r.mustBeat(token.Value)
		}
		r.stop()
		k, err := Open(t.Context(), r.Config)
		if err != nil {
			t.Fatal(err)
		}
		answers := make(chan error, 2*len(made))
		beat := func() {
			for _, token := range made {
				go func() {
					answers <- k.Heartbeat(context.Background(), token.Value, kae.Heartbeat{At: clockNow(), Kind: kae.Success})
				}()
			}
			synctest.Wait()
			k.look(context.Background())
		}
		beat()
		pass(6 * time.Second)
		k.look(context.Background()) // begins a round and saves its first portion
		if k.saver.upTo == 0 {
			t.Fatal("one portion was enough")
		}
		beat() // and the second portion
		if k.saver.upTo != 0 {
			t.Fatal("two portions were not enough")
		}
		for range 2 * len(made) {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
		same(t, &running{Keeper: k, t: t, store: store})
	})
}

// The journal is cut behind what is saved, and keeps what has to be kept.
func TestTheJournalIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		r := start(t, store)
		busy, slow := r.create(time.Minute, 0), r.create(time.Hour, 0)
		for range 3 {
			r.mustBeat(slow.Value)
		}
		const n = journalLeast + 5*cutPortion
		for range n / 1000 {
			answers := make(chan error, 1000)
			for range 1000 {
				go func() { answers <- r.beat(busy.Value) }()
			}
			for range 1000 {
				if err := <-answers; err != nil {
					t.Fatal(err)
				}
			}
		}
		pass(11 * time.Second)
		d := store.look()
		if len(d.journal) > journalLeast+cutPortion {
			t.Errorf("%d rows in the journal", len(d.journal))
		}
		for _, h := range d.filed {
			if h.TokenID == busy.ID {
				t.Fatal("the busy token's old heartbeats were kept")
			}
		}
		if len(d.filed) != 3 {
			t.Errorf("%d of the slow token's heartbeats were kept, want 3", len(d.filed))
		}
		if d.clock.Safe < d.journal[0].Pos-1 {
			t.Errorf("cut up to %d, safe is %d", d.journal[0].Pos-1, d.clock.Safe)
		}
		same(t, r)
	})
}
