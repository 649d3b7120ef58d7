package wrapper

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Exit statuses that are not the command's own; shells and timeout(1) use the
// same.
const (
	statusOverran  = 124
	statusCantRun  = 126
	statusNotFound = 127
	statusSignal   = 128 // plus the number of the signal
)

// result is how a command went.
type result struct {
	status  int
	message string        // what the status does not say
	took    time.Duration // -1 where there was no run
	ended   time.Time
}

// start starts the command, or tells in words why it can't be.
func start(cmd *exec.Cmd) (status int, message string) {
	if errors.Is(cmd.Err, exec.ErrDot) { // whoever has “.” in PATH means it
		cmd.Err = nil
	}
	name := cmd.Args[0]
	err := cmd.Start()
	if errors.Is(err, syscall.ENOEXEC) {
		// A script without “#!”. Like execvp(3), which cron's shell and env(1)
		// rely on, kae gives it to the shell.
		again := exec.Command("/bin/sh", append([]string{cmd.Path}, cmd.Args[1:]...)...)
		again.Env, again.SysProcAttr = cmd.Env, cmd.SysProcAttr
		again.Stdin, again.Stdout, again.Stderr = cmd.Stdin, cmd.Stdout, cmd.Stderr
		*cmd = *again
		err = cmd.Start()
	}
	switch {
	case err == nil:
		return 0, ""
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		return statusNotFound, name + ": command not found"
	default:
		return statusCantRun, name + ": can't be run: " + reasonOf(err)
	}
}

// reasonOf gives the last cause of an error, without the names before it.
func reasonOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// watch stays with a command until it has ended: it passes signals on and
// ends a command that takes too long.
func (j *Job) watch(cmd *exec.Cmd, s *signals) (overran bool) {
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	var tooLong, enough <-chan time.Time
	if j.Timeout > 0 {
		tooLong = time.After(j.Timeout)
	}
	for _, sig := range s.early {
		cmd.Process.Signal(sig)
	}
	for {
		select {
		case sig := <-s.came:
			if grouped(cmd) || !fromKeyboard(sig) {
				cmd.Process.Signal(sig)
			}
		case <-tooLong:
			overran = true
			enough = time.After(j.KillAfter)
			kill(cmd, syscall.SIGTERM)
			kill(cmd, syscall.SIGCONT) // one that is stopped could not end
		case <-enough:
			kill(cmd, syscall.SIGKILL)
		case <-ended:
			if overran && grouped(cmd) {
				killRest(cmd, enough)
			}
			return overran
		}
	}
}

func grouped(cmd *exec.Cmd) bool { return cmd.SysProcAttr != nil && cmd.SysProcAttr.Setpgid }

// kill sends a signal to the command and, where they are a group, to all that
// it has started.
func kill(cmd *exec.Cmd, sig syscall.Signal) {
	if grouped(cmd) {
		syscall.Kill(-cmd.Process.Pid, sig)
	} else {
		cmd.Process.Signal(sig)
	}
}

// killRest ends those of a group that outlive their leader: they get the time
// that it would have had. The group's number is not given to others while one
// of them is left.
func killRest(cmd *exec.Cmd, enough <-chan time.Time) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for syscall.Kill(-cmd.Process.Pid, 0) == nil {
		select {
		case <-enough:
			kill(cmd, syscall.SIGKILL)
			return
		case <-tick.C:
		}
	}
}

// outcome puts the end of a process into a status and words.
func outcome(state *os.ProcessState) (status int, message string) {
	if state == nil { // the kernel would not say; a guess at success would be the worse one
		return statusCantRun, "its exit status is not known"
	}
	wait, ok := state.Sys().(syscall.WaitStatus)
	if ok && wait.Signaled() {
		return statusSignal + int(wait.Signal()), "killed by " + signalName(wait.Signal())
	}
	return state.ExitCode(), ""
}

func signalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return "signal " + sig.String()
}

// short writes a duration as people do: 30m and not 30m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
