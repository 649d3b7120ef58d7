package notify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kae"
)

// renew sends what was told and goes on again, to channels whose other side
// forgets it otherwise, and tells when to look again. Nothing of it is written
// down. What is to be delivered to a channel goes first.
func (n *Notifier) renew(ctx context.Context, l *loop, waiting map[int64][]kae.Delivery, now time.Time) (next time.Time, err error) {
	next = now.Add(time.Hour)
	var standing []kae.Delivery
	for _, c := range n.Channels() {
		every := renewOf(c.Kind)
		if every == 0 || l.busy[c.ID] {
			continue
		}
		if due := l.renewed[c.ID].Add(every); now.Before(due) {
			next = earlier(next, due)
			continue
		}
		if until := l.rest[c.ID]; now.Before(until) {
			next = earlier(next, until)
			continue
		}
		if slices.ContainsFunc(waiting[c.ID], func(d kae.Delivery) bool { return !d.DueAt.After(now) }) {
			continue // and when that has come to its end one looks again
		}
		if standing == nil {
			if standing, err = n.Outbox.Standing(ctx); err != nil {
				return next, err
			}
		}
		l.renewed[c.ID] = now
		next = earlier(next, now.Add(every))
		if mine := n.goingOn(standing, c.ID, now); len(mine) > 0 {
			l.busy[c.ID] = true
			go func() { l.results <- n.sendAgain(ctx, c, mine) }()
		}
	}
	return next, nil
}

// goingOn gives what a channel was told that goes on, and that nothing holds
// back now.
func (n *Notifier) goingOn(standing []kae.Delivery, channel int64, now time.Time) (mine []kae.Delivery) {
	for _, d := range standing {
		t, ok := n.Token(d.TokenID)
		if d.ChannelID != channel || !ok || !goesOn(t, d.Alert) {
			continue
		}
		if free, _ := n.policy.Load().Free(t, channel, d.Reason, now); !free.After(now) {
			mine = append(mine, d)
		}
	}
	return mine
}

func (n *Notifier) sendAgain(ctx context.Context, c kae.Channel, mine []kae.Delivery) result {
	r := result{channel: c.ID}
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	sender, err := n.open(c.Kind, c.Settings)
	if err != nil {
		r.err = &Refused{Answer: err.Error()}
		return r
	}
	for some := range slices.Chunk(mine, mostOf(c.Kind)) {
		now := time.Now()
		m := Message{Key: fmt.Sprintf("kae-again-%d-%x", c.ID, now.UnixMicro()), Sent: now, Events: n.events(ctx, c.ID, some)}
		if r.answer, r.err = sender.Send(ctx, m); r.err != nil {
			break
		}
	}
	return r
}
