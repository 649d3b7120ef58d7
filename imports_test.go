package kae_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The packages of this module, and what each may import besides the standard
// library. Arrows have one direction: adapters do not know each other, and
// only cmd/kae knows everyone.
var mayImport = map[string][]string{
	"kae":                     {},
	"kae/internal/roster":     {"kae", "github.com/google/btree"},
	"kae/internal/hub":        {"kae"},
	"kae/internal/storetest":  {"kae", "github.com/jackc/pgx/v5", "github.com/google/go-cmp"},
	"kae/internal/sqlstore":   {"kae", "modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3", "golang.org/x/sys"},
	"kae/internal/keeper":     {"kae", "kae/internal/roster", "kae/internal/hub", "github.com/prometheus/client_golang"},
	"kae/internal/web":        {"kae", "kae/internal/roster", "kae/internal/hub", "kae/internal/notify", "golang.org/x/time", "github.com/prometheus/client_golang"},
	"kae/internal/wrapper":    {"kae", "golang.org/x/sys"},
	"kae/internal/notify":     {"kae", "github.com/wneessen/go-mail", "github.com/prometheus/client_golang"},
	"kae/internal/demo":       {"kae"},
	"kae/internal/backup":     {"kae", "github.com/klauspost/compress", "github.com/minio/minio-go/v7"},
	"kae/internal/s3test":     {},
	"kae/internal/smtptest":   {},
	"kae/bench":               {"golang.org/x/sync"},
	"kae/deploy":              {},
	"kae/scripts/release":     {},
	"kae/scripts/screenshots": {"kae/internal/demo", "github.com/chromedp/chromedp", "github.com/chromedp/cdproto"},
	"kae/cmd/kae": {
		"kae", "kae/internal/roster", "kae/internal/hub", "kae/internal/keeper", "kae/internal/sqlstore", "kae/internal/web", "kae/internal/wrapper", "kae/internal/demo", "kae/internal/backup", "kae/internal/notify",
		"github.com/urfave/cli/v3", "github.com/prometheus/client_golang", "github.com/coreos/go-systemd/v22/daemon", "golang.org/x/crypto/x509roots/fallback",
	},
}

func TestImportsFollowTheArchitecture(t *testing.T) {
	standard := map[string]bool{}
	for _, line := range goList(t, "-deps", "-f", "{{.Standard}} {{.ImportPath}}", "./...") {
		if path, ok := strings.CutPrefix(line, "true "); ok {
			standard[path] = true
		}
	}
	for _, line := range goList(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
		fields := strings.Fields(line)
		pkg, imports := fields[0], fields[1:]
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("%s is not in the table of this test: say there what it may import", pkg)
			continue
		}
		for _, path := range imports {
			if !standard[path] && !slices.ContainsFunc(allowed, func(a string) bool { return within(path, a) }) {
				t.Errorf("%s imports %s, which the architecture does not allow", pkg, path)
			}
		}
	}
}

// within tells whether a package is the allowed one. Of another module all
// packages count; of this one each stands for itself.
func within(path, allowed string) bool {
	ours := allowed == "kae" || strings.HasPrefix(allowed, "kae/")
	return path == allowed || !ours && strings.HasPrefix(path, allowed+"/")
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
