package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kae/internal/storetest"
)

func TestAKillLosesNoHeartbeatThatWasAnswered(t *testing.T) {
	for name, db := range map[string]func(t *testing.T) string{
		"SQLite":     func(*testing.T) string { return "kae.sqlite" },
		"PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killUnderLoad(t, db(t))
		})
	}
}

const (
	connections = 64
	kills       = 5
	beatsAKill  = 1000 // answered before each kill
)

// killUnderLoad kills kae while heartbeats come on all connections, each to a
// token of its own and each with a number, and looks for those numbers.
func killUnderLoad(t *testing.T, db string) {
	dir := t.TempDir()
	args := []string{"-db", db, "-keep", "100000"}
	p := launch(t, dir, args...)
	var senders []*sender
	for i := range connections {
		senders = append(senders, &sender{token: p.create(fmt.Sprintf("job %d", i), 3600)})
	}
	for range kills {
		var taken atomic.Int64
		var wg sync.WaitGroup
		for _, s := range senders {
			wg.Go(func() { s.send(p.url, &taken) })
		}
		eventually(t, time.Minute, func() error {
			if n := taken.Load(); n < beatsAKill {
				return fmt.Errorf("only %d heartbeats were answered", n)
			}
			return nil
		})
		p.kill()
		wg.Wait()
		p = launch(t, dir, args...)
		for _, s := range senders {
			s.check(p)
		}
	}
	p.stop()
}

// sender sends heartbeats to one token on one connection.
type sender struct {
	token token
	sent  int
	taken []string // messages of the heartbeats that were answered 200
	wrong string   // an answer that was neither OK nor 503
}

// send goes on until the connection breaks.
func (s *sender) send(url string, taken *atomic.Int64) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for {
		s.sent++
		message := fmt.Sprint("run ", s.sent)
		response, err := client.Get(fmt.Sprintf("%s/hb/%s?m=run+%d", url, s.token.Value, s.sent))
		if err != nil {
			return
		}
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		switch response.StatusCode {
		case http.StatusOK:
			s.taken = append(s.taken, message)
			taken.Add(1)
		case http.StatusServiceUnavailable:
		default:
			s.wrong = response.Status
			return
		}
		if err != nil {
			return
		}
	}
}

// check reads all heartbeats of the token and looks for those that were
// answered. There may be more: some were written whose answer never came.
func (s *sender) check(p *program) {
	p.Helper()
	if s.wrong != "" {
		p.Errorf("token %d: a heartbeat was answered %s", s.token.ID, s.wrong)
	}
	found := map[string]int{}
	beats := int64(-1)
	for path := fmt.Sprintf("/tokens/%d", s.token.ID); path != ""; {
		var part page
		if status := p.fetch(path, nil, &part); status != http.StatusOK {
			p.Fatalf("status %d instead of a part of the history", status)
		}
		for _, b := range part.Heartbeats {
			found[b.Message]++
		}
		beats, path = part.Token.Beats, part.Next
	}
	if int(beats) != len(found) {
		p.Errorf("token %d counts %d heartbeats and has %d", s.token.ID, beats, len(found))
	}
	for _, message := range s.taken {
		if found[message] != 1 {
			p.Errorf("token %d has heartbeat %q %d times, which was answered 200", s.token.ID, message, found[message])
		}
	}
}
