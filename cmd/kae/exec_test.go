package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The whole way: a command, its report, a real kae.
func TestARunIsSeenByKae(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir())
	made := p.create("a", 3600)
	home := t.TempDir()
	kae := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("kae", args...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "KAE_TOKEN=" + made.Value, "KAE_URL=" + p.url}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("kae %s: %v", strings.Join(args, " "), err)
		}
		return string(out)
	}
	if got := kae("exec", "--", "echo", "done"); got != "done\n" {
		t.Errorf("the command printed %q", got)
	}
	up := p.expect(made.ID, "up", 5*time.Second)
	newest := up.Heartbeats[0].Number
	kae("ping", "-m", "by hand")
	if got := p.page(made.ID).Heartbeats[0]; got.Number != newest+1 || got.Message != "by hand" {
		t.Errorf("kae heard %+v", got)
	}

	// kae is away for a while, and hears of it later.
	p.kill()
	kae("exec", "-linger", "0", "--", "true")
	again := launch(t, p.cmd.Dir, "-addr", strings.TrimPrefix(p.url, "http://"))
	if got := kae("flush"); got != "1 sent, 0 left\n" {
		t.Errorf("the spool: %q", got)
	}
	if got := again.page(made.ID).Heartbeats[0].Number; got != newest+2 {
		t.Errorf("the newest heartbeat is number %d, want %d", got, newest+2)
	}
}
