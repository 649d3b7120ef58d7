package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"kae"
)

// scrape gives what a server tells Prometheus.
func scrape(t *testing.T, s *Server) string {
	t.Helper()
	got := get(s, "/metrics")
	if got.Code != 200 || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("status %d, %s: %s", got.Code, got.Header(), got.Body)
	}
	return got.Body.String()
}

func mustTell(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("the metrics lack %q:\n%s", line, text)
		}
	}
}

func TestMetricsOfTokensByStatus(t *testing.T) {
	w := newWorld()
	up, ill, off, gone := w.make(t, "up", "1h", ""), w.make(t, "ill", "1h", ""), w.make(t, "off", "1h", ""), w.make(t, "gone", "1h", "")
	w.make(t, "new", "1h", "")
	w.beat(up, kae.Success, 0, "", "")
	w.beat(up, kae.Start, 0, "", "")
	w.beat(ill, kae.Failure, 0, "", "")
	w.do(off, 0, kae.Token.Disable)
	w.do(gone, 0, kae.Token.Remove)
	text := scrape(t, w.server())
	mustTell(t, text,
		`kae_tokens{status="up"} 1`, `kae_tokens{status="firing"} 1`, `kae_tokens{status="disabled"} 1`, `kae_tokens{status="new"} 1`,
		`kae_tokens_late 0`, `kae_tokens_running 1`, `kae_tokens_unknown 0`, `kae_tokens_overdue 0`, `kae_healthy 1`, `kae_event_streams 0`)
	if strings.Contains(text, "kae_token_") {
		t.Error("tokens are named without being asked for")
	}
	w.health = kae.Health{LastCommit: noon.Add(-16e9), Overdue: 2}
	mustTell(t, scrape(t, w.server()), `kae_tokens_overdue 2`, `kae_healthy 0`)
}

func TestMetricsOfEachToken(t *testing.T) {
	w := newWorld()
	w.config.TokenMetrics = true
	twin, other := w.make(t, "twin", "1h", ""), w.make(t, "twin", "1h", "")
	w.make(t, "say \"hi\"\\", "1h", "")
	gone := w.make(t, "gone", "1h", "")
	w.beat(twin, kae.Success, 90e9, "", "")
	w.beat(other, kae.Failure, 0, "", "")
	w.do(gone, 0, kae.Token.Remove)
	text := scrape(t, w.server())
	mustTell(t, text,
		`kae_token_up{id="1",name="twin"} 1`, `kae_token_firing{id="1",name="twin"} 0`,
		fmt.Sprintf(`kae_token_last_heartbeat_timestamp_seconds{id="1",name="twin"} %.9ge+09`, float64(noon.Unix()-90)/1e9),
		`kae_token_up{id="2",name="twin"} 0`, `kae_token_firing{id="2",name="twin"} 1`,
		`kae_token_up{id="3",name="say \"hi\"\\"} 0`, `kae_token_firing{id="3",name="say \"hi\"\\"} 0`)
	for _, no := range []string{`name="gone"`, `seconds{id="3"`, twin.Value, twin.UUID} {
		if strings.Contains(text, no) {
			t.Errorf("the metrics tell %q", no)
		}
	}
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

func TestMetricsCountWhatIsRefused(t *testing.T) {
	w := newWorld()
	s := w.server()
	token := w.make(t, "a", "1h", "")
	get(s, "/hb/"+token.Value)
	get(s, "/hb/"+valueOf(99))
	get(s, "/hb/"+valueOf(99))
	get(s, "/hb/"+token.Value+"/999")
	request{method: "DELETE", path: "/hb/" + token.Value}.do(s)
	w.failing(&kae.Error{Code: kae.Unavailable, Message: "The disk is full."})
	get(s, "/hb/"+token.Value)
	w.failing(nil)
	w.panics = "oh"
	get(s, "/hb/"+token.Value)
	mustTell(t, scrape(t, s),
		`kae_heartbeats_refused_total{reason="not_found"} 2`, `kae_heartbeats_refused_total{reason="bad_request"} 1`,
		`kae_heartbeats_refused_total{reason="bad_method"} 1`, `kae_heartbeats_refused_total{reason="unavailable"} 1`,
		`kae_heartbeats_refused_total{reason="internal"} 1`, `kae_heartbeats_refused_total{reason="refused"} 0`)
}

func TestMetricsNeedTheirTokenOrTheConsolesPassword(t *testing.T) {
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	for _, tt := range []struct {
		name       string
		user, pass string
		token      string
		noAuth     bool
		header     http.Header
		status     int
	}{
		{"password set, nothing sent", "ana", "secret", "", false, nil, 401},
		{"password", "ana", "secret", "", false, basic("ana", "secret"), 200},
		{"a bearer without a token set", "ana", "secret", "", false, bearer(""), 401},
		{"both set, nothing sent", "ana", "secret", "tok", false, nil, 401},
		{"both set, password", "ana", "secret", "tok", false, basic("ana", "secret"), 200},
		{"both set, wrong password", "ana", "secret", "tok", false, basic("ana", "tok"), 401},
		{"both set, token", "ana", "secret", "tok", false, bearer("tok"), 200},
		{"both set, wrong token", "ana", "secret", "tok", false, bearer("secret"), 401},
		{"both set, longer token", "ana", "secret", "tok", false, bearer("tokk"), 401},
		{"token alone", "", "", "tok", false, bearer("tok"), 200},
		{"token alone, nothing sent", "", "", "tok", false, nil, 401},
		{"token alone, wrong", "", "", "tok", false, bearer("x"), 401},
		{"token alone, as a password", "", "", "tok", false, basic("", "tok"), 401},
		{"no auth", "", "", "", true, nil, 200},
		{"no auth but for the metrics", "", "", "tok", true, nil, 401},
		{"no credentials, under another name", "", "", "", false, nil, 403},
	} {
		w := newWorld()
		w.config.User, w.config.Pass, w.config.MetricsToken, w.config.NoAuth = tt.user, tt.pass, tt.token, tt.noAuth
		s := w.server()
		got := request{method: "GET", path: "/metrics", header: tt.header, host: "kae.example.com"}.do(s)
		if got.Code != tt.status || strings.Contains(got.Body.String(), "kae_tokens") != (tt.status == 200) {
			t.Errorf("%s: status %d, want %d", tt.name, got.Code, tt.status)
		}
	}
}

// Guessing the token is as slow as guessing the password.
func TestTheTokenOfTheMetricsIsNotGuessed(t *testing.T) {
	w := newWorld()
	w.config.MetricsToken = "tok"
	s := w.server()
	status := 0
	for n := range loginBurst + 1 {
		status = request{method: "GET", path: "/metrics", header: http.Header{"Authorization": {fmt.Sprintf("Bearer %d", n)}}}.do(s).Code
	}
	if status != 429 {
		t.Errorf("status %d after %d guesses", status, loginBurst)
	}
	if strings.Contains(w.logged.String(), "Bearer") {
		t.Error("a guess is logged")
	}
}

func TestAnOpenStreamIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		s := w.server()
		var page wire
		end, done := listen(s, "/events", &page)
		mustTell(t, scrape(t, s), `kae_event_streams 1`)
		end()
		<-done
		mustTell(t, scrape(t, s), `kae_event_streams 0`)
	})
}
