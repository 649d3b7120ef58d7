package wrapper

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// passedOn are the signals that one sends to a command to tell it something.
var passedOn = []syscall.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2,
}

// ending are those of them that ask for an end.
var ending = map[os.Signal]bool{syscall.SIGHUP: true, syscall.SIGINT: true, syscall.SIGQUIT: true, syscall.SIGTERM: true}

// hurried is how long is left for last words once somebody has asked for an
// end. It is not nothing: whoever stops a command often stops kae with it, and
// the report of just that is wanted.
const hurried = time.Second

// signals are what this process is told while it stands in for a command.
type signals struct {
	came  chan os.Signal
	pipe  chan os.Signal
	early []os.Signal // came before the command ran

	hurry chan struct{} // closed when there is no time any more
	done  chan struct{}
	watch sync.WaitGroup
}

// catchSignals takes the signals that are meant for the command. One that is
// ignored stays so, for kae and for the command: nohup says it like that.
// SIGPIPE is taken, and not ignored, since the command would inherit that.
func catchSignals() *signals {
	s := &signals{
		came: make(chan os.Signal, 16), pipe: make(chan os.Signal, 1),
		hurry: make(chan struct{}), done: make(chan struct{}),
	}
	for _, sig := range passedOn {
		if !signal.Ignored(sig) {
			signal.Notify(s.came, sig)
		}
	}
	signal.Notify(s.pipe, syscall.SIGPIPE)
	return s
}

// stop leaves signals to do what they do to any program.
func (s *signals) stop() {
	signal.Stop(s.came)
	signal.Stop(s.pipe)
	close(s.done)
	s.watch.Wait()
}

// alone is called when the command is gone. From then on, who asks for an end
// asks kae.
func (s *signals) alone() {
	s.watch.Go(func() {
		for {
			select {
			case sig := <-s.came:
				if !ending[sig] {
					continue
				}
				select {
				case <-time.After(hurried):
					close(s.hurry)
				case <-s.done:
				}
				return
			case <-s.done:
				return
			}
		}
	})
}

// fromKeyboard tells whether a signal was typed at the terminal that this
// process and the command share. Then the terminal has sent it to both, and to
// pass it on would be to send it twice: many programs take a second ^C for
// “at once”. Somebody else who sends SIGINT to a process in a terminal's
// foreground can't be told apart, and is not passed on either.
func fromKeyboard(sig os.Signal) bool {
	if sig != syscall.SIGINT && sig != syscall.SIGQUIT {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	return inForeground(tty)
}

// inForeground tells whether f is the terminal that controls this process, and
// listens to it.
func inForeground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
