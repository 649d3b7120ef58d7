package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

var update = flag.Bool("update", false, "write what is sent now into testdata/golden")

const (
	secretValue = "bcdfghjklmnpqrstvwxz"
	secretUUID  = "0e4e2fdc-7947-4afa-804c-179f18e5d11c"
)

// The night that the scenes are of: 24 November 2026, by the clock of Madrid.
func night(clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-11-24 "+clock, madrid)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

var madrid = func() *time.Location {
	zone, err := kae.LoadZone("Europe/Madrid")
	if err != nil {
		panic(err)
	}
	return zone
}()

func backup(t testing.TB) kae.Token {
	t.Helper()
	s, err := kae.ParseSchedule("0 3 * * *", madrid)
	if err != nil {
		t.Fatal(err)
	}
	return kae.Token{
		ID: 1, Name: "Nightly <backup> & dump", Description: "If it fails, see https://wiki.example.com/backup?a=1&b=2\nThen call *Ana*.",
		Tags: []string{"db", "prod"}, Schedule: s, Grace: 10 * time.Minute, MaxRun: 30 * time.Minute,
		Value: secretValue, UUID: secretUUID, Status: kae.Firing, CreatedAt: night("00:00:00").AddDate(0, -1, 0), LastAt: night("03:04:12").AddDate(0, 0, -1),
	}
}

// scenes are the messages that every kind is shown with.
func scenes(t testing.TB) map[string]Message {
	t.Helper()
	yesterday := &kae.Heartbeat{Number: 41, At: night("03:04:12").AddDate(0, 0, -1), Kind: kae.Success, Took: 252 * time.Second}
	failure := &kae.Heartbeat{
		Number: 42, At: night("03:04:12"), Kind: kae.Failure, Exited: true, Exit: 1, Took: 245180 * time.Millisecond, Message: "disk is full",
		Body:     []byte("+ curl https://kae.example.com/hb/" + secretValue + "/start\nvalue " + secretValue + " uuid " + secretUUID + "\npg_dump: error: <disk> is \"full\" & `gone`\n"),
		BodySize: 120, Remote: "10.0.4.12", Agent: "kae exec",
	}
	event := func(reason kae.Reason, at string, beat *kae.Heartbeat, change func(*Event)) Event {
		e := Event{
			Alert: kae.Alert{TokenID: 1, Number: 7, At: night(at), From: kae.Up, To: kae.Firing, Reason: reason, Fired: night(at)},
			Token: backup(t), Beat: beat, URL: "https://kae.example.com/tokens/1",
		}
		if change != nil {
			change(&e)
		}
		return e
	}
	ends := func(reason kae.Reason, told bool) Event {
		return event(reason, "05:24:12", &kae.Heartbeat{Number: 43, At: night("05:24:12"), Kind: kae.Success, Took: 251 * time.Second}, func(e *Event) {
			e.Number, e.From, e.To, e.Fired, e.Told = 8, kae.Firing, kae.Up, night("03:10:00"), told
			e.Token.Status = kae.Up
			if !told {
				e.Due = night("03:00:00")
			}
		})
	}
	all := map[string]Message{
		"missed": {Events: []Event{event(kae.Missed, "03:10:00", yesterday, func(e *Event) { e.Due = night("03:00:00") })}},
		"failed": {Events: []Event{event(kae.Failed, "03:04:12", failure, nil)}},
		"overran": {Events: []Event{event(kae.Overran, "03:30:00", &kae.Heartbeat{Number: 42, At: night("03:00:00"), Kind: kae.Start}, func(e *Event) {
			e.Token.StartedAt = night("03:00:00")
		})}},
		"still":       {Events: []Event{event(kae.Missed, "03:10:00", nil, func(e *Event) { e.Due = night("03:00:00") })}, Sent: night("07:10:00")},
		"again":       {Events: []Event{event(kae.Missed, "03:10:00", nil, func(e *Event) { e.Due, e.Round = night("03:00:00"), 1 })}, Sent: night("07:10:00")},
		"failedagain": {Events: []Event{event(kae.Failed, "03:04:12", failure, func(e *Event) { e.Round = 2 })}, Sent: night("11:10:00")},
		"recovered":   {Events: []Event{ends(kae.Recovered, true)}},
		"untold":      {Events: []Event{ends(kae.Recovered, false)}},
		"late":        {Events: []Event{ends(kae.ArrivedLate, true)}},
		"disabled":    {Events: []Event{ends(kae.WasDisabled, true)}},
		"edited":      {Events: []Event{ends(kae.Edited, true)}},
		"test":        {Test: true},
		"tried":       {Test: true, Events: []Event{event(kae.Failed, "03:04:12", failure, nil)}},
	}
	removed := ends(kae.WasRemoved, true)
	removed.To, removed.Token.RemovedAt = kae.Disabled, removed.At
	all["removed"] = Message{Events: []Event{removed}}
	storm := Message{}
	for i := range 17 {
		e := event(kae.Missed, fmt.Sprintf("02:%02d:00", i), nil, func(e *Event) { e.Due = night("02:00:00") })
		e.TokenID, e.Token.ID, e.Token.Name = int64(i+1), int64(i+1), fmt.Sprintf("Job %d", i+1)
		e.URL = fmt.Sprintf("https://kae.example.com/tokens/%d", i+1)
		e.Token.Tags = []string{"db-3"}
		if i < 2 {
			e.Token.Tags = []string{"web"}
		}
		storm.Events = append(storm.Events, e)
	}
	all["storm"] = storm
	mixed := Message{Events: append(slices.Clone(storm.Events[:2]), ends(kae.Recovered, true))}
	all["mixed"] = mixed
	for name, m := range all {
		m.Key = "kae-" + name + "-1"
		if m.Sent.IsZero() {
			m.Sent = night("03:10:01")
			if len(m.Events) > 0 {
				m.Sent = m.Events[0].At.Add(time.Second)
			}
		}
		all[name] = m
	}
	return all
}

// receiver is the other side of a channel.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

// receive starts one that answers as it is told. It writes down what it was
// sent, with the headers that are named.
func receive(t testing.TB, answer http.HandlerFunc, headers ...string) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		text := req.Method + " " + req.RequestURI + "\n"
		for _, h := range headers {
			for _, v := range req.Header.Values(h) {
				text += h + ": " + v + "\n"
			}
		}
		var pretty bytes.Buffer
		if json.Indent(&pretty, body, "", "  ") == nil {
			body = pretty.Bytes()
		}
		r.mu.Lock()
		r.got = append(r.got, text+"\n"+string(body)+"\n")
		r.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// open opens a channel that has to be fine.
func open(t testing.TB, kind string, o Options, values ...string) Sender {
	t.Helper()
	s, err := Open(kind, pairs(values), o)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return s
}

func pairs(values []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(values); i += 2 {
		m[values[i]] = values[i+1]
	}
	return m
}

// golden holds what was sent against testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	for _, secret := range []string{secretValue, secretUUID, "/hb/b"} {
		if strings.Contains(got, secret) {
			t.Errorf("%s tells a token's value or where its heartbeats go:\n%s", name, got)
		}
	}
	file := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got); if it is as it should be, run go test -update:\n%s", name, d)
	}
}

// sentBy sends scenes by a kind of HTTP and gives what arrived.
func sentBy(t *testing.T, r *receiver, s Sender, names ...string) string {
	t.Helper()
	all := ""
	for _, name := range names {
		m, ok := scenes(t)[name]
		if !ok {
			t.Fatalf("there is no scene %s", name)
		}
		before := len(r.requests())
		answer, err := s.Send(t.Context(), m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all += "==== " + name + ", answered " + answer + "\n\n" + strings.Join(r.requests()[before:], "\n") + "\n"
	}
	return all
}

// receiveRaw starts a receiver that looks at the request itself.
func receiveRaw(t testing.TB, look func(*http.Request)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { look(r) }))
	t.Cleanup(s.Close)
	return s.URL
}
