package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"kae/internal/smtptest"
)

// services are the other sides of channels. Each has a path of its own.
type services struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]string // by service: its requests, one below the other
}

// saying is what each service answers, as its manual says.
var saying = map[string]struct {
	status int
	body   string
}{
	"webhook":      {200, "noted"},
	"slack":        {200, "ok"},
	"left":         {404, "no_service"}, // a workspace of Slack that kae was removed from
	"ntfy":         {200, `{"id":"sPs71M8A2T","time":1735934928,"event":"message","topic":"kae-alerts"}`},
	"telegram":     {200, `{"ok":true,"result":{"message_id":3}}`},
	"pagerduty":    {202, `{"status":"success","message":"Event processed","dedup_key":"x"}`},
	"alertmanager": {200, ""},
}

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	said, ok := saying[name]
	if err != nil || !ok {
		http.NotFound(w, r)
		return
	}
	var b strings.Builder
	fmt.Fprintln(&b, r.Method, r.RequestURI)
	r.Header.Write(&b)
	s.mu.Lock()
	s.got[name] += fmt.Sprintf("%s\n%s\n\n", &b, body)
	s.mu.Unlock()
	w.WriteHeader(said.status)
	io.WriteString(w, said.body)
}

func (s *services) heard(name string) func(testing.TB) string {
	return func(testing.TB) string {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.got[name]
	}
}

// kindOfChannel is how a channel is made by hand, and what has to come of it.
type kindOfChannel struct {
	kind    string
	needed  string      // the fields that can't stay empty
	typed   [][2]string // by field
	secrets []string    // of these no page shows anything
	answer  string      // of the other side
	heard   func(testing.TB) string
	hears   []string // there
}

// kindsOfChannels are all, in the order in which they are offered.
func kindsOfChannels(t *testing.T, s *services, office *smtptest.Server) []kindOfChannel {
	t.Helper()
	dir := t.TempDir()
	program, said := filepath.Join(dir, "page-me"), filepath.Join(dir, "said")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+`cat >>"$1"; echo " $2" >>"$1"; echo "paged $2"`), 0o700); err != nil {
		t.Fatal(err)
	}
	return []kindOfChannel{
		{
			kind: "webhook", needed: "name url",
			typed:   [][2]string{{"url", s.URL + "/webhook/0p3nsesame"}, {"method", "PUT"}, {"headers", "X-Team: ops\nAuthorization: Bearer hunter22"}, {"body", `{"words": {{json .Title}}}`}, {"secret", "signed-with-this"}},
			secrets: []string{"0p3nsesame", "hunter22", "signed-with-this"}, answer: "200 OK: noted",
			heard: s.heard("webhook"), hears: []string{"PUT /webhook/0p3nsesame\n", "X-Team: ops\r\n", "Authorization: Bearer hunter22\r\n", "Webhook-Signature: v1,", `{"words": "`},
		},
		{
			kind: "slack", needed: "name url",
			typed:   [][2]string{{"url", s.URL + "/slack/services/T0/B0/0p3nsesame"}},
			secrets: []string{"0p3nsesame"}, answer: "200 OK: ok",
			heard: s.heard("slack"), hears: []string{"POST /slack/services/T0/B0/0p3nsesame\n", `"attachments":[{`},
		},
		{
			kind: "ntfy", needed: "name url",
			typed:   [][2]string{{"url", s.URL + "/ntfy/kae-alerts"}, {"token", "tk_0p3nsesame"}},
			secrets: []string{"kae-alerts", "tk_0p3nsesame"}, answer: "200 OK",
			heard: s.heard("ntfy"), hears: []string{"POST /ntfy/\n", "Authorization: Bearer tk_0p3nsesame\r\n", `"topic":"kae-alerts"`},
		},
		{
			kind: "telegram", needed: "name token chat",
			typed:   [][2]string{{"token", "123456:ABC-0p3nsesame"}, {"chat", "-1001234567890:7"}, {"server", s.URL + "/telegram"}},
			secrets: []string{"0p3nsesame"}, answer: "200 OK",
			heard: s.heard("telegram"), hears: []string{"POST /telegram/bot123456:ABC-0p3nsesame/sendMessage\n", `"chat_id":-1001234567890,"message_thread_id":7`},
		},
		{
			kind: "pagerduty", needed: "name key",
			typed:   [][2]string{{"key", "0p3nsesame"}, {"server", s.URL + "/pagerduty"}},
			secrets: []string{"0p3nsesame"}, answer: "202 Accepted",
			heard: s.heard("pagerduty"), hears: []string{"POST /pagerduty/v2/enqueue\n", `"routing_key":"0p3nsesame","event_action":"trigger"`},
		},
		{
			kind: "alertmanager", needed: "name url",
			typed:   [][2]string{{"url", s.URL + "/alertmanager"}, {"labels", "severity=critical team=ops"}, {"user", "kae"}, {"password", "0p3nsesame"}},
			secrets: []string{"0p3nsesame"}, answer: "200 OK",
			heard: s.heard("alertmanager"), hears: []string{"POST /alertmanager/api/v2/alerts\n", "Authorization: Basic a2FlOjBwM25zZXNhbWU=\r\n", `"severity":"critical","team":"ops"`},
		},
		{
			kind: "email", needed: "name to from server",
			typed:   [][2]string{{"to", "ops@example.org, Ana <ana@example.org>"}, {"from", "kae <kae@example.com>"}, {"server", office.Addr}, {"encryption", "starttls"}, {"user", smtptest.User}, {"password", smtptest.Password}},
			secrets: []string{smtptest.Password}, answer: "queued as",
			heard: func(t testing.TB) (all string) {
				t.Helper()
				for _, l := range office.Letters(t) {
					all += fmt.Sprintf("%s to %s by TLS: %t\n%s\n\n", l.User, l.To, l.TLS, l.Text)
				}
				return all
			},
			hears: []string{"kae to [ops@example.org ana@example.org] by TLS: true\n", `From: "kae" <kae@example.com>`},
		},
		{
			kind: "command", needed: "name program",
			typed:  [][2]string{{"program", program}, {"arguments", said + "\ntwo words"}},
			answer: "exit status 0: paged two words",
			heard: func(t testing.TB) string {
				t.Helper()
				text, err := os.ReadFile(said)
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				return string(text)
			},
			hears: []string{`"title":"`, "} two words\n"},
		},
	}
}

// Every kind of channel is made by hand, tested and told of a firing; one that
// refuses says why.
func TestEveryKindOfChannelInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	s := &services{got: map[string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	office := smtptest.Start(t, "starttls")
	p := prepare(t, t.TempDir(), "-addr", "127.0.0.1:0", "-allow-commands")
	p.cmd.Env = append(p.cmd.Env, "SSL_CERT_FILE="+office.Cert)
	p.serving()

	kinds := kindsOfChannels(t, s, office)
	var names []string
	for _, k := range kinds {
		names = append(names, k.kind)
	}
	b.do(chromedp.Navigate(p.url + "/channels/new"))
	if got := b.eval(`[...document.querySelectorAll(".kinds a")].map(a => new URL(a.href).searchParams.get("kind")).join(" ")`); got != strings.Join(names, " ") {
		t.Errorf("what is offered is %s, not %s", got, names)
	}
	for i, k := range kinds {
		b.formOf(p, k)
		b.everywhere("the form of " + k.kind)
		b.fillIn(k, i+1)
		b.click(`form[action$="/test"] button`)
		b.until(k.kind+" shows the answer to a test", fmt.Sprintf(`document.querySelector("main .note.up")?.innerText.match(/^The test was accepted: .*%s/)`, k.answer))
		b.keeps(k)
		k.hasHeard(t, "Test: kae can reach you here")
	}
	refuses := kindOfChannel{kind: "slack", needed: "name url", typed: [][2]string{{"url", s.URL + "/left/services/T0/B0/0p3nsesame"}}, secrets: []string{"0p3nsesame"}}
	last := len(kinds) + 1
	b.formOf(p, refuses)
	b.fillIn(refuses, last)
	b.click(`form[action$="/test"] button`)
	b.until("a refused test shows the reason", `document.querySelector("main .note.fire")?.innerText == "The test was not accepted: 127.0.0.1 answered 404 Not Found: no_service."`)
	b.everywhere("a channel whose test was refused")

	job := p.create("Nightly backup", 3600)
	p.signal(job.Value+"/fail", "disk is full")
	for i, k := range kinds {
		b.comes(fmt.Sprintf("%s/channels/%d", p.url, i+1), `document.querySelector(".pill").innerText.includes("delivers")`)
		b.until(k.kind+" shows the delivery and its answer", fmt.Sprintf(`document.querySelector(".sends tbody").innerText.match(/Nightly backup[^]*delivered[^]*%s/)`, k.answer))
		b.keeps(k)
		k.hasHeard(t, "Nightly backup failed")
	}
	b.comes(fmt.Sprintf("%s/channels/%d", p.url, last), `document.querySelector(".pill").innerText.includes("given up")`)
	b.until("a refused alert shows the reason", `["main .lead", ".sends tbody"].every(s => document.querySelector(s).innerText.includes("127.0.0.1 answered 404 Not Found: no_service"))`)
	b.keeps(refuses)
	b.do(chromedp.Navigate(p.url + "/channels"))
	b.until("the list tells them apart", fmt.Sprintf(`document.querySelectorAll("table.chan tr.up").length == %d && document.querySelectorAll("table.chan tr.fire").length == 1`, len(kinds)))
	b.everywhere("channels of every kind")
	b.quiet()
}

// formOf opens the form of a kind, and first sends it empty.
func (b *tab) formOf(p *program, k kindOfChannel) {
	b.Helper()
	b.do(chromedp.Navigate(p.url + "/channels/new"))
	b.click(fmt.Sprintf(`.kinds a[href$="kind=%s"]`, k.kind))
	b.until(k.kind+" has a form", `document.querySelector("#name")`)
	b.click("form .pri")
	b.until(k.kind+" tells beside each field that it is needed", fmt.Sprintf(`[...document.querySelectorAll("[aria-invalid=true]")].map(x => x.id).join(" ") == %q`, k.needed))
	b.said("422")
}

// fillIn writes into the form and sends it. What comes of it has that id.
func (b *tab) fillIn(k kindOfChannel, id int) {
	b.Helper()
	b.write("#name", fmt.Sprint("on call ", id))
	for _, typed := range k.typed {
		field := "#" + typed[0]
		if b.eval(fmt.Sprintf(`document.querySelector(%q).tagName`, field)) == "SELECT" {
			b.do(chromedp.SendKeys(chromedp.CSS(field), typed[1]))
			b.until(typed[1]+" is chosen", fmt.Sprintf(`document.querySelector(%q).value == %q`, field, typed[1]))
			continue
		}
		b.write(field, typed[1])
	}
	b.click("form .pri")
	b.until(k.kind+" is there", fmt.Sprintf(`location.pathname == "/channels/%d" && document.querySelector(".pill").innerText.includes("not used yet")`, id))
}

// keeps checks that a channel's page does not show its secrets.
func (b *tab) keeps(k kindOfChannel) {
	b.Helper()
	page := b.eval("document.documentElement.outerHTML")
	for _, secret := range k.secrets {
		if strings.Contains(page, secret) {
			b.Errorf("the page of a channel of the kind %s shows %q", k.kind, secret)
		}
	}
}

// hasHeard checks what came to the other side, and that it tells of something.
func (k kindOfChannel) hasHeard(t *testing.T, of string) {
	t.Helper()
	heard := k.heard(t)
	for _, text := range append(k.hears, of) {
		if !strings.Contains(heard, text) {
			t.Errorf("%s did not hear %q:\n%s", k.kind, text, heard)
		}
	}
}
