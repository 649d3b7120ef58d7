package sqlstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kae"
)

// The original kae kept tokens and pings in one SQLite file. Starting this kae
// on such a file upgrades it: the file is copied aside, its tables get other
// names, and takeOver moves what is in them into kae's own. Each step can be
// interrupted: the next start goes on with it.
const (
	originalTokens = "original_tokens"
	originalPings  = "original_pings"
)

// setAside recognises a database of the original kae and prepares it for
// takeOver; it tells whether there is something to take over.
func (s *Store) setAside(ctx context.Context, path string, found []string) (bool, error) {
	if slices.Contains(found, originalTokens) && slices.Contains(found, originalPings) {
		if copies, _ := filepath.Glob(escapeGlob(path) + ".original-*"); len(copies) > 0 {
			s.upgraded = slices.Max(copies)
		}
		return true, nil
	}
	if slices.Contains(found, versions) || !slices.Contains(found, "tokens") || !slices.Contains(found, "pings") {
		return false, nil
	}
	db := s.d.open(whole)
	defer db.Close()
	c, err := connect(ctx, s.d, db)
	if err != nil {
		return false, err
	}
	defer c.discard()
	var original int
	err = c.row(ctx, "SELECT COUNT(*) FROM pragma_table_info('tokens') WHERE name IN ('token', 'fired')", nil, &original)
	if err != nil || original != 2 {
		return false, err
	}
	if s.upgraded, err = copyAside(ctx, c, path); err != nil {
		return false, &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The original kae's database %s can't be copied aside before its upgrade.", s.d.name), Err: err}
	}
	for _, text := range []string{
		"BEGIN IMMEDIATE",
		"ALTER TABLE tokens RENAME TO " + originalTokens,
		"ALTER TABLE pings RENAME TO " + originalPings,
		"COMMIT",
	} {
		if err := c.exec(ctx, text); err != nil {
			return false, err
		}
	}
	return true, nil
}

// copyAside copies a database into a new file beside it, which appears only
// when it is whole and on the disk.
func copyAside(ctx context.Context, c *conn, path string) (string, error) {
	part := path + ".original.part"
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	// SQLite takes an empty file as it is: this one nobody else may read.
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := c.exec(ctx, "VACUUM INTO ?", part); err != nil {
		return "", err
	}
	if err := file.Sync(); err != nil {
		return "", err
	}
	aside := path + ".original-" + time.Now().UTC().Format("20060102T150405Z")
	if err := os.Rename(part, aside); err != nil {
		return "", err
	}
	// The original let everybody read the secrets in its file.
	if err := os.Chmod(path, 0o600); err != nil {
		return "", err
	}
	return aside, syncDir(filepath.Dir(path))
}

func escapeGlob(path string) string {
	var escaped []rune
	for _, r := range path {
		if slices.Contains([]rune(`*?[\`), r) {
			escaped = append(escaped, '\\')
		}
		escaped = append(escaped, r)
	}
	return string(escaped)
}
