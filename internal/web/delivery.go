package web

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"kae"
)

const newestDeliveries = 10 // that a token's page shows

// deliveryView is one alert on its way to one channel.
type deliveryView struct {
	ID        int64             `json:"id"`
	ChannelID int64             `json:"channel_id"`
	Channel   string            `json:"channel"` // its name; "" when it was removed
	TokenID   int64             `json:"token_id"`
	Token     string            `json:"token"`  // its name; "" when it is gone
	Number    int64             `json:"number"` // of the flip
	At        stamp             `json:"at"`     // of the flip
	From      kae.Status        `json:"from"`
	To        kae.Status        `json:"to"`
	Reason    kae.Reason        `json:"reason"`
	FiredAt   stamp             `json:"fired_at"`
	DueAt     stamp             `json:"due_at"` // the expected time that was missed
	State     kae.DeliveryState `json:"state"`
	Round     int               `json:"round"`       // how often the channel was told of the firing before
	NextTryAt stamp             `json:"next_try_at"` // null: it is settled, or waits for somebody
	Attempts  int               `json:"attempts"`
	Answer    string            `json:"answer"`
	SettledAt stamp             `json:"settled_at"`

	What    state  `json:"-"` // what is told
	Look    state  `json:"-"` // how far it has come
	Time    moment `json:"-"`
	Tries   string `json:"-"`
	Next    moment `json:"-"`
	First   bool   `json:"-"` // it was never tried
	Settled moment `json:"-"`
}

// How deliveries look.
var deliveryLooks = map[kae.DeliveryState]state{
	kae.Waiting:   {Class: "late", Icon: "clock"},
	kae.Delivered: {Class: "up", Icon: "up"},
	kae.GivenUp:   {Class: "fire", Icon: "fail"},
	kae.Spared:    {Class: "new", Icon: "new"},
}

// alertLook tells what an alert says.
func alertLook(a kae.Alert) state {
	look := state{Class: "fire miss", Icon: "miss", Word: string(a.Reason)}
	switch {
	case a.To == kae.Up:
		return state{Class: "up", Icon: "up", Word: "up again"}
	case a.Recovery():
		return state{Class: "dis", Icon: "dis", Word: string(a.To)}
	case a.Reason == kae.Failed:
		look.Class, look.Icon = "fire fail", "fail"
	case a.Reason == kae.Overran:
		look.Class, look.Icon = "fire over", "over"
	}
	return look
}

func (s *Server) deliveryView(d kae.Delivery, c clock) deliveryView {
	v := deliveryView{
		ID: d.ID, ChannelID: d.ChannelID, TokenID: d.TokenID, Number: d.Number, At: stamp(d.At), From: d.From, To: d.To, Reason: d.Reason,
		FiredAt: stamp(d.Fired), DueAt: stamp(d.Due), State: d.State, Attempts: d.Attempts, Answer: d.Answer, SettledAt: stamp(d.SettledAt),
		What: alertLook(d.Alert), Look: deliveryLooks[d.State], Time: c.at(d.At), Settled: c.at(d.SettledAt),
	}
	v.Look.Word = string(d.State)
	if d.State == kae.Waiting {
		v.NextTryAt, v.Next = stamp(d.DueAt), c.rel(d.DueAt)
	}
	v.Round = d.Round
	if d.Round > 0 {
		v.What.Word = "still " + v.What.Word
	}
	if v.First = d.State == kae.Waiting && d.Attempts == 0; v.First {
		v.Look.Class = "new" // nothing is wrong with it
	}
	switch {
	case d.State == kae.Delivered && d.Attempts > 1:
		v.Tries = ordinal(d.Attempts) + " try"
	case d.State == kae.GivenUp, d.State == kae.Waiting && d.Attempts > 0:
		v.Tries = "after " + tries(d.Attempts)
	}
	for _, ch := range s.Alerts.Channels() {
		if ch.ID == d.ChannelID {
			v.Channel = ch.Name
		}
	}
	if t, ok := s.Roster.Get(d.TokenID); ok {
		v.Token = t.Name
	}
	return v
}

func tries(n int) string {
	if n == 1 {
		return "one try"
	}
	return fmt.Sprintf("%d tries", n)
}

// deliveriesBefore reads where a log of deliveries goes on.
func deliveriesBefore(q url.Values) (int64, error) {
	text := q.Get("before")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, &kae.Error{Code: kae.Invalid, Field: "before", Message: "That is not a place in the log of deliveries."}
	}
	return n, nil
}

// deliveryLog reads a page of what went to a channel.
func (s *Server) deliveryLog(ctx context.Context, ch kae.Channel, before int64, c clock) ([]deliveryView, *string, error) {
	all, err := s.deliveries(ctx, kae.DeliveryQuery{ChannelID: ch.ID, Before: before, Limit: deliverySize + 1}, c)
	if err != nil || len(all) <= deliverySize {
		return all, nil, err
	}
	next := fmt.Sprintf("/channels/%d?before=%d", ch.ID, all[deliverySize-1].ID)
	return all[:deliverySize], &next, nil
}

// deliveries reads some; there are none where there are no channels.
func (s *Server) deliveries(ctx context.Context, q kae.DeliveryQuery, c clock) ([]deliveryView, error) {
	views := []deliveryView{}
	if s.Alerts == nil {
		return views, nil
	}
	all, err := s.Alerts.Deliveries(ctx, q)
	for _, d := range all {
		views = append(views, s.deliveryView(d, c))
	}
	return views, err
}

// sentOf gives what a token's page shows of its alerts, or why it can't.
func (s *Server) sentOf(ctx context.Context, t kae.Token, c clock) (views []deliveryView, fault string) {
	views, err := s.deliveries(ctx, kae.DeliveryQuery{TokenID: t.ID, Limit: newestDeliveries}, c)
	if err != nil {
		s.Log.Warn("a token's deliveries can't be read", "err", err)
		return nil, "They can’t be read now."
	}
	return views, ""
}
