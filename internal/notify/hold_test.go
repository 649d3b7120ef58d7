package notify

import (
	"testing"
	"time"

	"kae"
)

// acked says that somebody looks after a token; "": nobody does after all.
func (d *desk) acked(id int64, by string) {
	d.Helper()
	t := d.token(id)
	if t.Ack = nil; by != "" {
		t.Ack = &kae.Ack{At: time.Now(), By: by}
	}
	d.becomes(t)
	d.n.Wake()
	after(0)
}

// What somebody looks after stays held when another one takes over, and when
// the policy is changed.
func TestWhatSomebodyLooksAfterStaysHeld(t *testing.T) {
	bubble(t, "slack mail", func(d *desk) {
		d.policy(usual...)
		d.alert(1, kae.Firing)
		d.till(5 * time.Minute)
		d.acked(1, "Ana")
		d.till(30 * time.Minute)
		d.acked(1, "Ben")
		d.policy(kae.Rule{Channels: []int64{slackChannel, mailChannel}, Ends: true})
		d.till(time.Hour)
		d.heard("mail")
		d.acked(1, "")
		d.heard("mail", "1h0m0s: t1 firing")
	})
}

// Whatever was due before it goes out is held by what holds then.
func TestWhatWasDueEarlierIsHeldAllTheSame(t *testing.T) {
	quiet := func(p *kae.Policy) { p.Quiet = kae.Hours{From: 60, To: 7 * 60} } // from 01:00 to 07:00
	for name, happens := range map[string]func(d *desk){
		"taken back in quiet hours": func(d *desk) {
			d.change(func(p *kae.Policy) { p.Rules[0].After = 30 * time.Minute })
			d.alert(1, kae.Firing)
			d.acked(1, "Ana")
			d.till(2 * time.Hour)
			d.acked(1, "")
		},
		"kae was off at the due time": func(d *desk) {
			d.change(func(p *kae.Policy) { p.Rules[0].After = 30 * time.Minute })
			d.alert(1, kae.Firing)
			after(0)
			d.stop()
			d.till(2 * time.Hour)
			d.start()
		},
		"the other side asked for some time": func(d *desk) {
			d.answer = func(_ string, nth int) error {
				if nth == 1 {
					return &Refused{Answer: "429 from slack", After: 90 * time.Minute}
				}
				return nil
			}
			d.alert(1, kae.Firing)
			after(time.Second)
			d.mu.Lock()
			d.answer, d.sent["slack"] = nil, nil
			d.mu.Unlock()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "slack", func(d *desk) {
				d.change(quiet)
				happens(d)
				d.till(9 * time.Hour)
				d.heard("slack", "7h0m0s: t1 firing")
			})
		})
	}
}

// A message that was refused waits for its next try, and for what holds then.
func TestWhatWasRefusedIsHeldToo(t *testing.T) {
	refusedOnce := func(d *desk) {
		d.answer = func(_ string, nth int) error {
			if nth == 1 {
				return &Refused{Answer: "503 from slack"}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Second)
	}
	for name, holds := range map[string]func(d *desk){
		"somebody looks after it": func(d *desk) {
			d.acked(1, "Ana")
			d.till(time.Hour)
			d.acked(1, "")
		},
		"it is snoozed": func(d *desk) {
			token := d.token(1)
			token.SnoozedUntil = d.begun.Add(time.Hour)
			d.becomes(token)
			d.n.Wake()
		},
		"it is in maintenance": func(d *desk) {
			d.change(func(p *kae.Policy) {
				p.Windows = []kae.Window{{Name: "w", From: d.begun, To: d.begun.Add(time.Hour)}}
			})
			if _, err := d.n.Test(d.Context(), 1); err != nil { // which makes what was refused be tried at once
				d.Fatal(err)
			}
			d.mu.Lock()
			d.sent["slack"] = d.sent["slack"][:1]
			d.mu.Unlock()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "slack", func(d *desk) {
				refusedOnce(d)
				holds(d)
				d.till(2 * time.Hour)
				d.heard("slack", "0s: t1 firing", "1h0m0s: t1 firing")
			})
		})
	}
}

// A recovery that waits for the morning goes out with the next firing, if that
// is not to wait.
func TestAHeldRecoveryHoldsNothingUp(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		d.policy(
			kae.Rule{Channels: []int64{1}, Hours: kae.Hours{From: 60, To: 7 * 60}, Ends: true},
			kae.Rule{Channels: []int64{1}, Pick: kae.Pick{Tags: []string{"critical"}}},
		)
		d.alert(1, kae.Firing)
		d.till(2 * time.Hour)
		d.alert(1, kae.Up)
		d.till(3 * time.Hour)
		critical := d.token(1)
		critical.Tags = []string{"critical"}
		d.becomes(critical)
		d.alert(1, kae.Firing)
		d.till(4 * time.Hour)
		d.heard("slack", "0s: t1 firing", "3h0m0s: t1 firing")
	})
}

// There is one reminder to come at a time, however often the policy is changed.
func TestAChangedPolicyRemindsOnce(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		every := kae.Rule{Channels: []int64{1}, Every: time.Hour, Ends: true}
		d.policy(every)
		d.alert(1, kae.Firing)
		for range 3 {
			after(time.Minute)
			d.policy(every)
		}
		d.till(90 * time.Minute)
		d.heard("slack", "0s: t1 firing", "1h0m0s: t1 still firing")
		if states := d.states(); len(states) != 3 {
			t.Errorf("%q", states)
		}
	})
}

// What is over before its message arrived makes no reminder.
func TestNoReminderOfWhatIsOver(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		d.policy(kae.Rule{Channels: []int64{1}, Every: time.Hour, Ends: true})
		d.answer = func(_ string, nth int) error {
			time.Sleep(5 * time.Second)
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Second)
		d.alert(1, kae.Up)
		after(time.Minute)
		if states := d.states(); len(states) != 2 {
			t.Errorf("%q", states)
		}
	})
}

// A reminder that is refused for good is not the last.
func TestARefusedReminderIsNotTheLast(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		d.policy(kae.Rule{Channels: []int64{1}, Every: time.Hour, Ends: true})
		d.answer = func(_ string, nth int) error {
			if nth == 2 {
				return &Refused{Answer: "403 from slack", Permanent: true}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		d.till(3*time.Hour + time.Minute)
		d.heard("slack", "0s: t1 firing", "1h0m0s: t1 still firing", "2h0m0s: t1 still firing", "3h0m0s: t1 still firing")
	})
}

// A kae that was killed just after the policy was changed reminds all the same.
func TestRemindersBeginAfterAStart(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		d.alert(1, kae.Firing)
		after(time.Minute)
		d.stop()
		d.shelf.policy = &kae.Policy{Rules: []kae.Rule{{Channels: []int64{1}, Every: time.Hour, Ends: true}}}
		d.start()
		d.till(90 * time.Minute)
		d.heard("slack", "0s: t1 firing", "1h0m0s: t1 still firing")
	})
}

// What was written while the clock was ahead does not wait until it is there
// again.
func TestTheClockIsSetBack(t *testing.T) {
	bubble(t, "slack", func(d *desk) {
		d.flip(1, kae.Firing)
		d.shelf.mu.Lock()
		ahead := &d.shelf.deliveries[0]
		ahead.MadeAt, ahead.DueAt = ahead.MadeAt.AddDate(1, 0, 0), ahead.DueAt.AddDate(1, 0, 0)
		d.shelf.mu.Unlock()
		d.n.Wake()
		after(0)
		d.heard("slack", "0s: t1 firing")
	})
}
