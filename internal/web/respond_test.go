package web

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"kae"
)

func TestEveryAnswerIsGuarded(t *testing.T) {
	w := newWorld()
	w.make(t, "a", "1h", "")
	s := w.server()
	for _, route := range append([]string{"GET /", "GET /tokens/1", "GET /newtoken", "GET /nowhere", "POST /newtoken", "HEAD /"}, openRoutes...) {
		method, path, _ := strings.Cut(route, " ")
		h := request{method: method, path: path}.do(s).Header()
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy", "Cache-Control"} {
			if h.Get(name) == "" {
				t.Errorf("%s: no %s", route, name)
			}
		}
		if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "script-src 'unsafe") {
			t.Errorf("%s: %q", route, policy)
		}
		if h.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", route)
		}
		if !strings.Contains(route, "/static") && !strings.Contains(route, "favicon") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", route, h.Get("Cache-Control"))
		}
	}
}

func TestPagesNeedNothingInline(t *testing.T) {
	w, tokens := scene(t)
	s := w.server()
	paths := []string{"/", "/newtoken", "/nowhere", "/?q=x"}
	for _, token := range tokens {
		paths = append(paths, fmt.Sprintf("/tokens/%d", token.ID), fmt.Sprintf("/tokens/%d/edit", token.ID))
	}
	for _, path := range paths {
		html := get(s, path).Body.String()
		for _, inline := range []string{" style=", "<style", " onclick=", "javascript:", "<script>"} {
			if strings.Contains(html, inline) {
				t.Errorf("%s has %q, which the policy forbids", path, inline)
			}
		}
	}
}

func TestALostPageDoesNotRepeatItsPath(t *testing.T) {
	s := newWorld().server()
	for _, path := range []string{"/bcdfghjklmnpqrstvwxy", "/tokens/bcdfghjklmnpqrstvwxy", "/static/bcdfghjklmnpqrstvwxy/x", "/hb/a/bcdfghjklmnpqrstvwxy", "//hb/bcdfghjklmnpqrstvwxy"} {
		for _, header := range []http.Header{nil, asJSON} {
			got := request{method: "GET", path: path, header: header}.do(s)
			if got.Code != 404 || strings.Contains(got.Body.String(), "bcdfghjklmnpqrstvwxy") {
				t.Errorf("%s: status %d: %s", path, got.Code, got.Body)
			}
		}
	}
	if got := getJSON(s, "/nowhere").Body.String(); got != `{"error":"There is no such page."}`+"\n" {
		t.Errorf("in JSON: %s", got)
	}
}

func TestOneTableMakesStatusesOfCodes(t *testing.T) {
	for code, status := range map[kae.Code]int{kae.Invalid: 422, kae.NotFound: 404, kae.Unavailable: 503, kae.Internal: 500, "": 500} {
		w := newWorld()
		w.make(t, "a", "1h", "")
		err := error(&kae.Error{Code: code, Message: "A sentence.", Err: errors.New("the cause")})
		if code == "" {
			err = errors.New("the cause")
		}
		w.failing(err)
		s := w.server()
		for _, got := range []interface {
			Result() *http.Response
		}{post(s, "/tokens/1/disable"), get(s, "/hb/"+valueOf(1))} {
			r := got.Result()
			body, _ := io.ReadAll(r.Body)
			if r.StatusCode != status {
				t.Errorf("%q: status %d, want %d", code, r.StatusCode, status)
			}
			if strings.Contains(string(body), "the cause") {
				t.Errorf("%q: the cause is shown", code)
			}
			if (r.Header.Get("Retry-After") != "") != (status == 503) {
				t.Errorf("%q: Retry-After %q", code, r.Header.Get("Retry-After"))
			}
		}
	}
}

// TestNoTokenValueIsEverLogged sends requests to every route, right and wrong,
// and looks for values in all that was logged.
func TestNoTokenValueIsEverLogged(t *testing.T) {
	w, _ := scene(t)
	w.config.TrustProxy = nil
	s := w.server()
	secret := valueOf(1)
	uuid, _ := w.roster.Get(1)
	requests := []request{
		{method: "GET", path: "/hb/" + secret + "?m=" + secret}, {method: "HEAD", path: "/hb/" + secret}, {method: "POST", path: "/hb/" + secret, body: secret},
		{method: "OPTIONS", path: "/hb/" + secret}, {method: "DELETE", path: "/hb/" + secret}, {method: secret, path: "/hb/" + secret},
		{method: "GET", path: "/hb/" + secret + "/x"}, {method: "GET", path: "//hb/" + secret}, {method: "GET", path: "/hb//" + secret}, {method: "GET", path: "/./hb/" + secret},
		{method: "GET", path: "/" + secret}, {method: "GET", path: "/?q=" + secret}, {method: "GET", path: "/?after=" + secret}, {method: "GET", path: "/?removed=" + secret},
		{method: "GET", path: "/tokens/" + secret}, {method: "GET", path: "/tokens/1?before=" + secret}, {method: "GET", path: "/tokens/1/" + secret},
		{method: "GET", path: "/events?ids=" + secret}, {method: "GET", path: "/events?token=" + secret}, {method: "GET", path: "/static/" + secret + "/" + secret},
		{method: "POST", path: "/newtoken", form: map[string][]string{"name": {secret}, "interval": {secret}}},
		{method: "POST", path: "/newtoken", body: "name=%zz" + secret, header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}},
		{method: "POST", path: "/newtoken", body: secret, header: http.Header{"Content-Type": {secret}}},
		{method: "POST", path: "/tokens/1", form: map[string][]string{"grace": {secret}}},
		{method: "POST", path: "/newtoken", header: http.Header{"Origin": {"https://" + secret}}},
		{method: "GET", path: "/", host: secret}, {method: "GET", path: "/", remote: "@"},
		{method: "GET", path: "/", header: http.Header{"User-Agent": {secret}, "Referer": {"http://localhost/hb/" + secret}, "X-Forwarded-For": {secret}}},
	}
	for _, route := range append(consoleRoutes, openRoutes...) {
		method, path, _ := strings.Cut(route, " ")
		if route != "GET /events" {
			requests = append(requests, request{method: method, path: path})
		}
	}
	for _, panics := range []any{nil, errors.New("no place for " + secret), secret, fmt.Errorf("wrapped: %w", errors.New(secret))} {
		w.mu.Lock()
		w.panics = panics
		w.mu.Unlock()
		for _, q := range requests {
			q.do(s)
		}
	}
	w.mu.Lock()
	w.panics = nil
	w.fails = &kae.Error{Code: kae.Unavailable, Message: "The database can’t be used now.", Err: errors.New("disk full")}
	w.mu.Unlock()
	for _, q := range requests {
		q.do(s)
	}
	logged := w.logged.String()
	for _, value := range []string{secret, secret[:8], uuid.Value, uuid.UUID} {
		if i := strings.Index(logged, value); i >= 0 {
			t.Fatalf("a value was logged: …%s…", logged[max(0, i-200):min(len(logged), i+60)])
		}
	}
	for _, want := range []string{"route=/hb/{value}", `route="GET /tokens/{id}"`, "status=503", "panic: a value of type string", "web.(*world).Heartbeat", "disk full"} {
		if !strings.Contains(logged, want) {
			t.Errorf("the log is without %s", want)
		}
	}
}

func TestAPanicIsAnErrorPage(t *testing.T) {
	w := newWorld()
	w.make(t, "a", "1h", "")
	w.panics = "boom"
	s := w.server()
	got := post(s, "/tokens/1/disable")
	if got.Code != 500 || strings.Contains(got.Body.String(), "boom") || !strings.Contains(got.Body.String(), "<h1>500</h1>") {
		t.Errorf("status %d: %s", got.Code, got.Body)
	}
	if got := get(s, "/hb/"+valueOf(1)); got.Code != 500 || strings.Contains(got.Body.String(), "boom") {
		t.Errorf("heartbeat: status %d: %s", got.Code, got.Body)
	}
	if !strings.Contains(w.logged.String(), "level=ERROR") {
		t.Error("it is not logged as an error")
	}
}

func TestOneLineIsLoggedPerRequest(t *testing.T) {
	w := newWorld()
	w.make(t, "a", "1h", "")
	s := w.server()
	for _, tt := range []struct{ path, level, line string }{
		{"/", "INFO", `route="GET /{$}" status=200`},
		{"/tokens/1", "INFO", `route="GET /tokens/{id}" status=200`},
		{"/nowhere", "INFO", `route=/ status=404`},
		{"/healthz", "DEBUG", `route="GET /healthz" status=200`},
		{staticBase + "/kae.css", "DEBUG", `status=200`},
		{"/hb/" + valueOf(1), "DEBUG", `route=/hb/{value} status=200`},
		{"/hb/x", "INFO", `route=/hb/{value} status=404`},
	} {
		before := len(w.logged.String())
		get(s, tt.path)
		lines := strings.Split(strings.TrimSpace(w.logged.String()[before:]), "\n")
		if len(lines) != 1 || !strings.Contains(lines[0], "level="+tt.level) || !strings.Contains(lines[0], tt.line) || !strings.Contains(lines[0], "remote=127.0.0.1") {
			t.Errorf("%s: %q", tt.path, lines)
		}
	}
}

func TestLongAnswersAreZipped(t *testing.T) {
	w, _ := scene(t)
	s := w.server()
	plain := get(s, "/").Body.String()
	got := request{method: "GET", path: "/", header: http.Header{"Accept-Encoding": {"gzip, br"}}}.do(s)
	if got.Header().Get("Content-Encoding") != "gzip" || got.Body.Len() > len(plain)/2 {
		t.Fatalf("encoding %q, %d of %d bytes", got.Header().Get("Content-Encoding"), got.Body.Len(), len(plain))
	}
	z, err := gzip.NewReader(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	if unzipped, err := io.ReadAll(z); err != nil || string(unzipped) != plain {
		t.Errorf("what is unzipped differs (%v)", err)
	}
	for name, h := range map[string]http.Header{
		"not asked for":   {},
		"for other sites": {"Accept-Encoding": {"gzip"}, "Sec-Fetch-Site": {"cross-site"}},
	} {
		if got := (request{method: "GET", path: "/", header: h}).do(s); got.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: zipped", name)
		}
	}
}

func TestAWrongMethodIsToldTheRightOne(t *testing.T) {
	s := newWorld().server()
	for path, allow := range map[string]string{"/healthz": "GET", "/tokens/1": "GET, POST", "/tokens/1/disable": "POST", "/nowhere": ""} {
		got := request{method: "DELETE", path: path}.do(s)
		status := 405
		if allow == "" {
			status = 404
		}
		if got.Code != status || got.Header().Get("Allow") != allow {
			t.Errorf("%s: status %d, Allow %q", path, got.Code, got.Header().Get("Allow"))
		}
	}
}

// What one request was logged at says nothing about the next one.
func TestAFailureDoesNotMakeTheLogLoudForEver(t *testing.T) {
	w := newWorld()
	w.config.MetricsToken = "tok"
	s := w.server()
	get(s, "/metrics") // without the token
	request{method: "GET", path: "/metrics", header: http.Header{"Authorization": {"Bearer tok"}}}.do(s)
	logged := strings.Split(w.logged.String(), "\n")
	if !strings.Contains(logged[0], "level=INFO") || !strings.Contains(logged[0], "status=401") ||
		!strings.Contains(logged[1], "level=DEBUG") || !strings.Contains(logged[1], "status=200") {
		t.Errorf("logged\n%s", w.logged)
	}
}
