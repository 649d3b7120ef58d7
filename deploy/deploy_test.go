// Package deploy_test plays what is in this folder, with the tools that it is
// made for. See KAE_DEPLOY_TESTS in [need].
package deploy_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// need skips a test unless KAE_DEPLOY_TESTS asks for it: “quick” for what takes
// seconds, “all” for everything. Asked for, it fails where a tool is missing.
func need(t *testing.T, level string, tools ...string) {
	t.Helper()
	switch asked := os.Getenv("KAE_DEPLOY_TESTS"); {
	case asked == "":
		t.Skip("KAE_DEPLOY_TESTS is not set")
	case asked != "quick" && asked != "all":
		t.Fatalf("KAE_DEPLOY_TESTS is %q; it is quick or all", asked)
	case asked == "quick" && level == "all":
		t.Skip("KAE_DEPLOY_TESTS is quick")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: scripts/install-deploy-tools.sh installs it", err)
		}
	}
}

// Debian keeps servers out of the PATH of some users.
func TestMain(m *testing.M) {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	status := m.Run()
	for _, dir := range []string{built.dir, releaseDir} {
		if dir != "" {
			os.RemoveAll(dir)
		}
	}
	os.Exit(status)
}

var built struct {
	once sync.Once
	dir  string
	err  error
}

// production gives the binary for production, made by the Makefile in a copy
// of the sources: the checkout stays as it is.
func production(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "kae-deploy-"); built.err == nil {
			built.err = copySources(built.dir)
		}
		if built.err == nil {
			_, built.err = output(exec.Command("make", "-C", built.dir, "main-linux-amd64", "VERSION=v1.0.0"))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "main-linux-amd64")
}

// copySources copies what git knows or could know of this checkout.
func copySources(dir string) error {
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = ".."
	names, err := output(list)
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimRight(names, "\x00"), "\x00") {
		from, to := filepath.Join("..", name), filepath.Join(dir, name)
		info, err := os.Stat(from)
		if os.IsNotExist(err) {
			continue // removed, and not yet committed
		} else if err != nil {
			return err
		}
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, b, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// output runs a command. Its error holds all that the command wrote.
func output(cmd *exec.Cmd) (string, error) {
	var stdout bytes.Buffer
	var all safeBuffer // of both, each with a goroutine of its own
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, &all), &all
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %v\n%s", cmd, err, all.String())
	}
	return stdout.String(), nil
}

// background runs a command until the test is over, or until stop.
func background(t *testing.T, cmd *exec.Cmd) (wrote *safeBuffer, stop func()) {
	t.Helper()
	wrote = new(safeBuffer)
	cmd.Stdout, cmd.Stderr = wrote, wrote
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(15*time.Second, func() { cmd.Process.Kill() })
		defer late.Stop()
		cmd.Wait()
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", cmd, wrote)
		}
	})
	return wrote, stop
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// freeAddr gives an address of loopback that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually looks again and again until there is no error any more.
func eventually(t *testing.T, look func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); ; <-tick.C {
		err := look()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// site is a kae as somebody sees it from outside.
type site struct {
	t      *testing.T
	base   string
	client http.Client
	pass   string // "": the one of all tests
}

// The password has what a shell, make or Compose would take for something else.
const login, password = "admin", `se$HOME #'1"%`

// ask sends a request, with the password unless the header holds another
// Authorization, and gives the status and the body.
func (s site) ask(method, path string, form url.Values, header http.Header) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(login, cmp.Or(s.pass, password))
	r.Header.Set("Accept", "application/json")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	response, err := s.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(b)
}

// healthy waits until the kae behind the site is there.
func (s site) healthy() {
	s.t.Helper()
	eventually(s.t, func() error {
		if status, body := s.ask("GET", "/healthz", nil, nil); status != 200 {
			return fmt.Errorf("/healthz answers %d %s", status, body)
		}
		return nil
	})
}

type token struct {
	ID                 int64
	Value, URL, Status string
	Beats              int64
}

type beat struct{ Remote, Message, Body string }

func (s site) create(name string) token {
	s.t.Helper()
	var made token
	status, body := s.ask("POST", "/newtoken", url.Values{"name": {name}, "interval": {"1h"}}, nil)
	if err := json.Unmarshal([]byte(body), &made); status != 201 || err != nil {
		s.t.Fatalf("no token was made: %d %s", status, body)
	}
	return made
}

// newest gives a token and its newest heartbeat.
func (s site) newest(id int64) (token, beat) {
	s.t.Helper()
	var page struct {
		Token      token
		Heartbeats []beat
	}
	status, body := s.ask("GET", fmt.Sprintf("/tokens/%d", id), nil, nil)
	if err := json.Unmarshal([]byte(body), &page); status != 200 || err != nil || len(page.Heartbeats) == 0 {
		s.t.Fatalf("no page of a token with a heartbeat: %d %v %s", status, err, body)
	}
	return page.Token, page.Heartbeats[0]
}
