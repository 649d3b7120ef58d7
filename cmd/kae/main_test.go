package main

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// This test program is also kae: started under that name, found in the PATH of
// the tests, it is the real main. So there is one binary to build, and with
// the race detector it watches kae's own processes too.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kae": main, "interruptions": interruptions})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fails":    fails,
			"status":   status,
			"takes":    takes,
			"listen":   listenTo,
			"answers":  answers,
			"database": databaseOf,
		},
		Setup:               setupScript,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// fails runs kae, which has to end with the exit status given and to say why
// in one line: fails 2 -bogus.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: fails STATUS [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var exit *exec.ExitError
	if err := ts.Exec("kae", args[1:]...); !errors.As(err, &exit) {
		ts.Fatalf("kae did not fail: %v", err)
	}
	if got := exit.ExitCode(); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	said := ts.ReadFile("stderr")
	if !strings.HasPrefix(said, "kae: ") || strings.Count(said, "\n") != 1 || ts.ReadFile("stdout") != "" {
		ts.Fatalf("kae did not say what is wrong in one line on standard error")
	}
}

func TestRunIsAValueThatATestCanStart(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr output
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"kae", "-addr", "127.0.0.1:0"}, func(string) string { return "" }, &stdout, &stderr)
	}()
	eventually(t, 10*time.Second, func() error { return stdout.contains("http://127.0.0.1:") })
	cancel()
	select {
	case got := <-status:
		if got != exitOK {
			t.Errorf("exit status %d\n%s", got, stderr.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("kae does not end with its context")
	}
}
