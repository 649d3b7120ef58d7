package wrapper

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func testSpool(t *testing.T) Spool {
	t.Helper()
	return OpenSpool(filepath.Join(t.TempDir(), "deep", "down"), nil)
}

func put(t *testing.T, s Spool, r report) int {
	t.Helper()
	dropped, err := s.put(r)
	if err != nil {
		t.Fatal(err)
	}
	return dropped
}

func kept(t *testing.T, s Spool) []report {
	t.Helper()
	all, err := s.list()
	if err != nil {
		t.Fatal(err)
	}
	var reports []report
	for _, e := range all {
		r, err := s.read(e)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
	}
	return reports
}

func TestTheSpoolKeepsReportsInTheOrderOfWhatHappened(t *testing.T) {
	s := testSpool(t)
	now := time.Now().UTC().Round(0)
	first := report{"http://kae/hb/x?d=1", now.Add(-time.Hour), []byte("\x00\xff")}
	second := report{"http://kae/hb/x/2?m=%26", now, nil}
	put(t, s, second)
	put(t, s, first)
	if diff := cmp.Diff([]report{first, second}, kept(t, s)); diff != "" {
		t.Error(diff)
	}
	if got, want := second.late(), "http://kae/hb/x/2?m=%26&at="; !strings.HasPrefix(got, want) {
		t.Errorf("it is sent to %s, want %s…", got, want)
	}
}

func TestTheSpoolIsPrivate(t *testing.T) {
	s := testSpool(t)
	put(t, s, report{"http://kae/hb/x", time.Now(), nil})
	err := filepath.WalkDir(filepath.Dir(s.dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSpoolIsBounded(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		n, size int // reports that are there, and their bytes
		age     time.Duration
		dropped int // when one more comes
	}{
		"within its bounds": {10, 10_000, 6 * 24 * time.Hour, 0},
		"by count":          {spoolCount + 2, 100, 0, 3},
		"by bytes":          {2 + spoolBytes/12_500, 12_500, 0, 3},
		"by age":            {5, 100, 8 * 24 * time.Hour, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testSpool(t)
			if err := os.MkdirAll(s.dir, 0o700); err != nil {
				t.Fatal(err)
			}
			for i := range test.n {
				at := now.Add(time.Duration(i)*time.Microsecond - test.age)
				text := fmt.Sprintf(`{"url":"http://kae/%d","at":"2026-01-01T00:00:00Z"}`, i)
				text += strings.Repeat(" ", test.size-len(text))
				if err := os.WriteFile(filepath.Join(s.dir, fmt.Sprintf("%016x-00000000.heartbeat", at.UnixMicro())), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			last := report{"http://kae/last", now.Add(time.Second), nil}
			if dropped := put(t, s, last); dropped != test.dropped {
				t.Errorf("%d dropped, want %d", dropped, test.dropped)
			}
			all := kept(t, s)
			if want := test.n + 1 - test.dropped; len(all) != want {
				t.Fatalf("%d are left, want %d", len(all), want)
			}
			if got := all[len(all)-1].URL; got != last.URL {
				t.Errorf("the newest is %s", got)
			}
			if want := fmt.Sprintf("http://kae/%d", test.dropped); test.dropped < test.n && all[0].URL != want {
				t.Errorf("the oldest is %s, want %s", all[0].URL, want)
			}
		})
	}
}

func TestWhatACrashLeftIsNoReport(t *testing.T) {
	s := testSpool(t)
	put(t, s, report{"http://kae/hb/x", time.Now(), nil})
	half := filepath.Join(s.dir, unfinished+"123")
	fresh := filepath.Join(s.dir, unfinished+"456")
	for _, path := range []string{half, fresh} {
		if err := os.WriteFile(path, []byte(`{"url":`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(half, old, old); err != nil {
		t.Fatal(err)
	}
	put(t, s, report{"http://kae/hb/y", time.Now(), nil})
	if n := len(kept(t, s)); n != 2 {
		t.Errorf("%d reports, want 2", n)
	}
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("what was left is still there (%v)", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("what another kae is writing is gone (%v)", err)
	}
}

func TestADamagedReportIsTold(t *testing.T) {
	s := testSpool(t)
	put(t, s, report{"http://kae/hb/x", time.Now(), nil})
	all, err := s.list()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, all[0].name), []byte(`{"url":"http`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.read(all[0]); kae.ErrorCode(err) != kae.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestManyMayUseOneSpool(t *testing.T) {
	s := testSpool(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := s.put(report{fmt.Sprintf("http://kae/%d", i), time.Now(), nil}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, r := range kept(t, s) {
		seen[r.URL] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d different reports, want 20", len(seen))
	}
	release, ok := s.lock()
	if _, second := s.lock(); !ok || second {
		t.Errorf("the lock is given: %v, and again: %v", ok, second)
	}
	release.Close()
	if _, ok := s.lock(); !ok {
		t.Error("the lock is not given back")
	}
}

func TestWhereTheSpoolIs(t *testing.T) {
	for _, test := range []struct{ dir, xdg, home, want string }{
		{"/a", "/x", "/h", "/a"},
		{"", "/x", "/h", "/x/kae"},
		{"", "", "/h", "/h/.local/state/kae"},
		{"", "relative", "/h", "/h/.local/state/kae"},
		{"", "", "", ""},
	} {
		env := map[string]string{"XDG_STATE_HOME": test.xdg, "HOME": test.home}
		if got := OpenSpool(test.dir, func(name string) string { return env[name] }); got.dir != test.want {
			t.Errorf("%+v: %s", test, got.dir)
		}
	}
}
