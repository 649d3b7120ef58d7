package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
)

func TestHealthcheckAsksTheKaeThatRunsHere(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir())
	_, port, err := net.SplitHostPort(strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(addr string) (status int, stdout, stderr string) {
		asked := prepare(t, t.TempDir(), "healthcheck", "-addr", addr)
		asked.cmd.Env = append(asked.cmd.Env, "HTTP_PROXY=http://127.0.0.1:1", "http_proxy=http://127.0.0.1:1")
		asked.begin()
		return asked.wait(2 * patience), asked.stdout.String(), asked.stderr.String()
	}
	for _, addr := range []string{"127.0.0.1:" + port, ":" + port, "0.0.0.0:" + port, "localhost:" + port} {
		if status, stdout, stderr := check(addr); status != exitOK || stdout != "All is well: nothing is overdue.\n" || stderr != "" {
			t.Errorf("%s: exit status %d, %q, %q", addr, status, stdout, stderr)
		}
	}

	p.cmd.Process.Signal(syscall.SIGSTOP)
	defer p.cmd.Process.Signal(syscall.SIGCONT)
	if status, _, stderr := check("127.0.0.1:" + port); status != exitFailed || !strings.HasSuffix(stderr, " does not answer within 4s\n") {
		t.Errorf("a kae that stands still: exit status %d, %q", status, stderr)
	}
}

func TestHealthcheckSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"overdue", 503, `{"ok":false,"message":"One token is overdue and does not fire."}`, "One token is overdue and does not fire."},
		{"no health page", 200, `{"ok":true}`, "does not answer as kae does"},
		{"half of it", 200, `{"ok":true,"message":"All`, "does not answer as kae does"},
		{"a status that is not 200", 500, `{"ok":true,"message":"All is well."}`, "All is well."},
		{"sent elsewhere", 302, ``, "does not answer as kae does"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/healthz" {
					t.Errorf("asked for %s", r.URL)
				}
				w.Header().Set("Location", "/login")
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			_, err := askHealth(t.Context(), server.Listener.Addr().String())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
