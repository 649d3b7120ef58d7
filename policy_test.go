package kae

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The clocks of Madrid go from 02:00 to 03:00 on 29 March 2026, and from 03:00
// back to 02:00 on 25 October.
func TestHoursEndByTheClock(t *testing.T) {
	for _, c := range []struct{ name, hours, at, end string }{
		{"in the evening, the next morning", "22:00 07:00", "2026-06-01T23:30:00+02:00", "2026-06-02T07:00:00+02:00"},
		{"after midnight, the same morning", "22:00 07:00", "2026-06-02T06:59:59+02:00", "2026-06-02T07:00:00+02:00"},
		{"at their beginning", "22:00 07:00", "2026-06-01T22:00:00+02:00", "2026-06-02T07:00:00+02:00"},
		{"at their end they are over", "22:00 07:00", "2026-06-02T07:00:00+02:00", "2026-06-02T07:00:00+02:00"},
		{"in the day there are none", "22:00 07:00", "2026-06-02T12:34:56+02:00", "2026-06-02T12:34:56+02:00"},
		{"within one day", "09:00 17:30", "2026-06-02T09:15:30+02:00", "2026-06-02T17:30:00+02:00"},
		{"none at all", "09:00 09:00", "2026-06-02T09:00:00+02:00", "2026-06-02T09:00:00+02:00"},
		{"the short night", "22:00 07:00", "2026-03-28T22:30:00+01:00", "2026-03-29T07:00:00+02:00"},
		{"the long night", "22:00 07:00", "2026-10-24T22:30:00+02:00", "2026-10-25T07:00:00+01:00"},
		{"an end that the clock skips", "22:00 02:30", "2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"an end that it shows twice: the first", "22:00 02:30", "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"an hour that it shows twice: both", "02:00 03:00", "2026-10-25T02:10:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"a beginning that it skips", "02:30 04:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hoursOf(t, c.hours).End(instant(t, c.at), madrid(t)); !got.Equal(instant(t, c.end)) {
				t.Errorf("from %s on they end at %s, want %s", c.at, got.In(madrid(t)).Format(time.RFC3339), c.end)
			}
		})
	}
}

// From any minute of two years on, hours end at a minute outside of them, and
// every minute before that is within.
func TestHoursEndWhereTheyEnd(t *testing.T) {
	zone := madrid(t)
	for _, hours := range []string{"22:00 07:00", "02:30 03:30", "00:00 23:59", "23:59 00:00", "02:00 02:01"} {
		h := hoursOf(t, hours)
		for at := instant(t, "2026-01-01T00:00:30Z"); at.Year() < 2027; at = at.Add(37 * time.Minute) {
			end := h.End(at, zone)
			if h.within(end.In(zone)) || end.Before(at) || end.After(at) && !h.within(end.Add(-time.Second).In(zone)) || end.Sub(at) > 25*time.Hour {
				t.Fatalf("%s: from %v on they end at %v", hours, at.In(zone), end.In(zone))
			}
			if inside := h.within(at.In(zone)); inside != end.After(at) {
				t.Fatalf("%s at %v: %v, and they end at %v", hours, at.In(zone), inside, end.In(zone))
			}
		}
	}
}

func TestWindows(t *testing.T) {
	sunday, err := ParseSchedule("0 2 * * Sun", madrid(t))
	if err != nil {
		t.Fatal(err)
	}
	again := Window{Name: "w", Starts: sunday, Length: 90 * time.Minute}
	once := Window{Name: "w", From: instant(t, "2026-06-07T10:00:00Z"), To: instant(t, "2026-06-07T11:00:00Z")}
	for _, c := range []struct {
		name      string
		w         Window
		at, until string // "" is not on
		next      string
		over      bool
	}{
		{"before it", once, "2026-06-07T09:59:59Z", "", "2026-06-07T10:00:00Z", false},
		{"at its beginning", once, "2026-06-07T10:00:00Z", "2026-06-07T11:00:00Z", "", false},
		{"at its end", once, "2026-06-07T11:00:00Z", "", "", true},
		{"on a Sunday", again, "2026-06-07T03:29:59+02:00", "2026-06-07T03:30:00+02:00", "2026-06-14T02:00:00+02:00", false},
		{"after that", again, "2026-06-07T03:30:00+02:00", "", "2026-06-14T02:00:00+02:00", false},
		{"at its beginning, again", again, "2026-06-07T02:00:00+02:00", "2026-06-07T03:30:00+02:00", "2026-06-14T02:00:00+02:00", false},
		{"in the night without 02:00", again, "2026-03-29T03:10:00+02:00", "2026-03-29T04:30:00+02:00", "2026-04-05T02:00:00+02:00", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			until, on := c.w.At(instant(t, c.at))
			if on != (c.until != "") || on && !until.Equal(instant(t, c.until)) {
				t.Errorf("on: %v, until %v", on, until)
			}
			next := c.w.Next(instant(t, c.at))
			if (c.next == "") != next.IsZero() || c.next != "" && !next.Equal(instant(t, c.next)) {
				t.Errorf("next: %v", next)
			}
			if over := c.w.Over(instant(t, c.at)); over != c.over {
				t.Errorf("over: %v", over)
			}
		})
	}
}

func TestPicks(t *testing.T) {
	token := Token{ID: 7, Tags: []string{"DB", "prod"}}
	for _, c := range []struct {
		pick Pick
		want bool
	}{
		{Pick{}, true},
		{Pick{Tags: []string{"web", "db"}}, true},
		{Pick{Tags: []string{"web"}}, false},
		{Pick{Tokens: []int64{8}}, false},
		{Pick{Tokens: []int64{8, 7}}, true},
		{Pick{Tags: []string{"web"}, Tokens: []int64{7}}, true},
	} {
		if got := c.pick.Has(token); got != c.want {
			t.Errorf("%+v: %v", c.pick, got)
		}
	}
}

// The policy of the tests below: channel 1 at once, channel 2 if it still fires
// after 15 minutes and again every 4 hours; nothing in the night but what is
// critical. Channel 3 hears of failures of the databases, in the night only.
func nightly(t *testing.T) *Policy {
	return &Policy{
		Zone: madrid(t),
		Rules: []Rule{
			{Channels: []int64{1}, Ends: true},
			{Channels: []int64{2}, After: 15 * time.Minute, Every: 4 * time.Hour, Ends: true},
			{Pick: Pick{Tags: []string{"db"}}, Reasons: []Reason{Failed}, Channels: []int64{3}, Hours: hoursOf(t, "22:00 07:00"), Only: true},
		},
		Quiet: hoursOf(t, "22:00 07:00"), Except: Pick{Tags: []string{"critical"}},
	}
}

func TestWhoHearsOfWhat(t *testing.T) {
	p := nightly(t)
	for _, c := range []struct {
		tags string
		why  Reason
		want []int64
	}{
		{"", Missed, []int64{1, 2}},
		{"db", Missed, []int64{1, 2}},
		{"db", Failed, []int64{1, 2, 3}},
	} {
		if got := p.Channels(Token{Tags: strings.Fields(c.tags)}, c.why); !slices.Equal(got, c.want) {
			t.Errorf("of a token tagged %q that is %s hear %v, want %v", c.tags, c.why, got, c.want)
		}
	}
}

func TestWhenWhoHears(t *testing.T) {
	p := nightly(t)
	p.Windows = []Window{{Name: "Upgrade", Pick: Pick{Tags: []string{"web"}}, From: instant(t, "2026-06-01T12:00:00+02:00"), To: instant(t, "2026-06-01T21:50:00+02:00")}}
	fires := func(channel int64, round int, made string) Delivery {
		return Delivery{ChannelID: channel, Round: round, MadeAt: instant(t, made), Alert: Alert{To: Firing, Reason: Missed}}
	}
	fails := func(channel int64, made string) Delivery {
		d := fires(channel, 0, made)
		d.Reason = Failed
		return d
	}
	ends := func(channel int64, made string) Delivery {
		return Delivery{ChannelID: channel, MadeAt: instant(t, made), Alert: Alert{From: Firing, To: Up, Reason: Recovered}}
	}
	for _, c := range []struct {
		name, tags string
		d          Delivery
		snoozed    string
		want, why  string // "": it is not told
	}{
		{"at once", "", fires(1, 0, "2026-06-01T10:00:00+02:00"), "", "2026-06-01T10:00:00+02:00", ""},
		{"after a while", "", fires(2, 0, "2026-06-01T10:00:00+02:00"), "", "2026-06-01T10:15:00+02:00", "If it still fires then."},
		{"again", "", fires(2, 3, "2026-06-01T10:00:00+02:00"), "", "2026-06-01T14:00:00+02:00", "Again, if it still fires then."},
		{"not again", "", fires(1, 1, "2026-06-01T10:00:00+02:00"), "", "", ""},
		{"in the night", "", fires(1, 0, "2026-06-01T23:00:00+02:00"), "", "2026-06-02T07:00:00+02:00", "Quiet hours."},
		{"after a while, which ends in the night", "", fires(2, 0, "2026-06-01T21:50:00+02:00"), "", "2026-06-02T07:00:00+02:00", "Quiet hours."},
		{"in the night, critical", "Critical", fires(1, 0, "2026-06-01T23:00:00+02:00"), "", "2026-06-01T23:00:00+02:00", ""},
		{"a reason that is not for it", "db", fires(3, 0, "2026-06-01T10:00:00+02:00"), "", "", ""},
		{"in the night only", "db critical", fails(3, "2026-06-01T10:00:00+02:00"), "", "2026-06-01T22:00:00+02:00", "Quiet hours."},
		{"in the night only, and it is", "db critical", fails(3, "2026-06-01T23:00:00+02:00"), "", "2026-06-01T23:00:00+02:00", ""},
		{"in the night only, in which nothing is sent: better at once than never", "db", fails(3, "2026-06-01T10:00:00+02:00"), "", "2026-06-01T10:00:00+02:00", ""},
		{"in maintenance, which ends just before the night", "web", fires(2, 0, "2026-06-01T12:30:00+02:00"), "", "2026-06-01T21:50:00+02:00", "Maintenance: Upgrade."},
		{"in maintenance, of another token", "db", fires(1, 0, "2026-06-01T12:30:00+02:00"), "", "2026-06-01T12:30:00+02:00", ""},
		{"snoozed", "", fires(1, 0, "2026-06-01T10:00:00+02:00"), "2026-06-01T16:30:00+02:00", "2026-06-01T16:30:00+02:00", "It is snoozed."},
		{"snoozed into the night", "", fires(1, 0, "2026-06-01T10:00:00+02:00"), "2026-06-01T23:30:00+02:00", "2026-06-02T07:00:00+02:00", "Quiet hours."},
		{"snoozed before", "", fires(1, 0, "2026-06-01T10:00:00+02:00"), "2026-06-01T09:00:00+02:00", "2026-06-01T10:00:00+02:00", ""},
		{"its end", "", ends(2, "2026-06-01T10:00:00+02:00"), "", "2026-06-01T10:00:00+02:00", ""},
		{"its end in the night", "", ends(2, "2026-06-01T23:00:00+02:00"), "", "2026-06-02T07:00:00+02:00", "Quiet hours."},
		{"its end, of which the rule says nothing", "db critical", ends(3, "2026-06-01T23:00:00+02:00"), "", "", ""},
		{"its end, though the rules changed meanwhile", "", ends(4, "2026-06-01T10:00:00+02:00"), "", "2026-06-01T10:00:00+02:00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := Token{ID: 1, Tags: strings.Fields(c.tags)}
			if c.snoozed != "" {
				token.SnoozedUntil = instant(t, c.snoozed)
			}
			at, why, ok := p.Due(token, c.d)
			if ok != (c.want != "") || ok && (!at.Equal(instant(t, c.want)) || why != c.why) {
				t.Errorf("it is told: %v, %s, %q; want %s, %q", ok, at.In(madrid(t)).Format(time.RFC3339), why, c.want, c.why)
			}
		})
	}
}

// Quiet hours without exceptions are for every token.
func TestQuietHoursAreForEveryToken(t *testing.T) {
	p := &Policy{Rules: []Rule{{Channels: []int64{1}}}, Quiet: hoursOf(t, "22:00 07:00")}
	d := Delivery{ChannelID: 1, MadeAt: instant(t, "2026-06-01T23:00:00Z"), Alert: Alert{To: Firing, Reason: Missed}}
	if at, why, ok := p.Due(Token{ID: 1, Tags: []string{"critical"}}, d); !ok || !at.Equal(instant(t, "2026-06-02T07:00:00Z")) || why != "Quiet hours." {
		t.Errorf("%v, %q, %v", at, why, ok)
	}
}

// Of several rules about one channel the one counts by which it hears first.
func TestTheFirstRuleToSpeakCounts(t *testing.T) {
	p := &Policy{Rules: []Rule{
		{Channels: []int64{1}, After: time.Hour, Every: 6 * time.Hour},
		{Channels: []int64{1}, After: time.Minute, Every: 8 * time.Hour},
		{Pick: Pick{Tags: []string{"db"}}, Channels: []int64{1}, Every: 2 * time.Hour},
	}}
	made := instant(t, "2026-06-01T10:00:00Z")
	d := Delivery{ChannelID: 1, MadeAt: made, Alert: Alert{To: Firing, Reason: Missed}}
	again := d
	again.Round = 1
	for tags, want := range map[string][]time.Duration{"": {time.Minute, 6 * time.Hour}, "db": {0, 2 * time.Hour}} {
		token := Token{Tags: strings.Fields(tags)}
		first, _, _ := p.Due(token, d)
		second, _, _ := p.Due(token, again)
		if got := []time.Duration{first.Sub(made), second.Sub(made)}; !slices.Equal(got, want) {
			t.Errorf("tagged %q: %v, want %v", tags, got, want)
		}
		if got := p.Every(token, 1, Missed); got != want[1] {
			t.Errorf("tagged %q: every %v", tags, got)
		}
	}
}

func TestANewChannelHearsOfEverything(t *testing.T) {
	p := (&Policy{}).Greets(1).Greets(2)
	want := []Rule{{Channels: []int64{1, 2}, Ends: true}}
	if d := cmp.Diff(want, p.Rules); d != "" {
		t.Error(d)
	}
	p.Rules = []Rule{{Channels: []int64{1, 2}, Every: time.Hour, Ends: true}, {Channels: []int64{2}}}
	q := p.Greets(3)
	if d := cmp.Diff([]Rule{p.Rules[0], p.Rules[1], {Channels: []int64{3}, Ends: true}}, q.Rules); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Rule{{Channels: []int64{1}, Every: time.Hour, Ends: true}, {Channels: []int64{3}, Ends: true}}, q.Without(2).Rules); d != "" {
		t.Error(d)
	}
	if len(p.Rules) != 2 || len(p.Rules[0].Channels) != 2 {
		t.Errorf("the first was changed: %+v", p.Rules)
	}
}

// A policy that is full stays one that can be saved.
func TestANewChannelFitsIntoAFullPolicy(t *testing.T) {
	p := &Policy{}
	for range MaxRules {
		p.Rules = append(p.Rules, Rule{Channels: []int64{1}, Every: time.Hour})
	}
	q := p.Greets(2)
	if errs := q.Validate(); len(errs) > 0 || q.Names(2) {
		t.Errorf("%v, it names the new one: %v", errs, q.Names(2))
	}
}

func TestWhatIsWrongWithAPolicy(t *testing.T) {
	many := make([]Rule, MaxRules+1)
	for i := range many {
		many[i].Channels = []int64{1}
	}
	for field, p := range map[string]*Policy{
		"rules":            {Rules: many},
		"rules.0.channels": {Rules: []Rule{{}}},
		"rules.1.pick":     {Rules: []Rule{{Channels: []int64{1}}, {Channels: []int64{1}, Pick: Pick{Tags: []string{strings.Repeat("x", MaxTag+1)}}}}},
		"rules.0.reasons":  {Rules: []Rule{{Channels: []int64{1}, Reasons: []Reason{First}}}},
		"rules.0.after":    {Rules: []Rule{{Channels: []int64{1}, After: 8 * day}}},
		"rules.0.every":    {Rules: []Rule{{Channels: []int64{1}, Every: time.Second}}},
		"rules.0.hours":    {Rules: []Rule{{Channels: []int64{1}, Only: true}}},
		"quiet":            {Quiet: Hours{From: 1, To: 24 * 60}},
		"except":           {Except: Pick{Tokens: make([]int64, MaxPicked+1)}},
		"windows":          {Windows: make([]Window, MaxWindows+1)},
	} {
		if errs := p.Validate(); len(errs) != 1 || errs[0].Field != field {
			t.Errorf("%s: %v", field, errs)
		}
	}
	if errs := nightly(t).Validate(); len(errs) > 0 {
		t.Errorf("of a good one: %v", errs)
	}
}

func TestWhatIsWrongWithAWindow(t *testing.T) {
	now := instant(t, "2026-06-01T10:00:00Z")
	starts := func(text string) Schedule {
		s, err := ParseSchedule(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for field, w := range map[string]Window{
		"name":   {From: now, To: now.Add(time.Hour)},
		"from":   {Name: "w", To: now.Add(time.Hour)},
		"to":     {Name: "w", From: now.Add(time.Hour), To: now.Add(time.Hour)},
		"starts": {Name: "w", Starts: starts("30m"), Length: time.Minute},
		"length": {Name: "w", Starts: starts("0 2 * * *"), Length: 24 * time.Hour},
		"pick":   {Name: "w", From: now, To: now.Add(time.Hour), Pick: Pick{Tags: make([]string, MaxTags+1)}},
	} {
		if errs := w.Validate(now); len(errs) != 1 || errs[0].Field != field {
			t.Errorf("%s: %v", field, errs)
		}
	}
	over := Window{Name: "w", From: now.Add(-time.Hour), To: now}
	if errs := over.Validate(now); len(errs) != 1 || errs[0].Field != "to" {
		t.Errorf("one that is over: %v", errs)
	}
	for _, w := range []Window{{Name: "w", Starts: starts("0 2 * * *"), Length: 23 * time.Hour}, {Name: "w", From: now, To: now.Add(time.Hour)}} {
		if errs := w.Validate(now); len(errs) > 0 {
			t.Errorf("of a good one: %v", errs)
		}
	}
}

func TestAcknowledgingIsUntilTheFiringEnds(t *testing.T) {
	now := instant(t, "2026-06-01T10:00:00Z")
	token := Token{ID: 1, Schedule: Every(time.Hour), Status: Firing, Reason: Missed, FlippedAt: now, Flips: 3, LastAt: now.Add(-2 * time.Hour), Since: now.Add(-2 * time.Hour)}
	c := token.Acknowledge("Ana", "on it", now.Add(time.Minute))
	want := &Flip{TokenID: 1, Number: 4, At: now.Add(time.Minute), From: Firing, To: Firing, Reason: WasAcked, Note: "Ana: on it"}
	if d := cmp.Diff(want, c.Flip); d != "" {
		t.Error(d)
	}
	acked := c.Token
	if acked.Ack == nil || acked.Ack.By != "Ana" || acked.Reason != Missed || !acked.FlippedAt.Equal(now) {
		t.Errorf("acknowledged: %+v", acked)
	}
	if _, told := c.Alert(token); told {
		t.Error("channels are told that somebody looks after it")
	}
	later := now.Add(time.Hour)
	for name, next := range map[string]Token{
		"a success":  acked.Beat(Heartbeat{TokenID: 1, At: later, Kind: Success}).Token,
		"disabling":  acked.Disable(later).Token,
		"removing":   acked.Remove(later).Token,
		"an edit":    acked.Edit(Settings{Name: "t", Schedule: Every(10 * day)}, later).Token,
		"taken back": acked.TakeBack(later).Token,
	} {
		if next.Ack != nil {
			t.Errorf("after %s somebody still looks after it", name)
		}
	}
	if next := acked.Beat(Heartbeat{TokenID: 1, At: later, Kind: Failure}).Token; next.Ack == nil {
		t.Error("one more failure takes it back")
	}
	if back := acked.TakeBack(later); back.Flip == nil || back.Flip.Reason != TakenBack || back.Flip.Note != "Ana" {
		t.Errorf("taken back: %+v", back.Flip)
	}
	up := acked.Beat(Heartbeat{TokenID: 1, At: later, Kind: Success}).Token
	if c := up.Acknowledge("Ana", "", later); c.Flip != nil || c.Token.Ack != nil {
		t.Error("a token that is up is looked after")
	}
	if c := up.TakeBack(later); c.Flip != nil {
		t.Error("what nobody looks after is taken back")
	}
}

func TestWhatIsWrongWithAnAcknowledgement(t *testing.T) {
	for _, c := range []struct {
		ack  Ack
		want string
	}{
		{Ack{By: "Ana"}, ""},
		{Ack{By: strings.Repeat("é", MaxAckBy), Why: strings.Repeat("é", MaxAckWhy)}, ""},
		{Ack{Why: "on it"}, "by: Say who looks after it: a name will do."},
		{Ack{By: strings.Repeat("x", MaxAckBy+1)}, "by: The name has 101 characters; at most 100 are possible."},
		{Ack{By: "Ana", Why: strings.Repeat("x", MaxAckWhy+1)}, "why: The reason has 301 characters; at most 300 are possible."},
		{Ack{By: "A\x00a", Why: "\xff"}, "by: The name is one line of text: it has characters that are none.\nwhy: The reason is one line of text: it has characters that are none."},
	} {
		var got []string
		for _, e := range c.ack.Validate() {
			got = append(got, e.Field+": "+e.Message)
		}
		if d := cmp.Diff(c.want, strings.Join(got, "\n")); d != "" {
			t.Errorf("%.20q: %s", c.ack.By, d)
		}
	}
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func madrid(t testing.TB) *time.Location {
	t.Helper()
	zone, err := LoadZone("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func hoursOf(t testing.TB, text string) Hours {
	t.Helper()
	var a, b, c, d int
	if _, err := fmt.Sscanf(text, "%d:%d %d:%d", &a, &b, &c, &d); err != nil {
		t.Fatal(err)
	}
	return Hours{a*60 + b, c*60 + d}
}
