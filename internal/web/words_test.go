package web

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		got := kae.FormatDuration(d)
		if got != tt.again {
			t.Errorf("%s is written %q, want %q", tt.written, got, tt.again)
		}
		if again, err := kae.ParseDuration(got); err != nil || again != d {
			t.Errorf("%q reads as %v, %v; want %v", got, again, err, d)
		}
	}
	if got := kae.FormatDuration(0); got != "" {
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
		"failed":   "Failed today at 04:00:00, 8 h ago: “exit status 1”. Expected every day, 10 min grace. Next due tomorrow at 04:00:00, in 16 h.",
		"running":  "Running since today at 11:51:00. Expected every 6 h, 30 min grace. Last heartbeat today at 07:00:00. Fires today at 13:30:00, in 1 h 30 m, unless one comes.",
		"unknown":  "kae took no heartbeats from today at 10:55:00 to 11:20:00, when one was due; the next one counts. It is due today at 17:00:00. Fires today at 17:10:00, in 5 h 10 m, unless one comes. Expected every 6 h, 10 min grace. Last heartbeat today at 05:00:00.",
		"disabled": "Disabled yesterday at 20:00:00. Heartbeats are recorded, but nothing is expected. Last heartbeat yesterday at 19:20:00.",
		"removed":  "Removed today at 10:00:00. It can be brought back until 29 Nov, 10:00:00; then it is gone with its history.",
	} {
		token, _ := w.roster.Get(tokens[state].ID)
		if got := stateOf(token, noon).Word; got != state {
			t.Errorf("%s: the word is %q", state, got)
		}
		if got := plain(w.server().tokenPage(t.Context(), token, "", place{}, nil).Sentence); got != want {
			t.Errorf("%s:\n got %s\nwant %s", state, got, want)
		}
	}
}

func TestSignalsHaveTheirSentences(t *testing.T) {
	w, tokens := signals(t)
	for name, want := range map[string]struct{ word, says string }{
		"overran": {"overran", "Still running since today at 11:00:00, longer than the 30 min that it may take; fired today at 11:30:00. Expected every weekday at 06:00 Europe/Madrid, 10 min grace. Last heartbeat 20 Nov, 06:00:00."},
		"bounded": {"running", "Running since today at 10:50:00, at most 3 h. Expected every day. Last heartbeat yesterday at 14:00:00. Fires today at 13:50:00, in 1 h 50 m, unless it has ended."},
		"misses":  {"up", "1 miss of 3 in a row. Expected every hour. Last heartbeat today at 10:20:00. Counts as miss 2 of 3 today at 12:20:00, in 20 m, unless one comes."},
		"ended":   {"up", "Expected 2026-11-20 18:00 Europe/Madrid, 10 min grace. Its schedule has ended: nothing more is expected. Last heartbeat 20 Nov, 20:00:00."},
	} {
		token, _ := w.roster.Get(tokens[name].ID)
		if got := stateOf(token, noon).Word; got != want.word {
			t.Errorf("%s: the word is %q", name, got)
		}
		if got := plain(sentence(token, known{}, clock{noon, time.UTC})); got != want.says {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want.says)
		}
	}
}

func TestTheLastOfSeveralMissesFires(t *testing.T) {
	w, tokens := signals(t)
	token, _ := w.roster.Get(tokens["misses"].ID)
	if got, want := token.FiresAt(), noon.Add(80*time.Minute); !got.Equal(want) {
		t.Errorf("it fires at %s, want %s", got, want)
	}
	w.do(token, 0, func(token kae.Token, _ time.Time) kae.Change { return token.Expire(noon.Add(20 * time.Minute)) })
	token, _ = w.roster.Get(token.ID)
	c := clock{noon.Add(20 * time.Minute), time.UTC}
	w.sleep(20 * time.Minute)
	want := "2 misses of 3 in a row. Expected every hour. Last heartbeat today at 10:20:00. Fires today at 13:20:00, in 1 h, unless one comes."
	if got := plain(w.server().tokenPage(t.Context(), token, "", place{}, nil).Sentence); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if v := view(token, c, ""); v.Misses != "2 misses of 3" || v.Strikes != 2 || !time.Time(v.Deadline).Equal(noon.Add(80*time.Minute)) {
		t.Errorf("%+v", v)
	}
}

func TestRulesAreToldInWords(t *testing.T) {
	token := kae.Token{MaxRun: 30 * time.Minute, FireAfter: 3, BodyHas: "DONE", BodyLacks: "WARN", PostOnly: true}
	want := []string{"Runs at most 30 min.", "Fires after 3 misses in a row.", "The body must contain “DONE”.", "The body must not contain “WARN”.", "Takes POST and PUT only."}
	if d := cmp.Diff(want, rulesOf(token)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := rulesOf(kae.Token{FireAfter: 1}); got != nil {
		t.Errorf("no rules: %v", got)
	}
}

func TestDurationsAreToldAsFineAsTheyAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Microsecond: "< 1 ms", 250 * time.Millisecond: "250 ms", 1950 * time.Millisecond: "1.9 s", 12 * time.Second: "12 s",
		245 * time.Second: "4 m 5 s", 3 * time.Hour: "3 h",
	} {
		if got := took(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestPlacesInARow(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 100: "100th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestAZoneIsNamedWhereItMatters(t *testing.T) {
	for text, want := range map[string]string{
		"1d": "", "0 3 * * *": "Europe/Madrid", "06:00": "Europe/Madrid", "06:00 Asia/Kathmandu": "",
		"06:00 Asia/Kathmandu\n07:00": "Europe/Madrid", "Mon *-*-* 06:00": "Europe/Madrid",
	} {
		if got := zoneOf(inMadrid(t, text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	schedule, err := kae.ParseSchedule("0 3 * * *", time.FixedZone("Mars/Olympus", 0))
	if err != nil {
		t.Fatal(err)
	}
	if v := view(kae.Token{Schedule: schedule}, clock{noon, time.UTC}, ""); !v.NoZone || v.Zone != "Mars/Olympus" {
		t.Errorf("a zone that is not known here: %+v", v)
	}
}

func TestAJobThatOnlyStartsIsMissedInWords(t *testing.T) {
	w := newWorld()
	token := w.make(t, "starts", "1h", "")
	w.beat(token, kae.Start, 2*time.Hour, "", "")
	w.do(token, 0, func(token kae.Token, _ time.Time) kae.Change { return token.Expire(noon) })
	now, _ := w.roster.Get(token.ID)
	want := "Nothing since it started today at 10:00:00. Was due today at 11:00:00, fired today at 11:00:00. Expected every hour."
	if got := plain(sentence(now, known{}, clock{noon, time.UTC})); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
