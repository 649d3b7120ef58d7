package web

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// decode reads a JSON answer.
func decode[T any](t *testing.T, got *httptest.ResponseRecorder, status int) T {
	t.Helper()
	if got.Code != status || got.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, type %q, body %s", got.Code, got.Header().Get("Content-Type"), got.Body)
	}
	var v T
	if err := json.Unmarshal(got.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, got.Body)
	}
	return v
}

func getJSON(h http.Handler, path string) *httptest.ResponseRecorder {
	return request{method: "GET", path: path, header: asJSON}.do(h)
}

var rowID = regexp.MustCompile(`<tr id="t(\d+)"`)

// rows gives the ids of a page's rows.
func rows(html string) []string {
	var ids []string
	for _, m := range rowID.FindAllStringSubmatch(html, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestTheListInJSON(t *testing.T) {
	w := newWorld()
	token := w.make(t, "Nightly <backup>", "1h30m", "90s", "db", "prod")
	w.beat(token, kae.Success, 30*time.Minute, "", "")
	w.make(t, "Never heard", "60", "")
	now, _ := w.roster.Get(token.ID)
	got := getJSON(w.server(), "/")
	want := `{"counts":{"new":1,"up":1,"firing":0,"disabled":0,"late":0,"running":0,"unknown":0},"tokens":[` +
		`{"id":1,"value":"` + now.Value + `","uuid":"` + now.UUID + `","url":"http://localhost:20999/hb/` + now.Value + `",` +
		`"name":"Nightly <backup>","description":"","tags":["db","prod"],"schedule":"1h30m","zone":"UTC","grace":90,"max_run":0,"fire_after":1,"body_has":"","body_lacks":"","post_only":false,"status":"up",` +
		`"late":false,"running":false,"unknown":false,"acknowledged":null,"snoozed_until":null,"strikes":0,"beats":1,"started_at":null,"took":null,"last_at":"2026-11-22T11:30:00.000000Z","due_at":"2026-11-22T13:00:00.000000Z",` +
		`"deadline":"2026-11-22T13:01:30.000000Z","created_at":"2026-11-22T12:00:00.000000Z"},`
	if !strings.HasPrefix(got.Body.String(), want) {
		t.Errorf("got  %s\nwant %s…", got.Body, want)
	}
	list := decode[struct {
		Tokens []map[string]any
		Next   *string
	}](t, got, 200)
	if tags, ok := list.Tokens[1]["tags"].([]any); !ok || len(tags) != 0 {
		t.Errorf("no tags are %v", list.Tokens[1]["tags"])
	}
	for _, field := range []string{"last_at", "due_at", "deadline"} {
		if v, ok := list.Tokens[1][field]; !ok || v != nil {
			t.Errorf("no %s is %v", field, v)
		}
	}
	if list.Next != nil {
		t.Errorf("next is %q", *list.Next)
	}
	empty := getJSON(newWorld().server(), "/").Body.String()
	if !strings.HasSuffix(empty, `"tokens":[],"next":null}`+"\n") {
		t.Errorf("an empty kae: %s", empty)
	}
}

func TestAcceptDecides(t *testing.T) {
	s := newWorld().server()
	for accept, isJSON := range map[string]bool{
		"":                                  false,
		"*/*":                               false,
		"text/html":                         false,
		"application/json":                  true,
		"application/json, */*;q=0.5":       true,
		"application/json;q=0.9, text/html": false,
		"text/html;q=0.8,application/json":  true,
		"APPLICATION/JSON":                  true,
		"application/json;q=0":              false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false,
	} {
		got := request{method: "GET", path: "/", header: http.Header{"Accept": {accept}}}.do(s)
		if (got.Header().Get("Content-Type") == "application/json") != isJSON {
			t.Errorf("Accept %q: %s", accept, got.Header().Get("Content-Type"))
		}
		if !strings.Contains(got.Header().Get("Vary"), "Accept") {
			t.Errorf("Accept %q: Vary %q", accept, got.Header().Get("Vary"))
		}
	}
}

func TestTheListIsWorstFirst(t *testing.T) {
	w, tokens := scene(t)
	html := get(w.server(), "/").Body.String()
	var want []string
	for _, state := range []string{"missed", "failed", "late", "unknown", "running", "heard", "up", "new", "disabled"} {
		want = append(want, fmt.Sprint(tokens[state].ID))
	}
	if d := cmp.Diff(want, rows(html)); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	if !strings.Contains(html, "<title id=\"title\">(2) kae</title>") || !strings.Contains(html, `id="heading">(2) kae`) {
		t.Error("title or heading is without the number firing")
	}
	if !strings.Contains(html, "data-more") {
		t.Error("new tokens would not be put on it")
	}
	if strings.Contains(html, "<b>WAL</b>") {
		t.Error("a name is not escaped")
	}
}

func TestFiltersShowOneState(t *testing.T) {
	w, tokens := scene(t)
	s := w.server()
	for query, states := range map[string][]string{
		"is:firing": {"missed", "failed"}, "is:late": {"late"}, "is:running": {"running"}, "is:unknown": {"unknown"},
		"is:up": {"late", "unknown", "running", "heard", "up"}, "is:new": {"new"}, "is:disabled": {"disabled"}, "is:removed": {"removed"},
		"BACKUP": {"failed", "unknown"}, `"database+backup"`: {"failed"}, "tag:DB+is:failed": {"failed"}, "tag:mail+is:firing": {"missed"},
		"is:nonsense": nil, "backups": nil, "<script>": nil,
	} {
		var want []string
		for _, state := range states {
			want = append(want, fmt.Sprint(tokens[state].ID))
		}
		html := get(s, "/?q="+query).Body.String()
		if d := cmp.Diff(want, rows(html)); d != "" {
			t.Errorf("%s: rows (-want +got):\n%s", query, d)
		}
		if states == nil && (!strings.Contains(html, "Nothing matches") && !strings.Contains(html, "“is:nonsense” is no state. Possible are") || !strings.Contains(html, `href="/">Clear`)) {
			t.Errorf("%s: neither says that nothing matches nor offers to clear", query)
		}
		if strings.Contains(html, "<script>") {
			t.Errorf("%s is not escaped", query)
		}
		if strings.Contains(html, "data-more") == (query == "is:nonsense") {
			t.Errorf("%s: what begins to match is to come, unless nothing can", query)
		}
		if query == "is:nonsense" { // a typing error must not look like an empty list
			if p := decode[problem](t, getJSON(s, "/?q="+query), 422); p.Field != "q" {
				t.Errorf("%s in JSON: %+v", query, p)
			}
			continue
		}
		list := decode[struct{ Tokens []struct{ ID int64 } }](t, getJSON(s, "/?q="+query), 200)
		if len(list.Tokens) != len(want) {
			t.Errorf("%s: %d tokens in JSON, want %d", query, len(list.Tokens), len(want))
		}
	}
}

func TestCountsAreThereWhenTheyMatter(t *testing.T) {
	shown := func(w *world) []string {
		var words []string
		for _, m := range regexp.MustCompile(`href="/\?q=is:(\w+)"[^>]*><svg`).FindAllStringSubmatch(get(w.server(), "/").Body.String(), -1) {
			words = append(words, m[1])
		}
		return words
	}
	w := newWorld()
	w.make(t, "a", "1h", "")
	if d := cmp.Diff([]string{"firing", "late", "running", "up", "new", "disabled"}, shown(w)); d != "" {
		t.Errorf("of a quiet kae (-want +got):\n%s", d)
	}
	w, _ = scene(t)
	if d := cmp.Diff([]string{"firing", "late", "running", "up", "new", "disabled", "unknown"}, shown(w)); d != "" {
		t.Errorf("of a busy kae (-want +got):\n%s", d)
	}
}

func TestPagesOfAHundredGoOnAfterAKey(t *testing.T) {
	w := newWorld()
	for i := range 250 {
		token := w.make(t, fmt.Sprint("token ", i), "1h", "")
		if i%2 == 0 {
			w.beat(token, kae.Success, time.Duration(i)*time.Second, "", "")
		}
	}
	s := w.server()
	for _, filter := range []string{"", "is:up"} {
		want := map[string]int{"": 250, "is:up": 125}[filter]
		path, seen, pages := "/", []int64{}, 0
		if filter != "" {
			path = "/?q=" + filter
		}
		for path != "" {
			list := decode[struct {
				Tokens []struct{ ID int64 }
				Next   *string
			}](t, getJSON(s, path), 200)
			if len(list.Tokens) > 100 {
				t.Fatalf("%d tokens on a page", len(list.Tokens))
			}
			html := get(s, path).Body.String()
			if len(rows(html)) != len(list.Tokens) || (list.Next != nil) != strings.Contains(html, "Next 100") {
				t.Errorf("%s: HTML and JSON differ", path)
			}
			if strings.Contains(html, "data-more") {
				t.Errorf("%s: new tokens would be put on it", path)
			}
			for _, token := range list.Tokens {
				seen = append(seen, token.ID)
			}
			path = ""
			if list.Next != nil {
				path = *list.Next
			}
			if pages++; pages > 5 {
				t.Fatal("the pages do not end")
			}
		}
		slices.Sort(seen)
		if n := len(slices.Compact(seen)); n != want {
			t.Errorf("%q: %d different tokens on all pages, want %d", filter, n, want)
		}
	}
	if got := get(s, "/?after=nonsense"); got.Code != 422 {
		t.Errorf("after=nonsense: status %d", got.Code)
	}
}

func TestAnEmptyKaeIsItsForm(t *testing.T) {
	w := newWorld()
	html := get(w.server(), "/").Body.String()
	if !strings.Contains(html, "Create the first token") || strings.Contains(html, "<table") {
		t.Error("the form is not the page")
	}
	w.do(w.make(t, "a", "1h", ""), 0, kae.Token.Remove)
	html = get(w.server(), "/").Body.String()
	if !strings.Contains(html, "Create the first token") || !strings.Contains(html, `href="/?q=is:removed">1 removed`) {
		t.Error("removed tokens can't be reached from an empty kae")
	}
}

func TestARemovalCanBeUndoneOnTheSpot(t *testing.T) {
	w, tokens := scene(t)
	s := w.server()
	id := tokens["removed"].ID
	undo := fmt.Sprintf(`action="/tokens/%d/undo"`, id)
	if html := get(s, fmt.Sprintf("/?removed=%d", id)).Body.String(); !strings.Contains(html, undo) {
		t.Error("no way to undo")
	}
	for _, removed := range []string{fmt.Sprint(tokens["up"].ID), "4711", "x", "-1"} {
		if html := get(s, "/?removed="+removed).Body.String(); strings.Contains(html, "/undo") {
			t.Errorf("removed=%s offers to undo", removed)
		}
	}
}

func TestAFailingDatabaseIsShown(t *testing.T) {
	w, _ := scene(t)
	w.health.FailingSince = noon.Add(-3 * time.Minute)
	html := get(w.server(), "/").Body.String()
	if !strings.Contains(html, `role="alert"`) || !strings.Contains(html, "today at 11:57:00") {
		t.Error("neither that nor since when is shown")
	}
}

// A first visit loads the page with a hundred troubled rows and all that it
// names, zipped.
func TestAFirstVisitIsLight(t *testing.T) {
	const most = 100_000 // bytes
	w := newWorld()
	for i := range 120 {
		token := w.make(t, fmt.Sprintf("Nightly job number %d of warehouse %d", i, i%7), []string{"30m", "1h", "5m", "1d"}[i%4], "10m", "db", "prod")
		for j := 200; j > 0; j-- {
			kind := kae.Success
			if (i+j)%9 == 0 {
				kind = kae.Failure
			}
			w.beat(token, kind, time.Duration(j*(20+(i*j)%23))*time.Minute/2, "", "")
		}
	}
	s := w.server()
	seen, total := map[string]bool{}, 0
	load := func(path string) string {
		got := request{method: "GET", path: path, header: http.Header{"Accept-Encoding": {"gzip"}}}.do(s)
		if seen[path] || got.Code != 200 {
			t.Fatalf("%s: status %d", path, got.Code)
		}
		seen[path] = true
		total += got.Body.Len()
		t.Logf("%6d bytes: %s", got.Body.Len(), path)
		if got.Header().Get("Content-Encoding") != "gzip" {
			return got.Body.String()
		}
		z, err := gzip.NewReader(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := load("/")
	if n := len(rows(page)); n != 100 {
		t.Fatalf("%d rows", n)
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !seen[m[1]] {
			load(m[1])
		}
	}
	if len(seen) < 6 || total > most {
		t.Errorf("%d files with %d bytes, want at most %d", len(seen), total, most)
	}
}

func TestTheListIsSorted(t *testing.T) {
	w := newWorld()
	for i, name := range []string{"banana", "Apple", "cherry"} {
		token := w.make(t, name, "1h", "")
		w.beat(token, kae.Success, time.Duration(10*i+1)*time.Minute, "", "")
		w.sleep(time.Second)
	}
	s := w.server()
	for sort, want := range map[string][]string{"": {"3", "2", "1"}, "worst": {"3", "2", "1"}, "name": {"2", "1", "3"}, "last": {"1", "2", "3"}, "created": {"3", "2", "1"}, "nonsense": {"3", "2", "1"}} {
		html := get(s, "/?sort="+sort).Body.String()
		if d := cmp.Diff(want, rows(html)); d != "" {
			t.Errorf("%q (-want +got):\n%s", sort, d)
		}
		if n := strings.Count(html, "aria-sort="); sort != "created" && n != 1 {
			t.Errorf("%q: %d columns are marked as the sorted one", sort, n)
		}
	}
}

func TestWhatAPhoneFolds(t *testing.T) {
	w, _ := scene(t)
	s := w.server()
	for path, folded := range map[string]bool{"/": true, "/?q=": false, "/?q=is:up": false, "/?sort=name": false, "/?t=8d": true} {
		html := get(s, path).Body.String()
		if got := strings.Contains(html, `class="list card folded"`); got != folded || got != strings.Contains(html, `id="folds"`) {
			t.Errorf("%s: folded %v", path, got)
		}
	}
	html := get(s, "/").Body.String()
	for _, want := range []string{`Problems <span id="problems">4</span>`, `<span>All 9</span>`, `<b>5</b> up</span><span class="muted">next due <time`, `nothing heard yet`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestRowsCanBeChosenWithoutAScript(t *testing.T) {
	w, tokens := scene(t)
	s := w.server()
	html := get(s, "/?q=prod&sort=name&t=8d").Body.String()
	form := html[strings.Index(html, `<form class="pick"`):]
	// Enter in a field must not press the first button that there is.
	if first := form[strings.Index(form, "<button"):]; !strings.HasPrefix(first, `<button class="vh" disabled `) {
		t.Error("Enter presses a button")
	}
	for _, want := range []string{
		`method="post" action="/tokens"`, fmt.Sprintf(`name="id" value="%d"`, tokens["up"].ID), `name="q" value="prod"`, `name="sort" value="name"`, `name="t" value="8d"`,
		`name="do" value="disable"`, `name="do" value="enable"`, `name="do" value="tag"`, `name="do" value="untag"`, `name="do" value="grace"`, `name="do" value="remove"`, `type="reset"`,
	} {
		if !strings.Contains(form, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(form, `name="all"`) {
		t.Error("all that match are on the page, and can be chosen as all that match")
	}
	removed := get(s, "/?q=is:removed").Body.String()
	if !strings.Contains(removed, `name="do" value="undo"`) || strings.Contains(removed, `name="do" value="remove"`) {
		t.Error("what is removed can't be brought back, or removed again")
	}
	for i := range 120 {
		w.make(t, fmt.Sprint("extra ", i), "1h", "")
	}
	if html := get(s, "/?q=extra").Body.String(); !strings.Contains(html, `name="all" value="1"`) || !strings.Contains(html, "all 120 that match") {
		t.Error("all 120 can't be chosen")
	}
}
