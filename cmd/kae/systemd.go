package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"kae/internal/keeper"
	"kae/internal/roster"
)

// statusEvery is how often the service manager is told how tokens are, where
// no watchdog asks for more.
const statusEvery = 10 * time.Second

// supervisor is the service manager that started kae, told over the socket in
// NOTIFY_SOCKET; see sd_notify(3). Without one nothing is done.
type supervisor struct {
	keeper *keeper.Keeper
	log    *slog.Logger
	said   string
	broken bool
}

// supervise tells the service manager that kae serves. What it gives back is
// the first step of the end.
func supervise(k *keeper.Keeper, log *slog.Logger) (stop func() error) {
	s := &supervisor{keeper: k, log: log}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog can't be used", "err", err)
	}
	if !s.tell(daemon.SdNotifyReady + "\n" + s.status()) {
		return func() error { return nil }
	}
	watching := start(func(ctx context.Context) error {
		s.watch(ctx, every)
		return nil
	})
	return func() error {
		watching.stop()
		s.tell(daemon.SdNotifyStopping)
		return nil
	}
}

// watch gives signs of life, three in the time that the watchdog waits, as
// long as the keeper's loop begins rounds. A store that fails is no reason to
// be started anew, a loop that hangs is one.
func (s *supervisor) watch(ctx context.Context, limit time.Duration) {
	every := statusEvery
	if limit > 0 {
		every = min(limit/3, statusEvery)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for rounds := s.keeper.Stir(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		before := rounds
		if rounds = s.keeper.Stir(); limit > 0 && rounds != before {
			s.tell(daemon.SdNotifyWatchdog)
		}
		if said := s.said; s.status() != said {
			s.tell(s.said)
		}
	}
}

// status is a line for “systemctl status”.
func (s *supervisor) status() string {
	s.said = "STATUS=" + standing(s.keeper.Roster().Counts())
	if since := s.keeper.Health().FailingSince; !since.IsZero() {
		s.said = "STATUS=The database fails since " + since.Format(time.RFC3339)
	}
	return s.said
}

func standing(n roster.Counts) string {
	return fmt.Sprintf("%d of %s firing", n.Firing, count(int64(n.New+n.Up+n.Firing+n.Disabled), "token"))
}

// tell sends a message, and tells whether somebody takes them. Its failure is
// logged once: a watchdog asks for many.
func (s *supervisor) tell(message string) bool {
	sent, err := daemon.SdNotify(false, message)
	if err != nil && !s.broken {
		s.log.Warn("the service manager can't be told", "err", err)
	}
	s.broken = err != nil
	return sent || err != nil
}
