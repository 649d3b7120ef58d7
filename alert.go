package kae

import "time"

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

// Recovery tells whether the alert is the end of an earlier one.
func (a Alert) Recovery() bool { return a.To != Firing }

// DeliveryState is how far a delivery has come.
type DeliveryState string

// The states of a delivery.
const (
	Waiting   DeliveryState = "waiting"   // not yet accepted, to be tried at its due time
	Delivered DeliveryState = "delivered" // the other side accepted it
	GivenUp   DeliveryState = "given up"  // it was refused, or tried for a day
)

// Delivery is one alert on its way to one channel.
type Delivery struct {
	ID        int64
	ChannelID int64
	Alert
	State     DeliveryState
	DueAt     time.Time // when it is tried next, while it waits
	Attempts  int
	Answer    string    // what the other side said last, or why it could not be asked
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
