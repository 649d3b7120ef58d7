package notify

import (
	"errors"
	"testing"
	"time"

	"kae"
)

// Alertmanager forgets what it is not told again and again.
func TestWhatGoesOnIsSentAgainToAlertmanager(t *testing.T) {
	bubble(t, "alertmanager mail", func(d *desk) {
		d.till(30 * time.Second)
		d.alert(1, kae.Firing)
		d.till(90 * time.Second)
		d.alert(2, kae.Firing)
		d.till(150 * time.Second)
		d.alert(1, kae.Up)
		d.till(200 * time.Second)
		d.alert(2, kae.Up)
		d.till(time.Hour)
		d.heard("alertmanager", "30s: t1 firing", "1m0s: t1 firing", "1m30s: t2 firing", "2m0s: t1 firing, t2 firing", "2m30s: t1 up", "3m0s: t2 firing", "3m20s: t2 up")
		d.heard("mail", "30s: t1 firing", "1m30s: t2 firing", "2m30s: t1 up", "3m20s: t2 up")
		if states := d.states(); len(states) != 8 {
			t.Errorf("what is sent again is written down: %q", states)
		}
	})
}

// What was sent again delays nothing that is new.
func TestWhatIsSentAgainDelaysNothing(t *testing.T) {
	bubble(t, "alertmanager", func(d *desk) {
		d.till(time.Second)
		d.alert(1, kae.Firing)
		d.till(61 * time.Second)
		d.alert(2, kae.Firing)
		after(0)
		d.heard("alertmanager", "1s: t1 firing", "1m0s: t1 firing", "1m1s: t2 firing")
	})
}

// After a start it is told at once, and when it fails that shows.
func TestAlertmanagerIsToldAgainAfterAStart(t *testing.T) {
	bubble(t, "alertmanager", func(d *desk) {
		d.alert(1, kae.Firing)
		d.till(10 * time.Minute)
		d.stop()
		before := len(d.sent["alertmanager"])
		d.till(11 * time.Minute)
		d.answer = func(string, int) error { return errors.New("connection refused") }
		d.start()
		after(0)
		if len(d.sent["alertmanager"]) != before+1 {
			t.Errorf("told %d times since", len(d.sent["alertmanager"])-before)
		}
		if c := d.n.Channels()[0]; c.FailingSince.IsZero() || c.Problem != "connection refused" {
			t.Errorf("the channel: %+v", c)
		}
		d.mu.Lock()
		d.answer = nil
		d.mu.Unlock()
		after(time.Minute)
		if c := d.n.Channels()[0]; !c.FailingSince.IsZero() || !c.LastAt.IsZero() {
			t.Errorf("the channel: %+v", c)
		}
	})
}

// What may not be told now is not sent again either.
func TestWhatIsHeldIsNotSentAgain(t *testing.T) {
	bubble(t, "alertmanager", func(d *desk) {
		d.till(time.Second)
		d.alert(1, kae.Firing)
		d.till(30 * time.Second)
		d.change(func(p *kae.Policy) {
			p.Windows = []kae.Window{{Name: "w", From: d.begun, To: d.begun.Add(10 * time.Minute)}}
		})
		d.till(9 * time.Minute)
		d.heard("alertmanager", "1s: t1 firing")
		d.till(10*time.Minute + 30*time.Second)
		d.heard("alertmanager", "1s: t1 firing", "10m0s: t1 firing")
	})
}
