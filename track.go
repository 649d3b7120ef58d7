package kae

import (
	"encoding/binary"
	"strings"
	"time"
)

// Track is what became of a token's slots, packed: its newest [MaxSlots] one by
// one, and the worst of each cell of every [Axis]. Empty: nothing was expected
// yet. It is binary, and changes with the token's state: a value of a few
// hundred bytes that is replaced, so that copies of a token share it.
type Track string

// The parts of a Track: the time of the newest slot in seconds since 1970, how
// many slots follow, the cells of each axis in half bytes with the newest
// last, and the slots with the newest last. A slot is one number: seconds since
// the slot before it, times eight, plus the outcome.
const (
	trackCells = 9
	trackSlots = trackCells + int(axes)*AxisCells/2
)

// ParseTrack gives a Track as it was stored. What is none begins anew: it is
// only the past that is lost.
func ParseTrack(b []byte) Track {
	k := Track(b)
	if len(k) < trackSlots {
		return ""
	}
	n := 0
	for rest := b[trackSlots:]; len(rest) > 0; n++ {
		_, size := binary.Uvarint(rest)
		if size <= 0 {
			return ""
		}
		rest = rest[size:]
	}
	if n == 0 || n > MaxSlots || n != int(k[8]) {
		return ""
	}
	return k
}

// track is a Track to work on.
type track struct {
	schedule Schedule
	last     time.Time // the newest slot
	n        int
	cells    [axes]cells
	slots    []byte
	axes     []Axis // whose cells are of interest
}

var allAxes = []Axis{Day, EightDays, FortyEightDays}

// cells are the outcomes of an axis, two in a byte: a heartbeat that changes
// none of them is not to pay for them.
type cells [AxisCells / 2]byte

func (c *cells) get(i int) Outcome { return Outcome(c[i/2] >> (4 - i%2*4) & 15) }

func (c *cells) set(i int, o Outcome) {
	shift := 4 - i%2*4
	c[i/2] = c[i/2]&^(15<<shift) | byte(o)<<shift
}

func (c *cells) raise(i int, o Outcome) { c.set(i, max(c.get(i), o)) }

// advance moves the cells on, so that there is room for newer ones.
func (c *cells) advance(by int64) {
	if by <= 0 {
		return
	}
	was := *c
	*c = cells{}
	for i := int(min(by, AxisCells)); i < AxisCells; i++ {
		c.set(i-int(by), was.get(i))
	}
}

func (k Track) unpack(s Schedule) track {
	u := track{schedule: s, axes: allAxes}
	if k == "" {
		return u
	}
	var sec uint64
	for i := range 8 {
		sec = sec<<8 | uint64(k[i])
	}
	u.last = time.Unix(int64(sec), 0).UTC()
	u.n = int(k[8])
	for a := range u.cells {
		copy(u.cells[a][:], k[trackCells+a*AxisCells/2:])
	}
	u.slots = append(make([]byte, 0, len(k)-trackSlots+binary.MaxVarintLen64), k[trackSlots:]...)
	return u
}

func (u *track) pack() Track {
	if u.n == 0 {
		return ""
	}
	var b strings.Builder
	b.Grow(trackSlots + len(u.slots))
	var head [trackCells]byte
	binary.BigEndian.PutUint64(head[:], uint64(u.last.Unix()))
	head[8] = byte(u.n)
	b.Write(head[:])
	for a := range u.cells {
		b.Write(u.cells[a][:])
	}
	b.Write(u.slots)
	return Track(b.String())
}

// newest gives the newest n slots, the oldest first.
func (u *track) newest(n int) []Slot {
	slots := make([]Slot, 0, u.n)
	ahead := make([]time.Duration, 0, u.n) // of the slot before it
	for rest := u.slots; len(rest) > 0; {
		code, size := binary.Uvarint(rest)
		rest = rest[size:]
		ahead = append(ahead, time.Duration(code>>3)*time.Second)
		slots = append(slots, Slot{Outcome: Outcome(code & 7)})
	}
	at := u.last
	for i := len(slots) - 1; i >= 0; i-- {
		slots[i].At = at
		at = at.Add(-ahead[i])
	}
	return slots[max(0, len(slots)-n):]
}

// mark adds a slot. One at the time of the newest makes that worse; an older
// one makes its cells worse and is not remembered by itself.
func (u *track) mark(at time.Time, o Outcome) {
	at = at.UTC().Truncate(time.Second)
	ahead := at.Sub(u.last) / time.Second
	switch {
	case u.n == 0:
		u.last = at
		u.add(0, o)
	case ahead < 0:
		for _, a := range u.axes {
			u.raise(a, a.number(at, u.zone()), o)
		}
		return
	case ahead == 0:
		newest := &u.slots[u.begin(len(u.slots))]
		*newest = *newest&^7 | max(*newest&7, byte(o))
	default:
		for _, a := range u.axes {
			u.cells[a].advance(a.number(at, u.zone()) - a.number(u.last, u.zone()))
		}
		u.last = at
		u.add(uint64(ahead), o)
	}
	for _, a := range u.axes {
		u.cells[a].raise(AxisCells-1, o)
	}
}

// add puts a slot behind the others, and forgets the oldest of too many.
func (u *track) add(ahead uint64, o Outcome) {
	u.slots = binary.AppendUvarint(u.slots, ahead<<3|uint64(o))
	if u.n++; u.n > MaxSlots {
		_, size := binary.Uvarint(u.slots)
		u.slots, u.n = u.slots[size:], MaxSlots
	}
}

// begin tells where the number begins that ends before a place: of a number
// all bytes but the last have their highest bit set.
func (u *track) begin(end int) int {
	i := end - 1
	for i > 0 && u.slots[i-1] >= 0x80 {
		i--
	}
	return i
}

func (u *track) zone() *time.Location { return u.schedule.Zone() }

// raise makes the cell of a number as bad as an outcome.
func (u *track) raise(a Axis, number int64, o Outcome) {
	if back := a.number(u.last, u.zone()) - number; back >= 0 && back < AxisCells {
		u.cells[a].raise(AxisCells-1-int(back), o)
	}
}

// markAll adds all slots from a first one to a moment, as far as they are
// later than those that are there. They may be millions: only the newest are
// looked at one by one, and of the rest whether each cell has one.
func (u *track) markAll(first, to time.Time, o Outcome) {
	if u.n > 0 && !first.After(u.last) {
		if first = u.from(first, u.last.Add(time.Second)); first.IsZero() {
			return
		}
	}
	if first.IsZero() || first.After(to) {
		return
	}
	for _, slot := range u.newestIn(first, to) {
		u.mark(slot, o)
	}
	for _, a := range u.axes {
		newest := a.number(u.last, u.zone())
		for n := max(a.number(first, u.zone()), newest-AxisCells+1); n <= newest; n++ {
			begin, end := a.begin(n, u.zone()), a.begin(n+1, u.zone())
			if slot := u.from(first, begin); !slot.IsZero() && slot.Before(end) && !slot.After(to) {
				u.raise(a, n, o)
			}
		}
	}
}

// from gives the first slot at or after a moment, of those that begin with
// first.
func (u *track) from(first, at time.Time) time.Time {
	switch every := u.schedule.Interval().Microseconds(); {
	case !at.After(first):
		return first
	case every > 0: // a Duration ends after 292 years
		begin := first.UnixMicro()
		return time.UnixMicro(begin + (at.UnixMicro()-begin+every-1)/every*every).UTC()
	}
	return u.schedule.Next(at.Add(-time.Microsecond))
}

// newestIn gives the newest slots of a stretch of time, at most [MaxSlots],
// the oldest first.
func (u *track) newestIn(first, to time.Time) []time.Time {
	var slots []time.Time
	// How far back they begin is found out by going back ever farther.
	for back := time.Minute; ; back *= 2 {
		begin := first
		if back < 10*MaxInterval { // else it is all there is
			begin = later(first, to.Add(-back))
		}
		slots = slots[:0]
		for at := u.from(first, begin); !at.IsZero() && !at.After(to); at = u.from(first, at.Add(time.Microsecond)) {
			slots = append(slots, at)
		}
		if len(slots) >= MaxSlots || begin.Equal(first) {
			return slots[max(0, len(slots)-MaxSlots):]
		}
	}
}

// until forgets the slots after a moment: the clock was set back.
func (k Track) until(now time.Time, s Schedule) Track {
	u := k.unpack(s)
	if u.n == 0 || !u.last.After(now.Add(skew)) {
		return k
	}
	// What the cells say of the time to come stays: it has happened.
	kept := track{schedule: s, axes: allAxes}
	for _, slot := range u.newest(MaxSlots) {
		if !slot.At.After(now) {
			kept.mark(slot.At, slot.Outcome)
		}
	}
	return kept.pack()
}
