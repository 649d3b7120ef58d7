package keeper

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// A turn writes whom its flips are told, by the policy of that moment, and in
// which maintenance they fell.
func TestATurnTellsWhoeverThePolicyNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		policy := &kae.Policy{
			Rules: []kae.Rule{
				{Channels: []int64{1}},
				{Pick: kae.Pick{Tags: []string{"db"}}, Reasons: []kae.Reason{kae.Failed}, Channels: []int64{2, 3}},
			},
			Windows: []kae.Window{{Name: "Upgrade", From: begun.Add(time.Hour), To: begun.Add(3 * time.Hour)}},
		}
		store := newMemory()
		k := startWith(t, store, Config{Delay: 5 * time.Second, Keep: 10, Policy: func() *kae.Policy { return policy }})
		db, err := k.Create(t.Context(), kae.Settings{Name: "db", Tags: []string{"db"}, Schedule: kae.Every(90 * time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		other := k.create(10*time.Hour, 0)
		beat := func(token kae.Token, kind kae.Kind) {
			t.Helper()
			if err := k.Heartbeat(t.Context(), token.Value, kae.Heartbeat{At: time.Now().UTC(), Kind: kind}); err != nil {
				t.Fatal(err)
			}
		}
		beat(db, kae.Success)
		beat(other, kae.Failure)
		time.Sleep(2 * time.Hour) // db is missed meanwhile
		beat(db, kae.Success)
		time.Sleep(90*time.Minute - time.Second)
		beat(db, kae.Failure)
		k.stop()

		var told, notes []string
		for _, d := range store.look().alerts {
			told = append(told, fmt.Sprintf("token %d %s to %d", d.TokenID, d.Reason, d.ChannelID))
		}
		want := []string{"token 2 failed to 1", "token 1 missed to 1", "token 1 recovered to 0", "token 1 failed to 1", "token 1 failed to 2", "token 1 failed to 3"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
		for _, f := range store.look().flips {
			if f.TokenID == db.ID {
				notes = append(notes, fmt.Sprintf("%s %s", f.Reason, f.Note))
			}
		}
		want = []string{"first ", "missed maintenance: Upgrade", "recovered maintenance: Upgrade", "failed "}
		if diff := cmp.Diff(want, notes); diff != "" {
			t.Error(diff)
		}
	})
}
