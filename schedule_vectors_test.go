package kae

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine, where it has none

	"github.com/google/go-cmp/cmp"
)

// What kae accepts and the evaluators behind the vectors refuse; also in
// docs/schedules.md.
var beyondTheVectors = []string{
	"cron:@daily",        // systemd and Debian's cron know such words
	"calendar:12:34 utc", // as systemd does
}

func TestTheVectorsOfOtherEvaluatorsAgree(t *testing.T) {
	data, err := os.ReadFile("testdata/schedule-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Kind, Expr, TZ string
			After          time.Time
			Next           []*time.Time
		}
		Validity []struct {
			Kind, Expr string
			Valid      bool
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 52 || len(file.Validity) != 38 {
		t.Fatalf("%d vectors and %d cases of validity, want 52 and 38", len(file.Vectors), len(file.Validity))
	}
	prefix := map[string]string{"cron": "cron:", "oncalendar": "calendar:"}
	for _, v := range file.Vectors {
		s := mustParse(t, prefix[v.Kind]+v.Expr, v.TZ)
		at := v.After
		for i, want := range v.Next {
			at = s.Next(at)
			if want == nil {
				want = new(time.Time)
			}
			if !at.Equal(*want) {
				t.Errorf("%s in %s after %v: time %d is %v, want %v", s, v.TZ, v.After, i, at, want)
				break
			}
		}
	}
	entered := time.Date(2026, 1, 31, 23, 59, 30, 0, time.UTC)
	beyond := map[string]bool{}
	for _, v := range file.Validity {
		text := prefix[v.Kind] + v.Expr
		s, err := ParseSchedule(text, nil)
		if err == nil {
			err = s.Check(entered)
		}
		switch {
		case !v.Valid && err == nil:
			beyond[text] = true
		case v.Valid && err != nil:
			t.Errorf("%q: %v, want it accepted", text, err)
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(beyondTheVectors)), slices.Sorted(maps.Keys(beyond))); diff != "" {
		t.Errorf("accepted beyond the vectors (-want +got):\n%s", diff)
	}
}

func mustParse(t testing.TB, text, zone string) Schedule {
	t.Helper()
	loc, err := LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSchedule(text, loc)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}
