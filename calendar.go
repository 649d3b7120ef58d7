package kae

import (
	"strings"
	"time"
)

// Calendar expressions, as systemd reads them (systemd.time(7)):
//
//	[weekdays] [[year-]month-day] [hour:minute[:second]] [time zone]
//
// They name readings of the clock. One that clocks leave out does not come,
// and one that comes twice is expected the first time only.

// The years that systemd knows.
const (
	calendarFirstYear = 1970
	calendarLastYear  = 2199
)

// calendarWords are systemd's shorthands.
var calendarWords = map[string]string{
	"minutely": "*-*-* *:*:00", "hourly": "*-*-* *:00:00", "daily": "*-*-* 00:00:00", "weekly": "Mon *-*-* 00:00:00",
	"monthly": "*-*-01 00:00:00", "quarterly": "*-01,04,07,10-01 00:00:00",
	"yearly": "*-01-01 00:00:00", "annually": "*-01-01 00:00:00", "anually": "*-01-01 00:00:00",
	"biannually": "*-01,07-01 00:00:00", "bi-annually": "*-01,07-01 00:00:00",
	"semiannually": "*-01,07-01 00:00:00", "semi-annually": "*-01,07-01 00:00:00",
}

var longWeekdays = []string{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}

// looksLikeCalendar tells a calendar expression, right or wrong, from a length
// of time or prose.
func looksLikeCalendar(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	if _, ok := calendarWords[strings.ToLower(word)]; ok || strings.ContainsAny(text, ":~*@") {
		return true
	}
	if len(word) >= 3 {
		if _, ok := nameIn(word[:3], weekdayNames); ok {
			return true
		}
	}
	return text != "" && text[0] >= '0' && text[0] <= '9' && strings.Contains(text, "-")
}

func parseCalendar(p part) ([]*pattern, *fault) {
	lines := p.split("\n")
	if len(lines) > MaxScheduleLines {
		return nil, p.fault("", "The schedule has %d lines; at most %d are possible.", len(lines), MaxScheduleLines)
	}
	all := make([]*pattern, 0, len(lines))
	for _, line := range lines {
		one, wrong := parseCalendarLine(line)
		if wrong != nil {
			return nil, wrong
		}
		all = append(all, one)
	}
	return all, nil
}

func parseCalendarLine(line part) (*pattern, *fault) {
	words := line.words()
	if len(words) == 0 {
		return nil, line.fault("calendar expression", "it is empty.")
	}
	c := &pattern{once: true}
	if wrong := c.takeZone(&words); wrong != nil {
		return nil, wrong
	}
	if text, ok := calendarWords[strings.ToLower(words[0].text)]; ok && len(words) == 1 {
		words = part{text, words[0].at}.words()
	}
	days := calendarDays{weekdays: 0x7f}
	wrong := days.takeWeekdays(&words)
	if wrong == nil {
		wrong = c.takeDate(&words, &days)
	}
	if wrong == nil {
		wrong = c.takeTime(&words)
	}
	if wrong != nil {
		return nil, wrong
	}
	if len(words) > 0 {
		return nil, words[0].fault("calendar expression", "%s is too much; the order is weekdays, date, time, time zone.", words[0].quoted())
	}
	c.days = days
	return c, nil
}

// takeZone takes the last word, if it is a time zone.
func (c *pattern) takeZone(words *[]part) *fault {
	last := (*words)[len(*words)-1]
	letter := last.text[0] | 0x20
	if len(*words) == 1 || letter < 'a' || letter > 'z' {
		return nil
	}
	if strings.EqualFold(last.text, "UTC") {
		c.zone = time.UTC
	} else {
		zone, err := LoadZone(last.text)
		if err != nil {
			return last.fault("time zone", "there is no %s; write one such as Europe/Madrid or UTC.", last.quoted())
		}
		c.zone = zone
	}
	*words = (*words)[:len(*words)-1]
	return nil
}

// takeDate takes the first word, if it is a date.
func (c *pattern) takeDate(words *[]part, days *calendarDays) *fault {
	c.years, c.months, days.dates = nil, allMonths, upTo(31)
	if len(*words) == 0 || strings.Contains((*words)[0].text, ":") {
		return nil
	}
	date := (*words)[0]
	*words = (*words)[1:]
	if date.text[0] == '@' {
		return c.takeMoment(date, words, days)
	}
	pieces, fromEnd := date.split("-"), false
	// A ~ stands before the day.
	if month, day, found := pieces[len(pieces)-1].cut("~"); found {
		pieces, fromEnd = append(pieces[:len(pieces)-1], month, day), true
	}
	if len(pieces) == 1 {
		return date.fault("calendar expression", "%s is neither a date such as *-*-01 nor a time such as 06:00.", date.quoted())
	}
	if len(pieces) > 3 {
		return pieces[3].fault("date", "%s is too much after year, month and day.", pieces[3].quoted())
	}
	var wrong *fault
	if len(pieces) == 3 {
		if c.years, wrong = calendarYear.spans(pieces[0]); wrong != nil {
			return wrong
		}
		pieces = pieces[1:]
	}
	months, wrong := calendarMonth.set(pieces[0])
	if wrong != nil {
		return wrong
	}
	c.months = uint16(months)
	return days.takeDates(pieces[1], fromEnd)
}

const allMonths = 1<<13 - 2

// takeMoment takes @ and seconds since 1970.
func (c *pattern) takeMoment(p part, words *[]part, days *calendarDays) *fault {
	n, size := p.from(1).number()
	if size == 0 || size != len(p.text)-1 {
		return p.from(1).fault("date", "%s is not a number of seconds since 1970.", p.from(1).quoted())
	}
	if len(*words) > 0 {
		return (*words)[0].fault("calendar expression", "%s is too much after a moment in seconds.", (*words)[0].quoted())
	}
	t := time.Unix(n, 0).UTC()
	if t.Year() > calendarLastYear {
		return p.from(1).fault("date", "it is after the year %d.", calendarLastYear)
	}
	c.years = spans{{int64(t.Year()), int64(t.Year()), 1}}
	c.months, days.dates = 1<<t.Month(), 1<<t.Day()
	c.hours, c.minutes = 1<<t.Hour(), 1<<t.Minute()
	c.seconds = spans{{int64(t.Second()) * 1e6, int64(t.Second()) * 1e6, 1}}
	c.zone = time.UTC
	return nil
}

// takeTime takes the first word; without one it is midnight.
func (c *pattern) takeTime(words *[]part) *fault {
	if c.seconds != nil {
		return nil
	}
	c.hours, c.minutes, c.seconds = 1, 1, minuteStart
	if len(*words) == 0 {
		return nil
	}
	pieces := (*words)[0].split(":")
	if len(pieces) == 1 {
		return pieces[0].fault("time", "%s is not a time such as 06:00.", pieces[0].quoted())
	}
	if len(pieces) > 3 {
		return pieces[3].fault("time", "%s is too much after hour, minute and second.", pieces[3].quoted())
	}
	hours, wrong := calendarHour.set(pieces[0])
	if wrong != nil {
		return wrong
	}
	if c.minutes, wrong = calendarMinute.set(pieces[1]); wrong != nil {
		return wrong
	}
	c.hours = uint32(hours)
	if len(pieces) == 3 {
		if c.seconds, wrong = calendarSecond.spans(pieces[2]); wrong != nil {
			return wrong
		}
		if c.seconds == nil {
			c.seconds = everySecond
		}
	}
	*words = (*words)[1:]
	return nil
}

var everySecond = spans{{0, 59e6, 1e6}}
