package kae

import (
	"strings"
	"time"
)

// Cron expressions, as Debian's cron reads them (crontab(5), cron(8)):
//
//   - A day has to match both day fields where one of them begins with *, and
//     one of both else.
//   - Where neither minute nor hour begins with *, a time that clocks leave
//     out is expected once, right after they were put forward, and a time that
//     comes twice is expected the first time only. All others go by the clock.
//     Changes of three hours and more are corrections: everything goes by the
//     clock.

// cronSmall is where cron stops to take a change of the clocks for that of
// daylight saving.
const cronSmall = 3 * time.Hour

var cronWords = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

func isCronWord(text string) bool {
	return len(text) > 1 && text[0] == '@' && (text[1] < '0' || text[1] > '9')
}

// looksLikeSeconds tells cron fields of programs that put the second first, or
// a year last, from prose and calendar expressions.
func looksLikeSeconds(words []part) bool {
	if len(words) != 6 && len(words) != 7 {
		return false
	}
	for _, w := range words {
		for _, piece := range strings.FieldsFunc(w.text, func(r rune) bool { return strings.ContainsRune(",-/#", r) }) {
			if strings.Trim(strings.ToUpper(piece), "0123456789*?LW") != "" && !isName(piece) {
				return false
			}
		}
	}
	return true
}

func isName(s string) bool {
	_, isDay := nameIn(s, weekdayNames)
	_, isMonth := nameIn(s, monthNames)
	return isDay || isMonth
}

func parseCron(p part) (*pattern, *fault) {
	if isCronWord(p.text) {
		text, ok := cronWords[strings.ToLower(p.text)]
		switch {
		case strings.EqualFold(p.text, "@reboot"):
			return nil, p.fault("", "@reboot has no time: kae can't expect it.")
		case !ok:
			return nil, p.fault("", "There is no %s; write @yearly, @monthly, @weekly, @daily or @hourly.", p.quoted())
		}
		p.text = text
	}
	words := p.words()
	switch {
	case len(words) == 6 || len(words) == 7:
		return nil, p.fault("", "A cron expression has five fields; here are %d. Leave out the seconds (and years) that some programs add: "+
			"the first field is the minute.", len(words))
	case len(words) != 5:
		return nil, p.fault("", "A cron expression has five fields (minute, hour, day of month, month, day of week); here %s %d.",
			isOrAre(len(words)), len(words))
	}
	var c cronDays
	minutes, wrong := cronMinute.list(words[0], nil)
	hours, w := cronHour.list(words[1], nil)
	wrong = first(wrong, w)
	dates, w := cronDate.list(words[2], c.date)
	wrong = first(wrong, w)
	months, w := cronMonth.list(words[3], nil)
	wrong = first(wrong, w)
	weekdays, w := cronWeekday.list(words[4], c.weekday)
	if wrong = first(wrong, w); wrong != nil {
		return nil, wrong
	}
	star := func(i int) bool { return words[i].text[0] == '*' }
	c.dates, c.weekdays = uint32(dates), uint8(weekdays&0x7f|weekdays>>7)
	c.both = star(2) || star(4)
	fixed := !star(0) && !star(1)
	return &pattern{
		months: uint16(months), days: c, hours: uint32(hours), minutes: minutes, seconds: minuteStart,
		once: fixed, catchUp: fixed, small: cronSmall,
	}, nil
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func first(a, b *fault) *fault {
	if a != nil {
		return a
	}
	return b
}

// cronDays are the two day fields.
type cronDays struct {
	dates       uint32   // bit 1 is the first
	last        bool     // L
	lastWorkday bool     // LW
	weekdays    uint8    // bit 0 is Sunday
	lastOf      uint8    // 5L
	nth         [5]uint8 // MON#1 is in the first
	both        bool     // both fields have to match
}

func (c cronDays) in(first time.Weekday, length int) uint32 {
	dates := c.dates & upTo(length)
	if c.last {
		dates |= 1 << length
	}
	if c.lastWorkday {
		back := 0
		switch (int(first) + length - 1) % 7 {
		case int(time.Saturday):
			back = 1
		case int(time.Sunday):
			back = 2
		}
		dates |= 1 << (length - back)
	}
	weekdays := onWeekdays(c.weekdays, first, length)
	for w := range 7 {
		for n, set := range c.nth {
			if set>>w&1 == 1 {
				weekdays |= 1 << (firstOn(w, first) + 7*n) & upTo(length)
			}
		}
		if c.lastOf>>w&1 == 1 {
			d := firstOn(w, first)
			weekdays |= 1 << (d + (length-d)/7*7)
		}
	}
	if c.both {
		return dates & weekdays
	}
	return dates | weekdays
}

// date reads the special items of the day of month.
func (c *cronDays) date(item part) (bool, *fault) {
	switch text := strings.ToUpper(item.text); {
	case text == "L":
		c.last = true
	case text == "LW":
		c.lastWorkday = true
	case strings.ContainsAny(text, "LW"):
		return true, item.fault(cronDate.name, "%s is not possible; L is the last day and LW the last workday.", item.quoted())
	default:
		return false, nil
	}
	return true, nil
}

// weekday reads the special items of the day of week: 5L, MON#1.
func (c *cronDays) weekday(item part) (bool, *fault) {
	if n := len(item.text) - 1; n > 0 && item.text[n]|0x20 == 'l' {
		day, wrong := cronWeekday.value(item.to(n))
		if wrong == nil {
			c.lastOf |= 1 << (day % 7)
		}
		return true, wrong
	}
	before, after, found := item.cut("#")
	if !found {
		return false, nil
	}
	day, wrong := cronWeekday.value(before)
	if wrong != nil {
		return true, wrong
	}
	n, size := after.number()
	if size == 0 || size != len(after.text) || n < 1 || n > 5 {
		return true, after.fault(cronWeekday.name, "%s after # is not from 1 to 5.", after.quoted())
	}
	c.nth[n-1] |= 1 << (day % 7)
	return true, nil
}
