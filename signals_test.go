package kae

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// signal is a heartbeat, in seconds from t0.
type signal struct {
	kind     Kind
	at       int
	received int // 0: when it happened
	run      string
}

func (s signal) rule(t Token) Change {
	h := Heartbeat{Kind: s.kind, At: at(s.at), Received: at(s.at), RunID: s.run}
	if s.received != 0 {
		h.Received = at(s.received)
	}
	return t.Beat(h)
}

// What starts, ends, failures and late reports do, one case a line of
// docs/heartbeats.md.
func TestSignals(t *testing.T) {
	type outcome struct {
		Status   Status
		Reason   Reason
		Deadline int   // seconds from t0; -1: none
		Took     []int // of each heartbeat, in seconds; 0: not known
		Runs     int   // open
		Strikes  int
	}
	const none = -1
	bounded := func(t *Token) { t.MaxRun = 20 * time.Second }
	thrice := func(t *Token) { t.FireAfter = 3 }
	cases := []struct {
		name  string
		with  func(*Token)
		steps []any // signal, or func(Token) Change
		want  outcome
	}{
		{"a start and its end", nil, []any{signal{Start, 10, 0, ""}, signal{Success, 25, 0, ""}}, outcome{Up, First, 95, []int{0, 15}, 0, 0}},
		{"a start without an end: the deadline stays", nil, []any{signal{Start, 10, 0, ""}}, outcome{Up, First, 70, []int{0}, 1, 0}},
		{"an end without a start", nil, []any{signal{Success, 25, 0, ""}}, outcome{Up, First, 95, []int{0}, 0, 0}},
		{"two starts in a row: the first counts", nil, []any{signal{Start, 10, 0, ""}, signal{Start, 20, 0, ""}, signal{Success, 25, 0, ""}},
			outcome{Up, First, 95, []int{0, 0, 15}, 0, 0}},
		{"runs that overlap are paired by their id", nil,
			[]any{signal{Start, 10, 0, "a"}, signal{Start, 15, 0, "b"}, signal{Success, 30, 0, "b"}, signal{Success, 32, 0, "a"}},
			outcome{Up, First, 102, []int{0, 0, 15, 22}, 0, 0}},
		{"an end with an unknown id ends no other run", nil, []any{signal{Start, 10, 0, "a"}, signal{Success, 30, 0, "b"}},
			outcome{Up, First, 100, []int{0, 0}, 1, 0}},
		{"an end with an id ends a run without one", nil, []any{signal{Start, 10, 0, ""}, signal{Success, 30, 0, "b"}},
			outcome{Up, First, 100, []int{0, 20}, 0, 0}},
		{"the same end twice", nil, []any{signal{Start, 10, 0, "a"}, signal{Success, 30, 0, "a"}, signal{Success, 31, 0, "a"}},
			outcome{Up, First, 101, []int{0, 20, 0}, 0, 0}},
		{"the same start twice", nil, []any{signal{Start, 10, 0, "a"}, signal{Start, 12, 0, "a"}, signal{Success, 30, 0, "a"}},
			outcome{Up, First, 100, []int{0, 0, 20}, 0, 0}},
		{"a run that died long ago is forgotten when another one ends", nil,
			[]any{signal{Start, 10, 0, "dead"}, signal{Start, 80, 0, "b"}, signal{Success, 90, 0, "b"}},
			outcome{Up, First, 160, []int{0, 0, 10}, 0, 0}},
		{"a failure ends its run", nil, []any{signal{Start, 10, 0, ""}, signal{Failure, 13, 0, ""}}, outcome{Firing, Failed, none, []int{0, 3}, 0, 1}},
		{"disabled: recorded, and nothing runs", nil, []any{disable(5), signal{Start, 10, 0, ""}, signal{Failure, 13, 0, ""}},
			outcome{Disabled, WasDisabled, none, []int{0, 0}, 0, 0}},

		{"a run in progress is not missed", bounded, []any{signal{Start, 55, 0, ""}, expire(74)}, outcome{Up, First, 75, []int{0}, 1, 0}},
		{"a run that takes too long has overrun", bounded, []any{signal{Start, 55, 0, ""}, expire(75)}, outcome{Firing, Overran, none, []int{0}, 1, 1}},
		{"the end of a run that has overrun recovers", bounded, []any{signal{Start, 55, 0, ""}, expire(75), signal{Success, 80, 0, ""}},
			outcome{Up, Recovered, 150, []int{0, 25}, 0, 0}},
		{"a job that dies and starts again overruns", bounded, []any{signal{Start, 55, 0, "a"}, signal{Start, 70, 0, "b"}, expire(75)},
			outcome{Firing, Overran, none, []int{0, 0}, 2, 1}},
		{"however often", bounded, []any{
			signal{Start, 55, 0, "a"}, signal{Start, 56, 0, "b"}, signal{Start, 57, 0, "c"}, signal{Start, 58, 0, "d"}, signal{Start, 59, 0, "e"},
			signal{Start, 60, 0, "f"}, signal{Start, 61, 0, "g"}, signal{Start, 62, 0, "h"}, signal{Start, 63, 0, "i"}, signal{Start, 64, 0, "j"}, expire(75)},
			outcome{Firing, Overran, none, make([]int, 10), MaxRuns, 1}},

		{"three misses in a row: the first is counted", thrice, []any{expire(70)}, outcome{Up, First, 130, nil, 0, 1}},
		{"the third fires", thrice, []any{expire(70), expire(130), expire(190)}, outcome{Firing, Missed, none, nil, 0, 3}},
		{"misses and failures count together", thrice, []any{expire(70), signal{Failure, 80, 0, ""}, signal{Failure, 90, 0, ""}},
			outcome{Firing, Failed, none, []int{0, 0}, 0, 3}},
		{"a success resets the count", thrice, []any{expire(70), expire(130), signal{Success, 140, 0, ""}}, outcome{Up, First, 210, []int{0}, 0, 0}},
		{"an excuse leaves it", thrice, []any{expire(70), excuse(110, 190)}, outcome{Up, Excused, 250, nil, 0, 1}},
		{"an overrun is counted once", func(t *Token) { thrice(t); bounded(t) }, []any{signal{Start, 55, 0, ""}, expire(75)},
			outcome{Up, First, 130, []int{0}, 0, 1}},

		{"back-dated and newer than what is known: it counts from when it happened", nil, []any{signal{Success, 40, 65, ""}}, outcome{Up, First, 110, []int{0}, 0, 0}},
		{"back-dated and older than what is known: recorded", nil, []any{signal{Success, 50, 0, ""}, signal{Failure, 40, 65, ""}}, outcome{Up, First, 120, []int{0, 0}, 0, 0}},
		{"the job was on time after all", nil, []any{expire(70), signal{Success, 65, 80, ""}}, outcome{Up, ArrivedLate, 135, []int{0}, 0, 0}},
		{"it was on time, but is overdue again by now", nil, []any{expire(70), signal{Success, 65, 140, ""}}, outcome{Firing, Missed, none, []int{0}, 0, 0}},
		{"it was late, and is told later still", nil, []any{expire(70), signal{Success, 75, 90, ""}}, outcome{Up, Recovered, 145, []int{0}, 0, 0}},
		{"several that arrive together, the newest first: one step", nil,
			[]any{expire(70), signal{Success, 190, 200, ""}, signal{Failure, 130, 200, ""}, signal{Success, 65, 200, ""}},
			outcome{Up, Recovered, 260, []int{0, 0, 0}, 0, 0}},
		{"a late end pairs with its run although a newer one is known", nil,
			[]any{signal{Start, 10, 0, "a"}, signal{Success, 50, 0, "b"}, signal{Success, 40, 65, "a"}}, outcome{Up, First, 120, []int{0, 0, 30}, 0, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			token := watched()
			if c.with != nil {
				c.with(&token)
			}
			token = token.Settle()
			var took []int
			for _, step := range c.steps {
				var change Change
				switch s := step.(type) {
				case signal:
					change = s.rule(token)
					took = append(took, int(change.Beat.Took/time.Second))
				case func(Token) Change:
					change = s(token)
				}
				token = change.Token
			}
			got := outcome{token.Status, token.Reason, none, took, len(token.Runs), token.Strikes}
			if !token.Deadline.IsZero() {
				got.Deadline = int(token.Deadline.Sub(t0) / time.Second)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatTheJobMeasuredCounts(t *testing.T) {
	token := watched().Beat(Heartbeat{Kind: Start, At: at(10)}).Token
	c := token.Beat(Heartbeat{Kind: Success, At: at(30), Took: 7 * time.Second})
	if c.Beat.Took != 7*time.Second {
		t.Errorf("took %v", c.Beat.Took)
	}
}

func TestJudge(t *testing.T) {
	token := Token{BodyHas: "DONE", BodyLacks: "WARN"}
	for _, c := range []struct {
		kind    Kind
		body    string
		want    Kind
		message string
	}{
		{Success, "all DONE", Success, ""},
		{Success, "all done", Failure, "does not contain “DONE”"},
		{Success, "", Failure, "does not contain “DONE”"},
		{Success, "WARN, but DONE", Failure, "contains “WARN”"},
		{Start, "", Start, ""},
		{Log, "WARN", Log, ""},
		{Failure, "DONE", Failure, ""},
	} {
		h := token.Judge(Heartbeat{Kind: c.kind, Body: []byte(c.body)})
		if h.Kind != c.want || !strings.Contains(h.Message, c.message) {
			t.Errorf("%s %q: %s, %q", c.kind, c.body, h.Kind, h.Message)
		}
	}
	if h := token.Judge(Heartbeat{Kind: Success, Message: "exit 0"}); !strings.HasPrefix(h.Message, "exit 0; ") {
		t.Errorf("message %q", h.Message)
	}
}

// Late and running at once: a job that has begun is not late.
func TestWake(t *testing.T) {
	token := watched()
	if w := token.Wake(at(10)); !w.Equal(at(60)) {
		t.Errorf("before it is due: %v", w)
	}
	if w := token.Wake(at(60)); !w.Equal(at(70)) || !token.Late(at(60)) {
		t.Errorf("when it is due: %v, late %t", w, token.Late(at(60)))
	}
	token.MaxRun = 5 * time.Second
	token = token.Beat(Heartbeat{Kind: Start, At: at(40)}).Token
	if w := token.Wake(at(40)); !w.Equal(at(45)) || token.Late(at(60)) {
		t.Errorf("while it runs: %v, late %t", w, token.Late(at(60)))
	}
}
