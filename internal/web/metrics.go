package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kae"
	"kae/internal/roster"
)

// metrics are those of HTTP. A heartbeat that is taken touches none of them.
type metrics struct {
	refused map[kae.Code]prometheus.Counter
	streams prometheus.Gauge
	handler http.Handler
}

func (s *Server) newMetrics() *metrics {
	with := promauto.With(s.Metrics)
	refused := with.NewCounterVec(prometheus.CounterOpts{
		Name: "kae_heartbeats_refused_total",
		Help: "Heartbeats that were not recorded. reason is not_found (unknown value, or no such address), bad_request, bad_method, refused (the token takes POST only), unavailable (answered 503: the database fails, kae is too busy or stops) or internal.",
	}, []string{"reason"})
	m := &metrics{
		refused: map[kae.Code]prometheus.Counter{},
		streams: with.NewGauge(prometheus.GaugeOpts{
			Name: "kae_event_streams", Help: "Open pages that are kept up to date.",
		}),
		handler: promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{
			ErrorHandling: promhttp.ContinueOnError, // one that fails does not hide the others
			ErrorLog:      scrapeLog{s.Log},
		}),
	}
	for _, code := range []kae.Code{kae.NotFound, badRequest, badMethod, kae.Refused, kae.Unavailable, kae.Internal} {
		m.refused[code] = refused.WithLabelValues(string(code))
	}
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kae_healthy", Help: "1 if kae does its work, as /healthz says; else 0.",
	}, func() float64 { return truth(judge(s.Keeper.Health(), s.stamp(), s.Delay).OK) })
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kae_tokens_overdue", Help: "Tokens that are overdue by more than a second and do not fire. Always 0 unless kae is ill.",
	}, func() float64 { return float64(s.Keeper.Health().Overdue) })
	s.Metrics.MustRegister(tokensByStatus{s.Roster})
	if s.TokenMetrics {
		s.Metrics.MustRegister(eachToken{s.Roster})
	}
	return m
}

// scraped answers Prometheus.
func (s *Server) scraped(w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}

// watched lets those through who may see the metrics: who knows their token,
// and who may see the console. A token that is set is asked for even where the
// console asks for nothing.
func (s *Server) watched(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		token, given := bearerOf(r)
		switch {
		case s.MetricsToken == "" || !given && s.User != "":
			return s.guarded(h)(w, r)
		case !given:
			return &kae.Error{Code: unauthorized, Message: "The metrics need their token, in “Authorization: Bearer …”."}
		}
		sum := sha256.Sum256([]byte(token))
		err := s.logins.try(neighbourhood(s.client(r)), time.Now(), [2][sha256.Size]byte{sum}, func() error {
			if subtle.ConstantTimeCompare(sum[:], s.bearer[:]) != 1 {
				return &kae.Error{Code: unauthorized, Message: "This is not the token of the metrics."}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return h(w, r)
	}
}

// scrapeLog is where promhttp tells what can't be gathered.
type scrapeLog struct{ log *slog.Logger }

func (l scrapeLog) Println(v ...any) {
	for _, v := range v {
		if err, ok := v.(error); ok {
			l.log.Warn("metrics can't be gathered", "err", err)
		}
	}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// tokensByStatus counts tokens when somebody asks.
type tokensByStatus struct{ roster *roster.Roster }

var (
	tokensDesc  = prometheus.NewDesc("kae_tokens", "Tokens by status, without removed ones.", []string{"status"}, nil)
	lateDesc    = prometheus.NewDesc("kae_tokens_late", "Tokens that are past due, and not yet past their grace.", nil, nil)
	runningDesc = prometheus.NewDesc("kae_tokens_running", "Tokens with a run that has begun and not ended.", nil, nil)
	unknownDesc = prometheus.NewDesc("kae_tokens_unknown", "Tokens that were excused, because kae took no heartbeat when theirs was expected.", nil, nil)
)

func (c tokensByStatus) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

func (c tokensByStatus) Collect(to chan<- prometheus.Metric) {
	n := c.roster.Counts()
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	gauge(tokensDesc, n.Firing, string(kae.Firing))
	gauge(tokensDesc, n.Up, string(kae.Up))
	gauge(tokensDesc, n.New, string(kae.New))
	gauge(tokensDesc, n.Disabled, string(kae.Disabled))
	gauge(lateDesc, n.Late)
	gauge(runningDesc, n.Running)
	gauge(unknownDesc, n.Unknown)
}

// eachToken tells of each token that is not removed. The id keeps tokens of
// the same name apart.
type eachToken struct{ roster *roster.Roster }

var (
	tokenLabels     = []string{"id", "name"}
	tokenUpDesc     = prometheus.NewDesc("kae_token_up", "1 if the token is up, else 0: it fires, is new or disabled. With -metrics-names.", tokenLabels, nil)
	tokenFiringDesc = prometheus.NewDesc("kae_token_firing", "1 if the token fires, else 0. With -metrics-names.", tokenLabels, nil)
	tokenLastDesc   = prometheus.NewDesc("kae_token_last_heartbeat_timestamp_seconds", "When the token's newest success or failure happened; absent before the first. With -metrics-names.", tokenLabels, nil)
)

func (c eachToken) Describe(to chan<- *prometheus.Desc) {
	to <- tokenUpDesc
	to <- tokenFiringDesc
	to <- tokenLastDesc
}

func (c eachToken) Collect(to chan<- prometheus.Metric) {
	type brief struct {
		id, name string
		status   kae.Status
		last     time.Time
	}
	var all []brief // heartbeats wait while the roster is read: nothing else is done meanwhile
	c.roster.All(func(t kae.Token) bool {
		if !t.Removed() {
			all = append(all, brief{strconv.FormatInt(t.ID, 10), t.Name, t.Status, t.LastAt})
		}
		return true
	})
	for _, t := range all {
		name := strings.ToValidUTF8(t.name, "�")
		gauge := func(d *prometheus.Desc, value float64) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, t.id, name)
		}
		gauge(tokenUpDesc, truth(t.status == kae.Up))
		gauge(tokenFiringDesc, truth(t.status == kae.Firing))
		if !t.last.IsZero() {
			gauge(tokenLastDesc, float64(t.last.UnixMicro())/1e6)
		}
	}
}
