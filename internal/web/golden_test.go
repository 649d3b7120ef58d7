package web

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

var update = flag.Bool("update", false, "write what the pages are now into testdata/golden")

// TestPages holds pages against testdata/golden; go test -update accepts them
// as they are.
func TestPages(t *testing.T) {
	w, tokens := scene(t)
	w.config.URL = "https://kae.example.com"
	s := w.server()
	empty := newWorld().server()

	heard := w.make(t, "Heard once", "1h", "")
	w.beat(heard, kae.Success, time.Minute, "", "")
	id := func(state string) string { return fmt.Sprintf("/tokens/%d", tokens[state].ID) }

	pages := map[string]string{
		"empty":         get(empty, "/").Body.String(),
		"list":          get(s, "/").Body.String(),
		"list-filtered": get(s, "/?q=is:late").Body.String(),
		"list-nothing":  get(s, "/?q=nonsense").Body.String(),
		"list-removed":  get(s, "/?q=is:removed").Body.String(),
		"list-undo":     get(s, fmt.Sprintf("/?q=is:new&removed=%d", tokens["removed"].ID)).Body.String(),
		"token-heard":   get(s, fmt.Sprintf("/tokens/%d", heard.ID)).Body.String(),
		"token-older":   get(s, id("up")+"?before=5&flips=1").Body.String(),
		"new":           get(s, "/newtoken").Body.String(),
		"new-errors":    post(s, "/newtoken", "name", "", "interval", "soon", "grace", "15 mins", "tags", "db", "description", "Run <book>").Body.String(),
		"edit":          get(s, id("missed")+"/edit").Body.String(),
		"lost":          get(s, "/nowhere").Body.String(),
	}
	for state := range tokens {
		if state != "heard" {
			pages["token-"+state] = get(s, id(state)).Body.String()
		}
	}
	told, others := signals(t)
	told.config.URL = "https://kae.example.com"
	for name, token := range others {
		pages["token-"+name] = get(told.server(), fmt.Sprintf("/tokens/%d", token.ID)).Body.String()
	}
	pages["list-signals"] = get(told.server(), "/").Body.String()
	pages["edit-rules"] = get(told.server(), fmt.Sprintf("/tokens/%d/edit", others["bodies"].ID)).Body.String()
	pages["new-clock"] = post(s, "/newtoken", "name", "", "interval", "Mon..Fri 06:00", "zone", "Europe/Madrid", "grace", "", "fire_after", "2").Body.String()
	pages["bulk-asks"] = post(s, "/tokens", "do", "tag", "id", "2", "q", "is:failed", "sort", "name").Body.String()
	pages["bulk-wrong"] = post(s, "/tokens", "do", "grace", "all", "1", "q", "tag:db", "grace", "<soon>").Body.String()
	pages["strays-none"] = get(s, "/strays").Body.String()
	for i, value := range []string{"<i>&", tokens["up"].Value[:19] + "b", tokens["removed"].Value, tokens["removed"].Value} {
		h := kae.Heartbeat{Kind: kae.Success, Remote: "10.0.0.7", Agent: "curl/8.5.0"}
		if i == 0 {
			h = kae.Heartbeat{Kind: kae.Failure}
		}
		s.strays.saw(value, h, noon.Add(time.Duration(i-3)*time.Minute))
	}
	pages["strays"] = get(s, "/strays").Body.String()
	alerted, _, firing := alertScene(t)
	a := alerted.server()
	for name, path := range map[string]string{
		"channels": "/channels", "channel": "/channels/1", "channel-retrying": "/channels/4", "channel-new": "/channels/5", "channel-kinds": "/channels/new",
		"channel-form": "/channels/new?kind=webhook", "channel-edit": "/channels/3/edit", "list-undelivered": "/?q=is:failed", "token-alerts": fmt.Sprintf("/tokens/%d", firing["failed"].ID),
	} {
		pages[name] = get(a, path).Body.String()
	}
	pages["channel-wrong"] = post(a, "/channels", "kind", "webhook", "name", "", "url", "hooks.example.com", "secret", "typed").Body.String()
	pages["policy-wrong"] = post(a, "/policy", "rules.0.channels", "1", "rules.1.which", "tags", "rules.1.tags", "", "rules.1.after", "soon", "rules.1.hours", "only", "rules.1.from", "22:00", "rules.1.to", "late",
		"quiet", "yes", "quiet.from", "22:00", "quiet.to", "7", "except.which", "tags", "except.tags", "critical", "zone", "Madrid").Body.String()
	pages["policy-added"] = post(a, "/policy", "rules.3.channels", "1", "rules.3.every", "3h", "add", "1", "zone", "UTC").Body.String()
	none := newWorld()
	none.alerts()
	pages["channels-none"] = get(none.server(), "/channels").Body.String()
	pages["maintenance-none"] = get(none.server(), "/maintenance").Body.String()
	kept, inIt := maintained(t)
	m := kept.server()
	for name, path := range map[string]string{
		"maintenance": "/maintenance", "maintenance-edit": "/maintenance/2/edit", "maintenance-edit-again": "/maintenance/3/edit",
		"list-maintenance": "/?q=is:failed", "token-maintenance": fmt.Sprintf("/tokens/%d", inIt.ID),
	} {
		pages[name] = get(m, path).Body.String()
	}
	pages["maintenance-wrong"] = post(m, "/maintenance", "name", "", "which", "tokens", "tokens", "#1\nbackup", "to", "<late>", "starts", "soon").Body.String()
	spoken, them := scene(t)
	spoken.config.URL = "https://kae.example.com"
	o := spoken.server()
	of := func(state string) string { return fmt.Sprintf("/tokens/%d", them[state].ID) }
	pages["acknowledge"] = get(o, of("failed")+"/acknowledge").Body.String()
	pages["acknowledge-wrong"] = post(o, of("failed")+"/acknowledge", "by", "", "why", "<on it>").Body.String()
	pages["acknowledge-removed"] = get(o, of("removed")+"/acknowledge").Body.String()
	post(o, of("failed")+"/acknowledge", "by", "Ana <i>", "why", "the disk is full & on its way")
	post(o, of("failed")+"/snooze", "until", "2h")
	post(o, of("up")+"/snooze", "until", "3d")
	pages["acknowledge-calm"] = post(o, of("up")+"/snooze", "until", "<soon>").Body.String()
	pages["acknowledged"] = get(o, of("failed")+"/acknowledge").Body.String()
	pages["token-acknowledged"] = get(o, of("failed")).Body.String()
	pages["list-acknowledged"] = get(o, "/?q=is:snoozed").Body.String()
	pages["bulk-acknowledge"] = post(o, "/tokens", "do", "acknowledge", "id", "1", "why", "<on it>").Body.String()
	pages["bulk-snooze"] = post(o, "/tokens", "do", "snooze", "id", "1", "until", "32d").Body.String()
	for name, page := range pages {
		got := strings.ReplaceAll(page, staticBase, "/static/HASH")
		file := filepath.Join("testdata", "golden", name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-want +got); if it is as it should be, run go test -update:\n%s", name, d)
		}
	}
	files, err := filepath.Glob("testdata/golden/*.html")
	if err != nil || len(files) != len(pages) {
		t.Errorf("%d golden files for %d pages (%v)", len(files), len(pages), err)
	}
}
