package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"kae"
)

// Restore is a database file about to be replaced. No kae can start on it
// meanwhile.
type Restore struct {
	name, path string
	lock       *os.File
	part       string // what is to replace it; empty once it did
}

// BeginRestore locks the database file of a name, which need not exist, and is
// refused while kae runs on it.
func BeginRestore(name string) (*Restore, error) {
	path, err := resolve(name)
	if err != nil {
		return nil, explainPath(name, err)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s is not a file.", name)}
	}
	lock, err := takeLock(name, path)
	if err != nil {
		return nil, err
	}
	r := &Restore{name: name, path: path, lock: lock}
	if err := adopt(lock.Name(), path); err != nil {
		r.Close()
		return nil, explainPath(name, err)
	}
	// Beside the database: a rename within one file system is all or nothing.
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".restore-*.part")
	if err != nil {
		r.Close()
		return nil, explainPath(name, err)
	}
	r.part = part.Name()
	return r, part.Close()
}

// Part is the file to fill with what is to replace the database. It is empty,
// and nobody else may read it.
func (r *Restore) Part() string { return r.part }

// Finish checks the new database, calling it by a name that people know, moves
// the old one aside with its log, and puts the new one in its place. aside is
// where the old one is now; empty where there was none.
func (r *Restore) Finish(ctx context.Context, from string) (aside string, found Found, err error) {
	if found, err = CheckCopy(ctx, from, r.part); err != nil {
		return "", found, err
	}
	if err := giveUpWaiting(ctx, sqliteDialect(r.name, r.part)); err != nil {
		return "", found, err
	}
	err = errors.Join(syncFile(r.part), adopt(r.part, r.path))
	if err == nil {
		aside, err = r.exchange(time.Now())
	}
	if err != nil {
		return "", found, &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The database %s can't be replaced; it is as it was.", r.name), Err: err}
	}
	return aside, found, nil
}

// companions are what SQLite keeps beside a database. A log that stayed would
// be read into the new one.
var companions = []string{"", "-wal", "-shm", "-journal"}

// exchange moves the old files aside and the new one into their place. When a
// step fails those before it are undone.
func (r *Restore) exchange(now time.Time) (aside string, err error) {
	var moved []string
	defer func() {
		if err != nil {
			for _, end := range moved {
				err = errors.Join(err, os.Rename(aside+end, r.path+end))
			}
			aside = ""
		}
	}()
	if aside, err = free(r.path + ".before-" + now.UTC().Format("20060102T150405Z")); err != nil {
		return aside, err
	}
	for _, end := range companions {
		switch err := os.Rename(r.path+end, aside+end); {
		case err == nil:
			moved = append(moved, end)
		case !errors.Is(err, fs.ErrNotExist):
			return aside, err
		}
	}
	if err := os.Rename(r.part, r.path); err != nil {
		return aside, err
	}
	r.part = ""
	if err := syncDir(filepath.Dir(r.path)); err != nil {
		return aside, err
	}
	if len(moved) == 0 {
		return "", nil
	}
	return aside, nil
}

// free gives a name that no file has yet: two restores may come in one second.
func free(name string) (string, error) {
	for n := 1; ; n++ {
		try := name
		if n > 1 {
			try = fmt.Sprintf("%s-%d", name, n)
		}
		if _, err := os.Lstat(try); errors.Is(err, fs.ErrNotExist) {
			return try, nil
		} else if err != nil {
			return "", err
		}
	}
}

// Close gives the lock back and takes away what was not used.
func (r *Restore) Close() error {
	var err error
	if r.part != "" {
		err = os.Remove(r.part)
	}
	return errors.Join(err, r.lock.Close())
}

// adopt gives a file the owner of the database, or of its directory where
// there is none yet: root may restore what another user's kae has to write.
func adopt(file, database string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(database)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(database))
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(file, int(owner.Uid), int(owner.Gid))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// GiveUpWaiting gives up the deliveries of a PostgreSQL database that was
// restored. What waited when the backup was made was delivered since, or is no
// news any more.
func GiveUpWaiting(ctx context.Context, dsn string) error {
	d, err := postgresDialect(dsn)
	if err != nil {
		return err
	}
	return giveUpWaiting(ctx, d)
}

func giveUpWaiting(ctx context.Context, d *dialect) error {
	db := d.open(write)
	defer db.Close()
	c, err := connect(ctx, d, db)
	if err != nil {
		return d.explain(err)
	}
	defer c.discard()
	found, _, err := inspect(ctx, c)
	if err == nil && slices.Contains(found, "deliveries") {
		err = c.exec(ctx, "UPDATE deliveries SET state = 'given up', answer = 'The database was restored from a backup.', settled_at = ? WHERE state = 'waiting'", micros(time.Now()))
	}
	if err != nil {
		return d.explain(err)
	}
	return nil
}
