package sqlstore

import (
	"path/filepath"
	"testing"

	"kae"
	"kae/internal/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		return opener(t, filepath.Join(t.TempDir(), "kae.sqlite"))
	})
}

func TestPostgreSQL(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open { return opener(t, storetest.Postgres(t)) })
}

func opener(t *testing.T, db string) storetest.Open {
	return func() (kae.Store, error) {
		s, err := Open(t.Context(), Config{DB: db})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}
