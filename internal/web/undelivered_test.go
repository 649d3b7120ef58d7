package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kae"
)

func TestWithoutAlertsThereAreNoChannels(t *testing.T) {
	w, tokens := scene(t)
	s := w.server()
	for _, path := range []string{"/channels", "/channels/new", "/channels/1"} {
		if got := get(s, path); got.Code != 404 {
			t.Errorf("%s: status %d", path, got.Code)
		}
	}
	for _, path := range []string{"/", fmt.Sprintf("/tokens/%d", tokens["failed"].ID)} {
		if page := get(s, path).Body.String(); strings.Contains(page, "hannel") || strings.Contains(page, "Deliveries") {
			t.Errorf("%s tells of channels", path)
		}
	}
}

func TestTheListTellsWhenAlertsGoNowhere(t *testing.T) {
	w, tokens := scene(t)
	b := w.alerts()
	s := w.server()
	const nowhere, late = `<a href="/channels">Alerts go nowhere yet</a>`, `<p class="note late">`
	token := fmt.Sprintf("/tokens/%d", tokens["failed"].ID)
	says := func(when, path string, texts ...string) {
		t.Helper()
		page := get(s, path).Body.String()
		for _, text := range []string{nowhere, late, "1 alert not delivered", "2 alerts not delivered", "1 channel not getting through", "They can’t be read now."} {
			want := false
			for _, x := range texts {
				want = want || x == text
			}
			if strings.Contains(page, text) != want {
				t.Errorf("%s, %s: %q is there: %t", when, path, text, !want)
			}
		}
	}
	says("no channel", "/", nowhere)
	says("no channel", token, nowhere)
	ch := b.channel(t, "mail", "email", map[string]string{"to": "ana@example.com"})
	says("a channel", "/")
	says("a channel", token)
	b.deliver(ch, tokens["failed"].ID, time.Second, kae.Delivery{State: kae.Waiting})
	says("on its way", "/") // no news yet
	b.deliver(ch, tokens["failed"].ID, time.Second, kae.Delivery{State: kae.Waiting, Attempts: 1, Answer: "timed out"})
	says("failing", "/", late, "2 alerts not delivered")
	says("failing", token, "2 alerts not delivered") // in the header
	says("failing", "/channels", late, "2 alerts not delivered")
	b.sent[0].State, b.sent[1].State = kae.GivenUp, kae.GivenUp
	says("given up", "/", late, "1 channel not getting through")
	b.fails = errDatabase
	says("the database fails", token, "1 channel not getting through", "They can’t be read now.")
	if got := get(s, "/channels"); got.Code != 200 {
		t.Errorf("the database fails, /channels: status %d", got.Code)
	}
	if got := get(s, "/channels/1"); got.Code != 200 || !strings.Contains(got.Body.String(), "The log can’t be read now.") {
		t.Errorf("the database fails, /channels/1: status %d", got.Code)
	}
	if got := getJSON(s, "/channels/1"); got.Code != 503 {
		t.Errorf("the database fails, /channels/1 in JSON: status %d", got.Code)
	}
}

// Strangers learn nothing.
func TestUndeliveredAlertsAreNotForStrangers(t *testing.T) {
	w, _, _ := alertScene(t)
	w.config.User, w.config.Pass = "ana", "secret"
	got := request{method: "GET", path: "/", header: http.Header{}}.do(w.server())
	if got.Code != 401 || strings.Contains(got.Body.String(), "not delivered") {
		t.Errorf("status %d: %s", got.Code, got.Body)
	}
}

func TestHealthCountsWhatIsUndelivered(t *testing.T) {
	w, _, _ := alertScene(t)
	got := get(w.server(), "/healthz")
	var page healthPage
	if err := json.Unmarshal(got.Body.Bytes(), &struct{ Undelivered *int }{&page.Undelivered}); err != nil || got.Code != 200 || page.Undelivered != 2 {
		t.Errorf("status %d: %s, %v", got.Code, got.Body, err)
	}
}

// A token's page has the newest of its alerts, and none of others'.
func TestATokenShowsItsDeliveries(t *testing.T) {
	w, b, tokens := alertScene(t)
	s := w.server()
	path := fmt.Sprintf("/tokens/%d", tokens["failed"].ID)
	page := get(s, path).Body.String()
	if n := strings.Count(page, `<a href="/channels/`); n != 3 || !strings.Contains(page, `<a href="/channels/1">pager</a>`) || strings.Contains(page, "5B9") {
		t.Errorf("%d deliveries: %s", n, page)
	}
	for range newestDeliveries {
		b.deliver(b.Channels()[0], tokens["failed"].ID, time.Minute, kae.Delivery{State: kae.Delivered, Attempts: 1})
	}
	var got struct{ Deliveries []struct{ ID int64 } }
	if err := json.Unmarshal(getJSON(s, path).Body.Bytes(), &got); err != nil || len(got.Deliveries) != newestDeliveries || got.Deliveries[0].ID != int64(len(b.sent)) {
		t.Errorf("%+v, %v", got, err)
	}
}

// What becomes of an alert shows on open pages, without a change of a token.
func TestDeliveriesAreLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		b := w.alerts()
		token := w.make(t, "backup", "1h", "")
		s := w.server()
		var list, page wire
		end, _ := listen(s, "/events?ids=1", &list)
		defer end()
		end2, _ := listen(s, "/events?token=1", &page)
		defer end2()
		if got := find(list.take(), "block", `id="nowhere"`); !strings.Contains(got, "Alerts go nowhere yet") {
			t.Errorf("no channel: %q", got)
		}
		page.take()

		ch := b.channel(t, "mail", "email", map[string]string{"to": "ana@example.com"})
		b.deliver(ch, token.ID, 0, kae.Delivery{State: kae.Waiting, Attempts: 1, Answer: "timed out"})
		w.beat(token, kae.Failure, 0, "", "")
		synctest.Wait()
		if got := find(list.take(), "block", `id="nowhere"`); !strings.Contains(got, "1 alert not delivered") {
			t.Errorf("failing: the list says %q", got)
		}
		events := page.take()
		if got := find(events, "block", `id="undelivered"`); !strings.Contains(got, "1 alert not delivered") {
			t.Errorf("failing: the header says %q", got)
		}
		if got := find(events, "block", `id="side"`); !strings.Contains(got, "waiting") || !strings.Contains(got, "timed out") {
			t.Errorf("failing: the page says %q", got)
		}

		b.mu.Lock()
		b.sent[0].State, b.channels[0].FailingSince = kae.Delivered, time.Time{}
		b.mu.Unlock()
		time.Sleep(2 * tickPause)
		synctest.Wait()
		if got := find(list.take(), "block", `id="nowhere"`); got != `<div id="nowhere"></div>` {
			t.Errorf("delivered: the list says %q", got)
		}
		events = page.take()
		if got := find(events, "block", `id="undelivered"`); !strings.Contains(got, " hidden>") {
			t.Errorf("delivered: the header says %q", got)
		}
		if got := find(events, "block", `id="side"`); !strings.Contains(got, "delivered") {
			t.Errorf("delivered: the page says %q", got)
		}
	})
}
