package notify

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// The first alert goes at once; those that come soon after it are one message.
func TestAStormIsOneMessage(t *testing.T) {
	bubble(t, "mail", func(d *desk) {
		d.alert(1, kae.Firing)
		after(2 * time.Second)
		for id := range int64(3) {
			d.alert(2+id, kae.Firing)
		}
		after(30 * time.Second)
		d.alert(5, kae.Firing)
		after(time.Second)
		d.heard("mail", "0s: t1 firing", "10s: t2 firing, t3 firing, t4 firing", "32s: t5 firing")
	})
}

func TestChannelsDoNotDelayOneAnother(t *testing.T) {
	bubble(t, "slow quick", func(d *desk) {
		d.answer = func(kind string, nth int) error {
			if kind == "slow" {
				return errHangs
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Second)
		d.alert(2, kae.Firing)
		after(15 * time.Second)
		d.heard("quick", "0s: t1 firing", "10s: t2 firing")
		d.heard("slow", "0s: t1 firing")
	})
}

// What was refused is tried again, ever more rarely, for a day; nothing about
// the token overtakes it, and what comes meanwhile is said together with it.
func TestWhatIsRefusedIsTriedAgain(t *testing.T) {
	bubble(t, "mail", func(d *desk) {
		d.answer = func(_ string, nth int) error {
			if nth < 3 {
				return &Refused{Answer: "500 from mail"}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Second)
		if waiting, failing := d.n.Undelivered(); waiting != 1 || failing != 1 {
			t.Errorf("%d wait, %d channels fail", waiting, failing)
		}
		after(20 * time.Second)
		d.alert(1, kae.Up)
		after(5 * time.Minute)
		if len(d.sent["mail"]) != 3 || d.sent["mail"][2].said != "t1 up in one" {
			t.Errorf("heard %v", d.sent["mail"])
		}
		if diff := cmp.Diff([]string{"delivered after 3", "delivered after 1"}, d.states()); diff != "" {
			t.Error(diff)
		}
		if waiting, failing := d.n.Undelivered(); waiting != 0 || failing != 0 {
			t.Errorf("%d wait, %d channels fail", waiting, failing)
		}
	})
}

func TestAfterADayItIsGivenUp(t *testing.T) {
	bubble(t, "mail", func(d *desk) {
		d.answer = func(string, int) error { return &Refused{Answer: "500 from mail"} }
		d.alert(1, kae.Firing)
		after(25 * time.Hour)
		if got := d.states()[0]; !strings.HasPrefix(got, "given up after 2") {
			t.Error(got) // 20 and some: an hour apart at the end
		}
		tried := len(d.sent["mail"])
		after(25 * time.Hour)
		if len(d.sent["mail"]) != tried {
			t.Errorf("tried %d times more", len(d.sent["mail"])-tried)
		}
	})
}

func TestARefusalForGoodIsNotRepeated(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(string, int) error { return &Refused{Answer: "410 from hook", Permanent: true} }
		d.alert(1, kae.Firing)
		after(time.Hour)
		d.heard("hook", "0s: t1 firing")
		if diff := cmp.Diff([]string{"given up after 1"}, d.states()); diff != "" {
			t.Error(diff)
		}
		if c := d.n.Channels()[0]; c.Problem != "410 from hook" || c.FailingSince.IsZero() {
			t.Errorf("the channel: %+v", c)
		}
	})
}

// A message that is refused for its size goes out in smaller ones; only what is
// refused alone is given up.
func TestWhatIsTooMuchGoesOutInParts(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(_ string, nth int) error {
			said := d.sent["hook"][nth-1].said
			if strings.Count(said, "firing") > 3 || strings.Contains(said, "t7 ") {
				return &Refused{Answer: "413 from hook", Permanent: true, Content: true}
			}
			return nil
		}
		d.alert(99, kae.Firing)
		after(time.Second)
		for id := range int64(10) {
			d.alert(1+id, kae.Firing)
		}
		after(10 * time.Minute)
		states := d.states()[1:]
		for i, state := range states {
			if ok := strings.HasPrefix(state, "delivered"); ok == (i+1 == 7) {
				t.Errorf("t%d: %s", i+1, state)
			}
		}
		before := len(d.sent["hook"])
		for id := range int64(3) {
			d.alert(20+id, kae.Firing)
		}
		after(time.Minute)
		if len(d.sent["hook"])-before > 2 {
			t.Errorf("it goes on with little: %v", d.sent["hook"][before:])
		}
	})
}

// What may have arrived is sent again as it was, with its key, and what comes
// meanwhile is said by itself.
func TestWhatMayHaveArrivedKeepsItsKey(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(_ string, nth int) error {
			if nth == 1 {
				return errors.New("connection reset")
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Second)
		d.alert(1, kae.Up)
		after(time.Minute)
		got := d.sent["hook"]
		if len(got) != 3 || got[0].key != got[1].key || got[1].said != "t1 firing" || got[2].key == got[0].key || got[2].said != "t1 up" {
			t.Errorf("heard %+v", got)
		}
	})
}

// What did not even go out, as for a secret that can't be read, may go out with
// others.
func TestWhatDidNotGoOutIsBoundToNoMessage(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(_ string, nth int) error {
			if nth == 1 {
				return &kae.Error{Code: kae.Unavailable, Field: "url", Message: "The setting “URL” can't be read from its file."}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Second)
		d.alert(1, kae.Up)
		after(time.Minute)
		if got := d.sent["hook"]; len(got) != 2 || got[1].said != "t1 up in one" {
			t.Errorf("heard %+v", got)
		}
	})
}

// A kae that ends between sending and writing down sends again, with the key.
func TestAStopInBetweenSendsAgain(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(string, int) error {
			d.shelf.mu.Lock()
			defer d.shelf.mu.Unlock()
			d.shelf.fail = errors.New("the disk is gone")
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Second)
		d.stop()
		d.shelf.fail, d.answer = nil, nil
		d.start()
		after(time.Second)
		if got := d.sent["hook"]; len(got) != 2 || got[0].key != got[1].key {
			t.Errorf("heard %+v", got)
		}
		if diff := cmp.Diff([]string{"delivered after 2"}, d.states()); diff != "" {
			t.Error(diff)
		}
	})
}

// While the database fails nothing is lost, and nothing is sent twice.
func TestTheOutboxFails(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(string, int) error {
			d.shelf.mu.Lock()
			defer d.shelf.mu.Unlock()
			d.shelf.fail = errors.New("the disk is full")
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Minute)
		d.shelf.mu.Lock()
		d.shelf.fail, d.answer = nil, nil
		d.shelf.mu.Unlock()
		after(time.Minute)
		d.heard("hook", "0s: t1 firing")
		if diff := cmp.Diff([]string{"delivered after 1"}, d.states()); diff != "" {
			t.Error(diff)
		}
	})
}

// A recovery says so when its firing was never told.
func TestTheEndOfWhatWasGivenUp(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(_ string, nth int) error {
			if nth == 1 {
				return &Refused{Answer: "410 from hook", Permanent: true}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(time.Minute)
		d.alert(1, kae.Up)
		after(time.Minute)
		d.alert(2, kae.Firing)
		after(time.Minute)
		d.alert(2, kae.Up)
		after(time.Minute)
		d.heard("hook", "0s: t1 firing", "1m0s: t1 up in one", "2m0s: t2 firing", "3m0s: t2 up")
	})
}

// Once something gets through again, all that waited goes out.
func TestWhatWaitedGoesOutTogetherOnceItGetsThrough(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		works := false
		d.answer = func(string, int) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if works {
				return nil
			}
			return errors.New("connection reset") // so each message stays as it is
		}
		for id := range int64(4) {
			d.alert(1+id, kae.Firing)
			after(20 * time.Second)
		}
		after(2 * time.Hour)
		d.mu.Lock()
		works = true
		before := len(d.sent["hook"])
		d.mu.Unlock()
		if _, err := d.n.Test(d.Context(), 1); err != nil {
			t.Fatal(err)
		}
		after(time.Minute)
		if waiting, failing := d.n.Undelivered(); waiting != 0 || failing != 0 || len(d.sent["hook"])-before != 5 {
			t.Errorf("%d wait, %d channels fail, %d messages more", waiting, failing, len(d.sent["hook"])-before)
		}
	})
}

// The first that gets through takes what else waited along.
func TestOneThatGetsThroughTakesTheOthersAlong(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(_ string, nth int) error {
			if nth < 7 {
				return errors.New("connection reset")
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(20 * time.Second)
		d.alert(2, kae.Firing)
		after(5 * time.Minute)
		delivered := func(s string) bool { return strings.HasPrefix(s, "delivered") }
		for range 3600 { // it is not known which one is tried first
			if slices.ContainsFunc(d.states(), delivered) {
				break
			}
			after(time.Second)
		}
		after(2 * time.Second)
		if waiting, _ := d.n.Undelivered(); waiting != 0 {
			t.Errorf("%d still wait: %v", waiting, d.sent["hook"])
		}
	})
}

// Nothing at all goes to who asked to be left alone.
func TestRetryAfterIsForTheChannel(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(_ string, nth int) error {
			if nth == 1 {
				return &Refused{Answer: "429 from hook", After: 90 * time.Second}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(20 * time.Second)
		d.alert(2, kae.Firing)
		after(time.Hour)
		d.heard("hook", "0s: t1 firing", "1m30s: t1 firing, t2 firing")
	})
}

// PagerDuty takes one incident a request.
func TestAMessageHasNoMoreThanItsKindTakes(t *testing.T) {
	bubble(t, "pagerduty", func(d *desk) {
		for id := range int64(25) {
			d.alert(1+id, kae.Firing)
		}
		after(time.Minute)
		told := 0
		for _, s := range d.sent["pagerduty"] {
			n := strings.Count(s.said, "firing")
			if told += n; n > 10 {
				t.Errorf("%d in a message", n)
			}
		}
		if told != 25 {
			t.Errorf("%d were told", told)
		}
	})
}

// A test while nothing waits changes nothing for the storm that comes later.
func TestATestIsNoHurryForLater(t *testing.T) {
	bubble(t, "mail", func(d *desk) {
		if _, err := d.n.Test(d.Context(), 1); err != nil {
			t.Fatal(err)
		}
		after(time.Minute)
		d.alert(1, kae.Firing)
		after(2 * time.Second)
		d.alert(2, kae.Firing)
		after(time.Minute)
		d.heard("mail", "0s: ", "1m0s: t1 firing", "1m10s: t2 firing")
	})
}

func TestAMendedChannelIsTriedAtOnce(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		d.answer = func(_ string, nth int) error {
			if nth < 4 {
				return &Refused{Answer: "500 from hook"}
			}
			return nil
		}
		d.alert(1, kae.Firing)
		after(2 * time.Minute) // the next attempt is minutes away
		before := len(d.sent["hook"])
		if _, err := d.n.Put(d.Context(), kae.Channel{ID: 1, Name: "hook"}); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if len(d.sent["hook"]) != before+1 || d.states()[0] != "delivered after 4" {
			t.Errorf("%d and %d messages, %v", before, len(d.sent["hook"]), d.states())
		}
	})
}

func TestARemovedChannelKeepsNoSecrets(t *testing.T) {
	bubble(t, "hook", func(d *desk) {
		if _, err := d.n.Put(d.Context(), kae.Channel{ID: 1, Name: "hook", Settings: map[string]string{"secret": "s3cret"}}); err != nil {
			t.Fatal(err)
		}
		stored := func() kae.Channel {
			d.shelf.mu.Lock()
			defer d.shelf.mu.Unlock()
			return d.shelf.channels[0]
		}
		if c := stored(); c.Settings["secret"] == "" {
			t.Fatalf("it was put as %+v", c)
		}
		if err := d.n.Remove(d.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if c := stored(); !c.Removed() || len(c.Settings) > 0 {
			t.Errorf("after its removal the outbox has %+v", c)
		}
	})
}
