package sqlstore

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kae"
)

func TestAPathIsTakenAsItIs(t *testing.T) {
	for _, name := range []string{"a b.sqlite", "a?mode=memory", "50%25#x", "ä&b=c;d", "file:x", ":memory:", `back\slash'"`} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			create(t, name)
			info, err := os.Stat(name)
			if err != nil || info.Size() == 0 {
				t.Fatalf("there is no database: %v", err)
			}
			files, err := os.ReadDir(".")
			if err != nil || len(files) != 2 {
				t.Errorf("%d files, %v: %v", len(files), err, files)
			}
		})
	}
}

func TestNobodyElseMayReadTheFiles(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Config{DB: filepath.Join(dir, "kae.sqlite")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write(t.Context(), func(tx kae.Tx) error { return tx.SetClock(kae.Clock{Pos: 1}) }); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 { // the write-ahead log and its index too
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", file.Name(), info.Mode(), err)
		}
	}
}

func TestALinkIsTheDatabaseThatItLeadsTo(t *testing.T) {
	dir := t.TempDir()
	path, link, nested := filepath.Join(dir, "kae.sqlite"), filepath.Join(dir, "link"), filepath.Join(dir, "nested")
	for name, target := range map[string]string{link: "kae.sqlite", nested: link} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), Config{DB: nested}) // the file does not exist yet
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	for _, name := range []string{path, link, nested} {
		refused(t, name, "The database "+name+" is in use by another kae.")
	}
}

func TestAZoneThatIsNotKnownHereGoesByUTC(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kae.sqlite")
	var log bytes.Buffer
	s, err := Open(t.Context(), Config{DB: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	schedule, err := kae.ParseSchedule("0 6 * * *", time.FixedZone("Mars/Olympus", 0))
	if err != nil {
		t.Fatal(err)
	}
	token := kae.Token{ID: 1, Value: "v", UUID: "u", Name: "a", Status: kae.New, Schedule: schedule}
	if err := s.Write(t.Context(), func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{token}, 1) }); err != nil {
		t.Fatal(err)
	}
	var got kae.Token
	_, err = s.Read(t.Context(), -1, func(t kae.Token, _ int64) { got = t }, func(kae.Heartbeat) {})
	if err != nil {
		t.Fatal(err)
	}
	next := got.Schedule.Next(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))
	if got.Schedule.Zone().String() != "Mars/Olympus" || !next.Equal(time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)) {
		t.Errorf("zone %s, next %s", got.Schedule.Zone(), next)
	}
	if !strings.Contains(log.String(), "Mars/Olympus") {
		t.Errorf("the operator is not told: %s", &log)
	}
}
