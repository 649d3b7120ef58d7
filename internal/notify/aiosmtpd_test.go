package notify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"

	"kae/internal/smtptest"
)

// toAiosmtpd opens a channel to the mail server of other people. It has a
// password where the server takes one.
func toAiosmtpd(t *testing.T, server *smtptest.Server, encryption string, values ...string) Sender {
	t.Helper()
	roots := x509.NewCertPool()
	cert, err := os.ReadFile(server.Cert)
	if err != nil || !roots.AppendCertsFromPEM(cert) {
		t.Fatalf("there is no certificate: %v", err)
	}
	all := []string{"server", server.Addr, "encryption", encryption, "from", "kae <kae@example.com>", "to", "ops@example.org, Ana <ana@example.org>"}
	if encryption == "starttls" {
		all = append(all, "user", smtptest.User, "password", smtptest.Password)
	}
	s := open(t, "email", Options{Agent: "kae/1.2"}, append(all, values...)...)
	s.(*channel).outside.roots = roots
	return s
}

func letterOfAiosmtpd(l smtptest.Letter) letterIn {
	return letterIn{from: l.From, user: l.User, to: l.To, tls: l.TLS, text: l.Text}
}

// The same mails come as with the other server, however it is spoken to.
func TestEmailToAiosmtpd(t *testing.T) {
	for encryption, user := range map[string]string{"starttls": smtptest.User, "tls": "", "none": ""} {
		t.Run(encryption, func(t *testing.T) {
			server := smtptest.Start(t, encryption)
			s := toAiosmtpd(t, server, encryption)
			all := ""
			for i, name := range append(shown, "storm") {
				answer, err := s.Send(t.Context(), scenes(t)[name])
				if err != nil || !strings.HasSuffix(answer, fmt.Sprintf("queued as %d", i+1)) {
					t.Fatalf("%s: %q, %v", name, answer, err)
				}
				l := letterOfAiosmtpd(server.Letters(t)[i])
				if l.from != "kae@example.com" || strings.Join(l.to, " ") != "ops@example.org ana@example.org" || l.user != user || l.tls != (encryption != "none") {
					t.Errorf("%s came from %q to %q, of user %q, by TLS %t", name, l.from, l.to, l.user, l.tls)
				}
				all += "==== " + name + "\n\n" + l.read(t) + "\n"
			}
			golden(t, "email", all)
		})
	}
}

// Whatever alphabet somebody writes, and wherever a line has its dots: a firing
// and its end arrive whole, as one thread, by a server that takes only ASCII.
func TestEmailsOfAllAlphabetsThread(t *testing.T) {
	server := smtptest.Start(t, "starttls")
	s := toAiosmtpd(t, server, "starttls", "to", "ops@example.org, Ána Ñandú <ana@example.org>, Іван <ivan@example.net>")
	const name, runbook = "Резервна копія „Größe“ 💾", "..\n.\nДзвони Ані."
	begins, ends := scenes(t)["failed"], scenes(t)["recovered"]
	ends.Events[0].Fired = begins.Events[0].Fired
	begins.Events[0].Beat.Body = []byte(strings.Repeat("ж", 3000) + "\n.\nкінець <ж>\n")
	for _, m := range []Message{begins, ends} {
		m.Events[0].Token.Name, m.Events[0].Token.Description = name, runbook
		if _, err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	const thread = "\nReferences: <kae-1-1795485852@example.com>\n"
	for i, wanted := range [][]string{
		{"Subject: " + name + " failed with exit status 1\n", "Message-Id: <kae-failed-1@example.com>\n",
			"жжж\n    .\n    кінець <ж>\n", "жжж\n.\nкінець &lt;ж&gt;</pre>", "\n" + runbook + "\n", ">" + runbook + "</p>"},
		{"Subject: " + name + " recovered after 2 h 20 min\n", "Message-Id: <kae-recovered-1@example.com>\n"},
	} {
		l := letterOfAiosmtpd(server.Letters(t)[i])
		if strings.Join(l.to, " ") != "ops@example.org ana@example.org ivan@example.net" || strings.ContainsFunc(l.text, func(r rune) bool { return r > unicode.MaxASCII }) {
			t.Errorf("it came to %q:\n%s", l.to, l.text)
		}
		got := l.read(t)
		for _, text := range append(wanted, thread, "\nTo: <ops@example.org>, Ána Ñandú <ana@example.org>, Іван <ivan@example.net>\n",
			"\n-- text/plain; charset=UTF-8\n", "\n-- text/html; charset=UTF-8\n") {
			if !strings.Contains(got, text) {
				t.Errorf("the mail lacks %q:\n%s", text, got)
			}
		}
	}
}

func TestAiosmtpdRefuses(t *testing.T) {
	server := smtptest.Start(t, "starttls")
	_, err := send(t, toAiosmtpd(t, server, "starttls", "password", "hunter3"))
	if refused, ok := errors.AsType[*Refused](err); !ok || !refused.Permanent || !strings.Contains(refused.Answer, "535") {
		t.Errorf("a wrong password: %#v", err)
	}
	answer, err := send(t, toAiosmtpd(t, server, "starttls", "to", smtptest.Gone+", ana@example.org"))
	if err != nil || !strings.Contains(answer, "but not for "+smtptest.Gone) || !strings.Contains(answer, "550") {
		t.Errorf("to somebody who left: %q, %v", answer, err)
	}
	if got := server.Letters(t); len(got) != 1 || strings.Join(got[0].To, " ") != "ana@example.org" {
		t.Errorf("it came to %v", got)
	}
}
