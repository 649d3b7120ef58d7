package kae

import (
	"bytes"
	"slices"
	"time"
)

// Judge decides what a heartbeat is: a success whose body is not as the token
// asks is a failure. What is stored and replayed is the outcome.
func (t Token) Judge(h Heartbeat) Heartbeat {
	if h.Kind != Success || h.ByHand {
		return h
	}
	var why string
	switch {
	case t.BodyHas != "" && !bytes.Contains(h.Body, []byte(t.BodyHas)):
		why = "the body does not contain “" + t.BodyHas + "”"
	case t.BodyLacks != "" && bytes.Contains(h.Body, []byte(t.BodyLacks)):
		why = "the body contains “" + t.BodyLacks + "”"
	default:
		return h
	}
	h.Kind = Failure
	if h.Message != "" {
		why = CleanText(h.Message+"; "+why, MaxMessage)
	}
	h.Message = why
	return h
}

// Beat applies a heartbeat.
func (t Token) Beat(h Heartbeat) Change {
	t.Beats++
	h.TokenID, h.Number, h.Prev = t.ID, t.Beats, t.LastPos
	t.LastPos = h.Pos
	var flip *Flip
	switch h.Kind {
	case Success, Failure:
		t.endRun(&h)
		if h.BackDated() && !h.At.After(t.LastAt) {
			break // recorded; a newer report says how things are
		}
		counts := t.countsFor(h.At)
		t.settleHeard(h, counts)
		// A clock that was set back a little does not take back what was heard.
		t.LastAt, t.Since = later(t.LastAt, h.At), later(t.Since, counts)
		t.Unknown, t.Took = false, h.Took
		flip = t.heard(h)
	case Start:
		t.startRun(h)
	}
	t = t.Settle()
	return Change{Token: t, Beat: &h, Flip: flip}
}

// early is how long before a clock time a heartbeat still counts for it.
const early = time.Minute

// countsFor gives the time that Since becomes by a heartbeat. One that comes a
// little before the slot that is waited for counts for that slot: clocks
// differ, and no heartbeat satisfies two slots.
func (t Token) countsFor(at time.Time) time.Time {
	if !t.Schedule.Clock() || t.DueAt.IsZero() || !at.Before(t.DueAt) {
		return at
	}
	slot := t.Schedule.Next(at)
	ahead := slot.Sub(at)
	if !slot.Equal(t.DueAt) || ahead > early {
		return at
	}
	if after := t.Schedule.Next(slot); !after.IsZero() && ahead > after.Sub(slot)/10 {
		return at
	}
	return slot
}

// startRun opens a run. One that is open already, by its id, keeps its time: a
// job that dies each time and starts again overruns all the same.
func (t *Token) startRun(h Heartbeat) {
	if t.Status == Disabled || slices.ContainsFunc(t.Runs, func(r Run) bool { return r.ID == h.RunID }) {
		return
	}
	runs := slices.Clone(t.Runs)
	if len(runs) == MaxRuns {
		runs = slices.Delete(runs, 1, 2) // the oldest is what the deadline follows from
	}
	t.Runs = append(runs, Run{h.RunID, h.At})
	slices.SortStableFunc(t.Runs, func(a, b Run) int { return a.At.Compare(b.At) })
	// A job that only ever starts has to fire too.
	if t.Status == New && t.Since.IsZero() {
		t.Since = h.At
	}
}

// endRun closes the run that a success or failure ends, and tells how long it
// took unless the process said so. Without an id all open runs end; with one
// its own, else one without id. A run that has been open for longer than a
// heartbeat is waited for is forgotten when another one ends.
func (t *Token) endRun(h *Heartbeat) {
	ended := -1
	if len(t.Runs) > 0 && h.RunID == "" {
		ended = 0
	}
	for _, id := range []string{h.RunID, ""} {
		if ended < 0 {
			ended = slices.IndexFunc(t.Runs, func(r Run) bool { return r.ID == id })
		}
	}
	if ended < 0 {
		return
	}
	if took := h.At.Sub(t.Runs[ended].At); h.Took == 0 && took > 0 {
		h.Took = took
	}
	patience := max(t.MaxRun, t.DueAt.Sub(t.Since))
	var open []Run
	for i, r := range t.Runs {
		if i != ended && h.RunID != "" && h.At.Sub(r.At) <= patience {
			open = append(open, r)
		}
	}
	t.Runs = open
}

// heard moves the status after a success or a failure.
func (t *Token) heard(h Heartbeat) *Flip {
	switch {
	case t.Status == Disabled:
		return nil
	case h.Kind == Success:
		t.Strikes = 0
		return t.succeeded(h)
	case t.Status == Firing:
		t.Reason = Failed
		return nil
	}
	t.Strikes++
	switch {
	case t.Strikes >= t.FireAfter:
		return t.flip(h.At, Firing, Failed)
	case t.Status == New:
		return t.flip(h.At, Up, First)
	}
	return nil
}

func (t *Token) succeeded(h Heartbeat) *Flip {
	switch {
	case t.Status == New:
		return t.flip(h.At, Up, First)
	case t.Status != Firing:
		return nil
	case !h.BackDated():
		return t.flip(h.At, Up, Recovered)
	}
	// What happened earlier takes the firing back only if nothing is overdue
	// with it now.
	waiting := *t
	waiting.Status = Up
	if waiting.Settle().Overdue(h.Received) {
		return nil
	}
	if h.At.After(t.FlippedAt) {
		return t.flip(h.At, Up, Recovered)
	}
	return t.flip(h.Received, Up, ArrivedLate)
}
