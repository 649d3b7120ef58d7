package kae

import (
	"math/bits"
	"time"
)

// pattern is what a cron or a calendar expression comes to: the readings of a
// wall clock that match, as sets of bits. A reading is a [time.Time] in UTC
// that says what the clock on the wall says.
type pattern struct {
	years   spans     // nil: every year
	months  uint16    // bit 1 is January
	days    monthDays // of one month
	hours   uint32    // bit 0 is midnight
	minutes uint64
	seconds spans // microseconds of a minute

	// What happens when clocks are changed. Without either the pattern goes by
	// the clock on the wall, whatever that does.
	once    bool          // a reading that comes twice is expected the first time only
	catchUp bool          // readings left out are expected together, right after
	small   time.Duration // the changes that are meant, if not all: those below it

	zone *time.Location // its own; nil: that of the schedule
}

// monthDays gives the days of a month that match, bit 1 for the first, by the
// weekday of the first day and the number of days.
type monthDays interface {
	in(first time.Weekday, length int) uint32
	kind() daysKind
}

// spans is a set of numbers.
type spans []span

// span is the numbers first, first+step, … up to last.
type span struct{ first, last, step int64 }

var minuteStart = spans{{0, 0, 1}}

// next gives the smallest member from n on.
func (s spans) next(n int64) (least int64, ok bool) {
	for _, r := range s {
		at := r.first
		if n > at {
			at += (n - at + r.step - 1) / r.step * r.step
		}
		if at <= r.last && (!ok || at < least) {
			least, ok = at, true
		}
	}
	return least, ok
}

// next gives the first expected time after a moment by the clock of a zone;
// zero if there is none within the horizon. It walks from one change of the
// clocks to the next, but leaps over those before the next reading, so it
// takes few steps.
func (p *pattern) next(after time.Time, zone *time.Location) time.Time {
	if p.zone != nil {
		zone = p.zone
	}
	t := time.UnixMicro(after.UnixMicro() + 1).UTC()
	lastYear := t.Year() + Horizon
	for {
		s := stretchAt(t, zone)
		wall := t.Add(s.ahead)
		minds := p.small == 0 || s.jump.Abs() < p.small
		if p.catchUp && minds && s.jump > 0 && t.Equal(s.from) {
			if missed, ok := p.find(wall.Add(-s.jump), lastYear); ok && missed.Before(wall) {
				return t
			}
		}
		if p.once && minds && s.jump < 0 {
			// Until then the clock shows what it has shown before.
			if fresh := s.from.UTC().Add(s.ahead - s.jump); wall.Before(fresh) {
				wall = fresh
			}
		}
		reading, ok := p.find(wall, lastYear)
		if !ok {
			return time.Time{}
		}
		if at := reading.Add(-s.ahead); s.to.IsZero() || at.Before(s.to) {
			return at
		}
		// No clock is a day ahead of UTC or behind it, nor changed by more than
		// a day. So beyond two days no clock shows what it showed at t, and
		// nothing matches until two days before the reading.
		leap := reading.Add(-2 * day)
		if far := s.to.Sub(t) > 2*day; far && leap.After(s.to) {
			t = leap
		} else {
			t = s.to.UTC()
		}
	}
}

// find gives the first reading from one on that matches, up to a year.
func (p *pattern) find(from time.Time, lastYear int) (time.Time, bool) {
	year, month, date := from.Date()
	hour, minute, second := from.Clock()
	rest := int64(second)*1e6 + int64(from.Nanosecond()/1e3)
	clock, today := p.clock(hour, minute, rest)
	startYear, startMonth, startDate := year, month, date
	if !today {
		date++
	}
	for {
		if p.years != nil {
			n, ok := p.years.next(int64(year))
			if !ok {
				return time.Time{}, false
			}
			if int(n) > year {
				year, month, date = int(n), time.January, 1
			}
		}
		if year > lastYear {
			return time.Time{}, false
		}
		for ; month <= time.December; month, date = month+1, 1 {
			if p.months>>month&1 == 0 {
				continue
			}
			first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
			days := p.days.in(first.Weekday(), daysIn(year, month)) >> date << date
			if days == 0 {
				continue
			}
			date = bits.TrailingZeros32(days)
			if year != startYear || month != startMonth || date != startDate {
				clock, _ = p.clock(0, 0, 0)
			}
			return first.Add(time.Duration(date-1)*day + clock), true
		}
		year, month, date = year+1, time.January, 1
	}
}

// clock gives the first time of a day from one on that matches, since midnight.
func (p *pattern) clock(hour, minute int, micros int64) (time.Duration, bool) {
	first, _ := p.seconds.next(0)
	if p.hours>>hour&1 == 1 {
		if p.minutes>>minute&1 == 1 {
			if second, ok := p.seconds.next(micros); ok {
				return sinceMidnight(hour, minute, second), true
			}
		}
		if m := bits.TrailingZeros64(p.minutes >> (minute + 1) << (minute + 1)); m < 60 {
			return sinceMidnight(hour, m, first), true
		}
	}
	if h := bits.TrailingZeros32(p.hours >> (hour + 1) << (hour + 1)); h < 24 {
		return sinceMidnight(h, bits.TrailingZeros64(p.minutes), first), true
	}
	return 0, false
}

func sinceMidnight(hour, minute int, micros int64) time.Duration {
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(micros)*time.Microsecond
}

func daysIn(year int, month time.Month) int {
	switch month {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}

// The days of a month that are on some weekdays (bit 0 is Sunday).
func onWeekdays(weekdays uint8, first time.Weekday, length int) uint32 {
	const weekly = 1 | 1<<7 | 1<<14 | 1<<21 | 1<<28
	var days uint32
	for w := range 7 {
		if weekdays>>w&1 == 1 {
			days |= weekly << firstOn(w, first)
		}
	}
	return days & upTo(length)
}

// firstOn gives the first day of a month that is on a weekday.
func firstOn(weekday int, first time.Weekday) int { return 1 + (weekday-int(first)+7)%7 }

// upTo gives the days 1 to n.
func upTo(n int) uint32 { return uint32(1)<<(n+1) - 2 }
