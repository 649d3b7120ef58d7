package kae

import (
	"errors"
	"strings"
	"time"
)

// The shortest and the longest interval.
const (
	MinInterval = time.Second
	MaxInterval = 3650 * 24 * time.Hour
)

const howToWriteDurations = "a length of time such as 90s, 30m, 1h30m, 2d or 1w; a bare number is seconds."

// Schedule says when heartbeats are expected: at the latest one interval after
// the one before. The zero Schedule expects nothing.
type Schedule struct {
	text  string
	every time.Duration
}

// ParseSchedule reads what people write for "how often?": a length of time
// from 1 second to 10 years. Its errors are [Invalid] and belong to the field
// "interval".
func ParseSchedule(s string) (Schedule, error) {
	s = strings.TrimSpace(s)
	every, err := ParseDuration(s)
	switch {
	case err != nil:
		return Schedule{}, invalid("interval", "Write how often as "+howToWriteDurations)
	case every < MinInterval:
		return Schedule{}, invalid("interval", "The shortest interval is 1 second.")
	case every > MaxInterval:
		return Schedule{}, invalid("interval", "The longest interval is 10 years (3650d).")
	}
	return Schedule{s, every}, nil
}

// Every makes the schedule of an interval in whole seconds.
func Every(d time.Duration) Schedule {
	return Schedule{d.Truncate(time.Second).String(), d.Truncate(time.Second)}
}

// String gives what [ParseSchedule] read.
func (s Schedule) String() string { return s.text }

// Interval gives the time between two expected heartbeats.
func (s Schedule) Interval() time.Duration { return s.every }

// Clock tells whether slots follow the clock, not the heartbeat before.
func (s Schedule) Clock() bool { return false }

// IsZero tells whether the schedule expects nothing.
func (s Schedule) IsZero() bool { return s.every == 0 }

// Next gives the first expected time after a heartbeat at since.
func (s Schedule) Next(since time.Time) time.Time { return since.Add(s.every) }

// Latest gives the last expected time that is not after now, counted on from
// since; since itself where there is none.
func (s Schedule) Latest(since, now time.Time) time.Time {
	if now.Before(since) || s.every == 0 {
		return since
	}
	return since.Add(now.Sub(since) / s.every * s.every)
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
