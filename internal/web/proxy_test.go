package web

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestTheClientIsTheNearestThatIsNoProxy(t *testing.T) {
	w := newWorld()
	w.config.TrustProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.0.0.0/8")}
	s := w.server()
	for _, tt := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "203.0.113.9:1", nil, "203.0.113.9"},
		{"a stranger's header is not believed", "203.0.113.9:1", []string{"1.2.3.4"}, "203.0.113.9"},
		{"a proxy without a header", "127.0.0.1:1", nil, "127.0.0.1"},
		{"one proxy", "127.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"what the client made up stands left", "127.0.0.1:1", []string{"1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "127.0.0.1:1", []string{"203.0.113.9, 10.1.1.1"}, "203.0.113.9"},
		{"two headers", "127.0.0.1:1", []string{"1.2.3.4", "203.0.113.9, 10.1.1.1"}, "203.0.113.9"},
		{"only proxies", "127.0.0.1:1", []string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},
		{"nonsense ends the search", "127.0.0.1:1", []string{"203.0.113.9, unknown, 10.1.1.1"}, "10.1.1.1"},
		{"nonsense alone", "127.0.0.1:1", []string{"unknown"}, "127.0.0.1"},
		{"with a port", "127.0.0.1:1", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"IPv6", "[::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 with a port", "[::1]:1", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"no address", "@", []string{"203.0.113.9"}, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		r.Header["X-Forwarded-For"] = tt.forwarded
		if got := s.client(r).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTheBaseURLIsWhatTheBrowserSees(t *testing.T) {
	for _, tt := range []struct {
		name, url, peer, proto string
		tls                    bool
		want                   string
	}{
		{"plain", "", "203.0.113.9:1", "", false, "http://kae.example.com"},
		{"TLS", "", "203.0.113.9:1", "", true, "https://kae.example.com"},
		{"a proxy that speaks TLS", "", "127.0.0.1:1", "https", false, "https://kae.example.com"},
		{"a stranger", "", "203.0.113.9:1", "https", false, "http://kae.example.com"},
		{"nonsense", "", "127.0.0.1:1", "javascript", false, "http://kae.example.com"},
		{"the setting", "https://eye.example.com/kae", "127.0.0.1:1", "http", false, "https://eye.example.com/kae"},
	} {
		w := newWorld()
		w.config.URL = tt.url
		w.config.TrustProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host, r.RemoteAddr = "kae.example.com", tt.peer
		if tt.proto != "" {
			r.Header.Set("X-Forwarded-Proto", tt.proto)
		}
		if tt.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := w.server().base(r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A zone belongs to the proxy's own machine, and may be any text.
func TestAZoneIsNotKept(t *testing.T) {
	w := newWorld()
	w.config.TrustProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	token := w.make(t, "a", "1h", "")
	request{method: "GET", path: "/hb/" + token.Value, header: http.Header{"X-Forwarded-For": {"fe80::1%\xff<b>"}}}.do(w.server())
	if got := w.beats[token.ID]; len(got) != 1 || got[0].Remote != "fe80::1" {
		t.Errorf("recorded %+v", got)
	}
}
