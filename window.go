package kae

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Hours are a part of every day, from a time of the clock up to another one,
// in minutes after midnight. They may go past midnight. Where both are the
// same there are none.
type Hours struct{ From, To int }

// Window is a time of maintenance, in which nothing about some tokens goes to
// any channel: once, or again and again.
type Window struct {
	ID   int64
	Name string
	Pick Pick

	From, To time.Time // once

	Starts Schedule      // or each time that it says; it is one by the clock
	Length time.Duration // for so long
}

// None tells whether the hours are empty.
func (h Hours) None() bool { return h.From == h.To }

// within tells whether a clock shows one of the hours.
func (h Hours) within(local time.Time) bool {
	now := local.Hour()*60 + local.Minute()
	if h.From < h.To {
		return h.From <= now && now < h.To
	}
	return !h.None() && (h.From <= now || now < h.To)
}

// End gives when the hours around a time are over: the first minute at which
// the clock shows another one, whatever was done to the clock meanwhile. It
// gives the time itself if it is outside.
func (h Hours) End(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	if !h.within(local) {
		return t
	}
	begin := local.Truncate(time.Minute)
	left := (h.To - local.Hour()*60 - local.Minute() + 24*60) % (24 * 60)
	end := begin.Add(time.Duration(left) * time.Minute)
	if ahead(end) == ahead(local) {
		return end.UTC()
	}
	// A clock that is changed skips the end, or shows it twice: somewhat before
	// it, and from there by the minute.
	if early := end.Add(-3 * time.Hour); early.After(begin) && h.within(early) {
		begin = early
	}
	for h.within(begin) {
		begin = begin.Add(time.Minute)
	}
	return begin.UTC()
}

// outside are the other hours of the day.
func (h Hours) outside() Hours { return Hours{h.To, h.From} }

// At tells whether it is the time of the window, and until when.
func (w Window) At(t time.Time) (until time.Time, on bool) {
	if w.Starts.IsZero() {
		return w.To, !t.Before(w.From) && t.Before(w.To)
	}
	from := w.Starts.Next(t.Add(-w.Length))
	if from.IsZero() || from.After(t) {
		return time.Time{}, false
	}
	return from.Add(w.Length), true
}

// Next gives when the window begins after a time; zero: it does not any more.
func (w Window) Next(t time.Time) time.Time {
	switch {
	case !w.Starts.IsZero():
		return w.Starts.Next(t)
	case w.From.After(t):
		return w.From
	}
	return time.Time{}
}

// Over tells whether the window does not come again.
func (w Window) Over(t time.Time) bool {
	_, on := w.At(t)
	return !on && w.Next(t).IsZero()
}

func (h Hours) valid() bool { return h.From >= 0 && h.From < 24*60 && h.To >= 0 && h.To < 24*60 }

// Validate checks what people write into a window and gives one [Error] for
// each field that is wrong: "name", "pick", "from", "to", "starts" and
// "length".
func (w Window) Validate(now time.Time) []*Error {
	var errs []*Error
	add := func(field, message string) { errs = append(errs, invalid(field, message)) }
	switch n := utf8.RuneCountInString(w.Name); {
	case strings.TrimSpace(w.Name) == "" || !isText(w.Name):
		add("name", "Say what is done, such as “Database upgrade”.")
	case n > MaxTag*2:
		add("name", fmt.Sprintf("The name has %d characters; at most %d are possible.", n, MaxTag*2))
	}
	if message := w.Pick.wrong(); message != "" {
		add("pick", message)
	}
	if w.Starts.IsZero() {
		switch {
		case w.From.IsZero():
			add("from", "Write when it begins, such as 2026-11-28 22:00.")
		case w.To.IsZero():
			add("to", "Write when it ends, such as 2026-11-28 23:30.")
		case !w.To.After(w.From):
			add("to", "It has to end after it begins.")
		case !w.To.After(now):
			add("to", "This is over already.")
		}
		return errs
	}
	if !w.Starts.Clock() {
		add("starts", "Write when it begins by the clock, such as 0 2 * * Sun or Sun 02:00.")
	}
	switch {
	case w.Length < time.Minute || w.Length > MaxWindow:
		add("length", "It lasts from a minute to 30 days: write 30m, 2h or 1d.")
	case w.Starts.Clock() && w.endless(now):
		add("length", "It would begin again before it ends, and never be over. Make it shorter, or disable the tokens.")
	}
	return errs
}

// endless tells whether the window follows upon itself.
func (w Window) endless(now time.Time) bool {
	for range 20 {
		next := w.Starts.Next(now)
		if next.IsZero() {
			return false
		}
		if after := w.Starts.Next(next); !after.IsZero() && after.Before(next.Add(w.Length).Add(time.Minute)) {
			return true
		}
		now = next
	}
	return false
}
