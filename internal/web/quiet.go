package web

import (
	"fmt"
	"strings"
	"time"

	"kae"
)

// When a stretch of a log is quiet enough to be one line.
const (
	quietRuns = 4 // it has at least so many runs
	loudRuns  = 3 // and the newest of the log are told one by one
)

// quietView is a stretch of a log in which nothing but good runs happened.
type quietView struct {
	URL  string // opens or closes it
	Open bool
	Days bool // it goes over several days
	From moment
	To   moment
	Told string
}

// quiet finds stretches of nothing but good runs: where one begins, and how
// many entries it has. A heartbeat that caused a flip is told by itself, and
// so are the newest runs, for they are what one looks for.
func quiet(entries []entry, from place) map[int]int {
	found := map[int]int{}
	for i := 0; i < len(entries); {
		n, runs := 0, 0
		for i+n < len(entries) && isQuiet(entries, i+n) {
			n++
		}
		begin, end := i, i+n
		i = end + 1
		loud := 0
		switch {
		case begin == 0 && from.beats == 0:
			loud = loudRuns
		case n > 0 && begin > 0 && entries[begin-1].caused(entries[begin].beat):
			loud = 1
		}
		for begin < end && (loud > 0 || entries[begin].beat.Kind == kae.Start) {
			if entries[begin].beat.Kind == kae.Success {
				loud--
			}
			begin++
		}
		for _, e := range entries[begin:end] {
			if e.beat.Kind == kae.Success {
				runs++
			}
		}
		if runs >= quietRuns {
			found[begin] = end - begin
		}
	}
	return found
}

// caused tells whether an entry is the flip that a heartbeat caused.
func (e entry) caused(b *kae.Heartbeat) bool {
	return e.flip != nil && e.flip.flips[0].At.Equal(b.At)
}

// isQuiet tells whether an entry says that all is well: a success that came
// when it happened, or a start that has ended.
func isQuiet(entries []entry, i int) bool {
	b := entries[i].beat
	if b == nil || b.BackDated() {
		return false
	}
	switch b.Kind {
	case kae.Success:
		return !b.Exited || b.Exit == 0
	case kae.Start:
		newer := i > 0 && entries[i-1].beat != nil && entries[i-1].beat.Kind == kae.Start && entries[i-1].beat.RunID == b.RunID
		return !newer
	}
	return false
}

// holds tells whether a heartbeat is in a stretch.
func holds(stretch []entry, number int64) bool {
	return number > 0 && number <= stretch[0].beat.Number && number >= stretch[len(stretch)-1].beat.Number
}

func quietRow(t kae.Token, stretch []entry, slots []slotView, from place, open bool, c clock) logRow {
	newest, oldest := stretch[0].beat, stretch[len(stretch)-1].beat
	v := &quietView{Open: open, From: c.hour(oldest.At), To: c.hour(newest.At), Told: toldQuiet(stretch, slots)}
	if v.Days = c.dayHead(oldest.At) != c.dayHead(newest.At); v.Days {
		v.From, v.To = c.day(oldest.At), c.day(newest.At)
	}
	if from.open = 0; !open {
		from.open = newest.Number
	}
	v.URL = from.url(t.ID) + fmt.Sprintf("#q-%d", newest.Number)
	return logRow{at: newest.At, ID: fmt.Sprintf("q-%d", newest.Number), Class: "quiet", Quiet: v}
}

// toldQuiet tells a stretch: "16 runs, all on time, 6 m 50 s to 8 m 11 s".
func toldQuiet(stretch []entry, slots []slotView) string {
	var shortest, longest time.Duration
	runs := 0
	for _, e := range stretch {
		if e.beat.Kind != kae.Success {
			continue
		}
		runs++
		if d := e.beat.Took; d > 0 {
			longest = max(longest, d)
			if shortest == 0 || d < shortest {
				shortest = d
			}
		}
	}
	words := []string{plural(int64(runs), "run"), wellDone(stretch, slots)}
	switch low, high := took(shortest), took(longest); {
	case longest == 0:
	case low == high:
		words = append(words, high+" each")
	default:
		words = append(words, low+" to "+high)
	}
	return strings.Join(words, ", ")
}

// wellDone tells whether the runs of a stretch came on time, where that is
// remembered.
func wellDone(stretch []entry, slots []slotView) string {
	newest, oldest := stretch[0].beat, stretch[len(stretch)-1].beat
	covered := len(slots) > 0 && !slots[0].slot.At.After(oldest.At)
	n := map[kae.Outcome]int{}
	for _, s := range slots {
		if s.run != nil && oldest.Number <= s.run.number && s.run.number <= newest.Number ||
			s.run == nil && oldest.At.Before(s.slot.At) && s.slot.At.Before(newest.At) {
			n[s.slot.Outcome]++
		}
	}
	var odd []string
	for _, o := range inOrder {
		if n[o] > 0 {
			odd = append(odd, fmt.Sprintf("%d %s", n[o], outcomes[o]))
		}
	}
	switch {
	case len(odd) > 0:
		return strings.Join(odd, ", ")
	case covered:
		return "all on time"
	default:
		return "all ended well"
	}
}
