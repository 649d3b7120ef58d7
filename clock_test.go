package kae

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The nights on which clocks are changed, both ways. Each case is what is
// expected from a moment on, by the clock of the zone; (2) marks what a clock
// shows for the second time.
func TestNightsOnWhichClocksAreChanged(t *testing.T) {
	for _, c := range []struct{ zone, from, expr, want string }{
		// Clocks go from 02:00 to 03:00, and back from 02:00 to 01:00.
		{"America/New_York", "2026-03-07 12:00", "cron:30 2 * * *", "08 03:00, 09 02:30"},
		{"America/New_York", "2026-03-07 12:00", "cron:0 3 * * *", "08 03:00, 09 03:00"},
		{"America/New_York", "2026-03-07 12:00", "cron:*/30 2 * * *", "09 02:00, 09 02:30"},
		{"America/New_York", "2026-03-08 01:00", "cron:30 * * * *", "08 01:30, 08 03:30"},
		{"America/New_York", "2026-03-07 12:00", "cron:15,45 1-3 * * *", "08 01:15, 08 01:45, 08 03:00, 08 03:15, 08 03:45"},
		{"America/New_York", "2026-03-07 12:00", "calendar:02:30", "09 02:30"},
		{"America/New_York", "2026-03-08 01:00", "calendar:*:0/30", "08 01:30, 08 03:00"},
		{"America/New_York", "2026-10-31 12:00", "cron:30 1 * * *", "01 01:30, 02 01:30"},
		{"America/New_York", "2026-11-01 00:00", "cron:30 * * * *", "01 00:30, 01 01:30, 01 01:30 (2), 01 02:30"},
		{"America/New_York", "2026-11-01 00:00", "cron:*/30 1 * * *", "01 01:00, 01 01:30, 01 01:00 (2), 01 01:30 (2), 02 01:00"},
		{"America/New_York", "2026-11-01 00:00", "calendar:*:0/30", "01 00:30, 01 01:00, 01 01:30, 01 02:00"},

		// From 02:00 to 03:00, and back from 03:00 to 02:00.
		{"Europe/Madrid", "2026-03-28 12:00", "cron:0,20,40 2 * * *", "29 03:00, 30 02:00"},
		{"Europe/Madrid", "2026-03-28 12:00", "cron:* 2 * * *", "30 02:00, 30 02:01"},
		{"Europe/Madrid", "2026-03-28 12:00", "calendar:02..03:15", "29 03:15, 30 02:15"},
		{"Europe/Madrid", "2026-10-24 12:00", "cron:0 2 * * *", "25 02:00, 26 02:00"},
		{"Europe/Madrid", "2026-10-25 01:30", "cron:0 */2 * * *", "25 02:00, 25 02:00 (2), 25 04:00"},
		{"Europe/Madrid", "2026-10-24 12:00", "calendar:02:59:30", "25 02:59:30, 26 02:59:30"},

		// By half an hour: from 02:00 to 02:30, and back from 02:00 to 01:30.
		{"Australia/Lord_Howe", "2026-10-03 12:00", "cron:15 2 * * *", "04 02:30, 05 02:15"},
		{"Australia/Lord_Howe", "2026-10-03 12:00", "cron:45 2 * * *", "04 02:45, 05 02:45"},
		{"Australia/Lord_Howe", "2026-10-03 12:00", "calendar:02:15,45", "04 02:45, 05 02:15"},
		{"Australia/Lord_Howe", "2026-04-05 01:00", "cron:*/20 * * * *", "05 01:20, 05 01:40, 05 01:40 (2), 05 02:00"},
		{"Australia/Lord_Howe", "2026-04-04 12:00", "cron:45 1 * * *", "05 01:45, 06 01:45"},
		{"Australia/Lord_Howe", "2026-04-05 01:00", "calendar:*:15,45", "05 01:15, 05 01:45, 05 02:15"},

		// At midnight: from 00:00 to 01:00, and back from 24:00 to 23:00.
		{"America/Santiago", "2026-09-05 12:00", "cron:0 0 * * *", "06 01:00, 07 00:00"},
		{"America/Santiago", "2026-09-05 12:00", "cron:@hourly", "05 13:00, 05 14:00"},
		{"America/Santiago", "2026-09-05 23:00", "cron:0 * * * *", "06 01:00, 06 02:00"},
		{"America/Santiago", "2026-09-05 12:00", "cron:30 0 6 9 *", "06 01:00"},
		{"America/Santiago", "2026-09-05 12:00", "calendar:daily", "07 00:00, 08 00:00"},
		{"America/Santiago", "2026-09-05 12:00", "calendar:*-09-06 12:00", "06 12:00"},
		{"America/Santiago", "2026-04-04 12:00", "cron:30 23 * * *", "04 23:30, 05 23:30"},
		{"America/Santiago", "2026-04-04 22:30", "cron:*/30 * * * *", "04 23:00, 04 23:30, 04 23:00 (2), 04 23:30 (2), 05 00:00"},
		{"America/Santiago", "2026-04-04 22:30", "calendar:*:0/30", "04 23:00, 04 23:30, 05 00:00"},

		// For Ramadan back from 03:00 to 02:00, and after it from 02:00 to 03:00.
		{"Africa/Casablanca", "2026-02-14 12:00", "cron:30 2 * * *", "15 02:30, 16 02:30"},
		{"Africa/Casablanca", "2026-02-15 01:30", "cron:30 * * * *", "15 02:30, 15 02:30 (2), 15 03:30"},
		{"Africa/Casablanca", "2026-02-15 01:30", "calendar:*:30", "15 02:30, 15 03:30"},
		{"Africa/Casablanca", "2026-03-21 12:00", "cron:30 2 * * *", "22 03:00, 23 02:30"},
		{"Africa/Casablanca", "2026-03-21 12:00", "calendar:02:30", "23 02:30"},

		// Winter time is the exception there: from 01:00 to 02:00, and back.
		{"Europe/Dublin", "2026-03-28 12:00", "cron:30 1 * * *", "29 02:00, 30 01:30"},
		{"Europe/Dublin", "2026-03-29 00:00", "cron:*/30 * * * *", "29 00:30, 29 02:00"},
		{"Europe/Dublin", "2026-03-28 12:00", "calendar:01,03:00", "29 03:00, 30 01:00"},
		{"Europe/Dublin", "2026-10-25 00:30", "cron:0 * * * *", "25 01:00, 25 01:00 (2), 25 02:00"},
		{"Europe/Dublin", "2026-10-24 12:00", "cron:0 1 * * *", "25 01:00, 26 01:00"},
		{"Europe/Dublin", "2026-10-24 12:00", "calendar:01:00", "25 01:00, 26 01:00"},

		// No changes, and an offset of quarters of an hour.
		{"Asia/Kathmandu", "2026-03-28 12:00", "cron:0 0 * * *", "29 00:00, 30 00:00"},
		{"Asia/Kathmandu", "2026-10-24 12:00", "cron:*/45 * * * *", "24 12:45, 24 13:00, 24 13:45"},
		{"Asia/Kathmandu", "2026-10-24 12:00", "calendar:*:0/45", "24 12:45, 24 13:00, 24 13:45"},

		// A day that was left out is no daylight saving: 29 December, then 31.
		{"Pacific/Apia", "2011-12-29 12:00", "cron:0 6 * * *", "31 06:00, 01 06:00"},
	} {
		s := mustParse(t, c.expr, c.zone)
		at, err := time.ParseInLocation("2006-01-02 15:04", c.from, s.Zone())
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(c.want, ", ")
		got := make([]string, len(want))
		for i := range got {
			at = s.Next(at)
			local := at.In(s.Zone())
			got[i] = strings.TrimSuffix(local.Format("02 15:04:05"), ":00")
			if change := stretchAt(at, s.Zone()); change.jump < 0 && at.Sub(change.from) < -change.jump {
				got[i] += " (2)"
			}
		}
		if g := strings.Join(got, ", "); g != c.want {
			t.Errorf("%s in %s: %s\nwant %s", c.expr, c.zone, g, c.want)
		}
	}
}

func TestCronDays(t *testing.T) {
	for expr, want := range map[string]string{
		"0 0 L * *":           "Jan 31, Feb 28, Mar 31, Apr 30",
		"0 0 L 2 *":           "Feb 28, Feb 28, Feb 29, Feb 28",
		"0 0 LW * *":          "Jan 30, Feb 27, Mar 31, Apr 30",
		"0 0 LW 5 *":          "May 29, May 31, May 31, May 31",
		"0 0 1,LW * *":        "Jan 1, Jan 30, Feb 1, Feb 27",
		"0 0 * * 5L":          "Jan 30, Feb 27, Mar 27, Apr 24",
		"0 0 * * friL":        "Jan 30, Feb 27, Mar 27, Apr 24",
		"0 0 * * MON#1":       "Jan 5, Feb 2, Mar 2, Apr 6",
		"0 0 * * 7#5":         "Mar 29, May 31, Aug 30, Nov 29",
		"0 0 * * 0#5,1#1":     "Jan 5, Feb 2, Mar 2, Mar 29",
		"0 0 */2 * 1":         "Jan 5, Jan 19, Feb 9, Feb 23",
		"0 0 1-31/2 * 1":      "Jan 1, Jan 3, Jan 5, Jan 7",
		"0 0 1-7 * */7":       "Jan 4, Feb 1, Mar 1, Apr 5",
		"0 0 13 * 5":          "Jan 2, Jan 9, Jan 13, Jan 16",
		"0 0 * * MON-SUN":     "Jan 1, Jan 2, Jan 3, Jan 4",
		"0 0 * * sat-sun":     "Jan 3, Jan 4, Jan 10, Jan 11",
		"0 0 * * SUN-MON":     "Jan 4, Jan 5, Jan 11, Jan 12",
		"0 0 * * 5-7":         "Jan 2, Jan 3, Jan 4, Jan 9",
		"0 0 * * 1/2":         "Jan 2, Jan 4, Jan 5, Jan 7",
		"0 0 31 * *":          "Jan 31, Mar 31, May 31, Jul 31",
		"0 0 1 jan,JUL *":     "Jan 1, Jul 1, Jan 1, Jul 1",
		"0 0 1 Nov-12 *":      "Nov 1, Dec 1, Nov 1, Dec 1",
		"0 0 1 2/5 *":         "Feb 1, Jul 1, Dec 1, Feb 1",
		"@monthly":            "Jan 1, Feb 1, Mar 1, Apr 1",
		"@Weekly":             "Jan 4, Jan 11, Jan 18, Jan 25",
		"@yearly":             "Jan 1, Jan 1, Jan 1, Jan 1",
		"@midnight":           "Jan 1, Jan 2, Jan 3, Jan 4",
		"0  0\t*  * *":        "Jan 1, Jan 2, Jan 3, Jan 4",
		"00 00 07 01 *":       "Jan 7, Jan 7, Jan 7, Jan 7",
		"59/30 23/12 1 1-1 *": "Jan 1, Jan 1, Jan 1, Jan 1",
	} {
		if got := days(t, "cron:"+expr, 4); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}

func TestCalendarDays(t *testing.T) {
	for expr, want := range map[string]string{
		"*-*~1":             "Jan 31, Feb 28, Mar 31, Apr 30",
		"*-2~3":             "Feb 26, Feb 26, Feb 27, Feb 26",
		"Mon *-5~7/1":       "May 25, May 31, May 29, May 28",
		"*-*~1..8/3":        "Jan 25, Jan 28, Jan 31, Feb 22",
		"*-*~*":             "Jan 1, Jan 2, Jan 3, Jan 4",
		"quarterly":         "Jan 1, Apr 1, Jul 1, Oct 1",
		"semi-annually":     "Jan 1, Jul 1, Jan 1, Jul 1",
		"weekly":            "Jan 5, Jan 12, Jan 19, Jan 26",
		"weekly UTC":        "Jan 5, Jan 12, Jan 19, Jan 26",
		"Mon":               "Jan 5, Jan 12, Jan 19, Jan 26",
		"tuesday,Thu..Sat,": "Jan 1, Jan 2, Jan 3, Jan 6",
		"Fri *-*-13":        "Feb 13, Mar 13, Nov 13, Aug 13",
		"2027..2029-03-05":  "Mar 5, Mar 5, Mar 5, never",
		"28/2-03-05":        "Mar 5, Mar 5, Mar 5, Mar 5",
		"@1767225601":       "Jan 1, never, never, never",
		"*-1,4-1\n*-2-1":    "Jan 1, Feb 1, Apr 1, Jan 1",
		"*-2-1\n2020-1-1":   "Feb 1, Feb 1, Feb 1, Feb 1",
	} {
		if got := days(t, "calendar:"+expr, 4); got != want {
			t.Errorf("%q: %s, want %s", expr, got, want)
		}
	}
}

// days gives the first days from 2026 on.
func days(t *testing.T, text string, n int) string {
	t.Helper()
	s := mustParse(t, text, "UTC")
	at := time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC)
	var all []string
	for range n {
		if at = s.Next(at); at.IsZero() {
			all = append(all, "never")
			at = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		all = append(all, at.Format("Jan 2"))
	}
	return strings.Join(all, ", ")
}

func TestNextEndsQuicklyWhateverIsAsked(t *testing.T) {
	for _, c := range []struct{ expr, zone string }{
		{"cron:0 0 31 2 *", "Europe/Madrid"},
		{"cron:0 0 30 2 *", "UTC"},
		{"cron:0 0 */31 2 MON#5", "UTC"},
		{"cron:*/5 * 31 */2 *", "UTC"}, // matches; only */2 begins in January
		{"calendar:*-2-30", "Europe/Madrid"},
		{"calendar:Sun *-03-25..31 02:30", "Europe/Madrid"}, // always in the gap
		{"calendar:1999-01-01", "UTC"},
		{"calendar:Mon 2026-06-02", "UTC"},
		{"calendar:" + strings.Repeat("*-2-30\n", 49) + "*-2-30", "Europe/Madrid"},
	} {
		s := mustParse(t, c.expr, c.zone)
		began := time.Now()
		at := s.Next(t0)
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("%q took %v", s, took)
		}
		if never := s.Check(t0) != nil; never != at.IsZero() || never == strings.Contains(c.expr, "*/5") {
			t.Errorf("%q: next is %v, refused at entry: %t", s, at, never)
		}
	}
	// Before a century without its leap year the longest waits of all end.
	s := mustParse(t, "cron:0 0 29 2 */7", "UTC")
	want := time.Date(2088, 2, 29, 0, 0, 0, 0, time.UTC)
	for {
		if want = want.AddDate(0, 0, 1); want.Month() == time.February && want.Day() == 29 && want.Weekday() == time.Sunday {
			break
		}
	}
	if got := s.Next(time.Date(2088, 3, 1, 0, 0, 0, 0, time.UTC)); !got.Equal(want) {
		t.Errorf("the Sunday that is 29 February after 2088: %v, want %v", got, want)
	}
}

// Where the time zone tables end, ZoneBounds has a day on which it gives an
// end that is over.
func TestNextGetsPastTheLastDaysOfLeapYears(t *testing.T) {
	for _, expr := range []string{"cron:0 0 * * *", "cron:*/30 * * * *", "calendar:*:0/30"} {
		s := mustParse(t, expr, "America/New_York")
		for year := 2036; year < 2100; year += 4 {
			at := time.Date(year, 12, 30, 0, 0, 0, 0, time.UTC)
			end := at.Add(3 * day)
			n := 0 // with the one that ends the loop
			for ; at.Before(end); n++ {
				next := s.Next(at)
				if !next.After(at) || next.Sub(at) > day {
					t.Fatalf("%s after %v: %v", expr, at, next)
				}
				at = next
			}
			if want := map[bool]int{true: 4, false: 144}[expr == "cron:0 0 * * *"]; n != want {
				t.Errorf("%s: %d times in three days of %d, want %d", expr, n, year, want)
			}
		}
	}
}

func ExampleSchedule_Next() {
	madrid, _ := LoadZone("Europe/Madrid")
	s, _ := ParseSchedule("30 2 * * *", madrid)
	at := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	for range 2 { // on 29 March there is no 02:30
		at = s.Next(at)
		fmt.Println(at.In(madrid))
	}
	// Output:
	// 2026-03-29 03:00:00 +0200 CEST
	// 2026-03-30 02:30:00 +0200 CEST
}
