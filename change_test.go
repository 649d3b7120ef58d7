package kae

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var t0 = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func at(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }

// watched is a token of 60 s with 10 s grace whose newest success came at t0.
func watched() Token {
	t := Token{ID: 1, Schedule: Every(time.Minute), Grace: 10 * time.Second, Status: New, CreatedAt: at(-100)}
	return t.Beat(Heartbeat{At: t0, Kind: Success, Pos: 1}).Token
}

func beat(kind Kind, s int) func(Token) Change {
	return func(t Token) Change { return t.Beat(Heartbeat{At: at(s), Kind: kind}) }
}

func expire(s int) func(Token) Change  { return func(t Token) Change { return t.Expire(at(s)) } }
func disable(s int) func(Token) Change { return func(t Token) Change { return t.Disable(at(s)) } }
func enable(s int) func(Token) Change  { return func(t Token) Change { return t.Enable(at(s)) } }
func remove(s int) func(Token) Change  { return func(t Token) Change { return t.Remove(at(s)) } }
func undo(s int) func(Token) Change    { return func(t Token) Change { return t.Undo(at(s)) } }
func rewind(s int) func(Token) Change  { return func(t Token) Change { return t.Rewind(at(s)) } }
func excuse(from, to int) func(Token) Change {
	return func(t Token) Change { return t.Excuse(Gap{at(from), at(to)}) }
}
func edit(every, grace int, s int) func(Token) Change {
	return func(t Token) Change {
		set := t.Settings()
		set.Schedule, set.Grace = Every(time.Duration(every)*time.Second), time.Duration(grace)*time.Second
		return t.Edit(set, at(s))
	}
}

func TestRules(t *testing.T) {
	type flip struct {
		At       int
		From, To Status
		Reason   Reason
	}
	type state struct {
		Status   Status
		Due      int // seconds from t0; -1: none
		Deadline int
		Unknown  bool
		Running  bool
	}
	cases := []struct {
		name  string
		token Token
		rules []func(Token) Change
		want  state
		flips []flip
	}{
		{"a new token waits for its first heartbeat without a deadline",
			Token{Schedule: Every(time.Minute), Status: New}, []func(Token) Change{expire(1e6)},
			state{New, -1, -1, false, false}, nil},
		{"the first success brings it up",
			Token{Schedule: Every(time.Minute), Status: New}, []func(Token) Change{beat(Success, 5)},
			state{Up, 65, 65, false, false}, []flip{{5, New, Up, First}}},
		{"a success moves the deadline and flips nothing", watched(), []func(Token) Change{beat(Success, 30)},
			state{Up, 90, 100, false, false}, nil},
		{"one microsecond before the deadline nothing fires", watched(),
			[]func(Token) Change{func(t Token) Change { return t.Expire(at(70).Add(-time.Microsecond)) }},
			state{Up, 60, 70, false, false}, nil},
		{"at the deadline it fires, dated at the deadline", watched(), []func(Token) Change{expire(75)},
			state{Firing, 60, -1, false, false}, []flip{{70, Up, Firing, Missed}}},
		{"it fires once", watched(), []func(Token) Change{expire(75), expire(500)},
			state{Firing, 60, -1, false, false}, []flip{{70, Up, Firing, Missed}}},
		{"a success after the deadline counts if the turn has not come", watched(), []func(Token) Change{beat(Success, 72), expire(73)},
			state{Up, 132, 142, false, false}, nil},
		{"a success recovers it", watched(), []func(Token) Change{expire(75), beat(Success, 90)},
			state{Up, 150, 160, false, false}, []flip{{70, Up, Firing, Missed}, {90, Firing, Up, Recovered}}},
		{"a failure fires at once and is a heartbeat: nothing is missed besides", watched(), []func(Token) Change{beat(Failure, 20), expire(500)},
			state{Firing, 80, -1, false, false}, []flip{{20, Up, Firing, Failed}}},
		{"a failure while firing flips nothing", watched(), []func(Token) Change{expire(75), beat(Failure, 80)},
			state{Firing, 140, -1, false, false}, []flip{{70, Up, Firing, Missed}}},
		{"a log line changes nothing", watched(), []func(Token) Change{beat(Log, 50)},
			state{Up, 60, 70, false, false}, nil},
		{"a start runs and proves nothing", watched(), []func(Token) Change{beat(Start, 50), expire(75)},
			state{Firing, 60, -1, false, true}, []flip{{70, Up, Firing, Missed}}},
		{"a success ends the run", watched(), []func(Token) Change{beat(Start, 50), beat(Success, 55)},
			state{Up, 115, 125, false, false}, nil},
		{"a job that only ever starts fires",
			Token{Schedule: Every(time.Minute), Status: New}, []func(Token) Change{beat(Start, 0), beat(Start, 50), expire(60)},
			state{Firing, 60, -1, false, true}, []flip{{60, New, Firing, Missed}}},

		{"expected in a gap: it waits for its next time after the gap", watched(), []func(Token) Change{excuse(50, 200)},
			state{Up, 240, 250, true, false}, []flip{{200, Up, Up, Excused}}},
		{"the deadline in a gap excuses too", watched(), []func(Token) Change{excuse(65, 72)},
			state{Up, 120, 130, true, false}, []flip{{72, Up, Up, Excused}}},
		{"nothing expected in the gap: nothing changes", watched(), []func(Token) Change{excuse(1, 59)},
			state{Up, 60, 70, false, false}, nil},
		{"overdue before the gap: it fires", watched(), []func(Token) Change{excuse(71, 200), expire(200)},
			state{Firing, 60, -1, false, false}, []flip{{70, Up, Firing, Missed}}},
		{"never silent: a second gap does not excuse", watched(), []func(Token) Change{excuse(50, 200), excuse(230, 300), expire(300)},
			state{Firing, 240, -1, true, false}, []flip{{200, Up, Up, Excused}, {250, Up, Firing, Missed}}},
		{"a success makes it known again, and excusable", watched(), []func(Token) Change{excuse(50, 200), beat(Success, 210), excuse(260, 280)},
			state{Up, 330, 340, true, false}, []flip{{200, Up, Up, Excused}, {280, Up, Up, Excused}}},
		{"a run in the gap is excused and forgotten", watched(), []func(Token) Change{beat(Start, 10), excuse(20, 30)},
			state{Up, 60, 70, true, false}, []flip{{30, Up, Up, Excused}}},
		{"a run stays where nothing can be excused", watched(), []func(Token) Change{excuse(50, 200), beat(Start, 210), excuse(215, 220)},
			state{Up, 240, 250, true, true}, []flip{{200, Up, Up, Excused}}},
		{"a firing token is not excused", watched(), []func(Token) Change{expire(75), excuse(50, 200)},
			state{Firing, 60, -1, false, false}, []flip{{70, Up, Firing, Missed}}},

		{"disabled: nothing is expected, heartbeats are recorded", watched(), []func(Token) Change{disable(5), beat(Success, 10), expire(1e6)},
			state{Disabled, -1, -1, false, false}, []flip{{5, Up, Disabled, WasDisabled}}},
		{"a failure of a disabled token flips nothing", watched(), []func(Token) Change{disable(5), beat(Failure, 10)},
			state{Disabled, -1, -1, false, false}, []flip{{5, Up, Disabled, WasDisabled}}},
		{"enabled: it waits an interval from now", watched(), []func(Token) Change{disable(5), enable(1000)},
			state{Up, 1060, 1070, false, false}, []flip{{5, Up, Disabled, WasDisabled}, {1000, Disabled, Up, WasEnabled}}},
		{"enabled without ever a heartbeat: new",
			Token{Schedule: Every(time.Minute), Status: New}, []func(Token) Change{disable(5), enable(10)},
			state{New, -1, -1, false, false}, []flip{{5, New, Disabled, WasDisabled}, {10, Disabled, New, WasEnabled}}},
		{"enabling what is enabled changes nothing", watched(), []func(Token) Change{enable(30)},
			state{Up, 60, 70, false, false}, nil},

		{"removed: no deadline", watched(), []func(Token) Change{remove(10), expire(1e6), excuse(50, 200), disable(20)},
			state{Up, -1, -1, false, false}, nil},
		{"brought back: it waits an interval from now", watched(), []func(Token) Change{remove(10), undo(500)},
			state{Up, 560, 570, false, false}, nil},
		{"removed while firing, brought back up", watched(), []func(Token) Change{expire(75), remove(80), undo(500)},
			state{Up, 560, 570, false, false}, []flip{{70, Up, Firing, Missed}, {500, Firing, Up, WasEnabled}}},
		{"disabled when removed comes back disabled", watched(), []func(Token) Change{disable(5), remove(10), undo(500)},
			state{Disabled, -1, -1, false, false}, []flip{{5, Up, Disabled, WasDisabled}}},

		{"an edit counts from the newest heartbeat", watched(), []func(Token) Change{edit(120, 0, 30)},
			state{Up, 120, 120, false, false}, nil},
		{"overdue by the edit: it fires now", watched(), []func(Token) Change{edit(20, 0, 50)},
			state{Firing, 20, -1, false, false}, []flip{{50, Up, Firing, Missed}}},
		{"no longer overdue by the edit: up", watched(), []func(Token) Change{expire(75), edit(600, 0, 80)},
			state{Up, 600, 600, false, false}, []flip{{70, Up, Firing, Missed}, {80, Firing, Up, Edited}}},
		{"still overdue by the edit: it keeps firing", watched(), []func(Token) Change{expire(75), edit(61, 0, 80)},
			state{Firing, 61, -1, false, false}, []flip{{70, Up, Firing, Missed}}},
		{"a failure stays one through an edit", watched(), []func(Token) Change{beat(Failure, 20), edit(600, 0, 80)},
			state{Firing, 620, -1, false, false}, []flip{{20, Up, Firing, Failed}}},

		{"the clock goes back: the deadline does not wait for the difference", watched(), []func(Token) Change{rewind(-3600)},
			state{Up, -3540, -3530, false, false}, nil},
		{"the clock goes back by less than a minute: nothing changes", watched(), []func(Token) Change{rewind(-59)},
			state{Up, 60, 70, false, false}, nil},
		{"a heartbeat from before the newest takes nothing back", watched(), []func(Token) Change{beat(Success, 40), beat(Success, 39)},
			state{Up, 100, 110, false, false}, nil},
	}
	secs := func(at time.Time) int {
		if at.IsZero() {
			return -1
		}
		return int(at.Sub(t0) / time.Second)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			token := c.token
			var flips []flip
			for _, rule := range c.rules {
				before := token
				change := rule(token)
				if diff := cmp.Diff(before, token, cmp.AllowUnexported(Schedule{})); diff != "" {
					t.Fatalf("a rule changed its receiver:\n%s", diff)
				}
				if f := change.Flip; f != nil {
					flips = append(flips, flip{secs(f.At), f.From, f.To, f.Reason})
					if f.Number != change.Token.Flips {
						t.Errorf("flip number %d, token counts %d", f.Number, change.Token.Flips)
					}
				}
				token = change.Token
			}
			got := state{token.Status, secs(token.DueAt), secs(token.Deadline), token.Unknown, token.Running()}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.flips, flips); diff != "" {
				t.Errorf("flips (-want +got):\n%s", diff)
			}
		})
	}
}

// Heartbeats are numbered, and each names the journal position before it.
func TestBeatNumbers(t *testing.T) {
	token := watched()
	c := token.Beat(Heartbeat{At: at(1), Kind: Log, Pos: 17})
	d := c.Token.Beat(Heartbeat{At: at(2), Kind: Success, Pos: 40})
	if c.Beat.Number != 2 || c.Beat.Prev != 1 || d.Beat.Number != 3 || d.Beat.Prev != 17 || d.Token.LastPos != 40 {
		t.Errorf("got %d after %d, then %d after %d, last %d", c.Beat.Number, c.Beat.Prev, d.Beat.Number, d.Beat.Prev, d.Token.LastPos)
	}
}

// FuzzRules plays random events and checks what always holds.
func FuzzRules(f *testing.F) {
	f.Add([]byte{0, 10, 4, 80, 1, 3, 5, 200, 7, 9, 0, 1})
	f.Add([]byte{2, 5, 4, 255, 5, 90, 5, 90, 4, 200})
	f.Add([]byte{0, 1, 8, 4, 2, 1, 4, 9, 4, 99, 4, 99, 209, 30, 5, 60})
	f.Add([]byte{0, 1, 6, 3, 8, 5, 9, 2, 10, 200, 0, 3})
	f.Fuzz(func(t *testing.T, events []byte) {
		token := Token{ID: 1, Schedule: Every(time.Minute), Grace: 7 * time.Second, Status: New}
		now := t0
		heard := true // a success or failure came since the last excuse
		for len(events) >= 2 {
			op, arg := events[0], int(events[1])
			events = events[2:]
			from := now
			now = now.Add(time.Duration(arg) * time.Second)
			before := token
			var c Change
			switch op % 11 {
			case 0, 1, 2, 3:
				h := Heartbeat{At: now, Received: now, Kind: []Kind{Success, Failure, Start, Log}[op%11], RunID: []string{"", "a", "b"}[arg%3]}
				if op > 200 {
					h.At = now.Add(-2 * time.Duration(arg) * time.Second)
				}
				c = token.Beat(h)
			case 4:
				c = token.Expire(now)
			case 5:
				c = token.Excuse(Gap{from, now})
			case 6:
				c = token.Disable(now)
			case 7:
				c = token.Enable(now)
			case 8:
				c = token.Edit(Settings{
					Schedule: Every(time.Duration(arg+1) * time.Second), Grace: time.Duration(arg%5) * time.Second,
					MaxRun: time.Duration(arg%7/3) * 10 * time.Second, FireAfter: arg % 4,
				}, now)
			case 9:
				c = token.Remove(now)
			case 10:
				c = token.Undo(now)
			}
			if before.Removed() && op%11 < 4 {
				continue // no heartbeat reaches a removed token
			}
			token = c.Token
			checkFuzz(t, before, c, now, &heard)
		}
	})
}

func checkFuzz(t *testing.T, before Token, c Change, now time.Time, heard *bool) {
	after := c.Token
	if s := after.Settle(); s.DueAt != after.DueAt || s.Deadline != after.Deadline {
		t.Fatalf("due %v and deadline %v do not follow from the rest: %v, %v", after.DueAt, after.Deadline, s.DueAt, s.Deadline)
	}
	waits := after.Status == Up && !after.Removed()
	if waits && after.Deadline.IsZero() {
		t.Fatal("never silent: a token is up and has no deadline")
	}
	if (after.Status == Firing || after.Status == Disabled || after.Removed()) && !after.Deadline.IsZero() {
		t.Fatalf("%s (removed: %t) with a deadline", after.Status, after.Removed())
	}
	if c.Flip == nil && after.Status != before.Status {
		t.Fatalf("from %s to %s without a flip", before.Status, after.Status)
	}
	if f := c.Flip; f != nil {
		if f.From != before.Status || f.To != after.Status || after.Flips != before.Flips+1 {
			t.Fatalf("flip %+v between %s and %s", f, before.Status, after.Status)
		}
		if (f.From == f.To) != (f.Reason == Excused) {
			t.Fatalf("flip from %s to %s because %s", f.From, f.To, f.Reason)
		}
		if f.At.After(now) {
			t.Fatal("a flip in the future")
		}
		if f.Reason == Excused {
			if !*heard {
				t.Fatal("never silent: excused twice without a success or failure between")
			}
			*heard = false
			if after.Overdue(now) {
				t.Fatal("excused and overdue")
			}
		}
	}
	if c.Beat != nil && (c.Beat.Kind == Success || c.Beat.Kind == Failure) || after.Status != before.Status || before.Removed() != after.Removed() {
		*heard = true
	}
	if c.Beat != nil && c.Beat.Kind == Success && after.Status == Firing && !c.Beat.BackDated() {
		t.Fatal("a success leaves it firing")
	}
	if c.Beat != nil && after.Beats != before.Beats+1 {
		t.Fatal("a heartbeat is not counted")
	}
	if len(after.Runs) > MaxRuns || after.Running() != (len(after.Runs) > 0) || after.Running() && !after.StartedAt.Equal(after.Runs[0].At) {
		t.Fatalf("runs %v, started %v", after.Runs, after.StartedAt)
	}
	if after.LastAt.Before(before.LastAt) {
		t.Fatal("the newest heartbeat went back")
	}
}
