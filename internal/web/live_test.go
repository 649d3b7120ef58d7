package web

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kae"
)

func TestAHeartbeatTurnsItsRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		mine, other := w.make(t, "mine", "1h", ""), w.make(t, "other", "1h", "")
		var page wire
		end, _ := listen(w.server(), "/events?ids=1", &page)
		defer end()
		page.take()

		w.beat(mine, kae.Success, 0, "", "")
		synctest.Wait() // at once: no time has passed
		events := page.take()
		if row := find(events, "row", `id="t1"`); !strings.Contains(row, `class="up"`) {
			t.Errorf("the row is %q", row)
		}
		if counts := find(events, "block", `id="counts"`); !strings.Contains(counts, "<b>1</b> <span>up</span>") {
			t.Errorf("the counts are %q", counts)
		}
		time.Sleep(minPause)
		synctest.Wait()

		w.beat(other, kae.Success, 0, "", "")
		synctest.Wait()
		events = page.take()
		if row := find(events, "row", ""); row != "" {
			t.Errorf("a row of another page came: %q", row)
		}
		if counts := find(events, "block", `id="counts"`); !strings.Contains(counts, "<b>2</b> <span>up</span>") {
			t.Errorf("the counts are %q", counts)
		}
	})
}

// A search that finds nothing is left open, too: what begins to match comes,
// and what no longer does stays until somebody asks for the list anew.
func TestWhatBeginsToMatchComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		mine, other := w.make(t, "mine", "1m", "", "db"), w.make(t, "other", "1m", "")
		w.beat(mine, kae.Success, 0, "", "")
		w.beat(other, kae.Success, 0, "", "")
		s := w.server()
		var page, part wire
		end, _ := listen(s, "/events?q=is:firing+tag:db&more=1", &page)
		defer end()
		end2, _ := listen(s, "/events?q=is:firing+tag:db", &part) // it goes on elsewhere
		defer end2()
		if row := find(page.take(), "row", ""); row != "" {
			t.Errorf("a row that does not match came: %q", row)
		}
		part.take()
		time.Sleep(time.Minute)
		w.do(other, 0, kae.Token.Expire)
		w.do(mine, 0, kae.Token.Expire)
		synctest.Wait()
		time.Sleep(minPause)
		synctest.Wait()
		events := page.take()
		if row := find(events, "row", `id="t1"`); !strings.Contains(row, `class="fire miss"`) {
			t.Errorf("the row is %q", row)
		}
		if row := find(events, "row", `id="t2"`); row != "" {
			t.Errorf("a row that does not match came: %q", row)
		}
		if next := find(events, "block", `id="next"`); !strings.Contains(next, "1 token matches") {
			t.Errorf("the line above the list is %q", next)
		}
		if row := find(part.take(), "row", ""); row != "" {
			t.Errorf("a row came to a part of the list: %q", row)
		}

		w.beat(mine, kae.Success, 0, "", "")
		synctest.Wait()
		time.Sleep(minPause)
		synctest.Wait()
		if got := brief(page.take()); !slices.Contains(got, "row 1") || slices.Contains(got, "gone 1") {
			t.Errorf("after it recovered: %v", got)
		}
	})
}

func TestLateAndFiringAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1m", "1m")
		w.beat(token, kae.Success, 0, "", "")
		var page wire
		end, _ := listen(w.server(), "/events?ids=1", &page)
		defer end()

		time.Sleep(time.Minute)
		w.do(token, 0, func(t kae.Token, _ time.Time) kae.Change { return kae.Change{Token: t} }) // due: the keeper tells
		time.Sleep(minPause)
		synctest.Wait()
		events := page.take()
		if row := find(events, "row", `id="t1"`); !strings.Contains(row, `class="late"`) {
			t.Errorf("the row is %q", row)
		}
		if counts := find(events, "block", `id="counts"`); !strings.Contains(counts, "<b>1</b> <span>late</span>") {
			t.Errorf("the counts are %q", counts)
		}

		time.Sleep(time.Minute)
		w.do(token, 0, kae.Token.Expire)
		synctest.Wait()
		events = page.take()
		if row := find(events, "row", `id="t1"`); !strings.Contains(row, `class="fire miss"`) || !strings.Contains(row, `data-rank="1"`) {
			t.Errorf("the row is %q", row)
		}
		if title := find(events, "block", `id="title"`); title != `<title id="title">(1) kae</title>` {
			t.Errorf("the title is %q", title)
		}
		if icon := find(events, "block", `id="favicon"`); !strings.Contains(icon, "favicon-firing.svg") {
			t.Errorf("the icon is %q", icon)
		}
	})
}

func TestRemovedRowsGoAndBroughtBackOnesCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1h", "")
		s := w.server()
		var list, removed wire
		end, _ := listen(s, "/events?ids=1", &list)
		defer end()
		list.take()
		w.do(token, 0, kae.Token.Remove)
		synctest.Wait()
		if got := brief(list.take()); got[0] != "gone 1" {
			t.Errorf("events %v", got)
		}
		end2, _ := listen(s, "/events?ids=1&q=is:removed", &removed)
		defer end2()
		if got := brief(removed.take()); got[0] != "row 1" {
			t.Errorf("on the page of the removed: %v", got)
		}
		time.Sleep(minPause)
		w.do(token, 0, kae.Token.Undo)
		synctest.Wait()
		if got := brief(list.take()); got[0] != "row 1" {
			t.Errorf("after the undo: %v", got)
		}
		if got := brief(removed.take()); got[0] != "gone 1" {
			t.Errorf("after the undo, on the page of the removed: %v", got)
		}
	})
}

func TestNewTokensJoinAPageThatIsNotFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		s := w.server()
		var open, closed wire
		end, _ := listen(s, "/events?ids=&more=1", &open)
		defer end()
		end2, _ := listen(s, "/events?ids=", &closed)
		defer end2()
		for i := range listSize + 10 {
			w.make(t, fmt.Sprint(i), "1h", "")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := closed.take(); find(got, "row", "") != "" {
			t.Error("a row came to a page that takes none")
		}
		n := 0
		for _, e := range open.take() {
			if e.name == "row" {
				n++
			}
		}
		if n != listSize {
			t.Errorf("%d rows came, want %d", n, listSize)
		}
	})
}

func TestATokensPageIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		mine, other := w.make(t, "mine", "1h", ""), w.make(t, "other", "1h", "")
		var page wire
		end, _ := listen(w.server(), "/events?token=1", &page)
		defer end()
		if hear := find(page.take(), "block", `id="hear"`); !strings.Contains(hear, "Listening…") {
			t.Errorf("it does not listen: %q", hear)
		}
		w.beat(other, kae.Success, 0, "", "")
		synctest.Wait()
		if got := brief(page.take()); got != nil {
			t.Errorf("another token's heartbeat: %v", got)
		}
		time.Sleep(minPause)
		w.beat(mine, kae.Success, 0, "hello", "")
		synctest.Wait()
		events := page.take()
		if head := find(events, "block", `id="head"`); !strings.Contains(head, `class="pill up"`) {
			t.Errorf("the head is %q", head)
		}
		if log := find(events, "block", `id="log"`); !strings.Contains(log, "hello") {
			t.Errorf("the log is %q", log)
		}
		if hear := find(events, "block", `id="hear"`); !strings.Contains(hear, "First heartbeat") {
			t.Errorf("the first heartbeat is not told: %q", hear)
		}
		if do := find(events, "block", `id="do"`); do != "" {
			t.Error("the buttons came anew although they are as they were")
		}
		if title := find(events, "block", `id="title"`); !strings.Contains(title, "up: mine, kae") {
			t.Errorf("the title is %q", title)
		}
	})
}

// What a firing token misses adds up without a change: its page is made anew
// each minute.
func TestATokensPageIsMadeAnewEachMinute(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1m", "")
	w.beat(token, kae.Success, 5*time.Minute, "", "")
	w.do(token, 0, func(t kae.Token, now time.Time) kae.Change { return t.Expire(now) })
	s := w.server()
	st := &stream{said: map[string]uint64{}}
	p := &liveToken{live: live{s, ""}, id: token.ID}
	p.all(t.Context(), st)
	st.buf.Reset()
	w.sleep(59 * time.Second)
	if p.around(t.Context(), st); strings.Contains(st.buf.String(), `id="slots"`) {
		t.Error("it is made anew before")
	}
	st.buf.Reset()
	w.sleep(time.Second)
	p.around(t.Context(), st)
	if got := st.buf.String(); !strings.Contains(got, "Last 7 expected") || !strings.Contains(got, "<span>down</span> 5 m") {
		t.Errorf("after a minute it is told:\n%s", got)
	}
}

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
