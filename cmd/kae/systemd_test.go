package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kae/internal/storetest"
)

// manager is a service manager as kae knows one: a socket.
type manager struct {
	testing.TB
	*net.UnixConn
	name string
}

func manage(t *testing.T, name string) *manager {
	t.Helper()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return &manager{t, socket, name}
}

// next gives the next message, or "" when none comes in time.
func (m *manager) next(limit time.Duration) string {
	m.Helper()
	b := make([]byte, 4096)
	if err := m.SetReadDeadline(time.Now().Add(limit)); err != nil {
		m.Fatal(err)
	}
	n, err := m.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ""
	}
	if err != nil {
		m.Fatal(err)
	}
	return string(b[:n])
}

// until reads messages up to the one wanted.
func (m *manager) until(want string, limit time.Duration) {
	m.Helper()
	var read []string
	for end := time.Now().Add(limit); ; {
		got := m.next(time.Until(end))
		if got == want {
			return
		}
		if read = append(read, got); got == "" {
			m.Fatalf("no %q within %v, but %q", want, limit, read)
		}
	}
}

// supervised starts a kae under a service manager, with a watchdog if wanted.
func supervised(t *testing.T, m *manager, watchdog time.Duration, args ...string) *program {
	t.Helper()
	p := prepare(t, t.TempDir(), append([]string{"-addr", "127.0.0.1:0", "-delaySecs", "1"}, args...)...)
	p.cmd.Env = append(p.cmd.Env, "NOTIFY_SOCKET="+m.name)
	if watchdog > 0 {
		p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	}
	return p
}

func TestTheServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	for name, socket := range map[string]string{
		"by a socket in the file system": filepath.Join(t.TempDir(), "notify"),
		"by an abstract socket":          fmt.Sprintf("@kae-test-%d", os.Getpid()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := manage(t, socket)
			// Tokens are there from an earlier life.
			p := supervised(t, m, 300*time.Millisecond).serving()
			if got, want := m.next(10*time.Second), "READY=1\nSTATUS=0 of 0 tokens firing"; got != want {
				t.Fatalf("told %q first, want %q", got, want)
			}
			p.create("nightly", 3600)
			m.until("STATUS=0 of 1 token firing", 5*time.Second)
			hasty := p.create("hasty", 1)
			p.beat(hasty.Value)
			m.until("STATUS=1 of 2 tokens firing", 10*time.Second)
			m.until("WATCHDOG=1", 5*time.Second)
			p.stop()
			m.until("STOPPING=1", time.Second)
			if last := m.next(10 * time.Millisecond); last != "" {
				t.Errorf("told %q after the end", last)
			}
		})
	}
}

// While kae can't open its database it must not be called ready.
func TestReadyComesAfterTheConsoleAnswers(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	launch(t, t.TempDir(), "-db", dsn).stop() // makes the tables
	locked := lockTable(t, dsn, "clock")
	m := manage(t, filepath.Join(t.TempDir(), "notify"))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	p := supervised(t, m, 0, "-addr", addr, "-db", dsn)
	p.begin()
	hasty := http.Client{Timeout: 500 * time.Millisecond}
	eventually(t, 10*time.Second, func() error { // it listens, and does not answer
		c, err := net.DialTimeout("tcp", addr, 100*time.Millisecond)
		if err == nil {
			c.Close()
		}
		return err
	})
	if response, err := hasty.Get("http://" + addr + "/healthz"); err == nil {
		t.Fatalf("it answers %s without its database", response.Status)
	}
	if got := m.next(10 * time.Millisecond); got != "" {
		t.Fatalf("told %q before the console answers", got)
	}
	locked()
	if got := m.next(10 * time.Second); !strings.HasPrefix(got, "READY=1\n") {
		t.Fatalf("told %q, want READY=1", got)
	}
	response, err := hasty.Get("http://" + addr + "/healthz")
	if err != nil {
		t.Fatalf("kae called itself ready: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("kae called itself ready, and is %s", response.Status)
	}
}

// A commit that never comes back stops the loop: nothing would ever fire.
func TestTheWatchdogHearsNothingFromALoopThatHangs(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	m := manage(t, filepath.Join(t.TempDir(), "notify"))
	p := supervised(t, m, 300*time.Millisecond, "-db", dsn).serving()
	m.until("WATCHDOG=1", 5*time.Second)
	unlock := lockTable(t, dsn, "clock") // the next sign of life waits for it
	quiet := func() error {
		if got := m.next(2 * time.Second); got != "" {
			return fmt.Errorf("still told %q", got)
		}
		return nil
	}
	eventually(t, 15*time.Second, quiet)
	response, err := http.Get(p.url + "/static/kae.css")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close() // kae itself runs: it is the loop that is missing
	unlock()
	m.until("WATCHDOG=1", 20*time.Second)
}

// A database that fails is not mended by starting kae anew.
func TestTheWatchdogIsContentWhileTheDatabaseFails(t *testing.T) {
	t.Parallel()
	m := manage(t, filepath.Join(t.TempDir(), "notify"))
	dsn := storetest.Postgres(t)
	p := supervised(t, m, 300*time.Millisecond, "-db", dsn).serving()
	m.until("WATCHDOG=1", 5*time.Second)
	storetest.PostgresExec(t, dsn, "ALTER TABLE clock RENAME TO elsewhere")
	eventually(t, 10*time.Second, func() error {
		if status := p.fetch("/healthz", nil, nil); status != http.StatusServiceUnavailable {
			return fmt.Errorf("healthz says %d", status)
		}
		return nil
	})
	for failing := false; !failing; {
		got := m.next(5 * time.Second)
		if got == "" {
			t.Fatal("nothing is told of a database that fails")
		}
		failing = strings.HasPrefix(got, "STATUS=The database fails since ")
	}
	for range 3 {
		m.until("WATCHDOG=1", 5*time.Second)
	}
}

// lockTable keeps everybody from a table until it is unlocked.
func lockTable(t *testing.T, dsn, table string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}
