package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"

	"kae"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// versions is the table that tells which migrations were run. It has a name
// of its own so that nobody else's migrations are taken for kae's.
const versions = "kae_schema"

// migrations reads the embedded migrations, NNNN_name.sql, in one engine's
// words.
func migrations(d *dialect) ([]*goose.Migration, int64, error) {
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, 0, err
	}
	var all []*goose.Migration
	var newest int64
	for _, file := range files {
		number, _, _ := strings.Cut(file.Name(), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, 0, err
		}
		text, err := migrationFiles.ReadFile("migrations/" + file.Name())
		if err != nil {
			return nil, 0, err
		}
		up := func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, d.words.Replace(string(text)))
			return err
		}
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: up}, nil))
		newest = max(newest, version)
	}
	return all, newest, nil
}

// prepare makes the database what this kae needs. It looks first: a database
// that is not for this kae stays as it is.
func (s *Store) prepare(ctx context.Context, path string, keep int64) error {
	all, newest, err := migrations(s.d)
	if err != nil {
		return err
	}
	// A file is locked already, a server's schema by the connection that writes.
	if path == "" {
		if _, err := s.connected(ctx); err != nil {
			return err
		}
	}
	var found []string
	var version int64
	err = s.read(ctx, func(ctx context.Context, c *conn) (err error) {
		found, version, err = inspect(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	if version > newest {
		return tooNew(s.d.name, version, newest)
	}
	old := false
	if path != "" {
		if old, err = s.setAside(ctx, path, found); err != nil {
			return err
		}
	}
	if !old && !slices.Contains(found, versions) && s.foreign(path, found) {
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s belongs to another program.", s.d.name)}
	}
	if _, err := s.connected(ctx); err != nil {
		return err
	}
	if version < newest {
		if err := s.migrate(ctx, all); err != nil {
			return err
		}
	} else if path != "" {
		if err := s.check(ctx, path); err != nil {
			return err
		}
	}
	if old {
		return s.takeOver(ctx, path, keep)
	}
	return nil
}

func tooNew(name string, version, newest int64) error {
	return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s has schema version %d and this kae knows only %d: start a newer kae, or restore a backup from before its upgrade.", name, version, newest)}
}

// inspect gives the names of the tables there are and the version of kae's
// schema, 0 if it is not there.
func inspect(ctx context.Context, c *conn) (found []string, version int64, err error) {
	err = c.each(ctx, c.d.tables, nil, func(rows *sql.Rows) error {
		var name string
		defer func() { found = append(found, name) }()
		return rows.Scan(&name)
	})
	if err == nil && slices.Contains(found, versions) {
		err = c.row(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versions, nil, &version)
	}
	return found, version, err
}

// foreign tells whether the tables are somebody else's. A server's schema may
// be shared as long as kae's names are free.
func (s *Store) foreign(path string, found []string) bool {
	if path != "" {
		return len(found) > 0
	}
	return slices.ContainsFunc(found, func(name string) bool {
		return slices.Contains(ourTables, name)
	})
}

func (s *Store) migrate(ctx context.Context, all []*goose.Migration) error {
	db := s.d.open(write) // the one that writes may hold the lock
	defer db.Close()
	p, err := goose.NewProvider(s.d.goose, db, nil,
		goose.WithGoMigrations(all...), goose.WithTableName(versions), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(s.d.context(ctx))
	return err
}

// checkedSize is up to which size a file is checked at every start: reading
// all of it takes some 50 ms then.
const checkedSize = 16 << 20

// warn logs what an operator should know of a database file.
func (s *Store) warn(path string) {
	if onNetwork(path) {
		s.log.Warn("the database is on a network file system, which can damage it", "db", s.d.name)
	}
}

// check logs damage. It does not keep kae from starting: what can still be
// read is watched.
func (s *Store) check(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() > checkedSize {
		return nil
	}
	var found string
	err = s.read(ctx, func(ctx context.Context, c *conn) error {
		return c.row(ctx, "PRAGMA quick_check(1)", nil, &found)
	})
	if err == nil && found != "ok" {
		s.log.Error("the database is damaged, restore a backup", "db", s.d.name, "found", found)
	}
	return err
}
