package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"kae"
	"kae/internal/backup"
	"kae/internal/keeper"
	"kae/internal/sqlstore"
	"kae/internal/wrapper"
)

// retryBackup is the longest until a backup that failed is tried again.
const retryBackup = 5 * time.Minute

// backups makes the backups that kae makes by itself.
type backups struct {
	config
	store   *sqlstore.Store
	watch   *keeper.Keeper
	log     *slog.Logger
	metrics backupMetrics
}

// run makes a backup whenever one is due, until ctx ends. What goes wrong is
// logged and told to the token: heartbeats are taken all the same.
func (b *backups) run(ctx context.Context) error {
	wait := b.due(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = b.every
		if err := b.once(ctx); err != nil {
			wait = min(wait, retryBackup)
		}
	}
}

// due gives how long there is until the next backup. It follows from the
// newest one that there is: starting kae again puts none off.
func (b *backups) due(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	to, err := backup.Open(b.to, b.workDir(), b.s3)
	if err != nil {
		return 0 // the backup itself says what is wrong
	}
	newest, err := backup.Newest(ctx, to)
	if err != nil {
		return 0
	}
	b.metrics.last.Set(float64(newest.UnixMicro()) / 1e6)
	return min(max(0, time.Until(newest.Add(b.every))), b.every)
}

func (b *backups) once(ctx context.Context) error {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, max(b.every, time.Hour))
	defer cancel()
	from := b.source()
	if !isPostgres(b.db) {
		from.Copy = b.store.Copy
	}
	r, err := b.backUp(limited, b.to, from, nil)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // kae is stopping
	case err != nil:
		b.log.Error("backup failed", "to", b.to, "error", sentence(err))
		b.metrics.failed.Inc()
		b.told(ctx, kae.Failure, sentence(err))
		return err
	case r.Kept != nil:
		b.log.Warn("old backups not removed", "to", b.to, "error", sentence(r.Kept))
	}
	b.log.Info("backup made", "to", r.Name, "bytes", r.Size, "removed", len(r.Pruned), "took", time.Since(began).Round(time.Millisecond))
	b.metrics.made.Inc()
	b.metrics.last.SetToCurrentTime()
	b.told(ctx, kae.Success, summary(r))
	return nil
}

// told sends the backups' token a heartbeat: to this kae without detour, to
// another one over the network.
func (b *backups) told(ctx context.Context, kind kae.Kind, message string) {
	if b.backedUp == "" {
		return
	}
	message = kae.CleanText(message, kae.MaxMessage)
	h := kae.Heartbeat{At: time.Now(), Kind: kind, Message: message, Agent: agent(), Posted: true}
	err := b.watch.Heartbeat(ctx, b.backedUp, h)
	if kae.ErrorCode(err) == kae.NotFound {
		var target *wrapper.Target
		if target, err = wrapper.ParseTarget(b.backedUp, ""); err == nil {
			signal := map[kae.Kind]string{kae.Failure: "fail"}[kind]
			p := wrapper.Ping{Target: target, Signal: signal, Message: message, Agent: agent(), Linger: time.Minute, Stderr: io.Discard}
			_, err = p.Send(ctx)
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		b.log.Error("heartbeat of the backups not taken", "error", sentence(err))
	}
}
