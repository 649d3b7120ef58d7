package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"kae/internal/sqlstore"
)

// newMetrics makes the metrics of the process, the program and its database.
// Whoever else has some registers them there.
func newMetrics(store *sqlstore.Store) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		databaseSize{store},
	)
	promauto.With(r).NewGaugeVec(prometheus.GaugeOpts{
		Name: "kae_build_info", Help: "Always 1; version says which kae this is.",
	}, []string{"version"}).WithLabelValues(versionName()).Set(1)
	return r
}

// databaseSize asks the database when somebody asks for the metrics. One that
// does not answer is left out: the others are wanted then more than ever.
type databaseSize struct{ store *sqlstore.Store }

var databaseSizeDesc = prometheus.NewDesc("kae_database_size_bytes",
	"What the database takes on its disk: the file and the log beside it, or the tables in PostgreSQL. Absent while it does not answer.", nil, nil)

func (d databaseSize) Describe(to chan<- *prometheus.Desc) { to <- databaseSizeDesc }

func (d databaseSize) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // Prometheus waits for ten
	defer cancel()
	if size, err := d.store.Size(ctx); err == nil {
		to <- prometheus.MustNewConstMetric(databaseSizeDesc, prometheus.GaugeValue, float64(size))
	}
}

// backupMetrics tell of the backups that kae makes by itself.
type backupMetrics struct {
	made, failed prometheus.Counter
	last         prometheus.Gauge
}

func newBackupMetrics(r prometheus.Registerer, every time.Duration) backupMetrics {
	with := promauto.With(r)
	with.NewGauge(prometheus.GaugeOpts{
		Name: "kae_backup_interval_seconds", Help: "How often a backup is to be made. With -backup-every.",
	}).Set(every.Seconds())
	outcomes := with.NewCounterVec(prometheus.CounterOpts{
		Name: "kae_backups_total", Help: "Backups since kae started: success or failure. With -backup-every.",
	}, []string{"outcome"})
	return backupMetrics{
		made:   outcomes.WithLabelValues("success"),
		failed: outcomes.WithLabelValues("failure"),
		last: with.NewGauge(prometheus.GaugeOpts{
			Name: "kae_backup_last_success_timestamp_seconds", Help: "When the newest backup was made, by whichever process; 0: none yet. With -backup-every.",
		}),
	}
}
