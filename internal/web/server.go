// Package web is everything that kae says over HTTP: it takes heartbeats,
// shows the console and keeps open pages live.
//
// Two kinds of requests meet here. Heartbeats are many and come from programs:
// they are answered in text, by the shortest way there is. The console is for
// people, and for programs that ask for JSON: each page is one struct, and the
// same struct is rendered as HTML or encoded as JSON.
//
// Handlers return errors; two adapters in respond.go are the only places that
// write and log one. Paths, queries and panic values are never logged: they
// may hold a token's value.
package web

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kae"
	"kae/internal/hub"
	"kae/internal/roster"
)

// Keeper is what takes heartbeats and changes tokens.
type Keeper interface {
	// Heartbeat returns when the heartbeat is durable. Errors are of code
	// NotFound (unknown or removed) and Unavailable.
	Heartbeat(ctx context.Context, value string, h kae.Heartbeat) error
	// Create makes a token of settings that are valid.
	Create(ctx context.Context, s kae.Settings) (kae.Token, error)
	// Change applies a rule to a token; NotFound when it is gone for good.
	// The rule's own errors are returned as they are.
	Change(ctx context.Context, id int64, rule func(t kae.Token, now time.Time) (kae.Change, error)) (kae.Token, error)
	// Health tells how kae itself is doing.
	Health() kae.Health
}

// History reads what a token's page shows; [kae.Store] says how.
type History interface {
	History(ctx context.Context, t kae.Token, q kae.HistoryQuery) (kae.History, error)
	Body(ctx context.Context, tokenID, number int64) ([]byte, error)
}

// Config is what a [Server] needs. All but the last group is required.
type Config struct {
	Keeper  Keeper
	Roster  *roster.Roster
	History History
	Hub     *hub.Hub
	Log     *slog.Logger
	Delay   time.Duration // the longest the keeper sleeps: how old a commit may be

	User, Pass string         // both empty: no credentials
	NoAuth     bool           // answer anybody, without credentials and under any name
	URL        string         // public base URL without a slash at its end; "": as the request says
	Zone       *time.Location // of new tokens whose maker names none; nil: UTC
	LateLimit  time.Duration  // how long ago what a heartbeat tells of may have happened
	TrustProxy []netip.Prefix // whose X-Forwarded-For and X-Forwarded-Proto are believed
	Version    string

	Alerts Alerts // nil: there are no channels, and no pages of them

	Metrics      *prometheus.Registry // what /metrics tells; nil: only what the server itself counts
	MetricsToken string               // opens /metrics, as the console's credentials do; "": only those
	TokenMetrics bool                 // tell of each token by its name

	Now func() time.Time // the time that pages go by; nil: the real one
}

// Server answers all requests to kae.
type Server struct {
	Config
	routes http.Handler
	origin *http.CrossOriginProtection
	logins *logins
	strays *strays
	notes  *notes
	user   [sha256.Size]byte
	pass   [sha256.Size]byte
	bearer [sha256.Size]byte // of /metrics

	metrics *metrics

	now  func() time.Time // tests stop it
	zone *time.Location   // of the times in pages, until a script puts in the viewer's
}

// New makes a server.
func New(c Config) *Server {
	s := &Server{
		Config: c,
		origin: http.NewCrossOriginProtection(),
		logins: newLogins(),
		strays: newStrays(),
		notes:  newNotes(),
		user:   sha256.Sum256([]byte(c.User)),
		pass:   sha256.Sum256([]byte(c.Pass)),
		bearer: sha256.Sum256([]byte(c.MetricsToken)),
		now:    c.Now,
		zone:   time.Local,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.Metrics == nil {
		s.Metrics = prometheus.NewRegistry()
	}
	s.metrics = s.newMetrics()
	if c.URL != "" {
		// A proxy may replace the Host header, to which the Origin is compared.
		if err := s.origin.AddTrustedOrigin(originOf(c.URL)); err != nil {
			c.Log.Warn("the public URL is no origin of requests", "err", err)
		}
	}
	s.routes = s.surface()
	return s
}

// surface is all that can be asked.
func (s *Server) surface() http.Handler {
	mux := http.NewServeMux()

	mux.Handle("/hb/{value}", s.heartbeats("/hb/{value}", s.heartbeat))
	mux.Handle("/hb/{value}/{signal}", s.heartbeats("/hb/{value}/{signal}", s.heartbeat))
	mux.Handle("/hb", s.heartbeats("/hb", s.heartbeat))
	mux.Handle("/hb/", s.heartbeats("/hb/", noHeartbeat))

	// For anybody.
	open := func(pattern string, h handler) { mux.Handle(pattern, s.pages(pattern, slog.LevelDebug, h)) }
	open("GET /healthz", s.healthz)
	open("GET /static/{hash}/{path...}", s.staticFile)
	open("GET /favicon.ico", s.favicon)
	open("GET /robots.txt", robots)

	// Asked again and again: not for the log.
	mux.Handle("GET /metrics", s.pages("GET /metrics", slog.LevelDebug, s.watched(s.scraped)))

	// For those who may see the console.
	// Asked again at every key: not for the log.
	mux.Handle("GET /preview", s.pages("GET /preview", slog.LevelDebug, s.guarded(s.preview)))
	page := func(pattern string, h handler) { mux.Handle(pattern, s.pages(pattern, slog.LevelInfo, s.guarded(h))) }
	page("GET /{$}", s.list)
	page("GET /newtoken", s.newForm)
	page("POST /newtoken", s.create)
	page("POST /tokens", s.bulk)
	page("GET /tokens/{id}", s.token)
	page("GET /tokens/{id}/edit", s.editForm)
	page("POST /tokens/{id}", s.edit)
	page("POST /tokens/{id}/disable", s.change(disable))
	page("POST /tokens/{id}/enable", s.change(enable))
	page("POST /tokens/{id}/remove", s.change(remove))
	page("POST /tokens/{id}/undo", s.change(undo))
	page("POST /tokens/{id}/newvalue", s.change(s.renew))
	page("POST /tokens/{id}/heartbeat", s.byHand)
	page("GET /tokens/{id}/acknowledge", s.ackForm)
	page("POST /tokens/{id}/acknowledge", s.said(acknowledge))
	page("POST /tokens/{id}/takeback", s.said(takeBack))
	page("POST /tokens/{id}/snooze", s.said(snooze))
	page("GET /tokens/{id}/heartbeats/{number}/body", s.body)
	page("GET /strays", s.strayList)
	page("POST /strays/forget", s.forgetStrays)
	if s.Alerts != nil {
		page("GET /channels", s.channels)
		page("GET /channels/new", s.newChannel)
		page("POST /channels", s.createChannel)
		page("GET /channels/{id}", s.channel)
		page("GET /channels/{id}/edit", s.editChannel)
		page("POST /channels/{id}", s.changeChannel)
		page("POST /channels/{id}/test", s.testChannel)
		page("POST /channels/{id}/remove", s.removeChannel)
		page("GET /policy", s.policy)
		page("POST /policy", s.changePolicy)
		page("GET /maintenance", s.maintenance)
		page("POST /maintenance", s.createWindow)
		page("GET /maintenance/{id}/edit", s.editWindow)
		page("POST /maintenance/{id}", s.changeWindow)
		page("POST /maintenance/{id}/end", s.endWindow)
		page("POST /maintenance/{id}/remove", s.removeWindow)
	}
	page("GET /events", s.events)
	page("/", lost(mux))
	return mux
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The mux would send such paths elsewhere, past every adapter, and curl
	// takes a redirect for a success: a doubled slash must not lose heartbeats.
	if p := r.URL.Path; strings.Contains(p, "//") || strings.Contains(p, "/.") || !strings.HasPrefix(p, "/") {
		s.heartbeats("unclean path", noHeartbeat).ServeHTTP(w, r)
		return
	}
	s.routes.ServeHTTP(w, r)
}

// HTTP makes a server of HTTP/1.1 that drops slow clients, and that ends all
// open streams when it shuts down.
func (s *Server) HTTP() *http.Server {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(s.Hub.Close)
	return srv
}

// stamp is now as kae keeps times: whole microseconds, UTC, no monotonic part.
func (s *Server) stamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

func (s *Server) clock() clock { return clock{s.stamp(), s.zone} }
