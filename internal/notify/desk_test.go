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
	policy     *kae.Policy
	standing   func(kae.Delivery) bool
	fail       error
}

func (s *shelf) Channels(context.Context) ([]kae.Channel, error) {
	return slices.Clone(s.channels), s.fail
}

func (s *shelf) PutChannel(_ context.Context, c kae.Channel, policy func(int64) *kae.Policy) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ID == 0 {
		c.ID = int64(len(s.channels) + 1)
		s.channels = append(s.channels, c)
	}
	s.channels[c.ID-1], s.policy = c, policy(c.ID)
	return c.ID, s.fail
}

func (s *shelf) Policy(context.Context) (*kae.Policy, error) { return s.policy, s.fail }

func (s *shelf) PutPolicy(_ context.Context, p *kae.Policy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		s.policy = p
	}
	return s.fail
}

func (s *shelf) Standing(context.Context) (standing []kae.Delivery, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := map[[2]int64]kae.Delivery{}
	for _, d := range s.deliveries {
		if d.State == kae.Delivered && !d.Recovery() && s.standing(d) {
			of[[2]int64{d.TokenID, d.ChannelID}] = d
		}
	}
	for _, d := range s.deliveries {
		if of[[2]int64{d.TokenID, d.ChannelID}].ID == d.ID {
			standing = append(standing, d)
		}
	}
	return standing, s.fail
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
		if d.ID == 0 {
			d.ID = int64(len(s.deliveries) + 1)
			s.deliveries = append(s.deliveries, d)
		}
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
	tokens map[int64]kae.Token
	sent   map[string][]sent // by the channel's kind
	answer func(kind string, nth int) error
}

func (d *desk) Send(ctx context.Context, kind string, m Message) (string, error) {
	d.mu.Lock()
	var said []string
	for _, e := range m.Events {
		words := fmt.Sprintf("%s %s", e.Token.Name, e.To)
		if e.Round > 0 {
			words = fmt.Sprintf("%s still %s", e.Token.Name, e.To)
		}
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
		Outbox: d.shelf, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Options: Options{URL: "https://kae.example.org"},
		Token:   func(id int64) (kae.Token, bool) { return d.token(id), true },
		History: func(context.Context, kae.Token, kae.HistoryQuery) (kae.History, error) { return kae.History{}, nil },
	})
	if err != nil {
		d.Fatal(err)
	}
	n.open = func(kind string, _ map[string]string) (Sender, error) { return toDesk{d, kind}, nil }
	d.n = n
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Run(ctx)
	}()
	d.stop = func() { cancel(); <-ended }
}

func (d *desk) token(id int64) kae.Token {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t, ok := d.tokens[id]; ok {
		return t
	}
	return kae.Token{ID: id, Name: fmt.Sprintf("t%d", id), Value: "bcdfghjklmnpqrstvwxz", Status: kae.Up}
}

// becomes puts a token into a state.
func (d *desk) becomes(t kae.Token) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens[t.ID] = t
}

// alert flips a token, and writes that for the channels as a keeper does.
func (d *desk) alert(id int64, to kae.Status) {
	d.Helper()
	d.flip(id, to)
	d.n.Wake()
}

// alerts flips several tokens at once.
func (d *desk) alerts(to kae.Status, ids ...int64) {
	d.Helper()
	for _, id := range ids {
		d.flip(id, to)
	}
	d.n.Wake()
}

func (d *desk) flip(id int64, to kae.Status) {
	d.Helper()
	was := d.token(id)
	t := was
	t.Status, t.Reason, t.FlippedAt, t.Flips = to, kae.Missed, time.Now(), was.Flips+1
	if to != kae.Firing {
		t.Reason, t.Ack = kae.Recovered, nil
	}
	d.becomes(t)
	alert, ok := kae.Change{Token: t}.Alert(was)
	if !ok {
		d.Fatalf("from %s to %s there is nothing to tell", was.Status, to)
	}
	var channels []int64
	if !alert.Recovery() {
		channels = d.n.Policy().Channels(t, alert.Reason)
	}
	d.shelf.mu.Lock()
	for _, x := range d.shelf.deliveries {
		if alert.Recovery() && x.TokenID == id && x.Fired.Equal(alert.Fired) && x.Round == 0 && x.State != kae.Spared {
			channels = append(channels, x.ChannelID)
		}
	}
	for _, c := range channels {
		d.shelf.deliveries = append(d.shelf.deliveries, kae.Delivery{
			ID: int64(len(d.shelf.deliveries) + 1), ChannelID: c, State: kae.Waiting, MadeAt: time.Now(), DueAt: time.Now(), Alert: alert,
		})
	}
	d.shelf.mu.Unlock()
}

// bubble runs a test with channels of the kinds given.
func bubble(t *testing.T, kinds string, f func(d *desk)) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{T: t, shelf: &shelf{}, begun: time.Now(), sent: map[string][]sent{}, tokens: map[int64]kae.Token{}}
		d.shelf.standing = func(x kae.Delivery) bool { return goesOn(d.token(x.TokenID), x.Alert) }
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
