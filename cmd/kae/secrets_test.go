package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kae/internal/storetest"
)

// TestNobodyReadsATokenInTheLog does everything that a value could be logged
// for, at the level that logs most, and greps all that kae wrote.
func TestNobodyReadsATokenInTheLog(t *testing.T) {
	t.Parallel()
	for name, db := range map[string]func(t *testing.T) string{
		"SQLite":     func(*testing.T) string { return "kae.sqlite" },
		"PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		for _, format := range []string{"text", "json"} {
			t.Run(name+" "+format, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				args := []string{"-db", db(t), "-log-level", "debug", "-log-format", format}
				p := launch(t, dir, args...)
				secrets := provoke(p)
				p.kill()
				again := launch(t, dir, args...)
				again.beat(secrets[0])
				again.stop()
				wrote := p.stdout.String() + p.stderr.String() + again.stdout.String() + again.stderr.String()
				for _, must := range []string{"/hb/{value}", "POST /newtoken"} {
					if !strings.Contains(wrote, must) {
						t.Errorf("the log does not tell of requests to %s, so it proves nothing", must)
					}
				}
				for _, secret := range secrets {
					if i := strings.Index(strings.ToLower(wrote), strings.ToLower(secret)); i >= 0 {
						t.Errorf("kae wrote a secret: …%s…", wrote[max(0, i-300):min(len(wrote), i+100)])
					}
				}
			})
		}
	}
}

// provoke uses a token's value rightly and in wrong ways. It gives all that
// must not be written; the first is a value that is in use.
func provoke(p *program) []string {
	used, fired, renewed, removed := p.create("used", 3600), p.create("fires", 1), p.create("renewed", 3600), p.create("removed", 3600)
	const guessed = "zzzzyyyyxxxxwwwwvvvv"
	secrets := []string{used.Value, used.UUID, fired.Value, fired.UUID, renewed.Value, renewed.UUID, removed.Value, removed.UUID, guessed}

	for _, made := range []token{used, fired, renewed, removed} {
		p.beat(made.Value)
	}
	change := func(id int64, what string, form url.Values) {
		p.fetch(fmt.Sprintf("/tokens/%d%s", id, what), form, nil)
	}
	change(removed.ID, "/remove", url.Values{})
	change(renewed.ID, "/newvalue", url.Values{})
	now := p.page(renewed.ID).Token
	secrets = append(secrets, now.Value, now.UUID)
	change(used.ID, "", url.Values{"name": {used.Value}, "interval": {used.Value}})
	change(used.ID, "", url.Values{"name": {""}, "description": {used.Value}})
	change(used.ID, "/"+used.Value, url.Values{})
	change(used.ID, "?before="+used.Value, nil)
	p.fetch("/newtoken", url.Values{"interval": {used.Value}, "name": {strings.Repeat(used.Value, 100)}}, nil)

	for _, v := range []string{used.Value, renewed.Value, removed.Value, guessed} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"} {
			request(p, method, "/hb/"+v, "")
		}
		for _, path := range []string{
			"/hb/" + v + "/", "/hb/" + v + "/more", "/hb//" + v, "//hb/" + v, "/hb/../" + v, "/hb/" + v + "%00", "/" + v, "/tokens/" + v,
			"/static/" + v, "/static/" + v + "/x", "/?after=" + v, "/?is=" + v, "/events?is=" + v, "/hb/" + v + "?m=" + v, "/hb/" + v + "?m=%zz" + v,
			"/hb/" + strings.ToUpper(v), "/healthz?" + v,
		} {
			request(p, "GET", path, "")
			request(p, "POST", path, "body of "+v)
		}
		for _, raw := range []string{
			"GET /hb/" + v + " HTTP/1.1\r\nHost: a b\r\n\r\n",
			"GET /hb/" + v + " HTTP/9.9\r\n\r\n",
			"GET /hb/" + v + "\r\n\r\n",
			"GET  /hb/" + v + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
			"POST /hb/" + v + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + v + "\r\n\r\n",
			"POST /hb/" + v + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " + v + "\r\n\r\n",
			"POST /hb/" + v + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + v + "\r\n",
			"POST /hb/" + v + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab",
			v + "\r\n\r\n",
			"\x16\x03\x01" + v,
		} {
			sendRaw(p, raw)
		}
	}
	p.expect(fired.ID, "firing", 10*time.Second)
	return secrets
}

// request asks for something as a browser would; any answer will do.
func request(p *program, method, path, body string) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.url, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	r.URL.Opaque = path
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		bufio.NewReader(response.Body).ReadString('\n')
		return
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		p.Fatal(err)
	}
}

// sendRaw writes what is no proper request, and hangs up.
func sendRaw(p *program, raw string) {
	p.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		p.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	// The answer, if there is one, ends what kae does about it.
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	io.Copy(io.Discard, conn)
}
