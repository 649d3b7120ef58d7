package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae/internal/storetest"
)

// ear is a webhook that hears alerts.
type ear struct {
	*httptest.Server
	mu    sync.Mutex
	heard map[string][]string // by key, each time it was sent: the alerts of a message
	last  map[int64]int64     // by token: the newest flip
	raw   strings.Builder
}

func listenForAlerts(t *testing.T) *ear {
	e := &ear{heard: map[string][]string{}, last: map[int64]int64{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var message struct {
		Key    string
		Alerts []struct {
			Flip  int64
			To    string
			Token struct {
				ID   int64
				Name string
			}
		}
	}
	if err != nil || json.Unmarshal(body, &message) != nil || message.Key != r.Header.Get("Idempotency-Key") {
		http.Error(w, "this is no message of kae", http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var said []string
	for _, a := range message.Alerts {
		said = append(said, fmt.Sprintf("%d/%d: %s %s", a.Token.ID, a.Flip, a.Token.Name, a.To))
		e.last[a.Token.ID] = max(e.last[a.Token.ID], a.Flip)
	}
	e.heard[message.Key] = append(e.heard[message.Key], strings.Join(said, ", "))
	e.raw.Write(body)
}

// all gives what was heard, whatever its order.
func (e *ear) all() (said []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, times := range e.heard {
		said = append(said, times...)
	}
	return said
}

type delivery struct {
	ID       int64  `json:"id"`
	TokenID  int64  `json:"token_id"`
	Number   int64  `json:"number"`
	To       string `json:"to"`
	State    string `json:"state"`
	Attempts int    `json:"attempts"`
	Answer   string `json:"answer"`
}

func (p *program) deliveries(channel int64) (all []delivery) {
	p.Helper()
	for path := fmt.Sprintf("/channels/%d", channel); path != ""; {
		var part struct {
			Deliveries []delivery `json:"deliveries"`
			Next       string     `json:"next"`
		}
		if status := p.fetch(path, nil, &part); status != http.StatusOK {
			p.Fatalf("status %d instead of deliveries", status)
		}
		all, path = append(all, part.Deliveries...), part.Next
	}
	return all
}

func (p *program) channel(name, hook string) int64 {
	p.Helper()
	var made struct{ ID int64 }
	if status := p.fetch("/channels", url.Values{"name": {name}, "kind": {"webhook"}, "url": {hook}}, &made); status != http.StatusCreated {
		p.Fatalf("status %d instead of a channel", status)
	}
	return made.ID
}

func TestAChannelHearsOfAFiringAndItsEnd(t *testing.T) {
	e := listenForAlerts(t)
	p := launch(t, t.TempDir())
	id := p.channel("ops", e.URL+"/secret-path")
	job := p.create("job", 3600)
	p.beat(job.Value)
	p.send(job.Value + "/fail?m=disk+full,+Bearer+" + job.UUID)
	eventually(t, 10*time.Second, func() error {
		if got := e.all(); len(got) != 1 {
			return fmt.Errorf("heard %v", got)
		}
		return nil
	})
	p.beat(job.Value)
	p.stop() // before the second message: it is told by the next kae
	p = launch(t, p.cmd.Dir)
	eventually(t, 20*time.Second, func() error {
		if got := e.all(); len(got) != 2 {
			return fmt.Errorf("heard %v", got)
		}
		return nil
	})
	eventually(t, 10*time.Second, func() error { // it is written down after it was heard
		var states []string
		for _, d := range p.deliveries(id) {
			states = append(states, d.To+" "+d.State)
		}
		if diff := cmp.Diff([]string{"up delivered", "firing delivered"}, states); diff != "" {
			return fmt.Errorf("%s", diff)
		}
		return nil
	})
	if raw := e.raw.String(); !strings.Contains(raw, "disk full") || strings.Contains(raw, job.Value) || strings.Contains(raw, job.UUID) {
		t.Errorf("the messages: %s", raw)
	}
	if log := p.stderr.String(); strings.Contains(log, "secret-path") {
		t.Errorf("the log: %s", log)
	}
}

// Whenever kae is killed, each flip is delivered: one delivery for each, which
// may have gone out twice, but then as the same message.
func TestAKillLosesNoAlert(t *testing.T) {
	for name, db := range map[string]func(t *testing.T) string{
		"SQLite":     func(*testing.T) string { return "kae.sqlite" },
		"PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killWhileTokensFlip(t, db(t))
		})
	}
}

const flippers = 500

func killWhileTokensFlip(t *testing.T, db string) {
	dir, e := t.TempDir(), listenForAlerts(t)
	p := launch(t, dir, "-db", db)
	id := p.channel("ops", e.URL)
	var jobs []token
	for i := range flippers {
		jobs = append(jobs, p.create(fmt.Sprintf("job %d", i), 3600))
	}
	for range 4 {
		var flipped atomic.Int64
		var wg sync.WaitGroup
		for first := range 10 {
			wg.Go(func() { failAndRecover(p.url, jobs, first, &flipped) })
		}
		enough := 100 + rand.Int64N(900)
		eventually(t, 3*time.Minute, func() error {
			if n := flipped.Load(); n < enough {
				return fmt.Errorf("only %d heartbeats were answered", n)
			}
			return nil
		})
		p.kill()
		wg.Wait()
		p = launch(t, dir, "-db", db)
	}
	of := map[string][]delivery{}
	eventually(t, 3*time.Minute, func() error {
		clear(of)
		for _, d := range p.deliveries(id) {
			if d.State != "delivered" {
				return fmt.Errorf("%+v", d)
			}
			key := fmt.Sprintf("%d/%d", d.TokenID, d.Number)
			of[key] = append(of[key], d)
		}
		return nil
	})
	told := 0
	for _, job := range jobs {
		newest := int64(0)
		for _, f := range p.flips(job.ID) {
			if (f.From == "firing") == (f.To == "firing") {
				continue
			}
			told++
			newest = max(newest, f.Number)
			if got := of[fmt.Sprintf("%d/%d", job.ID, f.Number)]; len(got) != 1 {
				t.Errorf("token %d, flip %d: %d deliveries", job.ID, f.Number, len(got))
			}
		}
		e.mu.Lock()
		if e.last[job.ID] != newest {
			t.Errorf("token %d: heard of flip %d, not of %d", job.ID, e.last[job.ID], newest)
		}
		e.mu.Unlock()
	}
	if told < 400 || told != len(of) {
		t.Errorf("%d flips, %d deliveries", told, len(of))
	}
	for key, times := range e.heard {
		for _, again := range times {
			if again != times[0] {
				t.Errorf("message %s was first %q, and then %q", key, times[0], again)
			}
		}
	}
}

// failAndRecover makes every tenth job fail and recover until the connection breaks.
func failAndRecover(base string, jobs []token, first int, flipped *atomic.Int64) {
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for round := 0; ; round++ {
		for i := first; i < len(jobs); i += 10 {
			path := base + "/hb/" + jobs[i].Value
			if round%2 == 0 {
				path += "/fail"
			}
			response, err := client.Get(path)
			if err != nil {
				return
			}
			response.Body.Close()
			flipped.Add(1)
		}
	}
}

// flips reads all flips of a token.
func (p *program) flips(id int64) (all []flip) {
	p.Helper()
	for path := fmt.Sprintf("/tokens/%d", id); path != ""; {
		var part page
		if status := p.fetch(path, nil, &part); status != http.StatusOK {
			p.Fatalf("status %d instead of a part of the history", status)
		}
		all, path = append(all, part.Flips...), part.Next
	}
	return all
}
