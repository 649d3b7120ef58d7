package web

import (
	"testing"
	"time"

	"kae"
)

func TestTimesAreToldInAtMostTwoUnits(t *testing.T) {
	c := clock{noon, time.UTC}
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "now"},
		{-999 * time.Millisecond, "now"},
		{-time.Second, "1 s ago"},
		{-4 * time.Second, "4 s ago"},
		{-59*time.Second - 999*time.Millisecond, "59 s ago"},
		{-60 * time.Second, "1 m ago"},
		{-110 * time.Second, "1 m 50 s ago"},
		{-13*time.Minute - 20*time.Second, "13 m ago"},
		{-(7*time.Hour + 48*time.Minute), "7 h 48 m ago"},
		{-30 * time.Hour, "1 d 6 h ago"},
		{-48 * time.Hour, "2 d ago"},
		{-7 * 24 * time.Hour, "15 Nov"},
		{-400 * 24 * time.Hour, "18 Oct 2025"},
		{time.Microsecond, "in 1 s"},
		{time.Second, "in 1 s"},
		{1001 * time.Millisecond, "in 2 s"},
		{59*time.Second + time.Millisecond, "in 1 m"},
		{2*time.Hour + 14*time.Minute, "in 2 h 14 m"},
		{7 * 24 * time.Hour, "29 Nov"},
	} {
		if got := c.rel(noon.Add(tt.d)).Text; got != tt.want {
			t.Errorf("%v from now: %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestTimesAreToldByTheDayInTheirZone(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		now, at string
		zone    *time.Location
		want    string
	}{
		{"2026-11-22T12:00:00Z", "2026-11-22T03:04:12Z", time.UTC, "today at 03:04:12"},
		{"2026-11-22T12:00:00Z", "2026-11-21T23:59:59Z", time.UTC, "yesterday at 23:59:59"},
		{"2026-11-22T12:00:00Z", "2026-11-23T00:00:00Z", time.UTC, "tomorrow at 00:00:00"},
		{"2026-11-22T12:00:00Z", "2026-11-20T12:00:00Z", time.UTC, "20 Nov, 12:00:00"},
		{"2026-11-22T12:00:00Z", "2025-11-22T12:00:00Z", time.UTC, "22 Nov 2025, 12:00:00"},
		{"2026-11-22T12:00:00Z", "2026-11-21T23:30:00Z", madrid, "today at 00:30:00"},
		// The day of 25 hours.
		{"2026-10-25T22:30:00Z", "2026-10-24T22:30:00Z", madrid, "today at 00:30:00"},
		{"2026-10-25T22:30:00Z", "2026-10-24T21:30:00Z", madrid, "yesterday at 23:30:00"},
	} {
		now, _ := time.Parse(time.RFC3339, tt.now)
		at, _ := time.Parse(time.RFC3339, tt.at)
		if got := (clock{now, tt.zone}).at(at).Text; got != tt.want {
			t.Errorf("at %s, %s is told as %q, want %q", tt.now, tt.at, got, tt.want)
		}
	}
}

func TestNoTimeIsADash(t *testing.T) {
	if got := (clock{noon, time.UTC}).rel(time.Time{}); got != (moment{}) {
		t.Errorf("got %+v", got)
	}
}

func TestSettingsAreToldExactly(t *testing.T) {
	for _, tt := range []struct{ written, length, again string }{
		{"1", "1 s", "1s"},
		{"90s", "1 min 30 s", "1m30s"},
		{"60", "1 min", "1m"},
		{"30m", "30 min", "30m"},
		{"1h", "1 h", "1h"},
		{"1h30m", "1 h 30 min", "1h30m"},
		{"86400", "1 day", "1d"},
		{"2d", "2 days", "2d"},
		{"1w", "1 week", "7d"},
		{"2w", "2 weeks", "14d"},
		{"10d12h", "10 days 12 h", "10d12h"},
	} {
		d, err := kae.ParseDuration(tt.written)
		if err != nil {
			t.Fatal(err)
		}
		if got := length(d); got != tt.length {
			t.Errorf("length of %s: %q, want %q", tt.written, got, tt.length)
		}
		got := written(d)
		if got != tt.again {
			t.Errorf("%s is written %q, want %q", tt.written, got, tt.again)
		}
		if again, err := kae.ParseDuration(got); err != nil || again != d {
			t.Errorf("%q reads as %v, %v; want %v", got, again, err, d)
		}
	}
	if got := written(0); got != "" {
		t.Errorf("no grace is written %q", got)
	}
}

func TestEveryStateHasItsSentence(t *testing.T) {
	w, tokens := scene(t)
	for state, want := range map[string]string{
		"new":      "Waiting for its first heartbeat; it cannot fire before. Expected every 15 min.",
		"up":       "Expected every 1 h 30 min, 1 min grace. Last heartbeat today at 11:59:04. Fires today at 13:30:04, in 1 h 30 m, unless one comes.",
		"late":     "Due 3 m ago. Fires in 2 m unless it comes. Expected every 10 min, 5 min grace. Last heartbeat today at 11:47:00.",
		"missed":   "Nothing since yesterday at 10:00:00. Was due today at 10:00:00, fired today at 11:00:00. Expected every day, 1 h grace.",
		"failed":   "Failed today at 04:00:00, 8 h ago. Expected every day, 10 min grace. Next due tomorrow at 04:00:00, in 16 h.",
		"running":  "Running since today at 11:51:00. Expected every 6 h, 30 min grace. Last heartbeat today at 07:00:00. Fires today at 13:30:00, in 1 h 30 m, unless one comes.",
		"unknown":  "kae took no heartbeats when one was due; the next one counts. It is due today at 17:00:00. Fires today at 17:10:00, in 5 h 10 m, unless one comes. Expected every 6 h, 10 min grace. Last heartbeat today at 05:00:00.",
		"disabled": "Disabled yesterday at 20:00:00. Heartbeats are recorded, but nothing is expected. Last heartbeat yesterday at 19:20:00.",
		"removed":  "Removed today at 10:00:00. It can be brought back until 29 Nov, 10:00:00; then it is gone with its history.",
	} {
		token, _ := w.roster.Get(tokens[state].ID)
		c := clock{noon, time.UTC}
		if got := stateOf(token, noon).Word; got != state {
			t.Errorf("%s: the word is %q", state, got)
		}
		if got := plain(sentence(token, c)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", state, got, want)
		}
	}
}

func TestAJobThatOnlyStartsIsMissedInWords(t *testing.T) {
	w := newWorld()
	token := w.make(t, "starts", "1h", "")
	w.beat(token, kae.Start, 2*time.Hour, "", "")
	w.do(token, 0, func(token kae.Token, _ time.Time) kae.Change { return token.Expire(noon) })
	now, _ := w.roster.Get(token.ID)
	want := "Nothing since it started today at 10:00:00. Was due today at 11:00:00, fired today at 11:00:00. Expected every hour."
	if got := plain(sentence(now, clock{noon, time.UTC})); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestCronRunsAtLeastAsOftenAsExpected(t *testing.T) {
	for interval, want := range map[string]string{
		"30": "* * * * *", "90s": "* * * * *", "2m": "*/2 * * * *", "7m": "*/5 * * * *", "59m": "*/30 * * * *",
		"1h": "0 * * * *", "1h30m": "0 * * * *", "1d": "0 3 * * *", "6d": "0 3 * * *", "1w": "0 3 * * 0", "52w": "0 3 * * 0",
	} {
		d, err := kae.ParseDuration(interval)
		if err != nil {
			t.Fatal(err)
		}
		if got := crontab(kae.Every(d)); got != want {
			t.Errorf("every %s: %q, want %q", interval, got, want)
		}
	}
}
