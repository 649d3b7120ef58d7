package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func send(t *testing.T, s Sender) (string, error) {
	t.Helper()
	return s.Send(t.Context(), scenes(t)["missed"])
}

// Answers that accept nothing say whether to try again, and when.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		status    int
		after     string
		permanent bool
		wait      time.Duration
	}{
		{500, "", false, 0}, {502, "", false, 0}, {503, "120", false, 2 * time.Minute}, {408, "", false, 0}, {425, "", false, 0},
		{429, "7", false, 7 * time.Second}, {429, "0.5", false, 500 * time.Millisecond}, {429, "1e99", false, maxRetryAfter},
		{429, "soon", false, 0}, {429, "-5", false, 0}, {429, "NaN", false, 0}, {400, "", true, 0}, {401, "", true, 0}, {404, "", true, 0}, {410, "", true, 0}, {304, "", false, 0},
	} {
		r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.after)
			w.WriteHeader(c.status)
		})
		_, err := send(t, open(t, "webhook", Options{}, "url", r.URL))
		refused, ok := errors.AsType[*Refused](err)
		if !ok || refused.Permanent != c.permanent || refused.After != c.wait || !strings.Contains(refused.Answer, fmt.Sprint(c.status)) {
			t.Errorf("%d, Retry-After %q: %#v", c.status, c.after, err)
		}
		if n := len(r.requests()); n != 1 {
			t.Errorf("%d was asked %d times", c.status, n)
		}
	}
}

func TestRetryAfterMayBeADate(t *testing.T) {
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"Tue, 24 Nov 2026 03:05:00 GMT": 5 * time.Minute, "Tue, 24 Nov 2026 02:00:00 GMT": 0, "Wed, 24 Nov 2027 02:00:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// listen gives the address of a server that serves each connection by itself.
func listen(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String()
}

// Where there is no answer it is told without the URL's path, and whether the
// message may have arrived all the same.
func TestNoAnswer(t *testing.T) {
	const secret = "/T0123456789/very-secret"
	closed := httptest.NewServer(nil)
	closed.Close()
	tls := httptest.NewUnstartedServer(answering(200, "ok"))
	tls.Config.ErrorLog = discard
	tls.StartTLS()
	t.Cleanup(tls.Close)
	for name, u := range map[string]string{
		"refuses":      closed.URL,
		"untrusted":    tls.URL,
		"no such name": "http://nobody.invalid",
		"hangs":        "http://" + listen(t, func(c net.Conn) { io.Copy(io.Discard, c); c.Close() }),
		"resets": "http://" + listen(t, func(c net.Conn) {
			if _, err := http.ReadRequest(newReader(c)); err == nil {
				c.(*net.TCPConn).SetLinger(0)
			}
			c.Close()
		}),
		"speaks otherwise": "http://" + listen(t, func(c net.Conn) { io.WriteString(c, "220 mail.example.com ESMTP\r\n"); c.Close() }),
	} {
		t.Run(name, func(t *testing.T) {
			wait := time.Minute // a slow machine is not to be taken for no answer
			if name == "hangs" {
				wait = 100 * time.Millisecond
			}
			_, err := send(t, open(t, "webhook", Options{Timeout: wait}, "url", u+secret))
			if err == nil {
				t.Fatal("it was accepted")
			}
			never := name == "refuses" || name == "untrusted" || name == "no such name"
			if refused, ok := errors.AsType[*Refused](err); ok != never || ok && refused.Permanent {
				t.Errorf("surely not arrived: %v, %v", ok, err)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "Post ") || !strings.HasPrefix(err.Error(), "no answer from ") {
				t.Errorf("it says: %v", err)
			}
			if name == "hangs" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it says: %v", err)
			}
		})
	}
}

// A 200 is an acceptance, whether or not its text comes, and however long.
func TestAcceptedStaysAccepted(t *testing.T) {
	done := make(chan struct{})
	slow := receive(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "o")
		w.(http.Flusher).Flush()
		<-done
	})
	t.Cleanup(func() { close(done) })
	if answer, err := send(t, open(t, "webhook", Options{Timeout: 200 * time.Millisecond}, "url", slow.URL)); err != nil || answer != "200 OK: o" {
		t.Errorf("%q, %v", answer, err)
	}
	var wrote atomic.Int64
	endless := receive(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil && wrote.Load() < 100e6 {
			n, err := io.WriteString(w, strings.Repeat("x", 10_000))
			wrote.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	if answer, err := send(t, open(t, "webhook", Options{}, "url", endless.URL)); err != nil || len(answer) > 300 {
		t.Errorf("%q, %v", answer, err)
	}
	endless.Close()
	if wrote.Load() >= 100e6 {
		t.Error("an endless answer was read to its end")
	}
}

// The message follows a redirect whole, and never to another host.
func TestRedirects(t *testing.T) {
	other := receive(t, answering(200, "ok"))
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"/here", other.URL + "/there", "", "ftp://x/", "/again"} {
			t.Run(fmt.Sprint(status, " ", strings.TrimPrefix(to, "http://")), func(t *testing.T) {
				r := receive(t, func(w http.ResponseWriter, req *http.Request) {
					if req.URL.Path == "/here" {
						return
					}
					w.Header().Set("Location", to)
					w.WriteHeader(status)
				}, "Authorization")
				_, err := send(t, open(t, "webhook", Options{}, "url", r.URL+"/hook", "headers", "Authorization: Bearer abcdef"))
				if to != "/here" || status == 303 {
					if refused, ok := errors.AsType[*Refused](err); !ok || refused.Permanent {
						t.Errorf("got %v", err)
					}
					return
				}
				got := r.requests()
				if err != nil || len(got) != 2 || strings.Replace(got[1], "/here", "/hook", 1) != got[0] || !strings.Contains(got[1], "POST ") {
					t.Errorf("%v; asked %d times:\n%s", err, len(got), strings.Join(got, "\n"))
				}
			})
		}
	}
	if got := other.requests(); len(got) > 0 {
		t.Errorf("another host was sent:\n%s", strings.Join(got, "\n"))
	}
}

func TestSameHost(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"http://a/x", "https://A/y", true}, {"https://a/", "http://a/", false}, {"http://a:8080/", "http://a:8081/", false},
		{"https://a/", "https://a:443/", true}, {"https://a/", "https://a.b/", false}, {"http://a:8080/", "https://a/", false},
	} {
		from, _ := url.Parse(c.from)
		to, _ := url.Parse(c.to)
		if got := sameHost(from, to); got != c.want {
			t.Errorf("%s to %s: %t", c.from, c.to, got)
		}
	}
}

func TestPrivateTargetsAreRefusedWhereAsked(t *testing.T) {
	r := receive(t, answering(200, "ok"))
	for _, u := range []string{r.URL, strings.Replace(r.URL, "127.0.0.1", "localhost", 1), strings.Replace(r.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		_, err := send(t, open(t, "webhook", Options{DenyPrivate: true}, "url", u))
		if err == nil || !strings.Contains(err.Error(), "-deny-private-targets") {
			t.Errorf("%s: %v", u, err)
		}
	}
	if got := r.requests(); len(got) > 0 {
		t.Errorf("it was reached: %s", got)
	}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "192.168.0.1": true, "172.31.0.1": true, "169.254.169.254": true, "fe80::1": true, "fd00::1": true, "::1": true,
		"::ffff:10.0.0.1": true, "0.0.0.0": true, "100.64.0.1": true, "64:ff9b::a00:1": true, "224.0.0.1": true, "255.255.255.255": true,
		"8.8.8.8": false, "172.32.0.1": false, "2001:4860:4860::8888": false,
	} {
		if got := isPrivate(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

func TestProxyIsUsed(t *testing.T) {
	proxy := receive(t, answering(200, "ok"))
	s := open(t, "webhook", Options{}, "url", "http://hooks.invalid/x")
	at, _ := url.Parse(proxy.URL)
	s.(*channel).outside.proxy = http.ProxyURL(at)
	if _, err := send(t, s); err != nil {
		t.Fatal(err)
	}
	if got := proxy.requests(); len(got) != 1 || !strings.HasPrefix(got[0], "POST http://hooks.invalid/x\n") {
		t.Errorf("the proxy got %q", got)
	}
}

// Services repeat in their errors what they were asked.
func TestSecretsDoNotComeBack(t *testing.T) {
	for _, status := range []int{200, 404} {
		r := receive(t, func(w http.ResponseWriter, req *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, "Cannot POST %s for %s, not in %s; %s", req.RequestURI, req.Header.Get("Authorization"), strings.Split(req.URL.Path, "/")[2], req.URL.Query().Get("key"))
		})
		s := open(t, "webhook", Options{}, "url", r.URL+"/services/T00000000XYZ/B1?key=pass+word", "headers", "X-A: 1\nAuthorization: Bearer hunter2222")
		answer, err := send(t, s)
		if err != nil {
			answer = err.Error()
		}
		for _, secret := range []string{"T00000000XYZ", "hunter2222", "pass", "/services"} {
			if strings.Contains(answer, secret) {
				t.Errorf("%d tells %s: %s", status, secret, answer)
			}
		}
		if !strings.Contains(answer, "Cannot POST …") {
			t.Errorf("%d: %s", status, answer)
		}
	}
}
