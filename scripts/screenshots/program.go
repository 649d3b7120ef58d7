package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// address finds where kae listens, whatever it is called by others.
var address = regexp.MustCompile(`^kae is at (?:.*listening on |http://)([^\s)]+)`)

// launch starts a kae on a free port, in a folder, and gives its address; stop
// ends it.
func launch(ctx context.Context, kae, dir string, args ...string) (url string, stop func() error, err error) {
	cmd := exec.CommandContext(ctx, kae, append(args, "-addr", "127.0.0.1:0")...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Dir = dir
	// A zone in which it is neither the hour of UTC nor that of most authors.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "TZ=" + zone}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() error {
		cmd.Process.Signal(syscall.SIGTERM)
		return cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, out)
			return "http://" + m[1], stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("%v did not say where it is", args)
}
