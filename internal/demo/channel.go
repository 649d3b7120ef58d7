package demo

import (
	"context"
	"time"

	"kae"
)

// Database is what a scene with channels is written into.
type Database interface {
	kae.Store
	kae.Outbox
}

// Where alerts went in the scene.
var channels = []kae.Channel{
	{Name: "#ops", Kind: "slack", Settings: map[string]string{"url": "https://hooks.slack.com/services/T0/B0/x"}},
	{Name: "ops mail", Kind: "email", Settings: map[string]string{"to": "ops@example.org", "from": "kae@example.org", "server": "mail.example.org"}},
	{Name: "pager", Kind: "pagerduty", Settings: map[string]string{"key": "0123456789abcdef"}},
	{Name: "Ana, at night", Kind: "ntfy", Settings: map[string]string{"url": "https://ntfy.example.org/kae-ana"}},
}

// accepted is what those who were told said.
var accepted = map[string]string{"slack": "200 OK: ok", "email": "250 2.0.0 OK: queued"}

// policy tells #ops and the mail at once, the pager of what matters, and Ana in
// the night.
func policy(zone *time.Location) *kae.Policy {
	return &kae.Policy{
		Zone: zone,
		Rules: []kae.Rule{
			{Channels: []int64{1, 2}, Ends: true},
			{Pick: kae.Pick{Tags: []string{"prod"}}, Channels: []int64{3}, After: 15 * time.Minute, Every: 4 * time.Hour, Ends: true},
			{Pick: kae.Pick{Tags: []string{"prod"}}, Reasons: []kae.Reason{kae.Missed, kae.Failed}, Channels: []int64{4}, After: 30 * time.Minute, Hours: kae.Hours{From: 22 * 60, To: 7 * 60}, Only: true},
		},
		Quiet: kae.Hours{From: 22 * 60, To: 7 * 60}, Except: kae.Pick{Tags: []string{"prod"}},
	}
}

// WriteChannels adds channels to a scene that was written, with what the first
// two were told in the last week. Nothing waits: it is for a kae that sends
// nothing.
func (s *Scene) WriteChannels(ctx context.Context, db Database) error {
	zone, err := kae.LoadZone("Europe/Madrid")
	if err != nil {
		return err
	}
	all := make([]kae.Channel, len(channels))
	for i, c := range channels {
		c.CreatedAt = s.Now.Add(-40 * 24 * time.Hour)
		if c.ID, err = db.PutChannel(ctx, c, func(int64) *kae.Policy { return policy(zone) }); err != nil {
			return err
		}
		all[i] = c
	}
	fired := map[int64]time.Time{}
	err = db.Write(ctx, func(tx kae.Tx) error {
		for _, f := range s.flips {
			d := kae.Delivery{Alert: kae.Alert{TokenID: f.TokenID, Number: f.Number, At: f.At, From: f.From, To: f.To, Reason: f.Reason, Fired: f.At}}
			if f.To == kae.Firing {
				fired[f.TokenID] = f.At
			}
			d.Fired = fired[f.TokenID]
			if f.To != kae.Firing && f.From != kae.Firing || s.Now.Sub(f.At) > 7*24*time.Hour {
				continue
			}
			mail := d
			d.ChannelID, mail.ChannelID = all[0].ID, all[1].ID
			if err := tx.Alert([]kae.Delivery{d, mail}, f.At); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	waiting, err := db.Waiting(ctx)
	if err != nil {
		return err
	}
	for _, c := range all[:2] {
		var mine []kae.Delivery
		for _, d := range waiting {
			if d.ChannelID == c.ID {
				d.State, d.Attempts, d.Answer, d.BegunAt, d.SettledAt = kae.Delivered, 1, accepted[c.Kind], d.At, d.At.Add(800*time.Millisecond)
				mine, c.LastAt = append(mine, d), d.SettledAt
			}
		}
		if err := db.Settle(ctx, mine, c, s.Now); err != nil {
			return err
		}
	}
	return nil
}
