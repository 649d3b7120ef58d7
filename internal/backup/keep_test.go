package backup

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWhatIsKept makes an hourly backup for two years, with pruning after each.
func TestWhatIsKept(t *testing.T) {
	keep := Keep{Hourly: 24, Daily: 30, Monthly: 12}
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	var names []string
	for ; now.Before(start.AddDate(2, 0, 0)); now = now.Add(time.Hour) {
		names = append(names, hourly(now, "db"))
		gone := map[string]bool{}
		for _, name := range keep.superfluous(names) {
			gone[name] = true
		}
		var left []string
		for _, name := range names {
			if !gone[name] {
				left = append(left, name)
			}
		}
		names = left
	}
	newest := now.Add(-time.Hour)
	has := map[string]bool{}
	days, months := map[string]bool{}, map[string]bool{}
	for _, name := range names {
		has[name] = true
		at, _, _ := parseName(name)
		days[at.Format("2006-01-02")] = true
		months[at.Format("2006-01")] = true
	}
	for i := range 24 {
		if name := hourly(newest.Add(-time.Duration(i)*time.Hour), "db"); !has[name] {
			t.Errorf("%s is gone", name)
		}
	}
	for i := range 30 {
		if day := newest.AddDate(0, 0, -i).Format("2006-01-02"); !days[day] {
			t.Errorf("nothing is left of %s", day)
		}
	}
	for i := range 12 {
		if month := time.Date(2026, 12-time.Month(i), 1, 0, 0, 0, 0, time.UTC).Format("2006-01"); !months[month] {
			t.Errorf("nothing is left of %s", month)
		}
	}
	if len(names) > 24+30+12 {
		t.Errorf("%d are kept", len(names))
	}
}

func TestPruningTakesOnlyItsOwn(t *testing.T) {
	dir := t.TempDir()
	others := []string{
		"kae-2026-11-01T10.db", "kae-2026-11-01T10.dump.zst", "kae-2026-13-01T10.db.zst", "my-kae-2026-11-01T10.db.zst",
		"kae-2026-11-01T10.db.zst.old", "kae.sqlite", "letter",
	}
	for _, name := range append(others, "kae-2026-11-01T10.db.zst", "kae-2026-11-02T10.db.zst", "kae-2099-11-02T10.db.zst") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	job := Job{Source: source([]byte("copy")), To: mustOpen(t, dir, S3{}), Keep: Keep{Hourly: 1}, At: tenthHour}
	r, err := job.Run(t.Context())
	if err != nil || r.Kept != nil || len(r.Pruned) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	// The one just made stays, even where a clock was wrong once.
	for _, name := range append(others, "kae-2026-11-22T10.db.zst", "kae-2099-11-02T10.db.zst") {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	// No number, no pruning.
	job.Keep = Keep{}
	if r, err := job.Run(t.Context()); err != nil || len(r.Pruned) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
