package keeper

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"kae"
	"kae/internal/hub"
)

// quick is a store that keeps nothing, so that only the keeper is measured.
type quick struct{ *memory }

func (quick) Write(_ context.Context, f func(kae.Tx) error) error { return f(quickTx{}) }

type quickTx struct{}

func (quickTx) Append([]kae.Heartbeat) error               { return nil }
func (quickTx) PutTokens([]kae.Token, int64) error         { return nil }
func (quickTx) SaveTokens([]kae.Token, int64) error        { return nil }
func (quickTx) AddFlips([]kae.Flip, int64) error           { return nil }
func (quickTx) AddGap(kae.Gap) error                       { return nil }
func (quickTx) Alert([]kae.Delivery, time.Time) error      { return nil }
func (quickTx) SetClock(kae.Clock) error                   { return nil }
func (quickTx) Cut(int64, func(tokenID int64) int64) error { return nil }
func (quickTx) Forget([]int64) error                       { return nil }

// BenchmarkHeartbeat measures what a heartbeat costs in the keeper: alone, a
// turn each, and many at once, which share turns.
//
//	go test ./internal/keeper -run '^$' -bench Heartbeat -count 6
func BenchmarkHeartbeat(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	k, err := Open(ctx, Config{Store: quick{newMemory()}, Hub: hub.New(), Log: slog.New(slog.DiscardHandler), Delay: 5 * time.Second, Keep: 1000})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- k.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
	}()
	token, err := k.Create(ctx, kae.Settings{Name: "job", Schedule: kae.Every(time.Hour)})
	if err != nil {
		b.Fatal(err)
	}
	beat := func(b *testing.B) {
		if err := k.Heartbeat(ctx, token.Value, kae.Heartbeat{At: clockNow(), Kind: kae.Success}); err != nil {
			b.Error(err)
		}
	}
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			beat(b)
		}
	})
	b.Run("many", func(b *testing.B) {
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				beat(b)
			}
		})
	})
}
