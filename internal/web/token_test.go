package web

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func TestATokenInJSON(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	w.beat(token, kae.Success, 40*time.Minute, "", "")
	w.gaps = []kae.Gap{{From: noon.Add(-30 * time.Minute), To: noon.Add(-20 * time.Minute)}}
	w.beat(token, kae.Failure, 10*time.Minute, "exit status 1", "not \xff text\x00")
	got := getJSON(w.server(), "/tokens/1")
	_, after, _ := strings.Cut(got.Body.String(), `,"heartbeats":`)
	window := func(hours int, runs string) string {
		return fmt.Sprintf(`{"hours":%d,"since":"2026-11-22T11:20:00.000000Z","up":1200,"down":600,"share":0.6666666666666666,"firings":1,`+
			`"runs_since":%q,"runs":0,"median":null,"p95":null,"longest":null}`, hours, runs)
	}
	want := `[{"number":2,"at":"2026-11-22T11:50:00.000000Z","received_at":null,"kind":"failure","exit":null,"run_id":"","took":null,"message":"exit status 1","body":"not ` + "\uFFFD text\uFFFD" + `","body_size":11,"remote":"10.0.4.12","agent":"curl/8.5.0"},` +
		`{"number":1,"at":"2026-11-22T11:20:00.000000Z","received_at":null,"kind":"success","exit":null,"run_id":"","took":null,"message":"","body":null,"body_size":0,"remote":"10.0.4.12","agent":"curl/8.5.0"}],` +
		`"flips":[{"number":2,"at":"2026-11-22T11:50:00.000000Z","from":"up","to":"firing","reason":"failed","note":""},` +
		`{"number":1,"at":"2026-11-22T11:20:00.000000Z","from":"new","to":"up","reason":"first","note":""}],` +
		`"gaps":[{"from":"2026-11-22T11:30:00.000000Z","to":"2026-11-22T11:40:00.000000Z"}],"next":null,` +
		`"slots":[{"at":"2026-11-22T11:20:00.000000Z","outcome":"on time"},{"at":"2026-11-22T11:50:00.000000Z","outcome":"failed"}],"history":[` +
		window(24, "2026-11-21T12:00:00.000000Z") + "," + window(168, "2026-11-15T12:00:00.000000Z") + "," +
		window(720, "2026-10-23T12:00:00.000000Z") + "," + window(2160, "2026-08-24T12:00:00.000000Z") + `],"deliveries":[]}` + "\n"
	if d := cmp.Diff(want, after); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !strings.HasPrefix(got.Body.String(), `{"token":{"id":1,`) {
		t.Errorf("got %s", got.Body)
	}
}

func TestHistoryGoesOnInPages(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1m", "")
	// Every third heartbeat is a failure, so that there are flips as well.
	const beats = 260
	for i := range beats {
		kind := kae.Success
		if i%3 == 1 {
			kind = kae.Failure
		}
		w.beat(token, kind, time.Duration(beats-i)*time.Minute, "", "")
	}
	flips := len(w.flips[token.ID])
	s := w.server()

	path, numbers, flipped := "/tokens/1", map[int64]bool{}, map[int64]bool{}
	for pages := 0; path != ""; pages++ {
		page := decode[struct {
			Heartbeats, Flips []struct{ Number int64 }
			Next              *string
		}](t, getJSON(s, path), 200)
		if len(page.Heartbeats) > 100 || pages > 5 {
			t.Fatalf("page %d has %d heartbeats", pages, len(page.Heartbeats))
		}
		for _, b := range page.Heartbeats {
			numbers[b.Number] = true
		}
		for _, f := range page.Flips {
			flipped[f.Number] = true
		}
		path = ""
		if page.Next != nil {
			path = *page.Next
			if !strings.HasPrefix(path, "/tokens/1?before=") {
				t.Errorf("next is %q", path)
			}
		}
	}
	if len(numbers) != beats || len(flipped) != flips {
		t.Errorf("in JSON: %d heartbeats and %d flips, want %d and %d", len(numbers), len(flipped), beats, flips)
	}

	path = "/tokens/1"
	seen, lines := map[string]bool{}, 0
	for pages := 0; path != ""; pages++ {
		_, html, _ := strings.Cut(get(s, path).Body.String(), `<table class="log"`)
		html, _, _ = strings.Cut(html, `<div class="stack" id="side">`)
		n := strings.Count(html, `role="row"`) - strings.Count(html, `class="day"`) - 1
		if n > logSize || pages > 15 {
			t.Fatalf("page %d has %d lines", pages, n)
		}
		lines += n
		for i := range beats {
			if id := fmt.Sprintf(`id="hb-%d"`, i+1); strings.Contains(html, id) {
				if seen[id] {
					t.Errorf("%s stands on two pages", id)
				}
				seen[id] = true
			}
		}
		_, after, more := strings.Cut(html, `<p class="bh"><a href="`)
		path = ""
		if more {
			path, _, _ = strings.Cut(after, `"`)
			path = strings.ReplaceAll(path, "&amp;", "&")
		}
	}
	if len(seen) != beats || lines != beats+flips {
		t.Errorf("in HTML: %d heartbeats and %d lines, want %d and %d", len(seen), lines, beats, beats+flips)
	}
	for _, query := range []string{"before=x", "before=0", "before=-1", "flips=x"} {
		if got := get(s, "/tokens/1?"+query); got.Code != 422 {
			t.Errorf("%s: status %d", query, got.Code)
		}
	}
}

func TestAHistoryWithoutFlipsGoesOn(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1m", "")
	for i := range 150 {
		w.beat(token, kae.Log, time.Duration(150-i)*time.Second, "", "")
	}
	s, path, n := w.server(), "/tokens/1", 0
	for range 2 {
		page := decode[struct {
			Heartbeats []struct{}
			Next       *string
		}](t, getJSON(s, path), 200)
		if n += len(page.Heartbeats); page.Next != nil {
			path = *page.Next
		}
	}
	if n != 150 {
		t.Errorf("two pages have %d heartbeats, want 150; the second is %s", n, path)
	}
}

func TestTheLogIsMergedNewestFirst(t *testing.T) {
	w, tokens := scene(t)
	told := func(state string) (lines []string) {
		token, _ := w.roster.Get(tokens[state].ID)
		h, _ := w.History(t.Context(), token, kae.HistoryQuery{Limit: logSize + 1})
		rows, _, _ := logOf(token, h, place{}, nil, clock{noon, time.UTC})
		for _, row := range rows {
			line := fmt.Sprintf("%s %s", row.Time, row.Word)
			if row.Number > 0 {
				line = fmt.Sprintf("%s #%d", line, row.Number)
			}
			if row.Day != nil {
				line = row.Day.Text + " | " + line
			}
			lines = append(lines, strings.TrimSpace(line+" "+plain(row.Told)))
		}
		return lines
	}
	for state, want := range map[string][]string{
		"failed": {
			"Today, Sun 22 Nov | 04:00:00 fired Failed: the job said so.",
			"04:00:00 failure #2 exit status 1",
			"Sat 21 Nov | 03:00:00 up The first heartbeat came.",
			"03:00:00 success #1 41.2 GB, 214 tables",
		},
		"unknown": {
			"Today, Sun 22 Nov | 11:20:00 unknown kae took no heartbeats from today at 10:55:00 to 11:20:00. What was due then is not held against this token.",
			"05:00:00 up The first heartbeat came.",
			"05:00:00 success #1",
		},
		"removed": nil,
	} {
		if d := cmp.Diff(want, told(state)); d != "" {
			t.Errorf("%s (-want +got):\n%s", state, d)
		}
	}
}

func TestEveryReasonIsTold(t *testing.T) {
	at := noon.Add(-time.Hour)
	for _, tt := range []struct {
		flip, older kae.Flip
		word, told  string
	}{
		{kae.Flip{From: kae.Up, To: kae.Firing, Reason: kae.Missed}, kae.Flip{}, "fired", "Missed: no heartbeat came by the deadline."},
		{kae.Flip{From: kae.Firing, To: kae.Up, Reason: kae.Recovered, At: noon}, kae.Flip{To: kae.Firing, At: at}, "up again", "Recovered after 1 h."},
		{kae.Flip{From: kae.Firing, To: kae.Up, Reason: kae.Recovered}, kae.Flip{}, "up again", "Recovered."},
		{kae.Flip{From: kae.Up, To: kae.Disabled, Reason: kae.WasDisabled}, kae.Flip{}, "disabled", "Disabled: nothing is expected."},
		{kae.Flip{From: kae.Disabled, To: kae.Up, Reason: kae.WasEnabled}, kae.Flip{}, "up", "Enabled: heartbeats are expected again."},
		{kae.Flip{From: kae.Disabled, To: kae.New, Reason: kae.WasEnabled}, kae.Flip{}, "new", "Enabled: heartbeats are expected again."},
		{kae.Flip{From: kae.Firing, To: kae.Up, Reason: kae.Edited}, kae.Flip{}, "up again", "Edited: by its new settings it is not overdue."},
		{kae.Flip{From: kae.Up, To: kae.Up, Reason: kae.Excused}, kae.Flip{}, "unknown", "kae took no heartbeats when one was due. That is not held against this token."},
	} {
		row := flipRow(nil, []kae.Flip{tt.flip, tt.older}, nil, clock{noon, time.UTC})
		if row.Word != tt.word || plain(row.Told) != tt.told {
			t.Errorf("%s: %s: %s", tt.flip.Reason, row.Word, plain(row.Told))
		}
	}
}

func TestTheLogTellsWhatHeartbeatsSay(t *testing.T) {
	w, tokens := signals(t)
	rows := func(name string, from place, limit int) (all []logRow) {
		token, _ := w.roster.Get(tokens[name].ID)
		q := kae.HistoryQuery{BeatsBefore: from.beats, FlipsBefore: from.flips, Limit: limit, Bodies: true}
		h, _ := w.History(t.Context(), token, q)
		all, _, _ = logOf(token, h, from, nil, clock{noon, time.UTC})
		return all
	}
	lines := func(rows []logRow) (all []string) {
		for _, r := range rows {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %.8s", r.Time, r.Word, plain(r.Told), r.Took, r.Run)))
		}
		return all
	}
	want := []string{
		"02:04:05 fired Failed: the job said so.", "02:04:05 failure exit status 2: no space 4 m 5 s 6971cebf", "02:00:00 start   6971cebf",
		"03:00:00 log", "02:00:00 up The first heartbeat came.", "02:00:00 success",
	}
	if d := cmp.Diff(want, lines(rows("bodies", place{}, 50))); d != "" {
		t.Errorf("bodies (-want +got):\n%s", d)
	}
	// A late report stands where it belongs, and the firing before it is marked.
	want = []string{
		"11:00:00 up again The job was on time; its report arrived late.",
		"07:00:00 fired Missed: no heartbeat came by the deadline. Taken back: the job was on time.",
		"06:59:00 success from the spool; told today at 11:00:00",
		"01:00:00 up The first heartbeat came.", "01:00:00 success",
	}
	if d := cmp.Diff(want, lines(rows("arrived-late", place{}, 50))); d != "" {
		t.Errorf("late (-want +got):\n%s", d)
	}
	// So it is where the page before has ended between the two.
	older := rows("arrived-late", place{beats: 2, flips: 3}, 50)
	if got := lines(older)[0]; strings.Contains(got, "Taken back") {
		t.Errorf("the newer flip was not asked for: %s", got)
	}
	page := get(w.server(), fmt.Sprintf("/tokens/%d?before=2&flips=3", tokens["arrived-late"].ID)).Body.String()
	if !strings.Contains(page, "Taken back") || strings.Contains(page, "its report arrived late") {
		t.Errorf("the next page: %s", page)
	}
}

func TestHeartbeatsInJSONSayWhatTheySaid(t *testing.T) {
	w, tokens := signals(t)
	type beat struct {
		At         string
		ReceivedAt *string `json:"received_at"`
		Exit       *int
		RunID      string `json:"run_id"`
		Took       *float64
	}
	beats := func(name string) []beat {
		return decode[struct{ Heartbeats []beat }](t, getJSON(w.server(), fmt.Sprintf("/tokens/%d", tokens[name].ID)), 200).Heartbeats
	}
	two, took, received := 2, 245.0, "2026-11-22T11:00:00.000000Z"
	want := beat{"2026-11-22T02:04:05.000000Z", nil, &two, "6971cebf-3a6e-4d51-9d1c-1f0a3a6f2b7e", &took}
	if d := cmp.Diff(want, beats("bodies")[0]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(beat{At: "2026-11-22T06:59:00.000000Z", ReceivedAt: &received}, beats("arrived-late")[0]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	token := decode[struct {
		Token struct {
			StartedAt string `json:"started_at"`
			MaxRun    int    `json:"max_run"`
		}
	}](t, getJSON(w.server(), fmt.Sprintf("/tokens/%d", tokens["bounded"].ID)), 200).Token
	if token.StartedAt != "2026-11-22T10:50:00.000000Z" || token.MaxRun != 10800 {
		t.Errorf("%+v", token)
	}
}

func TestBodiesAreNeverInterpreted(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	w.beat(token, kae.Success, 3*time.Minute, "", "<script>alert(1)</script>")
	w.beat(token, kae.Success, 2*time.Minute, "", "\xff\x00")
	w.beat(token, kae.Success, time.Minute, "", "")
	s := w.server()
	text := get(s, "/tokens/1/heartbeats/1/body")
	if text.Code != 200 || text.Body.String() != "<script>alert(1)</script>" || text.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("text: status %d, type %q, %q", text.Code, text.Header().Get("Content-Type"), text.Body)
	}
	bin := get(s, "/tokens/1/heartbeats/2/body")
	if bin.Code != 200 || bin.Body.String() != "\xff\x00" || bin.Header().Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(bin.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("bytes: status %d, headers %v", bin.Code, bin.Header())
	}
	for _, got := range []string{text.Header().Get("Content-Security-Policy"), bin.Header().Get("Content-Security-Policy")} {
		if !strings.Contains(got, "sandbox") {
			t.Errorf("policy %q", got)
		}
	}
	for _, path := range []string{"/tokens/1/heartbeats/3/body", "/tokens/1/heartbeats/4/body", "/tokens/1/heartbeats/x/body", "/tokens/9/heartbeats/1/body"} {
		if got := get(s, path); got.Code != 404 {
			t.Errorf("%s: status %d", path, got.Code)
		}
	}
}

func TestOnlyKeptBodiesAreLinked(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	for i := range kae.BodiesKept + 1 {
		w.beat(token, kae.Success, time.Duration(kae.BodiesKept-i)*time.Second, "", "body")
	}
	s := w.server()
	html := get(s, "/tokens/1?before=3&flips=1").Body.String()
	if !strings.Contains(html, `href="/tokens/1/heartbeats/2/body"`) || strings.Contains(html, `href="/tokens/1/heartbeats/1/body"`) || !strings.Contains(html, "no longer kept") {
		t.Error("of 101 bodies the oldest is linked, or one that is kept is not")
	}
}

func TestATokenThatIsNotThere(t *testing.T) {
	s := newWorld().server()
	for _, path := range []string{"/tokens/1", "/tokens/0", "/tokens/-1", "/tokens/x", "/tokens/99999999999999999999", "/tokens/1/edit"} {
		if got := get(s, path); got.Code != 404 {
			t.Errorf("%s: status %d", path, got.Code)
		}
		if got := decode[problem](t, getJSON(s, "/tokens/1"), 404); got.Error == "" {
			t.Error("no sentence in JSON")
		}
	}
}

func TestWithoutTheDatabaseATokenIsShownFromMemory(t *testing.T) {
	w, tokens := scene(t)
	w.failing(&kae.Error{Code: kae.Unavailable, Message: "The database can’t be used now.", Err: errors.New("disk full")})
	s := w.server()
	path := fmt.Sprintf("/tokens/%d", tokens["up"].ID)
	got := get(s, path)
	if got.Code != 200 || !strings.Contains(got.Body.String(), "Status page probe") || !strings.Contains(got.Body.String(), "The log can’t be read now") {
		t.Errorf("status %d", got.Code)
	}
	if strings.Contains(got.Body.String(), "disk full") {
		t.Error("the cause is shown")
	}
	if got := getJSON(s, path); got.Code != 503 || got.Header().Get("Retry-After") == "" {
		t.Errorf("JSON: status %d", got.Code)
	}
}

func TestListeningEndsWithTheFirstHeartbeat(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	s := w.server()
	if html := get(s, "/tokens/1").Body.String(); !strings.Contains(html, "Listening…") {
		t.Error("a new token does not listen")
	}
	w.beat(token, kae.Success, time.Second, "", "")
	if html := get(s, "/tokens/1").Body.String(); strings.Contains(html, "Listening…") || !strings.Contains(html, "First heartbeat") || !strings.Contains(html, "from 10.0.4.12") {
		t.Error("the first heartbeat is not told")
	}
	w.beat(token, kae.Success, 0, "", "")
	if html := get(s, "/tokens/1").Body.String(); strings.Contains(html, "First heartbeat ") {
		t.Error("the second is told as the first")
	}
}
