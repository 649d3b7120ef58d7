package web

import (
	"fmt"
	"html/template"
	"time"

	"kae"
)

// Both charts of a token's page have the same columns: one for each of its
// newest slots, the newest at the right. A column is 12 wide, a bar 8.
const (
	columns = kae.MaxSlots
	column  = 12
)

// chart is what the server draws of a token's newest slots, and over them of
// the runs that were for them. SVG is drawn as paths, equal neighbours as one.
type chart struct {
	Slots   []slotView
	First   int // the column of the first slot
	OnTime  int
	Summary string
	Line    template.HTML
	Labels  []label

	Pace   string // of the runs that are shown; "": of none it is known how long it took
	Bars   string
	Bad    string // bars of runs that failed
	Marks  string // over those
	Torn   string // over bars that go beyond the scale
	Median string
	Top    string // the scale's upper end
	Said   string // the second chart in words
}

// label is a date or an hour under a column.
type label struct {
	X      int
	Anchor string
	When   moment
}

func (ch chart) last() slotView { return ch.Slots[len(ch.Slots)-1] }

// Newest gives the slot that speaks until another one is pointed at.
func (ch chart) Newest() *slotView {
	if len(ch.Slots) == 0 {
		return nil
	}
	s := ch.last()
	return &s
}

// Cursor tells where the mark of the newest slot is.
func (ch chart) Cursor() int { return column * (columns - 1) }

func chartOf(t kae.Token, p *past, c clock) chart {
	ch := chart{Slots: slotsOf(t, p, c)}
	if len(ch.Slots) == 0 {
		return ch
	}
	ch.First = columns - len(ch.Slots)
	var slots []kae.Slot
	for _, s := range ch.Slots {
		slots = append(slots, s.slot)
	}
	ch.Summary = summary(slots, c)
	ch.draw()
	ch.label(c)
	ch.pace()
	return ch
}

// chartLooks are those of the slots of a token's page.
var chartLooks = []look{
	{kae.SlotOnTime, "o", inOne(2, 0, -4)},
	{kae.SlotLate, "l", inOne(2, 9, -4)},
	{kae.SlotMissed, "m", inOne(0, 0, 0)},
	{kae.SlotFailed, "x", perCell(1.5, -12, "l9 24m0-24l-9 24", 0, 24)},
	{kae.SlotOverran, "v", perCell(1, -12, "l7 12-7 12zm9 0v24", 9, 24)},
	{kae.SlotUnknown, "u", perCell(0, 18, "l4-36m0 36l4-36m0 36l4-36", 12, -36)},
	{kae.SlotDisabled, "d", perCell(2.5, -17.5, "h7v35h-7z", 0, 0)},
}

func (ch *chart) draw() {
	d := drawing{wide: column, mid: 26}
	if ch.First > 0 { // before them nothing was expected
		d.begin("b").to(0, 43.5).text("H").number(float64(ch.First * column)).end()
	}
	cells := make([]kae.Outcome, len(ch.Slots))
	for i, s := range ch.Slots {
		if cells[i] = s.slot.Outcome; cells[i] == kae.SlotOnTime {
			ch.OnTime++
		}
	}
	d.cells(chartLooks, cells, ch.First)
	ch.Line = d.html()
}

// label writes the time under the first slot, every fifteenth column and the
// newest slot: days, or hours where all of it is of two days.
func (ch *chart) label(c clock) {
	say := c.day
	if ch.last().slot.At.Sub(ch.Slots[0].slot.At) < 48*time.Hour {
		say = c.minute
	}
	const apart = 6 // columns that a label needs
	next := ch.First
	for i := 0; i <= columns-8; i++ {
		if at := i - ch.First; at >= 0 && i >= next && (i%15 == 0 || at == 0 && 15-i%15 >= apart) {
			ch.Labels = append(ch.Labels, label{i*column + 2, "start", say(ch.Slots[at].slot.At)})
			next = i + apart
		}
	}
	ch.Labels = append(ch.Labels, label{columns*column - 2, "end", say(ch.last().slot.At)})
}

// minute tells a time by hours and minutes.
func (c clock) minute(t time.Time) moment {
	return c.moment(t, "minute", func(t time.Time) string { return t.In(c.zone).Format("15:04") })
}

// The scale of durations: from the ground up to the first of these that is
// not smaller than the longest one.
const (
	ground = 92.5
	height = 70
)

var scales = []time.Duration{
	10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 4 * time.Minute, 6 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 4 * 24 * time.Hour, week,
}

func scaleFor(d time.Duration) time.Duration {
	for _, s := range scales {
		if s >= d {
			return s
		}
	}
	return d
}

// pace draws how long the runs took.
func (ch *chart) pace() {
	var known []time.Duration
	for _, s := range ch.Slots {
		if s.run != nil && s.run.took > 0 {
			known = append(known, s.run.took)
		}
	}
	pace := kae.PaceOf(known)
	if pace.Runs == 0 {
		return
	}
	ch.Pace = fmt.Sprintf("median %s, longest %s", took(pace.Median), took(pace.Longest))
	// One run that took far longer than all others does not flatten them.
	most := pace.Longest
	if usual := 2 * pace.P95; most > 2*usual {
		most = usual
	}
	top := scaleFor(most)
	ch.Top = span(top)
	if top < time.Second {
		ch.Top = took(top)
	}
	at := func(n float64) string { return string(coordinate(nil, n)) }
	y := func(d time.Duration) float64 { return ground - height*float64(d)/float64(top) }
	failed := 0
	for i, s := range ch.Slots {
		if s.run == nil || s.run.took == 0 {
			continue
		}
		x, high := (ch.First+i)*column, min(y(s.run.took), ground-2)
		if s.run.took > top {
			high = 12
			ch.Torn += fmt.Sprintf("M%d 30l12-6", x)
		}
		bar := fmt.Sprintf("M%d %sV%sh8V%sz", x+2, at(ground), at(high), at(ground))
		if !s.run.failed {
			ch.Bars += bar
			continue
		}
		failed++
		ch.Bad += bar
		ch.Marks += fmt.Sprintf("M%d %sl6 7m0-7l-6 7", x+3, at(high-11))
	}
	ch.Median = fmt.Sprintf("M%d %sH%d", ch.First*column, at(y(pace.Median)), columns*column)
	ch.Said = fmt.Sprintf("How long %s took: %s.", plural(int64(pace.Runs), "run"), ch.Pace)
	if failed > 0 {
		ch.Said += fmt.Sprintf(" %d of them failed.", failed)
	}
}
