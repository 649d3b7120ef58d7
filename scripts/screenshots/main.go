// Command screenshots takes the pictures of the README and the docs, and the
// film assets/kae.gif, from a real kae in a real Chromium:
//
//	go run ./scripts/screenshots [-only stills|film|icons] [-to FOLDER]
//
// The stills are of “kae demo -at …”, so they are the same each time. Icons
// are only made when they are asked for: they are drawn once, from the
// favicon, and kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	only := flag.String("only", "", "stills, film or icons; empty: stills and film")
	to := flag.String("to", ".", "the folder that holds docs, assets and internal")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := take(ctx, *only, *to); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// limit is far more than it takes.
const limit = 5 * time.Minute

func take(ctx context.Context, only, to string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "kae-screenshots-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	// Not the version of the day, which would be another one in each picture.
	kae := filepath.Join(dir, "kae")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-X main.version=demo", "-o", kae, "./cmd/kae")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building kae: %w", err)
	}
	todo := map[string]func(context.Context, *tab, string, string) error{"stills": takeStills, "film": takeFilm, "icons": drawIcons}
	if only != "" && todo[only] == nil {
		return fmt.Errorf("-only %q is none of stills, film and icons", only)
	}
	for _, what := range []string{"stills", "film", "icons"} {
		if what != only && (only != "" || what == "icons") {
			continue
		}
		// A browser each: what one does to its clock is nothing to the next.
		browser, closed, err := openBrowser(ctx, filepath.Join(dir, what))
		if err == nil {
			err = todo[what](ctx, browser, kae, to)
			closed()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// write writes a file that was made, and says so.
func write(to, name string, data []byte) error {
	path := filepath.Join(to, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	fmt.Printf("%-45s %4d kB\n", name, (len(data)+500)/1000)
	return os.WriteFile(path, data, 0o644)
}
