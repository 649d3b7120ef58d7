package storetest

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Postgres gives the URL of an empty schema in a PostgreSQL that runs as long
// as this test program. The user "locked" needs a password, whatever it is.
//
// Without Debian's PostgreSQL the test is skipped, but fails where the
// environment variable CI is set.
func Postgres(t testing.TB) string {
	t.Helper()
	dir, err := server()
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("test_%d", schemas.Add(1))
	if err := psql(dir, "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	return "postgres://postgres@/postgres?" + url.Values{"host": {dir}, "search_path": {schema}}.Encode()
}

// PostgresExec runs statements in the schema of a URL that [Postgres] gave, as
// somebody else than the store under test.
func PostgresExec(t testing.TB, dsn, text string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if err := psql(q.Get("host"), "SET search_path = "+q.Get("search_path")+"; "+text); err != nil {
		t.Fatal(err)
	}
}

var schemas atomic.Int64

// server starts PostgreSQL once and gives the directory of its socket.
var server = sync.OnceValues(func() (string, error) {
	bin, err := program("postgres")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "kae-postgres-")
	if err != nil {
		return "", err
	}
	attr := &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is ours to hand on
	if os.Geteuid() == 0 {
		// PostgreSQL refuses to run as root.
		who, err := user.Lookup("postgres")
		if err != nil {
			return "", err
		}
		uid, err := strconv.Atoi(who.Uid)
		if err != nil {
			return "", err
		}
		gid, err := strconv.Atoi(who.Gid)
		if err != nil {
			return "", err
		}
		if err := os.Chown(dir, uid, gid); err != nil {
			return "", err
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	// The shell ends the server and tidies up once the pipe to it closes,
	// which it does however this program ends.
	cmd := exec.Command("/bin/sh", "-c", `
		cd "$1" || exit
		"$2/initdb" -D data -U postgres -N -A trust -E UTF8 --no-locale >log 2>&1 &&
		printf 'local all locked scram-sha-256\nlocal all all trust\n' >data/pg_hba.conf &&
		"$2/postgres" -D data -k "$1" -c listen_addresses= -c fsync=off -c full_page_writes=off \
			-c shared_buffers=32MB -c max_connections=200 >>log 2>&1 &
		cat >/dev/null
		trap '' TERM
		kill -TERM 0
		test -f data/postmaster.pid && kill -QUIT "$(head -n 1 data/postmaster.pid)"
		wait
		cd / && rm -rf "$1"`, "sh", dir, filepath.Dir(bin))
	cmd.SysProcAttr = attr
	if _, err := cmd.StdinPipe(); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	go cmd.Wait() // as long as this program; without it the garbage collector would close the pipe
	for deadline := time.Now().Add(time.Minute); ; {
		err := psql(dir, "SELECT 1")
		if err == nil {
			return dir, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return "", fmt.Errorf("PostgreSQL does not start: %w\n%s", err, log)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
})

// program finds the newest of Debian's PostgreSQL programs of a name.
func program(name string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("no PostgreSQL in /usr/lib/postgresql: %w", fs.ErrNotExist)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
}

func psql(dir, text string) error {
	bin, err := program("psql")
	if err != nil {
		return err
	}
	out, err := exec.Command(bin, "-X", "-q", "-h", dir, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", text, "postgres").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
