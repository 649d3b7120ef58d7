package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"kae/internal/keeper"
	"kae/internal/web"
)

// watchEvery is how often kae tells that it works.
const watchEvery = time.Minute

// watch tells another kae, or another service, that this one works. It says
// nothing at a stop: if kae does not come back in time, somebody should know.
type watch struct {
	host string
	ill  func() error // why kae does not do its work; nil: it does
	send func(context.Context) error
	log  *slog.Logger

	silent bool // no heartbeat is sent, or none gets through, and that is logged
}

func newWatch(c config, k *keeper.Keeper, log *slog.Logger) *watch {
	return &watch{
		host: c.watch.Host(),
		ill: func() error {
			if ok, message := web.Judge(k.Health(), time.Now(), c.delay); !ok {
				return errors.New(message)
			}
			return nil
		},
		send: func(ctx context.Context) error { return c.watch.Get(ctx, agent()) },
		log:  log,
	}
}

// run sends a heartbeat at once and then every minute, until ctx ends. One that
// fails is not sent again: the next one says the same.
func (w *watch) run(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		w.once(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (w *watch) once(ctx context.Context) {
	err := w.ill()
	if err == nil {
		err = w.send(ctx)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil && !w.silent:
		w.log.Warn("nobody is told that kae works", "to", w.host, "error", sentence(err))
		w.silent = true
	case err == nil && w.silent:
		w.log.Info("it is told again that kae works", "to", w.host)
		w.silent = false
	}
}
