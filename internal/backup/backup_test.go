package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kae"
)

var tenthHour = time.Date(2026, 11, 22, 10, 59, 0, 0, time.FixedZone("", 0))

// source is a database whose copy has a content.
func source(content []byte) Source {
	return Source{Kind: "db", Size: int64(len(content)), Copy: func(_ context.Context, into string) error {
		return os.WriteFile(into, content, 0o600)
	}}
}

func random(t *testing.T, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func mustOpen(t *testing.T, text string, s S3) Place {
	t.Helper()
	p, err := Open(text, t.TempDir(), s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fetched brings a backup back and compares it with what was backed up.
func fetched(t *testing.T, text string, s S3, want []byte) {
	t.Helper()
	into := filepath.Join(t.TempDir(), "into")
	if err := os.WriteFile(into, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	name, err := Fetch(t.Context(), text, into, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(into)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes that are not the %d that were backed up, %v", name, len(got), len(want), err)
	}
}

func files(t *testing.T, dir string) string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range all {
		names = append(names, f.Name())
	}
	return strings.Join(names, " ")
}

func TestABackupHasTheNameThatWasAskedFor(t *testing.T) {
	content := bytes.Repeat([]byte("a heartbeat, "), 10_000)
	for _, c := range []struct {
		name, to, file string
		packed         bool
	}{
		{"a file", "exactly this", "exactly this", false},
		{"a compressed file", "kae.zst", "kae.zst", true},
		{"a directory", "", "kae-2026-11-22T10.db.zst", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			to := filepath.Join(dir, c.to)
			for range 2 { // the second replaces the first
				job := Job{Source: source(content), To: mustOpen(t, to, S3{}), At: tenthHour}
				r, err := job.Run(t.Context())
				if err != nil || r.Name != filepath.Join(dir, c.file) {
					t.Fatalf("%+v, %v", r, err)
				}
				if got := files(t, dir); got != c.file {
					t.Errorf("there are %s, want %s", got, c.file)
				}
				info, err := os.Stat(r.Name)
				if err != nil || info.Size() != r.Size || info.Mode().Perm() != 0o600 || (info.Size() < int64(len(content))/10) != c.packed {
					t.Errorf("%d bytes, mode %v, %v", info.Size(), info.Mode(), err)
				}
			}
			fetched(t, to, S3{}, content)
		})
	}
}

func TestAFailedBackupLeavesTheOldOneAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	to := filepath.Join(dir, "kae.db.zst")
	if err := os.WriteFile(to, []byte("the old one"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := Source{Kind: "db", Copy: func(_ context.Context, into string) error {
		return errors.Join(os.WriteFile(into, []byte("half of it"), 0o600), &kae.Error{Code: kae.Unavailable, Message: "It broke."})
	}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx context.Context
		src Source
	}{"the copy fails": {t.Context(), broken}, "it is broken off": {ended, source([]byte("new"))}} {
		job := Job{Source: c.src, To: mustOpen(t, to, S3{}), At: tenthHour}
		if _, err := job.Run(c.ctx); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got, err := os.ReadFile(to); err != nil || string(got) != "the old one" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if got := files(t, dir); got != "kae.db.zst" {
			t.Errorf("%s: what is left: %s", name, got)
		}
	}
}

func TestALiveDatabaseIsNotReplacedByABackup(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kae.sqlite")
	for _, name := range []string{path, path + "-wal"} {
		if err := os.WriteFile(name, []byte("alive"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	job := Job{Source: source([]byte("copy")), To: mustOpen(t, path, S3{}), At: tenthHour}
	if _, err := job.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
	into := filepath.Join(t.TempDir(), "into")
	if _, err := Fetch(t.Context(), path, into, S3{}, nil); err == nil || !strings.Contains(err.Error(), "kae backup -db") {
		t.Errorf("%v", err)
	}
	if got := files(t, dir); got != "kae.sqlite kae.sqlite-wal" {
		t.Errorf("what is left: %s", got)
	}
}

func TestWhatAKilledBackupLeftGoesLater(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{".kae-backup-1.part": 25 * time.Hour, ".kae-backup-2.part": time.Hour, "other.part": 25 * time.Hour} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, tenthHour.Add(-age), tenthHour.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	job := Job{Source: source([]byte("copy")), To: mustOpen(t, dir, S3{}), At: tenthHour}
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); got != ".kae-backup-2.part kae-2026-11-22T10.db.zst other.part" {
		t.Errorf("what is left: %s", got)
	}
}

func TestADamagedBackupIsNotFetched(t *testing.T) {
	dir := t.TempDir()
	content := random(t, 100_000)
	job := Job{Source: source(content), To: mustOpen(t, dir, S3{}), At: tenthHour}
	r, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(r.Name)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, bad := range map[string][]byte{"a flipped bit": flipped, "half of it": whole[:len(whole)/2]} {
		if err := os.WriteFile(r.Name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		into := filepath.Join(t.TempDir(), "into")
		if err := os.WriteFile(into, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Fetch(t.Context(), r.Name, into, S3{}, nil); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheNewestOfADirectoryIsFetched(t *testing.T) {
	dir := t.TempDir()
	if _, err := Fetch(t.Context(), dir, "", S3{}, nil); err == nil || !strings.Contains(err.Error(), "There is no backup in") {
		t.Errorf("an empty one: %v", err)
	}
	for i, at := range []time.Time{tenthHour, tenthHour.Add(time.Hour), tenthHour.Add(-time.Hour)} {
		job := Job{Source: source([]byte{byte(i)}), To: mustOpen(t, dir, S3{}), At: at}
		if _, err := job.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	fetched(t, dir, S3{}, []byte{1})
}
