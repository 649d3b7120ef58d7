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

// plan judges what waits for one channel, by how things stand now. What need not
// be told any more is spared, the rest is given its due time. It gives what may
// go out in time, and what there is to write down. What may have arrived already
// stays as it is: it is sent again.
func (n *Notifier) plan(waiting []kae.Delivery, now time.Time, hurry bool) (left, changed []kae.Delivery) {
	j := judgement{policy: n.policy.Load(), now: now, hurry: hurry, ended: map[firing]time.Time{}, untold: map[firing]bool{}}
	for _, d := range waiting {
		if d.Recovery() {
			j.ended[firingOf(d.Alert)] = d.At
		}
	}
	for _, was := range waiting {
		if was.Batch != 0 {
			left = append(left, was)
			continue
		}
		t, ok := n.Token(was.TokenID)
		if !ok {
			t = kae.Token{ID: was.TokenID}
		}
		d := j.judge(was, t)
		if d.State == kae.Waiting && !d.DueAt.IsZero() {
			left = append(left, d)
		}
		if d.State != was.State || !d.DueAt.Equal(was.DueAt) || d.Answer != was.Answer {
			changed = append(changed, d)
		}
	}
	return left, changed
}

// judgement is what is known of all that waits for a channel while one is
// judged after the other.
type judgement struct {
	policy *kae.Policy
	now    time.Time
	hurry  bool // what was refused is tried at once
	ended  map[firing]time.Time
	untold map[firing]bool // whose first alert was spared
}

// judge gives a delivery as it is to be from now on: spared, held without an
// end (its due time is zero), or due.
func (j *judgement) judge(d kae.Delivery, t kae.Token) kae.Delivery {
	of := firingOf(d.Alert)
	over, isOver := j.ended[of]
	if !isOver && d.Round > 0 && !goesOn(t, d.Alert) {
		isOver = true // its end was told already
	}
	held := d.DueAt.IsZero()
	due, why, told := d.DueAt, d.Answer, true
	if d.Attempts == 0 {
		due, why, told = j.policy.Due(t, d)
	}
	switch {
	case d.Recovery() && j.untold[of]:
		return spared(d, j.now, "Its firing was not told either.")
	case !told:
		j.untold[of] = j.untold[of] || !d.Recovery() && d.Round == 0
		return spared(d, j.now, "By the policy it is not told.")
	case !d.Recovery() && isOver && (d.Round > 0 || held || d.Attempts == 0 && due.After(over)):
		j.untold[of] = j.untold[of] || d.Round == 0
		return spared(d, j.now, "It was over before that.")
	case !d.Recovery() && t.Ack != nil && goesOn(t, d.Alert):
		d.DueAt, d.Answer = time.Time{}, t.Ack.By+" looks after it."
		return d
	}
	// From before the clock was set back.
	aheadOfTime := d.MadeAt.After(j.now.Add(skew)) || d.Attempts > 0 && due.After(j.now.Add(patience))
	if aheadOfTime || j.hurry && d.Attempts > 0 && due.After(j.now) {
		due = j.now
	}
	if !due.After(j.now) { // it might have gone out before, when nothing held it
		if d.Attempts == 0 {
			why = ""
		}
		due = j.now
		reason := d.Reason
		if d.Recovery() {
			reason = ""
		}
		if free, holds := j.policy.Free(t, d.ChannelID, reason, j.now); free.After(j.now) {
			due, why = free, holds
		} else if !d.DueAt.After(j.now) && !held {
			due = d.DueAt // as it was: there is nothing to write down
		}
	}
	d.DueAt, d.Answer = due, why
	return d
}

func spared(d kae.Delivery, now time.Time, why string) kae.Delivery {
	d.State, d.SettledAt, d.Answer = kae.Spared, now, why
	return d
}

// goesOn tells whether a token still fires as an alert says.
func goesOn(t kae.Token, a kae.Alert) bool {
	return t.Status == kae.Firing && !t.Removed() && t.FlippedAt.Equal(a.Fired)
}

// again gives what is to be told again, where that was delivered, or refused
// for good, and goes on.
func (n *Notifier) again(settled []kae.Delivery) (next []kae.Delivery) {
	policy := n.policy.Load()
	for _, d := range settled {
		if d.State != kae.Delivered && d.State != kae.GivenUp || d.Recovery() {
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
	type place struct {
		channel int64
		of      firing
	}
	waits := map[place]bool{}
	for _, d := range waiting {
		waits[place{d.ChannelID, firingOf(d.Alert)}] = true
	}
	standing = slices.DeleteFunc(standing, func(d kae.Delivery) bool { return waits[place{d.ChannelID, firingOf(d.Alert)}] })
	of := map[int64][]kae.Delivery{}
	for _, d := range n.again(standing) {
		of[d.ChannelID] = append(of[d.ChannelID], d)
	}
	for id, next := range of {
		c, ok := n.channel(id)
		if !ok {
			continue
		}
		if err := n.write(ctx, next, c, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// write writes down how far deliveries have come.
func (n *Notifier) write(ctx context.Context, all []kae.Delivery, c kae.Channel, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	return n.Outbox.Settle(ctx, all, c, now)
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
