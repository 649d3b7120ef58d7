package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptToken is $TOKEN in scripts.
const scriptToken = "hjklmnbcdfgpqrstvwxz"

// listener stands in for kae. It writes down what it hears, in the words of
// a script: the file heard has a line for each request.
type listener struct {
	file string

	mu      sync.Mutex
	answers []string // of the next requests; the last one stays
	runs    []string // run ids, in the order in which they were heard
	release chan struct{}
}

// listenTo starts a listener for a script, and sets $KAE_URL and
// $LISTENER, its host and port: listen 503 200.
// An answer is a status, a status with a Retry-After as in 503/2, “drop” to
// close the connection without an answer, or “hang” for no answer at all.
func listenTo(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("listen does not fail")
	}
	l := &listener{file: ts.MkAbs("heard"), release: make(chan struct{})}
	l.answer(args)
	server := httptest.NewServer(l)
	ts.Defer(func() {
		close(l.release)
		server.Close()
	})
	ts.Setenv("KAE_URL", server.URL)
	ts.Setenv("LISTENER", strings.TrimPrefix(server.URL, "http://"))
	*ts.Value("listener").(**listener) = l
}

// answers changes what the script's listener answers.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("answers does not fail")
	}
	(*ts.Value("listener").(**listener)).answer(args)
}

func (l *listener) answer(answers []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = answers
	if len(answers) == 0 {
		l.answers = []string{"200"}
	}
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	switch answer := l.hear(r, body); answer {
	case "drop":
		panic(http.ErrAbortHandler)
	case "hang":
		select {
		case <-l.release:
		case <-r.Context().Done():
		}
	default:
		text, after, found := strings.Cut(answer, "/")
		if found {
			w.Header().Set("Retry-After", after)
		}
		status, _ := strconv.Atoi(text)
		w.Header().Set("Location", "/login")
		w.WriteHeader(status)
		fmt.Fprintf(w, "This is the sentence of a %d.\n", status)
	}
}

// hear writes a request down and gives what to answer.
func (l *listener) hear(r *http.Request, body []byte) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	answer := l.answers[0]
	if len(l.answers) > 1 {
		l.answers = l.answers[1:]
	}
	line := fmt.Sprintf("%s %s%s", r.Method, strings.ReplaceAll(r.URL.Path, scriptToken, "TOKEN"), l.query(r.URL.Query()))
	switch {
	case len(body) > 200:
		line += fmt.Sprintf(" body: %d bytes", len(body))
	case len(body) > 0:
		line += fmt.Sprintf(" body: %q", body)
	}
	f, err := os.OpenFile(l.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintln(f, line)
		err = errors.Join(err, f.Close())
	}
	if err == nil && len(body) > 0 {
		err = os.WriteFile(filepath.Join(filepath.Dir(l.file), "body"), body, 0o644)
	}
	if err != nil {
		panic(err) // the script will miss it
	}
	return answer
}

// query writes what differs from run to run as what it is: a run's number for
// its id, N for a duration and TIME for a time.
func (l *listener) query(q url.Values) string {
	names := []string{}
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	var text string
	for _, name := range names {
		value := q.Get(name)
		switch name {
		case "rid":
			if !slices.Contains(l.runs, value) {
				l.runs = append(l.runs, value)
			}
			value = strconv.Itoa(slices.Index(l.runs, value) + 1)
		case "d":
			if _, err := strconv.ParseFloat(value, 64); err == nil {
				value = "N"
			}
		case "at":
			if at, err := time.Parse(time.RFC3339Nano, value); err == nil && time.Since(at) < time.Minute {
				value = "TIME"
			}
		}
		text += " " + name + "=" + value
	}
	return text
}

// status runs a command, which has to end with the exit status given:
// status 3 kae exec $TOKEN -- sh -c 'exit 3'.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status STATUS COMMAND [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// takes runs a command, which has to take between two lengths of time:
// takes 1s 4s kae exec … .
func takes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: takes LEAST MOST COMMAND [ARGUMENT...]")
	}
	least, err := time.ParseDuration(args[0])
	ts.Check(err)
	most, err := time.ParseDuration(args[1])
	ts.Check(err)
	begin := time.Now()
	ts.Check(ts.Exec(args[2], args[3:]...))
	if took := time.Since(begin); took < least || took > most {
		ts.Fatalf("it took %v, want %v to %v", took, least, most)
	}
}

// interruptions is a program that counts how often it is interrupted, until it
// is terminated. A shell would not do: it takes two at once for one.
func interruptions() {
	came := make(chan os.Signal, 16)
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
	fmt.Println("ready")
	for n := 1; <-came == os.Interrupt; n++ {
		fmt.Println("interrupted", n)
	}
	os.Exit(9)
}

func setupScript(env *testscript.Env) error {
	env.Values["listener"] = new(*listener)
	env.Setenv("TOKEN", scriptToken)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector sleeps for a second at the end of each process
	return nil
}
