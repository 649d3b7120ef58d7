package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func previewPath(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return "/preview?" + q.Encode()
}

func TestThePreviewSaysWhatAScheduleMeans(t *testing.T) {
	type answer struct {
		Words, Zone string
		Grace       int
		Next        []string
		Fires       *string
	}
	fires := func(s string) *string { return &s }
	for _, tt := range []struct {
		typed []string
		want  answer
	}{
		{[]string{"interval", "Mon..Fri 06:00", "zone", "Europe/Madrid"}, answer{"Every weekday at 06:00, Europe/Madrid", "Europe/Madrid", 600, []string{
			"2026-11-23T05:00:00.000000Z", "2026-11-24T05:00:00.000000Z", "2026-11-25T05:00:00.000000Z", "2026-11-26T05:00:00.000000Z", "2026-11-27T05:00:00.000000Z",
		}, fires("2026-11-23T05:10:00.000000Z")}},
		{[]string{"interval", "0 3 * * *", "grace", "1h", "fire_after", "3"}, answer{"Daily at 03:00, UTC", "UTC", 3600, []string{
			"2026-11-23T03:00:00.000000Z", "2026-11-24T03:00:00.000000Z", "2026-11-25T03:00:00.000000Z", "2026-11-26T03:00:00.000000Z", "2026-11-27T03:00:00.000000Z",
		}, fires("2026-11-25T04:00:00.000000Z")}},
		{[]string{"interval", "6h", "grace", "5m"}, answer{"Every 6 h", "UTC", 300, []string{
			"2026-11-22T18:00:00.000000Z", "2026-11-23T00:00:00.000000Z", "2026-11-23T06:00:00.000000Z", "2026-11-23T12:00:00.000000Z", "2026-11-23T18:00:00.000000Z",
		}, fires("2026-11-22T18:05:00.000000Z")}},
		{[]string{"interval", "2026-12-24 18:00"}, answer{"2026-12-24 18:00, UTC", "UTC", 600, []string{"2026-12-24T18:00:00.000000Z"}, fires("2026-12-24T18:10:00.000000Z")}},
		{[]string{"interval", "2026-12-24 18:00", "fire_after", "2"}, answer{"2026-12-24 18:00, UTC", "UTC", 600, []string{"2026-12-24T18:00:00.000000Z"}, nil}},
	} {
		got := decode[answer](t, getJSON(newWorld().server(), previewPath(tt.typed...)), 200)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%v (-want +got):\n%s", tt.typed, d)
		}
	}
}

func TestThePreviewTellsWhenItWouldFireAndWhy(t *testing.T) {
	for _, tt := range []struct {
		typed []string
		want  string
	}{
		{[]string{"interval", "Mon..Fri 06:00", "zone", "Europe/Madrid"}, "If nothing came, it would fire at 06:10: a clock time without a grace of its own gets ten minutes, because a job that starts at 06:00 reports after it."},
		{[]string{"interval", "0 6 * * *", "grace", "15m"}, "If nothing came, it would fire at 06:15, 15 min after its time."},
		{[]string{"interval", "0 6 * * *", "grace", "0"}, "If nothing came, it would fire at 06:00 sharp: without any grace a job that starts then has no time to report."},
		{[]string{"interval", "0 6 * * *", "grace", "15m", "fire_after", "3"}, "If nothing came, it would fire at the 3rd miss in a row, at Wed 25 Nov, 06:15, 15 min after its time."},
		{[]string{"interval", "6h"}, "If nothing came, it would fire in 6 h: as soon as the time has passed. Counted from a heartbeat now."},
		{[]string{"interval", "6h", "grace", "5m"}, "If nothing came, it would fire in 6 h 5 m, with 5 min of grace. Counted from a heartbeat now."},
		{[]string{"interval", "2026-12-24 18:00", "fire_after", "2"}, "Its schedule ends before it could fire."},
	} {
		s := newWorld().server()
		q, _ := url.ParseQuery(previewPath(tt.typed...)[len("/preview?"):])
		f, settings, _ := s.read(q, kae.Settings{}, noon)
		if got := plain(previewOf(f, settings, s.clock()).Firing); got != tt.want {
			t.Errorf("%v:\n got %s\nwant %s", tt.typed, got, tt.want)
		}
	}
}

func TestThePreviewIsThatOfThePage(t *testing.T) {
	s := newWorld().server()
	typed := []string{"interval", "Mon..Fri 06:00", "zone", "Europe/Madrid", "grace", "15m"}
	live := get(s, previewPath(typed...)).Body.String()
	page := post(s, "/newtoken", append(typed, "name", "")...).Body.String()
	for _, id := range []string{`id="preview"`, `id="interval-says"`, `id="zone-says"`, `id="grace-says"`, `id="fire_after-says"`} {
		_, block, found := strings.Cut(live, id)
		end := "</p>"
		if id == `id="preview"` {
			end = "</aside>"
		}
		block, _, _ = strings.Cut(block, end)
		if !found || !strings.Contains(page, id+block+end) {
			t.Errorf("%s is another:\n%s", id, block)
		}
	}
	for _, want := range []string{"Every weekday at 06:00, Europe/Madrid", "Mon 23 Nov, 06:00", "in 17 h", "Fri 27 Nov, 06:00"} {
		if !strings.Contains(live, want) {
			t.Errorf("the preview is without %q", want)
		}
	}
}

func TestThePreviewOfWhatIsWrong(t *testing.T) {
	s := newWorld().server()
	for name, tt := range map[string]struct {
		typed []string
		field string
		says  string
	}{
		"an hour":  {[]string{"interval", "0 25 * * *"}, "interval", "In the hour (character 3)"},
		"a zone":   {[]string{"interval", "0 3 * * *", "zone", "Mars/Olympus"}, "zone", "no time zone"},
		"a grace":  {[]string{"interval", "0 3 * * *", "grace", "<b>"}, "grace", "Write the grace"},
		"a number": {[]string{"interval", "0 3 * * *", "fire_after", "x"}, "fire_after", "number"},
		"a script": {[]string{"interval", "<script>"}, "interval", "Write how often"},
	} {
		html := get(s, previewPath(tt.typed...))
		_, element, _ := strings.Cut(html.Body.String(), `<p class="hint says bad" id="`+tt.field+`-says"`)
		element, _, _ = strings.Cut(element, "</p>")
		if html.Code != 200 || !strings.Contains(element, tt.says) || strings.Contains(html.Body.String(), "<script>") {
			t.Errorf("%s: status %d, %s", name, html.Code, html.Body)
		}
		if tt.field == "zone" && !strings.Contains(html.Body.String(), `aria-label="Preview" hidden`) {
			t.Errorf("times are told by another zone than was typed: %s", html.Body)
		}
		if p := decode[problem](t, getJSON(s, previewPath(tt.typed...)), 422); p.Field != tt.field || !strings.Contains(p.Error, tt.says) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if html := get(s, "/preview").Body.String(); strings.Contains(html, "says bad") || !strings.Contains(html, "Every day") {
		t.Errorf("nothing typed yet is what it will be: %s", html)
	}
}

func TestThePreviewIsQuiet(t *testing.T) {
	w := newWorld()
	got := request{method: "GET", path: "/preview?interval=1d", header: http.Header{"Accept": {"text/html"}}}.do(w.server())
	if got.Code != 200 || !strings.Contains(w.logged.String(), "level=DEBUG") || strings.Contains(w.logged.String(), "level=INFO") {
		t.Errorf("status %d, logged %s", got.Code, w.logged)
	}
}
