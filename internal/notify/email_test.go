package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// postOffice is a real SMTP server. The errors that it is given are its answers.
type postOffice struct {
	addr  string
	roots *x509.CertPool

	mu                     sync.Mutex
	letters                []letterIn
	onAuth, onRcpt, onData error
	left                   string // a recipient who is not there any more
}

type letterIn struct {
	from, user string
	to         []string
	tls        bool
	text       string
}

// openOffice starts one that speaks TLS at once, or after STARTTLS.
func openOffice(t testing.TB, atOnce bool) *postOffice {
	t.Helper()
	made := httptest.NewUnstartedServer(nil) // for its certificate
	made.StartTLS()
	t.Cleanup(made.Close)
	p := &postOffice{roots: x509.NewCertPool()}
	p.roots.AddCert(made.Certificate())
	s := smtp.NewServer(p)
	s.Domain, s.ErrorLog = "mx.example.com", discard
	s.TLSConfig = &tls.Config{Certificates: made.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	if atOnce {
		l = tls.NewListener(l, s.TLSConfig)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-served })
	return p
}

func (p *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{office: p, conn: c}, nil
}

type session struct {
	office *postOffice
	conn   *smtp.Conn
	letter letterIn
}

func (s *session) Reset()                                      { s.letter = letterIn{user: s.letter.user} }
func (s *session) Logout() error                               { return nil }
func (s *session) AuthMechanisms() []string                    { return []string{sasl.Plain} }
func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.letter.from = from; return nil }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "kae" || password != "hunter2222" {
			return smtp.ErrAuthFailed
		}
		s.letter.user = user
		return s.office.onAuth
	}), nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == s.office.left {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.NoEnhancedCode, Message: "no such user"}
	}
	s.letter.to = append(s.letter.to, to)
	return s.office.onRcpt
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if s.office.onData != nil {
		return s.office.onData
	}
	if err != nil {
		return err
	}
	s.letter.text = string(b)
	_, s.letter.tls = s.conn.TLSConnectionState()
	s.office.mu.Lock()
	s.office.letters = append(s.office.letters, s.letter)
	s.office.mu.Unlock()
	return nil
}

func (p *postOffice) got() []letterIn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]letterIn{}, p.letters...)
}

func (p *postOffice) channel(t testing.TB, o Options, values ...string) Sender {
	t.Helper()
	s := open(t, "email", o, append([]string{"server", p.addr, "from", "kae <kae@example.com>", "to", "ops@example.org, Ana <ana@example.org>"}, values...)...)
	s.(*channel).outside.roots = p.roots
	return s
}

// read gives a mail as its reader has it: headers, then each part decoded.
func (l letterIn) read(t *testing.T) string {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(l.text))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range []string{"From", "To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Auto-Submitted", "User-Agent"} {
		value, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("it is %s (%v)", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := part.Header.Get("Content-Transfer-Encoding"); got != "quoted-printable" {
			t.Fatalf("the part is %s", got)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n-- %s\n\n%s", part.Header.Get("Content-Type"), strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
}

func TestEmail(t *testing.T) {
	p := openOffice(t, false)
	s := p.channel(t, Options{Agent: "kae/1.2"}, "user", "kae", "password", "hunter2222")
	all := ""
	for i, name := range append(shown, "storm") {
		answer, err := s.Send(t.Context(), scenes(t)[name])
		if err != nil || !strings.Contains(answer, "queued") {
			t.Fatalf("%s: %q, %v", name, answer, err)
		}
		all += "==== " + name + "\n\n" + p.got()[i].read(t) + "\n"
	}
	golden(t, "email", all)
	if l := p.got()[0]; l.from != "kae@example.com" || strings.Join(l.to, " ") != "ops@example.org ana@example.org" || l.user != "kae" || !l.tls {
		t.Errorf("it came from %q to %q, of user %q, by TLS %t", l.from, l.to, l.user, l.tls)
	}
}

func TestEmailByTLSFromTheStart(t *testing.T) {
	p := openOffice(t, true)
	s := p.channel(t, Options{}, "encryption", "tls", "user", "kae", "password", "hunter2222")
	if _, err := send(t, s); err != nil {
		t.Fatal(err)
	}
	if l := p.got()[0]; !l.tls || l.user != "kae" {
		t.Errorf("it came %+v", l)
	}
}

// The same message has the same Message-ID, and the firing and its end refer to
// the same mail.
func TestEmailsThread(t *testing.T) {
	o := newOutside(Options{})
	s := settings{"from": "kae@example.com", "to": "a@example.com"}
	header := func(m Message, name string) string {
		letter, err := letterOf(o, s, m)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		letter.WriteTo(&b)
		got, err := netmail.ReadMessage(strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		return got.Header.Get(name)
	}
	begins, ends := scenes(t)["missed"], scenes(t)["recovered"]
	if a, b := header(begins, "References"), header(ends, "References"); a != b || a == "" {
		t.Errorf("References are %q, then %q", a, b)
	}
	if a, b := header(begins, "Message-Id"), header(begins, "Message-Id"); a != b || a != "<kae-missed-1@example.com>" {
		t.Errorf("Message-IDs are %q, then %q", a, b)
	}
	begins.Key = "a b<c>"
	if a := header(begins, "Message-Id"); !strings.HasPrefix(a, "<") || strings.ContainsAny(a, " ") || strings.Count(a, "<") != 1 {
		t.Errorf("the Message-ID is %q", a)
	}
}

func TestEmailRefused(t *testing.T) {
	answer := func(code int) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "no hunter2222"}
	}
	for _, c := range []struct {
		name      string
		prepare   func(*postOffice)
		password  string
		permanent bool
		says      string
	}{
		{"mailbox is not there", func(p *postOffice) { p.onRcpt = answer(550) }, "hunter2222", true, "550"},
		{"greylisted", func(p *postOffice) { p.onRcpt = answer(451) }, "hunter2222", false, "451"},
		{"taken for spam", func(p *postOffice) { p.onData = answer(554) }, "hunter2222", true, "554"},
		{"full", func(p *postOffice) { p.onData = answer(452) }, "hunter2222", false, "452"},
		{"wrong password", func(*postOffice) {}, "hunter3", true, "535"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := openOffice(t, false)
			c.prepare(p)
			_, err := send(t, p.channel(t, Options{}, "user", "kae", "password", c.password))
			refused, ok := errors.AsType[*Refused](err)
			if !ok || refused.Permanent != c.permanent || !strings.Contains(refused.Answer, c.says) || strings.Contains(refused.Answer, "hunter") {
				t.Errorf("got %#v: %v", err, err)
			}
			if n := len(p.got()); n > 0 {
				t.Errorf("%d came", n)
			}
		})
	}
}

// Whoever left does not keep a mail from the others, and is named.
func TestEmailToSomebodyWhoLeft(t *testing.T) {
	p := openOffice(t, false)
	p.left = "ops@example.org"
	answer, err := send(t, p.channel(t, Options{}, "user", "kae", "password", "hunter2222"))
	if err != nil || !strings.Contains(answer, "but not for ops@example.org") || !strings.Contains(answer, "550") {
		t.Errorf("answered %q, %v", answer, err)
	}
	if got := p.got(); len(got) != 1 || strings.Join(got[0].to, " ") != "ana@example.org" {
		t.Errorf("it came to %v", got)
	}
}

// Passwords do not go out unencrypted, nor to somebody else's certificate.
func TestEmailKeepsItsPassword(t *testing.T) {
	p := openOffice(t, false)
	untrusted := p.channel(t, Options{}, "user", "kae", "password", "hunter2222")
	untrusted.(*channel).outside.roots = x509.NewCertPool()
	plain := p.channel(t, Options{}, "encryption", "none", "user", "kae", "password", "hunter2222")
	denied := p.channel(t, Options{DenyPrivate: true})
	noTLS := open(t, "email", Options{}, "server", silentFrom(t, "never", nil), "from", "a@example.com", "to", "b@example.com")
	for name, s := range map[string]Sender{"untrusted": untrusted, "plain": plain, "private": denied, "no STARTTLS": noTLS} {
		_, err := send(t, s)
		if refused, ok := errors.AsType[*Refused](err); !ok || refused.Permanent || strings.Contains(err.Error(), "hunter") { // it surely did not arrive
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(p.got()); n > 0 {
		t.Errorf("%d came", n)
	}
	if _, err := send(t, p.channel(t, Options{}, "encryption", "none")); err != nil || len(p.got()) != 1 {
		t.Errorf("without a password and encryption: %v", err)
	}
}

// A server that says nothing any more is not waited for.
func TestEmailToSilentServer(t *testing.T) {
	for _, until := range []string{"", "EHLO", "DATA", ".", "QUIT"} {
		t.Run("from "+until, func(t *testing.T) {
			addr := silentFrom(t, until, nil)
			s := open(t, "email", Options{Timeout: 200 * time.Millisecond}, "server", addr, "from", "a@example.com", "to", "b@example.com", "encryption", "none")
			began := time.Now()
			_, err := send(t, s)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("it took %s", took)
			}
			// What was taken was taken.
			if until == "QUIT" && err != nil || until != "QUIT" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Who stops kae does not wait for a mail server.
func TestEmailEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := silentFrom(t, "DATA", cancel)
	began := time.Now()
	_, err := open(t, "email", Options{}, "server", addr, "from", "a@example.com", "to", "b@example.com", "encryption", "none").Send(ctx, scenes(t)["missed"])
	if took := time.Since(began); !errors.Is(err, context.Canceled) || took > 5*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
}

// silentFrom is a server that accepts everything until a command, when it tells
// so and says nothing more.
func silentFrom(t *testing.T, until string, tell func()) string {
	return listen(t, func(c net.Conn) { serveUntil(c, until, tell) })
}

func serveUntil(c net.Conn, until string, tell func()) {
	defer c.Close()
	if until == "" {
		io.Copy(io.Discard, c)
		return
	}
	fmt.Fprint(c, "220 mx.example.com ESMTP\r\n")
	in, data := newReader(c), false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		word := strings.ToUpper(strings.Fields(line + " x")[0])
		switch {
		case data && word != ".":
			continue
		case word == until:
			if tell != nil {
				tell()
			}
			io.Copy(io.Discard, c)
			return
		case word == "DATA":
			data = true
			fmt.Fprint(c, "354 go on\r\n")
			continue
		}
		data = false
		fmt.Fprint(c, "250 fine\r\n")
	}
}
