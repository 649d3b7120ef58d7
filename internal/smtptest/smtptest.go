// Package smtptest runs a real SMTP server for tests: aiosmtpd, as Debian has it.
package smtptest

import (
	"bytes"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The account that the server knows after STARTTLS. It takes mails of nobody,
// too.
const (
	User     = "kae"
	Password = "hunter2222"
)

// Gone is a recipient who is not there any more.
const Gone = "gone@example.org"

// Letter is a mail that came.
type Letter struct {
	From, User string
	To         []string
	TLS        bool
	Text       string
}

// Server is a server that runs until the test ends.
type Server struct {
	Addr string
	Cert string // a file: what has to be trusted

	letters string // a file, too
}

//go:embed testdata/office.py
var office []byte

// Start starts a server at 127.0.0.1 that is spoken to as encryption tells:
// "starttls", on which it insists; "tls", from the start; or "none".
//
// Without aiosmtpd the test is skipped, but fails where the environment
// variable CI is set.
func Start(t testing.TB, encryption string) *Server {
	t.Helper()
	program, err := exec.LookPath("aiosmtpd")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no aiosmtpd; scripts/install-test-tools.sh installs it")
		}
		t.Skip("there is no aiosmtpd")
	}
	dir := t.TempDir()
	s := &Server{Addr: freeAddr(t), Cert: filepath.Join(dir, "cert.pem"), letters: filepath.Join(dir, "letters")}
	key := filepath.Join(dir, "key.pem")
	certify(t, s.Cert, key)
	write(t, filepath.Join(dir, "office.py"), office)
	args := []string{"--nosetuid", "--listen", s.Addr, "--class", "office.Office"}
	switch encryption {
	case "starttls":
		args = append(args, "--tlscert", s.Cert, "--tlskey", key)
	case "tls":
		args = append(args, "--smtpscert", s.Cert, "--smtpskey", key)
	}
	cmd := exec.Command(program, append(args, s.letters, User, Password, Gone)...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said bytes.Buffer
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
		if t.Failed() && said.Len() > 0 {
			t.Logf("aiosmtpd said: %s", &said)
		}
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		if conn, err := net.Dial("tcp", s.Addr); err == nil {
			conn.Close()
			return s
		}
		select {
		case <-ended:
			t.Fatal("aiosmtpd ended")
		default:
		}
		if time.Now().After(end) {
			t.Fatal("aiosmtpd does not answer")
		}
	}
}

// Letters gives the mails that came so far: all that were accepted.
func (s *Server) Letters(t testing.TB) []Letter {
	t.Helper()
	text, err := os.ReadFile(s.letters)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var all []Letter
	// A line without its end is being written.
	for line := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		var l Letter
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// certify writes a certificate for 127.0.0.1 and its key: those that Go's own
// HTTPS server has for tests.
func certify(t testing.TB, cert, key string) {
	t.Helper()
	made := httptest.NewUnstartedServer(nil)
	made.StartTLS()
	defer made.Close()
	private, err := x509.MarshalPKCS8PrivateKey(made.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate().Raw}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func write(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
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
	return l.Addr().String()
}
