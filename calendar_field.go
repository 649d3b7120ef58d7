package kae

import (
	"strings"
	"time"
)

// calendarField is one number of a calendar expression, and its limits.
type calendarField struct {
	name      string
	low, high int64
	unit      int64 // of what is written: 1e6 for seconds in microseconds
}

var (
	calendarYear    = calendarField{"year", calendarFirstYear, calendarLastYear, 1}
	calendarMonth   = calendarField{"month", 1, 12, 1}
	calendarDate    = calendarField{"day", 1, 31, 1}
	calendarFromEnd = calendarField{"day", 1, 28, 1} // every month has that many
	calendarHour    = calendarField{"hour", 0, 23, 1}
	calendarMinute  = calendarField{"minute", 0, 59, 1}
	calendarSecond  = calendarField{"second", 0, 60e6 - 1, 1e6}
)

// set reads numbers into a set of bits.
func (f calendarField) set(p part) (uint64, *fault) {
	all, wrong := f.spans(p)
	if wrong != nil {
		return 0, wrong
	}
	if all == nil {
		all = spans{{f.low, f.high, 1}}
	}
	return all.bits(), nil
}

func (s spans) bits() uint64 {
	var set uint64
	for _, r := range s {
		for n := r.first; n <= r.last; n += r.step {
			set |= 1 << n
		}
	}
	return set
}

// spans reads * (nil) or items with commas between them.
func (f calendarField) spans(p part) (spans, *fault) {
	if p.text == "*" {
		return nil, nil
	}
	var all spans
	for _, item := range p.split(",") {
		one, wrong := f.span(item)
		if wrong != nil {
			return nil, wrong
		}
		if one.last < one.first {
			one.last = f.high
		}
		all = append(all, one)
	}
	return all, nil
}

// span reads a, a..b, each perhaps with a step after it. A last of -1 is none:
// the span goes on as far as the field does. The limits are systemd's: a range
// ends at its last step, and a step must be possible at least once.
func (f calendarField) span(item part) (span, *fault) {
	if strings.HasPrefix(item.text, "*/") {
		return span{}, item.fault(f.name, "write %d/… rather than */….", f.low)
	}
	written, stepped, hasStep := item.cut("/")
	from, to, isRange := written.cut("..")
	first, wrong := f.value(from)
	if wrong != nil {
		return span{}, wrong
	}
	last, step := int64(-1), int64(0)
	if isRange {
		if last, wrong = f.value(to); wrong != nil {
			return span{}, wrong
		}
		step = f.unit
	}
	if hasStep {
		if step, wrong = f.number(stepped); wrong != nil {
			return span{}, wrong
		}
		if step == 0 {
			return span{}, stepped.fault(f.name, "a step is not 0.")
		}
	} else if isRange && f.unit > 1 && first+step > last {
		return span{}, written.fault(f.name, "%s is shorter than a second.", written.quoted())
	}
	if last > first {
		last -= (last - first) % step
	}
	if last == first {
		last, step = -1, 0
	}
	return f.checked(item, span{first, last, step})
}

// checked holds a span against the limits of the field and completes it.
func (f calendarField) checked(item part, s span) (span, *fault) {
	low, high := f.low/f.unit, f.high/f.unit
	switch {
	case s.first < f.low || s.first > f.high || s.last > f.high || s.last >= 0 && s.last < f.low:
		return s, item.fault(f.name, "%s is not from %d to %d.", item.quoted(), low, high)
	case s.last >= 0 && s.last < s.first:
		return s, item.fault(f.name, "%s ends before it begins.", item.quoted())
	case s.step > f.high-f.low:
		return s, item.fault(f.name, "the step of %s is larger than the field.", item.quoted())
	case s.last < 0 && f == calendarFromEnd && s.first-s.step < f.low,
		s.last < 0 && f != calendarFromEnd && s.first+s.step > f.high:
		return s, item.fault(f.name, "the step of %s leads out of the field at once.", item.quoted())
	}
	if s.step == 0 {
		s.last, s.step = s.first, 1
	}
	return s, nil
}

// value is a number; years may be written with two digits.
func (f calendarField) value(p part) (int64, *fault) {
	n, wrong := f.number(p)
	if wrong == nil && f == calendarYear {
		switch {
		case n < 70:
			n += 2000
		case n < 100:
			n += 1900
		}
	}
	return n, wrong
}

// number reads a whole number or, of seconds, one with up to six decimals.
func (f calendarField) number(p part) (int64, *fault) {
	n, size := p.number()
	value, rest := n*f.unit, p.from(size)
	if size > 0 && f.unit == 1e6 && strings.HasPrefix(rest.text, ".") {
		decimals, digits := rest.from(1).number()
		if digits == 0 || digits > 6 {
			return 0, rest.fault(f.name, "a second has one to six decimals.")
		}
		for range 6 - digits {
			decimals *= 10
		}
		value += decimals
		rest = rest.from(1 + digits)
	}
	switch {
	case p.text == "":
		return 0, p.fault(f.name, "a number is missing.")
	case size == 0 || rest.text != "":
		return 0, p.fault(f.name, "%s is not a number from %d to %d.", p.quoted(), f.low/f.unit, f.high/f.unit)
	}
	return value, nil
}

// calendarDays are the weekdays and the days of the month.
type calendarDays struct {
	weekdays uint8  // bit 0 is Sunday
	dates    uint32 // bit 1 is the first
	fromEnd  spans  // if not nil, instead of dates: 1 is the last day; no last leads to the end of the month
}

func (c calendarDays) in(first time.Weekday, length int) uint32 {
	dates := c.dates
	if c.fromEnd != nil {
		dates = 0
		for _, s := range c.fromEnd {
			from, to := length+1-int(s.first), length
			if s.last >= 0 {
				from, to = length+1-int(s.last), length+1-int(s.first)
			}
			for n := from; n <= to; n += int(s.step) {
				dates |= 1 << n
			}
		}
	}
	return dates & onWeekdays(c.weekdays, first, length)
}

func (c *calendarDays) takeDates(p part, fromEnd bool) *fault {
	if !fromEnd || p.text == "*" {
		dates, wrong := calendarDate.set(p)
		c.dates = uint32(dates)
		return wrong
	}
	for _, item := range p.split(",") {
		s, wrong := calendarFromEnd.span(item)
		if wrong != nil {
			return wrong
		}
		c.fromEnd = append(c.fromEnd, s)
	}
	return nil
}

// takeWeekdays takes the first word, if it begins with a letter: days and
// ranges of days with commas between them. A comma may stand at the end.
func (c *calendarDays) takeWeekdays(words *[]part) *fault {
	if len(*words) == 0 {
		return nil
	}
	p := (*words)[0]
	if letter := p.text[0] | 0x20; letter < 'a' || letter > 'z' {
		return nil
	}
	*words = (*words)[1:]
	p.text = strings.TrimSuffix(p.text, ",")
	c.weekdays = 0
	for _, item := range p.split(",") {
		from, to, isRange := item.cut("..")
		if !isRange {
			from, to, isRange = item.cut("-")
		}
		first, wrong := calendarWeekday(from)
		if wrong != nil {
			return wrong
		}
		last := first
		if isRange {
			if last, wrong = calendarWeekday(to); wrong != nil {
				return wrong
			}
		}
		// The week begins with Monday.
		if (last+6)%7 < (first+6)%7 {
			return item.fault("weekday", "%s ends before it begins: the week is from Mon to Sun.", item.quoted())
		}
		for d := first; ; d = (d + 1) % 7 {
			c.weekdays |= 1 << d
			if d == last {
				break
			}
		}
	}
	return nil
}

func calendarWeekday(p part) (int, *fault) {
	if n, ok := nameIn(p.text, weekdayNames); ok {
		return n, nil
	}
	if n, ok := nameIn(p.text, longWeekdays); ok {
		return n, nil
	}
	return 0, p.fault("weekday", "%s is not a day such as Mon or Monday.", p.quoted())
}
