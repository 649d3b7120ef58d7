package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"kae"
)

// Found is what a sound database holds.
type Found struct {
	Engine     string // SQLite or PostgreSQL
	Version    int64  // of its schema
	Tokens     int64
	Heartbeats int64
}

// Check reads all of a database, a file or a postgres:// URL, and tells what
// is in it. It changes nothing, and kae may run on it. Its error is a
// [kae.Error] that says what is wrong.
func Check(ctx context.Context, name string) (Found, error) {
	if isURL(name) {
		d, err := postgresDialect(name)
		if err != nil {
			return Found{}, err
		}
		return check(ctx, d, look)
	}
	d, err := closedFile(name)
	if err != nil {
		return Found{}, err
	}
	return check(ctx, d, look)
}

// CheckCopy is [Check] of a file that nobody writes and that has no log beside
// it. Sentences call it by a name that its reader knows.
func CheckCopy(ctx context.Context, name, path string) (Found, error) {
	if err := recognize(name, path); err != nil {
		return Found{}, err
	}
	return check(ctx, sqliteDialect(name, path), still)
}

func check(ctx context.Context, d *dialect, a access) (Found, error) {
	db := d.open(a)
	defer db.Close()
	c, err := connect(ctx, d, db)
	if err != nil {
		return Found{}, d.explain(err)
	}
	defer c.discard()
	found := Found{Engine: d.engine}
	err = snapshot(ctx, c, func(ctx context.Context, c *conn) error { return found.read(ctx, c) })
	switch e, ours := err.(*kae.Error); {
	case err == nil:
		return found, nil
	case ctx.Err() != nil:
		return Found{}, &kae.Error{Code: kae.Unavailable, Message: "The check was broken off.", Err: ctx.Err()}
	case ours:
		return Found{}, e
	}
	return Found{}, d.explain(err)
}

// read looks at everything once: the tables, the file's structure, the tokens
// as they are loaded at a start, and how many heartbeats there are.
func (f *Found) read(ctx context.Context, c *conn) error {
	_, newest, err := migrations(c.d)
	if err != nil {
		return err
	}
	tables, version, err := inspect(ctx, c)
	switch {
	case err != nil:
		return err
	case slices.Contains(tables, "pings") && !slices.Contains(tables, versions):
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s is the original kae's: start kae on it once, which upgrades it.", c.d.name)}
	case !slices.Contains(tables, versions) || version == 0:
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s is not kae's.", c.d.name)}
	case version > newest:
		return tooNew(c.d.name, version, newest)
	}
	f.Version = version
	if c.d.engine == "SQLite" {
		var damage string
		if err := c.row(ctx, "PRAGMA integrity_check(1)", nil, &damage); err != nil {
			return err
		}
		if damage != "ok" {
			return damaged(c.d.name, damage)
		}
	}
	if version == newest { // an older one has other columns; its upgrade is for the start
		err := c.each(ctx, "SELECT "+tokenColumns+" FROM tokens", nil, func(rows *sql.Rows) error {
			_, _, err := scanToken(rows)
			return err
		})
		if err != nil {
			return damaged(c.d.name, err.Error())
		}
		if _, err := readClock(ctx, c); err != nil {
			return damaged(c.d.name, err.Error())
		}
	}
	return c.row(ctx, "SELECT (SELECT COUNT(*) FROM tokens), (SELECT COUNT(*) FROM journal) + (SELECT COUNT(*) FROM heartbeats)",
		nil, &f.Tokens, &f.Heartbeats)
}

func damaged(name, how string) error {
	return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s is damaged: restore a backup.", name), Err: fmt.Errorf("%s", how)}
}

// isURL tells a URL from a file.
func isURL(name string) bool { return strings.Contains(name, "://") }
