package web

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kae"
)

// maintenanceLine gives what a page says of maintenance, without its link and the marks of
// its times.
func maintenanceLine(page string) string {
	_, text, ok := strings.Cut(page, `<div id="maintenance">`)
	if text, _, _ = strings.Cut(text, "</div>"); !ok {
		return "no line"
	}
	text, _, _ = strings.Cut(text, ` <a href="/maintenance">`)
	for {
		before, mark, ok := strings.Cut(text, "<")
		if !ok {
			return text
		}
		_, after, _ := strings.Cut(mark, ">")
		text = before + after
	}
}

func TestPagesTellOfMaintenance(t *testing.T) {
	w, tokens := scene(t)
	b := w.alerts()
	s := w.server()
	on := func(name string, hours int, pick kae.Pick) kae.Window {
		return kae.Window{Name: name, Pick: pick, From: noon.Add(-time.Hour), To: noon.Add(time.Duration(hours) * time.Hour)}
	}
	db, named := kae.Pick{Tags: []string{"DB"}}, kae.Pick{Tokens: []int64{tokens["failed"].ID, tokens["up"].ID, tokens["removed"].ID, 999}}
	later := on("Later", 3, kae.Pick{})
	later.From = noon.Add(time.Hour)
	for _, tt := range []struct {
		name        string
		windows     []kae.Window
		list, token string
	}{
		{"none", nil, "", ""},
		{"to come", []kae.Window{later}, "", ""},
		{"over", []kae.Window{on("Over", 0, kae.Pick{})}, "", ""},
		{"one", []kae.Window{on("Database upgrade.", 2, db)}, "Maintenance until 14:00: Database upgrade. Channels hear nothing of 1 token.", "Maintenance until 14:00: Database upgrade. Channels hear nothing of it."},
		{"until tomorrow", []kae.Window{on("Move", 14, named)}, "Maintenance until tomorrow at 02:00:00: Move. Channels hear nothing of 2 tokens.", "Maintenance until tomorrow at 02:00:00: Move. Channels hear nothing of it."},
		{"of all", []kae.Window{on("Move", 2, kae.Pick{})}, "Maintenance until 14:00: Move. Channels hear nothing of any token.", "Maintenance until 14:00: Move. Channels hear nothing of it."},
		{"of others", []kae.Window{on("Move", 2, kae.Pick{Tags: []string{"mail"}})}, "Maintenance until 14:00: Move. Channels hear nothing of 2 tokens.", ""},
		{"of none", []kae.Window{on("Move", 2, kae.Pick{Tags: []string{"bd"}})}, "Maintenance until 14:00: Move. Channels hear nothing of no token: none is in it now.", ""},
		{"two, of the same", []kae.Window{on("B", 3, named), on("A", 2, db)}, "Maintenance until 14:00: A; until 15:00: B. Channels hear nothing of 2 tokens.", "Maintenance until 15:00: B. Channels hear nothing of it."},
		{"many", []kae.Window{on("A", 1, db), on("B", 2, db), on("C", 3, db), on("D", 4, db), on("E", 5, db)}, "Maintenance until 13:00: A; until 14:00: B; until 15:00: C; and 2 more. Channels hear nothing of 1 token.", "Maintenance until 13:00: A. Channels hear nothing of it."},
	} {
		b.policy.Windows = tt.windows
		if got := maintenanceLine(get(s, "/").Body.String()); got != tt.list {
			t.Errorf("%s: the list says %q", tt.name, got)
		}
		if got := maintenanceLine(get(s, fmt.Sprintf("/tokens/%d", tokens["failed"].ID)).Body.String()); got != tt.token {
			t.Errorf("%s: a token's page says %q", tt.name, got)
		}
	}
	b.policy.Windows = []kae.Window{on("Move", 2, kae.Pick{})}
	if got := maintenanceLine(get(s, fmt.Sprintf("/tokens/%d", tokens["removed"].ID)).Body.String()); got != "" {
		t.Errorf("a removed token's page says %q", got)
	}
	w.config.Alerts = nil
	if got := maintenanceLine(get(w.server(), "/").Body.String()); got != "no line" {
		t.Errorf("without channels: %q", got)
	}
}

// A line that says what holds for a time must not stand there for longer.
func TestMaintenanceBeginsAndEndsOnOpenPages(t *testing.T) {
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
		list.take()
		page.take()
		now := w.clock()
		b.mu.Lock()
		b.policy.Windows = []kae.Window{{ID: 1, Name: "Upgrade", From: now.Add(10 * time.Second), To: now.Add(25 * time.Second)}}
		b.mu.Unlock()
		for _, want := range []string{": Upgrade. Channels hear nothing of ", ""} {
			time.Sleep(10*time.Second + tickPause)
			synctest.Wait()
			for name, events := range map[string][]event{"the list": list.take(), "the token's page": page.take()} {
				got := find(events, "block", `<div id="maintenance">`)
				if said := maintenanceLine(got); got == "" || (said == "") != (want == "") || !strings.Contains(said, want) {
					t.Errorf("%s says %q, want %q", name, got, want)
				}
			}
		}
		// Between two signs of life, with a heartbeat that brings the whole page.
		now = w.clock()
		b.mu.Lock()
		b.policy.Windows = []kae.Window{{ID: 1, Name: "Upgrade", From: now.Add(time.Second), To: now.Add(3 * time.Second)}}
		b.mu.Unlock()
		time.Sleep(2 * time.Second)
		w.beat(token, kae.Success, 0, "", "")
		synctest.Wait()
		if got := find(page.take(), "block", `id="head"`); !strings.Contains(maintenanceLine(got), "Upgrade") {
			t.Errorf("the head says %q", got)
		}
		time.Sleep(tickPause)
		synctest.Wait()
		if got := find(page.take(), "block", `id="maintenance"`); got != `<div id="maintenance"></div>` {
			t.Errorf("over: the page says %q", got)
		}
	})
}

// The log says in which maintenance a flip fell.
func TestTheLogTellsOfMaintenance(t *testing.T) {
	w := newWorld()
	token := w.make(t, "backup", "1h", "")
	w.beat(token, kae.Failure, time.Minute, "", "")
	w.flips[token.ID][0].Note = "maintenance: Upgrade <1>"
	if page := get(w.server(), "/tokens/1").Body.String(); !strings.Contains(page, `Failed: the job said so. <span class="muted">Maintenance: Upgrade &lt;1&gt;</span>`) {
		t.Error(page)
	}
}
