package web

import (
	"fmt"
	"strings"
	"time"

	"kae"
)

// inOrder is the order in which outcomes are told: what matters most first.
var inOrder = []kae.Outcome{kae.SlotMissed, kae.SlotFailed, kae.SlotOverran, kae.SlotLate, kae.SlotUnknown, kae.SlotDisabled}

// inSum tells what became of slots: how many were on time, and on which days
// the others were. Where nothing was expected does not count.
func inSum(slots []kae.Slot, c clock) (share string, rest []string) {
	on := map[kae.Outcome][]time.Time{}
	for _, s := range slots {
		on[s.Outcome] = append(on[s.Outcome], s.At)
	}
	for _, o := range inOrder {
		if times := on[o]; len(times) > 0 {
			rest = append(rest, outcomes[o]+" "+c.days(times))
		}
	}
	n := len(slots) - len(on[kae.SlotDisabled])
	if n == 0 {
		return "nothing expected yet", rest
	}
	return fmt.Sprintf("%d of %d on time", len(on[kae.SlotOnTime]), n), rest
}

// summary tells slots in full: "51 of 60 on time. Missed 29 Oct; failed 6 Oct
// and 22 Nov."
func summary(slots []kae.Slot, c clock) string {
	words, rest := inSum(slots, c)
	words = capital(words) + "."
	if len(rest) > 0 {
		words += " " + capital(strings.Join(rest, "; ")) + "."
	}
	return words
}

// inBrief tells a token's newest slots, for those who do not see the timeline:
// "58 of 60 on time", and what was wrong with the rest, "missed 3 Aug and 9
// Aug". Two kinds are enough: the page of the token has the others.
func inBrief(t kae.Token, slots []kae.Slot, c clock) (share, rest string) {
	switch {
	case t.Removed():
		return "removed", ""
	case t.Status == kae.Disabled:
		return "disabled since " + c.date(t.FlippedAt), ""
	}
	share, all := inSum(slots, c)
	return share, strings.Join(all[:min(2, len(all))], ", ")
}

// days tells on which days times are; where there are many, how many and the
// last one.
func (c clock) days(times []time.Time) string {
	var all []string
	for _, t := range times {
		if d := c.date(t); len(all) == 0 || all[len(all)-1] != d {
			all = append(all, d)
		}
	}
	n := len(all)
	switch last := all[n-1]; {
	case n < len(times) && n == 1:
		return fmt.Sprintf("%d times on %s", len(times), last)
	case n < len(times) || n > 4:
		return fmt.Sprintf("%d times, the last on %s", len(times), last)
	case n == 1:
		return last
	default:
		return strings.Join(all[:n-1], ", ") + " and " + last
	}
}
