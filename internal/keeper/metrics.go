package keeper

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"kae"
)

// metrics tell what the keeper does. They are touched once a turn, whatever
// the number of its heartbeats, so that a heartbeat does not pay for them.
type metrics struct {
	beats                 map[kae.Kind]prometheus.Counter
	turn, upkeep          prometheus.Observer // seconds of a commit
	failures              prometheus.Counter
	beatsEach, tokensEach prometheus.Histogram
	lag                   prometheus.Histogram
}

// newMetrics makes the metrics, and registers them unless r is nil.
func newMetrics(r prometheus.Registerer, k *Keeper) *metrics {
	with := promauto.With(r)
	beats := with.NewCounterVec(prometheus.CounterOpts{
		Name: "kae_heartbeats_total", Help: "Heartbeats that were recorded, by what they report.",
	}, []string{"kind"})
	took := with.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "kae_commit_seconds",
		Help:    "How long a commit took. work is turn (heartbeats, edits, firing: somebody waits for it) or upkeep (saving, cutting the journal).",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20},
	}, []string{"work"})
	m := &metrics{
		beats: map[kae.Kind]prometheus.Counter{},
		turn:  took.WithLabelValues("turn"), upkeep: took.WithLabelValues("upkeep"),
		failures: with.NewCounter(prometheus.CounterOpts{
			Name: "kae_commit_failures_total", Help: "Commits that failed. The heartbeats in them were answered with 503.",
		}),
		beatsEach: with.NewHistogram(prometheus.HistogramOpts{
			Name: "kae_commit_heartbeats", Help: "Heartbeats in one commit of a turn.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 7), // to 4,096, the most in a turn
		}),
		tokensEach: with.NewHistogram(prometheus.HistogramOpts{
			Name: "kae_commit_tokens", Help: "Tokens that one commit of a turn changed, by heartbeats, edits or firing.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 9),
		}),
		lag: with.NewHistogram(prometheus.HistogramOpts{
			Name:    "kae_deadline_lag_seconds",
			Help:    "How long after its deadline a token fired, until that was committed. Of a deadline that passed while kae was off, the time until it ran again is in it.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60, 600, 3600},
		}),
	}
	for _, kind := range []kae.Kind{kae.Success, kae.Failure, kae.Start, kae.Log} {
		m.beats[kind] = beats.WithLabelValues(string(kind))
	}
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kae_queue_length", Help: "Heartbeats and edits that wait for the next turn; at 8192 heartbeats are refused with 503.",
	}, func() float64 { return float64(k.queue.length()) })
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kae_last_commit_timestamp_seconds", Help: "When the newest commit of any kind went through.",
	}, func() float64 { return float64(k.lastCommit.Load()) / 1e6 })
	return m
}

// committed counts a turn that is committed.
func (m *metrics) committed(t *turn) {
	m.beatsEach.Observe(float64(len(t.beats)))
	m.tokensEach.Observe(float64(len(t.next)))
	for i := 0; i < len(t.beats); {
		// Neighbours are mostly of one kind.
		n, kind := 1, t.beats[i].Kind
		for i+n < len(t.beats) && t.beats[i+n].Kind == kind {
			n++
		}
		if counter := m.beats[kind]; counter != nil {
			counter.Add(float64(n))
		}
		i += n
	}
	var now time.Time
	for _, f := range t.flips {
		if f.Reason != kae.Missed && f.Reason != kae.Overran {
			continue
		}
		if now.IsZero() {
			now = clockNow()
		}
		m.lag.Observe(max(0, now.Sub(f.At).Seconds()))
	}
}
