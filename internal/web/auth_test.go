package web

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func basic(user, pass string) http.Header {
	r, _ := http.NewRequest("GET", "/", nil)
	r.SetBasicAuth(user, pass)
	return r.Header
}

// guess makes credentials, each number others.
func guess(n int) [2][sha256.Size]byte {
	return [2][sha256.Size]byte{{1: 1}, sha256.Sum256([]byte(fmt.Sprint(n)))}
}

// consoleRoutes are all routes that show or change something.
var consoleRoutes = []string{
	"GET /", "GET /newtoken", "POST /newtoken", "GET /preview?interval=1d", "GET /tokens/1", "GET /tokens/1/edit", "POST /tokens/1", "POST /tokens/1/disable",
	"POST /tokens/1/enable", "POST /tokens/1/remove", "POST /tokens/1/undo", "POST /tokens/1/newvalue",
	"GET /tokens/1/heartbeats/1/body", "POST /tokens", "GET /strays", "POST /strays/forget", "GET /channels", "GET /channels/new",
	"POST /channels", "GET /channels/1", "GET /channels/1/edit", "POST /channels/1", "POST /channels/1/test", "POST /channels/1/remove", "GET /events", "GET /metrics", "GET /nowhere", "DELETE /", "HEAD /events",
}

// openRoutes are those for anybody.
var openRoutes = []string{"GET /healthz", "GET " + staticBase + "/kae.css", "GET /favicon.ico", "GET /robots.txt"}

func TestTheConsoleNeedsCredentials(t *testing.T) {
	w := newWorld()
	w.make(t, "Secret name", "1h", "")
	w.alerts().channel(t, "Secret name", "slack", map[string]string{"url": "https://slack.example.com"})
	w.config.User, w.config.Pass = "ana", "pass word"
	for _, route := range consoleRoutes {
		method, path, _ := strings.Cut(route, " ")
		s := w.server() // each with a clean slate of failures
		for name, header := range map[string]http.Header{
			"nothing": nil, "wrong password": basic("ana", "x"), "wrong user": basic("x", "pass word"),
			"no password": basic("ana", ""), "longer": basic("ana", "pass word "), "nonsense": {"Authorization": {"Basic !!"}},
			"bearer": {"Authorization": {"Bearer pass word"}},
		} {
			got := request{method: method, path: path, header: header, host: "kae.example.com"}.do(s)
			if got.Code != 401 || !strings.HasPrefix(got.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s with %s: status %d, %q", route, name, got.Code, got.Header().Get("WWW-Authenticate"))
			}
			if strings.Contains(got.Body.String(), "Secret name") || strings.Contains(got.Body.String(), "1.2.3") {
				t.Errorf("%s with %s: the answer tells too much", route, name)
			}
		}
	}
	if got := (request{method: "GET", path: "/", header: basic("ana", "pass word"), host: "kae.example.com"}).do(w.server()); got.Code != 200 {
		t.Errorf("with the credentials: status %d", got.Code)
	}
	for _, route := range openRoutes {
		method, path, _ := strings.Cut(route, " ")
		if got := (request{method: method, path: path, host: "kae.example.com"}).do(w.server()); got.Code != 200 {
			t.Errorf("%s without credentials: status %d", route, got.Code)
		}
	}
}

func TestFailedLoginsAreSlowedPerAddress(t *testing.T) {
	w := newWorld()
	w.config.User, w.config.Pass = "ana", "secret"
	s := w.server()
	try := func(from, pass string) int {
		return request{method: "GET", path: "/", header: basic("ana", pass), remote: from}.do(s).Code
	}
	for i := range loginBurst {
		if got := try("203.0.113.9:1", fmt.Sprint("guess ", i)); got != 401 {
			t.Fatalf("guess %d: status %d", i+1, got)
		}
	}
	got := request{method: "GET", path: "/", header: basic("ana", "another"), remote: "203.0.113.9:2"}.do(s)
	if got.Code != 429 || got.Header().Get("Retry-After") == "" {
		t.Errorf("after the burst: status %d, Retry-After %q", got.Code, got.Header().Get("Retry-After"))
	}
	if got := try("203.0.113.9:2", "secret"); got != 429 {
		t.Errorf("after the burst a guess is looked at: status %d", got)
	}
	if got := try("203.0.113.10:1", "secret"); got != 200 {
		t.Errorf("another address: status %d", got)
	}
	for range 3 * loginBurst {
		if got := try("[2001:db8::1]:1", "secret"); got != 200 {
			t.Fatalf("right passwords are slowed: status %d", got)
		}
		if got := (request{method: "GET", path: "/", remote: "[2001:db8::1]:1"}).do(s).Code; got != 401 {
			t.Fatalf("no credentials count as a guess: status %d", got)
		}
	}
}

// What a script with an old password does all day.
func TestTheSameWrongPasswordAgainIsNoGuess(t *testing.T) {
	w := newWorld()
	w.config.User, w.config.Pass = "ana", "secret"
	s := w.server()
	try := func(user, pass string) int {
		return request{method: "GET", path: "/", header: basic(user, pass), remote: "203.0.113.9:1"}.do(s).Code
	}
	for range 5 * loginBurst {
		for _, pass := range []string{"old", "older"} {
			if got := try("ana", pass); got != 401 {
				t.Fatalf("the same wrong password again: status %d", got)
			}
		}
	}
	if got := try("ana", "secret"); got != 200 {
		t.Errorf("the right password from the same address: status %d", got)
	}
	for i := range loginBurst - 2 {
		if got := try("ana", fmt.Sprint("guess ", i)); got != 401 {
			t.Fatalf("guess %d: status %d", i+1, got)
		}
	}
	// The same pass for another user, or a split elsewhere, is another guess.
	if got := []int{try("bob", "old"), try("an", "aold"), try("ana", "old")}; !slices.Equal(got, []int{429, 429, 401}) {
		t.Errorf("after the burst: statuses %v", got)
	}
}

// A browser that was let in is not kept out by what others guess at its
// address; what it guesses itself is counted.
func TestAKnownBrowserAlwaysGetsIn(t *testing.T) {
	w := newWorld()
	w.config.User, w.config.Pass = "ana", "secret"
	s := w.server()
	try := func(pass, cookie string) *httptest.ResponseRecorder {
		header := basic("ana", pass)
		header.Set("Accept", "text/html,*/*")
		if cookie != "" {
			header.Set("Cookie", knownCookie+"="+cookie)
		}
		return request{method: "GET", path: "/", header: header, remote: "203.0.113.9:1"}.do(s)
	}
	cookies := try("secret", "").Result().Cookies()
	if len(cookies) != 1 || cookies[0].Name != knownCookie || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("cookies: %v", cookies)
	}
	known := cookies[0].Value
	if again := try("secret", known); again.Code != 200 || len(again.Result().Cookies()) != 0 {
		t.Errorf("known: status %d, cookies %v", again.Code, again.Result().Cookies())
	}
	for i := range 2 * loginBurst {
		if wrong := try(fmt.Sprint("guess ", i), ""); len(wrong.Result().Cookies()) != 0 {
			t.Fatalf("a wrong password is introduced: %v", wrong.Result().Cookies())
		}
	}
	other := newLogins()
	for name, cookie := range map[string]string{"none": "", "made up": "x.y", "of another kae": other.introduce(), "changed": "X" + known, "cut": known[:30], "empty": "."} {
		if got := try("secret", cookie).Code; got != 429 {
			t.Errorf("cookie %s: status %d", name, got)
		}
	}
	if got := try("secret", known).Code; got != 200 {
		t.Errorf("the known browser: status %d", got)
	}
	if got := try("wrong", known).Code; got != 401 {
		t.Errorf("the known browser with a wrong password: status %d", got)
	}
	for i := range loginBurst {
		try(fmt.Sprint("guess ", i), known)
	}
	if got := try("secret", known).Code; got != 429 {
		t.Errorf("the known browser after guesses of its own: status %d", got)
	}
}

func TestGuessersPayTheirFailuresOff(t *testing.T) {
	wrong, ok := errors.New("wrong"), error(nil)
	l, now, right := newLogins(), noon, guess(-1)
	from := neighbourhood(netip.MustParseAddr("203.0.113.9"))
	for i := range loginBurst {
		l.try(from, now, guess(i), func() error { return wrong })
	}
	if err := l.try(from, now, right, func() error { return ok }); err == nil {
		t.Fatal("looked at after the burst")
	}
	if err := l.try(from, now.Add(loginPause-time.Millisecond), right, func() error { return ok }); err == nil {
		t.Error("looked at too early")
	}
	if err := l.try(from, now.Add(loginPause), right, func() error { return ok }); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestANeighbourhoodOfIPv6GuessesAsOne(t *testing.T) {
	l := newLogins()
	wrong := func() error { return errors.New("wrong") }
	for i := range loginBurst {
		l.try(neighbourhood(netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::%x", i+1))), noon, guess(i), wrong)
	}
	looked, right := false, guess(-1)
	l.try(neighbourhood(netip.MustParseAddr("2001:db8:0:1:ffff::1")), noon, right, func() error { looked = true; return nil })
	if looked {
		t.Error("the same /64 is looked at after the burst")
	}
	l.try(neighbourhood(netip.MustParseAddr("2001:db8:0:2::1")), noon, right, func() error { looked = true; return nil })
	if !looked {
		t.Error("another /64 is not looked at")
	}
}

func TestTheMemoryOfGuessersIsBounded(t *testing.T) {
	l := newLogins()
	wrong := func() error { return errors.New("wrong") }
	for i := range maxLogins + 500 {
		l.try(neighbourhood(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})), noon, guess(i), wrong)
	}
	if len(l.failed) > maxLogins {
		t.Errorf("%d addresses are remembered", len(l.failed))
	}
	later, right := noon.Add(loginBurst*loginPause), guess(-1)
	l.try(neighbourhood(netip.MustParseAddr("203.0.113.9")), later, right, wrong)
	if len(l.failed) != 1 {
		t.Errorf("%d addresses are remembered after all have paid", len(l.failed))
	}
}

func TestWithoutCredentialsOnlyThisMachineIsAnswered(t *testing.T) {
	hosts := map[string]bool{
		"localhost": true, "localhost:20999": true, "LOCALHOST.": true, "kae.localhost": true, "127.0.0.1:20999": true, "127.9.9.9": true,
		"[::1]:20999": true, "[::1]": true, "[::ffff:127.0.0.1]": true,
		"kae.example.com": false, "localhost.example.com": false, "notlocalhost": false, "10.0.0.1": false, "0.0.0.0": false, "[2001:db8::1]:80": false, "127.0.0.1.example.com": false,
	}
	w := newWorld()
	s := w.server()
	for host, want := range hosts {
		got := request{method: "GET", path: "/", host: host}.do(s)
		if (got.Code == 200) != want {
			t.Errorf("Host %s: status %d", host, got.Code)
		}
		if want {
			continue
		}
		for _, name := range []string{"KAE_USER", "KAE_PASS", "-no-auth"} {
			if got.Code != 403 || !strings.Contains(got.Body.String(), name) {
				t.Errorf("Host %s: status %d, %s named %v", host, got.Code, name, strings.Contains(got.Body.String(), name))
			}
		}
	}
	// A proxy beside kae may say localhost for whoever asks it.
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP"} {
		if got := (request{method: "GET", path: "/", host: "localhost:20999", header: http.Header{http.CanonicalHeaderKey(name): {"203.0.113.9"}}}).do(s); got.Code != 403 {
			t.Errorf("%s: status %d", name, got.Code)
		}
	}
	w.config.NoAuth = true
	if got := (request{method: "GET", path: "/", host: "kae.example.com"}).do(w.server()); got.Code != 200 {
		t.Errorf("with -no-auth: status %d", got.Code)
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	for name, header := range map[string]http.Header{
		"a site":       {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		"a sibling":    {"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://other.localhost"}},
		"an old one":   {"Origin": {"https://evil.example"}},
		"a sandbox":    {"Origin": {"null"}},
		"another port": {"Origin": {"http://localhost:1"}},
	} {
		for _, route := range consoleRoutes {
			method, path, _ := strings.Cut(route, " ")
			if method != "POST" {
				continue
			}
			w := newWorld()
			token := w.make(t, "a", "1h", "")
			b := w.alerts()
			ch := b.channel(t, "a", "slack", map[string]string{"url": "https://slack.example.com"})
			before, _ := w.roster.Get(token.ID)
			got := request{method: method, path: path, header: header, form: map[string][]string{"name": {"b"}, "interval": {"1h"}}}.do(w.server())
			after, _ := w.roster.Get(token.ID)
			if got.Code != 403 || before.Name != after.Name || before.Status != after.Status || before.RemovedAt != after.RemovedAt || w.roster.Len() != 1 {
				t.Errorf("%s from %s: status %d, token %+v", route, name, got.Code, after)
			}
			if d := cmp.Diff([]kae.Channel{ch}, b.Channels()); d != "" {
				t.Errorf("%s from %s changed a channel:\n%s", route, name, d)
			}
		}
	}
}

func TestTheSameSiteMayChangeThings(t *testing.T) {
	for name, q := range map[string]request{
		"a browser":                {header: http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"http://localhost:20999"}}},
		"a browser over http":      {header: http.Header{"Origin": {"http://localhost:20999"}}},
		"curl":                     {},
		"behind a proxy with -url": {header: http.Header{"Origin": {"https://kae.example.com"}}},
	} {
		w := newWorld()
		w.config.URL = "https://kae.example.com"
		q.method, q.path, q.form = "POST", "/newtoken", map[string][]string{"name": {"b"}, "interval": {"1h"}}
		if got := q.do(w.server()); got.Code != 303 {
			t.Errorf("%s: status %d, %s", name, got.Code, got.Body)
		}
	}
}
