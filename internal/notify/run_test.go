package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// shelf is an outbox in memory.
type shelf struct {
	mu         sync.Mutex
	channels   []kae.Channel
	deliveries []kae.Delivery
	fail       error
}

func (s *shelf) Channels(context.Context) ([]kae.Channel, error) {
	return slices.Clone(s.channels), s.fail
}

func (s *shelf) PutChannel(_ context.Context, c kae.Channel) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ID == 0 {
		c.ID = int64(len(s.channels) + 1)
		s.channels = append(s.channels, c)
	}
	s.channels[c.ID-1] = c
	return c.ID, s.fail
}

func (s *shelf) Deliveries(context.Context, kae.DeliveryQuery) ([]kae.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries), s.fail
}

func (s *shelf) Waiting(context.Context) (waiting []kae.Delivery, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.deliveries {
		if d.State == kae.Waiting {
			waiting = append(waiting, d)
		}
	}
	return waiting, s.fail
}

func (s *shelf) Settle(_ context.Context, all []kae.Delivery, c kae.Channel, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for _, d := range all {
		s.deliveries[d.ID-1] = d
	}
	return nil
}

// sent is a message that came to a channel.
type sent struct {
	after time.Duration // since the beginning
	key   string
	said  string
}

// desk is a Notifier in a bubble, with a clock of its own, and what its
// channels hear.
type desk struct {
	*testing.T
	shelf *shelf
	n     *Notifier
	begun time.Time
	stop  func()

	mu     sync.Mutex
	sent   map[string][]sent // by the channel's kind
	answer func(kind string, nth int) error
}

func (d *desk) Send(ctx context.Context, kind string, m Message) (string, error) {
	d.mu.Lock()
	var said []string
	for _, e := range m.Events {
		words := fmt.Sprintf("%s %s", e.Token.Name, e.To)
		if e.Recovery() && !e.Told {
			words += " in one"
		}
		said = append(said, words)
	}
	d.sent[kind] = append(d.sent[kind], sent{time.Since(d.begun).Round(time.Second), m.Key, strings.Join(said, ", ")})
	nth, answer := len(d.sent[kind]), d.answer
	d.mu.Unlock()
	if answer == nil {
		return "taken", nil
	}
	err := answer(kind, nth)
	if err == errHangs {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return "taken", err
}

var errHangs = errors.New("hangs")

type toDesk struct {
	d    *desk
	kind string
}

func (t toDesk) Send(ctx context.Context, m Message) (string, error) { return t.d.Send(ctx, t.kind, m) }

func (d *desk) start() {
	n, err := New(d.Context(), Config{
		Outbox: d.shelf, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), URL: "https://kae.example.org",
		Token: func(id int64) (kae.Token, bool) {
			return kae.Token{ID: id, Name: fmt.Sprintf("t%d", id), Value: "bcdfghjklmnpqrstvwxz"}, true
		},
		History: func(context.Context, kae.Token, kae.HistoryQuery) (kae.History, error) { return kae.History{}, nil },
		Open:    func(kind string, _ map[string]string) (Sender, error) { return toDesk{d, kind}, nil },
	})
	if err != nil {
		d.Fatal(err)
	}
	d.n = n
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Run(ctx)
	}()
	d.stop = func() { cancel(); <-ended }
}

// alert writes an alert of a token for every channel.
func (d *desk) alert(token int64, to kae.Status) {
	d.shelf.mu.Lock()
	for _, c := range d.shelf.channels {
		d.shelf.deliveries = append(d.shelf.deliveries, kae.Delivery{
			ID: int64(len(d.shelf.deliveries) + 1), ChannelID: c.ID, State: kae.Waiting, MadeAt: time.Now(), DueAt: time.Now(),
			Alert: kae.Alert{TokenID: token, At: time.Now(), To: to},
		})
	}
	d.shelf.mu.Unlock()
	d.n.Wake()
}

// bubble runs a test with channels of the kinds given.
func bubble(t *testing.T, kinds string, f func(d *desk)) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{T: t, shelf: &shelf{}, begun: time.Now(), sent: map[string][]sent{}}
		for i, kind := range strings.Fields(kinds) {
			d.shelf.channels = append(d.shelf.channels, kae.Channel{ID: int64(i + 1), Name: kind, Kind: kind})
		}
		d.start()
		defer func() { d.stop() }()
		f(d)
	})
}

// heard checks what a channel heard, as “after: said”.
func (d *desk) heard(kind string, want ...string) {
	d.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	var got []string
	for _, s := range d.sent[kind] {
		got = append(got, fmt.Sprintf("%v: %s", s.after, s.said))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.Errorf("%s heard (-want +got)\n%s", kind, diff)
	}
}

func (d *desk) states() (said []string) {
	d.shelf.mu.Lock()
	defer d.shelf.mu.Unlock()
	for _, x := range d.shelf.deliveries {
		said = append(said, fmt.Sprintf("%s after %d", x.State, x.Attempts))
	}
	return said
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

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
