package sqlstore

import (
	"os"
	"path/filepath"
	"testing"

	"kae"
)

func TestAPathIsTakenAsItIs(t *testing.T) {
	for _, name := range []string{"a b.sqlite", "a?mode=memory", "50%25#x", "ä&b=c;d", "file:x", ":memory:", `back\slash'"`} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			create(t, name)
			info, err := os.Stat(name)
			if err != nil || info.Size() == 0 {
				t.Fatalf("there is no database: %v", err)
			}
			files, err := os.ReadDir(".")
			if err != nil || len(files) != 2 {
				t.Errorf("%d files, %v: %v", len(files), err, files)
			}
		})
	}
}

func TestNobodyElseMayReadTheFiles(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Config{DB: filepath.Join(dir, "kae.sqlite")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write(t.Context(), func(tx kae.Tx) error { return tx.SetClock(kae.Clock{Pos: 1}) }); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 { // the write-ahead log and its index too
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", file.Name(), info.Mode(), err)
		}
	}
}

func TestALinkIsTheDatabaseThatItLeadsTo(t *testing.T) {
	dir := t.TempDir()
	path, link, nested := filepath.Join(dir, "kae.sqlite"), filepath.Join(dir, "link"), filepath.Join(dir, "nested")
	for name, target := range map[string]string{link: "kae.sqlite", nested: link} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), Config{DB: nested}) // the file does not exist yet
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	for _, name := range []string{path, link, nested} {
		refused(t, name, "The database "+name+" is in use by another kae.")
	}
}
