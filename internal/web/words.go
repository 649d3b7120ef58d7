package web

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"time"

	"kae"
)

// clock is one reading of the time and the zone in which a page tells times.
// static/kae.js says the same words in the viewer's zone.
type clock struct {
	now  time.Time
	zone *time.Location
}

// moment is a time as a page shows it. The zero moment is shown as a dash.
type moment struct {
	ISO  string // for programs, the script in the page among them
	Form string // "rel", "at" or "day": how the script says it anew
	Text string
	Full string // with date and zone, for the title
}

// String gives the words.
func (m moment) String() string { return m.Text }

// HTML is the moment in a page: a script says it anew, and where there is none
// the words stay.
func (m moment) HTML() template.HTML {
	if m.ISO == "" {
		return `<span class="muted">–</span>`
	}
	return template.HTML(`<time datetime="` + m.ISO + `" data-f="` + m.Form + `" title="` + html.EscapeString(m.Full) + `">` + html.EscapeString(m.Text) + `</time>`)
}

// rel tells how far away a time is: "in 2 h 14 m", "4 s ago".
func (c clock) rel(t time.Time) moment { return c.moment(t, "rel", c.relative) }

// at tells a time by the day and the clock: "today at 03:04:12".
func (c clock) at(t time.Time) moment { return c.moment(t, "at", c.absolute) }

// hour tells a time by the clock alone.
func (c clock) hour(t time.Time) moment {
	return c.moment(t, "hour", func(t time.Time) string { return t.In(c.zone).Format(time.TimeOnly) })
}

// until tells a time after another: by the clock alone where it is the same
// day.
func (c clock) until(from, to time.Time) moment {
	if from.In(c.zone).Format(time.DateOnly) == to.In(c.zone).Format(time.DateOnly) {
		return c.hour(to)
	}
	return c.at(to)
}

// day tells the date alone.
func (c clock) day(t time.Time) moment { return c.moment(t, "day", c.date) }

func (c clock) moment(t time.Time, form string, say func(time.Time) string) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{ISO: iso(t), Form: form, Text: say(t), Full: t.In(c.zone).Format("2006-01-02 15:04:05 MST")}
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// in gives the same moment by the clocks of another zone.
func (c clock) in(zone *time.Location) clock { return clock{c.now, zone} }

// slot tells an expected time by the zone's clock: "Mon 23 Nov, 06:00". A
// script leaves it as it is, and puts the viewer's time beside it.
func (c clock) slot(t time.Time) moment {
	return c.moment(t, "slot", func(t time.Time) string {
		return t.In(c.zone).Format("Mon ") + c.date(t) + ", " + clockTime(t.In(c.zone))
	})
}

// slotHour tells an expected time of today or the next slot by the hour alone,
// in the zone.
func (c clock) slotHour(t time.Time) moment {
	return c.moment(t, "slot", func(t time.Time) string { return clockTime(t.In(c.zone)) })
}

// soon tells a time to come where there is little room: by the clock if it is
// less than a day away, else by the date.
func (c clock) soon(t time.Time) moment {
	if t.Sub(c.now) < 24*time.Hour {
		return c.minute(t)
	}
	return c.day(t)
}

// clockTime gives hours and minutes, and seconds where there are any.
func clockTime(t time.Time) string {
	if t.Second() == 0 {
		return t.Format("15:04")
	}
	return t.Format(time.TimeOnly)
}

const week = 7 * 24 * time.Hour

func (c clock) relative(t time.Time) string {
	d := t.Sub(c.now)
	switch {
	case d >= week || d <= -week:
		return c.date(t)
	case d <= -time.Second:
		return span(-d) + " ago"
	case d <= 0:
		return "now"
	}
	// Countdowns end at zero, not a second early.
	return "in " + span(d+time.Second-1)
}

func (c clock) absolute(t time.Time) string {
	t, now := t.In(c.zone), c.now.In(c.zone)
	y, m, d := now.Date()
	days := map[string]string{
		now.Format(time.DateOnly): "today",
		time.Date(y, m, d-1, 12, 0, 0, 0, c.zone).Format(time.DateOnly): "yesterday",
		time.Date(y, m, d+1, 12, 0, 0, 0, c.zone).Format(time.DateOnly): "tomorrow",
	}
	if day, ok := days[t.Format(time.DateOnly)]; ok {
		return day + " at " + t.Format(time.TimeOnly)
	}
	return c.date(t) + ", " + t.Format(time.TimeOnly)
}

func (c clock) date(t time.Time) string {
	t = t.In(c.zone)
	if t.Year() != c.now.In(c.zone).Year() {
		return t.Format("2 Jan 2006")
	}
	return t.Format("2 Jan")
}

// span tells a length of time in at most two units, rounded down: seconds
// below ten minutes, minutes below a day.
func span(d time.Duration) string {
	s := int64(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 10*60:
		return two(s/60, "m", s%60, "s")
	case s < 3600:
		return fmt.Sprintf("%d m", s/60)
	case s < 24*3600:
		return two(s/3600, "h", s/60%60, "m")
	}
	return two(s/86400, "d", s/3600%24, "h")
}

// took tells how long something took: like span, but finer where it is short.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "< 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", float64(d/(100*time.Millisecond))/10)
	}
	return span(d)
}

func two(a int64, unitA string, b int64, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// length tells a setting exactly: "1 h 30 min", "2 weeks".
func length(d time.Duration) string {
	s := int64(d / time.Second)
	if s == 0 {
		return "0 s"
	}
	if s%(7*86400) == 0 {
		return plural(s/(7*86400), "week")
	}
	var parts []string
	if n := s / 86400; n > 0 {
		parts = append(parts, plural(n, "day"))
	}
	for _, u := range []struct {
		n    int64
		word string
	}{{s / 3600 % 24, "h"}, {s / 60 % 60, "min"}, {s % 60, "s"}} {
		if u.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", u.n, u.word))
		}
	}
	return strings.Join(parts, " ")
}

// often tells a schedule: "every 30 min", "every weekday at 06:00"; several
// lines stand in one.
func often(s kae.Schedule) string { return strings.ReplaceAll(s.Words(), "\n", "; ") }

// shortly tells a schedule where there is little room: "Mon 04:00".
func shortly(often string) string { return shorter.Replace(often) }

var shorter = strings.NewReplacer(
	"every weekday at", "Mon–Fri", "every Saturday and Sunday at", "Sat, Sun", " at ", " ", " and ", ", ",
	"on the last day of every month", "last of month", "on day", "day", " of every month", ",",
	"every Monday", "Mon", "every Tuesday", "Tue", "every Wednesday", "Wed", "every Thursday", "Thu", "every Friday", "Fri", "every Saturday", "Sat", "every Sunday", "Sun",
)

// zoneOf names the zone by whose clock a schedule goes; "" where there is no
// clock, or where the schedule itself says so.
func zoneOf(s kae.Schedule) string {
	if !s.Clock() {
		return ""
	}
	for line := range strings.Lines(s.String()) {
		if !namesZone(line) {
			return s.Zone().String()
		}
	}
	return ""
}

// namesZone tells whether a calendar expression ends in a time zone.
func namesZone(line string) bool {
	words := strings.Fields(line)
	if len(words) < 2 {
		return false
	}
	_, err := kae.LoadZone(words[len(words)-1])
	return err == nil
}

// ordinal tells a place in a row.
func ordinal(n int) string {
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// size tells a number of bytes.
func size(n int) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1000)
}
