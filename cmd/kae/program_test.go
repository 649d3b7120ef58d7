package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is a kae that runs as a process of its own.
type program struct {
	testing.TB
	url    string // of the console, without a slash at its end
	cmd    *exec.Cmd
	stdout output
	stderr output
	exited chan struct{}
}

// launch starts kae in a directory on a free port and waits until it says
// where it is. Whatever happens, it is gone after the test.
func launch(t testing.TB, dir string, args ...string) *program {
	t.Helper()
	return prepare(t, dir, append([]string{"-addr", "127.0.0.1:0"}, args...)...).serving()
}

// serving starts a kae and waits until it says where it is.
func (p *program) serving() *program {
	t := p.TB
	t.Helper()
	p.begin()
	eventually(t, 20*time.Second, func() error {
		select {
		case <-p.exited:
			t.Fatalf("kae ended with status %d: %s", p.cmd.ProcessState.ExitCode(), p.stderr.String())
		default:
		}
		m := regexp.MustCompile(`(?m)^kae is at (http://\S+)$`).FindStringSubmatch(p.stdout.String())
		if m == nil {
			return fmt.Errorf("kae does not say where it is")
		}
		p.url = m[1]
		return nil
	})
	return p
}

// fail starts a kae that has to end by itself, and gives its exit status.
func fail(t testing.TB, dir string, args ...string) (int, string) {
	t.Helper()
	p := prepare(t, dir, args...)
	p.begin()
	return p.wait(20 * time.Second), p.stderr.String()
}

func prepare(t testing.TB, dir string, args ...string) *program {
	p := &program{TB: t, cmd: exec.Command("kae", args...), exited: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + t.TempDir(), "TZ=UTC"} // what a killed demo leaves goes, too
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	return p
}

func (p *program) begin() {
	p.Helper()
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		p.cmd.Wait()
	}()
	p.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.exited
	})
}

// wait gives the exit status.
func (p *program) wait(limit time.Duration) int {
	p.Helper()
	select {
	case <-p.exited:
	case <-time.After(limit):
		p.Fatalf("kae still runs after %v\n%s", limit, p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// kill ends kae at once, as a power cut would.
func (p *program) kill() {
	p.Helper()
	p.cmd.Process.Kill()
	p.wait(10 * time.Second)
}

// stop ends kae in good order.
func (p *program) stop() {
	p.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(20 * time.Second); status != 0 {
		p.Fatalf("exit status %d after SIGTERM\n%s", status, p.stderr.String())
	}
}

// token is what tests look at of a token in JSON.
type token struct {
	ID          int64      `json:"id"`
	Value       string     `json:"value"`
	UUID        string     `json:"uuid"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Schedule    string     `json:"schedule"`
	Status      string     `json:"status"`
	Unknown     bool       `json:"unknown"`
	Beats       int64      `json:"beats"`
	LastAt      *time.Time `json:"last_at"`
	DueAt       *time.Time `json:"due_at"`
	Deadline    *time.Time `json:"deadline"`
	CreatedAt   time.Time  `json:"created_at"`
}

// page is one token's page in JSON.
type page struct {
	Token      token  `json:"token"`
	Heartbeats []beat `json:"heartbeats"`
	Flips      []flip `json:"flips"`
	Next       string `json:"next"`
}

type beat struct {
	Number  int64     `json:"number"`
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}

type flip struct {
	Number int64     `json:"number"`
	At     time.Time `json:"at"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Reason string    `json:"reason"`
}

// fetch asks for JSON; form, unless it is nil, is posted.
func (p *program) fetch(path string, form url.Values, into any) int {
	p.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(p.Context(), method, p.url+path, body)
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			p.Fatalf("%s: %s: %v\n%s", path, response.Status, err, text)
		}
	}
	return response.StatusCode
}

// create makes a token that expects a heartbeat every so many seconds.
func (p *program) create(name string, seconds int) token {
	p.Helper()
	var made token
	form := url.Values{"name": {name}, "interval": {fmt.Sprint(seconds)}}
	if status := p.fetch("/newtoken", form, &made); status != http.StatusCreated {
		p.Fatalf("status %d instead of a new token", status)
	}
	return made
}

func (p *program) page(id int64) page {
	p.Helper()
	var got page
	if status := p.fetch(fmt.Sprintf("/tokens/%d", id), nil, &got); status != http.StatusOK {
		p.Fatalf("status %d instead of the page of token %d", status, id)
	}
	return got
}

// send sends a heartbeat and gives the status of the answer.
func (p *program) send(value string) int {
	p.Helper()
	response, err := http.Get(p.url + "/hb/" + value)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.Fatal(err)
	}
	if ok := response.StatusCode == http.StatusOK; ok != (string(text) == "OK") {
		p.Fatalf("a heartbeat was answered %s %q", response.Status, text)
	}
	return response.StatusCode
}

// beat sends a heartbeat, which has to be taken.
func (p *program) beat(value string) {
	p.Helper()
	if status := p.send(value); status != http.StatusOK {
		p.Fatalf("a heartbeat was answered %d", status)
	}
}

// expect waits until a token has a status and gives its page.
func (p *program) expect(id int64, status string, limit time.Duration) page {
	p.Helper()
	var got page
	eventually(p, limit, func() error {
		if got = p.page(id); got.Token.Status != status {
			return fmt.Errorf("token %d is %s, want %s", id, got.Token.Status, status)
		}
		return nil
	})
	return got
}

// eventually looks again and again until there is no error any more.
func eventually(t testing.TB, limit time.Duration, look func() error) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); ; <-tick.C {
		err := look()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %v", limit, err)
		}
	}
}

// until waits for a moment: for a gap to last, not for something to happen.
func until(at time.Time) { <-time.After(time.Until(at)) }

// output keeps what a process writes while it is read.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) contains(text string) error {
	if !strings.Contains(o.String(), text) {
		return fmt.Errorf("no %q in %q", text, o.String())
	}
	return nil
}
