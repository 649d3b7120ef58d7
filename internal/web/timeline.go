package web

import (
	"html/template"

	"kae"
)

// A timeline is one path for each outcome: a run of n equal cells is one
// stroke, which the stylesheet cuts into bars, so that a quiet day is a few
// bytes. A cell is 6 wide and a bar 4; kae.css has the widths of the strokes.
const (
	cellWide  = 6
	lineWide  = kae.AxisCells * cellWide
	lineHigh  = 36
	cardSlots = 14 // the slots of a token's own on its card
	cardHigh  = 24
	nowAt     = lineWide - 1.6 // where lines up to now end, under the line that is now
)

// timeline draws what became of a token's slots.
func (r ruler) timeline(t kae.Token) template.HTML {
	cells := t.Cells(r.Axis, r.now)
	withoutRun(t, cells[:])
	d := drawing{wide: cellWide, mid: lineHigh / 2}
	if born := r.x(t.CreatedAt); born < lineWide && blank(cells[:], born) {
		d.begin("b").to(born, lineHigh-8.5).text("H").number(lineWide).end()
	}
	if t.Status == kae.Firing {
		d.begin("f").to(min(r.x(t.FlippedAt), nowAt-4), lineHigh-9).text("H").number(nowAt).end()
	}
	d.cells(lineLooks, cells[:], 0)
	if arrowed(t) {
		d.arrow(min(r.x(t.StartedAt), lineWide-8.5), lineWide-7)
	}
	return d.html()
}

// arrowed tells whether a run is drawn: nobody waits for that of a disabled token.
func arrowed(t kae.Token) bool { return t.Running() && t.Status != kae.Disabled }

// withoutRun takes away what the arrow of a run says that takes too long.
func withoutRun(t kae.Token, cells []kae.Outcome) {
	if !arrowed(t) || t.Status != kae.Firing || t.Reason != kae.Overran {
		return
	}
	for i := len(cells) - 1; i >= 0; i-- {
		if cells[i] == kae.SlotOverran {
			cells[i] = kae.NoSlot
			return
		}
	}
}

// blank tells whether nothing was expected in some cell since a place.
func blank(cells []kae.Outcome, since float64) bool {
	for i, o := range cells {
		if o == kae.NoSlot && float64(i*cellWide) >= since-cellWide {
			return true
		}
	}
	return false
}

// cardline draws the newest of a token's own slots, close together.
func cardline(t kae.Token, slots []kae.Slot) template.HTML {
	d := drawing{wide: cellWide, mid: cardHigh / 2}
	room := cardSlots
	if arrowed(t) {
		room--
	}
	slots = slots[max(0, len(slots)-room):]
	cells := make([]kae.Outcome, len(slots))
	for i, s := range slots {
		cells[i] = s.Outcome
	}
	withoutRun(t, cells)
	if first := room - len(slots); first > 0 { // before them nothing was expected
		d.begin("b").to(0, cardHigh-3.5).text("H").number(float64(first * cellWide)).end()
	}
	d.cells(lineLooks, cells, room-len(slots))
	if arrowed(t) {
		d.arrow(0, cardSlots*cellWide-7)
	}
	return d.html()
}

// lineLooks are those of the list's timelines, worst last: it is drawn over the
// rest.
var lineLooks = []look{
	{kae.SlotDisabled, "d", perCell(1.5, -6.5, "h3v13h-3z", 0, 0)},
	{kae.SlotOnTime, "o", inOne(1, 0, -2)},
	{kae.SlotUnknown, "u", func(d *drawing, x float64, n int) {
		for i := range 2 * n {
			d.to(x+3*float64(i), d.mid+7).shape("l4-14", 4, -14)
		}
	}},
	{kae.SlotLate, "l", inOne(1, 3.5, -2)},
	{kae.SlotFailed, "x", perCell(.5, -6, "l5 12m0-12l-5 12", 0, 12)},
	{kae.SlotOverran, "v", perCell(.5, -6, "l5 6-5 6z", 0, 0)},
	{kae.SlotMissed, "m", inOne(0, 0, 0)},
}

// arrow draws a run from its start to its head; one that starts behind the
// head's left has no shaft.
func (d *drawing) arrow(from, head float64) {
	if from > 0 && from < head {
		d.begin("k").to(from, d.mid).text("H").number(head).end()
	}
	d.begin("p").to(head, d.mid-6).text("l6 6-6 6z").end()
}
