package kae

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Whatever is typed is either refused with a sentence, or reads again as what
// it was and has next times that go on and end.
func FuzzParseSchedule(f *testing.F) {
	for _, s := range []string{"1h30m", "90", "2d 1s", "9999999999w", "daily", "15_minute", "every:weekly", "every:0", "30 2 * * *", "Mon 06:00",
		"0 0 0 * * *", "cron:", "calendar:", "soon", "@daily", "@1", "06:00\n07:00\r\n08:00", "５ * * * *", "\x00", "12:34 \xff"} {
		f.Add(s, int64(0), uint8(0))
	}
	f.Fuzz(func(t *testing.T, text string, after int64, zone uint8) { fuzzSchedule(t, text, after, zone) })
}

func FuzzCron(f *testing.F) {
	for _, s := range []string{"30 2 * * *", "*/20 1-2 * * *", "0 0 15,L * *", "0 0 LW * 5L", "0 0 1-7 * MON#1,SUN", "59 23 31 12 7", "@hourly",
		"5-59/10 8-10/2 */2 JAN-DEC/3 MON-SUN", "0 0 31 2 *", "0 0 29 2 */7", "* * * * 1#6", "1,,2 * * * *", "*/70 * * * *"} {
		f.Add(s, int64(1_790_000_000_000_000), uint8(2))
	}
	f.Fuzz(func(t *testing.T, text string, after int64, zone uint8) { fuzzSchedule(t, "cron:"+text, after, zone) })
}

func FuzzCalendar(f *testing.F) {
	for _, s := range []string{"Mon..Fri 06:00", "*-*-01 04:30:00 Europe/Riga", "quarterly", "12:34\n00:10", "*-*~1 12:00", "*-05~07/1 *:0/15:30.5",
		"2026..2030/2-1,7-1..31/3 1:2:3", "@86400", "Sun *-03-25..31 02:30", "*-2-30", "70-1-1", "*:*:*", "fri-mon 1:00", "0/0:00", "12:34 UTC"} {
		f.Add(s, int64(1_790_000_000_000_000), uint8(2))
	}
	f.Fuzz(func(t *testing.T, text string, after int64, zone uint8) {
		fuzzSchedule(t, "calendar:"+text, after, zone)
	})
}

func fuzzSchedule(t *testing.T, text string, after int64, zone uint8) {
	loc, err := LoadZone(fiftyZones[int(zone)%len(fiftyZones)])
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSchedule(text, loc)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Code != Invalid || e.Field != "interval" || !utf8.ValidString(e.Message) || !strings.HasSuffix(e.Message, ".") {
			t.Fatalf("%q: %v is no sentence", text, err)
		}
		return
	}
	if again, err := ParseSchedule(s.String(), loc); err != nil || !again.Equal(s) || again.Clock() != s.Clock() {
		t.Fatalf("%q is read again as %v, %v", s, again, err)
	}
	if s.IsZero() || s.Clock() == (s.Interval() != 0) || s.Words() == "" || s.Interval() > MaxInterval {
		t.Fatalf("%q: interval %v, by the clock %t, in words %q", text, s.Interval(), s.Clock(), s.Words())
	}
	// Years 1 to 5138.
	at := time.UnixMicro(after % 1e17).UTC()
	if at.Year() < 1 {
		at = at.AddDate(3200, 0, 0)
	}
	for range 20 {
		began := time.Now()
		next := s.Next(at)
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("%q after %v takes %v", text, at, took)
		}
		if next.IsZero() && s.Clock() {
			if s.Check(at) == nil {
				t.Fatalf("%q has no time after %v, but is not refused", text, at)
			}
			return
		}
		if !next.After(at) || next.Year() > at.Year()+Horizon+1 || next.Nanosecond()%1000 != 0 || next.Location() != time.UTC {
			t.Fatalf("%q after %v: %v", text, at, next)
		}
		if s.Clock() && !s.Next(at.Add(next.Sub(at)/2)).Equal(next) {
			t.Fatalf("%q: %v follows %v, but not the moment between", text, next, at)
		}
		at = next
	}
}
