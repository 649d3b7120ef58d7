package kae

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// Fifty zones with every habit there is: none, both hemispheres, at midnight,
// by half an hour, for Ramadan, negative, at quarters of an hour, given up.
var fiftyZones = []string{
	"UTC", "Africa/Abidjan", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Johannesburg", "Africa/Lagos",
	"Africa/Nairobi", "America/Adak", "America/Anchorage", "America/Asuncion", "America/Bogota", "America/Chicago", "America/Denver",
	"America/Halifax", "America/Havana", "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Nuuk",
	"America/Phoenix", "America/Santiago", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns", "Antarctica/Troll",
	"Asia/Beirut", "Asia/Colombo", "Asia/Gaza", "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tehran",
	"Asia/Tokyo", "Asia/Yangon", "Atlantic/Azores", "Australia/Adelaide", "Australia/Eucla", "Australia/Lord_Howe", "Australia/Sydney",
	"Europe/Chisinau", "Europe/Dublin", "Europe/London", "Europe/Madrid", "Europe/Riga", "Pacific/Apia", "Pacific/Auckland",
	"Pacific/Chatham", "Pacific/Kiritimati",
}

var (
	tenYears    = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	tenYearsEnd = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
)

// A job at one time of the day is expected once on each day of each zone, at
// that time or, where it is left out, right after.
func TestOncePerDayForTenYearsInFiftyZones(t *testing.T) {
	if len(fiftyZones) != 50 {
		t.Fatalf("%d zones", len(fiftyZones))
	}
	for _, zone := range fiftyZones {
		for _, hm := range [][2]int{{0, 0}, {1, 30}, {2, 15}, {23, 59}} {
			cron := mustParse(t, fmt.Sprintf("cron:%d %d * * *", hm[1], hm[0]), zone)
			calendar := mustParse(t, fmt.Sprintf("calendar:%d:%d", hm[0], hm[1]), zone)
			at, other := cron.Next(tenYears), calendar.Next(tenYears)
			clock := time.Duration(hm[0])*time.Hour + time.Duration(hm[1])*time.Minute
			for want := wallOf(at, cron.Zone()).Truncate(day).Add(clock); at.Before(tenYearsEnd); want = want.Add(day) {
				wall, before := wallOf(at, cron.Zone()), wallOf(at.Add(-time.Minute), cron.Zone())
				switch {
				case wall.Equal(want):
					if !at.Equal(other) {
						t.Fatalf("%s in %s: %v by cron, %v by calendar", cron, zone, wall, other)
					}
					other = calendar.Next(other)
				case !before.Before(want) || !want.Before(wall):
					t.Fatalf("%s in %s: %v, want %v, which is not left out", cron, zone, wall, want)
				}
				next := cron.Next(at)
				if !next.After(at) {
					t.Fatalf("%s in %s: %v is followed by %v", cron, zone, at, next)
				}
				at = next
			}
		}
	}
}

// Around each change of the clocks in ten years, what is expected is what a
// walk from minute to minute finds. The walk knows nothing of Next.
func TestNextFindsWhatAWalkFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	slots, changes := 0, 0
	for _, zone := range fiftyZones {
		loc, _ := LoadZone(zone)
		for _, from := range windows(random, loc) {
			changes++
			walk := newWalk(loc, from)
			for range 4 {
				w := randomWanted(random)
				for _, expr := range []string{w.cron(), w.calendar()} {
					want := walk.slots(w, expr)
					got := chain(mustParse(t, expr, zone), from, from.Add(window))
					if !slices.Equal(got, want) {
						t.Fatalf("%s in %s from %v:\n%v\nwant\n%v", expr, zone, from, got, want)
					}
					slots += len(got)
				}
			}
		}
	}
	t.Logf("%d changes, %d slots", changes, slots)
	if changes < 500 || slots < 10000 {
		t.Errorf("only %d changes and %d slots were looked at", changes, slots)
	}
}

const window = 60 * time.Hour

// windows gives where to look: a day and a half before each change, and some
// other times.
func windows(r *rand.Rand, zone *time.Location) []time.Time {
	all := []time.Time{tenYears.Add(time.Duration(r.IntN(3000)) * day)}
	for t, hour := tenYears, time.Hour; t.Before(tenYearsEnd); t = t.Add(hour) {
		if wallOf(t.Add(hour), zone).Sub(wallOf(t, zone)) != hour {
			all = append(all, t.Add(-36*hour))
		}
	}
	return all
}

// chain gives all times of a window, each from the one before, and checks on
// the way that Next is the same from everywhere between two of them.
func chain(s Schedule, from, to time.Time) []int64 {
	var all []int64
	at := from.Add(-time.Microsecond)
	for {
		next := s.Next(at)
		if gap := next.Sub(at); !s.Next(at.Add(gap/2)).Equal(next) || !s.Next(next.Add(-time.Microsecond)).Equal(next) {
			return append(all, next.Unix(), -1) // differs from whatever is wanted
		}
		if !next.Before(to) {
			return all
		}
		all, at = append(all, next.Unix()), next
	}
}

// wallOf gives what a clock shows, as a time in UTC.
func wallOf(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	y, m, d := local.Date()
	return time.Date(y, m, d, local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
}

// wanted is an expression as plain sets.
type wanted struct {
	minutes, hours, weekdays []int // nil: all
}

func randomWanted(r *rand.Rand) wanted {
	some := func(n, max int) []int {
		if n == 0 {
			return nil
		}
		var all []int
		for range n {
			all = append(all, r.IntN(max))
		}
		return all
	}
	return wanted{some(r.IntN(3), 60), some(r.IntN(4), 4+20*r.IntN(2)), some(r.IntN(8)/6, 7)}
}

func list(all []int, every string, f func(int) string) string {
	var items []string
	for _, n := range all {
		items = append(items, f(n))
	}
	if all == nil {
		return every
	}
	return strings.Join(items, ",")
}

func digits(n int) string { return fmt.Sprint(n) }

func (w wanted) cron() string {
	return fmt.Sprintf("cron:%s %s * * %s", list(w.minutes, "*", digits), list(w.hours, "*", digits), list(w.weekdays, "*", digits))
}

func (w wanted) calendar() string {
	weekdays := list(w.weekdays, "", func(n int) string { return weekdayNames[n] })
	return fmt.Sprintf("calendar:%s %s:%s", weekdays, list(w.hours, "*", digits), list(w.minutes, "*", digits))
}

func (w wanted) matches(wall time.Time) bool {
	in := func(n int, set []int) bool { return set == nil || slices.Contains(set, n) }
	return in(wall.Minute(), w.minutes) && in(wall.Hour(), w.hours) && in(int(wall.Weekday()), w.weekdays)
}

// walk is every minute of a window: what the clock shows, whether for the
// second time, and what it has just left out.
type walk []minute

type minute struct {
	at      int64
	wall    time.Time
	again   bool
	leftOut []time.Time
}

func newWalk(zone *time.Location, from time.Time) walk {
	var all walk
	seen := map[time.Time]bool{}
	last := wallOf(from.Add(-time.Minute), zone)
	for t := from; t.Before(from.Add(window)); t = t.Add(time.Minute) {
		m := minute{at: t.Unix(), wall: wallOf(t, zone)}
		m.again = seen[m.wall]
		seen[m.wall] = true
		for w := last.Add(time.Minute); w.Before(m.wall); w = w.Add(time.Minute) {
			m.leftOut = append(m.leftOut, w)
		}
		last = m.wall
		all = append(all, m)
	}
	return all
}

func (all walk) slots(w wanted, expr string) []int64 {
	cron := strings.HasPrefix(expr, "cron:")
	byTheClock := cron && (w.minutes == nil || w.hours == nil)
	var slots []int64
	for _, m := range all {
		matches := w.matches(m.wall) && (byTheClock || !m.again)
		caughtUp := cron && !byTheClock && slices.ContainsFunc(m.leftOut, w.matches)
		if matches || caughtUp {
			slots = append(slots, m.at)
		}
	}
	return slots
}
