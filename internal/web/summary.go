package web

import (
	"fmt"
	"strings"
	"time"

	"kae"
)

// inBrief tells what became of a token's newest slots, for those who do not
// see the timeline: "58 of 60 on time", and what was wrong with the rest,
// "missed 3 Aug and 9 Aug".
func inBrief(t kae.Token, slots []kae.Slot, c clock) (short, rest string) {
	switch {
	case t.Removed():
		return "removed", ""
	case t.Status == kae.Disabled:
		return "disabled since " + c.near(t.FlippedAt), ""
	case len(slots) == 0:
		return "nothing expected yet", ""
	}
	var when [kae.SlotMissed + 1][]time.Time
	n := 0
	for _, s := range slots {
		when[s.Outcome] = append(when[s.Outcome], s.At)
		if s.Outcome > kae.SlotDisabled {
			n++
		}
	}
	if n == 0 {
		return "nothing expected yet", ""
	}
	var told []string
	for _, o := range []struct {
		kae.Outcome
		word string
	}{{kae.SlotMissed, "missed"}, {kae.SlotOverran, "overran"}, {kae.SlotFailed, "failed"}, {kae.SlotLate, "late"}, {kae.SlotUnknown, "unknown"}} {
		if at := when[o.Outcome]; len(at) > 0 {
			told = append(told, o.word+" "+c.times(at))
		}
	}
	// Two kinds are enough: the page of the token has the rest.
	return fmt.Sprintf("%d of %d on time", len(when[kae.SlotOnTime]), n), strings.Join(told[:min(2, len(told))], ", ")
}

// times tells a few moments, or how many they are.
func (c clock) times(at []time.Time) string {
	switch len(at) {
	case 1:
		return c.near(at[0])
	case 2:
		return c.near(at[0]) + " and " + c.near(at[1])
	}
	return fmt.Sprintf("%d times", len(at))
}

// near tells the day, or the hour if it is today.
func (c clock) near(t time.Time) string {
	t, now := t.In(c.zone), c.now.In(c.zone)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return "at " + t.Format("15:04")
	}
	return c.date(t)
}
