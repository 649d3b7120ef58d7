package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// sunday is the moment of all pictures: a Sunday morning.
var sunday = time.Date(2026, 11, 22, 9, 52, 20, 0, time.UTC)

// pictured starts the demo as of that moment. Its second result gives the
// path of a token's page.
func pictured(t testing.TB) (*program, func(name string) string) {
	t.Helper()
	p := prepare(t, t.TempDir(), "demo", "-addr", "127.0.0.1:0", "-at", sunday.Format(time.RFC3339)).serving()
	paths := map[string]string{}
	for _, list := range []string{"/", "/?q=is:removed"} {
		var page struct{ Tokens []token }
		p.fetch(list, nil, &page)
		for _, token := range page.Tokens {
			paths[token.Name] = fmt.Sprintf("/tokens/%d", token.ID)
		}
	}
	return p, func(name string) string {
		t.Helper()
		if paths[name] == "" {
			t.Fatalf("the demo has no token %q", name)
		}
		return paths[name]
	}
}

// files lists all files in a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// withRace tells whether this is built with the race detector.
func withRace() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Nothing of a demo is where a real kae's data could be: not in the folder in
// which it is started, not where the variables point.
func TestTheDemoTouchesNoDatabase(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	for _, name := range []string{"kae.sqlite", "real.sqlite"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("precious"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	p := prepare(t, dir, "demo", "-addr", "127.0.0.1:0")
	// kae itself would fail with each of these.
	p.cmd.Env = append(p.cmd.Env, "TMPDIR="+temp, "KAE_DB="+filepath.Join(dir, "real.sqlite"), "KAE_ADDR=nonsense", "KAE_USER=half")
	p.serving()
	if got := files(t, temp); len(got) != 1 || !strings.HasPrefix(filepath.Base(got[0]), "kae-demo-") {
		t.Errorf("its data is in %q", got)
	}
	p.create("A visitor's own", 60)
	p.stop()
	// The race detector makes it ten times as slow.
	if took := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(); took > 4*time.Second && !withRace() {
		t.Errorf("the demo took %v of a processor", took)
	}
	if got := files(t, temp); len(got) != 0 {
		t.Errorf("it leaves %q", got)
	}
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("it writes %q", got)
	}
	for _, path := range files(t, dir) {
		if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
			t.Errorf("%s has %q, %v", path, b, err)
		}
	}
	for _, say := range []string{"This is a demo", "temporary", "removed at the end"} {
		if err := p.stdout.contains(say); err != nil {
			t.Error(err)
		}
	}
}

// The tokens of a live demo are what was played, and go on.
func TestTheDemoLives(t *testing.T) {
	p := prepare(t, t.TempDir(), "demo", "-addr", "127.0.0.1:0").serving()
	var before, after struct {
		Counts struct{ Firing, Up, Late, Disabled int }
		Tokens []token
	}
	p.fetch("/", nil, &before)
	if c := before.Counts; c.Firing < 5 || c.Up < 25 || c.Disabled != 3 {
		t.Errorf("it starts with %+v", c)
	}
	beats := func(tokens []token) (n int64) {
		for _, t := range tokens {
			n += t.Beats
		}
		return n
	}
	eventually(t, 30*time.Second, func() error {
		p.fetch("/", nil, &after)
		if more := beats(after.Tokens) - beats(before.Tokens); more < 1 {
			return fmt.Errorf("%d heartbeats came", more)
		}
		return nil
	})
	for _, g := range p.gaps(after.Tokens[0].ID) {
		if time.Since(g.To) < time.Hour {
			t.Errorf("the demo began with a gap: %+v", g)
		}
	}
}

type gap struct{ From, To time.Time }

func (p *program) gaps(id int64) []gap {
	p.Helper()
	var page struct{ Gaps []gap }
	p.fetch(fmt.Sprintf("/tokens/%d", id), nil, &page)
	return page.Gaps
}

// A demo of a moment is always the same, and nothing changes it.
func TestTheDemoStandsStill(t *testing.T) {
	p, path := pictured(t)
	again, _ := pictured(t)
	page := path("Orders database dump")
	for _, path := range []string{"/", page, page + "/edit", "/newtoken", "/?q=is:removed", "/channels"} {
		a, b := p.html(path), again.html(path)
		if a != b {
			t.Errorf("%s differs from one demo to the next", path)
		}
	}
	if channels := p.html("/channels"); strings.Count(channels, "</svg>delivers") != 2 || !strings.Contains(p.html(page), "ops mail") {
		t.Error("there are no channels that were told of anything")
	}
	before := p.html("/")
	var said struct{ Error string }
	if status := p.fetch(page+"/disable", map[string][]string{}, &said); status != http.StatusServiceUnavailable || !strings.Contains(said.Error, "stands still") {
		t.Errorf("disabling a token is answered %d, %q", status, said.Error)
	}
	if status := p.fetch("/channels", url.Values{"name": {"ops"}, "kind": {"webhook"}, "url": {"http://127.0.0.1:1/"}}, &said); status != http.StatusServiceUnavailable || !strings.Contains(said.Error, "stands still") {
		t.Errorf("a new channel is answered %d, %q", status, said.Error)
	}
	if status := p.fetch("/policy", url.Values{"zone": {"UTC"}}, &said); status != http.StatusServiceUnavailable || !strings.Contains(said.Error, "stands still") {
		t.Errorf("another policy is answered %d, %q", status, said.Error)
	}
	if status := p.send(p.page(1).Token.Value); status != http.StatusServiceUnavailable {
		t.Errorf("a heartbeat is answered %d", status)
	}
	if p.html("/") != before {
		t.Error("the list has changed")
	}
}

func (p *program) html(path string) string {
	p.Helper()
	response, err := http.Get(p.url + path)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		p.Fatalf("%s: %s, %v", path, response.Status, err)
	}
	return string(text)
}
