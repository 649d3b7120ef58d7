package kae

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The shortest and the longest interval.
const (
	MinInterval = time.Second
	MaxInterval = 3650 * 24 * time.Hour
)

const howToWriteDurations = "a length of time such as 90s, 30m, 1h30m, 2d or 1w; a bare number is seconds."

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// intervalWords are the intervals that have a name.
var intervalWords = map[string]time.Duration{"hourly": time.Hour, "daily": day, "weekly": week, "monthly": 31 * day}

// parseInterval reads the length of time between two heartbeats: what
// [ParseDuration] reads, a word such as daily, or 15_minute and 2_hour, as
// Dead Man's Snitch has them.
func parseInterval(s string) (time.Duration, error) {
	s = strings.ToLower(s)
	if every, ok := intervalWords[s]; ok {
		return every, nil
	}
	if n, ok := strings.CutSuffix(s, "_minute"); ok {
		s = n + "m"
	} else if n, ok := strings.CutSuffix(s, "_hour"); ok {
		s = n + "h"
	}
	return ParseDuration(s)
}

// ParseGrace reads a grace: a length of time from 0 to 10 years; nothing is 0.
// Its errors are [Invalid] and belong to the field "grace".
func ParseGrace(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	d, err := ParseDuration(s)
	if err != nil {
		return 0, invalid("grace", "Write the grace as "+howToWriteDurations)
	}
	if d > MaxGrace {
		return 0, invalid("grace", "The longest grace is 10 years (3650d).")
	}
	return d, nil
}

var errDuration = errors.New("not a length of time")

// ParseDuration reads a length of time in whole seconds: a bare number of
// seconds, or numbers with the units w, d, h, m and s, each at most once and
// the largest first ("1h30m", "2d 12h").
func ParseDuration(s string) (time.Duration, error) {
	units := []struct {
		letter byte
		size   time.Duration
	}{
		{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second},
	}
	// Far above every limit, far below an overflow of time.Duration.
	const most = 100 * 365 * 24 * time.Hour
	var total time.Duration
	rest := strings.TrimSpace(s)
	for first := true; first || rest != ""; first = false {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		if digits == 0 {
			return 0, errDuration
		}
		var n int64
		for _, c := range []byte(rest[:digits]) {
			n = min(n*10+int64(c-'0'), int64(most/time.Second)+1)
		}
		rest = rest[digits:]
		size := time.Second
		switch {
		case rest == "" && first: // a bare number
		case rest == "":
			return 0, errDuration
		default:
			for len(units) > 0 && units[0].letter != rest[0] {
				units = units[1:]
			}
			if len(units) == 0 {
				return 0, errDuration
			}
			size, units, rest = units[0].size, units[1:], strings.TrimLeft(rest[1:], " ")
		}
		if time.Duration(n) > most/size {
			return most, nil
		}
		total = min(total+time.Duration(n)*size, most)
	}
	return total, nil
}

// everyWords tells an interval: "every 30 min", "every day".
func everyWords(d time.Duration) string {
	switch d {
	case time.Second:
		return "every second"
	case time.Minute:
		return "every minute"
	case time.Hour:
		return "every hour"
	case day:
		return "every day"
	case week:
		return "every week"
	}
	words := "every"
	for _, u := range []struct {
		size      time.Duration
		one, many string
	}{{week, "weeks", "weeks"}, {day, "day", "days"}, {time.Hour, "h", "h"}, {time.Minute, "min", "min"}, {time.Second, "s", "s"}} {
		n := d / u.size
		switch {
		case n == 0 || u.size == week && d%week != 0:
			continue
		case n == 1:
			words += " 1 " + u.one
		default:
			words += fmt.Sprintf(" %d %s", n, u.many)
		}
		d -= n * u.size
	}
	return words
}

// FormatDuration writes a length of time as people would for [ParseDuration],
// in whole seconds: "1d", "1h30m"; nothing for 0.
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	for _, u := range []struct {
		size   time.Duration
		letter string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.letter)
			d -= n * u.size
		}
	}
	return b.String()
}
