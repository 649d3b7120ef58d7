package main

import (
	"testing"
	"time"
)

const outageInterval = 3 // seconds

// outage starts kae, sends each of n tokens a heartbeat, and starts it again
// after three intervals. It checks that nothing is fired at and that each
// token is unknown, and waits for the heartbeat after the outage.
func outage(t *testing.T, dir string, n int) (*program, []token) {
	t.Helper()
	p := launch(t, dir, "-delaySecs", "1")
	var tokens []token
	for range n {
		made := p.create("a", outageInterval)
		p.beat(made.Value)
		tokens = append(tokens, p.expect(made.ID, "up", time.Second).Token)
	}
	p.kill()
	until(tokens[0].LastAt.Add(3*outageInterval*time.Second + 500*time.Millisecond))
	began := time.Now()
	p = launch(t, dir, "-delaySecs", "1")
	for i, was := range tokens {
		got := p.page(was.ID)
		now := time.Now()
		tokens[i] = got.Token
		if got.Token.Status != "up" || !got.Token.Unknown || got.Flips[0].Reason != "unknown" {
			t.Errorf("after the outage token %d is %+v with %+v, want up and unknown", was.ID, got.Token, got.Flips[0])
		}
		due := *got.Token.DueAt
		if due.Before(began) || due.After(now.Add(outageInterval*time.Second)) {
			t.Errorf("expected next at %v, want within one interval of %v", due, began)
		}
		// The slots stay what they were: whole intervals after the last heartbeat.
		if due.Sub(*was.LastAt)%(outageInterval*time.Second) != 0 {
			t.Errorf("expected next at %v, which is no slot after %v", due, was.LastAt)
		}
	}
	return p, tokens
}

func TestAnOutageExcusesUntilTheNextExpectedTime(t *testing.T) {
	t.Parallel()
	p, tokens := outage(t, t.TempDir(), 2)
	silent, alive := tokens[0], tokens[1]
	p.beat(alive.Value)
	if got := p.page(alive.ID).Token; got.Unknown || got.Status != "up" {
		t.Errorf("after a heartbeat: %+v, want up and known", got)
	}
	fired := p.expect(silent.ID, "firing", 10*time.Second)
	if !fired.Flips[0].At.Equal(*silent.DueAt) || fired.Flips[0].Reason != "missed" {
		t.Errorf("%+v, want missed at %v", fired.Flips[0], silent.DueAt)
	}
}

func TestASecondOutageDoesNotExcuseAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, tokens := outage(t, dir, 1)
	silent := tokens[0]
	p.kill()
	until(silent.DueAt.Add(100 * time.Millisecond))
	p = launch(t, dir, "-delaySecs", "1")
	fired := p.expect(silent.ID, "firing", 2*time.Second)
	if !fired.Flips[0].At.Equal(*silent.DueAt) || fired.Flips[0].Reason != "missed" {
		t.Errorf("%+v, want missed at %v", fired.Flips[0], silent.DueAt)
	}
}
