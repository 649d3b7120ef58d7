package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// conn is one connection to the database with the statements that were
// prepared on it. It belongs to one goroutine at a time.
type conn struct {
	d     *dialect
	raw   *sql.Conn
	stmts map[string]*sql.Stmt // by text, as it is before bind
}

func connect(ctx context.Context, d *dialect, db *sql.DB) (*conn, error) {
	raw, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{d, raw, map[string]*sql.Stmt{}}, nil
}

func (c *conn) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := c.stmts[text]; s != nil {
		return s, nil
	}
	s, err := c.raw.PrepareContext(ctx, c.d.bind(text))
	if err == nil {
		c.stmts[text] = s
	}
	return s, err
}

func (c *conn) exec(ctx context.Context, text string, args ...any) error {
	s, err := c.stmt(ctx, text)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, args...)
	return err
}

// each runs a query and calls scan for each of its rows.
func (c *conn) each(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error {
	s, err := c.stmt(ctx, text)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// row reads a query's only row.
func (c *conn) row(ctx context.Context, text string, args []any, dest ...any) error {
	s, err := c.stmt(ctx, text)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(dest...)
}

// discard closes the connection for good. A transaction that is open on it is
// rolled back by the engine, and no pool hands it out again.
func (c *conn) discard() {
	if c.d.holds {
		for _, s := range c.stmts {
			s.Close()
		}
	}
	c.raw.Raw(func(any) error { return driver.ErrBadConn })
	c.raw.Close()
}
