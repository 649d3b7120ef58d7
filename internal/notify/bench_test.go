package notify

import (
	"fmt"
	"testing"
	"time"

	"kae"
)

// A round looks at all that waits for a channel: in a storm, and in quiet hours.
func BenchmarkPlan(b *testing.B) {
	const tokens = 10_000
	now := time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)
	for name, quiet := range map[string]kae.Hours{"day": {}, "night": {From: 22 * 60, To: 7 * 60}} {
		b.Run(name, func(b *testing.B) {
			n := &Notifier{}
			n.policy.Store(&kae.Policy{Zone: madrid, Quiet: quiet, Rules: []kae.Rule{
				{Channels: []int64{1}, Ends: true}, {Channels: []int64{1}, After: time.Hour, Every: time.Hour}, {Pick: kae.Pick{Tags: []string{"db"}}, Channels: []int64{1}},
			}})
			n.Token = func(id int64) (kae.Token, bool) {
				return kae.Token{ID: id, Name: fmt.Sprint(id), Status: kae.Firing, FlippedAt: now}, true
			}
			var waiting []kae.Delivery
			for id := range int64(tokens) {
				waiting = append(waiting, kae.Delivery{ID: id + 1, ChannelID: 1, State: kae.Waiting, MadeAt: now, DueAt: now,
					Alert: kae.Alert{TokenID: id + 1, At: now, Fired: now, To: kae.Firing, Reason: kae.Missed}})
			}
			for b.Loop() {
				n.plan(waiting, now, false)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tokens, "ns/delivery")
		})
	}
}
