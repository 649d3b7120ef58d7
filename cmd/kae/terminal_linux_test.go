package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// counting starts kae exec in a session of its own, which stdin controls if it is
// a terminal.
func counting(t *testing.T, stdin *os.File, flags ...string) (*exec.Cmd, *output) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	var said output
	args := append([]string{"exec"}, flags...)
	cmd := exec.Command("kae", append(args, server.URL+"/hb/"+scriptToken, "interruptions")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: stdin != nil}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			cmd.Wait()
		}
	})
	eventually(t, 10*time.Second, func() error { return said.contains("ready") })
	return cmd, &said
}

// end ends the command by way of kae and checks how often it was interrupted.
func end(t *testing.T, cmd *exec.Cmd, said *output, interrupted int) {
	t.Helper()
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 9 {
		t.Errorf("exit status %d, want the command's 9", status)
	}
	if got := strings.Count(said.String(), "interrupted"); got != interrupted || strings.Contains(said.String(), "kae: ") {
		t.Errorf("interrupted %d times, want %d:\n%s", got, interrupted, said.String())
	}
}

func TestAnInterruptIsPassedOn(t *testing.T) {
	t.Parallel()
	cmd, said := counting(t, nil)
	for n := 1; n <= 2; n++ {
		cmd.Process.Signal(syscall.SIGINT)
		eventually(t, 10*time.Second, func() error { return said.contains(fmt.Sprintf("interrupted %d", n)) })
	}
	end(t, cmd, said, 2)
}

// The terminal sends ^C to kae and to the command; kae must not send it again.
func TestAKeyPressedOnceInterruptsOnce(t *testing.T) {
	t.Parallel()
	keyboard, terminal := openTerminal(t)
	cmd, said := counting(t, terminal)
	for n := 1; n <= 3; n++ {
		if _, err := keyboard.Write([]byte{3}); err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, func() error { return said.contains(fmt.Sprintf("interrupted %d", n)) })
	}
	end(t, cmd, said, 3)
}

func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}
