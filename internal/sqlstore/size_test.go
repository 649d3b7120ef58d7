package sqlstore

import (
	"path/filepath"
	"testing"

	"kae"
	"kae/internal/storetest"
)

func TestTheSizeGrowsWithWhatIsWritten(t *testing.T) {
	for name, db := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "kae.sqlite") },
		"PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := stored(t, db(t), 1)
			before, err := s.Size(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			const rows = 2000
			var beats []kae.Heartbeat
			for pos := int64(2); pos < 2+rows; pos++ {
				beats = append(beats, beat(pos)...)
			}
			if err := s.Write(t.Context(), func(tx kae.Tx) error { return tx.Append(beats) }); err != nil {
				t.Fatal(err)
			}
			after, err := s.Size(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			// A row of the journal takes 30 bytes at the least.
			if before < 4096 || after < before+30*rows || after > before+5000*rows {
				t.Errorf("%d bytes, and %d after %d heartbeats", before, after, rows)
			}
			s.Close()
			if name == "PostgreSQL" {
				if size, err := s.Size(t.Context()); err == nil {
					t.Errorf("a database that can't be asked has %d bytes", size)
				}
			}
		})
	}
}
