package sqlstore

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kae"
)

// stored makes a database with a token and so many heartbeats, open.
func stored(t *testing.T, path string, beats int64) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{DB: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	every, err := kae.ParseSchedule("1h", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	made := kae.Token{ID: 1, Value: kae.NewValue(), UUID: kae.NewUUID(), Name: "job", Schedule: every, Status: kae.New}
	err = s.Write(t.Context(), func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{made}, 0) })
	for pos := int64(1); pos <= beats && err == nil; pos++ {
		err = s.Write(t.Context(), func(tx kae.Tx) error { return tx.Append(beat(pos)) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// empty makes the file that a copy goes into.
func empty(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestACopyIsOfOneMomentAndHoldsUpNoHeartbeat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kae.sqlite")
	const before = 300
	s := stored(t, path, before)
	for name, copied := range map[string]func(context.Context, string) error{
		"by the process that has it open": s.Copy,
		"by another one":                  func(ctx context.Context, into string) error { return CopyFile(ctx, path, into) },
	} {
		t.Run(name, func(t *testing.T) {
			into := empty(t)
			first := journal(t, s)
			done := make(chan error, 1)
			go func() { done <- copied(t.Context(), into) }()
			pos, running := first[len(first)-1], true
			for running {
				select {
				case err := <-done:
					if err != nil {
						t.Fatal(err)
					}
					running = false
				default:
					pos++
					if err := s.Write(t.Context(), func(tx kae.Tx) error { return tx.Append(beat(pos)) }); err != nil {
						t.Fatal(err)
					}
				}
			}
			found, err := CheckCopy(t.Context(), "the copy", into)
			if err != nil || found.Tokens != 1 || found.Heartbeats < int64(len(first)) || found.Heartbeats > pos {
				t.Errorf("%+v, %v; want 1 token and %d to %d heartbeats", found, err, len(first), pos)
			}
			// What is in it is a beginning of the journal, without a hole.
			again, err := Open(t.Context(), Config{DB: into})
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if got := journal(t, again); !slices.Equal(got, journal(t, s)[:len(got)]) || int64(len(got)) != found.Heartbeats {
				t.Errorf("the copy has %d heartbeats that are no beginning of the journal", len(got))
			}
			if info, err := os.Stat(into); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the copy can be read by others: %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestACopyThatIsBrokenOffIsAnError(t *testing.T) {
	s := stored(t, filepath.Join(t.TempDir(), "kae.sqlite"), 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Copy(ctx, empty(t)); err == nil || !strings.HasPrefix(err.Error(), "The copy was broken off.") {
		t.Errorf("%v", err)
	}
}

func TestCheckTellsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	sound := filepath.Join(dir, "sound")
	stored(t, sound, 300).Close()
	variant := func(name string, change func(path string)) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content(t, sound), 0o600); err != nil {
			t.Fatal(err)
		}
		change(path)
		return path
	}
	if found, err := Check(t.Context(), sound); err != nil || found.Tokens != 1 || found.Heartbeats != 300 || found.Version < 3 {
		t.Errorf("a sound one: %+v, %v", found, err)
	}
	for _, c := range []struct {
		name   string
		change func(path string)
		want   string
	}{
		{"a page of nothing", func(path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(make([]byte, 40960), 120*1024); err != nil {
				t.Fatal(err)
			}
		}, "is damaged"},
		{"half of it", func(path string) {
			if err := os.Truncate(path, int64(len(content(t, sound)))/2); err != nil {
				t.Fatal(err)
			}
		}, "is damaged"},
		{"a token that can't be read", func(path string) { run(t, path, "UPDATE tokens SET schedule = 'whenever'") }, "is damaged"},
		{"a value that may not be", func(path string) {
			run(t, path, "PRAGMA ignore_check_constraints = 1; UPDATE journal SET kind = 'nonsense' WHERE pos = 7")
		}, "is damaged"},
		{"no clock", func(path string) { run(t, path, "DELETE FROM clock") }, "is damaged"},
		{"a newer one", func(path string) { run(t, path, "UPDATE kae_schema SET version_id = 999 WHERE version_id = 1") }, "schema version 999"},
		{"another program's", func(path string) { run(t, path, "DROP TABLE kae_schema") }, "is not kae's"},
		{"the original's", func(path string) {
			run(t, path, "DROP TABLE kae_schema", "CREATE TABLE pings (id INTEGER)")
		}, "is the original kae's"},
		{"no database", func(path string) {
			if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is not a database"},
		{"none", func(path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, "There is no database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := variant(c.name, c.change)
			if _, err := Check(t.Context(), path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
