package kae

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAScheduleIsReadForWhatItIs(t *testing.T) {
	const cron, calendar = -1, -2
	for text, want := range map[string]time.Duration{
		"2": 2 * time.Second, "90s": 90 * time.Second, "30m": 30 * time.Minute, "1h30m": 90 * time.Minute, "2d": 2 * day, "3650d": MaxInterval,
		"hourly": time.Hour, "daily": day, "weekly": week, "Monthly": 31 * day, "15_minute": 15 * time.Minute, "2_hour": 2 * time.Hour,
		"every:daily": day, "every: 90": 90 * time.Second, "EVERY:1w": week,
		"0 6 * * 1-5": cron, "cron:0 6 * * *": cron, "cron: @daily": cron, "@daily": cron, "@Hourly": cron,
		"calendar:daily": calendar, "quarterly": calendar, "Quarterly UTC": calendar, "06:00": calendar, "Mon": calendar, "Mon..Fri 06:00": calendar,
		"*-*-01 04:30:00 Europe/Riga": calendar, "1-1": calendar, "@1790000000": calendar, "Mon, 12:34": calendar,
		"01:00\n02:00\n03:00\n04:00\n05:00": calendar, "01:00\r\n02:00": calendar,
	} {
		s, err := ParseSchedule(" "+text+"\n", nil)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if s.String() != strings.ReplaceAll(text, "\r", "") || s.Zone() != time.UTC || s.IsZero() {
			t.Errorf("%q: got %q in %v", text, s, s.Zone())
		}
		got := s.Interval()
		if s.Clock() {
			if got != 0 || s.DefaultGrace() != 10*time.Minute {
				t.Errorf("%q goes by the clock and has an interval of %v, a grace of %v", text, got, s.DefaultGrace())
			}
			got = calendar
			if s.lines[0].small != 0 {
				got = cron
			}
		} else if s.DefaultGrace() != 0 {
			t.Errorf("%q: grace %v", text, s.DefaultGrace())
		}
		if got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestWhatIsWrongWithAScheduleIsSaidInASentence(t *testing.T) {
	long := strings.Repeat("x", MaxSchedule+1)
	for text, says := range map[string]string{
		"0": "1 second", "3651d": "10 years", "": "30m", "soon": "Mon..Fri 06:00", "1.5h": "30m", "-5": "30m", "every:06:00": "30m",
		long: "1001 characters",

		"70 * * * *":             "In the minute (character 1): “70” is not from 0 to 59.",
		"cron:0 24 * * *":        "In the hour (character 8): “24” is not from 0 to 23.",
		"* * 32 * *":             "In the day of month (character 5): “32”",
		"* * 0 * *":              "In the day of month (character 5): “0”",
		"* * * foo *":            "In the month (character 7): “foo” is neither a number from 1 to 12 nor a name such as FEB.",
		"* * * * MONDAY":         "In the day of week (character 9): “MONDAY”",
		"* * * * 8":              "“8” is not from 0 to 7.",
		"* * * * L":              "In the day of week (character 9): “L”",
		"* * * * 1#6":            "In the day of week (character 11): “6” after # is not from 1 to 5.",
		"* * * * 9L":             "(character 9): “9”",
		"a * * * *":              "“a” is not a number",
		"*/0 * * * *":            "In the minute (character 3): “0” after / is not a number from 1 on.",
		"*/70 * * * *":           "a step of “70” is larger than the field",
		"1-2-3 * * * *":          "(character 3): “2-3”",
		"5-1 * * * *":            "“5-1” ends before it begins.",
		"* * * * FRI-MON":        "“FRI-MON” ends before it begins.",
		"1- * * * *":             "In the minute (character 3): a value is missing.",
		"1,,2 * * * *":           "In the minute (character 3): something is missing beside a comma.",
		"* * 15W * *":            "“15W”",
		"* * L-3 * *":            "“L-3”",
		"* * ? * *":              "“?”",
		"０ * * * *":              "“０”",
		"0 0 6 * * *":            "the first field is the minute.",
		"0 0 6 ? * MON-FRI 2026": "here are 7.",
		"cron:0 0 6 * * *":       "here are 6. Leave out the seconds",
		"cron:* * * *":           "here are 4.",
		"cron:*":                 "here is 1.",
		"cron:":                  "here are 0.",
		"@reboot":                "@reboot has no time",
		"@fortnightly":           "There is no “@fortnightly”",

		"12:60":                               "In the minute (character 4): “60” is not from 0 to 59.",
		"24:00":                               "In the hour (character 1): “24”",
		"12:34:60":                            "In the second (character 7): “60” is not from 0 to 59.",
		"12:34:5.1234567":                     "one to six decimals.",
		"5..1:00":                             "In the hour (character 1): “5..1” ends before it begins.",
		"0/0:00":                              "In the hour (character 3): a step is not 0.",
		"*:*/15":                              "In the minute (character 3): write 0/… rather than */….",
		"*:50/15":                             "leads out of the field at once.",
		"*:0/60":                              "is larger than the field.",
		"*:*:5..5":                            "is shorter than a second.",
		"12:34\nsurprise":                     "In the weekday (line 2, character 1): “surprise” is not a day",
		"12:34\n\n13:00":                      "In the calendar expression (line 2, character 1): it is empty.",
		"calendar:":                           "In the calendar expression (character 10): it is empty.",
		"12:34 Europe/surprise":               "In the time zone (character 7): there is no “Europe/surprise”",
		"1969-01-01":                          "In the year (character 1): “1969” is not from 1970 to 2199.",
		"*-13-1":                              "In the month (character 3)",
		"*-*-32":                              "In the day (character 5)",
		"*-*~29":                              "In the day (character 5): “29” is not from 1 to 28.",
		"1-2-3-4":                             "“4” is too much after year, month and day.",
		"calendar:12":                         "“12” is neither a date such as *-*-01 nor a time such as 06:00.",
		"*-*-* *":                             "In the time (character 7): “*” is not a time",
		"1:2:3:4":                             "“4” is too much after hour, minute and second.",
		"Mon *-*-1 06:00 12":                  "“12” is too much",
		"fri..mon 1:00":                       "In the weekday (character 1): “fri..mon” ends before it begins: the week is from Mon to Sun.",
		"Mon,,Tue":                            "In the weekday (character 5)",
		"calendar:@daily":                     "In the date (character 11): “daily” is not a number of seconds",
		"@99999999999":                        "after the year 2199",
		"@1 06:00":                            "too much after a moment",
		"*:":                                  "In the minute (character 3): a number is missing.",
		strings.Repeat("1:00\n", 50) + "1:00": "51 lines",
		"calendar:\u202e1:00":                 "“�1",
	} {
		_, err := ParseSchedule(text, nil)
		e, ok := err.(*Error)
		if !ok || e.Code != Invalid || e.Field != "interval" || !strings.Contains(e.Message, says) {
			t.Errorf("%.60q: got %v\nwant a sentence with %q", text, err, says)
		}
	}
}

func TestWhatMatchesNothingIsRefusedAtEntryOnly(t *testing.T) {
	for text, refused := range map[string]bool{
		"0 0 31 2 *": true, "0 0 29 2 *": false, "2020-01-01": true, "2099-01-01": false, "2020-01-01\n2099-01-01": false, "30m": false,
		"Sun *-03-25..31 02:30": true, "Sun *-03-25..31 03:00": false,
	} {
		s := mustParse(t, text, "Europe/Madrid")
		if err := s.Check(t0); (err != nil) != refused || err != nil && ErrorCode(err) != Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestZones(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "CET"} {
		zone, err := LoadZone(name)
		if again, _ := LoadZone(name); err != nil || zone.String() != name || again != zone {
			t.Errorf("%q: %v, %v, again %v", name, zone, err, again)
		}
	}
	for _, name := range []string{"", "Local", "localtime", "utc+1", "Europe", "Europe//Madrid", "Europe/../Europe/Madrid", "/etc/localtime",
		"right/Europe/Madrid", "posix/UTC", "Madrid", "zone.tab", "\x00", "Europe/Madrid ", strings.Repeat("a", 100)} {
		_, err := LoadZone(name)
		if e, ok := err.(*Error); !ok || e.Code != Invalid || e.Field != "zone" || !strings.Contains(e.Message, "Europe/Madrid or UTC") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSchedulesAreEqualByTextAndZone(t *testing.T) {
	a, b := mustParse(t, "0 6 * * *", "Europe/Madrid"), mustParse(t, "0 6 * * * ", "Europe/Madrid")
	other, utc := mustParse(t, "0  6 * * *", "Europe/Madrid"), mustParse(t, "0 6 * * *", "UTC")
	if !a.Equal(b) || a.Equal(other) || a.Equal(utc) || !(Schedule{}).Equal(Schedule{}) {
		t.Error("schedules are not compared by text and zone")
	}
	if cmp.Diff(Token{Schedule: a}, Token{Schedule: b}) != "" || cmp.Diff(Token{Schedule: a}, Token{Schedule: utc}) == "" {
		t.Error("go-cmp does not compare schedules by text and zone")
	}
	if again := mustParse(t, Every(90*time.Second).String(), "UTC"); !again.Equal(Every(90*time.Second)) || again.Interval() != 90*time.Second {
		t.Errorf("Every is read again as %v", again)
	}
}

func TestLatestSlot(t *testing.T) {
	s := Every(time.Minute)
	for _, c := range []struct{ now, want int }{{-5, 0}, {0, 0}, {59, 0}, {60, 60}, {61, 60}, {600, 600}, {659, 600}} {
		if got := s.Latest(t0, at(c.now)); !got.Equal(at(c.want)) {
			t.Errorf("latest at %d s: %v", c.now, got.Sub(t0))
		}
	}
	if got := (Schedule{}).Latest(t0, at(100)); !got.Equal(t0) {
		t.Errorf("without a schedule: %v", got)
	}
	clock := mustParse(t, "0 6 * * *", "UTC")
	if got := clock.Latest(t0, at(100)); !got.Equal(at(100)) {
		t.Errorf("by the clock: %v, want now", got)
	}
	if got := clock.Latest(at(100), t0); !got.Equal(at(100)) {
		t.Errorf("by the clock, since is later: %v", got)
	}
}

func TestScheduleInWords(t *testing.T) {
	for text, want := range map[string]string{
		"60": "every minute", "30m": "every 30 min", "90m": "every 1 h 30 min", "daily": "every day", "2w": "every 2 weeks", "25h": "every 1 day 1 h",
		"monthly": "every 31 days", "1": "every second",

		"* * * * *": "every minute", "*/5 * * * *": "every 5 min", "15 * * * *": "hourly at :15", "@hourly": "hourly at :00",
		"0 */2 * * *": "every 2 h", "30 */6 * * *": "every 6 h at :30", "0 3 * * *": "daily at 03:00", "0 6 * * 1-5": "every weekday at 06:00",
		"0 6,18 * * *": "daily at 06:00 and 18:00", "0,30 6,18 * * *": "daily at 06:00, 06:30, 18:00 and 18:30",
		"0 6 * * SAT,SUN": "every Saturday and Sunday at 06:00", "0 6 * * 7": "every Sunday at 06:00", "0 6 * * 1,3,5": "every Mon, Wed and Fri at 06:00",
		"0 4 1 * *": "on day 1 of every month at 04:00", "0 4 L * *": "on the last day of every month at 04:00", "0 0 25 12 *": "every 25 December at 00:00",
		"0 0 13 * 5": "0 0 13 * 5", "*/7 * * * *": "*/7 * * * *", "0 0 * * 5L": "0 0 * * 5L", "0 0 LW * *": "0 0 LW * *", "15,45 * * * *": "15,45 * * * *",
		"*/5 8-18 * * *": "*/5 8-18 * * *", "*/5 * * * 1": "*/5 * * * 1", "0 4 1,L * *": "0 4 1,L * *",

		"calendar:daily": "daily at 00:00", "Mon..Fri 06:00": "every weekday at 06:00", "*:0/15": "every 15 min", "*:*:0/20": "every 20 s",
		"*:*:*": "every second", "*-*-01 04:30": "on day 1 of every month at 04:30", "*-*~1 12:00": "on the last day of every month at 12:00",
		"*-*~2 12:00": "*-*~2 12:00", "06:00:30": "06:00:30", "2027-*-* 06:00": "2027-*-* 06:00", "06:00 UTC": "06:00 UTC", "06:00\n07:00": "06:00\n07:00",
		"Fri *-*-13": "Fri *-*-13", "quarterly": "quarterly", "yearly": "every 1 January at 00:00",
	} {
		if got := mustParse(t, text, "UTC").Words(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func BenchmarkParseAndNext(b *testing.B) {
	for _, c := range []struct{ text, zone string }{
		{"30m", "UTC"},
		{"*/5 * * * *", "UTC"},
		{"0 6 * * 1-5", "Europe/Madrid"},
		{"0 0 29 2 MON#5", "Europe/Madrid"},
		{"0 0 31 2 *", "Europe/Madrid"}, // never
		{"Mon..Fri 06:00", "Europe/Madrid"},
		{"*-*~1 04:30:00 Europe/Riga", "UTC"},
		{"Sun *-03-25..31 02:30", "Europe/Madrid"}, // always left out
	} {
		zone, _ := LoadZone(c.zone)
		b.Run(strings.ReplaceAll(c.text, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := ParseSchedule(c.text, zone)
				if err != nil {
					b.Fatal(err)
				}
				s.Next(t0)
			}
		})
	}
}
