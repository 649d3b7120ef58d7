package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What docs/heartbeats.md shows of a terminal is what one sees, and what kae
// has heard then.
func TestHeartbeatsPageShowsWhatHappens(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no curl")
		}
		t.Skip("there is no curl")
	}
	page, err := os.ReadFile("../../docs/heartbeats.md")
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t, t.TempDir())
	token := p.create("documented", 86400)
	for i, block := range strings.Split(string(page), "```console\n") {
		block, _, closed := strings.Cut(block, "```")
		if i == 0 {
			continue
		}
		if !closed || !strings.HasPrefix(block, "$ ") {
			t.Fatalf("not a terminal:\n%s", block)
		}
		for _, shown := range strings.Split(block[2:], "\n$ ") {
			line, want, _ := strings.Cut(shown, "\n")
			cmd := exec.Command("sh", "-c", line)
			cmd.Env = append(os.Environ(), "KAE="+p.url+"/hb/"+token.Value, "NO_PROXY=*", "no_proxy=*")
			got, err := cmd.CombinedOutput()
			if err != nil || strings.TrimRight(string(got), "\n") != strings.TrimRight(want, "\n") {
				t.Errorf("%s\n%s (%v)\nwant\n%s", line, got, err, want)
			}
		}
	}

	var heard struct {
		Heartbeats []struct {
			Kind string
			Exit *int
			Took *float64
		}
	}
	p.fetch("/tokens/1", nil, &heard)
	var kinds []string
	durations := 0
	for _, h := range slices.Backward(heard.Heartbeats) {
		kinds = append(kinds, h.Kind)
		if h.Took != nil {
			durations++
		}
	}
	want := "start success log failure failure success start success success success failure"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("kae heard\n%s, want\n%s", got, want)
	}
	if newest := heard.Heartbeats[0]; newest.Exit == nil || *newest.Exit != 3 || durations != 3 {
		t.Errorf("the newest is %+v; %d have a duration", newest, durations)
	}
}
