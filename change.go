package kae

import (
	"slices"
	"time"
)

// Flip is a change of a token's status, or an excuse; the unit of history and
// of alerting.
type Flip struct {
	TokenID int64
	Number  int64 // counts a token's flips from 1
	At      time.Time
	From    Status
	To      Status // the same as From for an excuse and for a word of somebody's
	Reason  Reason
	Note    string // of a remark, who said what; else during which maintenance it was, or ""
}

// Remark tells whether the flip is what somebody said of a firing, which goes on.
func (f Flip) Remark() bool { return f.Reason == WasAcked || f.Reason == TakenBack }

// Gap is a time in which kae could take no heartbeat: it was off, the machine
// asleep, or its store failed.
type Gap struct {
	From, To time.Time
}

// GapsKept is how many gaps are kept: the newest.
const GapsKept = 1_000

// Change is what a rule makes of a token: its next state, and what there is to
// write down and to tell.
type Change struct {
	Token Token
	Beat  *Heartbeat // the heartbeat that caused it, if one did
	Flip  *Flip      // nil if the status stays
}

// skew is how far ahead of now a time may be before it is taken for one from
// before the clock was set back.
const skew = time.Minute

// flip changes the status and writes it down.
func (t *Token) flip(at time.Time, to Status, why Reason) *Flip {
	t.Flips++
	f := &Flip{TokenID: t.ID, Number: t.Flips, At: at, From: t.Status, To: to, Reason: why}
	if to != t.Status {
		t.FlippedAt, t.Ack = at, nil
	}
	t.Status, t.Reason = to, why
	return f
}

// Settle computes StartedAt, DueAt and Deadline, which follow from the rest.
// The rules do it themselves; a store does it for what it has read.
func (t Token) Settle() Token {
	t.StartedAt, t.DueAt, t.Deadline = time.Time{}, time.Time{}, time.Time{}
	if len(t.Runs) > 0 {
		t.StartedAt = t.Runs[0].At
	}
	if t.Since.IsZero() || t.Schedule.IsZero() || t.Status == Disabled || t.Removed() {
		return t
	}
	t.DueAt = t.Schedule.Next(t.Since)
	switch {
	case t.Status == Firing:
	case t.bounded(): // a job that has begun is not missed
		t.Deadline = t.StartedAt.Add(t.MaxRun)
	case !t.DueAt.IsZero():
		t.Deadline = t.DueAt.Add(t.Grace)
	}
	return t
}

// bounded tells whether a run is open that may take only so long.
func (t Token) bounded() bool { return t.MaxRun > 0 && t.Running() }

// Overdue tells whether the deadline has passed.
func (t Token) Overdue(now time.Time) bool {
	return !t.Deadline.IsZero() && !now.Before(t.Deadline)
}

// Expire fires a token whose deadline has passed. The flip is dated at the
// deadline, not at the moment of noticing. Where a token asks for several
// misses in a row, one that is not enough is counted, and the next slot is
// waited for. A token that is not overdue stays.
func (t Token) Expire(now time.Time) Change {
	if !t.Overdue(now) {
		return Change{Token: t}
	}
	why, slot := Missed, t.DueAt
	if t.bounded() {
		why, slot = Overran, t.Schedule.Latest(t.Since, t.Deadline)
		overran := t.StartedAt
		if !t.DueAt.IsZero() && !t.DueAt.After(t.Deadline) {
			overran = t.DueAt // the slot that the run was for
		}
		t.mark(overran, SlotOverran)
	}
	t.Strikes++
	if t.Strikes < t.FireAfter {
		if why == Missed {
			t.mark(slot, SlotMissed)
		}
		t.Since = later(t.Since, slot)
		if why == Overran {
			t.Runs = nil
		}
		return Change{Token: t.Settle()}
	}
	flip := t.flip(t.Deadline, Firing, why)
	t = t.Settle()
	return Change{Token: t, Flip: flip}
}

// FiresAt tells when the token fires if nothing more comes: at its deadline, or
// at a later one where several misses in a row are waited for; zero: never.
func (t Token) FiresAt() time.Time {
	t.Track = "" // of no use here, and large
	for t.Strikes+1 < t.FireAfter && !t.Deadline.IsZero() {
		t = t.Expire(t.Deadline).Token
	}
	return t.Deadline
}

// Excuse applies a gap. A token that expected a heartbeat in it, or had a run
// in progress, waits for its next expected time after the gap and is unknown
// until then; but only once between two heartbeats, so that a kae that is
// often restarted is never silent. Other tokens stay.
func (t Token) Excuse(g Gap) Change {
	in := func(at time.Time) bool { return !at.Before(g.From) && !at.After(g.To) }
	waits := !t.Deadline.IsZero()
	ran := t.Running() && t.StartedAt.Before(g.To)
	if !waits || t.Unknown || !(in(t.DueAt) || in(t.Deadline) || ran) {
		return Change{Token: t}
	}
	t.markAll(t.DueAt, g.To, SlotUnknown)
	t.Since = t.Schedule.Latest(t.Since, g.To)
	t.Runs, t.Unknown = nil, true
	flip := t.flip(g.To, t.Status, Excused)
	t = t.Settle()
	return Change{Token: t, Flip: flip}
}

// Rewind applies a clock that was set back: what seems to have happened more
// than a minute ahead of now happened now, so that no deadline is postponed by
// the difference.
func (t Token) Rewind(now time.Time) Change {
	t.Runs = slices.Clone(t.Runs)
	mend := func(at *time.Time) {
		if at.After(now.Add(skew)) {
			*at = now
		}
	}
	mend(&t.Since)
	mend(&t.LastAt)
	for i := range t.Runs {
		mend(&t.Runs[i].At)
	}
	t.Track = t.Track.until(now, t.Schedule)
	return Change{Token: t.Settle()}
}

// Settings are what people may change about a token.
type Settings struct {
	Name        string
	Description string
	Tags        []string
	Schedule    Schedule
	Grace       time.Duration
	MaxRun      time.Duration
	FireAfter   int
	BodyHas     string
	BodyLacks   string
	PostOnly    bool
}

// Settings gives the token's present ones.
func (t Token) Settings() Settings {
	return Settings{
		Name: t.Name, Description: t.Description, Tags: t.Tags, Schedule: t.Schedule, Grace: t.Grace,
		MaxRun: t.MaxRun, FireAfter: t.FireAfter, BodyHas: t.BodyHas, BodyLacks: t.BodyLacks, PostOnly: t.PostOnly,
	}
}

// With gives the token with other settings, not yet judged by them.
func (t Token) With(s Settings) Token {
	t.Name, t.Description, t.Tags, t.Schedule, t.Grace = s.Name, s.Description, s.Tags, s.Schedule, s.Grace
	t.MaxRun, t.FireAfter, t.BodyHas, t.BodyLacks, t.PostOnly = s.MaxRun, s.FireAfter, s.BodyHas, s.BodyLacks, s.PostOnly
	return t
}

// Edit changes the settings. What follows from them is computed anew from
// Since: a token that is overdue by them fires now, and one that fired as
// missed and is not overdue by them is up. A failure stays a failure.
func (t Token) Edit(s Settings, now time.Time) Change {
	before := t
	t = t.With(s)
	var flip *Flip
	if t.Status == Firing && t.Reason == Missed && !t.Removed() {
		waiting := t
		waiting.Status = Up
		if !waiting.Settle().Overdue(now) {
			before.writeOff(now)
			t.Track = before.Track
			flip = t.flip(now, t.awake(), Edited)
		}
	}
	t = t.Settle()
	if t.Overdue(now) {
		flip = t.flip(now, Firing, Missed)
		t = t.Settle()
	}
	return Change{Token: t, Flip: flip}
}

// awake is the status of a token that nothing is wrong with.
func (t Token) awake() Status {
	if t.LastAt.IsZero() {
		return New
	}
	return Up
}

// Disable stops expecting heartbeats. They are still recorded.
func (t Token) Disable(now time.Time) Change {
	if t.Status == Disabled || t.Removed() {
		return Change{Token: t}
	}
	t.writeOff(now)
	t.Unknown, t.Strikes, t.Runs = false, 0, nil
	flip := t.flip(now, Disabled, WasDisabled)
	return Change{Token: t.Settle(), Flip: flip}
}

// Enable expects heartbeats again, the next one an interval from now.
func (t Token) Enable(now time.Time) Change {
	if t.Status != Disabled || t.Removed() {
		return Change{Token: t}
	}
	return t.begin(now)
}

// begin waits anew from now on.
func (t Token) begin(now time.Time) Change {
	t.writeOff(now)
	t.Since, t.Unknown, t.Strikes, t.Runs = time.Time{}, false, 0, nil
	status := t.awake()
	if status == Up {
		t.Since = now
	}
	var flip *Flip
	if status != t.Status {
		flip = t.flip(now, status, WasEnabled)
	}
	return Change{Token: t.Settle(), Flip: flip}
}

// Acknowledge writes down that somebody looks after the firing: until it ends
// channels hear no more of it. A token that does not fire stays.
func (t Token) Acknowledge(by, why string, now time.Time) Change {
	if t.Status != Firing || t.Removed() {
		return Change{Token: t}
	}
	t.Ack = &Ack{At: now, By: by, Why: why}
	note := by
	if why != "" {
		note += ": " + why
	}
	return Change{Token: t, Flip: t.remark(now, WasAcked, note)}
}

// TakeBack takes an acknowledgement back: nobody looks after it after all.
func (t Token) TakeBack(now time.Time) Change {
	if t.Ack == nil {
		return Change{Token: t}
	}
	by := t.Ack.By
	t.Ack = nil
	return Change{Token: t, Flip: t.remark(now, TakenBack, by)}
}

// remark writes something into the history that changes no status.
func (t *Token) remark(at time.Time, why Reason, note string) *Flip {
	t.Flips++
	return &Flip{TokenID: t.ID, Number: t.Flips, At: at, From: t.Status, To: t.Status, Reason: why, Note: note}
}

// Snooze keeps all about the token from channels until a time; zero ends that.
func (t Token) Snooze(until time.Time) Change {
	if t.SnoozedUntil = until; t.Removed() {
		t.SnoozedUntil = time.Time{}
	}
	return Change{Token: t}
}

// Remove takes the token away: it can be brought back for [KeepRemoved].
func (t Token) Remove(now time.Time) Change {
	if !t.Removed() {
		t.writeOff(now)
		t.RemovedAt, t.Ack = now, nil
	}
	return Change{Token: t.Settle()}
}

// Undo brings a removed token back. It waits anew from now on; one that was
// disabled comes back disabled.
func (t Token) Undo(now time.Time) Change {
	if !t.Removed() {
		return Change{Token: t}
	}
	t.markAll(t.Schedule.Next(t.RemovedAt), now, SlotDisabled)
	t.RemovedAt = time.Time{}
	if t.Status == Disabled {
		return Change{Token: t}
	}
	return t.begin(now)
}

// Renew replaces the token's value and UUID; its history stays.
func (t Token) Renew(value, uuid string) Change {
	t.Value, t.UUID = value, uuid
	return Change{Token: t}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
