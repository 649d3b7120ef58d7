package kae

import "time"

// Outcome says what became of a slot, or of the slots of a cell. Larger is
// worse, so that a cell with several slots shows its largest.
type Outcome uint8

// The outcomes.
const (
	NoSlot       Outcome = iota // nothing was expected
	SlotDisabled                // the token was disabled, or removed
	SlotOnTime
	SlotUnknown // kae could take no heartbeat
	SlotLate    // past due, by less than the grace
	SlotFailed
	SlotOverran
	SlotMissed
)

// Slot is one expected time and what became of it. For an interval each
// heartbeat is a slot, and each whole interval that passed without one.
type Slot struct {
	At      time.Time // whole seconds
	Outcome Outcome
}

// MaxSlots is how many of a token's slots are remembered one by one.
const MaxSlots = 60

// AxisCells is how many cells an [Axis] has.
const AxisCells = 48

// Axis is a time axis of [AxisCells] cells. The last cell holds now. It is the
// same for all tokens, so that what many of them suffered stands in a column.
type Axis int

// The axes: a day in half hours, eight days in four hours, 48 days in days.
const (
	Day Axis = iota
	EightDays
	FortyEightDays
	axes
)

// Cell gives the length of a cell. A day may be an hour shorter or longer.
func (a Axis) Cell() time.Duration {
	return [axes]time.Duration{30 * time.Minute, 4 * time.Hour, 24 * time.Hour}[a]
}

// Start tells where the first cell begins. Days are those of a zone; shorter
// cells are the same everywhere.
func (a Axis) Start(now time.Time, zone *time.Location) time.Time {
	return a.begin(a.number(now, zone)-AxisCells+1, zone)
}

// number counts the cells since 1970.
func (a Axis) number(at time.Time, zone *time.Location) int64 {
	sec := at.Unix()
	if a == FortyEightDays {
		_, offset := at.In(zone).Zone()
		sec += int64(offset)
	}
	return floorDiv(sec, int64(a.Cell()/time.Second))
}

// begin tells where the cell of a number begins.
func (a Axis) begin(number int64, zone *time.Location) time.Time {
	if a == FortyEightDays {
		return time.Date(1970, 1, 1+int(number), 0, 0, 0, 0, zone)
	}
	return time.Unix(number*int64(a.Cell()/time.Second), 0).UTC()
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		a -= b - 1
	}
	return a / b
}

// Cells gives the worst outcome of each cell of an axis, the oldest first. The
// days of the longest axis are those of the token's zone.
func (t Token) Cells(a Axis, now time.Time) [AxisCells]Outcome {
	k := t.Track.unpack(t.Schedule)
	k.axes = []Axis{a}
	t.addPending(&k, now)
	var all [AxisCells]Outcome
	if k.n == 0 {
		return all
	}
	passed := a.number(now, t.Schedule.Zone()) - a.number(k.last, t.Schedule.Zone())
	for i := range AxisCells {
		// A heartbeat may be a minute early, and its slot in the cell to come.
		if to := min(int64(i)-passed, AxisCells-1); to >= 0 {
			all[to] = max(all[to], k.cells[a].get(i))
		}
	}
	return all
}

// LastSlots gives the newest n slots up to now, at most [MaxSlots], the oldest
// first. What is not decided yet is among them: late now, or missed while the
// token fires.
func (t Token) LastSlots(now time.Time, n int) []Slot {
	k := t.Track.unpack(t.Schedule)
	k.axes = nil
	t.addPending(&k, now)
	return k.newest(n)
}

// addPending adds the slots since the newest that is settled. They follow from
// the token's state: nothing is written down while a token fires, or is
// disabled.
func (t Token) addPending(k *track, now time.Time) {
	switch {
	case t.Removed():
	case t.Status == Disabled:
		k.markAll(t.Schedule.Next(t.disabledAt()), now, SlotDisabled)
	case t.DueAt.IsZero():
	case t.Status == Firing:
		k.markAll(t.DueAt, now.Add(-t.Grace), SlotMissed)
		if slot := t.waitedFor(now); !slot.IsZero() {
			k.mark(slot, SlotLate)
		}
	case t.Late(now):
		k.mark(t.DueAt, SlotLate)
	}
}

// disabledAt tells since when a disabled token is so. Of one of the original
// kae's nobody knows.
func (t Token) disabledAt() time.Time {
	if t.FlippedAt.IsZero() {
		return t.CreatedAt
	}
	return t.FlippedAt
}

// writeOff settles the slots that passed until a moment while the token fired
// or was disabled, before it does so no longer.
func (t *Token) writeOff(until time.Time) {
	switch {
	case t.Removed():
	case t.Status == Disabled:
		t.markAll(t.Schedule.Next(t.disabledAt()), until, SlotDisabled)
	case t.Status == Firing && !t.DueAt.IsZero():
		t.markAll(t.DueAt, until.Add(-t.Grace), SlotMissed)
	}
}

// waitedFor gives the first slot that is due at a moment and not missed by
// then; zero if there is none.
func (t Token) waitedFor(at time.Time) time.Time {
	if t.DueAt.IsZero() || at.Before(t.DueAt) {
		return time.Time{}
	}
	slot := t.DueAt
	if missed := at.Add(-t.Grace - time.Microsecond); t.Status == Firing && !missed.Before(slot) {
		if slot = t.Schedule.Next(missed); !t.Schedule.Clock() {
			slot = t.Schedule.Latest(t.DueAt, missed).Add(t.Schedule.Interval())
		}
	}
	if slot.After(at) {
		return time.Time{}
	}
	return slot
}

// settleHeard writes down the slot that a success or a failure is for, before
// the token's state follows it; counts is what Since becomes.
func (t *Token) settleHeard(h Heartbeat, counts time.Time) {
	if t.Status == Disabled || t.Removed() {
		return
	}
	t.writeOff(h.At.Add(-time.Microsecond)) // a heartbeat at the deadline is in time
	slot := t.waitedFor(h.At)
	clock := t.Schedule.Clock()
	at := h.At
	switch {
	case clock && counts.After(h.At):
		at = counts
	case clock && !slot.IsZero():
		at = slot
	case clock && h.Kind == Success && !t.LastAt.IsZero():
		return // nothing was expected now
	}
	outcome := SlotOnTime
	switch {
	case h.Kind == Failure:
		outcome = SlotFailed
	case !slot.IsZero() && h.At.Add(-h.Took).After(slot.Add(t.tolerance())):
		outcome = SlotLate
	}
	t.mark(at, outcome)
}

// tolerance is how long after its slot a heartbeat is still on time. A job
// that starts at a time of the clock always reports after it.
func (t Token) tolerance() time.Duration {
	if t.Schedule.Clock() {
		return t.Grace / 2
	}
	return 0
}

// mark settles one slot.
func (t *Token) mark(at time.Time, o Outcome) {
	k := t.Track.unpack(t.Schedule)
	k.mark(at, o)
	t.Track = k.pack()
}

// markAll settles the slots from a first one to a moment.
func (t *Token) markAll(first, to time.Time, o Outcome) {
	k := t.Track.unpack(t.Schedule)
	k.markAll(first, to, o)
	t.Track = k.pack()
}
