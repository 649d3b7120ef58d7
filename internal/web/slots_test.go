package web

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// charted is what the page of a token draws.
func charted(t *testing.T, w *world, token kae.Token) chart {
	t.Helper()
	token, _ = w.roster.Get(token.ID)
	return w.server().tokenPage(t.Context(), token, "", place{}, nil).Chart
}

// troubled is a token by the clock to whom everything has happened.
func troubled(t *testing.T) (*world, kae.Token) {
	w := newWorld()
	token := w.make(t, "a", "0 3 * * *", "1h")
	w.mu.Lock()
	settings := kae.Settings{Name: token.Name, Schedule: token.Schedule, Grace: token.Grace, MaxRun: 2 * time.Hour}
	w.mu.Unlock()
	w.do(token, 0, func(t kae.Token, now time.Time) kae.Change { return t.Edit(settings, now) })
	day := func(n int) time.Time { return noon.Add(-9*time.Hour).AddDate(0, 0, -n) }
	expire := func(at time.Time) {
		w.do(token, 0, func(t kae.Token, _ time.Time) kae.Change { return t.Expire(at) })
	}
	w.tell(token, kae.Heartbeat{At: day(9).Add(7 * time.Minute), Kind: kae.Success, Took: 7 * time.Minute})
	w.tell(token, kae.Heartbeat{At: day(8).Add(-20 * time.Second), Kind: kae.Success})                   // early
	w.tell(token, kae.Heartbeat{At: day(7).Add(50 * time.Minute), Kind: kae.Success, Took: time.Minute}) // late
	w.tell(token, kae.Heartbeat{At: day(6).Add(4 * time.Minute), Kind: kae.Failure, Exited: true, Exit: 2, Took: 245 * time.Second, Message: "no space"})
	w.tell(token, kae.Heartbeat{At: day(6).Add(time.Hour), Kind: kae.Success}) // by hand, for no slot
	expire(day(5).Add(90 * time.Minute))
	w.tell(token, kae.Heartbeat{At: day(5).Add(5 * time.Hour), Kind: kae.Success})
	w.tell(token, kae.Heartbeat{At: day(4), Kind: kae.Start})
	expire(day(4).Add(3 * time.Hour))
	w.tell(token, kae.Heartbeat{At: day(4).Add(5 * time.Hour), Kind: kae.Success})
	w.do(token, 0, func(t kae.Token, _ time.Time) kae.Change {
		return t.Excuse(kae.Gap{From: day(3).Add(-time.Hour), To: day(3).Add(time.Hour)})
	})
	w.do(token, 0, func(t kae.Token, _ time.Time) kae.Change { return t.Disable(day(2).Add(-time.Hour)) })
	w.do(token, 0, func(t kae.Token, _ time.Time) kae.Change { return t.Enable(day(2).Add(time.Hour)) })
	expire(day(1).Add(2 * time.Hour))
	return w, token
}

func TestEverySlotSpeaks(t *testing.T) {
	w, token := troubled(t)
	ch := charted(t, w, token)
	var got []string
	for _, s := range ch.Slots {
		got = append(got, fmt.Sprintf("%s: %s", s.When, plain(s.Told)))
	}
	want := []string{
		"13 Nov, 03:07:00: on time, after 7 m",
		"14 Nov, 03:00:00: on time at 02:59:40",
		"15 Nov, 03:00:00: late at 03:50:00, after 1 m",
		"16 Nov, 03:00:00: failed at 03:04:00, after 4 m 5 s, exit status 2: no space",
		"17 Nov, 03:00:00: missed; heard at 08:00:00",
		"18 Nov, 03:00:00: overran at 08:00:00, after 5 h",
		"19 Nov, 03:00:00: unknown: kae took no heartbeats then",
		"20 Nov, 03:00:00: disabled: nothing was expected",
		"yesterday at 03:00:00: missed: nothing came",
		"today at 03:00:00: missed: nothing came",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if want := "2 of 9 on time. Missed 17 Nov, 21 Nov and 22 Nov; failed 16 Nov; overran 18 Nov; late 15 Nov; unknown 19 Nov; disabled 20 Nov."; ch.Summary != want {
		t.Errorf("in one sentence: %s\nwant %s", ch.Summary, want)
	}
	if ch.OnTime != 2 || ch.First != 50 || ch.Pace != "median 4 m 5 s, longest 5 h" {
		t.Errorf("%d on time from column %d, %s", ch.OnTime, ch.First, ch.Pace)
	}
}

func TestSlotsAreDrawn(t *testing.T) {
	w, token := troubled(t)
	ch := charted(t, w, token)
	want := `<path class="b" d="M0 43.5H600"/>` +
		`<path class="o" d="M602 26h20"/>` + // two, as one
		`<path class="l" d="M626 35h8"/>` +
		`<path class="m" d="M648 26h12m36 0h24"/>` +
		`<path class="x" d="M637.5 14l9 24m0-24l-9 24"/>` +
		`<path class="v" d="M661 14l7 12-7 12zm9 0v24"/>` +
		`<path class="u" d="M672 44l4-36m0 36l4-36m0 36l4-36"/>` +
		`<path class="d" d="M686.5 8.5h7v35h-7z"/>`
	if d := cmp.Diff(want, string(ch.Line)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !strings.HasPrefix(ch.Bad, "M638 92.5V") || strings.Count(ch.Bad, "M") != 1 {
		t.Errorf("the failed run is %s", ch.Bad)
	}
	if n := strings.Count(ch.Bars, "M"); n != 3 {
		t.Errorf("%d bars of runs that did well", n)
	}
	html := get(w.server(), "/tokens/1").Body.String()
	for _, path := range regexp.MustCompile(` d="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if strings.ContainsAny(path[1], "%!") || strings.Contains(path[1], "NaN") {
			t.Errorf("this is no path: %s", path[1])
		}
	}
}

// One run that took far longer than all others does not flatten them.
func TestTheScaleIsForUsualRuns(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	for n := 59; n >= 0; n-- {
		took := 5 * time.Minute
		if n == 30 {
			took = 20 * time.Hour
		}
		w.tell(token, kae.Heartbeat{At: noon.Add(-time.Duration(n) * time.Hour), Kind: kae.Success, Took: took})
	}
	ch := charted(t, w, token)
	if ch.Top != "10 m" || strings.Count(ch.Torn, "M") != 1 || !strings.Contains(ch.Pace, "longest 20 h") || len(ch.Slots) != 60 || ch.First != 0 {
		t.Errorf("up to %s, torn %q, %s", ch.Top, ch.Torn, ch.Pace)
	}
	if len(ch.Labels) != 5 || ch.Labels[0].When.Text != "20 Nov" || ch.Labels[4].Anchor != "end" {
		t.Errorf("labels %v", ch.Labels)
	}
}

func TestManyOfOneKindAreCounted(t *testing.T) {
	c := clock{noon, time.UTC}
	var slots []kae.Slot
	for n := range 20 {
		o := kae.SlotLate
		if n%3 == 0 {
			o = kae.SlotOnTime
		}
		slots = append(slots, kae.Slot{At: noon.AddDate(0, 0, n-20), Outcome: o})
	}
	if got, want := summary(slots, c), "7 of 20 on time. Late 13 times, the last on 21 Nov."; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	today := []kae.Slot{{At: noon, Outcome: kae.SlotMissed}, {At: noon.Add(time.Minute), Outcome: kae.SlotMissed}}
	if got, want := summary(today, c), "0 of 2 on time. Missed 2 times on 22 Nov."; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestATokenWithoutSlotsHasNoChart(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	if ch := charted(t, w, token); len(ch.Slots) != 0 || ch.Newest() != nil {
		t.Errorf("%+v", ch)
	}
	html := get(w.server(), "/tokens/1").Body.String()
	for _, id := range []string{"slots", "took"} {
		if !strings.Contains(html, fmt.Sprintf(`id="%s" hidden`, id)) {
			t.Errorf("there is an empty card: %s", id)
		}
	}
	if strings.Contains(html, `id="record"`) {
		t.Error("a token that was never heard has a record")
	}
}
