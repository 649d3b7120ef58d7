package keeper

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"kae"
)

// gathered gives what a registry tells: counters and gauges by name and label
// values, of histograms the count and the sum.
func gathered(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "kae_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			switch family.GetType() {
			case dto.MetricType_COUNTER:
				all[name] = m.GetCounter().GetValue()
			case dto.MetricType_GAUGE:
				all[name] = m.GetGauge().GetValue()
			case dto.MetricType_HISTOGRAM:
				all[name+" count"] = float64(m.GetHistogram().GetSampleCount())
				all[name+" sum"] = m.GetHistogram().GetSampleSum()
			}
		}
	}
	return all
}

// since gives what has changed.
func since(before, after map[string]float64) map[string]float64 {
	changed := map[string]float64{}
	for name, value := range after {
		if value != before[name] {
			changed[name] = value - before[name]
		}
	}
	return changed
}

func TestMetricsTellWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		store := newMemory()
		// Nothing but what the test does is committed meanwhile.
		r := startWith(t, store, Config{Delay: time.Hour, Keep: 10, Metrics: registry})
		job, other := r.create(time.Minute, 0), r.create(24*time.Hour, 0)
		r.mustBeat(job.Value)
		pass(time.Second)

		start := gathered(t, registry)
		release := store.hold()
		send := func(value string, kinds ...kae.Kind) {
			for _, kind := range kinds {
				go r.Heartbeat(t.Context(), value, kae.Heartbeat{At: clockNow(), Kind: kind})
				synctest.Wait()
			}
		}
		send(other.Value, kae.Start) // is being committed
		send(other.Value, kae.Success, kae.Success, kae.Failure, kae.Log)
		send(job.Value, kae.Log)
		if got := gathered(t, registry)["queue_length"]; got != 5 {
			t.Errorf("queue length %v, want the 5 that wait", got)
		}
		time.Sleep(2 * time.Second)
		release()
		synctest.Wait()
		want := map[string]float64{
			"heartbeats_total start": 1, "heartbeats_total success": 2, "heartbeats_total failure": 1, "heartbeats_total log": 2,
			"commit_seconds turn count": 2, "commit_seconds turn sum": 2,
			"commit_heartbeats count": 2, "commit_heartbeats sum": 6,
			"commit_tokens count": 2, "commit_tokens sum": 3,
			"last_commit_timestamp_seconds": 3, // the one before was a second before
		}
		if diff := cmp.Diff(want, since(start, gathered(t, registry))); diff != "" {
			t.Errorf("six heartbeats in two commits (-want +got)\n%s", diff)
		}

		// Its deadline passes while the disk takes three seconds to write.
		release = store.hold()
		start = gathered(t, registry)
		time.Sleep(time.Until(r.token(job.ID).Deadline.Add(3 * time.Second)))
		release()
		synctest.Wait()
		r.expect(job.ID, kae.Firing, 2)
		got := since(start, gathered(t, registry))
		if got["deadline_lag_seconds count"] != 1 || got["deadline_lag_seconds sum"] != 3 {
			t.Errorf("fired three seconds late: %v", got)
		}

		store.failWith(func(int) (error, bool) { return errDisk, false })
		start = gathered(t, registry)
		if r.beat(other.Value) == nil {
			t.Fatal("a heartbeat was taken that could not be committed")
		}
		got = since(start, gathered(t, registry))
		if diff := cmp.Diff(map[string]float64{"commit_failures_total": 1}, got); diff != "" {
			t.Errorf("a commit that failed (-want +got)\n%s", diff)
		}
		store.failWith(nil)
		pass(time.Minute)
	})
}
