package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kae/internal/hub"
	"kae/internal/keeper"
	"kae/internal/notify"
	"kae/internal/roster"
	"kae/internal/sqlstore"
	"kae/internal/web"
)

// drain is how long requests that are under way may still take at the end.
const drain = 10 * time.Second

// serve runs kae until ctx ends. Whatever it opens is closed by the line
// after, so the end is the beginning run backwards: HTTP drains, the keeper
// commits what is left and saves, the store closes.
func serve(ctx context.Context, c config, stdout, stderr io.Writer) (err error) {
	if err := notTheOriginals(c); err != nil {
		return err
	}
	log := newLog(c, stderr)

	// First of all: a start that fails for its address leaves the database as
	// it is. Who connects before the end of the start waits.
	listener, err := listen(c.addr)
	if err != nil {
		return err
	}
	defer listener.Close() // the server closes it earlier

	store, err := sqlstore.Open(ctx, sqlstore.Config{DB: c.db, Log: log, Keep: c.keep})
	if err != nil {
		return err
	}
	defer closing(&err, store.Close)

	metrics := newMetrics(store)
	return operate(ctx, c, log, listener, store, metrics, func(k *keeper.Keeper) func() error {
		announce(stdout, c, listener.Addr(), k.Roster().Counts(), store.Upgraded())
		told := supervise(k, log)
		var beside []*task
		if c.every > 0 {
			b := backups{c, store, k, log, newBackupMetrics(metrics, c.every)}
			beside = append(beside, start(b.run))
		}
		if c.watch != nil {
			w := newWatch(c, k, log)
			beside = append(beside, start(w.run))
		}
		return func() error {
			err := told()
			for _, t := range beside {
				err = errors.Join(err, t.stop())
			}
			return err
		}
	})
}

// operate watches the tokens of a store and serves them until ctx ends. It
// calls opened when it does both; what that returns is called at the end,
// first of all.
func operate(ctx context.Context, c config, log *slog.Logger, listener net.Listener, store *sqlstore.Store,
	metrics *prometheus.Registry, opened func(*keeper.Keeper) func() error,
) (err error) {
	news := hub.New()
	defer news.Close()

	watch, err := keeper.Open(ctx, keeper.Config{Store: store, Hub: news, Log: log, Delay: c.delay, Keep: c.keep, Metrics: metrics})
	if err != nil {
		return err
	}
	alerts, err := notify.New(ctx, c.notifier(store, watch.Roster(), log, metrics))
	if err != nil {
		return err
	}
	watch.Policy, watch.Alerted = alerts.Policy, alerts.Wake
	watching := start(func(ctx context.Context) error { return watch.Run(ctx) })
	defer closing(&err, watching.stop)
	telling := start(alerts.Run)
	defer closing(&err, telling.stop)

	pages := c.pages()
	pages.Keeper, pages.Roster, pages.History, pages.Hub, pages.Log = watch, watch.Roster(), store, news, log
	pages.Metrics, pages.Alerts = metrics, alerts
	server := web.New(pages).HTTP()
	serving := start(func(context.Context) error { return server.Serve(listener) })
	defer closing(&err, func() error { return stopServing(server, serving, log) })

	defer closing(&err, opened(watch))
	select {
	case <-ctx.Done():
		log.Info("stopping")
		telling.cancel() // what is being sent ends while requests do
		return nil
	case <-watching.ended:
		return watching.err
	case <-serving.ended:
		return serving.err
	}
}

// pages are the settings of what is served.
func (c config) pages() web.Config {
	return web.Config{
		User: c.user, Pass: c.pass, NoAuth: c.noAuth,
		URL: c.url, TrustProxy: c.trust, Delay: c.delay, Zone: c.zone, LateLimit: c.late, Version: versionName(),
		MetricsToken: c.metricsToken, TokenMetrics: c.metricsNames,
	}
}

// notifier are the settings of what is sent to channels.
func (c config) notifier(store *sqlstore.Store, tokens *roster.Roster, log *slog.Logger, metrics prometheus.Registerer) notify.Config {
	return notify.Config{
		Outbox: store, Token: tokens.Get, History: store.History, Log: log, Metrics: metrics, Zone: c.zone,
		Options: notify.Options{URL: c.url, Agent: "kae/" + versionName(), DenyPrivate: c.denyPrivate, AllowCommands: c.allowCommands},
	}
}

func listen(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program listens on %s; stop it, or choose another address with -addr", addr)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return nil, fmt.Errorf("can't listen on %s: %w", addr, op.Err)
	}
	return listener, err
}

// stopServing lets requests under way end; the hub ends the event streams.
func stopServing(server *http.Server, serving *task, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("requests cut off at the end", "after", drain)
		server.Close()
	}
	if err := serving.stop(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// closing runs a closing step. The first error of all is the one to tell.
func closing(err *error, step func() error) {
	if e := step(); *err == nil {
		*err = e
	}
}

// task is a goroutine with an end: stop asks for it and waits.
type task struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // once ended
}

// start runs f in a context of its own, which outlives that of the program:
// what stops when is decided by the order of the closing steps.
func start(f func(context.Context) error) *task {
	ctx, cancel := context.WithCancel(context.Background())
	t := &task{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		t.err = f(ctx)
	}()
	return t
}

func (t *task) stop() error {
	t.cancel()
	<-t.ended
	return t.err
}

// newLog makes the log: text for people at a terminal, else JSON.
func newLog(c config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.logLevel}
	if c.logFormat == "text" || c.logFormat == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
