package web

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func TestAShareIsRoundedDown(t *testing.T) {
	for _, tt := range []struct {
		up, down time.Duration
		want     string
	}{
		{90 * 24 * time.Hour, 0, "100 %"},
		{90 * 24 * time.Hour, time.Microsecond, "99.99 %"},
		{9993 * time.Second, 7 * time.Second, "99.93 %"},
		{time.Second, 90 * 24 * time.Hour, "< 0.01 %"},
		{0, time.Second, "0 %"},
		{5 * time.Second, 95 * time.Second, "5.00 %"},
	} {
		if got := percent(tt.up, tt.down); got != tt.want {
			t.Errorf("%v of %v: %s, want %s", tt.up, tt.up+tt.down, got, tt.want)
		}
	}
}

// What a stream adds piece by piece is what a page reads at once.
func TestAPastGrowsWithTheLog(t *testing.T) {
	w := newWorld()
	w.now = noon.Add(-time.Hour)
	token := w.make(t, "a", "1m", "")
	s := w.server()
	var kept *past
	for i := range 40 {
		for range i % 4 {
			kind := kae.Success
			if i%5 == 0 {
				kind = kae.Failure
			}
			w.beat(token, kae.Start, 3*time.Second, "", "")
			w.beat(token, kind, 0, "said", "")
			w.sleep(10 * time.Second)
		}
		if i%7 == 0 {
			w.gaps = append([]kae.Gap{{From: w.clock().Add(-time.Second), To: w.clock()}}, w.gaps...)
		}
		now, _ := w.roster.Get(token.ID)
		kept = s.tokenPage(t.Context(), now, "", place{}, kept).past
		fresh := s.tokenPage(t.Context(), now, "", place{}, nil).past
		if d := cmp.Diff(fresh, kept, cmp.AllowUnexported(past{}, ended{})); d != "" {
			t.Fatalf("after %d rounds (-read at once +added):\n%s", i, d)
		}
	}
	if len(kept.ended) < 50 || len(kept.flips) < 10 || len(kept.gaps) != 6 {
		t.Errorf("only %d runs, %d flips, %d gaps", len(kept.ended), len(kept.flips), len(kept.gaps))
	}
}

// A stream that has slept reads all of it anew.
func TestAPastWithAHoleIsReadAnew(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	s := w.server()
	w.beat(token, kae.Success, time.Hour, "", "")
	now, _ := w.roster.Get(token.ID)
	kept := s.tokenPage(t.Context(), now, "", place{}, nil).past
	for range 3 * logRead {
		w.beat(token, kae.Success, time.Minute, "", "")
	}
	now, _ = w.roster.Get(token.ID)
	kept = s.tokenPage(t.Context(), now, "", place{}, kept).past
	if n := len(kept.ended); n != 3*logRead+1 || !kept.from.IsZero() {
		t.Errorf("%d runs, from %v", n, kept.from)
	}
}

func TestAPastIsBounded(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	s := w.server()
	for i := range pastSize + 10 {
		w.tell(token, kae.Heartbeat{At: noon.Add(time.Duration(i-pastSize-10) * time.Second), Kind: kae.Success, Took: time.Second})
	}
	now, _ := w.roster.Get(token.ID)
	page := s.tokenPage(t.Context(), now, "", place{}, nil)
	if want := noon.Add(-pastSize * time.Second); !page.past.from.Equal(want) || page.History[0].Runs != pastSize || !time.Time(page.History[0].RunsSince).Equal(want) {
		t.Errorf("from %v, want %v: %d runs", page.past.from, want, page.History[0].Runs)
	}
	html := get(s, "/tokens/1").Body.String()
	if !strings.Contains(html, "Durations since ") || !strings.Contains(html, "newest 2,000 heartbeats") {
		t.Error("the page does not say that it does not know all durations")
	}
	kept := page.past
	for range 150 {
		w.tell(token, kae.Heartbeat{At: noon, Kind: kae.Success, Took: time.Second})
	}
	now, _ = w.roster.Get(token.ID)
	if kept = s.tokenPage(t.Context(), now, "", place{}, kept).past; len(kept.ended) != pastSize || kept.from.Equal(noon.Add(-pastSize*time.Second)) {
		t.Errorf("it grows to %d, from %v", len(kept.ended), kept.from)
	}
}

func TestARecordIsTold(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	w.tell(token, kae.Heartbeat{At: noon.AddDate(0, 0, -40), Kind: kae.Success, Took: 3 * time.Second})
	w.tell(token, kae.Heartbeat{At: noon.AddDate(0, 0, -2), Kind: kae.Failure, Took: 90 * time.Second})
	w.tell(token, kae.Heartbeat{At: noon.AddDate(0, 0, -1).Add(-12 * time.Hour), Kind: kae.Success})
	now, _ := w.roster.Get(token.ID)
	type told struct{ Name, Since, Up, Down, Median string }
	var got []told
	for _, v := range w.server().tokenPage(t.Context(), now, "", place{}, nil).History {
		got = append(got, told{v.Name, v.From.Text, v.UpWords, v.DownWords, v.Usual})
	}
	want := []told{
		{"24 hours", "", "100 %", "none", ""},
		{"7 days", "", "92.85 %", "12 h", "1 m 30 s"},
		{"30 days", "", "98.33 %", "12 h", "1 m 30 s"},
		{"90 days", "13 Oct", "98.75 %", "12 h", "3.0 s"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
