package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kae"
)

// firing is one firing of a token.
type firing struct {
	token int64
	fired int64 // when it began, in microseconds
}

func firingOf(a kae.Alert) firing { return firing{a.TokenID, a.Fired.UnixMicro()} }

// plan judges what waits for one channel and was never tried, by how things
// stand now. What need not be told any more is spared, the rest is given its
// due time. It gives what may go out in time, and what there is to write down.
func (n *Notifier) plan(waiting []kae.Delivery, now time.Time) (left, changed []kae.Delivery) {
	policy := n.policy.Load()
	ended := map[firing]time.Time{}
	for _, d := range waiting {
		if d.Recovery() {
			ended[firingOf(d.Alert)] = d.At
		}
	}
	untold := map[firing]bool{}
	for _, d := range waiting {
		if d.Attempts > 0 {
			left = append(left, d)
			continue
		}
		was, of := d, firingOf(d.Alert)
		t, ok := n.Token(d.TokenID)
		if !ok {
			t = kae.Token{ID: d.TokenID}
		}
		over, isOver := ended[of]
		if !isOver && d.Round > 0 && !goesOn(t, d.Alert) {
			over, isOver = now, true // its end was told already
		}
		held := d.DueAt.IsZero()
		due, why, told := policy.Due(t, d)
		switch {
		case d.Recovery() && untold[of]:
			d = spared(d, now, "Its firing was not told either.")
		case !told:
			d = spared(d, now, "By the policy it is not told.")
		case !d.Recovery() && isOver && (d.Round > 0 || held || due.After(over)):
			d = spared(d, now, "It was over before that.")
		case !d.Recovery() && t.Ack != nil && goesOn(t, d.Alert) && (d.Round > 0 || due.After(t.Ack.At)):
			d.DueAt, d.Answer = time.Time{}, t.Ack.By+" looks after it."
		default:
			if !due.After(now) {
				why = ""
			}
			d.DueAt, d.Answer = due, why
			left = append(left, d)
		}
		if d.State == kae.Spared && d.Round == 0 && !d.Recovery() {
			untold[of] = true
		}
		if d.State != was.State || !d.DueAt.Equal(was.DueAt) || d.Answer != was.Answer {
			changed = append(changed, d)
		}
	}
	return left, changed
}

func spared(d kae.Delivery, now time.Time, why string) kae.Delivery {
	d.State, d.SettledAt, d.Answer = kae.Spared, now, why
	return d
}

// goesOn tells whether a token still fires as an alert says.
func goesOn(t kae.Token, a kae.Alert) bool {
	return t.Status == kae.Firing && !t.Removed() && t.FlippedAt.Equal(a.Fired)
}

// again gives what is to be told again, where that was delivered and goes on.
func (n *Notifier) again(delivered []kae.Delivery) (next []kae.Delivery) {
	policy := n.policy.Load()
	for _, d := range delivered {
		if d.State != kae.Delivered || d.Recovery() {
			continue
		}
		t, ok := n.Token(d.TokenID)
		if !ok || !goesOn(t, d.Alert) || policy.Every(t, d.ChannelID, d.Reason) == 0 {
			continue
		}
		one := kae.Delivery{ChannelID: d.ChannelID, Alert: d.Alert, Round: d.Round + 1, MadeAt: d.SettledAt, State: kae.Waiting}
		one.DueAt, one.Answer, _ = policy.Due(t, one)
		next = append(next, one)
	}
	return next
}

// remind adds what is to be told again by a policy that is new, of what fires
// already and waits for nothing.
func (n *Notifier) remind(ctx context.Context, waiting []kae.Delivery) error {
	standing, err := n.Outbox.Standing(ctx)
	if err != nil {
		return err
	}
	standing = slices.DeleteFunc(standing, func(d kae.Delivery) bool {
		return slices.ContainsFunc(waiting, func(w kae.Delivery) bool {
			return w.ChannelID == d.ChannelID && firingOf(w.Alert) == firingOf(d.Alert)
		})
	})
	of := map[int64][]kae.Delivery{}
	for _, d := range n.again(standing) {
		of[d.ChannelID] = append(of[d.ChannelID], d)
	}
	for id, next := range of {
		c, ok := n.channel(id)
		if !ok {
			continue
		}
		if err := n.Outbox.Settle(ctx, next, c, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// Policy gives who is told what. It is not to be changed.
func (n *Notifier) Policy() *kae.Policy { return n.policy.Load() }

// ChangePolicy gives kae another policy, made from the present one. Errors are
// those of change, [kae.Invalid] with the field that is wrong, and Unavailable.
func (n *Notifier) ChangePolicy(ctx context.Context, change func(kae.Policy) (kae.Policy, error)) error {
	n.managing.Lock()
	defer n.managing.Unlock()
	next, err := change(*n.policy.Load())
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range next.Validate() {
		errs = append(errs, e)
	}
	for i, r := range next.Rules {
		for _, id := range r.Channels {
			if _, ok := n.channel(id); !ok {
				errs = append(errs, &kae.Error{Code: kae.Invalid, Field: fmt.Sprintf("rules.%d.channels", i), Message: fmt.Sprintf("There is no channel %d.", id)})
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	if err := n.Outbox.PutPolicy(ctx, &next); err != nil {
		return err
	}
	n.policy.Store(&next)
	n.mu.Lock()
	n.renewed = true
	n.mu.Unlock()
	n.Wake()
	return nil
}
