// Package notify brings alerts to channels: by e-mail, by a webhook, to chat
// services and pagers. A delivery waits in the database until the other side
// has accepted it.
package notify

import (
	"context"
	"time"

	"kae"
)

// Event is one alert of a message, with what a reader wants to know about it.
type Event struct {
	kae.Alert
	Token kae.Token      // as it is now; its value is left out
	Beat  *kae.Heartbeat // the newest heartbeat, or the one that failed, with its body; nil: there was none
	URL   string         // of the token's page; "" where kae does not know how it is reached
	Told  bool           // of a recovery: the channel was told of the firing
	Round int            // of a firing: how often the channel was told of it before
}

// Message is what a channel is told at once: mostly of one event.
type Message struct {
	Key    string // the same each time that this message is sent, and no other's
	Events []Event
	Sent   time.Time
	Test   bool // somebody tries the channel: there is nothing to worry about
}

// Sender sends messages in the way of one kind of channel.
type Sender interface {
	// Send sends a message and gives what the other side answered, in a few
	// words without secrets. Its error is a [*Refused] where the other side
	// answered and did not accept, or nothing can have reached it.
	Send(ctx context.Context, m Message) (answer string, err error)
}

// Refused tells that the message was surely not accepted.
type Refused struct {
	Answer    string        // a sentence for people, without secrets
	Permanent bool          // the same message would be refused again
	Content   bool          // for what it is, such as its size: one of fewer alerts might not be
	After     time.Duration // the other side asked to wait that long; 0: it did not say
}

func (r *Refused) Error() string { return r.Answer }
