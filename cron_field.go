package kae

import (
	"slices"
	"strings"
)

var (
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	monthNames   = []string{"", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
)

// nameIn finds a name of three letters, whatever their case.
func nameIn(s string, names []string) (int, bool) {
	i := slices.Index(names, strings.ToUpper(s))
	return i, i >= 0 && s != ""
}

// cronField is one field of a cron expression, and what may stand in it.
type cronField struct {
	name      string
	low, high int
	names     []string // of the numbers from 0 on
	count     int      // of different values
}

var (
	cronMinute  = cronField{"minute", 0, 59, nil, 60}
	cronHour    = cronField{"hour", 0, 23, nil, 24}
	cronDate    = cronField{"day of month", 1, 31, nil, 31}
	cronMonth   = cronField{"month", 1, 12, monthNames, 12}
	cronWeekday = cronField{"day of week", 0, 7, weekdayNames, 7} // 0 and 7 are Sunday
)

// list reads items with commas between them into a set of bits. Items that
// special takes are not in it.
func (f cronField) list(p part, special func(part) (bool, *fault)) (uint64, *fault) {
	var set uint64
	for _, item := range p.split(",") {
		if item.text == "" {
			return 0, item.fault(f.name, "something is missing beside a comma.")
		}
		if special != nil {
			if taken, wrong := special(item); wrong != nil {
				return 0, wrong
			} else if taken {
				continue
			}
		}
		bits, wrong := f.item(item)
		if wrong != nil {
			return 0, wrong
		}
		set |= bits
	}
	return set, nil
}

// item reads *, a, a-b, each perhaps with a step after it.
func (f cronField) item(p part) (uint64, *fault) {
	span, stepped, hasStep := p.cut("/")
	low, high := f.low, f.high
	var wrong *fault
	if span.text != "*" {
		from, to, isRange := span.cut("-")
		if low, wrong = f.value(from); wrong != nil {
			return 0, wrong
		}
		switch {
		case isRange:
			if high, wrong = f.value(to); wrong != nil {
				return 0, wrong
			}
			// In MON-SUN the week ends with Sunday.
			if strings.EqualFold(to.text, "SUN") && low > 0 && f.names != nil {
				high = 7
			}
			if high < low {
				return 0, span.fault(f.name, "%s ends before it begins.", span.quoted())
			}
		case !hasStep:
			high = low
		}
	}
	step := 1
	if hasStep {
		if step, wrong = f.step(stepped); wrong != nil {
			return 0, wrong
		}
	}
	var set uint64
	for n := low; n <= high; n += step {
		set |= 1 << n
	}
	return set, nil
}

// step reads what follows a /. Steps beyond the field are refused: */90 in the
// minute would mean minute 0, which nobody means who writes it.
func (f cronField) step(p part) (int, *fault) {
	n, size := p.number()
	if size == 0 || size != len(p.text) || n == 0 {
		return 0, p.fault(f.name, "%s after / is not a number from 1 on.", p.quoted())
	}
	if n > int64(f.count) {
		return 0, p.fault(f.name, "a step of %s is larger than the field, which has %d values.", p.quoted(), f.count)
	}
	return int(n), nil
}

// value reads a number or a name.
func (f cronField) value(p part) (int, *fault) {
	if n, ok := nameIn(p.text, f.names); ok {
		return n, nil
	}
	n, size := p.number()
	switch {
	case p.text == "":
		return 0, p.fault(f.name, "a value is missing.")
	case size != len(p.text) && f.names != nil:
		return 0, p.fault(f.name, "%s is neither a number from %d to %d nor a name such as %s.", p.quoted(), f.low, f.high, f.names[f.low+1])
	case size != len(p.text):
		return 0, p.fault(f.name, "%s is not a number from %d to %d.", p.quoted(), f.low, f.high)
	case n < int64(f.low) || n > int64(f.high):
		return 0, p.fault(f.name, "%s is not from %d to %d.", p.quoted(), f.low, f.high)
	}
	return int(n), nil
}
