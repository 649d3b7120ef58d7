package web

import (
	"fmt"
	"strings"
	"time"

	"kae"
)

// outcomes are what became of slots, in words.
var outcomes = [...]string{
	kae.NoSlot: "none", kae.SlotDisabled: "disabled", kae.SlotOnTime: "on time", kae.SlotUnknown: "unknown",
	kae.SlotLate: "late", kae.SlotFailed: "failed", kae.SlotOverran: "overran", kae.SlotMissed: "missed",
}

// slotView is an expected time, and the run that was for it.
type slotView struct {
	At      stamp  `json:"at"`
	Outcome string `json:"outcome"`

	slot kae.Slot
	run  *ended // nil: none, or it is not known
	When moment `json:"-"`
	Told []part `json:"-"` // what became of it
}

// slotsOf gives a token's newest slots, each with its run. Of several for one
// slot it is the first, but for a failure, which is what counts.
func slotsOf(t kae.Token, p *past, c clock) []slotView {
	slots := t.LastSlots(c.now, kae.MaxSlots)
	all := make([]slotView, len(slots))
	for i, s := range slots {
		all[i] = slotView{At: stamp(s.At), Outcome: outcomes[s.Outcome], slot: s, When: c.at(s.At)}
	}
	if p != nil {
		// Newest first: what comes later here was earlier.
		for j := range p.ended {
			run := &p.ended[j]
			i := slotFor(t, slots, run.at)
			if i < 0 {
				if len(slots) > 0 && run.at.Before(slots[0].At.Add(-time.Minute)) {
					break
				}
				continue
			}
			if had := all[i].run; had == nil || run.failed || !had.failed {
				all[i].run = run
			}
		}
	}
	for i := range all {
		all[i].Told = all[i].told(c, i == len(all)-1)
	}
	return all
}

// slotFor finds the slot that a heartbeat was for: of a length of time the one
// that it made, by the clock the one before it, or one that it was a little
// early for. -1: none that is remembered.
func slotFor(t kae.Token, slots []kae.Slot, at time.Time) int {
	for i := len(slots) - 1; i >= 0; i-- {
		switch ahead := slots[i].At.Sub(at); {
		case !t.Schedule.Clock():
			if at.Truncate(time.Second).Equal(slots[i].At) {
				return i
			}
		case ahead <= 0, ahead <= time.Minute && i > 0 && ahead*10 <= slots[i].At.Sub(slots[i-1].At):
			return i
		}
		if slots[i].At.Before(at.Add(-time.Second)) {
			break
		}
	}
	return -1
}

// told tells what became of a slot: "failed at 03:04:12, after 4 m 5 s, exit
// status 1".
func (s slotView) told(c clock, newest bool) []part {
	parts := []part{text(s.Outcome)}
	switch s.slot.Outcome {
	case kae.SlotUnknown:
		return append(parts, text(": kae took no heartbeats then"))
	case kae.SlotDisabled:
		return append(parts, text(": nothing was expected"))
	case kae.SlotLate:
		if s.run == nil && newest {
			return append(parts, text(": it has not come yet"))
		}
	case kae.SlotMissed:
		if s.run == nil {
			return append(parts, text(": nothing came"))
		}
		parts = append(parts, text("; heard"))
	case kae.SlotOverran:
		if s.run == nil {
			return append(parts, text(": the run did not end in time"))
		}
	}
	if s.run == nil {
		return parts
	}
	if !s.run.at.Truncate(time.Second).Equal(s.slot.At) {
		parts = append(parts, text(" at "), when(c.hour(s.run.at)))
	}
	if s.run.took > 0 {
		parts = append(parts, text(", after "+took(s.run.took)))
	}
	if s.run.exited && s.run.exit != 0 {
		parts = append(parts, text(fmt.Sprintf(", exit status %d", s.run.exit)))
	}
	if s.run.message != "" {
		parts = append(parts, text(": "+clip(s.run.message, 80)))
	}
	return parts
}

// clip shortens a text to so many characters.
func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}
