package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"kae/internal/backup"
	"kae/internal/sqlstore"
	"kae/internal/wrapper"
)

// operatorHead says what backup, restore, check and healthcheck do.
var operatorHead = map[string]string{
	"backup": `kae backup copies the database as it is at one moment, whether kae runs on it or
not. The copy is checked before it gets its name; what fails leaves nothing.

Usage: kae backup [-flag value …] DEST

  DEST  a file, compressed if its name ends in .zst; a directory, in which it is
        named like kae-2026-11-22T10.db.zst, by the hour in UTC; or
        s3://bucket/prefix, likewise
`,
	"restore": `kae restore checks a backup and puts it in the place of the database. The old
database is moved aside. It is refused while kae runs.

Usage: kae restore [-flag value …] SRC

  SRC   a file, compressed or not; a directory, for the newest backup in it;
        s3://bucket/prefix/name, or s3://bucket/prefix for the newest
`,
	"check": `kae check reads all of the database, or of a backup, and tells whether it is
sound. It changes nothing, and kae may run meanwhile. Not sound: exit status 1.

Usage: kae check [-flag value …] [SRC]

  SRC   a backup, as for kae restore; without it, the database
`,
	"healthcheck": healthcheckHead,
}

func operatorHelp(command string) string { return listed(operatorHead[command], command) }

func backupCommand(getenv func(string) string, stdout, stderr io.Writer) *cli.Command {
	return operatorCommand("backup", getenv, func(ctx context.Context, c config, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return usage("kae backup needs to know where to: a file, a directory or s3://bucket/prefix")
		}
		return c.reported(ctx, args[0], getenv, stdout, stderr)
	})
}

// operatorCommand is a command with its settings and arguments.
func operatorCommand(name string, getenv func(string) string, do func(context.Context, config, []string) error) *cli.Command {
	flags := newFlags(name)
	return &cli.Command{
		Name: name, Flags: flags.cli(), CustomHelpTemplate: operatorHelp(name),
		Action: func(ctx context.Context, c *cli.Command) error {
			cfg, err := flags.config(getenv)
			if err != nil {
				return err
			}
			if c.Args().Len() > 1 {
				return usage("%q is one argument too many; “kae %s -help” shows what is possible", c.Args().Get(1), name)
			}
			return do(ctx, cfg, c.Args().Slice())
		},
	}
}

// reported makes a backup and tells the token, if there is one, how it went.
func (c config) reported(ctx context.Context, dest string, getenv func(string) string, stdout, stderr io.Writer) error {
	tell := func(context.Context, string, string) error { return nil }
	if c.backedUp != "" {
		target, err := wrapper.ParseTarget(c.backedUp, c.url)
		if err != nil {
			return usage("-heartbeat can't be used: %v", err)
		}
		tell = func(ctx context.Context, signal, message string) error {
			p := wrapper.Ping{
				Target: target, Signal: signal, Message: message, Agent: agent(),
				Spool: wrapper.OpenSpool("", getenv), Linger: 5 * time.Second, Stderr: stderr,
			}
			if signal == "start" {
				p.Linger = 2 * time.Second // what is told late is of no use
			}
			_, err := p.Send(ctx)
			return err
		}
	}
	if err := tell(ctx, "start", ""); err != nil {
		fmt.Fprintln(stderr, "kae: "+sentence(err)) // the backup comes first
	}
	line := newProgress(stderr)
	r, err := c.backUp(ctx, dest, c.source(), line.tell)
	line.end()
	// Also of a backup that was ended by a signal somebody should hear.
	after := context.WithoutCancel(ctx)
	if err != nil {
		if e := tell(after, "fail", sentence(err)); e != nil {
			fmt.Fprintln(stderr, "kae: "+sentence(e))
		}
		return err
	}
	if r.Kept != nil {
		fmt.Fprintln(stderr, "kae: old backups were not removed: "+sentence(r.Kept))
	}
	if _, err := fmt.Fprintln(stdout, "Backed up to "+summary(r)); err != nil {
		return err
	}
	return tell(after, "", summary(r))
}

// summary tells in a line what a backup came to.
func summary(r backup.Result) string {
	text := r.Name + ", " + megabytes(r.Size)
	switch n := len(r.Pruned); {
	case r.Kept != nil:
		text += "; old ones were not removed"
	case n == 1:
		text += "; 1 old one removed"
	case n > 1:
		text += fmt.Sprintf("; %d old ones removed", n)
	}
	return text
}

func megabytes(n int64) string {
	switch {
	case n < 1_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}

// source is the database of a kae that is another process, or none.
func (c config) source() backup.Source {
	if isPostgres(c.db) {
		return backup.Postgres(c.db, func(ctx context.Context) ([]string, error) {
			_, tables, err := sqlstore.Tables(ctx, c.db)
			return tables, err
		})
	}
	s := backup.Source{Kind: "db", Copy: func(ctx context.Context, into string) error { return sqlstore.CopyFile(ctx, c.db, into) }}
	if info, err := os.Stat(c.db); err == nil {
		s.Size = info.Size()
	}
	return s
}

// backUp makes a backup.
func (c config) backUp(ctx context.Context, dest string, from backup.Source, tell backup.Progress) (backup.Result, error) {
	if same(dest, c.db) {
		return backup.Result{}, usage("the backup would replace the database itself: choose another name for it")
	}
	to, err := backup.Open(dest, c.workDir(), c.s3)
	if err != nil {
		return backup.Result{}, err
	}
	job := backup.Job{Source: from, To: to, Keep: c.keeping, At: time.Now(), Tell: tell}
	return job.Run(ctx)
}

func same(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// workDir is where a backup is made that is to be sent: the directory for
// temporary files or, in a container that has none, the database's.
func (c config) workDir() string {
	dir := os.TempDir()
	if info, err := os.Stat(dir); err == nil && info.IsDir() || isPostgres(c.db) {
		return dir
	}
	return filepath.Dir(c.db)
}
