package notify

import (
	"context"
	"fmt"
	"slices"

	"kae"
)

// key names a message: the same whenever it is sent again.
func key(first kae.Delivery) string {
	return fmt.Sprintf("kae-%d-%d-%x", first.ChannelID, first.Batch, first.MadeAt.UnixMicro())
}

// events gives what deliveries have to say: of each token its newest alert.
func (n *Notifier) events(ctx context.Context, channel int64, batch []kae.Delivery) (all []Event) {
	at := map[int64]int{}
	for _, d := range batch {
		e := Event{Alert: d.Alert, Told: true, Round: d.Round}
		i, seen := at[d.TokenID]
		if seen {
			e.Told = false // it goes out together with what came before it
			if e.Recovery() {
				e.Due = all[i].Due // what had been expected is still of interest
			}
			all[i] = e
			continue
		}
		at[d.TokenID] = len(all)
		all = append(all, e)
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	for i := range all {
		e := &all[i]
		if e.Recovery() && e.Told {
			e.Told = n.told(ctx, channel, e.Alert)
		}
		token, ok := n.Token(e.TokenID)
		if !ok {
			token = kae.Token{ID: e.TokenID, Name: fmt.Sprintf("Token %d", e.TokenID)}
		}
		if len(all) <= fullTales {
			e.Beat = n.beat(ctx, token, e.Alert)
		}
		e.Token = token
		if n.URL != "" {
			e.URL = fmt.Sprintf("%s/tokens/%d", n.URL, e.TokenID)
		}
	}
	return all
}

// told tells whether a channel heard of the firing that an alert ends.
func (n *Notifier) told(ctx context.Context, channel int64, a kae.Alert) bool {
	all, err := n.Outbox.Deliveries(ctx, kae.DeliveryQuery{ChannelID: channel, TokenID: a.TokenID, Limit: 50})
	return err != nil || slices.ContainsFunc(all, func(d kae.Delivery) bool {
		return !d.Recovery() && d.Fired.Equal(a.Fired) && d.State == kae.Delivered
	})
}

// beat gives the heartbeat to tell of: the newest when it happened, with its
// body. Without it the alert goes out all the same.
func (n *Notifier) beat(ctx context.Context, t kae.Token, a kae.Alert) *kae.Heartbeat {
	h, err := n.History(ctx, t, kae.HistoryQuery{Limit: 20, Bodies: true})
	if err != nil {
		n.Log.Warn("a history can't be read", "err", err)
		return nil
	}
	for i := range h.Beats {
		if b := &h.Beats[i]; !b.At.After(a.At) && (b.Kind == kae.Failure || b.Kind == kae.Success) {
			return b
		}
	}
	return nil
}
