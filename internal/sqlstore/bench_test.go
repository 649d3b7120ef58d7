package sqlstore

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"kae"
)

// BenchmarkAppend is the turn of plain heartbeats, committed and synced. Run:
//
//	go test -run=^$ -bench=Append -benchmem ./internal/sqlstore
func BenchmarkAppend(b *testing.B) {
	for _, rows := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			s, err := Open(b.Context(), Config{DB: filepath.Join(b.TempDir(), "kae.sqlite")})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			beats := make([]kae.Heartbeat, rows)
			now := time.Now()
			var pos int64
			for b.Loop() {
				for i := range beats {
					pos++
					beats[i] = kae.Heartbeat{TokenID: pos * 7919 % 10_000, Number: pos, Pos: pos, Prev: pos - 1, At: now, Kind: kae.Success, Remote: "192.0.2.1", Agent: "curl/8.14.1"}
				}
				if err := s.Write(b.Context(), func(tx kae.Tx) error { return tx.Append(beats) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
