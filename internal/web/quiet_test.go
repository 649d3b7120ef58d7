package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// logLines are the lines of a token's log, as its page has them.
func logLines(t *testing.T, w *world, token kae.Token, query string) (lines []string, page tokenPage) {
	t.Helper()
	token, _ = w.roster.Get(token.ID)
	from, err := placeOf(queryOf(t, query))
	if err != nil {
		t.Fatal(err)
	}
	page = w.server().tokenPage(t.Context(), token, "", from, nil)
	for _, row := range page.Log {
		switch {
		case row.Quiet != nil:
			lines = append(lines, fmt.Sprintf("%s to %s: %s", row.Quiet.From, row.Quiet.To, row.Quiet.Told))
		case row.Number > 0:
			lines = append(lines, fmt.Sprintf("#%d %s", row.Number, row.Word))
		default:
			lines = append(lines, row.Word)
		}
	}
	return lines, page
}

// daily is a token by the clock with runs behind it, by how many days ago.
func daily(t *testing.T) (*world, kae.Token) {
	w := newWorld()
	token := w.make(t, "a", "0 3 * * *", "1h")
	for n := 30; n >= 0; n-- {
		at := noon.Add(-9*time.Hour).AddDate(0, 0, -n)
		switch n {
		case 20: // nothing comes, until somebody looks
			w.do(token, 0, func(t kae.Token, _ time.Time) kae.Change { return t.Expire(at.Add(2 * time.Hour)) })
			w.tell(token, kae.Heartbeat{At: at.Add(5 * time.Hour), Kind: kae.Success})
		case 10: // started, and never ended: the next one goes on for a day
			w.tell(token, kae.Heartbeat{At: at, Kind: kae.Start})
		default:
			w.tell(token, kae.Heartbeat{At: at, Kind: kae.Start})
			w.tell(token, kae.Heartbeat{At: at.Add(time.Duration(400+n) * time.Second), Kind: kae.Success})
		}
	}
	return w, token
}

func TestQuietStretchesAreOneLine(t *testing.T) {
	w, token := daily(t)
	got, page := logLines(t, w, token, "")
	want := []string{
		"#60 success", "#59 start", "#58 success", "#57 start", "#56 success", "#55 start",
		"13 Nov to 19 Nov: 7 runs, all on time, 6 m 43 s to 1 d",
	}
	if d := cmp.Diff(want, got[:min(len(got), len(want))]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var all []string
	for _, line := range got {
		if strings.Contains(line, "runs") || !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	want = append(want[6:], "3 Nov to 11 Nov: 9 runs, all on time, 6 m 51 s to 6 m 59 s", "up again", "fired",
		"24 Oct to 1 Nov: 9 runs, all on time, 7 m 1 s to 7 m 9 s", "up")
	if d := cmp.Diff(want, all); d != "" {
		t.Errorf("(-want +got):\n%s\nof %s", d, strings.Join(got, "\n"))
	}

	// Its link opens it, and the same link closes it again.
	var line logRow
	for _, row := range page.Log {
		if row.Quiet != nil {
			line = row
			break
		}
	}
	query, _ := strings.CutPrefix(line.Quiet.URL, "/tokens/1?")
	query, anchor, _ := strings.Cut(query, "#")
	opened, page := logLines(t, w, token, query)
	if !cmp.Equal(opened[6:10], []string{got[6], "#54 success", "#53 start", "#52 success"}) || anchor != line.ID {
		t.Errorf("%s, %s opens %v", query, anchor, opened)
	}
	for _, row := range page.Log {
		if row.Quiet != nil && row.Quiet.Open && row.Quiet.URL != "/tokens/1#"+row.ID {
			t.Errorf("it closes by %s", row.Quiet.URL)
		}
	}
	if n := strings.Count(strings.Join(opened, "\n"), " runs,"); n != 3 {
		t.Errorf("%d stretches have a line, the open one among them", n)
	}
}

func TestWhatIsNotQuiet(t *testing.T) {
	good := func(n int64) kae.Heartbeat { return kae.Heartbeat{Number: n, Kind: kae.Success, At: noon} }
	start := func(n int64) kae.Heartbeat { return kae.Heartbeat{Number: n, Kind: kae.Start, At: noon} }
	for name, odd := range map[string]kae.Heartbeat{
		"a failure":               {Kind: kae.Failure},
		"something to note":       {Kind: kae.Log},
		"a report that came late": {Kind: kae.Success, Received: noon.Add(time.Hour)},
		"a failure that the path takes for a success": {Kind: kae.Success, Exited: true, Exit: 3},
	} {
		odd.Number, odd.At = 4, noon
		var entries []entry
		for n := int64(7); n > 0; n-- {
			b := good(n)
			if n == 4 {
				b = odd
			}
			entries = append(entries, entry{beat: &b})
		}
		if got := quiet(entries, place{beats: 8}); len(got) != 0 {
			t.Errorf("%s: stretches %v around it", name, got)
		}
	}
	var entries []entry
	for n := int64(10); n > 0; n-- {
		b := good(n)
		if n == 5 || n == 6 { // the run of the first of them never ended
			b = start(n)
		}
		entries = append(entries, entry{beat: &b})
	}
	if d := cmp.Diff(map[int]int{0: 5, 6: 4}, quiet(entries, place{beats: 11})); d != "" {
		t.Errorf("around a run that did not end (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[int]int{}, quiet(entries[7:], place{beats: 11})); d != "" {
		t.Errorf("three runs (-want +got):\n%s", d)
	}
}

func TestALogShowsWhatIsAskedFor(t *testing.T) {
	w, token := daily(t)
	flips, page := logLines(t, w, token, "show=flips")
	if d := cmp.Diff([]string{"up again", "fired", "up"}, flips); d != "" || page.Next != nil {
		t.Errorf("flips (-want +got):\n%s, next %v", d, page.Next)
	}
	beats, _ := logLines(t, w, token, "show=beats")
	for _, line := range beats {
		if line == "fired" || strings.HasPrefix(line, "up") {
			t.Errorf("among heartbeats: %s", line)
		}
	}
	if n := len(beats); n != 13 {
		t.Errorf("%d lines of heartbeats: %v", n, beats)
	}
	s := w.server()
	html := get(s, "/tokens/1?show=flips").Body.String()
	if !strings.Contains(html, `href="/tokens/1?show=flips#log" aria-current="true"`) || !strings.Contains(html, `data-log="show=flips"`) {
		t.Error("the filter is not marked, or a stream would not keep it")
	}
	if got := get(s, "/tokens/1?show=nonsense"); got.Code != 422 {
		t.Errorf("nonsense: status %d", got.Code)
	}
	if got := get(s, "/events?token=1&show=nonsense"); got.Code != 422 {
		t.Errorf("a stream of nonsense: status %d", got.Code)
	}
}

// However a log is filtered, its pages together have all of it once.
func TestFilteredLogsGoOn(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1m", "")
	const beats = 700
	for i := range beats {
		kind := kae.Success
		if i%5 == 1 {
			kind = kae.Failure
		}
		w.beat(token, kind, time.Duration(beats-i)*time.Minute, "", "")
	}
	for show, want := range map[string]int{"beats": beats, "flips": len(w.flips[1])} {
		path, seen, pages := "/tokens/1?show="+show, 0, 0
		for path != "" && pages < 40 {
			_, query, _ := strings.Cut(path, "?")
			lines, page := logLines(t, w, token, query)
			seen += len(lines)
			pages++
			if path = ""; page.Next != nil {
				path = *page.Next
			}
		}
		if seen != want || pages < 5 {
			t.Errorf("%s: %d lines on %d pages, want %d", show, seen, pages, want)
		}
	}
}

func queryOf(t *testing.T, text string) url.Values {
	t.Helper()
	q, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
