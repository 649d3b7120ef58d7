package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"kae/internal/storetest"
)

func TestAStopWithOpenPagesIsQuickAndOrderly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, dir)
	made := p.create("a", 3600)
	p.beat(made.Value)
	ended := make(chan error)
	for range 5 {
		response, err := http.Get(p.url + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if got := response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
			t.Fatalf("the stream of events is %s %q", response.Status, got)
		}
		lines := bufio.NewScanner(response.Body)
		if !lines.Scan() {
			t.Fatal("a stream without a line")
		}
		go func() {
			for lines.Scan() {
			}
			ended <- lines.Err()
		}()
	}
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
	for range 5 {
		if err := <-ended; err != nil {
			t.Errorf("a stream was torn: %v", err)
		}
	}
	p = launch(t, dir)
	eventually(t, 5*time.Second, func() error { return p.stdout.contains("Watching 1 token: 1 up.") })
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir())
	// A request that does not end holds the stop up, for ten seconds at most.
	made := p.create("a", 3600)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /hb/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n", made.Value)
	// Once it is asked for the body, the request is under way.
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q, %v", line, err)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	eventually(t, 5*time.Second, func() error { return p.stderr.contains("stopping") })
	// The signals' usual effect is back a moment after the first one.
	eventually(t, 5*time.Second, func() error {
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.exited:
			return nil
		default:
			return fmt.Errorf("kae still runs")
		}
	})
	if p.cmd.ProcessState.Success() {
		t.Error("cut short, and yet exit status 0")
	}
}

// oneSentence checks that kae failed in the way that people can read.
func oneSentence(t *testing.T, status int, said, want string) {
	t.Helper()
	if status != exitFailed || !strings.HasPrefix(said, "kae: ") || strings.Count(said, "\n") != 1 {
		t.Errorf("exit status %d and %q, want 1 and one sentence", status, said)
	}
	if !regexp.MustCompile(want).MatchString(said) {
		t.Errorf("%q does not say %s", said, want)
	}
}

func TestASecondKaeOnTheSameDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, db := range map[string]func(t *testing.T) string{
		"SQLite":     func(*testing.T) string { return "kae.sqlite" },
		"PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, db := t.TempDir(), db(t)
			p := launch(t, dir, "-db", db)
			status, said := fail(t, dir, "-db", db, "-addr", "127.0.0.1:0")
			oneSentence(t, status, said, "in use by another kae")
			// The first one goes on, and after it is gone, however, there is room again.
			p.create("a", 60)
			p.kill()
			launch(t, dir, "-db", db).stop()
		})
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	addr := listener.Addr().String()
	dir := t.TempDir()
	status, said := fail(t, dir, "-addr", addr)
	oneSentence(t, status, said, regexp.QuoteMeta(addr))
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("a start that failed left something behind: %v, %v", left, err)
	}
}

func TestADatabaseOfANewerKaeIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	launch(t, dir).stop()
	db, err := sql.Open("sqlite", filepath.Join(dir, "kae.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO kae_schema (version_id, is_applied) VALUES (4711, 1)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	status, said := fail(t, dir, "-addr", "127.0.0.1:0")
	oneSentence(t, status, said, "4711.* 5\\b")
}
