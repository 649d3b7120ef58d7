// Package s3test runs a real S3 server for tests: versitygw, which keeps its
// objects in a directory.
package s3test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Version is the version that scripts/install-versitygw.sh builds.
const Version = "v1.8.0"

// The key that the server takes.
const (
	Key    = "test-key"
	Secret = "test-secret"
)

// Server is a server that runs until the test ends.
type Server struct {
	Endpoint string // http://127.0.0.1:port
	Dir      string // a directory for each bucket, in it a file for each object
}

// Start starts a server with a bucket of the name given.
//
// Where the server was not built the test is skipped, but fails where the
// environment variable CI is set.
func Start(t testing.TB, bucket string) *Server {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(cache, "kae", "versitygw-"+Version)
	if _, err := os.Stat(program); errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skip("there is no versitygw: scripts/install-versitygw.sh builds it")
	} else if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(s.Dir, bucket), 0o700); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	s.Endpoint = "http://" + addr
	cmd := exec.Command(program, "--quiet", "--port", addr, "posix", s.Dir)
	cmd.Env = []string{"ROOT_ACCESS_KEY=" + Key, "ROOT_SECRET_KEY=" + Secret}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said limited
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return s
		}
		select {
		case <-ended:
			t.Fatalf("versitygw ended: %s", said)
		default:
		}
		if time.Now().After(end) {
			t.Fatal("versitygw does not answer")
		}
	}
}

// freeAddr gives an address that nobody listens on just now.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}

// limited keeps the beginning of what a server says.
type limited []byte

func (l *limited) Write(b []byte) (int, error) {
	*l = append(*l, b[:min(len(b), 10_000-len(*l))]...)
	return len(b), nil
}
