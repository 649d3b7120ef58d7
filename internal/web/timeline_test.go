package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func TestCellsAreOnePathAnOutcome(t *testing.T) {
	const (
		none, off, good, unknown = kae.NoSlot, kae.SlotDisabled, kae.SlotOnTime, kae.SlotUnknown
		late, failed, over, miss = kae.SlotLate, kae.SlotFailed, kae.SlotOverran, kae.SlotMissed
	)
	for _, test := range []struct {
		name  string
		cells []kae.Outcome
		want  string
	}{
		{"nothing was expected", []kae.Outcome{none, none}, ``},
		{"equal neighbours are one stroke", []kae.Outcome{good, good, good}, `<path class="o" d="M1 18h16"/>`},
		{"a gap lifts the pen", []kae.Outcome{good, none, good, good}, `<path class="o" d="M1 18h4m8 0h10"/>`},
		{"late stands on the ground", []kae.Outcome{none, late}, `<path class="l" d="M7 21.5h4"/>`},
		{"misses in a row are a wall", []kae.Outcome{miss, miss}, `<path class="m" d="M0 18h12"/>`},
		{"failures stand alone", []kae.Outcome{failed, failed}, `<path class="x" d="M0.5 12l5 12m0-12l-5 12m6-12l5 12m0-12l-5 12"/>`},
		{"overran", []kae.Outcome{over, none, over}, `<path class="v" d="M0.5 12l5 6-5 6zm12 0l5 6-5 6z"/>`},
		{"unknown is hatched", []kae.Outcome{none, unknown}, `<path class="u" d="M6 25l4-14m-1 14l4-14"/>`},
		{"disabled is hollow", []kae.Outcome{off, off}, `<path class="d" d="M1.5 11.5h3v13h-3zm6 0h3v13h-3z"/>`},
		{"the worst is drawn last", []kae.Outcome{miss, good, late}, `<path class="o" d="M7 18h4"/><path class="l" d="M13 21.5h4"/><path class="m" d="M0 18h6"/>`},
	} {
		d := drawing{wide: cellWide, mid: lineHigh / 2}
		d.cells(lineLooks, test.cells, 0)
		if got := string(d.html()); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// line draws a token on the axis of a day.
func line(w *world, token kae.Token) string {
	now, _ := w.roster.Get(token.ID)
	return string(clock{noon, time.UTC}.ruler(kae.Day).timeline(now))
}

func TestATimelineTellsWhatHappened(t *testing.T) {
	w, tokens := scene(t)
	path := func(of, class string) string {
		m := regexp.MustCompile(`<path class="` + class + `" d="([^"]*)"`).FindStringSubmatch(line(w, tokens[of]))
		if m == nil {
			return ""
		}
		return m[1]
	}
	// The last cell holds noon: 12:00 to 12:30. An hour is 12 wide.
	for _, test := range []struct{ of, class, want string }{
		{"failed", "x", "M186.5 12l5 12m0-12l-5 12"}, // at 04:00
		{"failed", "f", "M186 27H286.4"},             // fires since then
		{"missed", "f", "M270 27H286.4"},             // since 11:00
		{"late", "l", "M277 21.5h4"},                 // due 11:57
		{"running", "p", "M281 12l6 6-6 6z"},
		{"up", "p", ""},
		{"up", "f", ""},
		{"new", "b", "M282 27.5H288"}, // since it was made
		{"disabled", "f", ""},
	} {
		got := path(test.of, test.class)
		if got != test.want {
			t.Errorf("%s: %s is %q, want %q in %s", test.of, test.class, got, test.want, line(w, tokens[test.of]))
		}
	}
	if got := path("disabled", "d"); !strings.HasPrefix(got, "M97.5 11.5h3v13h-3zm6 0h") { // since 20:00
		t.Errorf("what was not expected is drawn as %q", got)
	}
}

func TestARunThatTakesTooLongIsOneArrow(t *testing.T) {
	w, tokens := signals(t)
	got := line(w, tokens["overran"])
	if !strings.Contains(got, `class="k"`) || !strings.Contains(got, `class="p"`) || strings.Contains(got, `class="v"`) {
		t.Errorf("it is drawn as %s", got)
	}
	w.tell(tokens["overran"], kae.Heartbeat{At: noon, Kind: kae.Success})
	if got := line(w, tokens["overran"]); strings.Contains(got, `class="k"`) || !strings.Contains(got, `class="v"`) {
		t.Errorf("when it has ended it is drawn as %s", got)
	}
}

func TestACardHasTheNewestSlots(t *testing.T) {
	slot := func(outcomes ...kae.Outcome) (slots []kae.Slot) {
		for i, o := range outcomes {
			slots = append(slots, kae.Slot{At: noon.Add(time.Duration(i) * time.Hour), Outcome: o})
		}
		return slots
	}
	many := make([]kae.Outcome, 60)
	for i := range many {
		many[i] = kae.SlotOnTime
	}
	many[59], many[40] = kae.SlotMissed, kae.SlotMissed
	for _, test := range []struct {
		name  string
		token kae.Token
		slots []kae.Slot
		want  string
	}{
		{"the newest are at the right", kae.Token{}, slot(kae.SlotOnTime, kae.SlotMissed), `<path class="b" d="M0 20.5H72"/><path class="o" d="M73 12h4"/><path class="m" d="M78 12h6"/>`},
		{"fourteen of them", kae.Token{}, slot(many...), `<path class="o" d="M1 12h76"/><path class="m" d="M78 12h6"/>`},
		{"none", kae.Token{}, nil, `<path class="b" d="M0 20.5H84"/>`},
		{"a run has the last place", kae.Token{StartedAt: noon}, slot(many[:20]...), `<path class="o" d="M1 12h76"/><path class="p" d="M77 6l6 6-6 6z"/>`},
	} {
		if got := string(cardline(test.token, test.slots)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestWhatABriefSays(t *testing.T) {
	c := clock{noon, time.UTC}
	day := 24 * time.Hour
	slots := func(outcomes map[int]kae.Outcome, n int) (all []kae.Slot) {
		for i := n - 1; i >= 0; i-- {
			o, ok := outcomes[i]
			if !ok {
				o = kae.SlotOnTime
			}
			all = append(all, kae.Slot{At: noon.Add(-time.Duration(i)*day - 2*time.Hour), Outcome: o})
		}
		return all
	}
	for _, test := range []struct {
		name  string
		token kae.Token
		slots []kae.Slot
		want  string
	}{
		{"all is well", kae.Token{Status: kae.Up}, slots(nil, 60), "60 of 60 on time|"},
		{"two misses", kae.Token{Status: kae.Up}, slots(map[int]kae.Outcome{3: kae.SlotMissed, 13: kae.SlotMissed}, 60), "58 of 60 on time|missed 9 Nov and 19 Nov"},
		{"today", kae.Token{Status: kae.Firing}, slots(map[int]kae.Outcome{0: kae.SlotFailed}, 10), "9 of 10 on time|failed 22 Nov"},
		{"many are counted", kae.Token{Status: kae.Up}, slots(map[int]kae.Outcome{1: kae.SlotLate, 2: kae.SlotLate, 4: kae.SlotLate, 8: kae.SlotUnknown}, 10), "6 of 10 on time|late 18 Nov, 20 Nov and 21 Nov, unknown 14 Nov"},
		{"the worst two kinds", kae.Token{Status: kae.Up}, slots(map[int]kae.Outcome{1: kae.SlotLate, 2: kae.SlotFailed, 4: kae.SlotMissed}, 10), "7 of 10 on time|missed 18 Nov, failed 20 Nov"},
		{"what was disabled does not count", kae.Token{Status: kae.Up}, slots(map[int]kae.Outcome{1: kae.SlotDisabled}, 10), "9 of 9 on time|disabled 21 Nov"},
		{"disabled", kae.Token{Status: kae.Disabled, FlippedAt: noon.Add(-40 * day)}, slots(nil, 10), "disabled since 13 Oct|"},
		{"new", kae.Token{Status: kae.New}, nil, "nothing expected yet|"},
		{"removed", kae.Token{RemovedAt: noon}, slots(nil, 3), "removed|"},
	} {
		short, rest := inBrief(test.token, test.slots, c)
		if got := short + "|" + rest; got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTheGridHasRoundTimes(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	kathmandu, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		axis kae.Axis
		zone *time.Location
	}{{kae.Day, time.UTC}, {kae.Day, madrid}, {kae.Day, kathmandu}, {kae.EightDays, time.UTC}, {kae.EightDays, kathmandu}, {kae.FortyEightDays, madrid}} {
		v := clock{noon, test.zone}.grid(test.axis, nil)
		if len(v.Marks) < 3 || len(v.Marks) > 8 {
			t.Errorf("%v in %v: %d marks", test.axis, test.zone, len(v.Marks))
		}
		r := clock{noon, test.zone}.ruler(test.axis)
		for _, at := range r.rounds(test.zone) {
			local := at.In(test.zone)
			if local.Minute() != 0 || local.Hour()%6 != 0 || test.axis != kae.Day && local.Hour() != 0 || test.axis == kae.FortyEightDays && local.Weekday() != time.Monday {
				t.Errorf("%v in %v: a line at %v", test.axis, test.zone, local)
			}
			if at.Before(r.start) || at.After(noon) {
				t.Errorf("%v: a line at %v, which is not on the axis", test.axis, at)
			}
		}
	}
	v := clock{noon, time.UTC}.grid(kae.Day, nil)
	want := []axisMark{{70, "18:00", "2026-11-21T18:00:00.000000Z"}, {142, "Sun 22", "2026-11-22T00:00:00.000000Z"}, {214, "06:00", "2026-11-22T06:00:00.000000Z"}}
	if d := cmp.Diff(want, v.Marks); d != "" {
		t.Errorf("marks of a day (-want +got):\n%s", d)
	}
	// Later in the morning there is still no room for 06:00 before "now".
	v = clock{time.Date(2026, 11, 22, 10, 52, 0, 0, madrid), madrid}.grid(kae.Day, nil)
	var said []string
	for _, m := range v.Marks {
		if m.Text != "" {
			said = append(said, m.Text)
		}
	}
	if d := cmp.Diff([]string{"12:00", "18:00", "Sun 22"}, said); d != "" {
		t.Errorf("marks at 10:52 (-want +got):\n%s", d)
	}
}

func TestGapsAreBands(t *testing.T) {
	gap := func(from, to time.Duration) kae.Gap { return kae.Gap{From: noon.Add(-from), To: noon.Add(-to)} }
	for _, test := range []struct {
		name string
		gaps []kae.Gap
		want string
	}{
		{"none", nil, ""},
		{"an hour", []kae.Gap{gap(3*time.Hour, 2*time.Hour)}, "M246 0h12v36h-12z"},
		{"too short to be seen is as wide as it must be", []kae.Gap{gap(2*time.Hour, 2*time.Hour-time.Second)}, "M258 0h2v36h-2z"},
		{"those that touch are one", []kae.Gap{gap(121*time.Minute, 2*time.Hour), gap(119*time.Minute, 1*time.Hour)}, "M257.8 0h12.2v36h-12.2z"},
		{"two", []kae.Gap{gap(5*time.Hour, 4*time.Hour), gap(2*time.Hour, 1*time.Hour)}, "M222 0h12v36h-12zm36 0h12v36h-12z"},
		{"one that began before", []kae.Gap{gap(90*time.Hour, 80*time.Hour), gap(48*time.Hour, 23*time.Hour)}, "M0 0h6v36h-6z"},
	} {
		d := drawing{}
		d.gaps(clock{noon, time.UTC}.ruler(kae.Day), test.gaps)
		want := ""
		if test.want != "" {
			want = `<path class="gk" d="` + test.want + `"/>`
		}
		if got := string(d.html()); got != want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, want)
		}
	}
}

func TestTheAxisFitsHalfOfTheTokens(t *testing.T) {
	every := func(texts ...string) (tokens []kae.Token) {
		for _, text := range texts {
			s, err := kae.ParseSchedule(text, nil)
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, kae.Token{Schedule: s})
		}
		return tokens
	}
	for _, test := range []struct {
		tokens []string
		want   kae.Axis
	}{
		{nil, kae.Day},
		{[]string{"4h"}, kae.Day},
		{[]string{"5h"}, kae.EightDays},
		{[]string{"1m", "1d"}, kae.Day}, // half of them is enough
		{[]string{"1m", "1d", "1d"}, kae.EightDays},
		{[]string{"0 3 * * *"}, kae.EightDays},
		{[]string{"Mon 04:00"}, kae.FortyEightDays},
		{[]string{"0 0 1 * *", "365d"}, kae.FortyEightDays}, // none fits: the longest
	} {
		if got := fittingAxis(every(test.tokens...), noon); got != test.want {
			t.Errorf("%v: axis %v, want %v", test.tokens, got, test.want)
		}
	}
}

func TestALinkChoosesTheAxisAndABrowserRemembers(t *testing.T) {
	w := newWorld()
	w.make(t, "daily", "1d", "")
	s := w.server()
	shown := func(path, cookie string) string {
		r := request{method: "GET", path: path}
		if cookie != "" {
			r.header = map[string][]string{"Cookie": {"t=" + cookie}}
		}
		m := regexp.MustCompile(`data-t="([^"]*)"[^>]*aria-current`).FindStringSubmatch(r.do(s).Body.String())
		if m == nil {
			t.Fatalf("%s: no axis is marked", path)
		}
		return m[1]
	}
	for _, test := range []struct{ path, cookie, want string }{
		{"/", "", "8d"}, {"/?t=24h", "", "24h"}, {"/?t=48d", "24h", "48d"}, {"/", "48d", "48d"}, {"/?t=nonsense", "nonsense", "8d"},
	} {
		if got := shown(test.path, test.cookie); got != test.want {
			t.Errorf("%s with cookie %q: %s, want %s", test.path, test.cookie, got, test.want)
		}
	}
	html := get(s, "/?t=48d&q=daily&sort=name").Body.String()
	for _, link := range []string{`href="/?q=daily&amp;sort=name&amp;t=24h"`, `href="/?q=is:up&amp;t=48d"`, `href="/?q=daily&amp;sort=last&amp;t=48d"`, `href="/?sort=name&amp;t=48d">Clear`} {
		if !strings.Contains(html, link) {
			t.Errorf("no link %s", link)
		}
	}
}
