package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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
