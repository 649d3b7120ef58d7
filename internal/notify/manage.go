package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kae"
)

const maxName = 100 // characters

var errNoChannel = &kae.Error{Code: kae.NotFound, Message: "There is no such channel."}

// Put makes a channel, where its ID is 0, or gives one another name and other
// settings; how its deliveries went stays. What waits for it is tried at once.
// Errors are [kae.Invalid] with the field that is wrong (name, kind or one of
// the kind's fields), NotFound and Unavailable.
func (n *Notifier) Put(ctx context.Context, c kae.Channel) (kae.Channel, error) {
	n.managing.Lock()
	defer n.managing.Unlock()
	name := strings.Join(strings.Fields(c.Name), " ")
	errs := []error{wrongName(name)}
	n.mu.Lock()
	known, ok := n.channels[c.ID]
	n.mu.Unlock()
	switch {
	case c.ID == 0:
		known = kae.Channel{Kind: c.Kind, CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
	case !ok:
		return kae.Channel{}, errNoChannel
	}
	known.Name, known.Settings = name, maps.Clone(c.Settings)
	_, err := n.open(known.Kind, known.Settings)
	if err := errors.Join(append(errs, err)...); err != nil {
		return kae.Channel{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	policy := n.policy.Load()
	known.ID, err = n.Outbox.PutChannel(ctx, known, func(id int64) *kae.Policy {
		if c.ID == 0 {
			policy = policy.Greets(id)
		}
		return policy
	})
	if err != nil {
		return kae.Channel{}, err
	}
	n.policy.Store(policy)
	n.mu.Lock()
	if now, still := n.channels[known.ID]; still { // a message may have come to its end meanwhile
		known.LastAt, known.FailingSince, known.Problem = now.LastAt, now.FailingSince, now.Problem
	}
	n.channels[known.ID] = known
	n.hurry[known.ID] = true
	n.mu.Unlock()
	n.Wake()
	return known, nil
}

func wrongName(name string) error {
	switch {
	case name == "":
		return &kae.Error{Code: kae.Invalid, Field: "name", Message: "Give the channel a name, such as “ops mail”."}
	case len([]rune(name)) > maxName:
		return &kae.Error{Code: kae.Invalid, Field: "name", Message: fmt.Sprintf("A name has at most %d characters.", maxName)}
	}
	return nil
}

// Remove takes a channel away; what waits for it is given up. NotFound and
// Unavailable.
func (n *Notifier) Remove(ctx context.Context, id int64) error {
	n.managing.Lock()
	defer n.managing.Unlock()
	c, ok := n.channel(id)
	if !ok {
		return errNoChannel
	}
	c.RemovedAt, c.Settings = time.Now(), nil // its secrets go with it
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	policy := n.policy.Load().Without(id)
	if _, err := n.Outbox.PutChannel(ctx, c, func(int64) *kae.Policy { return policy }); err != nil {
		return err
	}
	n.policy.Store(policy)
	n.mu.Lock()
	delete(n.channels, id)
	n.mu.Unlock()
	n.Wake()
	return nil
}

// Test sends a message that says it is a test and gives what the other side
// answered. Where that was good, what waits is tried at once.
func (n *Notifier) Test(ctx context.Context, id int64) (answer string, err error) {
	c, ok := n.channel(id)
	if !ok {
		return "", errNoChannel
	}
	sender, err := n.open(c.Kind, c.Settings)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	now := time.Now()
	if answer, err = sender.Send(ctx, Message{Key: fmt.Sprintf("kae-test-%d-%x", id, now.UnixMicro()), Sent: now, Test: true}); err != nil {
		return "", err
	}
	n.mu.Lock()
	n.hurry[id] = true
	n.mu.Unlock()
	n.Wake()
	return answer, nil
}

func (n *Notifier) channel(id int64) (kae.Channel, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c, ok := n.channels[id]
	return c, ok
}

// Kinds gives the kinds of channels in the order in which they are offered.
func (n *Notifier) Kinds() []Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return k.Name == command.Name && !n.AllowCommands })
}

// Deliveries reads what was, or is to be, delivered, the newest first.
func (n *Notifier) Deliveries(ctx context.Context, q kae.DeliveryQuery) ([]kae.Delivery, error) {
	return n.Outbox.Deliveries(ctx, q)
}
