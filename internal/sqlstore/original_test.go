package sqlstore

import (
	"bytes"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kae"
)

// originalSchema is how the original kae made its database.
var originalSchema = []string{
	`CREATE TABLE tokens (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, token VARCHAR(20) NOT NULL,
		interval INTEGER, description VARCHAR(1000) NOT NULL, disabled BOOLEAN NOT NULL DEFAULT TRUE,
		fired BOOLEAN NOT NULL DEFAULT TRUE, time_created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, time_deleted TIMESTAMP)`,
	`CREATE TABLE pings (id INTEGER NOT NULL PRIMARY KEY, token_id INTEGER NOT NULL REFERENCES tokens(id),
		last_heartbeat TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)`,
	`CREATE INDEX tokens_list_id ON pings(token_id)`,
}

const (
	createdText = "2024-05-06T07:08:09.123456789+02:00"
	removedText = "2026-01-02 03:04:05"
)

var (
	firstPing = time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC)
	created   = time.Date(2024, 5, 6, 5, 8, 9, 123456000, time.UTC)
	removed   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// writeOriginal makes a database of the original kae.
func writeOriginal(t *testing.T, path string) {
	t.Helper()
	run(t, path, originalSchema...)
	token := func(id int, name, value, interval, description, disabled, created, deleted string) string {
		return fmt.Sprintf("INSERT INTO tokens VALUES (%d, %s, '%s', %s, %s, %s, TRUE, '%s', %s)",
			id, name, value, interval, description, disabled, created, deleted)
	}
	run(t, path,
		token(1, "'Backup – ☕'", "bcdfghjklmnpqrstvwxy", "3600", "'each hour'", "FALSE", createdText, "NULL"),
		token(2, "'never came'", "bbbbbbbbbbbbbbbbbbbb", "60", "'d'", "FALSE", "2024-05-06 05:08:09", "NULL"),
		token(3, "'disabled'", "cccccccccccccccccccc", "60", "'d'", "TRUE", createdText, "NULL"),
		token(4, "'no interval'", "dddddddddddddddddddd", "NULL", "'d'", "FALSE", createdText, "NULL"),
		token(5, "'negative'", "ffffffffffffffffffff", "-5", "'d'", "FALSE", createdText, "NULL"),
		token(6, "'removed'", "gggggggggggggggggggg", "60", "'d'", "FALSE", createdText, "'"+removedText+"'"),
		token(7, "CAST(x'ff00' || 'x' AS TEXT)", "hhhhhhhhhhhhhhhhhhhh", "99999999999999", "CAST(x'610062' AS TEXT)", "FALSE", "nonsense", "NULL"),
		token(8, "' '", "gggggggggggggggggggg", "60", "'has the value of a removed one'", "FALSE", createdText, "NULL"),
		token(9, "'double'", "bcdfghjklmnpqrstvwxy", "60", "'has the value of the first'", "FALSE", createdText, "NULL"),
	)
	var pings strings.Builder
	pings.WriteString("INSERT INTO pings (token_id, last_heartbeat) VALUES ")
	for i := range 2500 { // not in the order of their times
		at := firstPing.Add(time.Duration((i*7)%2500) * time.Minute)
		fmt.Fprintf(&pings, "(1, '%s'), ", at.Format("2006-01-02 15:04:05"))
	}
	pings.WriteString("(3, '2026-01-01T00:00:00.5Z'), (6, '2026-01-01 00:00:00'), (1, 'nonsense'), (77, '2030-01-01 00:00:00')")
	run(t, path, pings.String())
}

// wanted are the tokens that have to come of it, without their UUIDs, and with
// values only where they stay.
func wanted(t *testing.T) []kae.Token {
	newest := firstPing.Add(2499 * time.Minute)
	day := kae.Every(24 * time.Hour)
	minute := kae.Every(time.Minute)
	at := time.Date(2026, 1, 1, 0, 0, 0, 500_000_000, time.UTC)
	all := []kae.Token{
		{ID: 1, Value: "bcdfghjklmnpqrstvwxy", Name: "Backup – ☕", Description: "each hour", Schedule: kae.Every(time.Hour), Status: kae.Up, Beats: 2500, Since: newest, LastAt: newest, CreatedAt: created},
		{ID: 2, Value: "bbbbbbbbbbbbbbbbbbbb", Name: "never came", Description: "d", Schedule: minute, Status: kae.New, CreatedAt: created.Truncate(time.Second)},
		{ID: 3, Value: "cccccccccccccccccccc", Name: "disabled", Description: "d", Schedule: minute, Status: kae.Disabled, Beats: 1, Since: at, LastAt: at, CreatedAt: created},
		{ID: 4, Value: "dddddddddddddddddddd", Name: "no interval", Description: "d", Schedule: day, Status: kae.Disabled, CreatedAt: created},
		{ID: 5, Value: "ffffffffffffffffffff", Name: "negative", Description: "d", Schedule: day, Status: kae.Disabled, CreatedAt: created},
		{ID: 6, Name: "removed", Description: "d", Schedule: minute, Status: kae.Up, Beats: 1, Since: at.Truncate(time.Second), LastAt: at.Truncate(time.Second), CreatedAt: created, RemovedAt: removed},
		{ID: 7, Value: "hhhhhhhhhhhhhhhhhhhh", Name: "��x", Description: "a�b", Schedule: kae.Every(kae.MaxInterval), Status: kae.New},
		{ID: 8, Value: "gggggggggggggggggggg", Name: "Token 8", Description: "has the value of a removed one", Schedule: minute, Status: kae.New, CreatedAt: created},
		{ID: 9, Name: "double", Description: "has the value of the first", Schedule: minute, Status: kae.New, CreatedAt: created},
	}
	for i := range all {
		all[i] = all[i].Settle()
	}
	return all
}

// checkUpgraded opens what was a database of the original and checks all that
// came of it.
func checkUpgraded(t *testing.T, path string) *Store {
	t.Helper()
	began := time.Now()
	s, err := Open(t.Context(), Config{DB: path, Keep: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var tokens []kae.Token
	secrets := map[string]bool{}
	clock, err := s.Read(t.Context(), -1, func(token kae.Token, pos int64) {
		if len(token.UUID) != 36 || len(token.Value) != 20 || secrets[token.UUID] || secrets[token.Value] || pos != 0 {
			t.Errorf("token %d has the UUID %q and the value %q at %d", token.ID, token.UUID, token.Value, pos)
		}
		secrets[token.UUID], secrets[token.Value] = true, true
		token.UUID = ""
		slots := token.LastSlots(token.LastAt, kae.MaxSlots) // the heartbeats, a minute apart
		if want := min(token.Beats, kae.MaxSlots); int64(len(slots)) != want || want > 0 && slots[len(slots)-1] != (kae.Slot{At: token.LastAt.Truncate(time.Second), Outcome: kae.SlotOnTime}) {
			t.Errorf("token %d has the slots %v", token.ID, slots)
		}
		token.Track = ""
		if token.ID == 6 || token.ID == 9 { // those got new ones
			token.Value = ""
		}
		if token.ID == 7 { // nobody knows when it was made
			if token.CreatedAt.Before(began.Add(-time.Minute)) {
				t.Errorf("token 7 was made at %v", token.CreatedAt)
			}
			token.CreatedAt = time.Time{}
		}
		tokens = append(tokens, token)
	}, func(kae.Heartbeat) { t.Error("there is a journal") })
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(tokens, func(a, b kae.Token) int { return int(a.ID - b.ID) })
	want := wanted(t)
	options := []cmp.Option{cmp.AllowUnexported(kae.Schedule{}), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(want, tokens, options...); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if want := (kae.Clock{AliveAt: want[0].LastAt, LastID: 9}); clock != want {
		t.Errorf("clock %+v, want %+v", clock, want)
	}
	h, err := s.History(t.Context(), want[0], kae.HistoryQuery{Limit: 5000})
	if err != nil || len(h.Beats) != 100 {
		t.Fatalf("%d heartbeats, %v; want the newest 100", len(h.Beats), err)
	}
	for i, beat := range h.Beats {
		want := kae.Heartbeat{TokenID: 1, Number: 2500 - int64(i), At: want[0].LastAt.Add(-time.Duration(i) * time.Minute), Kind: kae.Success}
		if diff := cmp.Diff(want, beat); diff != "" {
			t.Fatalf("heartbeat %d (-want +got):\n%s", i, diff)
		}
	}
	return s
}

func TestADatabaseOfTheOriginalIsUpgradedInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keep [an] eye?.sqlite")
	writeOriginal(t, path)
	s := checkUpgraded(t, path)
	aside := s.Upgraded()
	if !strings.HasPrefix(aside, path+".original-2") {
		t.Errorf("copied aside to %q", aside)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the upgraded file: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(aside); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if got := count(t, aside, "pings"); got != 2504 {
		t.Errorf("the copy has %d pings, want 2504", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := checkUpgraded(t, path)
	if again.Upgraded() != "" {
		t.Error("it was upgraded a second time")
	}
	again.Close()
	for _, table := range []string{originalTokens, originalPings} {
		if got := count(t, path, "sqlite_schema WHERE name = '"+table+"'"); got != 0 {
			t.Errorf("%s is still there", table)
		}
	}
}

func TestAnInterruptedUpgradeGoesOn(t *testing.T) {
	renamed := []string{"ALTER TABLE tokens RENAME TO original_tokens", "ALTER TABLE pings RENAME TO original_pings"}
	for _, c := range []struct {
		name string
		left func(t *testing.T, path string)
	}{
		{"while it was copied", func(t *testing.T, path string) {
			if err := os.WriteFile(path+".original.part", []byte("half a copy"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"after the tables were renamed", func(t *testing.T, path string) {
			if err := os.WriteFile(path+".original-20260101T000000Z", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, path, renamed...)
		}},
		{"after the new tables were made", func(t *testing.T, path string) {
			if err := os.WriteFile(path+".original-20260101T000000Z", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, path, renamed...)
			d := sqliteDialect(path, path)
			all, _, err := migrations(d)
			if err != nil {
				t.Fatal(err)
			}
			if err := (&Store{d: d}).migrate(t.Context(), all); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kae.sqlite")
			writeOriginal(t, path)
			c.left(t, path)
			s := checkUpgraded(t, path)
			if !strings.HasPrefix(s.Upgraded(), path+".original-2") {
				t.Errorf("copied aside to %q", s.Upgraded())
			}
			if _, err := os.Stat(path + ".original.part"); err == nil {
				t.Error("half a copy is still there")
			}
		})
	}
}

func TestAnEmptyDatabaseOfTheOriginalIsUpgraded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kae.sqlite")
	run(t, path, originalSchema...)
	s, err := Open(t.Context(), Config{DB: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	clock, err := s.Read(t.Context(), -1, func(kae.Token, int64) { t.Error("there is a token") }, func(kae.Heartbeat) {})
	if err != nil || clock != (kae.Clock{}) {
		t.Errorf("clock %+v, %v", clock, err)
	}
}

func TestTheLogHoldsNoValue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kae.sqlite")
	writeOriginal(t, path)
	var log bytes.Buffer
	s, err := Open(t.Context(), Config{DB: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if !strings.Contains(log.String(), "upgraded") || strings.Contains(log.String(), "bcdfghjklmnpqrstvwxy") {
		t.Errorf("log: %s", &log)
	}
}

func count(t *testing.T, path, from string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+escapePath(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT COUNT(*) FROM " + from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
