package notify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// policy gives the desk another policy.
func (d *desk) policy(rules ...kae.Rule) {
	d.Helper()
	d.change(func(p *kae.Policy) { p.Rules = rules })
}

func (d *desk) change(f func(p *kae.Policy)) {
	d.Helper()
	err := d.n.ChangePolicy(d.Context(), func(p kae.Policy) (kae.Policy, error) {
		f(&p)
		return p, nil
	})
	if err != nil {
		d.Fatal(err)
	}
	after(0)
}

// says tells what is said about each delivery.
func (d *desk) says() (said []string) {
	d.shelf.mu.Lock()
	defer d.shelf.mu.Unlock()
	for _, x := range d.shelf.deliveries {
		said = append(said, string(x.State)+": "+x.Answer)
	}
	return said
}

// till sleeps until so long after the beginning.
func (d *desk) till(length time.Duration) { after(time.Until(d.begun.Add(length))) }

const (
	slackChannel = 1
	mailChannel  = 2
)

// Slack at once; mail if it still fires after 15 minutes, and again every 4 hours.
var usual = []kae.Rule{
	{Channels: []int64{slackChannel}, Ends: true},
	{Channels: []int64{mailChannel}, After: 15 * time.Minute, Every: 4 * time.Hour, Ends: true},
}

func TestMailIfItStillFires(t *testing.T) {
	bubble(t, "slack mail", func(d *desk) {
		d.policy(usual...)
		d.alerts(kae.Firing, 1, 2)
		d.till(10 * time.Minute)
		if waiting, _ := d.n.Undelivered(); waiting != 0 {
			t.Errorf("%d count as undelivered before they are due", waiting)
		}
		d.alert(2, kae.Up)
		d.till(9 * time.Hour)
		d.alert(1, kae.Up)
		d.till(20 * time.Hour)
		d.heard("slack", "0s: t1 firing, t2 firing", "10m0s: t2 up", "9h0m0s: t1 up")
		d.heard("mail", "15m0s: t1 firing", "4h15m0s: t1 still firing", "8h15m0s: t1 still firing", "9h0m0s: t1 up")
	})
}

func TestWhatIsOverBeforeItsTimeIsSpared(t *testing.T) {
	bubble(t, "slack mail", func(d *desk) {
		d.policy(usual...)
		d.alert(1, kae.Firing)
		d.till(14 * time.Minute)
		d.alert(1, kae.Up)
		d.till(15 * time.Minute)
		d.alert(1, kae.Firing)
		d.till(40 * time.Minute)
		d.heard("mail", "30m0s: t1 firing")
		want := []string{
			"delivered: taken", "spared: It was over before that.", "delivered: taken", "spared: Its firing was not told either.",
			"delivered: taken", "delivered: taken", "waiting: Again, if it still fires then.",
		}
		if diff := cmp.Diff(want, d.says()); diff != "" {
			t.Error(diff)
		}
	})
}

// kae may have been off when a firing ended: it is spared all the same.
func TestWhatIsOverIsSparedAfterAStop(t *testing.T) {
	bubble(t, "slack mail", func(d *desk) {
		d.policy(usual...)
		d.alert(1, kae.Firing)
		d.till(5 * time.Minute)
		d.stop()
		d.alert(1, kae.Up)
		d.till(30 * time.Minute)
		d.start()
		d.till(time.Hour)
		d.heard("slack", "0s: t1 firing", "30m0s: t1 up")
		d.heard("mail")
		d.alert(2, kae.Firing)
		d.till(70 * time.Minute)
		d.stop()
		d.till(2 * time.Hour)
		d.start()
		after(time.Minute)
		d.heard("mail", "2h0m0s: t2 firing")
	})
}

func TestQuietHours(t *testing.T) {
	bubble(t, "slack", func(d *desk) { // it begins at midnight, UTC
		d.change(func(p *kae.Policy) {
			p.Quiet, p.Except = kae.Hours{From: 22 * 60, To: 7 * 60}, kae.Pick{Tags: []string{"critical"}}
		})
		critical := d.token(9)
		critical.Tags = []string{"critical"}
		d.becomes(critical)
		d.alert(1, kae.Firing) // is over before the morning
		d.alert(2, kae.Firing) // goes on
		d.alert(3, kae.Firing) // fires twice
		d.alert(9, kae.Firing)
		d.till(time.Hour)
		d.alert(1, kae.Up)
		d.alert(3, kae.Up)
		d.till(2 * time.Hour)
		d.alert(3, kae.Firing)
		d.alert(9, kae.Up)
		d.till(12 * time.Hour)
		d.alert(2, kae.Up)
		d.till(20 * time.Hour)
		d.alert(4, kae.Firing)
		d.till(23 * time.Hour)
		d.alert(4, kae.Up) // of what was told before the night
		d.till(36 * time.Hour)
		d.heard("slack", "0s: t9 firing", "2h0m0s: t9 up", "7h0m0s: t2 firing, t3 firing", "12h0m0s: t2 up", "20h0m0s: t4 firing", "31h0m0s: t4 up")
	})
}

// In the zone of the policy, over the nights in which its clocks are changed.
func TestQuietHoursWhenTheClocksAreChanged(t *testing.T) {
	for name, c := range map[string]struct {
		day  time.Time
		want string
	}{
		"to summer": {time.Date(2026, 3, 28, 22, 0, 0, 0, madrid), "8h30m0s: t1 firing"},
		"to winter": {time.Date(2026, 10, 24, 22, 0, 0, 0, madrid), "10h30m0s: t1 firing"},
		"no change": {time.Date(2026, 6, 1, 22, 0, 0, 0, madrid), "9h30m0s: t1 firing"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "slack", func(d *desk) {
				time.Sleep(time.Until(c.day)) // the clock of the bubble begins in the year 2000
				d.begun = time.Now()
				d.change(func(p *kae.Policy) { p.Zone, p.Quiet = madrid, kae.Hours{From: 22 * 60, To: 7*60 + 30} })
				after(time.Hour)
				d.alert(1, kae.Firing)
				after(24 * time.Hour)
				d.heard("slack", c.want)
			})
		})
	}
}

func TestAnAcknowledgementStopsWhatIsToCome(t *testing.T) {
	bubble(t, "slack mail", func(d *desk) {
		d.policy(kae.Rule{Channels: []int64{slackChannel}, Every: time.Hour, Ends: true}, usual[1])
		ack := func(id int64, by *kae.Ack) {
			token := d.token(id)
			token.Ack = by
			d.becomes(token)
			d.n.Wake()
		}
		d.alert(1, kae.Firing)
		d.till(5 * time.Minute)
		ack(1, &kae.Ack{At: time.Now(), By: "Ana"})
		d.till(10 * time.Minute)
		if got := d.says(); !slices.Contains(got, "waiting: Ana looks after it.") {
			t.Errorf("it is said %q", got)
		}
		if waiting, _ := d.n.Undelivered(); waiting != 0 {
			t.Errorf("%d count as undelivered", waiting)
		}
		d.till(6 * time.Hour)
		d.alert(1, kae.Up)
		d.till(7 * time.Hour)
		d.heard("slack", "0s: t1 firing", "6h0m0s: t1 up")
		d.heard("mail") // it was not told that it fired

		d.alert(1, kae.Firing) // a new firing, after which nobody looks
		d.till(7*time.Hour + 30*time.Minute)
		ack(1, &kae.Ack{At: time.Now(), By: "Ana"})
		d.till(12 * time.Hour)
		ack(1, nil) // and now nobody again
		d.till(12*time.Hour + time.Minute)
		d.heard("slack", "0s: t1 firing", "6h0m0s: t1 up", "7h0m0s: t1 firing", "12h0m0s: t1 still firing")
		d.heard("mail", "7h15m0s: t1 firing", "12h0m0s: t1 still firing")
	})
}

func TestASnoozedTokenIsToldOfWhenThatEnds(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		d.policy(kae.Rule{Channels: []int64{slackChannel}, Every: time.Hour, Ends: true})
		snooze := func(id int64, until time.Duration) {
			token := d.token(id)
			if token.SnoozedUntil = d.begun.Add(until); until == 0 {
				token.SnoozedUntil = time.Time{}
			}
			d.becomes(token)
			d.n.Wake()
		}
		snooze(1, 8*time.Hour)
		snooze(2, 8*time.Hour)
		snooze(3, 8*time.Hour)
		d.alert(1, kae.Firing)
		d.alert(2, kae.Firing)
		d.alert(3, kae.Firing)
		d.till(time.Hour)
		d.alert(2, kae.Up)
		d.till(2 * time.Hour)
		snooze(3, 0) // sooner than it was meant to
		d.till(2*time.Hour + 10*time.Minute)
		snooze(3, 5*time.Hour)
		d.till(8*time.Hour + 10*time.Minute)
		d.alerts(kae.Up, 1, 3)
		d.till(10 * time.Hour)
		d.heard("slack", "2h0m0s: t3 firing", "5h0m0s: t3 still firing", "6h0m0s: t3 still firing", "7h0m0s: t3 still firing",
			"8h0m0s: t1 firing, t3 still firing", "8h10m0s: t1 up, t3 up")
	})
}

func TestMaintenance(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		starts, err := kae.ParseSchedule("0 2 * * *", time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		d.change(func(p *kae.Policy) {
			p.Windows = []kae.Window{
				{Name: "Upgrade", Pick: kae.Pick{Tokens: []int64{1, 2}}, From: d.begun, To: d.begun.Add(time.Hour)},
				{Name: "Nightly", Pick: kae.Pick{Tokens: []int64{3}}, Starts: starts, Length: 30 * time.Minute},
			}
		})
		d.alert(1, kae.Firing)
		d.alert(2, kae.Firing)
		d.alert(3, kae.Firing)
		d.till(30 * time.Minute)
		d.alert(2, kae.Up)
		d.till(2*time.Hour + 10*time.Minute)
		d.alert(3, kae.Up)
		d.till(26*time.Hour + 15*time.Minute)
		d.alert(3, kae.Firing)
		d.till(26*time.Hour + 25*time.Minute)
		d.alert(3, kae.Up)
		d.till(27 * time.Hour)
		d.heard("slack", "0s: t3 firing", "1h0m0s: t1 firing", "2h30m0s: t3 up")
		if got := d.says(); !slices.Contains(got, "spared: It was over before that.") {
			t.Errorf("%q", got)
		}
	})
}

// A window that is taken away holds nothing back any more.
func TestAChangedPolicyHoldsAtOnce(t *testing.T) {
	bubble(t, "slack mail", func(d *desk) {
		d.policy(kae.Rule{Channels: []int64{slackChannel}, After: 5 * time.Hour, Ends: true}, kae.Rule{Channels: []int64{mailChannel}, Ends: true})
		d.alerts(kae.Firing, 1, 2)
		d.till(time.Hour)
		d.policy(kae.Rule{Pick: kae.Pick{Tokens: []int64{1}}, Channels: []int64{slackChannel}, After: 30 * time.Minute, Ends: true},
			kae.Rule{Channels: []int64{mailChannel}, Every: 2 * time.Hour, Ends: true})
		d.till(90 * time.Minute)
		d.heard("slack", "1h0m0s: t1 firing") // and of the other one nothing any more
		d.till(150 * time.Minute)
		d.heard("mail", "0s: t1 firing, t2 firing", "2h0m0s: t1 still firing, t2 still firing") // it fired already
		if got := d.says(); !slices.Contains(got, "spared: By the policy it is not told.") {
			t.Errorf("%q", got)
		}
		d.policy(kae.Rule{Channels: []int64{mailChannel}, Ends: true}) // and told only once again
		d.till(10 * time.Hour)
		d.alert(1, kae.Up)
		after(time.Minute)
		d.heard("mail", "0s: t1 firing, t2 firing", "2h0m0s: t1 still firing, t2 still firing", "10h0m0s: t1 up")
		d.heard("slack", "1h0m0s: t1 firing", "10h0m0s: t1 up") // who heard of it hears of its end
	})
}

// What is due long after it was made is tried for a day like everything else.
func TestAReminderIsTriedForADay(t *testing.T) {
	bubble(t, "mail", func(d *desk) {
		d.policy(kae.Rule{Channels: []int64{1}, Every: 3 * 24 * time.Hour, Ends: true})
		d.answer = func(_ string, nth int) error {
			if nth == 2 || nth == 3 {
				return &Refused{Answer: "500 from mail"}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		d.till(72*time.Hour + 5*time.Minute)
		if got := d.states(); got[1] != "delivered after 3" {
			t.Errorf("%q", got)
		}
	})
}

// While a channel fails its reminders pile up nowhere: there is one at a time.
func TestOneReminderWaitsAtATime(t *testing.T) {
	bubble(t, "mail", func(d *desk) {
		d.policy(kae.Rule{Channels: []int64{1}, Every: time.Hour, Ends: true})
		d.answer = func(_ string, nth int) error {
			if nth > 1 {
				return &Refused{Answer: "500 from mail"}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		d.till(10 * time.Hour)
		if got := d.states(); len(got) != 2 {
			t.Errorf("%q", got)
		}
		d.mu.Lock()
		d.answer = nil
		d.mu.Unlock()
		d.alert(1, kae.Up)
		after(time.Hour)
		if last := d.sent["mail"][len(d.sent["mail"])-1]; last.said != "t1 up" {
			t.Errorf("heard last: %+v", last)
		}
	})
}

func TestAPolicyIsCheckedAndKept(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		wrong := func(want string, rules ...kae.Rule) {
			t.Helper()
			err := d.n.ChangePolicy(d.Context(), func(p kae.Policy) (kae.Policy, error) { p.Rules = rules; return p, nil })
			if err == nil || kae.ErrorCode(err) != kae.Invalid || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v", rules, err)
			}
		}
		wrong("There is no channel 7.", kae.Rule{Channels: []int64{7}})
		wrong("at least one channel", kae.Rule{})
		if rules := d.n.Policy().Rules; len(rules) != 1 || len(rules[0].Channels) != 1 {
			t.Errorf("after what was refused: %+v", rules)
		}
		d.policy(kae.Rule{Channels: []int64{1}, After: time.Hour})
		d.stop()
		d.start()
		if rules := d.n.Policy().Rules; len(rules) != 1 || rules[0].After != time.Hour {
			t.Errorf("after a start: %+v", rules)
		}
		c, err := d.n.Put(d.Context(), kae.Channel{Name: "new", Kind: "webhook"})
		if err != nil {
			t.Fatal(err)
		}
		want := []kae.Rule{{Channels: []int64{1}, After: time.Hour}, {Channels: []int64{c.ID}, Ends: true}}
		if diff := cmp.Diff(want, d.n.Policy().Rules); diff != "" {
			t.Errorf("with a new channel: %s", diff)
		}
		if err := d.n.Remove(d.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[:1], d.n.Policy().Rules); diff != "" {
			t.Errorf("without it: %s", diff)
		}
	})
}
