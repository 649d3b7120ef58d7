package deploy_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// public is how the proxies' kae is reached, says KAE_URL.
const public = "https://kae.example.org"

func TestCaddyInFrontOfKae(t *testing.T) {
	need(t, "quick", "caddy")
	behind, front := freeAddr(t), freeAddr(t)
	home := t.TempDir()
	cmd := exec.Command("caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "KAE_SITE=http://"+front, "KAE_UPSTREAM="+behind, "CADDY_ADMIN=off",
		"HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	testProxy(t, behind, "http://"+front, cmd, func(wrote string) string { return wrote })
}

func TestNginxInFrontOfKae(t *testing.T) {
	need(t, "quick", "nginx")
	behind, plain, front := freeAddr(t), freeAddr(t), freeAddr(t)
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	log := filepath.Join(dir, "error.log")
	config, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := string(config)
	for _, r := range [][2]string{
		{"server 127.0.0.1:20999;", "server " + behind + ";"},
		{"listen 80;", "listen " + plain + ";"}, {"listen [::]:80;", ""},
		{"listen 443 ssl http2;", "listen " + front + " ssl http2;"}, {"listen [::]:443 ssl http2;", ""},
		{"/etc/letsencrypt/live/kae.example.org/fullchain.pem", cert},
		{"/etc/letsencrypt/live/kae.example.org/privkey.pem", key},
		{"/var/log/nginx/error.log", log},
	} {
		if !strings.Contains(text, r[0]) {
			t.Fatalf("nginx.conf has no %q to replace", r[0])
		}
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	// The rest is as in Debian's nginx.conf, which logs requests unless told otherwise.
	worker := ""
	if os.Getuid() == 0 {
		worker = "user root; " // the usual one may not enter the test's folder
	}
	whole := worker + fmt.Sprintf("daemon off; pid %[1]s/pid; error_log %[1]s/error.log; events {} http {\n"+
		"access_log %[1]s/access.log; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;\n%s\n}\n", dir, text)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nginx", "-c", path, "-e", filepath.Join(dir, "error.log"))
	s := testProxy(t, behind, "https://"+front, cmd, func(wrote string) string {
		for _, name := range []string{"access.log", "error.log"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
			}
			wrote += string(b)
		}
		return wrote
	})

	s.base = "http://" + plain
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if status, _ := s.ask("GET", "/hb/nyztybdnscnzjpqnvcvz", nil, nil); status != 301 {
		t.Errorf("without TLS the answer is %d, want 301", status)
	}
}

// certificate makes one for loopback that only this test trusts.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// visitor comes to the proxy from another address than the proxy's own, as
// far as loopback goes, and knows no other proxy.
func visitor(t *testing.T, base string) site {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	return site{t: t, base: base, client: http.Client{Transport: &http.Transport{
		DialContext: dialer.DialContext, DisableCompression: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the test made the certificate itself
	}}}
}

// testProxy is what a proxy has to do right for kae. logged gives all that the
// proxy wrote.
func testProxy(t *testing.T, behind, front string, proxy *exec.Cmd, logged func(string) string) site {
	t.Helper()
	dir := t.TempDir()
	startKae := func() (stop func()) {
		cmd := exec.Command(production(t))
		cmd.Dir = dir
		cmd.Env = []string{"KAE_ADDR=" + behind, "KAE_USER=" + login, "KAE_PASS=" + password, "KAE_URL=" + public, "KAE_TRUST_PROXY=127.0.0.1"}
		_, stop = background(t, cmd)
		site{t: t, base: "http://" + behind}.healthy()
		return stop
	}
	stop := startKae()
	wrote, _ := background(t, proxy)
	s := visitor(t, front)
	s.healthy()
	made := s.create("through the proxy")
	send := func(header http.Header) { s.send(made, "", header) }

	t.Run("KAE_URL is in the addresses", func(t *testing.T) {
		if want := public + "/hb/" + made.Value; made.URL != want {
			t.Errorf("heartbeats go to %s, want %s", made.URL, want)
		}
	})
	t.Run("a heartbeat arrives with its body and its sender", func(t *testing.T) {
		send(nil)
		s.send(made, strings.Repeat("x", 2_000_000), nil) // more than kae reads
		s.send(made, strings.Repeat("x", 900_000)+" the end", nil)
		got, newest := s.newest(made.ID)
		if got.Status != "up" || newest.Remote != "127.0.0.2" || !strings.HasSuffix(newest.Body, "the end") {
			t.Errorf("%+v from %s with a body of %d bytes", got, newest.Remote, len(newest.Body))
		}
	})
	t.Run("a forged sender is not believed", func(t *testing.T) {
		send(http.Header{"X-Forwarded-For": {"203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}})
		if _, newest := s.newest(made.ID); newest.Remote != "127.0.0.2" {
			t.Errorf("the heartbeat is from %s, want 127.0.0.2", newest.Remote)
		}
	})
	t.Run("the console asks for its own password", func(t *testing.T) {
		if status, _ := s.ask("GET", "/", nil, http.Header{"Authorization": nil}); status != 401 {
			t.Errorf("without a password: %d", status)
		}
		if status, _ := s.ask("GET", "/", nil, nil); status != 200 {
			t.Errorf("with the password: %d", status)
		}
	})
	t.Run("a form from the site is taken, from another one it is not", func(t *testing.T) {
		form := url.Values{"name": {"by a form"}, "interval": {"1h"}}
		if status, body := s.ask("POST", "/newtoken", form, http.Header{"Origin": {public}}); status != 201 {
			t.Errorf("from the site: %d %s", status, body)
		}
		if status, _ := s.ask("POST", "/newtoken", form, http.Header{"Origin": {"https://evil.example.net"}}); status != 403 {
			t.Errorf("from another one: %d", status)
		}
	})
	t.Run("events come at once", func(t *testing.T) {
		for _, encoding := range []string{"identity", "gzip"} {
			s.streams(t, made, encoding)
		}
	})
	t.Run("the secret of a heartbeat is in no log", func(t *testing.T) {
		stop()
		if status, _ := s.ask("GET", "/hb/"+made.Value+"?m=lost", nil, nil); status != 502 {
			t.Errorf("without kae the proxy answers %d, want 502", status)
		}
		if status, _ := s.ask("GET", "/", nil, nil); status != 502 {
			t.Errorf("without kae the proxy answers %d, want 502", status)
		}
		all := logged(wrote.String())
		if i := strings.Index(all, made.Value); i >= 0 {
			t.Errorf("the proxy wrote …%s…", all[max(0, i-200):min(len(all), i+100)])
		}
		if !strings.Contains(all, "refused") {
			t.Errorf("the proxy does not tell that kae was gone, so this proves nothing:\n%s", all)
		}
	})
	startKae()
	eventually(t, func() error {
		if status, body := s.ask("GET", "/hb/"+made.Value, nil, nil); status != 200 || body != "OK" {
			return fmt.Errorf("after a restart of kae a heartbeat is answered %d %s", status, body)
		}
		return nil
	})
	return s
}

func (s site) send(to token, body string, header http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.base+"/hb/"+to.Value, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if b, err := io.ReadAll(response.Body); response.StatusCode != 200 || string(b) != "OK" {
		s.t.Fatalf("a heartbeat was answered %s %s %v", response.Status, b, err)
	}
}

// streams opens an event stream and waits for the row of a heartbeat. kae
// speaks every five seconds anyway: a stream that a proxy holds back until then
// is late.
func (s site) streams(t *testing.T, to token, encoding string) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/events?ids=%d", s.base, to.ID), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(login, password)
	r.Header.Set("Accept-Encoding", encoding)
	response, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body io.Reader = response.Body
	if got := response.Header.Get("Content-Encoding"); encoding == "gzip" {
		if got != encoding {
			t.Errorf("the stream is encoded as %q", got)
		}
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	events := make(chan string)
	go func() {
		defer close(events)
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				select {
				case events <- name:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	until := func(event string, limit time.Duration) {
		t.Helper()
		late := time.After(limit)
		for {
			select {
			case got, ok := <-events:
				if !ok {
					t.Fatalf("%s: the stream ended before an event %q", encoding, event)
				}
				if got == event {
					return
				}
			case <-late:
				t.Fatalf("%s: no event %q within %v", encoding, event, limit)
			}
		}
	}
	until("row", 10*time.Second)
	until("tick", 10*time.Second)
	s.send(to, "", nil)
	until("row", 2*time.Second)
}
