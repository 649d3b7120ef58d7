package sqlstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// Size tells how many bytes the database takes on its disk: with SQLite the
// file and the log beside it, with PostgreSQL the tables of its schema with
// their indexes.
func (s *Store) Size(ctx context.Context) (int64, error) {
	size, err := s.d.size(ctx, s)
	if err != nil {
		return 0, s.explain(err)
	}
	return size, nil
}

// fileSize looks at the files without opening them: closing any descriptor
// of a database's file gives up the locks that SQLite has on it.
func fileSize(path string) (int64, error) {
	var size int64
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		switch {
		case err == nil:
			size += info.Size()
		case name == path || !errors.Is(err, fs.ErrNotExist):
			return 0, err
		}
	}
	return size, nil
}

func schemaSize(ctx context.Context, s *Store) (size int64, err error) {
	err = s.read(ctx, func(ctx context.Context, c *conn) error {
		return c.row(ctx, `
			SELECT COALESCE(SUM(pg_total_relation_size(oid)), 0)::BIGINT
			FROM pg_class
			WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`, nil, &size)
	})
	return size, err
}
