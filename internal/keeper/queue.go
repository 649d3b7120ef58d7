package keeper

import (
	"context"
	"sync"
	"time"

	"kae"
)

// queueLimit is how many requests may wait. At the rate that a small machine
// commits it is a fraction of a second's work.
const queueLimit = 8192

var (
	errNotFound = &kae.Error{Code: kae.NotFound, Message: "There is no such token: look for a typing error, or whether it was removed or got a new value."}
	errPostOnly = &kae.Error{Code: kae.Refused, Message: "This token takes heartbeats by POST only."}
	errFull     = &kae.Error{Code: kae.Unavailable, Message: "kae is too busy; try again in a moment."}
	errFailing  = &kae.Error{Code: kae.Unavailable, Message: "kae can't write to its database now; try again in a moment."}
	errStopping = &kae.Error{Code: kae.Unavailable, Message: "kae is stopping; try again in a moment."}
)

// Rule makes the next state of a token, as [kae.Token.Disable] does. Its error
// is given to whoever asked, and nothing is changed.
type Rule = func(t kae.Token, now time.Time) (kae.Change, error)

// item is one request: a heartbeat, or a rule to apply.
type item struct {
	id    int64 // of the token; 0: a new one
	value string
	beat  kae.Heartbeat
	rule  Rule // nil: a heartbeat

	token kae.Token // the outcome of a rule
	err   error
	done  chan struct{} // receives once when token and err are there
}

func newItem() any { return &item{done: make(chan struct{}, 1)} }

// Heartbeat records a heartbeat of the token with a value or UUID and returns
// when it is committed and synced. The caller fills in what it knows of h; the
// keeper numbers it. NotFound when no token has the value, Unavailable when the
// queue is full or the store fails. When ctx ends first, the heartbeat is
// committed all the same.
func (k *Keeper) Heartbeat(ctx context.Context, value string, h kae.Heartbeat) error {
	id, ok := k.roster.Find(value)
	if !ok {
		return errNotFound
	}
	if k.failing.Load() != 0 {
		k.refused.CompareAndSwap(0, h.At.UnixMicro())
		return errFailing
	}
	it := k.items.Get().(*item)
	it.id, it.value, it.beat, it.rule, it.err = id, value, h, nil, nil
	_, err := k.do(ctx, it)
	if err == errFull {
		k.refused.CompareAndSwap(0, h.At.UnixMicro())
	}
	return err
}

// Create makes a token and gives it as committed.
func (k *Keeper) Create(ctx context.Context, s kae.Settings) (kae.Token, error) {
	return k.Change(ctx, 0, func(t kae.Token, now time.Time) (kae.Change, error) {
		t.UUID, t.Status, t.CreatedAt = kae.NewUUID(), kae.New, now
		for t.Value = kae.NewValue(); ; t.Value = kae.NewValue() {
			if _, taken := k.roster.Find(t.Value); !taken {
				break
			}
		}
		return kae.Change{Token: t.With(s)}, nil
	})
}

// Change applies a rule to a token in a turn and gives the token as committed.
// NotFound when it is gone for good; removed tokens are passed to the rule.
func (k *Keeper) Change(ctx context.Context, id int64, rule Rule) (kae.Token, error) {
	if k.failing.Load() != 0 {
		return kae.Token{}, errFailing
	}
	it := k.items.Get().(*item)
	it.id, it.rule, it.err = id, rule, nil
	return k.do(ctx, it)
}

func (k *Keeper) do(ctx context.Context, it *item) (kae.Token, error) {
	if err := k.queue.put(it); err != nil {
		k.items.Put(it)
		return kae.Token{}, err
	}
	select {
	case <-it.done:
		t, err := it.token, it.err
		it.rule, it.token, it.beat = nil, kae.Token{}, kae.Heartbeat{}
		k.items.Put(it)
		return t, err
	case <-ctx.Done(): // the loop still holds the item: it can't be used again
		return kae.Token{}, &kae.Error{Code: kae.Unavailable, Message: "kae took too long.", Err: ctx.Err()}
	}
}

func (it *item) answer(t kae.Token, err error) {
	if it.rule != nil {
		it.token = t
	}
	if err != nil {
		it.err = err
	}
	it.done <- struct{}{}
}

// queue is what waits for the next turn. A slice under a mutex, because the
// loop takes all of it at once.
type queue struct {
	wake chan struct{}

	mu     sync.Mutex
	items  []*item
	spare  []*item // the slice of the turn before, to be filled again
	closed error
}

func (q *queue) put(it *item) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		return q.closed
	}
	if len(q.items) >= queueLimit {
		return errFull
	}
	q.items = append(q.items, it)
	q.stir()
	return nil
}

// stir wakes the loop, unless it is about to wake.
func (q *queue) stir() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) waiting() bool { return q.length() > 0 }

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// take gives at most limit items, the oldest first. They are valid until the
// next call.
func (q *queue) take(limit int) []*item {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken, rest := q.items, q.spare[:0]
	if len(taken) > limit {
		rest = append(rest, taken[limit:]...)
		taken = taken[:limit]
	}
	q.items, q.spare = rest, taken
	return taken
}

// close refuses what waits and what comes later.
func (q *queue) close(err error) {
	q.mu.Lock()
	q.closed = err
	q.mu.Unlock()
	for _, it := range q.take(queueLimit) {
		it.answer(kae.Token{}, err)
	}
}
