package kae

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a schedule as people write it.
const (
	MaxSchedule      = 1000 // characters
	MaxScheduleLines = 50   // calendar expressions, one a line
)

// Horizon is how many years ahead an expected time is looked for. The calendar
// repeats itself after 400 years, to the day of the week.
const Horizon = 400

const howToWriteSchedules = "Write how often as a length of time such as 90s, 30m, 1h30m, 2d or 1w (a bare number is seconds), " +
	"as a cron expression such as 0 6 * * 1-5, or as a calendar expression such as Mon..Fri 06:00."

// Schedule says when heartbeats are expected: at the latest one interval after
// the one before, or at the times of a cron or a calendar expression by the
// clock of a time zone. The zero Schedule expects nothing. It never changes,
// and is compared with [Schedule.Equal].
type Schedule struct {
	_     [0]func() // not comparable with ==: the same schedule may be read twice
	text  string
	zone  *time.Location // nil: UTC
	every time.Duration  // 0: by the clock
	lines []*pattern     // expected whenever one of them says so
}

// ParseSchedule reads when heartbeats are expected by the clock of a time
// zone; nil is UTC. A prefix says what the text is; without one it is found
// out:
//
//   - every: a length of time from 1 second to 10 years, or a word such as
//     daily;
//   - cron: five fields, or a word such as @daily;
//   - calendar: systemd's expressions, one a line.
//
// Its errors are [Invalid], belong to the field "interval", and name the part
// of the expression and the character that is wrong. An expression without any
// time to come is none: see [Schedule.Check].
func ParseSchedule(text string, zone *time.Location) (Schedule, error) {
	if zone == nil {
		zone = time.UTC
	}
	s := Schedule{text: strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), zone: zone}
	if n := utf8.RuneCountInString(s.text); n > MaxSchedule {
		return Schedule{}, invalid("interval", fmt.Sprintf("The schedule has %d characters; at most %d are possible.", n, MaxSchedule))
	}
	kind, body := part{s.text, 0}.kind()
	var wrong *fault
	switch kind {
	case "every":
		every, err := parseEvery(body.text)
		if err != nil {
			return Schedule{}, err
		}
		s.every = every
	case "cron":
		var p *pattern
		p, wrong = parseCron(body)
		s.lines = []*pattern{p}
	default:
		s.lines, wrong = parseCalendar(body)
	}
	if wrong != nil {
		return Schedule{}, wrong.in(s.text)
	}
	return s, nil
}

func parseEvery(text string) (time.Duration, error) {
	every, err := parseInterval(text)
	switch {
	case err != nil:
		return 0, invalid("interval", howToWriteSchedules)
	case every < MinInterval:
		return 0, invalid("interval", "The shortest interval is 1 second.")
	case every > MaxInterval:
		return 0, invalid("interval", "The longest interval is 10 years (3650d).")
	}
	return every, nil
}

// kind tells what a schedule is, and gives it without its prefix.
func (p part) kind() (string, part) {
	before, after, found := strings.Cut(p.text, ":")
	switch kind := strings.ToLower(before); {
	case found && (kind == "every" || kind == "cron" || kind == "calendar"):
		return kind, part{after, p.at + len(before) + 1}.trim()
	}
	if _, err := parseInterval(p.text); err == nil {
		return "every", p
	}
	words := p.words()
	switch {
	case strings.Contains(p.text, "\n"):
		return "calendar", p
	case len(words) == 5, looksLikeSeconds(words), isCronWord(p.text):
		return "cron", p
	case looksLikeCalendar(p.text):
		return "calendar", p
	}
	// Whatever this is, the sentence about intervals names all kinds.
	return "every", p
}

// Every makes the schedule of an interval in whole seconds.
func Every(d time.Duration) Schedule {
	return Schedule{text: FormatDuration(d), zone: time.UTC, every: d.Truncate(time.Second)}
}

// String gives what [ParseSchedule] read, without white space around it.
func (s Schedule) String() string { return s.text }

// Zone gives the time zone by whose clock heartbeats are expected.
func (s Schedule) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

// Equal tells whether both have the same text and the same time zone.
func (s Schedule) Equal(other Schedule) bool {
	return s.text == other.text && s.Zone().String() == other.Zone().String()
}

// Interval gives the time between two expected heartbeats; 0 for a schedule
// that goes by the clock.
func (s Schedule) Interval() time.Duration { return s.every }

// Clock tells whether the schedule goes by the clock: cron or calendar.
func (s Schedule) Clock() bool { return len(s.lines) > 0 }

// IsZero tells whether the schedule expects nothing.
func (s Schedule) IsZero() bool { return s.every == 0 && !s.Clock() }

// Next gives the first expected time after a heartbeat, or after any other
// moment: strictly later, in UTC; zero where no time follows within
// [Horizon] years.
func (s Schedule) Next(after time.Time) time.Time {
	if !s.Clock() {
		return after.Add(s.every)
	}
	var next time.Time
	for _, p := range s.lines {
		if t := p.next(after, s.Zone()); next.IsZero() || !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

// Latest gives the moment from which to count on after heartbeats could not
// come until now. For an interval it is the last expected time that is not
// after now, counted from since; by the clock it is now. It is since where
// that is later.
func (s Schedule) Latest(since, now time.Time) time.Time {
	switch {
	case now.Before(since) || s.IsZero():
		return since
	case s.Clock():
		return now
	}
	return since.Add(now.Sub(since) / s.every * s.every)
}

// Check refuses, when a schedule is entered, what expects nothing in the
// [Horizon] years from then on. Its error is [Invalid] and belongs to the
// field "interval".
func (s Schedule) Check(from time.Time) error {
	if s.Clock() && s.Next(from).IsZero() {
		return invalid("interval", fmt.Sprintf("This matches no time in the next %d years; no heartbeat would ever be expected.", Horizon))
	}
	return nil
}

// DefaultGrace gives the grace where none is said: none for an interval, which
// is itself the longest wait; ten minutes by the clock, because a job that
// starts at its time always reports after it.
func (s Schedule) DefaultGrace() time.Duration {
	if s.Clock() {
		return 10 * time.Minute
	}
	return 0
}
