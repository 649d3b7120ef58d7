package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func TestOnlyRowsThatChangedAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1h", "")
		var page wire
		end, _ := listen(w.server(), "/events?ids=1&t=24h", &page)
		defer end()
		page.take()
		same := func(t kae.Token, _ time.Time) kae.Change { return kae.Change{Token: t} }
		w.do(token, 0, same)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := brief(page.take()); got != nil {
			t.Errorf("nothing has changed, but what came is %v", got)
		}
		w.beat(token, kae.Success, 0, "", "")
		time.Sleep(time.Second)
		synctest.Wait()
		if row := find(page.take(), "row", `id="t1"`); row == "" {
			t.Error("a heartbeat did not come")
		}
		// A countdown is no change: it goes on in the browser.
		w.do(token, 0, same)
		time.Sleep(time.Second)
		synctest.Wait()
		if row := find(page.take(), "row", ""); row != "" {
			t.Errorf("only time has passed, but a row came: %s", row)
		}
	})
}

func TestARowThatComesBackAsItWasIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1h", "")
		was, _ := w.roster.Get(token.ID)
		var page wire
		end, _ := listen(w.server(), "/events?ids=1&t=24h", &page)
		defer end()
		page.take()
		w.do(token, 0, kae.Token.Remove)
		time.Sleep(time.Second)
		w.do(token, 0, func(kae.Token, time.Time) kae.Change { return kae.Change{Token: was} })
		time.Sleep(time.Second)
		synctest.Wait()
		if got := page.take(); find(got, "gone", "1") == "" || find(got, "row", `id="t1"`) == "" {
			t.Errorf("it did not: %v", brief(got))
		}
	})
}

func TestTimelinesMoveOnWithoutAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1m", "1m")
		w.beat(token, kae.Success, 0, "", "")
		w.sleep(0)
		var page wire
		end, _ := listen(w.server(), "/events?ids=1&t=24h", &page)
		defer end()
		time.Sleep(2 * time.Minute)
		w.do(token, 0, kae.Token.Expire)
		time.Sleep(time.Second)
		synctest.Wait()
		page.take()

		next := time.Now().Truncate(30 * time.Minute).Add(30 * time.Minute)
		time.Sleep(time.Until(next) - time.Second)
		synctest.Wait()
		if got := page.take(); find(got, "row", "") != "" || find(got, "block", `id="axis"`) != "" {
			t.Errorf("before the axis moves on: %v", brief(got))
		}
		time.Sleep(tickPause + time.Second)
		synctest.Wait()
		got := page.take()
		row := find(got, "row", `id="t1"`)
		// The cell that has begun is one of a token that fires, too.
		if !regexp.MustCompile(`class="m" d="[^"]*h(1[2-9]|[2-9]\d)`).MatchString(row) {
			t.Errorf("after it has moved on the row is %s", row)
		}
		if find(got, "block", `id="axis"`) == "" {
			t.Error("the axis itself did not move on")
		}
		time.Sleep(tickPause)
		synctest.Wait()
		if row := find(page.take(), "row", ""); row != "" {
			t.Error("the row came once more")
		}
	})
}

func TestAStreamIsZippedForWhoUnderstandsIt(t *testing.T) {
	for site, zipped := range map[string]bool{"same-origin": true, "cross-site": false} {
		synctest.Test(t, func(t *testing.T) {
			w := liveWorld()
			for i := range 50 {
				w.make(t, fmt.Sprint("token ", i), "1h", "")
			}
			s := w.server()
			r := httptest.NewRequest("GET", "/events?more=1", nil)
			r.Host = "localhost:20999"
			r.Header.Set("Accept-Encoding", "gzip, br")
			r.Header.Set("Sec-Fetch-Site", site)
			page := wire{header: map[string][]string{}}
			done := make(chan bool)
			go func() { s.ServeHTTP(&page, r); close(done) }()
			synctest.Wait()
			w.hub.Close()
			<-done
			if got := page.header.Get("Content-Encoding") == "gzip"; got != zipped {
				t.Fatalf("%s: Content-Encoding %q", site, page.header.Get("Content-Encoding"))
			}
			if !zipped {
				return
			}
			small := page.buf.Len()
			z, err := gzip.NewReader(&page.buf)
			if err != nil {
				t.Fatal(err)
			}
			all, err := io.ReadAll(z) // with its end: it is not torn
			if err != nil || bytes.Count(all, []byte("event: row\n")) != 50 || small*5 > len(all) {
				t.Errorf("%d bytes of %d, %d rows, %v", small, len(all), bytes.Count(all, []byte("event: row\n")), err)
			}
		})
	}
}

func TestThatAllIsWellIsProvedLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "10m", "5m")
		w.beat(token, kae.Success, 0, "", "")
		w.beat(w.make(t, "b", "1h", ""), kae.Success, 0, "", "")
		s := w.server()
		if html := get(s, "/").Body.String(); !strings.Contains(html, "2 tokens on time</span>; next due") || strings.Contains(html, "worst first,") {
			t.Error("all is well, and the list does not say so")
		}
		var page wire
		end, _ := listen(s, "/events?ids=1,2&t=24h", &page)
		defer end()
		page.take()
		time.Sleep(10*time.Minute + time.Second)
		w.do(token, 0, func(t kae.Token, _ time.Time) kae.Change { return kae.Change{Token: t} })
		time.Sleep(time.Second)
		synctest.Wait()
		got := page.take()
		if next := find(got, "block", `id="next"`); !strings.Contains(next, "2 tokens, worst first") {
			t.Errorf("one is late, and the list says %q", next)
		}
		if n := find(got, "block", `id="problems"`); n != `<span id="problems">1</span>` {
			t.Errorf("problems: %q", n)
		}
	})
}

func TestAFilteredListCountsWhatMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		w.make(t, "backup of a", "1h", "")
		s := w.server()
		var page wire
		end, _ := listen(s, "/events?ids=1&q=backup&t=24h", &page)
		defer end()
		if next := find(page.take(), "block", `id="next"`); !strings.Contains(next, "1 token matches") {
			t.Errorf("%q", next)
		}
		w.make(t, "backup of b", "1h", "")
		time.Sleep(tickPause)
		synctest.Wait()
		got := page.take()
		if next := find(got, "block", `id="next"`); !strings.Contains(next, "2 tokens match") {
			t.Errorf("after another one: %q", next)
		}
		if find(got, "row", "") != "" {
			t.Error("its row came to a page that takes none")
		}
	})
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
