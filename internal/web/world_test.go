package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kae"
	"kae/internal/hub"
	"kae/internal/roster"
)

// noon is when the stopped clock of these tests stands.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is a keeper and a history in memory, without a database, in which a
// test puts tokens into any state at any time.
type world struct {
	mu     sync.Mutex
	now    time.Time // zero: the real clock
	roster *roster.Roster
	hub    *hub.Hub
	lastID int64
	beats  map[int64][]kae.Heartbeat // newest first
	flips  map[int64][]kae.Flip
	gaps   []kae.Gap
	health kae.Health
	fails  error  // of whatever needs the database
	panics any    // of the next heartbeat or change
	reads  func() // called while a history is read
	config Config
	logged *logs
}

// logs collects what is logged at any level.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newWorld() *world {
	w := &world{
		now: noon, roster: roster.New(), hub: hub.New(), logged: &logs{},
		beats: map[int64][]kae.Heartbeat{}, flips: map[int64][]kae.Flip{},
	}
	w.health = kae.Health{LastCommit: noon.Add(-1200 * time.Millisecond)}
	w.config = Config{
		Keeper: w, Roster: w.roster, History: w, Hub: w.hub, Delay: 5 * time.Second, LateLimit: 24 * time.Hour, Version: "1.2.3",
		Log: slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return w
}

// server makes the server of this world, with its clock.
func (w *world) server() *Server {
	s := New(w.config)
	s.zone = time.UTC
	s.now = w.clock
	return s
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time()
}

func (w *world) time() time.Time {
	if w.now.IsZero() {
		return time.Now().UTC().Truncate(time.Microsecond)
	}
	return w.now
}

func (w *world) sleep(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) failing(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = err
}

// apply installs a change and tells it, as the keeper does after a commit.
func (w *world) apply(c kae.Change) kae.Token {
	id := c.Token.ID
	if c.Beat != nil {
		w.beats[id] = append([]kae.Heartbeat{*c.Beat}, w.beats[id]...)
	}
	if c.Flip != nil {
		w.flips[id] = append([]kae.Flip{*c.Flip}, w.flips[id]...)
	}
	w.roster.Install([]kae.Change{c}, w.time())
	w.hub.Publish([]kae.Change{c})
	return c.Token
}

func (w *world) Heartbeat(_ context.Context, value string, h kae.Heartbeat) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.panics != nil {
		panic(w.panics)
	}
	if w.fails != nil {
		return w.fails
	}
	id, ok := w.roster.Find(value)
	if !ok {
		return &kae.Error{Code: kae.NotFound, Message: "There is no such token."}
	}
	t, _ := w.roster.Get(id)
	w.apply(t.Beat(h))
	return nil
}

func (w *world) Create(_ context.Context, s kae.Settings) (kae.Token, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fails != nil {
		return kae.Token{}, w.fails
	}
	w.lastID++
	t := kae.Token{ID: w.lastID, Value: valueOf(w.lastID), UUID: kae.NewUUID(), Status: kae.New, CreatedAt: w.time()}.With(s)
	return w.apply(kae.Change{Token: t}), nil
}

// valueOf makes values that tests can foresee: b…, c…, d….
func valueOf(id int64) string {
	const letters = "bcdfghjklmnpqrstvwxyz"
	return strings.Repeat(string(letters[int(id-1)%len(letters)]), 16) + fmt.Sprintf("%c%c%c%c",
		letters[id/21/21/21%21], letters[id/21/21%21], letters[id/21%21], letters[id%21])
}

func (w *world) Change(_ context.Context, id int64, rule func(kae.Token, time.Time) (kae.Change, error)) (kae.Token, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.panics != nil {
		panic(w.panics)
	}
	if w.fails != nil {
		return kae.Token{}, w.fails
	}
	t, ok := w.roster.Get(id)
	if !ok {
		return kae.Token{}, &kae.Error{Code: kae.NotFound, Message: "There is no such token."}
	}
	c, err := rule(t, w.time())
	if err != nil {
		return kae.Token{}, err
	}
	return w.apply(c), nil
}

func (w *world) Health() kae.Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.health
}

func (w *world) History(_ context.Context, t kae.Token, q kae.HistoryQuery) (kae.History, error) {
	w.mu.Lock()
	reads := w.reads
	w.reads = nil
	w.mu.Unlock()
	if reads != nil {
		reads()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fails != nil {
		return kae.History{}, w.fails
	}
	h := kae.History{Gaps: w.gaps}
	for _, b := range w.beats[t.ID] {
		if (q.BeatsBefore == 0 || b.Number < q.BeatsBefore) && len(h.Beats) < q.Limit {
			if !q.Bodies {
				b.Body = nil
			}
			h.Beats = append(h.Beats, b)
		}
	}
	for _, f := range w.flips[t.ID] {
		if (q.FlipsBefore == 0 || f.Number < q.FlipsBefore) && len(h.Flips) < q.Limit {
			h.Flips = append(h.Flips, f)
		}
	}
	return h, nil
}

func (w *world) Body(_ context.Context, id, number int64) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.beats[id] {
		if b.Number == number && b.Body != nil {
			return b.Body, nil
		}
	}
	return nil, &kae.Error{Code: kae.NotFound, Message: "This body is not kept."}
}

// make creates a token; interval and grace as people write them.
func (w *world) make(t testing.TB, name, interval, grace string, tags ...string) kae.Token {
	t.Helper()
	s, err := kae.ParseSchedule(interval, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := kae.ParseGrace(grace)
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.Create(context.Background(), kae.Settings{Name: name, Schedule: s, Grace: g, Tags: tags})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// beat sends a heartbeat that was some time ago.
func (w *world) beat(t kae.Token, kind kae.Kind, ago time.Duration, message, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, _ := w.roster.Get(t.ID)
	h := kae.Heartbeat{At: w.time().Add(-ago), Kind: kind, Message: message, Remote: "10.0.4.12", Agent: "curl/8.5.0"}
	if body != "" {
		h.Body, h.BodySize = []byte(body), len(body)
	}
	w.apply(now.Beat(h))
}

// tell sends a heartbeat as it is.
func (w *world) tell(t kae.Token, h kae.Heartbeat) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, _ := w.roster.Get(t.ID)
	h.BodySize, h.Remote, h.Agent = len(h.Body), "10.0.4.12", "kae exec"
	w.apply(now.Beat(h))
}

// do applies a rule as of some time ago.
func (w *world) do(t kae.Token, ago time.Duration, rule func(kae.Token, time.Time) kae.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, _ := w.roster.Get(t.ID)
	w.apply(rule(now, w.time().Add(-ago)))
}

// request is one request and what is asked of it.
type request struct {
	method string
	path   string
	form   url.Values
	body   string
	header http.Header
	host   string
	remote string
}

func (q request) do(h http.Handler) *httptest.ResponseRecorder {
	var body io.Reader
	if q.form != nil {
		body = strings.NewReader(q.form.Encode())
	} else if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r := httptest.NewRequest(q.method, q.path, body)
	r.Host, r.RemoteAddr = "localhost:20999", "127.0.0.1:4711"
	if q.host != "" {
		r.Host = q.host
	}
	if q.remote != "" {
		r.RemoteAddr = q.remote
	}
	if q.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	return request{method: "GET", path: path}.do(h)
}

var asJSON = http.Header{"Accept": {"application/json"}}

func post(h http.Handler, path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return request{method: "POST", path: path, form: form}.do(h)
}
