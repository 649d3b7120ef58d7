package notify

import (
	"fmt"
	"strings"
	"time"

	"kae"
)

// tale is an event in words.
type tale struct {
	Event
	Title  string   // makes sense alone, on a lock screen
	Facts  []string // since when and why, in sentences
	Output string   // the end of what the process wrote; "": nothing, or it is not to the point

	AnswerURL string // where one acknowledges it; "": there is nothing to acknowledge
}

// told is a message in words.
type told struct {
	Title  string
	Firing bool // something begins or goes on; else it ends
	Test   bool
	Tales  []tale
}

const testWords = "Somebody tries this channel from kae's console. It works, and there is nothing to worry about."

// say puts a message into words.
func (m Message) say() told {
	t := told{Test: m.Test}
	for _, e := range m.Events {
		t.Tales = append(t.Tales, e.say(m.Sent))
		t.Firing = t.Firing || !e.Recovery()
	}
	switch {
	case len(t.Tales) == 1:
		t.Title = t.Tales[0].Title
	case len(t.Tales) > 1:
		t.Title = together(m)
	case m.Test:
		t.Title = "kae can reach you here"
	}
	if m.Test {
		t.Title = "Test: " + t.Title
		for i := range t.Tales {
			t.Tales[i].Title, t.Tales[i].AnswerURL = "Test: "+t.Tales[i].Title, ""
		}
	}
	return t
}

// say puts an event into words, as of now.
func (e Event) say(now time.Time) tale {
	t := tale{Event: e, AnswerURL: e.answerURL()}
	c := clock{now, e.Token.Schedule.Zone()}
	if e.Recovery() {
		t.Title, t.Facts = e.ended(c)
	} else {
		t.Title, t.Facts = e.began(c)
	}
	if b := e.Beat; b != nil && b.Kind == kae.Failure && (!e.Recovery() || !e.Told) {
		t.Output = tail(string(b.Body))
	}
	return t
}

// began tells of a token that fires.
func (e Event) began(c clock) (title string, facts []string) {
	t := e.Token
	still := ""
	if e.Round > 0 {
		still = "still "
	}
	switch e.Reason {
	case kae.Missed:
		title = t.Name + " is " + still + "silent"
		if !e.Due.IsZero() {
			title += ": expected " + c.on(e.Due)
			facts = append(facts, "It was expected "+c.at(e.Due)+graceOf(t)+".")
		}
		facts = append(facts, e.heard(c)...)
	case kae.Failed:
		title, facts = e.failed(c)
		if e.Round > 0 {
			title += " and has not recovered"
		}
	case kae.Overran:
		title = t.Name + " " + still + "runs too long"
		fact := "It is still running"
		if !t.StartedAt.IsZero() && t.StartedAt.Before(e.At) {
			fact += " since " + c.full(t.StartedAt)
		}
		if t.MaxRun > 0 {
			fact += ", longer than the " + length(t.MaxRun) + " that it may take"
		}
		facts = append(facts, fact+".")
		facts = append(facts, e.heard(c)...)
	default:
		title = t.Name + " " + still + "fires"
	}
	// Right after it began this would say the same twice.
	if since := c.now.Sub(e.since()); since >= 2*time.Minute {
		facts = append(facts, "It has been firing for "+length(since)+", since "+c.full(e.since())+".")
	}
	if words := t.Schedule.Words(); words != "" {
		facts = append(facts, "Its schedule: "+strings.ReplaceAll(words, "\n", "; ")+".")
	}
	return title, facts
}

func (e Event) failed(c clock) (title string, facts []string) {
	title, fact := e.Token.Name+" failed", "It failed"
	b := e.Beat
	if b == nil || b.Kind != kae.Failure {
		return title, []string{fact + " " + c.at(e.At) + "."}
	}
	if b.Exited {
		title += fmt.Sprintf(" with exit status %d", b.Exit)
	}
	fact += " " + c.at(b.At)
	if b.Took > 0 {
		fact += " after " + length(b.Took)
	}
	if b.Exited {
		fact += fmt.Sprintf(" with exit status %d", b.Exit)
	}
	if b.Message != "" {
		return title, []string{fact + ": " + quoted(b.Message)}
	}
	return title, []string{fact + "."}
}

// heard tells of the newest heartbeat.
func (e Event) heard(c clock) []string {
	b := e.Beat
	if b == nil {
		return []string{"No heartbeat of it is known."}
	}
	what := map[kae.Kind]string{kae.Success: "a success", kae.Failure: "a failure", kae.Start: "a start", kae.Log: "a log line"}[b.Kind]
	fact := "The newest heartbeat was " + what + " " + c.at(b.At)
	if b.Message != "" {
		return []string{fact + ": " + quoted(b.Message)}
	}
	return []string{fact + "."}
}

// ended tells of a token that fires no longer.
func (e Event) ended(c clock) (title string, facts []string) {
	name, fired := e.Token.Name, length(e.At.Sub(e.since()))
	how := "no longer fires"
	switch {
	case e.Reason == kae.WasRemoved:
		how = "was removed while firing"
		facts = append(facts, "Somebody removed it: it is not watched any more.")
	case e.Reason == kae.Recovered:
		how = "recovered after " + fired
	case e.Reason == kae.ArrivedLate:
		how = "had been on time"
		facts = append(facts, "Its heartbeat arrived late, and tells that it happened before the deadline.")
	case e.Reason == kae.WasDisabled:
		how = "was disabled while firing"
		facts = append(facts, "Somebody disabled it: nothing is expected of it.")
	case e.Reason == kae.Edited:
		facts = append(facts, "Somebody changed its settings, by which it is not overdue.")
	case e.Reason == kae.WasEnabled:
		facts = append(facts, "Somebody brought it back: it waits anew.")
	}
	facts = append(facts, "It fired from "+c.full(e.since())+" to "+c.full(e.At)+", for "+fired+".")
	if !e.Told {
		title = name + " fired " + c.on(e.since()) + " and " + how
		if !e.Due.IsZero() {
			facts = append(facts, "It had been expected "+c.at(e.Due)+graceOf(e.Token)+".")
		}
		return title, append(facts, "That it fired could not be told here before.")
	}
	return name + " " + how, facts
}

// answerURL is where one says that one looks after it, or wants to hear no more
// of it for a while; "" where there is nothing to say. Whoever follows it is
// asked before anything happens: mail scanners follow links.
func (e Event) answerURL() string {
	if e.URL == "" || e.Recovery() {
		return ""
	}
	return e.URL + "/acknowledge"
}

// since is when the token began to fire.
func (e Event) since() time.Time {
	if e.Fired.IsZero() {
		return e.At
	}
	return e.Fired
}

func graceOf(t kae.Token) string {
	if t.Grace == 0 {
		return ""
	}
	return ", " + length(t.Grace) + " grace"
}

// quoted gives what a process says of itself as a part of a sentence.
func quoted(message string) string {
	return "“" + strings.TrimSuffix(kae.CleanText(strings.Join(strings.Fields(message), " "), 300), ".") + "”."
}

// clock tells times by the clock of a token's zone.
type clock struct {
	now  time.Time
	zone *time.Location
}

// short tells a time where there is little room: "03:00", "Mon 23 Nov, 03:00".
func (c clock) short(t time.Time) string {
	t, now := t.In(c.zone), c.now.In(c.zone)
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("Mon 2 Jan, 15:04")
	}
	return t.Format("2 Jan 2006, 15:04")
}

// on puts the right word before it: "at 03:00", "on Mon 23 Nov, 03:00".
func (c clock) on(t time.Time) string {
	short := c.short(t)
	if len(short) > len("15:04") {
		return "on " + short
	}
	return "at " + short
}

// at tells a time with its zone: "at 03:00 Europe/Madrid".
func (c clock) at(t time.Time) string { return c.on(t) + " " + c.zone.String() }

// full is at without the word: "03:00 Europe/Madrid".
func (c clock) full(t time.Time) string { return c.short(t) + " " + c.zone.String() }

// length tells how long something takes in its two largest units: "2 h 14 min".
func length(d time.Duration) string {
	if d < time.Second {
		return "less than 1 s"
	}
	var parts []string
	for _, u := range []struct {
		size time.Duration
		word string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		n := d / u.size
		d -= n * u.size
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.word))
		}
		if len(parts) == 2 || n == 0 && len(parts) == 1 {
			break
		}
	}
	return strings.Join(parts, " ")
}

const (
	tailLines = 15
	tailBytes = 1_200
)

// tail gives the end of a process's output: its last lines.
func tail(output string) string {
	output = strings.ReplaceAll(strings.TrimRight(kae.CleanText(output, kae.MaxBody), " \t\r\n"), "\r\n", "\n")
	lines := strings.Split(output, "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	output = strings.Join(lines, "\n")
	if len(output) > tailBytes {
		output = "…" + strings.ToValidUTF8(output[len(output)-tailBytes:], "")
	}
	return output
}
