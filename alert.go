package kae

import (
	"context"
	"time"
)

// Channel is where alerts go. What its settings mean depends on its kind.
type Channel struct {
	ID        int64
	Name      string
	Kind      string            // such as webhook or email
	Settings  map[string]string // among them secrets, which are shown to nobody
	CreatedAt time.Time
	RemovedAt time.Time // zero unless it was removed

	// How its deliveries went.
	LastAt       time.Time // when the newest was accepted; zero: none was
	FailingSince time.Time // when those that failed since began to; zero: it delivers
	Problem      string    // what the newest failure was
}

// Removed tells whether the channel was taken away.
func (c Channel) Removed() bool { return !c.RemovedAt.IsZero() }

// Alert is what a flip says to channels, on its own even after the token has
// moved on.
type Alert struct {
	TokenID int64
	Number  int64     // of the flip
	At      time.Time // of the flip
	From    Status
	To      Status
	Reason  Reason
	Fired   time.Time // when the token began to fire; the same as At where it is that which is told
	Due     time.Time // the expected time that was missed; zero where none was
}

// Alert gives what a change says to channels: that the token began to fire, or
// that it does so no more, for whatever reason. was is the token before the
// change. Most changes say nothing.
func (c Change) Alert(was Token) (Alert, bool) {
	t := c.Token
	fired, fires := was.Status == Firing && !was.Removed(), t.Status == Firing && !t.Removed()
	if fired == fires {
		return Alert{}, false
	}
	a := Alert{TokenID: t.ID, Number: t.Flips, At: t.FlippedAt, From: was.Status, To: t.Status, Reason: t.Reason, Fired: t.FlippedAt}
	if t.Reason == Missed {
		a.Due = t.DueAt
	}
	if fires {
		return a, true
	}
	a.Fired, a.Due = was.FlippedAt, time.Time{}
	if t.Removed() {
		a.At, a.To, a.Reason = t.RemovedAt, Disabled, WasRemoved
	}
	return a, true
}

// Recovery tells whether the alert is the end of an earlier one.
func (a Alert) Recovery() bool { return a.To != Firing }

// DeliveryState is how far a delivery has come.
type DeliveryState string

// The states of a delivery.
const (
	Waiting   DeliveryState = "waiting"   // not yet accepted, to be tried at its due time
	Delivered DeliveryState = "delivered" // the other side accepted it
	GivenUp   DeliveryState = "given up"  // it was refused, or tried for a day
	Spared    DeliveryState = "spared"    // it did not have to be told: it was over before its time, or somebody looks after it
)

// Delivery is one alert on its way to one channel.
type Delivery struct {
	ID        int64
	ChannelID int64
	Alert
	Round     int       // how often the channel was told of the firing before
	MadeAt    time.Time // when it began to wait; when it is due follows from that
	State     DeliveryState
	DueAt     time.Time // when it is tried next, while it waits
	Batch     int64     // the first delivery of the message that it goes out with; 0: it has not gone out, or surely did not arrive
	BegunAt   time.Time // when it was tried first; zero: it was not
	Attempts  int
	Answer    string    // what the other side said last, or why it could not be asked; before the first attempt, what it waits for
	SettledAt time.Time // when it left Waiting
}

// DeliveriesKept is for how long settled deliveries are kept.
const DeliveriesKept = 90 * 24 * time.Hour

// DeliveryQuery says which deliveries to read, the newest first.
type DeliveryQuery struct {
	ChannelID int64 // 0: of every channel
	TokenID   int64 // 0: of every token
	Before    int64 // ids smaller than that; 0: from the newest
	Limit     int   // at most so many
}

// Outbox is the part of a database that keeps channels and deliveries. What
// waits in it was written by [Tx].Alert, together with what it tells.
type Outbox interface {
	// Channels reads all channels that are not removed.
	Channels(ctx context.Context) ([]Channel, error)

	// PutChannel writes a channel, a new one where its ID is 0, and gives its
	// ID; with it goes the policy that policy gives for that. Of a channel that
	// is there it writes name, settings and removal: how its deliveries went is
	// for Settle to say. What waits for one that is removed is given up.
	PutChannel(ctx context.Context, c Channel, policy func(id int64) *Policy) (int64, error)

	// Policy reads the policy; nil where there never was one.
	Policy(ctx context.Context) (*Policy, error)

	// PutPolicy writes it.
	PutPolicy(ctx context.Context, p *Policy) error

	// Deliveries reads deliveries, the newest first.
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)

	// Waiting reads what waits, in the order in which it was written.
	Waiting(ctx context.Context) ([]Delivery, error)

	// Standing reads, of each firing that goes on and each channel, the newest
	// delivery that told of it.
	Standing(ctx context.Context) ([]Delivery, error)

	// Settle writes, in one transaction, how far deliveries have come (state,
	// due time, batch, attempts, answer, when they were begun and settled) and
	// how their channel does. Those without an ID are new. It drops what was
	// settled longer than [DeliveriesKept] before now.
	Settle(ctx context.Context, all []Delivery, c Channel, now time.Time) error
}
