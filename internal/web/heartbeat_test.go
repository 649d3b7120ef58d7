package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func TestAHeartbeatIsAnsweredAndRecorded(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
		w := newWorld()
		token := w.make(t, "a", "1h", "")
		got := request{method: method, path: "/hb/" + token.Value + "?m=all+fine&x=1", header: http.Header{"User-Agent": {"curl/8.5.0"}}}.do(w.server())
		if got.Code != 200 {
			t.Fatalf("%s: status %d", method, got.Code)
		}
		if body := got.Body.String(); body != "OK" {
			t.Errorf("%s: body %q", method, body)
		}
		want := http.Header{
			"Content-Type": {"text/plain; charset=utf-8"}, "Content-Length": {"2"}, "Cache-Control": {"no-store"},
			"Access-Control-Allow-Origin": {"*"}, "X-Body-Limit": {"10000"}, "X-Content-Type-Options": {"nosniff"},
		}
		if d := cmp.Diff(want, got.Result().Header); d != "" {
			t.Errorf("%s: headers (-want +got):\n%s", method, d)
		}
		beat := kae.Heartbeat{TokenID: token.ID, Number: 1, At: noon, Kind: kae.Success, Message: "all fine", Posted: method[0] == 'P', Remote: "127.0.0.1", Agent: "curl/8.5.0"}
		if d := cmp.Diff([]kae.Heartbeat{beat}, w.beats[token.ID]); d != "" {
			t.Errorf("%s: recorded (-want +got):\n%s", method, d)
		}
	}
}

func TestOtherMethodsAreNoHeartbeats(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	s := w.server()
	for _, method := range []string{"DELETE", "PATCH", "TRACE", "NONSENSE"} {
		got := request{method: method, path: "/hb/" + token.Value}.do(s)
		if got.Code != 405 || got.Header().Get("Allow") != "GET, HEAD, POST, PUT, OPTIONS" {
			t.Errorf("%s: status %d, Allow %q", method, got.Code, got.Header().Get("Allow"))
		}
	}
	got := request{method: "OPTIONS", path: "/hb/" + token.Value, header: http.Header{"Origin": {"https://example.com"}}}.do(s)
	if got.Code != 204 || got.Header().Get("Access-Control-Allow-Methods") == "" || got.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("OPTIONS: status %d, headers %v", got.Code, got.Header())
	}
	if n := len(w.beats[token.ID]); n != 0 {
		t.Errorf("%d heartbeats were recorded", n)
	}
}

func TestAnUnknownTokenIsNotFound(t *testing.T) {
	w := newWorld()
	removed := w.make(t, "gone", "1h", "")
	w.do(removed, 0, kae.Token.Remove)
	s := w.server()
	for _, path := range []string{"/hb/nonsense", "/hb/" + removed.Value, "/hb/", "/hb/a/b", "//hb/" + removed.Value, "/hb//" + removed.Value, "/x/../hb/y"} {
		got := get(s, path)
		body := got.Body.String()
		if got.Code != 404 || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s: status %d, type %q", path, got.Code, got.Header().Get("Content-Type"))
		}
		if !strings.HasSuffix(body, ".\n") || strings.Contains(body, removed.Value) {
			t.Errorf("%s: body %q", path, body)
		}
		if got.Header().Get("Content-Length") == "2" {
			t.Errorf("%s: the length is that of OK", path)
		}
	}
}

func TestABusyKaeAsksToTryAgain(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	w.failing(&kae.Error{Code: kae.Unavailable, Message: "kae is too busy.", Err: errors.New("queue of 5")})
	got := get(w.server(), "/hb/"+token.Value)
	if got.Code != 503 || got.Header().Get("Retry-After") == "" || got.Body.String() != "kae is too busy.\n" {
		t.Errorf("status %d, Retry-After %q, body %q", got.Code, got.Header().Get("Retry-After"), got.Body)
	}
}

func TestHeartbeatsNeedNoCredentialsAndNoName(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	w.config.User, w.config.Pass = "ana", "secret"
	got := request{method: "GET", path: "/hb/" + token.Value, host: "kae.example.com", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}.do(w.server())
	if got.Code != 200 || got.Header().Get("Set-Cookie") != "" {
		t.Errorf("status %d, headers %v", got.Code, got.Header())
	}
}

func TestMessagesComeFromTheURLOnly(t *testing.T) {
	for query, want := range map[string]string{
		"":                               "",
		"m=":                             "",
		"m=a+b%20c":                      "a b c",
		"x=1&m=last&y":                   "last",
		"m=first&m=second":               "first",
		"mm=no":                          "",
		"m=100%":                         "100%",
		"m=%ff":                          "�",
		"m=%00":                          "�",
		"m=" + strings.Repeat("é", 1001): strings.Repeat("é", 1000),
	} {
		w := newWorld()
		token := w.make(t, "a", "1h", "")
		got := request{method: "POST", path: "/hb/" + token.Value + "?" + query, body: "m=body",
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}.do(w.server())
		if got.Code != 200 {
			t.Fatalf("%q: status %d", query, got.Code)
		}
		if b := w.beats[token.ID][0]; b.Message != want || string(b.Body) != "m=body" {
			t.Errorf("%q: message %q, body %q", query, b.Message, b.Body)
		}
	}
}

func TestOfABodyTheTailIsKept(t *testing.T) {
	pattern := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i % 251)
		}
		return b
	}
	tail := func(b []byte) []byte { return b[max(0, len(b)-kae.MaxBody):] }
	for _, n := range []int{1, 9_999, 10_000, 10_001, 19_999, 20_000, 20_001, 123_456, 1_000_000, 1_000_001, 3_000_000} {
		body := pattern(n)
		got, err := readTail(bytes.NewReader(body))
		want := tail(body[:min(n, kae.MaxBodyRead)])
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("of %d bytes: %d kept, want %d; equal %v, %v", n, len(got), len(want), bytes.Equal(got, want), err)
		}
	}
	if got, err := readTail(strings.NewReader("")); got != nil || err != nil {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}

// torn fails after some bytes.
type torn struct{ left string }

func (r *torn) Read(b []byte) (int, error) {
	if r.left == "" {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}

func TestATornBodyIsRecordedAsFarAsItCame(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	r := httptest.NewRequest("POST", "/hb/"+token.Value, &torn{"half of"})
	r.ContentLength = 100
	got := httptest.NewRecorder()
	w.server().ServeHTTP(got, r)
	if got.Code != 200 {
		t.Fatalf("status %d", got.Code)
	}
	if b := w.beats[token.ID][0]; string(b.Body) != "half of" || b.BodySize != 7 {
		t.Errorf("body %q of size %d", b.Body, b.BodySize)
	}
}

func TestTheTimeIsThatOfArrival(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	r := httptest.NewRequest("POST", "/hb/"+token.Value, readerFunc(func(b []byte) (int, error) {
		w.sleep(20 * time.Second)
		return 0, io.EOF
	}))
	r.ContentLength = -1
	w.server().ServeHTTP(httptest.NewRecorder(), r)
	if at := w.beats[token.ID][0].At; !at.Equal(noon) {
		t.Errorf("recorded at %v, want %v", at, noon)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestHeartbeatsComeFromTheAddressBehindTheProxy(t *testing.T) {
	w := newWorld()
	w.config.TrustProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	token := w.make(t, "a", "1h", "")
	request{method: "GET", path: "/hb/" + token.Value, header: http.Header{"X-Forwarded-For": {"1.2.3.4, 203.0.113.9"}}}.do(w.server())
	if got := w.beats[token.ID][0].Remote; got != "203.0.113.9" {
		t.Errorf("from %q", got)
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	w := newWorld()
	token := w.make(b, "a", "1h", "")
	w.config.Keeper = deaf{w}
	w.config.Log = discard
	s := w.server()
	r := httptest.NewRequest("GET", "/hb/"+token.Value, nil)
	rec := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(rec, r)
		rec.Body.Reset()
	}
}

// deaf takes heartbeats and forgets them.
type deaf struct{ *world }

func (deaf) Heartbeat(context.Context, string, kae.Heartbeat) error { return nil }

var discard = slog.New(slog.DiscardHandler)
