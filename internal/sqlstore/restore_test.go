package sqlstore

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kae"
)

// restored puts the content of a file in the place of a database.
func restored(t *testing.T, db, from string) (aside string, err error) {
	t.Helper()
	r, err := BeginRestore(db)
	if err != nil {
		return "", err
	}
	defer r.Close()
	if err := os.WriteFile(r.Part(), content(t, from), 0o600); err != nil {
		t.Fatal(err)
	}
	aside, _, err = r.Finish(t.Context(), from)
	return aside, err
}

func names(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		all = append(all, f.Name())
	}
	return strings.Join(all, " ")
}

func TestRestoreMovesTheOldOneAsideWithItsLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kae.sqlite")
	s := stored(t, path, 50)
	saved := empty(t)
	if err := s.Copy(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	for pos := int64(51); pos <= 60; pos++ {
		if err := s.Write(t.Context(), func(tx kae.Tx) error { return tx.Append(beat(pos)) }); err != nil {
			t.Fatal(err)
		}
	}
	// As kill -9 leaves it: what is newest is in the log only.
	killed := filepath.Join(t.TempDir(), "kae.sqlite")
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.WriteFile(killed+end, content(t, path+end), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aside, err := restored(t, killed, saved)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Dir(killed)); strings.Contains(got, "part") || strings.Contains(got, "kae.sqlite-wal") {
		t.Errorf("what is left: %s", got)
	}
	for db, want := range map[string]int64{killed: 50, aside: 60} {
		if found, err := Check(t.Context(), db); err != nil || found.Heartbeats != want {
			t.Errorf("%s: %+v, %v; want %d heartbeats", db, found, err, want)
		}
	}
	if info, err := os.Stat(killed); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it can be read by others: %v, %v", info.Mode(), err)
	}
}

func TestRestoreIsRefusedWhileKaeRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kae.sqlite")
	s := stored(t, path, 1)
	_, err := BeginRestore(path)
	if err == nil || err.Error() != "The database "+path+" is in use by another kae." {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := BeginRestore(path)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, path, "The database "+path+" is in use by another kae.")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	create(t, path)
}

func TestADamagedBackupReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	path, bad := filepath.Join(dir, "kae.sqlite"), empty(t)
	stored(t, path, 300).Close()
	before := content(t, path)
	if err := os.WriteFile(bad, before[:len(before)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := restored(t, path, bad); err == nil || !strings.Contains(err.Error(), bad+" is damaged") {
		t.Errorf("%v", err)
	}
	if !bytes.Equal(content(t, path), before) {
		t.Error("the database was changed")
	}
	if got := names(t, dir); got != "kae.sqlite kae.sqlite.lock" {
		t.Errorf("what is left: %s", got)
	}
}

func TestRestoreMakesADatabaseWhereThereIsNone(t *testing.T) {
	dir := t.TempDir()
	saved := filepath.Join(t.TempDir(), "saved")
	stored(t, saved, 3).Close()
	path := filepath.Join(dir, "kae.sqlite")
	aside, err := restored(t, path, saved)
	if err != nil || aside != "" {
		t.Fatalf("%q, %v", aside, err)
	}
	create(t, path)
	if _, err := restored(t, filepath.Join(dir, "missing", "kae.sqlite"), saved); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("%v", err)
	}
}

func TestWhatRootRestoresBelongsToTheOldOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const nobody = 65534
	saved := filepath.Join(t.TempDir(), "saved")
	stored(t, saved, 3).Close()
	owner := func(path string) uint32 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Uid
	}
	for name, there := range map[string]bool{"of the file": true, "of the directory": false} {
		dir := t.TempDir()
		path, owned := filepath.Join(dir, "kae.sqlite"), dir
		if there {
			owned = path
			create(t, path)
			if err := os.Remove(path + ".lock"); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(owned, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		if _, err := restored(t, path, saved); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{path, path + ".lock"} {
			if got := owner(file); got != nobody {
				t.Errorf("%s: %s belongs to %d", name, filepath.Base(file), got)
			}
		}
	}
}

// What waited when the backup was made is not told now.
func TestARestoreGivesUpWhatWaited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kae.sqlite")
	s := stored(t, path, 1)
	if _, err := s.PutChannel(t.Context(), kae.Channel{Name: "ops", Kind: "webhook"}, func(int64) *kae.Policy { return &kae.Policy{} }); err != nil {
		t.Fatal(err)
	}
	err := s.Write(t.Context(), func(tx kae.Tx) error {
		return tx.Alert([]kae.Delivery{{ChannelID: 1, Alert: kae.Alert{TokenID: 1, Number: 1, At: time.Now(), To: kae.Firing, Fired: time.Now()}}}, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	saved := empty(t)
	if err := s.Copy(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	if waiting, err := s.Waiting(t.Context()); err != nil || len(waiting) != 1 {
		t.Fatalf("before: %v, %v", waiting, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := restored(t, path, saved); err != nil {
		t.Fatal(err)
	}
	s, err = Open(t.Context(), Config{DB: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	waiting, err := s.Waiting(t.Context())
	if err != nil || len(waiting) != 0 {
		t.Errorf("there wait %v, %v", waiting, err)
	}
	all, err := s.Deliveries(t.Context(), kae.DeliveryQuery{Limit: 9})
	if err != nil || len(all) != 1 || all[0].State != kae.GivenUp || !strings.Contains(all[0].Answer, "restored") {
		t.Errorf("%+v, %v", all, err)
	}
}
