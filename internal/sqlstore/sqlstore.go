// Package sqlstore is a [kae.Store] on SQLite and on PostgreSQL.
//
// One text of SQL serves both; dialect.go holds every difference. Statements
// over many rows are multi-row VALUES of exactly as many rows as there are, at
// most 64, prepared once for each connection.
//
// One connection writes. When anything on it fails it is thrown away, because
// nobody knows what became of its transaction, and the next Read or Write gets
// a new one. Histories are read on a few connections of their own.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"kae"
)

// readers is how many histories can be read at the same time.
const readers = 4

// readLimit is how long a history may take: a page shows the state all the
// same, which is in memory.
const readLimit = 5 * time.Second

// Config says which database to open and how.
type Config struct {
	DB   string       // path of a file, or a postgres:// URL
	Log  *slog.Logger // what an operator should know; nil: nothing
	Keep int64        // heartbeats to take over for each token of an original database; 0: 1,000
}

// Store is a [kae.Store] on a database that nobody else writes.
type Store struct {
	d        *dialect
	log      *slog.Logger
	file     io.Closer // holds the lock of a file; nil without a file
	upgraded string

	mu      sync.Mutex // the turn of whoever uses the connection that writes
	writing *sql.DB
	writer  *conn // nil: to be connected anew
	args    [2][]any

	reading *sql.DB
	readers chan *conn    // a nil is a connection not yet made
	closed  chan struct{} // closed when the store is; guarded by mu
}

// Open opens a database for this process alone, making it where there is none,
// and brings its schema up to date; a database of the original kae is upgraded
// after it was copied aside. Errors are a [kae.Error] that says in one
// sentence what is wrong, without any password.
func Open(ctx context.Context, c Config) (*Store, error) {
	s := &Store{log: c.Log, closed: make(chan struct{}), readers: make(chan *conn, readers)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var path string
	var err error
	switch scheme, _, isURL := strings.Cut(c.DB, "://"); {
	case c.DB == "":
		return nil, &kae.Error{Code: kae.Invalid, Message: "Name a database: a file, or a postgres:// URL."}
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		s.d, err = postgresDialect(c.DB)
	case isURL:
		return nil, &kae.Error{Code: kae.Invalid, Message: "The database is neither a file nor a postgres:// URL."}
	default:
		if path, s.file, err = lockFile(c.DB); err == nil {
			s.d = sqliteDialect(c.DB, path)
			s.warn(path)
		}
	}
	if err != nil {
		return nil, err
	}
	for range readers {
		s.readers <- nil
	}
	s.writing, s.reading = s.d.open(write), s.d.open(look)
	if err := s.prepare(ctx, path, c.Keep); err != nil {
		s.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// Upgraded tells where the database of the original kae was copied to before
// it was upgraded; empty where nothing was.
func (s *Store) Upgraded() string { return s.upgraded }

// Close waits for what is going on, closes all connections and lets another
// kae use the database.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return nil
	default:
		close(s.closed)
	}
	for range readers {
		if c := <-s.readers; c != nil {
			c.discard()
		}
	}
	s.drop()
	err := errors.Join(s.reading.Close(), s.writing.Close())
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
	}
	return err
}

// connected gives the connection that writes, a new one after a failure.
func (s *Store) connected(ctx context.Context) (*conn, error) {
	select {
	case <-s.closed:
		return nil, errClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.writer == nil {
		c, err := connect(ctx, s.d, s.writing)
		if err != nil {
			return nil, err
		}
		// Whatever was in doubt on the old connection is over once its lock is free.
		if err := s.d.lock(ctx, c); err != nil {
			c.discard()
			return nil, err
		}
		s.writer = c
	}
	return s.writer, nil
}

// drop throws the connection that writes away.
func (s *Store) drop() {
	if s.writer != nil {
		s.writer.discard()
		s.writer = nil
	}
}

// read lends a connection to f for one read transaction. A connection that
// was used before may have died since: f is then called again on a new one.
func (s *Store) read(ctx context.Context, f func(context.Context, *conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	var c *conn
	select {
	case <-s.closed:
		return s.explain(errClosed)
	case <-ctx.Done():
		return s.explain(ctx.Err())
	case c = <-s.readers:
	}
	defer func() { s.readers <- c }()
	ctx = s.d.context(ctx)
	for {
		used := c != nil
		if !used {
			fresh, err := connect(ctx, s.d, s.reading)
			if err != nil {
				return s.explain(err)
			}
			c = fresh
		}
		err := snapshot(ctx, c, f)
		if err == nil {
			return nil
		}
		c.discard()
		c = nil
		if !used || ctx.Err() != nil {
			return s.explain(err)
		}
	}
}

// snapshot runs f in one read transaction.
func snapshot(ctx context.Context, c *conn, f func(context.Context, *conn) error) error {
	if err := c.exec(ctx, c.d.snapshot); err != nil {
		return err
	}
	if err := f(ctx, c); err != nil {
		return err
	}
	return c.exec(ctx, "COMMIT")
}

var errClosed = errors.New("the store is closed")

// explain makes a [kae.Error] of whatever went wrong.
func (s *Store) explain(err error) error {
	var e *kae.Error
	if errors.As(err, &e) {
		return err
	}
	return s.d.explain(err)
}
