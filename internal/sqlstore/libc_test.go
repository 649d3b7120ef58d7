package sqlstore

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// The SQLite that the driver holds was translated for one version of
// modernc.org/libc, and another one may break it in ways that no test finds.
func TestTheVersionOfLibcIsTheOneThatSQLiteWants(t *testing.T) {
	type module struct{ Version, GoMod string }
	list := func(name string) (m module) {
		t.Helper()
		out, err := exec.Command("go", "list", "-m", "-json", name).Output()
		if err == nil {
			err = json.Unmarshal(out, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	out, err := exec.Command("go", "mod", "edit", "-json", list("modernc.org/sqlite").GoMod).Output()
	if err != nil {
		t.Fatal(err)
	}
	var wants struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &wants); err != nil {
		t.Fatal(err)
	}
	for _, r := range wants.Require {
		if r.Path == "modernc.org/libc" {
			if got := list(r.Path).Version; got != r.Version {
				t.Errorf("modernc.org/libc is %s; modernc.org/sqlite wants %s", got, r.Version)
			}
			return
		}
	}
	t.Error("modernc.org/sqlite does not tell which modernc.org/libc it wants")
}
