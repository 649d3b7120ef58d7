package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v3"

	"kae/internal/backup"
	"kae/internal/sqlstore"
)

func restoreCommand(getenv func(string) string, stdout, stderr io.Writer) *cli.Command {
	return operatorCommand("restore", getenv, func(ctx context.Context, c config, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return usage("kae restore needs a backup: a file, a directory or s3://bucket/prefix")
		}
		return c.restore(ctx, args[0], stdout, stderr)
	})
}

func (c config) restore(ctx context.Context, src string, stdout, stderr io.Writer) (err error) {
	if same(src, c.db) {
		return usage("%s is the database itself; name a backup", src)
	}
	if isPostgres(c.db) {
		return c.restoreDump(ctx, src, stdout, stderr)
	}
	r, err := sqlstore.BeginRestore(c.db)
	if err != nil {
		return err
	}
	defer closing(&err, r.Close)
	line := newProgress(stderr)
	name, err := backup.Fetch(ctx, src, r.Part(), c.s3, line.tell)
	line.end()
	if err != nil {
		return err
	}
	aside, found, err := r.Finish(ctx, name)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("Restored %s from %s: %s.\n", c.db, name, contents(found))
	if aside != "" {
		said += "The database from before is now " + aside + ".\n"
	}
	_, err = io.WriteString(stdout, said)
	return err
}

func contents(f sqlstore.Found) string {
	return fmt.Sprintf("%s, %s, schema version %d", count(f.Tokens, "token"), count(f.Heartbeats, "heartbeat"), f.Version)
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func checkCommand(getenv func(string) string, stdout, stderr io.Writer) *cli.Command {
	return operatorCommand("check", getenv, func(ctx context.Context, c config, args []string) error {
		var said string
		if len(args) == 1 && !same(args[0], c.db) {
			text, err := c.checkBackup(ctx, args[0], stderr)
			if err != nil {
				return err
			}
			said = text
		} else {
			found, err := sqlstore.Check(ctx, c.db)
			if err != nil {
				return err
			}
			said = fmt.Sprintf("%s is sound: %s.", shownDB(c.db), contents(found))
		}
		_, err := fmt.Fprintln(stdout, said)
		return err
	})
}

// checkBackup checks a copy of a backup.
func (c config) checkBackup(ctx context.Context, src string, stderr io.Writer) (said string, err error) {
	err = c.withFetched(ctx, src, stderr, func(name, file string) error {
		if backup.IsDump(file) {
			said = name + " can be read: it is a dump of a PostgreSQL database."
			return backup.CheckDump(ctx, name, file)
		}
		found, err := sqlstore.CheckCopy(ctx, name, file)
		said = fmt.Sprintf("%s is sound: %s.", name, contents(found))
		return err
	})
	return said, err
}

// withFetched brings a backup into a temporary file for as long as use lasts.
func (c config) withFetched(ctx context.Context, src string, stderr io.Writer, use func(name, file string) error) (err error) {
	part, err := os.CreateTemp(c.workDir(), "kae-fetch-*.part")
	if err != nil {
		return err
	}
	defer closing(&err, func() error { return errors.Join(part.Close(), os.Remove(part.Name())) })
	line := newProgress(stderr)
	name, err := backup.Fetch(ctx, src, part.Name(), c.s3, line.tell)
	line.end()
	if err != nil {
		return err
	}
	return use(name, part.Name())
}

// restoreDump restores into a database in PostgreSQL that is empty. To put an
// old one aside is for whoever runs the server.
func (c config) restoreDump(ctx context.Context, src string, stdout, stderr io.Writer) error {
	schema, tables, err := sqlstore.Tables(ctx, c.db)
	if err != nil {
		return err
	}
	if len(tables) > 0 {
		return fmt.Errorf("the database %s already has kae's tables: restore into an empty one, and then use that", shownDB(c.db))
	}
	return c.withFetched(ctx, src, stderr, func(name, file string) error {
		if err := backup.RestoreDump(ctx, c.db, schema, name, file); err != nil {
			return err
		}
		if err := sqlstore.GiveUpWaiting(ctx, c.db); err != nil {
			return err
		}
		found, err := sqlstore.Check(ctx, c.db)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "Restored %s from %s: %s.\n", shownDB(c.db), name, contents(found))
		return err
	})
}
