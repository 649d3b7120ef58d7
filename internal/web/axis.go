package web

import (
	"html/template"
	"math"
	"time"

	"kae"
)

// axes are the time axes in the words of a link.
var axes = []struct {
	kae.Axis
	Key, Name, Told string
}{
	{kae.Day, "24h", "24 h", "the last 24 hours in half hours"},
	{kae.EightDays, "8d", "8 days", "the last 8 days in four hours"},
	{kae.FortyEightDays, "48d", "48 days", "the last 48 days in days"},
}

func axisNamed(key string) (kae.Axis, bool) {
	for _, a := range axes {
		if a.Key == key {
			return a.Axis, true
		}
	}
	return kae.Day, false
}

// fittingAxis chooses the shortest axis on which half of the tokens have six
// slots or more, by what is expected of them rather than by what there was: a
// page of young tokens looks as it will look tomorrow.
func fittingAxis(tokens []kae.Token, now time.Time) kae.Axis {
	const enough = 6
	for _, a := range axes {
		fit := 0
		for _, t := range tokens {
			at, end := now, now.Add(kae.AxisCells*a.Cell())
			for range enough {
				if at = t.Schedule.Next(at); at.IsZero() || at.After(end) {
					break
				}
			}
			if !at.IsZero() && !at.After(end) {
				fit++
			}
		}
		if 2*fit >= len(tokens) {
			return a.Axis
		}
	}
	return kae.FortyEightDays
}

// ruler is a time axis at one moment.
type ruler struct {
	kae.Axis
	now, start time.Time
}

func (c clock) ruler(a kae.Axis) ruler { return ruler{a, c.now, a.Start(c.now, c.zone)} }

// x tells where a moment stands.
func (r ruler) x(t time.Time) float64 {
	x := float64(t.Sub(r.start)) / float64(r.Cell()) * cellWide
	return math.Round(min(max(x, 0), lineWide)*10) / 10
}

// gridView is what lies behind all timelines, and the head of their column.
type gridView struct {
	Behind template.HTML
	Marks  []axisMark
	Told   string // what the axis shows, in words
}

// axisMark is a word on the axis. A script says an hour by the viewer's clock.
type axisMark struct {
	X    float64
	Text string
	ISO  string // "" where it stays
}

// grid draws lines at round times, a band where kae took no heartbeats, and
// the line that is now.
func (c clock) grid(a kae.Axis, gaps []kae.Gap) gridView {
	r := c.ruler(a)
	v := gridView{Told: axes[a].Told}
	d := drawing{}
	d.gaps(r, gaps)
	d.begin("g")
	for _, at := range r.rounds(c.zone) {
		x := math.Round(r.x(at)) + .5
		d.to(x, 0).shape("v36", 0, lineHigh)
		if m := r.mark(at.In(c.zone), x); m.Text != "" {
			v.Marks = append(v.Marks, m)
		}
	}
	d.end()
	d.begin("gn").to(lineWide-1.5, 0).text("v36").end()
	v.Behind = d.html()
	return v
}

// rounds are the times of the axis that have a line: every six hours, every
// day, every Monday.
func (r ruler) rounds(zone *time.Location) []time.Time {
	var all []time.Time
	at := r.start.In(zone)
	hours, days := 24, 1
	switch r.Axis {
	case kae.Day:
		hours = 6
	case kae.FortyEightDays:
		days = 7
	}
	y, m, d := at.Date()
	if days == 7 {
		d -= (int(at.Weekday()) + 6) % 7
	}
	for day := d; ; day += days {
		for hour := 0; hour < 24; hour += hours {
			at = time.Date(y, m, day, hour, 0, 0, 0, zone)
			if at.After(r.now) {
				return all
			}
			if at.After(r.start) {
				all = append(all, at)
			}
		}
	}
}

// mark says a round time, where there is room before "now".
func (r ruler) mark(at time.Time, x float64) axisMark {
	room := 56.0
	if r.Axis == kae.Day {
		room = 62 // for an hour
	}
	if x > lineWide-room {
		return axisMark{}
	}
	m := axisMark{X: x + 3.5}
	switch {
	case r.Axis == kae.EightDays:
		m.Text = at.Format("Mon")
	case r.Axis == kae.FortyEightDays:
		m.Text = at.Format("2 Jan")
	case at.Hour() == 0:
		m.Text, m.ISO = at.Format("Mon 2"), iso(at)
	default:
		m.Text, m.ISO = at.Format("15:04"), iso(at)
	}
	return m
}

// gaps draws the times in which kae took no heartbeats, each wide enough to be
// seen; those that touch are one.
func (d *drawing) gaps(r ruler, gaps []kae.Gap) {
	const narrow = 2
	begun := false
	var from, to float64
	put := func() {
		if to <= from {
			return
		}
		if !begun {
			d.begin("gk")
			begun = true
		}
		d.to(from, 0).text("h").number(to-from).text("v36h").number(from-to).shape("z", 0, 0)
	}
	for _, g := range gaps {
		if !g.To.After(r.start) {
			continue
		}
		x, end := r.x(g.From), r.x(g.To)
		end = min(max(end, x+narrow), lineWide)
		if x > to {
			put()
			from = x
		}
		to = max(to, end)
	}
	put()
	if begun {
		d.end()
	}
}
