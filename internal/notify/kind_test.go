package notify

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kae"
)

var discard = log.New(io.Discard, "", 0)

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

// fields gives the fields that errors are about.
func fields(t *testing.T, err error) string {
	t.Helper()
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	var names []string
	for _, err := range all {
		e, ok := errors.AsType[*kae.Error](err)
		if !ok || e.Code != kae.Invalid || e.Message == "" {
			t.Errorf("no error of a form: %v", err)
			continue
		}
		names = append(names, e.Field)
	}
	return strings.Join(names, " ")
}

func TestSettingsAreChecked(t *testing.T) {
	for _, c := range []struct {
		name, kind, wrong string
		values            []string
	}{
		{"no such kind", "pigeon", "kind", nil},
		{"nothing is there", "webhook", "url", []string{"url", " "}},
		{"everything is wrong", "webhook", "url method headers", []string{"url", "example.com", "method", "FETCH", "headers", "nonsense"}},
		{"a header that is kae's", "webhook", "headers", []string{"url", "http://a", "headers", "idempotency-key: 1"}},
		{"a template that can't be read", "webhook", "body", []string{"url", "http://a", "body", "{{"}},
		{"a template of something unknown", "webhook", "body", []string{"url", "http://a", "body", "{{.Value}}"}},
		{"a template without an end", "webhook", "body", []string{"url", "http://a", "body", "{{range 1000000000}}much {{end}}"}},
		{"quotes that break JSON", "webhook", "body", []string{"url", "http://a", "body", `{"a":"{{(index .Alerts 0).Token.Name}}"}`}},
		{"nothing to say of a recovery", "webhook", "body", []string{"url", "http://a", "body", `{{if .Firing}}{"a": 1}{{end}}`}},
		{"several alerts that break JSON", "webhook", "body", []string{"url", "http://a", "body", `{"a":[{{range .Alerts}}{{json .Title}}{{end}}]}`}},
		{"everything with a template", "webhook", "url body", []string{"url", "a", "body", "{{range 9}}{{end}}"}},
		{"a method that is none", "webhook", "method", []string{"url", "http://a", "method", "post"}},
		{"no topic", "ntfy", "url", []string{"url", "https://ntfy.sh/"}},
		{"no bot, no chat", "telegram", "token chat server", []string{"token", "x", "chat", "Ana", "server", "x"}},
		{"no key", "pagerduty", "key", []string{"key", "two words"}},
		{"labels that are none", "alertmanager", "url labels", []string{"url", "http://u:p@a", "labels", "a-b=c"}},
		{"a password without a user", "alertmanager", "password", []string{"url", "http://a", "password", "x"}},
		{"no mail", "email", "to from server encryption", []string{"to", "nobody", "from", "a@b, c@d", "server", "http://a", "encryption", "rot13"}},
		{"letters that not every mail server takes", "email", "to from", []string{"to", "Ána <ana@example.org>, ana@münchen.example", "from", "ána@example.org", "server", "a"}},
		{"a user without a password", "email", "password", []string{"to", "a@b", "from", "a@b", "server", "a", "user", "x"}},
		{"a program without its path", "command", "program", []string{"program", "rm -rf"}},
		{"a file without its path", "webhook", "secret", []string{"url", "http://a", "secret", "file:key"}},
		{"a variable without a name", "webhook", "secret", []string{"url", "http://a", "secret", "env:"}},
		{"variables that can't be any", "webhook", "url headers secret", []string{"url", "env:MY-HOOK", "headers", "env:MY HOOK", "secret", "env:2ND"}},
		{"kae's own password", "webhook", "headers secret", []string{"url", "http://a", "headers", "env:KAE_PASS", "secret", "env:kae_pass"}},
		{"a variable where there is no secret", "email", "to server", []string{"to", "env:TO", "from", "a@b", "server", "env:SMTP SERVER"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.kind, pairs(c.values), Options{AllowCommands: true})
			if err == nil {
				t.Fatal("there is no error")
			}
			if got := fields(t, err); got != c.wrong {
				t.Errorf("errors of %q, want %q: %v", got, c.wrong, err)
			}
		})
	}
}

// Every kind says what it is and needs, and its fields have names of their own.
func TestKindsDescribeThemselves(t *testing.T) {
	for _, k := range kinds {
		if k.Name == "" || k.Label == "" || !strings.HasSuffix(k.About, ".") || k.send == nil {
			t.Errorf("%+v is not all there", k)
		}
		var names []string
		for _, f := range k.Fields {
			if f.Label == "" || slices.Contains(names, f.Name) || f.Name == "name" || f.Name == "kind" {
				t.Errorf("%s has the field %+v", k.Name, f)
			}
			names = append(names, f.Name)
		}
		if !slices.Contains(names, k.where) {
			t.Errorf("%s does not tell where it goes", k.Name)
		}
	}
}

func TestWhereTellsNoSecret(t *testing.T) {
	for _, c := range []struct {
		kind, want string
		values     []string
	}{
		{"webhook", "hooks.example.com", []string{"url", "https://u:p@hooks.example.com/T0/secret"}},
		{"webhook", "", []string{"url", "file:/run/secrets/url"}},
		{"webhook", "", []string{"url", "env:HOOK"}},
		{"alertmanager", "", []string{"url", "env:HOOK"}},
		{"webhook", "", []string{"url", "secret"}},
		{"email", "ops@example.com", []string{"to", "ops@example.com"}},
		{"telegram", "@ops", []string{"chat", "@ops"}},
		{"ntfy", "ntfy.sh", []string{"url", "https://ntfy.sh/secret-topic"}},
		{"pigeon", "", nil},
	} {
		if got := Where(c.kind, pairs(c.values)); got != c.want {
			t.Errorf("%s %v: %q", c.kind, c.values, got)
		}
	}
}

// A secret in a file is read at each sending, so that it can be replaced.
func TestSecretsInFiles(t *testing.T) {
	r := receive(t, answering(200, "ok"))
	file := filepath.Join(t.TempDir(), "url")
	s := open(t, "webhook", Options{}, "url", "file:"+file)
	if _, err := send(t, s); kae.ErrorCode(err) != kae.Unavailable {
		t.Errorf("without the file: %v", err)
	}
	for _, path := range []string{"/one", "/two"} {
		if err := os.WriteFile(file, []byte(r.URL+path+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := send(t, s); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.requests(); len(got) != 2 || !strings.HasPrefix(got[0], "POST /one\n") || !strings.HasPrefix(got[1], "POST /two\n") {
		t.Errorf("got %q", got)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := send(t, s); kae.ErrorCode(err) != kae.Unavailable {
		t.Errorf("from a pipe: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(r.URL+"/password"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KAE_PASS", "file:"+file)
	if _, err := send(t, s); kae.ErrorCode(err) != kae.Unavailable {
		t.Errorf("from the file of kae's own password: %v", err)
	}
	t.Setenv("KAE_PASS", "")
	if _, err := send(t, s); err != nil {
		t.Errorf("from the same file when it is another's: %v", err)
	}
	for _, text := range []string{"", "http://a/\nKAE_PASS=hunter2", "secret-of-another", "http://a\x00", "http://a/" + strings.Repeat("x", 5000)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := send(t, s); kae.ErrorCode(err) != kae.Unavailable || strings.Contains(err.Error(), "secret-of") {
			t.Errorf("with %.20q in it: %v", text, err)
		}
	}
}

// A secret in a variable of kae's environment is read at each sending, and is as
// secret as any.
func TestSecretsInVariables(t *testing.T) {
	r := receive(t, func(w http.ResponseWriter, req *http.Request) { io.WriteString(w, "no hook at "+req.RequestURI) }, "Authorization", "Content-Type")
	s := open(t, "webhook", Options{}, "url", "env:OPS_HOOK", "headers", "env:_headers2", "body", "{{.Title}}")
	const hook, headers = "/services/one-of-many", "Authorization: Bearer of-bad-news\nContent-Type: text/plain"
	t.Setenv("_headers2", headers)
	if _, err := send(t, s); kae.ErrorCode(err) != kae.Unavailable || !strings.HasPrefix(err.Error(), "The setting “URL” can't be read from its variable.") {
		t.Errorf("without the variable: %v", err)
	}
	t.Setenv("OPS_HOOK", "\t"+r.URL+hook+"\n")
	if answer, err := send(t, s); err != nil || !strings.HasPrefix(answer, "200 OK: no hook at …") {
		t.Errorf("it answers %q, %v", answer, err)
	}
	if got := r.requests(); len(got) != 1 || !strings.HasPrefix(got[0], "POST "+hook+"\nAuthorization: Bearer of-bad-news\nContent-Type: text/plain\n") {
		t.Errorf("got %q", got)
	}
	t.Setenv("OPS_HOOK", "secret-of-another")
	if _, err := send(t, s); kae.ErrorCode(err) != kae.Unavailable || strings.Contains(err.Error(), "secret-of") {
		t.Errorf("with what is no URL in it: %v", err)
	}
	s = open(t, "webhook", Options{}, "url", r.URL, "secret", "env:OPS_SECRET")
	for _, text := range []string{"", " \n", "two\x01words", "\x1b[1mbold", strings.Repeat("x", 5000)} {
		t.Setenv("OPS_SECRET", text)
		if _, err := send(t, s); kae.ErrorCode(err) != kae.Unavailable {
			t.Errorf("with %.20q in it: %v", text, err)
		}
	}
	if got := r.requests(); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}
