package web

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kae"
	"kae/internal/notify"
)

// board is what brings alerts to channels, in memory.
type board struct {
	world *world

	mu       sync.Mutex
	channels []kae.Channel
	sent     []kae.Delivery // the oldest first
	refuses  error          // why the other side accepts no test
	fails    error          // of whatever needs the database
	reads    int            // of deliveries
	policy   kae.Policy
	woken    int
}

// alerts puts channels into a world.
func (w *world) alerts() *board {
	b := &board{world: w}
	w.config.Alerts = b
	return b
}

func (b *board) Kinds() []notify.Kind {
	return []notify.Kind{
		{Name: "webhook", Label: "Webhook", About: "Whatever takes a POST of JSON.", Fields: []notify.Field{
			{Name: "url", Label: "URL", Hint: "Where the JSON goes: https://…", Required: true},
			{Name: "secret", Label: "Key", Hint: "Signs what is sent.", Secret: true},
			{Name: "method", Label: "Method", Choices: []string{"POST", "PUT"}},
			{Name: "template", Label: "Template", Long: true},
		}},
		{Name: "slack", Label: "Slack", About: "A channel in Slack.", Fields: []notify.Field{
			{Name: "url", Label: "Webhook URL", Secret: true, Required: true},
		}},
		{Name: "email", Label: "E-mail", About: "Mail by an SMTP server.", Fields: []notify.Field{
			{Name: "to", Label: "To", Required: true},
			{Name: "pass", Label: "Password", Secret: true},
		}},
	}
}

func (b *board) Channels() []kae.Channel {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []kae.Channel
	for _, ch := range b.channels {
		if !ch.Removed() {
			all = append(all, ch)
		}
	}
	slices.SortFunc(all, func(x, y kae.Channel) int { return strings.Compare(x.Name, y.Name) })
	return all
}

func (b *board) Put(_ context.Context, c kae.Channel) (kae.Channel, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return kae.Channel{}, b.fails
	}
	var errs []error
	wrong := func(field, message string) {
		errs = append(errs, &kae.Error{Code: kae.Invalid, Field: field, Message: message})
	}
	if c.Name == "" {
		wrong("name", "Give the channel a name.")
	}
	for _, k := range b.Kinds() {
		for _, f := range k.Fields {
			if k.Name == c.Kind && f.Required && c.Settings[f.Name] == "" {
				wrong(f.Name, "This is needed: "+f.Label+".")
			}
		}
	}
	if u := c.Settings["url"]; u != "" && !strings.HasPrefix(u, "http") {
		wrong("url", "A URL begins with https://.")
	}
	for _, other := range b.channels {
		if other.Name == c.Name && other.ID != c.ID && !other.Removed() {
			wrong("name", "Another channel has this name.")
		}
	}
	if len(errs) > 0 {
		return kae.Channel{}, errors.Join(errs...)
	}
	now := kae.Channel{ID: int64(len(b.channels)) + 1, Kind: c.Kind, CreatedAt: b.world.clock()}
	if c.ID == 0 {
		b.channels = append(b.channels, now)
		b.policy = *b.policy.Greets(now.ID)
	} else {
		now = b.channels[c.ID-1]
	}
	now.Name, now.Settings = c.Name, maps.Clone(c.Settings)
	b.channels[now.ID-1] = now
	return now, nil
}

func (b *board) Policy() *kae.Policy {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.policy
	return &p
}

func (b *board) ChangePolicy(_ context.Context, change func(kae.Policy) (kae.Policy, error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return b.fails
	}
	next, err := change(b.policy)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range next.Validate() {
		errs = append(errs, e)
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	b.policy = next
	return nil
}

func (b *board) Wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.woken++
}

func (b *board) Remove(_ context.Context, id int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return b.fails
	}
	b.channels[id-1].RemovedAt, b.policy = b.world.clock(), *b.policy.Without(id)
	return nil
}

func (b *board) Test(_ context.Context, id int64) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuses != nil {
		return "", b.refuses
	}
	return "200 OK", nil
}

func (b *board) Deliveries(_ context.Context, q kae.DeliveryQuery) ([]kae.Delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reads++; b.fails != nil {
		return nil, b.fails
	}
	var all []kae.Delivery
	for _, d := range slices.Backward(b.sent) {
		if (q.ChannelID == 0 || d.ChannelID == q.ChannelID) && (q.TokenID == 0 || d.TokenID == q.TokenID) &&
			(q.Before == 0 || d.ID < q.Before) && len(all) < q.Limit {
			all = append(all, d)
		}
	}
	return all, nil
}

func (b *board) Undelivered() (waiting, failing int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.sent {
		if d.State == kae.Waiting {
			waiting++
		}
	}
	for _, ch := range b.channels {
		if !ch.Removed() && !ch.FailingSince.IsZero() {
			failing++
		}
	}
	return waiting, failing
}

// channel makes one.
func (b *board) channel(t testing.TB, name, kind string, settings map[string]string) kae.Channel {
	t.Helper()
	ch, err := b.Put(t.Context(), kae.Channel{Name: name, Kind: kind, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// deliver tells a channel of a token, some time ago; what became of it shows on
// the channel.
func (b *board) deliver(ch kae.Channel, token int64, ago time.Duration, d kae.Delivery) {
	at := b.world.clock().Add(-ago)
	b.mu.Lock()
	defer b.mu.Unlock()
	d.ID, d.ChannelID, d.TokenID, d.Number, d.At = int64(len(b.sent))+1, ch.ID, token, int64(len(b.sent))+1, at
	if d.To == "" {
		d.From, d.To, d.Reason = kae.Up, kae.Firing, kae.Missed
	}
	if d.Fired = d.At; d.Recovery() {
		d.Fired = d.At.Add(-time.Hour)
	}
	now := &b.channels[ch.ID-1]
	switch d.State {
	case kae.Waiting:
		d.DueAt = b.world.clock().Add(3 * time.Minute)
	default:
		d.SettledAt = at.Add(time.Second)
	}
	if d.State == kae.Delivered {
		now.LastAt, now.FailingSince, now.Problem = d.SettledAt, time.Time{}, ""
	} else if d.Attempts > 0 {
		if now.Problem = d.Answer; now.FailingSince.IsZero() {
			now.FailingSince = at.Add(time.Second + 300*time.Nanosecond) // finer than what is saved
		}
	}
	b.sent = append(b.sent, d)
}

var errDatabase = &kae.Error{Code: kae.Unavailable, Message: "kae can’t write to its database now; try again in a moment.", Err: errors.New("disk full")}

// alertScene is a scene with a channel in every state.
func alertScene(t testing.TB) (*world, *board, map[string]kae.Token) {
	w, tokens := scene(t)
	w.config.URL = "https://kae.example.com"
	b := w.alerts()
	pager := b.channel(t, "pager", "webhook", map[string]string{"url": "https://hooks.example.com/kae/<1>", "secret": "hush-1"})
	ops := b.channel(t, "#ops", "slack", map[string]string{"url": "https://ops.example.com/services/hush-2"})
	mail := b.channel(t, "ops mail", "email", map[string]string{"to": "ops@example.com", "pass": "hush-3"})
	ana := b.channel(t, "Ana, at night", "webhook", map[string]string{"url": "https://ntfy.example.com/kae-ana"})
	b.channel(t, "Finance", "email", map[string]string{"to": "finance@example.com"})

	missed, failed, removed := tokens["missed"].ID, tokens["failed"].ID, tokens["removed"].ID
	b.deliver(pager, removed, 25*24*time.Hour, kae.Delivery{State: kae.Delivered, Attempts: 1, Answer: "200 OK"})
	b.deliver(mail, failed, 9*time.Hour, kae.Delivery{State: kae.Delivered, Attempts: 1, Answer: "250 queued as 4F1", Alert: kae.Alert{From: kae.Firing, To: kae.Up, Reason: kae.Recovered}})
	b.deliver(pager, failed, 8*time.Hour, kae.Delivery{State: kae.GivenUp, Attempts: 1, Answer: "404 from hooks.example.com", Alert: kae.Alert{From: kae.Up, To: kae.Firing, Reason: kae.Failed}})
	b.deliver(mail, failed, 8*time.Hour, kae.Delivery{State: kae.Delivered, Attempts: 1, Answer: "250 queued as 5A0", Alert: kae.Alert{From: kae.Up, To: kae.Firing, Reason: kae.Failed}})
	b.deliver(ops, missed, time.Hour, kae.Delivery{State: kae.Delivered, Attempts: 2, Answer: "ok"})
	b.deliver(mail, missed, time.Hour, kae.Delivery{State: kae.Delivered, Attempts: 1, Answer: "250 queued as 5B9"})
	b.deliver(ana, missed, time.Hour, kae.Delivery{State: kae.Waiting, Attempts: 2, Answer: "timed out after 10 s"})
	b.deliver(ana, 999, 30*time.Minute, kae.Delivery{State: kae.Waiting})
	return w, b, tokens
}
