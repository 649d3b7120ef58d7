package notify

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"kae"
)

// measure makes the metrics of deliveries.
func (n *Notifier) measure(to prometheus.Registerer) {
	with := promauto.With(to)
	n.settled = with.NewCounterVec(prometheus.CounterOpts{
		Name: "kae_deliveries_total", Help: "Alerts that came to an end since kae started, by how: delivered, given up, or spared.",
	}, []string{"state"})
	for _, state := range []kae.DeliveryState{kae.Delivered, kae.GivenUp, kae.Spared} {
		n.settled.WithLabelValues(string(state))
	}
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kae_deliveries_waiting", Help: "Alerts that are due and not yet delivered.",
	}, func() float64 {
		waiting, _ := n.Undelivered()
		return float64(waiting)
	})
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kae_channels_failing", Help: "Channels that did not take what was sent to them last.",
	}, func() float64 {
		_, failing := n.Undelivered()
		return float64(failing)
	})
}
