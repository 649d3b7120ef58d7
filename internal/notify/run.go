package notify

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kae"
)

const (
	sendLimit  = 20 * time.Second // for one message, and so for the end of kae
	calm       = 10 * time.Second // after a message to a channel; what comes in it goes out together
	patience   = 24 * time.Hour   // until what is not accepted is given up
	mostAtOnce = 500              // alerts in a message
	storeRetry = 5 * time.Second
	storeLimit = 20 * time.Second // for one transaction: the keeper waits for it
	skew       = time.Minute      // a time that is further ahead is from before the clock was set back
	readLimit  = 3 * time.Second  // for the heartbeats that a message tells of
	fullTales  = 10               // events of a message up to which their heartbeats are told
)

// Config is what a Notifier needs.
type Config struct {
	Outbox  kae.Outbox
	Token   func(id int64) (kae.Token, bool) // the tokens that there are, removed ones too
	History func(ctx context.Context, t kae.Token, q kae.HistoryQuery) (kae.History, error)
	Log     *slog.Logger
	Zone    *time.Location // by whose clock a new policy has its hours; nil: UTC
	Options

	Metrics prometheus.Registerer // where the notifier's metrics go; nil: nowhere
}

// Notifier keeps the channels, and brings them what waits in the outbox. It is
// safe for use by several goroutines.
type Notifier struct {
	Config
	open    func(kind string, settings map[string]string) (Sender, error)
	wake    chan struct{}
	settled *prometheus.CounterVec // deliveries, by how they ended
	policy  atomic.Pointer[kae.Policy]
	few     map[int64]int // how many alerts a channel takes at once, where it refused more; Run's own

	managing sync.Mutex // held while channels or the policy are changed
	mu       sync.Mutex // of what is below
	channels map[int64]kae.Channel
	hurry    map[int64]bool // channels that are to be tried at once
	renewed  bool           // the policy was changed since the last look, or kae was started
	waiting  int            // deliveries that are due, at the last look
	broken   bool           // the outbox could not be used
}

// New reads the channels. Nothing is sent before [Notifier.Run].
func New(ctx context.Context, c Config) (*Notifier, error) {
	all, err := c.Outbox.Channels(ctx)
	if err != nil {
		return nil, err
	}
	n := &Notifier{Config: c, wake: make(chan struct{}, 1), channels: map[int64]kae.Channel{}, hurry: map[int64]bool{}, few: map[int64]int{}, renewed: true}
	n.open = func(kind string, settings map[string]string) (Sender, error) { return Open(kind, settings, n.Options) }
	policy, err := c.Outbox.Policy(ctx)
	if err != nil {
		return nil, err
	}
	if policy == nil {
		policy = &kae.Policy{Zone: c.Zone}
		for _, channel := range all {
			policy = policy.Greets(channel.ID)
		}
	}
	n.policy.Store(policy)
	for _, channel := range all {
		n.channels[channel.ID] = channel
	}
	n.measure(c.Metrics)
	return n, nil
}

// Wake makes Run look into the outbox. It does not block.
func (n *Notifier) Wake() {
	select {
	case n.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// result is what became of a message.
type result struct {
	channel int64
	batch   []kae.Delivery
	answer  string
	err     error
}

// loop is what Run knows of channels.
type loop struct {
	busy    map[int64]bool      // with a message under way
	rest    map[int64]time.Time // until when they are left alone
	renewed map[int64]time.Time // when what goes on was sent again
	free    time.Time           // the earliest time of the next round
	results chan result
}

// Run sends until ctx ends, and then lets what is being sent come to its end.
// Each channel has one message under way at the most, so alerts keep their
// order, and a channel that hangs holds nobody else up.
func (n *Notifier) Run(ctx context.Context) error {
	last := context.WithoutCancel(ctx)
	l := loop{busy: map[int64]bool{}, rest: map[int64]time.Time{}, renewed: map[int64]time.Time{}, results: make(chan result)}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			for range l.busy {
				n.settle(last, <-l.results)
			}
			return nil
		case r := <-l.results:
			for !n.settle(last, r) {
				if !pause(ctx, storeRetry) {
					break // what was sent is sent again, with the same key
				}
			}
			delete(l.busy, r.channel)
			l.rest[r.channel] = time.Now().Add(asked(r.err))
			if len(r.batch) > 0 {
				l.rest[r.channel] = time.Now().Add(max(calm, asked(r.err)))
			}
		case <-n.wake:
		case <-timer.C:
		}
		if ctx.Err() == nil {
			timer.Reset(time.Until(n.turn(last, &l)))
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// turn is a round, if there may be one by now: where much waits a round takes a
// while, and there is other work to do.
func (n *Notifier) turn(ctx context.Context, l *loop) (next time.Time) {
	begun := time.Now()
	if begun.Before(l.free) {
		return l.free
	}
	next = n.round(ctx, l)
	l.free = time.Now().Add(min(4*time.Since(begun), calm/2))
	return next
}

// round sends to each channel what is due, and tells when to look again.
func (n *Notifier) round(ctx context.Context, l *loop) (next time.Time) {
	now := time.Now()
	of, err := n.waits(ctx, now)
	if err != nil {
		n.trouble(err)
		return now.Add(storeRetry)
	}
	if next, err = n.renew(ctx, l, of, now); err != nil {
		n.trouble(err)
		return now.Add(storeRetry)
	}
	for id, mine := range of {
		channel, hurry, ok := n.take(id)
		if !ok || l.busy[id] { // not there: it was removed a moment ago
			continue
		}
		if until := l.rest[id]; now.Before(until) && !hurry {
			next = earlier(next, until)
			continue
		}
		batch, later := ready(mine, now, hurry, min(mostOf(channel.Kind), cmp.Or(n.few[id], mostAtOnce)))
		next = earlier(next, later)
		if len(batch) == 0 {
			continue
		}
		if batch, err = n.claim(ctx, channel, batch); n.trouble(err) {
			return now.Add(storeRetry)
		}
		l.busy[id] = true
		go func() { l.results <- n.send(ctx, channel, batch) }()
	}
	return next
}

// waits reads what waits for each channel, and plans it.
func (n *Notifier) waits(ctx context.Context, now time.Time) (of map[int64][]kae.Delivery, err error) {
	n.mu.Lock()
	renewed := n.renewed
	n.renewed = false // what is said from now on is for the next look
	n.mu.Unlock()
	defer func() {
		if err != nil && renewed {
			n.mu.Lock()
			n.renewed = true
			n.mu.Unlock()
		}
	}()
	waiting, err := n.Outbox.Waiting(ctx)
	if err == nil && renewed {
		if err = n.remind(ctx, waiting); err == nil {
			waiting, err = n.Outbox.Waiting(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	of = map[int64][]kae.Delivery{}
	for _, d := range waiting {
		of[d.ChannelID] = append(of[d.ChannelID], d)
	}
	for id, mine := range of {
		channel, hurry, ok := n.take(id)
		if !ok {
			continue
		}
		left, changed := n.plan(mine, now, hurry)
		if len(changed) > 0 {
			if err := n.write(ctx, changed, channel, now); err != nil {
				return nil, err
			}
			n.count(changed)
		}
		of[id] = left
	}
	n.look(of, now)
	return of, nil
}

// take gives a channel, and whether it is to be tried at once.
func (n *Notifier) take(id int64) (c kae.Channel, hurry, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c, ok = n.channels[id]
	return c, n.hurry[id], ok
}

// look notes what waits. Where nothing does, there is no hurry any more.
func (n *Notifier) look(of map[int64][]kae.Delivery, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = 0
	for _, mine := range of {
		for _, d := range mine {
			if d.Attempts > 0 || !d.DueAt.After(now) {
				n.waiting++
			}
		}
	}
	for id := range n.hurry {
		if len(of[id]) == 0 {
			delete(n.hurry, id)
		}
	}
}

// trouble logs when the outbox begins to fail and when it works again.
func (n *Notifier) trouble(err error) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if failed := err != nil; failed != n.broken {
		n.broken = failed
		if failed {
			n.Log.Error("alerts wait, the database fails", "err", err)
		} else {
			n.Log.Info("alerts wait no more, the database works again")
		}
	}
	return err != nil
}

func earlier(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// ready gives what of a channel is to be sent now as one message, and when
// something else will be; zero: nothing. What may have arrived already is sent
// again as it was, by itself. A token's alerts never overtake one another.
func ready(waiting []kae.Delivery, now time.Time, hurry bool, most int) (batch []kae.Delivery, next time.Time) {
	waiting = slices.Clone(waiting)
	soon := map[int64]time.Time{}
	for i, d := range slices.Backward(waiting) { // the end of a firing does not hold the next one up
		if at, ok := soon[d.TokenID]; ok && d.Recovery() && d.Batch == 0 && at.Before(d.DueAt) {
			waiting[i].DueAt = at
		}
		soon[d.TokenID] = waiting[i].DueAt
	}
	blocked := map[int64]bool{}
	for _, d := range waiting {
		if blocked[d.TokenID] {
			continue
		}
		if d.DueAt.After(now) && !(hurry && d.Batch != 0) {
			blocked[d.TokenID] = true
			if next.IsZero() || d.DueAt.Before(next) {
				next = d.DueAt
			}
			continue
		}
		if d.Batch != 0 {
			if len(batch) > 0 {
				blocked[d.TokenID] = true
				continue
			}
			for _, other := range waiting {
				if other.Batch == d.Batch {
					batch = append(batch, other)
				}
			}
			return batch, next
		}
		if len(batch) == most {
			return batch, next // the rest is looked at when this has come to its end
		}
		batch = append(batch, d)
	}
	return batch, next
}

// claim writes down what goes out together before it does.
func (n *Notifier) claim(ctx context.Context, c kae.Channel, batch []kae.Delivery) ([]kae.Delivery, error) {
	batch = slices.Clone(batch)
	number := cmp.Or(batch[0].Batch, batch[0].ID)
	now := time.Now()
	for i := range batch {
		if batch[i].Attempts == 0 {
			batch[i].BegunAt = now
		}
		batch[i].Batch = number
		batch[i].Attempts++
	}
	return batch, n.write(ctx, batch, c, now)
}

func (n *Notifier) send(ctx context.Context, c kae.Channel, batch []kae.Delivery) result {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	r := result{channel: c.ID, batch: batch}
	sender, err := n.open(c.Kind, c.Settings)
	if err != nil {
		r.err = &Refused{Answer: err.Error()}
		return r
	}
	m := Message{Key: key(batch[0]), Sent: time.Now(), Events: n.events(ctx, c.ID, batch)}
	r.answer, r.err = sender.Send(ctx, m)
	return r
}

// Channels gives the channels, by name.
func (n *Notifier) Channels() []kae.Channel {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]kae.Channel, 0, len(n.channels))
	for _, c := range n.channels {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b kae.Channel) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all
}

// Undelivered tells how many alerts wait, and how many channels fail.
func (n *Notifier) Undelivered() (waiting, failing int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.channels {
		if !c.FailingSince.IsZero() {
			failing++
		}
	}
	return n.waiting, failing
}
