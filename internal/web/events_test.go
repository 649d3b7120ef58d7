package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func TestAStreamBeginsWithAllOfItsPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		for i := range 3 {
			w.make(t, fmt.Sprint("token ", i+1), "1h", "")
		}
		var list, token, more wire
		s := w.server()
		end, _ := listen(s, "/events?ids=3,1,99", &list)
		defer end()
		around := []string{"block counts", "block problems", "block next", "block folds", "block title", "block favicon", "block logo", "block trouble", "block heading", "block grid-of", "tick"}
		if d := cmp.Diff(append([]string{"row 3", "row 1"}, append([]string{"gone 99"}, around...)...), brief(list.take())); d != "" {
			t.Errorf("list (-want +got):\n%s", d)
		}
		if list.header.Get("Content-Type") != "text/event-stream" || list.header.Get("X-Accel-Buffering") != "no" || list.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", list.header)
		}
		end2, _ := listen(s, "/events?ids=3&more=1", &more)
		defer end2()
		if d := cmp.Diff(append([]string{"row 3", "row 1", "row 2"}, around...), brief(more.take())); d != "" {
			t.Errorf("list that takes new tokens (-want +got):\n%s", d)
		}
		end3, _ := listen(s, "/events?token=2", &token)
		defer end3()
		want := []string{"block head", "block do", "block hear", "block slots", "block took", "block log", "block side", "block how", "block title", "block favicon", "block logo", "block trouble", "block heading", "tick"}
		if d := cmp.Diff(want, brief(token.take())); d != "" {
			t.Errorf("token (-want +got):\n%s", d)
		}
	})
}

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

func TestAtMostFourAnswersASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1h", "")
		var page wire
		end, _ := listen(w.server(), "/events?ids=1", &page)
		defer end()
		page.take()
		for range 999 {
			w.beat(token, kae.Success, 0, "", "")
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		n := 0
		events := page.take()
		for _, e := range events {
			if e.name == "row" {
				n++
			}
		}
		if n != 4 {
			t.Errorf("%d rows in a second", n)
		}
		time.Sleep(minPause)
		synctest.Wait()
		if row := find(page.take(), "row", ""); !strings.Contains(row, `data-v="999.`) {
			t.Errorf("the last state did not come: %q", row)
		}
	})
}

func TestAStreamSaysThatKaeIsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		w.make(t, "a", "1h", "")
		var page wire
		end, _ := listen(w.server(), "/events?ids=1", &page)
		defer end()
		page.take()
		for range 3 {
			time.Sleep(tickPause - time.Millisecond)
			synctest.Wait()
			if got := brief(page.take()); got != nil {
				t.Fatalf("too early: %v", got)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			got := page.take()
			if len(got) != 1 || got[0] != (event{"tick", fmt.Sprintf(`{"now":"%s","last":null}`, iso(time.Now()))}) {
				t.Fatalf("got %v", got)
			}
		}
		w.mu.Lock()
		w.health.FailingSince = time.Now()
		w.mu.Unlock()
		time.Sleep(tickPause)
		synctest.Wait()
		if got := find(page.take(), "block", "trouble"); !strings.Contains(got, `role="alert"`) {
			t.Errorf("that the database fails is not told: %q", got)
		}
	})
}

func TestWhatHappensWhileItIsSentIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1h", "")
		// While the first answer is written, and while it is made: the state has
		// been read by then.
		beat := func() { w.beat(token, kae.Success, 0, "", "") }
		list, page := wire{first: beat}, wire{}
		end, _ := listen(w.server(), "/events?ids=1", &list)
		defer end()
		if row := find(list.take(), "row", ""); !strings.Contains(row, `class="up"`) {
			t.Errorf("the last row is %q", row)
		}
		w.reads = func() { w.do(token, 0, kae.Token.Disable) }
		end2, _ := listen(w.server(), "/events?token=1", &page)
		defer end2()
		if head := find(page.take(), "block", `id="head"`); !strings.Contains(head, `class="pill dis"`) {
			t.Errorf("the last head is %q", head)
		}
	})
}

func TestAReconnectionShowsWhatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1h", "")
		s := w.server()
		var before, after wire
		end, _ := listen(s, "/events?ids=1", &before)
		end()
		w.beat(token, kae.Success, 0, "", "")
		end, _ = listen(s, "/events?ids=1", &after)
		defer end()
		if row := find(after.take(), "row", ""); !strings.Contains(row, `class="up"`) {
			t.Errorf("the row is %q", row)
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

func TestASlowBrowserIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		w.make(t, "a", "1h", "")
		page := wire{stuck: true}
		start := time.Now()
		_, done := listen(w.server(), "/events?ids=1", &page)
		<-done
		if took := time.Since(start); took != writeTimeout {
			t.Errorf("dropped after %v, want %v", took, writeTimeout)
		}
	})
}

func TestStreamsEndWithTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "a", "1h", "")
		s := w.server()
		var idle, busy wire
		_, idleDone := listen(s, "/events?ids=1", &idle)
		_, busyDone := listen(s, "/events?token=1", &busy)
		w.beat(token, kae.Success, 0, "", "")
		synctest.Wait() // they pause now
		w.hub.Close()
		synctest.Wait()
		for _, done := range []<-chan struct{}{idleDone, busyDone} {
			select {
			case <-done:
			default:
				t.Fatal("a stream goes on")
			}
		}
	})
}

func TestStreamsOfWhatIsNot(t *testing.T) {
	w := newWorld()
	s := w.server()
	ids := make([]string, maxRows+1)
	for i := range ids {
		ids[i] = fmt.Sprint(i + 1)
	}
	for path, status := range map[string]int{
		"/events?token=1": 404, "/events?token=x": 422, "/events?ids=x": 422, "/events?ids=1,,x": 422, "/events?ids=" + strings.Join(ids, ","): 422,
	} {
		if got := get(s, path); got.Code != status {
			t.Errorf("%.40s: status %d, want %d", path, got.Code, status)
		}
	}
}

// TestShutdownDoesNotWaitForStreams goes over a real connection.
func TestShutdownDoesNotWaitForStreams(t *testing.T) {
	w := newWorld()
	w.make(t, "a", "1h", "")
	srv := w.server().HTTP()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	resp, err := http.Get("http://" + l.Addr().String() + "/events?ids=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != "event: row" {
		t.Fatalf("the stream begins with %q", lines.Text())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if err := <-served; err != http.ErrServerClosed {
		t.Errorf("serve: %v", err)
	}
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
