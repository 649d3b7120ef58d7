package kae

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Words tells the schedule as one would say it, without its time zone: "every
// 30 min", "every weekday at 06:00". What has no such words is told as it was
// written.
func (s Schedule) Words() string {
	if !s.Clock() {
		if s.IsZero() {
			return ""
		}
		return everyWords(s.every)
	}
	if len(s.lines) == 1 {
		if words := s.lines[0].words(); words != "" {
			return words
		}
	}
	return s.text
}

// words is empty where there are none.
func (p *pattern) words() string {
	if p.years != nil || p.zone != nil || p.months == 0 {
		return ""
	}
	often, exact := p.often()
	if often != "" {
		if p.months == allMonths && p.days.kind() == (daysKind{every: true}) {
			return often
		}
		return ""
	}
	if exact == "" {
		return ""
	}
	k := p.days.kind()
	months := bits.OnesCount16(p.months)
	switch {
	case months == 12 && k.every:
		return "daily at " + exact
	case months == 12 && k.weekdays != 0:
		return "every " + weekdayWords(k.weekdays) + " at " + exact
	case months == 12 && k.last:
		return "on the last day of every month at " + exact
	case months == 12 && k.date != 0:
		return fmt.Sprintf("on day %d of every month at %s", k.date, exact)
	case months == 1 && k.date != 0:
		return fmt.Sprintf("every %d %s at %s", k.date, time.Month(bits.TrailingZeros16(p.months)), exact)
	}
	return ""
}

// often tells a time of the day that comes every few minutes or hours, or
// exact the few times of a day.
func (p *pattern) often() (often, exact string) {
	const allHours, allMinutes, most = 1<<24 - 1, 1<<60 - 1, 4
	first, _ := p.seconds.next(0)
	second, more := p.seconds.next(first + 1)
	minute := bits.TrailingZeros64(p.minutes)
	step := func(set uint64, n int) int { // of 0, step, 2·step, …; 0 if it is none
		s := bits.TrailingZeros64(set &^ 1)
		if set&1 == 0 || s >= n || n%s != 0 || set != stepped(s, n) {
			return 0
		}
		return s
	}
	switch {
	case more && p.hours == allHours && p.minutes == allMinutes && first == 0 && len(p.seconds) == 1 &&
		60e6%second == 0 && second%1e6 == 0 && p.seconds[0].last >= 60e6-second:
		return everyWords(time.Duration(second) * time.Microsecond), ""
	case more || first != 0:
		return "", ""
	case p.hours == allHours && step(p.minutes, 60) > 0:
		return everyWords(time.Duration(step(p.minutes, 60)) * time.Minute), ""
	case bits.OnesCount64(p.minutes) > 1 && bits.OnesCount64(p.minutes)*bits.OnesCount32(p.hours) > most:
		return "", ""
	case p.hours == allHours:
		return fmt.Sprintf("hourly at :%02d", minute), ""
	case bits.OnesCount32(p.hours) > 2 && step(uint64(p.hours), 24) > 0 && minute == 0:
		return everyWords(time.Duration(step(uint64(p.hours), 24)) * time.Hour), ""
	case bits.OnesCount32(p.hours) > 2 && step(uint64(p.hours), 24) > 0:
		return fmt.Sprintf("%s at :%02d", everyWords(time.Duration(step(uint64(p.hours), 24))*time.Hour), minute), ""
	}
	var times []string
	for h := range 24 {
		for m := range 60 {
			if p.hours>>h&1 == 1 && p.minutes>>m&1 == 1 {
				times = append(times, fmt.Sprintf("%02d:%02d", h, m))
			}
		}
	}
	if len(times) > most {
		return "", ""
	}
	return "", enumerated(times)
}

func stepped(step, n int) uint64 {
	var set uint64
	for i := 0; i < n; i += step {
		set |= 1 << i
	}
	return set
}

// enumerated joins words: "a, b and c".
func enumerated(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// weekdayWords tells some days of a week, Monday first.
func weekdayWords(set uint8) string {
	const workdays, weekend = 0x3e, 0x41
	switch {
	case set == workdays:
		return "weekday"
	case set == weekend:
		return "Saturday and Sunday"
	case bits.OnesCount8(set) == 1:
		return time.Weekday(bits.TrailingZeros8(set)).String()
	}
	var days []string
	for i := range 7 {
		if d := time.Weekday((i + 1) % 7); set>>d&1 == 1 {
			days = append(days, d.String()[:3])
		}
	}
	return enumerated(days)
}

// daysKind is what there are words for: one of them, or none.
type daysKind struct {
	every    bool
	weekdays uint8
	date     int
	last     bool
}

func (c cronDays) kind() daysKind {
	if c.lastWorkday || c.lastOf != 0 || c.nth != [5]uint8{} {
		return daysKind{}
	}
	return kindOf(c.dates, c.weekdays, c.last, c.both)
}

func (c calendarDays) kind() daysKind {
	if len(c.fromEnd) > 1 || len(c.fromEnd) == 1 && c.fromEnd[0] != (span{1, 1, 1}) {
		return daysKind{}
	}
	dates := c.dates
	if c.fromEnd != nil {
		dates = 0
	}
	return kindOf(dates, c.weekdays, c.fromEnd != nil, true)
}

func kindOf(dates uint32, weekdays uint8, last, both bool) daysKind {
	const allWeekdays = 0x7f
	anyDate, anyWeekday := dates == upTo(31), weekdays == allWeekdays
	switch {
	case anyDate && anyWeekday, !both && (anyDate || anyWeekday):
		return daysKind{every: true}
	case !both:
		return daysKind{}
	case anyDate:
		return daysKind{weekdays: weekdays}
	case !anyWeekday:
		return daysKind{}
	case last && dates == 0:
		return daysKind{last: true}
	case !last && bits.OnesCount32(dates) == 1:
		return daysKind{date: bits.TrailingZeros32(dates)}
	}
	return daysKind{}
}
