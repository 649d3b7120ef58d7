package wrapper

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Output says what of the command's output is sent with its end.
type Output string

// The kinds of Output.
const (
	OutputTail      Output = "tail"       // the last [kae.MaxBody] bytes
	OutputOnFailure Output = "on-failure" // the same, of runs that failed
	OutputNone      Output = "none"       // nothing; kae does not see it at all
)

// afterlife is how long output is waited for once the command has ended. Its
// last words are there by then; what comes later comes from a process that it
// has left behind.
const afterlife = 500 * time.Millisecond

// passage carries what a command writes to where it would have gone by itself,
// byte by byte as it comes, and keeps the end of it.
type passage struct {
	tail    *tail
	readers []*os.File
	theirs  []*os.File // the command's ends
	copying sync.WaitGroup

	mu   sync.Mutex
	lost error // why something could not be written
	held bool  // somebody still has the command's output open
}

// connect lays a pipe for each of the command's outputs. Where both go to the
// same place there is one pipe for both, so that what was written first comes
// first.
func (p *passage) connect(cmd *exec.Cmd, stdout, stderr io.Writer) error {
	cmd.Stdout, cmd.Stderr = stdout, stderr
	out, err := p.lay(stdout)
	if err != nil {
		return err
	}
	if samePlace(stdout, stderr) {
		cmd.Stdout, cmd.Stderr = out, out
		return nil
	}
	both, err := p.lay(stderr)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = out, both
	return nil
}

func (p *passage) lay(to io.Writer) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.readers, p.theirs = append(p.readers, r), append(p.theirs, w)
	p.copying.Go(func() { p.carry(r, to) })
	return w, nil
}

// begun gives up this process' copies of the command's ends: else there would
// never be an end of the output.
func (p *passage) begun() {
	for _, w := range p.theirs {
		w.Close()
	}
}

// carry copies until the end of the output. When nobody reads what is written
// any more it stops, which tells the command so in the usual way (SIGPIPE).
// When it can't be written for another reason, such as a full disk, the rest
// is dropped and the command goes on.
func (p *passage) carry(r *os.File, to io.Writer) {
	defer r.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if !p.pass(buf[:n], &to) {
			return
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.empty(r, buf, to)
			return
		}
		if err != nil {
			return
		}
	}
}

// pass hands on what was read; false is nobody to read it.
func (p *passage) pass(b []byte, to *io.Writer) bool {
	if len(b) == 0 {
		return true
	}
	p.tail.Write(b)
	if _, err := (*to).Write(b); err != nil {
		if errors.Is(err, syscall.EPIPE) {
			return false
		}
		p.mu.Lock()
		p.lost = err
		p.mu.Unlock()
		*to = io.Discard
	}
	return true
}

// empty reads what is in a pipe that others still hold open, without waiting
// for more: whatever the command itself wrote is there.
func (p *passage) empty(r *os.File, buf []byte, to io.Writer) {
	p.mu.Lock()
	p.held = true
	p.mu.Unlock()
	r.SetReadDeadline(time.Time{})
	raw, err := r.SyscallConn()
	if err != nil {
		return
	}
	const most = 1 << 20 // no pipe holds more, unless root made it
	for total := 0; total < most; {
		n := 0
		raw.Read(func(fd uintptr) bool {
			n, err = syscall.Read(int(fd), buf)
			return true
		})
		if err != nil || n <= 0 || !p.pass(buf[:n], &to) {
			return
		}
		total += n
	}
}

// finish waits for the last of the output, now that the command has ended. As
// long as somebody is slow to take it, so is finish: so would have been the
// command. A hurry ends the wait.
func (p *passage) finish(hurry <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		p.copying.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-hurry:
	case <-time.After(afterlife):
	}
	for _, r := range p.readers {
		r.SetReadDeadline(time.Now())
	}
	select {
	case <-done:
	case <-hurry:
	}
}

// trouble gives what to tell the person, if anything.
func (p *passage) trouble() (said []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil {
		said = append(said, "some of the command's output could not be passed on: "+reasonOf(p.lost))
	}
	if p.held {
		said = append(said, "the command left a process behind that can still write: its output ends here; “-output=none” would leave it alone")
	}
	return said
}

// samePlace tells whether two outputs go to the same file, pipe or terminal.
func samePlace(a, b io.Writer) bool {
	f, ok := a.(*os.File)
	g, ok2 := b.(*os.File)
	if !ok || !ok2 {
		return false
	}
	x, err := f.Stat()
	y, err2 := g.Stat()
	return err == nil && err2 == nil && os.SameFile(x, y)
}
