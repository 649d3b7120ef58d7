package web

import (
	"context"

	"kae"
	"kae/internal/notify"
)

// Alerts is what brings alerts to channels.
type Alerts interface {
	// Kinds tells which kinds of channels there can be, in the order in which
	// they are offered.
	Kinds() []notify.Kind

	// Channels gives the channels that are not removed, by their names.
	Channels() []kae.Channel

	// Put makes a channel, where the ID is 0, or gives one another name and
	// other settings; all else of c is left out of account. It checks both:
	// errors are of code Invalid, with the form's field ("name", "kind" or a
	// field of the kind) in Field, and joined where there are several;
	// NotFound and Unavailable.
	Put(ctx context.Context, c kae.Channel) (kae.Channel, error)

	// Remove takes a channel away; NotFound and Unavailable.
	Remove(ctx context.Context, id int64) error

	// Test sends a message that says it is a test, within twenty seconds, and
	// gives what the other side answered. An error that is no [kae.Error] is
	// why it was not accepted. Both are shown as they are: they hold no secret.
	Test(ctx context.Context, id int64) (answer string, err error)

	// Deliveries reads what was, or is to be, delivered, the newest first.
	Deliveries(ctx context.Context, q kae.DeliveryQuery) ([]kae.Delivery, error)

	// Undelivered counts the deliveries that are due and wait, and the channels
	// to which nothing gets through now. It only reads memory.
	Undelivered() (waiting, failing int)

	// Policy gives who is told what. It is not to be changed.
	Policy() *kae.Policy

	// ChangePolicy makes another policy of the present one. Errors are those of
	// change; of code Invalid, joined where there are several, with the field
	// that is wrong as [kae.Policy.Validate] has them; and Unavailable.
	ChangePolicy(ctx context.Context, change func(kae.Policy) (kae.Policy, error)) error

	// Wake makes what waits be judged anew, after something was said about a
	// token. It does not block.
	Wake()
}
