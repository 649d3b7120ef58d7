package sqlstore

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kae"
	"kae/internal/storetest"
)

func beat(pos int64) []kae.Heartbeat {
	return []kae.Heartbeat{{TokenID: 1, Number: pos, Pos: pos, Kind: kae.Success, Message: strings.Repeat("m", 1000)}}
}

// journal gives the positions that are in the journal.
func journal(t *testing.T, s *Store) (all []int64) {
	t.Helper()
	_, err := s.Read(t.Context(), -1, func(kae.Token, int64) {}, func(h kae.Heartbeat) { all = append(all, h.Pos) })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAFullDiskIsSaidAndGotOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kae.sqlite")
	s, err := Open(t.Context(), Config{DB: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// The setting ends with the connection: "room" comes back with a new one.
	if err := s.writer.exec(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	var pos int64
	for err == nil && pos < 100 {
		pos++
		err = s.Write(t.Context(), func(tx kae.Tx) error { return tx.Append(beat(pos)) })
	}
	want := "There is no room left on the disk of the database " + path + "."
	if kae.ErrorCode(err) != kae.Unavailable || !strings.HasPrefix(err.Error(), want) {
		t.Fatalf("after %d heartbeats: %v", pos, err)
	}
	if got := journal(t, s); len(got) != int(pos)-1 {
		t.Errorf("%d heartbeats of %d are there", len(got), pos-1)
	}
	if err := s.Write(t.Context(), func(tx kae.Tx) error { return tx.Append(beat(pos)) }); err != nil {
		t.Error(err)
	}
}

func TestALostConnectionIsReplacedAndHoldsTheLockAgain(t *testing.T) {
	dsn := storetest.Postgres(t)
	schema := mustURL(t, dsn).Query().Get("search_path")
	end := fmt.Sprintf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '%s'", schema)
	u := mustURL(t, dsn)
	q := u.Query()
	q.Set("application_name", schema)
	u.RawQuery = q.Encode()
	dsn = u.String()
	s, err := Open(t.Context(), Config{DB: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, c := range []struct {
		name string
		f    func(tx kae.Tx) error
	}{
		{"before a lone statement", func(tx kae.Tx) error {
			storetest.PostgresExec(t, dsn, end)
			return tx.Append(beat(1))
		}},
		{"before the commit", func(tx kae.Tx) error {
			if err := tx.Append(beat(2)); err != nil {
				return err
			}
			if err := tx.SetClock(kae.Clock{}); err != nil {
				return err
			}
			storetest.PostgresExec(t, dsn, end)
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := s.Write(t.Context(), c.f); kae.ErrorCode(err) != kae.Unavailable {
				t.Fatalf("Write: %v", err)
			}
			pos := int64(10 + i)
			// A lock that a dying connection still holds makes it try again.
			for deadline := time.Now().Add(10 * time.Second); ; {
				err := s.Write(t.Context(), func(tx kae.Tx) error { return tx.Append(beat(pos)) })
				if err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal(err)
				}
			}
			refused(t, dsn, "The database "+s.d.name+" is in use by another kae.")
		})
	}
	if got := fmt.Sprint(journal(t, s)); got != "[10 11]" {
		t.Errorf("the journal has %s, want [10 11]", got)
	}
	storetest.PostgresExec(t, dsn, end)
	if _, err := s.History(t.Context(), kae.Token{ID: 1, Beats: 11, LastPos: 11}, kae.HistoryQuery{Limit: 5}); err != nil {
		t.Errorf("History on a new connection: %v", err)
	}
}

func TestAReaderThatLostItsConnectionGetsANewOne(t *testing.T) {
	dsn := storetest.Postgres(t)
	s, err := Open(t.Context(), Config{DB: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	read := func() error {
		_, err := s.History(t.Context(), kae.Token{ID: 1}, kae.HistoryQuery{Limit: 5})
		return err
	}
	// All connections that read are made, then ended by the server.
	for range readers {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	for range readers {
		c := <-s.readers
		if c != nil {
			if err := c.raw.PingContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.raw.ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
		}
		s.readers <- c
	}
	for range 2 * readers {
		if err := read(); err != nil {
			t.Error(err)
		}
	}
}
