package web

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kae/internal/hub"
	"kae/internal/keeper"
	"kae/internal/sqlstore"
)

// real starts a whole kae on SQLite and gives its base URL.
func real(t testing.TB) string {
	t.Helper()
	url, _ := realServer(t)
	return url
}

func realServer(t testing.TB) (string, *Server) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: filepath.Join(t.TempDir(), "kae.sqlite"), Log: discard, Keep: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := hub.New()
	k, err := keeper.Open(t.Context(), keeper.Config{Store: store, Hub: h, Log: discard, Delay: 5 * time.Second, Keep: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- k.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Errorf("the keeper ended with %v", err)
		}
	})
	s := New(Config{Keeper: k, Roster: k.Roster(), History: store, Hub: h, Log: discard, Delay: 5 * time.Second})
	srv := httptest.NewServer(s)
	t.Cleanup(func() { h.Close(); srv.Close() })
	return srv.URL, s
}

// call sends a request and gives the status and the body.
func call(t testing.TB, method, to string, form url.Values) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// answer is what the JSON of these tests has.
type answer struct {
	URL, Value, Status string
	Beats              int64
	Token              struct{ Status string }
	Heartbeats         []struct{ Message, Body, Remote string }
	Flips              []struct{ Reason string }
}

func ask(t *testing.T, method, to string, form url.Values, status int) (a answer) {
	t.Helper()
	got, body := call(t, method, to, form)
	if got != status {
		t.Fatalf("%s: status %d, want %d: %s", method, got, status, body)
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheMainJobOnARealDatabase(t *testing.T) {
	base := real(t)
	token := ask(t, "POST", base+"/newtoken", url.Values{"name": {"a"}, "interval": {"1"}}, 201)
	if token.Status != "new" || !strings.HasPrefix(token.URL, base+"/hb/") {
		t.Fatalf("created: %+v", token)
	}

	stream, err := http.Get(base + "/events?ids=1")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	row := func(class string) {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), `data: <tr id="t1" class="`+class+`"`) {
				return
			}
		}
		t.Fatalf("the stream ended without a row of %s: %v", class, lines.Err())
	}
	row("new")

	if status, body := call(t, "POST", token.URL+"?m=hello", url.Values{"a": {"body"}}); status != 200 || body != "OK" {
		t.Fatalf("heartbeat: %d %s", status, body)
	}
	row("up")
	row("fire miss")
	if status, _ := call(t, "GET", token.URL, nil); status != 200 {
		t.Fatalf("heartbeat: %d", status)
	}
	row("up")
	ask(t, "POST", base+"/tokens/1/disable", nil, 200)
	row("dis")

	page := ask(t, "GET", base+"/tokens/1", nil, 200)
	if page.Token.Status != "disabled" || len(page.Heartbeats) != 2 || page.Heartbeats[1].Message != "hello" || page.Heartbeats[1].Body != "a=body" || page.Heartbeats[1].Remote != "127.0.0.1" {
		t.Errorf("page: %+v", page)
	}
	var reasons []string
	for _, f := range page.Flips {
		reasons = append(reasons, f.Reason)
	}
	if got := strings.Join(reasons, " "); got != "disabled recovered missed first" {
		t.Errorf("flips: %s", got)
	}
	if status, body := call(t, "GET", base+"/tokens/1/heartbeats/1/body", nil); status != 200 || body != "a=body" {
		t.Errorf("body: %d %s", status, body)
	}

	renewed := ask(t, "POST", base+"/tokens/1/newvalue", nil, 200)
	if status, _ := call(t, "GET", token.URL, nil); status != 404 {
		t.Errorf("the old value: %d", status)
	}
	if status, _ := call(t, "GET", renewed.URL, nil); status != 200 {
		t.Errorf("the new value: %d", status)
	}
	ask(t, "POST", base+"/tokens/1/remove", nil, 200)
	gone := func() {
		for lines.Scan() {
			if lines.Text() == "event: gone" {
				return
			}
		}
		t.Fatal("the row does not go")
	}
	gone()
	if status, _ := call(t, "GET", renewed.URL, nil); status != 404 {
		t.Errorf("removed: %d", status)
	}
	if back := ask(t, "POST", base+"/tokens/1/undo", nil, 200); back.Status != "disabled" || back.Beats != 3 {
		t.Errorf("brought back: %+v", back)
	}
	edited := ask(t, "POST", base+"/tokens/1", url.Values{"name": {"b"}}, 200)
	if edited.Value != renewed.Value {
		t.Errorf("edited: %+v", edited)
	}
	if status, body := call(t, "GET", base+"/healthz", nil); status != 200 || !strings.Contains(body, `"ok":true`) {
		t.Errorf("health: %d %s", status, body)
	}
}
