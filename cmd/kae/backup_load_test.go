package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kae"
	"kae/internal/s3test"
	"kae/internal/sqlstore"
)

const (
	loadTokens = 100
	loadRate   = 2000 // heartbeats a second
	loadFilled = 1_000_000
)

// TestAMillionHeartbeatsAreBackedUpUnderLoad takes a minute: make test-deploy
// runs it.
func TestAMillionHeartbeatsAreBackedUpUnderLoad(t *testing.T) {
	if os.Getenv("KAE_LONG_TESTS") == "" {
		t.Skip("KAE_LONG_TESTS is not set")
	}
	server := s3test.Start(t, "backups")
	dir := t.TempDir()
	values := fill(t, filepath.Join(dir, "kae.sqlite"))
	p := launch(t, dir, "-keep", "1000000")
	l := load{program: p, taken: make([]int64, len(values)), stop: make(chan struct{})}
	for i, value := range values {
		l.senders.Go(func() { l.send(i, value) })
	}
	until(time.Now().Add(2 * time.Second)) // for the load to be what it is to be
	before := l.count()
	began := time.Now()
	said, status := does(t, dir, s3env(server), "backup", "s3://backups")
	took := time.Since(began)
	during := l.count() - before
	close(l.stop)
	l.senders.Wait()
	if status != 0 {
		t.Fatalf("exit status %d: %s", status, said)
	}
	t.Logf("%sin %v; %d heartbeats meanwhile, %.0f a second, the slowest answered after %v",
		said, took.Round(time.Millisecond), during, float64(during)/took.Seconds(), l.slowest)
	if l.refused != "" {
		t.Errorf("a heartbeat was answered %s", l.refused)
	}
	if rate := float64(during) / took.Seconds(); rate < loadRate/2 {
		t.Errorf("only %.0f heartbeats a second were taken", rate)
	}
	p.kill()
	again := t.TempDir()
	if said, status := does(t, again, s3env(server), "restore", "s3://backups"); status != 0 {
		t.Fatalf("exit status %d: %s", status, said)
	} else {
		t.Log(said)
	}
	// The backup has what there was, and the database itself all of it.
	for in, least := range map[string]int64{again: loadFilled + before, dir: loadFilled + l.count()} {
		found, err := sqlstore.Check(t.Context(), filepath.Join(in, "kae.sqlite"))
		if err != nil || found.Heartbeats < least || found.Tokens != loadTokens {
			t.Errorf("%+v, %v, want at least %d heartbeats", found, err, least)
		}
	}
	for i, token := range launch(t, again, "-keep", "1000000").list() {
		if token.Beats < loadFilled/loadTokens {
			t.Errorf("token %d has %d heartbeats", i, token.Beats)
		}
	}
}

// list gives the tokens of the first page.
func (p *program) list() []token {
	p.Helper()
	var got struct{ Tokens []token }
	if status := p.fetch("/", nil, &got); status != http.StatusOK || len(got.Tokens) == 0 {
		p.Fatalf("status %d, %d tokens", status, len(got.Tokens))
	}
	return got.Tokens
}

// fill makes a database with a million heartbeats and gives its tokens' values.
func fill(t *testing.T, path string) []string {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: path})
	if err != nil {
		t.Fatal(err)
	}
	every, err := kae.ParseSchedule("1d", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	var tokens []kae.Token
	for i := range loadTokens {
		values = append(values, kae.NewValue())
		tokens = append(tokens, kae.Token{
			ID: int64(i + 1), Value: values[i], UUID: kae.NewUUID(), Name: fmt.Sprint("job ", i), Schedule: every, Status: kae.New,
		})
	}
	err = store.Write(t.Context(), func(tx kae.Tx) error { return tx.PutTokens(tokens, 0) })
	begin := time.Now().Add(-time.Hour)
	const turn = 10_000
	for pos := int64(1); pos <= loadFilled && err == nil; pos += turn {
		var beats []kae.Heartbeat
		for i := pos; i < pos+turn; i++ {
			beats = append(beats, kae.Heartbeat{
				TokenID: (i-1)%loadTokens + 1, Number: (i-1)/loadTokens + 1, Pos: i, Prev: max(0, i-loadTokens),
				At: begin.Add(time.Duration(i) * time.Millisecond), Kind: kae.Success, Message: strings.Repeat("all is well; ", 4), Remote: "192.0.2.1", Agent: "curl/8.5.0",
			})
		}
		err = store.Write(t.Context(), func(tx kae.Tx) error { return tx.Append(beats) })
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return values
}

// load is heartbeats at a steady rate.
type load struct {
	*program
	senders sync.WaitGroup
	stop    chan struct{}

	mu      sync.Mutex
	taken   []int64 // by token
	refused string
	slowest time.Duration
}

func (l *load) count() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, taken := range l.taken {
		n += taken
	}
	return n
}

func (l *load) send(i int, value string) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(time.Second * loadTokens / loadRate)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
		}
		began := time.Now()
		response, err := client.Get(l.url + "/hb/" + value)
		answer := fmt.Sprint(err)
		if err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
			answer = response.Status
		}
		l.mu.Lock()
		l.slowest = max(l.slowest, time.Since(began))
		if answer == "200 OK" {
			l.taken[i]++
		} else {
			l.refused = answer
		}
		l.mu.Unlock()
	}
}
