package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kae"
)

// access is what a connection is for.
type access int

const (
	look  access = iota // read, change nothing, not even how the file is kept
	whole               // read all of it into another file
	still               // read a file that nobody writes, and make none beside it
	write
)

// dialect is everything that differs between the engines. All other text is
// the same for both.
type dialect struct {
	name     string                             // for sentences: what is opened
	engine   string                             // SQLite or PostgreSQL
	open     func(access) *sql.DB               // a pool; connections get their settings here
	lock     func(context.Context, *conn) error // keeps another kae away from a connection's database
	size     func(context.Context, *Store) (int64, error)
	explain  func(error) *kae.Error // what is wrong, in a sentence
	numbered bool                   // parameters are $1, $2, … instead of ?
	patient  bool                   // statements are not broken off with their context
	holds    bool                   // a statement not closed holds its connection and its transaction
	begin    string                 // a transaction that writes
	snapshot string                 // a transaction that reads
	tables   string                 // a query for the names of the tables there are
	words    *strings.Replacer      // the words of the migrations
	goose    goose.Dialect
}

// bind writes a text's parameters as the engine wants them. SQLite looks up
// numbered ones by name, which makes large statements three times slower.
func (d *dialect) bind(text string) string {
	if !d.numbered {
		return text
	}
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(text, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		text = after
	}
}

// context gives the context that statements run with. For each one that can
// be cancelled the SQLite driver starts a goroutine.
func (d *dialect) context(ctx context.Context) context.Context {
	if d.patient {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func sqliteDialect(name, path string) *dialect {
	const wait = "?mode=rw&_pragma=busy_timeout(5000)"
	settings := map[access]string{
		look:  wait + "&_pragma=query_only(1)",
		whole: wait,
		still: "?mode=ro&immutable=1&_pragma=query_only(1)",
		write: wait + "&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)" +
			"&_pragma=journal_size_limit(67108864)&_txlock=immediate",
	}
	return &dialect{
		name:   name,
		engine: "SQLite",
		open: func(a access) *sql.DB {
			// Opening a pool touches nothing; its only error is an unknown driver.
			db, err := sql.Open("sqlite", "file:"+escapePath(path)+settings[a])
			if err != nil {
				panic(err)
			}
			return db
		},
		lock:     func(context.Context, *conn) error { return nil }, // the file's lock is held already
		size:     func(context.Context, *Store) (int64, error) { return fileSize(path) },
		explain:  func(err error) *kae.Error { return explainSQLite(name, err) },
		patient:  true,
		holds:    true,
		begin:    "BEGIN IMMEDIATE",
		snapshot: "BEGIN",
		tables:   "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
		words: strings.NewReplacer(
			"{id}", "INTEGER PRIMARY KEY", // BIGINT would make an index beside the table
			"{int}", "INTEGER", "{bytes}", "BLOB",
			"{table}", "STRICT", "{clustered}", "STRICT, WITHOUT ROWID",
		),
		goose: goose.DialectSQLite3,
	}
}

// escapePath writes a path so that neither SQLite nor its driver reads
// anything else into it.
func escapePath(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("/._-~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func explainSQLite(name string, err error) *kae.Error {
	bad := &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The database %s can't be used now.", name), Err: err}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return bad
	}
	switch e.Code() & 0xff { // the rest of the code says where it happened
	case sqlite3.SQLITE_NOTADB:
		bad.Code, bad.Message, bad.Err = kae.Invalid, fmt.Sprintf("The file %s is not a database.", name), nil
	case sqlite3.SQLITE_CORRUPT:
		bad.Message = fmt.Sprintf("The database %s is damaged: restore a backup.", name)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		bad.Message = fmt.Sprintf("The database %s can't be written.", name)
	case sqlite3.SQLITE_FULL:
		bad.Message = fmt.Sprintf("There is no room left on the disk of the database %s.", name)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		bad.Message = fmt.Sprintf("The database %s is locked by another program.", name)
	case sqlite3.SQLITE_CANTOPEN:
		bad.Message = fmt.Sprintf("The database %s can't be opened.", name)
	}
	return bad
}

func postgresDialect(url string) (*dialect, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		// The error may hold the password, so it ends here.
		return nil, &kae.Error{Code: kae.Invalid, Message: "The database's URL can't be read: write postgres://user:password@host:5432/name."}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	// A server that is gone without a word is noticed after half a minute.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	cfg.DialFunc = dialer.DialContext
	cfg.RuntimeParams["synchronous_commit"] = "on"
	cfg.RuntimeParams["default_transaction_isolation"] = "read committed"
	// Every statement goes by a key; planning some anew each time takes longer than running them.
	cfg.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	// The server, too, has to notice that a kae is gone without a word: until
	// then it keeps that one's lock, and refuses the next.
	for name, value := range map[string]string{
		"application_name": "kae", "tcp_keepalives_idle": "15", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
	} {
		if cfg.RuntimeParams[name] == "" {
			cfg.RuntimeParams[name] = value
		}
	}
	name := fmt.Sprintf("%q on %s", cfg.Database, cfg.Host)
	d := &dialect{
		name:   name,
		engine: "PostgreSQL",
		open: func(a access) *sql.DB {
			c := cfg.Copy()
			if a != write {
				c.RuntimeParams["default_transaction_read_only"] = "on"
			}
			return stdlib.OpenDB(*c)
		},
		size:     schemaSize,
		explain:  func(err error) *kae.Error { return explainPostgres(cfg, err) },
		numbered: true,
		begin:    "BEGIN",
		snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		tables:   "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
		words: strings.NewReplacer(
			"{id}", "BIGINT PRIMARY KEY", "{int}", "BIGINT", "{bytes}", "BYTEA", " {table}", "", " {clustered}", "",
		),
		goose: goose.DialectPostgres,
	}
	d.lock = func(ctx context.Context, c *conn) error { return lockPostgres(ctx, d, c) }
	return d, nil
}

// lockPostgres takes the lock that the one connection that writes holds, one
// for each schema. The server frees it when that connection ends.
func lockPostgres(ctx context.Context, d *dialect, c *conn) error {
	var schema sql.NullString
	var encoding string
	err := c.row(ctx, "SELECT current_schema(), current_setting('server_encoding')", nil, &schema, &encoding)
	switch {
	case err != nil:
		return err
	case !schema.Valid:
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The schema of search_path does not exist in database %s.", d.name)}
	case encoding != "UTF8":
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s has encoding %s; kae needs one of encoding UTF8.", d.name, encoding)}
	}
	key := fnv.New64a()
	key.Write([]byte("kae " + schema.String))
	// A connection that has just died may hold the lock for a moment.
	for deadline := time.Now().Add(time.Second); ; {
		var got string
		err := c.row(ctx, "SELECT CAST(pg_try_advisory_lock(?) AS TEXT)", []any{int64(key.Sum64())}, &got)
		if err != nil || got == "true" {
			return err
		}
		if time.Now().After(deadline) {
			return inUse(d.name)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func inUse(name string) error {
	return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The database %s is in use by another kae.", name)}
}

func explainPostgres(cfg *pgx.ConnConfig, err error) *kae.Error {
	bad := &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The database %q on %s can't be used now.", cfg.Database, cfg.Host)}
	var e *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &e):
		// Its detail would show values of the row.
		bad.Err = fmt.Errorf("%s (SQLSTATE %s)", e.Message, e.Code)
		switch e.Code {
		case "28P01", "28000":
			bad.Message = fmt.Sprintf("PostgreSQL on %s does not let the user %q in.", cfg.Host, cfg.User)
		case "3D000":
			bad.Message = fmt.Sprintf("PostgreSQL on %s has no database %q.", cfg.Host, cfg.Database)
		case "42501":
			bad.Message = fmt.Sprintf("The user %q may not do what kae needs in the database %q.", cfg.User, cfg.Database)
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		bad.Err = err
	case errors.As(err, &connect):
		bad.Message = fmt.Sprintf("No PostgreSQL answers on %s port %d.", cfg.Host, cfg.Port)
		// Its own words name the address once more for each of a host's.
		var op *net.OpError
		if errors.As(err, &op) {
			bad.Err = op.Err
		}
	default:
		bad.Err = err
	}
	return bad
}
