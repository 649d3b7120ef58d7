package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What docs/schedules.md shows of a terminal is what one sees.
func TestSchedulesPageShowsWhatHappens(t *testing.T) {
	page, err := os.ReadFile("../../docs/schedules.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
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
			cmd.Env = append(os.Environ(), "KAE_TZ=")
			got, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if fails := strings.HasPrefix(want, "kae: "); fails != (errors.As(err, &exit) && exit.ExitCode() == exitUsage) || !fails && err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if strings.TrimRight(string(got), "\n") != strings.TrimRight(want, "\n") {
				t.Errorf("%s\n%s\nwant\n%s", line, got, want)
			}
			commands++
		}
	}
	if commands < 10 {
		t.Errorf("only %d commands were looked at", commands)
	}
}
