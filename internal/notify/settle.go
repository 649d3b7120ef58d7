package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"kae"
)

// waits are the times between two attempts; the last one is for all later.
var waits = []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// asked is how long the other side asked to be left alone.
func asked(err error) time.Duration {
	if refused, ok := errors.AsType[*Refused](err); ok {
		return min(refused.After, patience)
	}
	return 0
}

// settle writes down what became of a message. It tells whether that was done.
func (n *Notifier) settle(ctx context.Context, r result) bool {
	now := time.Now().Truncate(time.Microsecond) // as it is kept
	n.mu.Lock()
	channel, known := n.channels[r.channel]
	failing := !channel.FailingSince.IsZero()
	n.mu.Unlock()
	switch {
	case r.err == nil && len(r.batch) == 0 && !failing:
		return true // what goes on was sent again
	case r.err == nil:
		if len(r.batch) > 0 {
			channel.LastAt = now
		}
		channel.FailingSince, channel.Problem = time.Time{}, ""
	default:
		channel.Problem = r.err.Error()
		if !failing {
			channel.FailingSince = now
		}
	}
	luck := rand.Float64() // one for all, so that they stay together
	for i := range r.batch {
		r.batch[i] = outcome(r.batch[i], r, now, luck)
	}
	if n.trouble(n.write(ctx, slices.Concat(r.batch, n.again(r.batch)), channel, now)) {
		return false
	}
	n.count(r.batch)
	n.portion(r, channel.Kind)
	if !known {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if c, still := n.channels[r.channel]; still { // it may have been edited meanwhile
		c.LastAt, c.FailingSince, c.Problem = channel.LastAt, channel.FailingSince, channel.Problem
		n.channels[r.channel] = c
	}
	if r.err != nil {
		delete(n.hurry, r.channel)
	} else if failing {
		n.hurry[r.channel] = true // it is mended: what waited for it need not wait longer
	}
	switch {
	case r.err != nil && !failing:
		n.Log.Warn("alerts are not delivered", "channel", r.channel, "err", r.err)
	case r.err == nil && failing:
		n.Log.Info("alerts are delivered again", "channel", r.channel)
	}
	return true
}

// portion learns how many alerts a channel takes at once: half as many when a
// message was refused for what it is, twice as many again when one was taken.
func (n *Notifier) portion(r result, kind string) {
	refused, ok := errors.AsType[*Refused](r.err)
	few, limited := n.few[r.channel]
	switch {
	case ok && refused.Permanent && refused.Content && len(r.batch) > 1:
		n.few[r.channel] = len(r.batch) / 2
	case r.err != nil || !limited:
	case 2*few < mostOf(kind):
		n.few[r.channel] = 2 * few
	default:
		delete(n.few, r.channel)
	}
}

// count counts the deliveries that came to an end.
func (n *Notifier) count(all []kae.Delivery) {
	for _, d := range all {
		if d.State != kae.Waiting {
			n.settled.WithLabelValues(string(d.State)).Inc()
		}
	}
}

// outcome is what becomes of a delivery after an attempt.
func outcome(d kae.Delivery, r result, now time.Time, luck float64) kae.Delivery {
	d.Answer = r.answer
	if r.err == nil {
		d.State, d.SettledAt = kae.Delivered, now
		return d
	}
	d.Answer = r.err.Error()
	wait := waits[min(d.Attempts, len(waits))-1]
	wait += time.Duration((luck - .5) * .2 * float64(wait))
	if _, ours := errors.AsType[*kae.Error](r.err); ours {
		d.Batch = 0 // it did not even go out
	}
	if refused, ok := errors.AsType[*Refused](r.err); ok {
		d.Batch = 0 // it surely did not arrive
		wait = max(wait, asked(r.err))
		switch {
		case refused.Permanent && refused.Content && len(r.batch) > 1:
			wait = 0 // fewer at once may be taken
		case refused.Permanent:
			d.State, d.SettledAt = kae.GivenUp, now
			return d
		}
	}
	d.DueAt = now.Add(wait)
	if d.DueAt.After(d.BegunAt.Add(patience)) {
		d.State, d.SettledAt = kae.GivenUp, now
	}
	return d
}
