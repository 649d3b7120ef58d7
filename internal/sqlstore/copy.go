package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kae"
)

// CopyFile writes a consistent copy of a database file, whether kae runs on it
// or not, and checks the copy. The file into is there, empty and as readable
// as the copy is to be; after an error it holds nothing of use.
//
// It is for a process that does not have the database open: closing any
// descriptor of a file gives up all locks that SQLite has on it. Such a
// process has [Store.Copy].
func CopyFile(ctx context.Context, name, into string) error {
	d, err := closedFile(name)
	if err != nil {
		return err
	}
	return copyInto(ctx, d, into)
}

// Copy writes a consistent copy of the store's database into a file, as
// [CopyFile] does. Heartbeats are taken all the while.
func (s *Store) Copy(ctx context.Context, into string) error {
	if s.file == nil {
		return &kae.Error{Code: kae.Invalid, Message: "A PostgreSQL database is no file that could be copied."}
	}
	return copyInto(ctx, s.d, into)
}

// closedFile gives the dialect of a database file that has to be there and
// that this process does not have open.
func closedFile(name string) (*dialect, error) {
	path, err := resolve(name)
	if err != nil {
		return nil, explainPath(name, err)
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &kae.Error{Code: kae.NotFound, Message: fmt.Sprintf("There is no database %s.", name)}
	case err == nil && !info.Mode().IsRegular():
		return nil, &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s is not a file.", name)}
	}
	if err := recognize(name, path); err != nil {
		return nil, err
	}
	return sqliteDialect(name, path), nil
}

// copyInto reads all of a database in one transaction that does not hold up
// whoever writes. The copy has neither free pages nor a log beside it.
func copyInto(ctx context.Context, d *dialect, into string) error {
	err := func() error {
		db := d.open(whole)
		defer db.Close()
		c, err := connect(ctx, d, db)
		if err != nil {
			return err
		}
		defer c.discard()
		return c.exec(ctx, "VACUUM INTO ?", into)
	}()
	var e *sqlite.Error
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return &kae.Error{Code: kae.Unavailable, Message: "The copy was broken off.", Err: ctx.Err()}
	case errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_FULL:
		return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("There is no room left on the disk for a copy of the database %s.", d.name)}
	case errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_IOERR:
		return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The database %s can't be copied.", d.name), Err: err}
	default:
		return d.explain(err)
	}
	if err := syncFile(into); err != nil {
		return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The copy of the database %s can't be written.", d.name), Err: err}
	}
	_, err = check(ctx, sqliteDialect(d.name, into), still)
	return err
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
