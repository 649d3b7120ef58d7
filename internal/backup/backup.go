// Package backup brings copies of a database to a file, a directory or a
// bucket, takes away those that are too old, and brings them back.
//
// A backup appears under its name when it is whole and checked, or not at
// all: it is made beside its place, read again, and only then moved there.
package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kae"
)

// Source is the database that is backed up.
type Source struct {
	// Copy writes a consistent, checked copy into an empty file.
	Copy func(ctx context.Context, into string) error
	// Kind is the end of a backup's name: “db”, or “dump” for PostgreSQL's.
	Kind string
	// Size is about how many bytes a copy has; 0: nobody knows.
	Size int64
}

// Progress is told how far a step is: so many bytes of all, which is 0 where
// nobody knows.
type Progress func(step string, done, all int64)

// Job is one backup.
type Job struct {
	Source Source
	To     Place
	Keep   Keep
	At     time.Time // names the backup where its place does not
	Tell   Progress  // nil: nobody is told
}

// Result is what came of a [Job].
type Result struct {
	Name   string   // where the backup is, for people
	Size   int64    // bytes
	Pruned []string // names of the backups that were taken away
	// Kept is what went wrong with taking old ones away. The new one is fine.
	Kept error
}

// Run makes the backup. Its errors are a [kae.Error]; after one nothing new is
// in the place.
func (j *Job) Run(ctx context.Context) (Result, error) {
	if j.Tell == nil {
		j.Tell = func(string, int64, int64) {}
	}
	name := j.To.name(j.At, j.Source.Kind)
	dir := j.To.work()
	sweep(dir, j.At)
	file, err := j.copied(ctx, dir)
	if file != "" {
		defer os.Remove(file)
	}
	if err != nil {
		return Result{}, err
	}
	if strings.HasSuffix(name, ".zst") {
		packed, err := compress(ctx, file, dir, j.Tell)
		if packed != "" {
			defer os.Remove(packed)
		}
		if err != nil {
			return Result{}, trouble(dir, err)
		}
		file = packed
	}
	size, err := j.To.put(ctx, name, file, j.Tell)
	if err != nil {
		return Result{}, err
	}
	r := Result{Name: j.To.Name(name), Size: size}
	r.Pruned, r.Kept = prune(ctx, j.To, j.Keep, name)
	return r, nil
}

// copied makes the plain copy and gives its file.
func (j *Job) copied(ctx context.Context, dir string) (string, error) {
	file, err := temporary(dir)
	if err != nil {
		return "", trouble(dir, err)
	}
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		growth(file, j.Source.Size, ended, j.Tell)
	}()
	err = j.Source.Copy(ctx, file)
	close(ended)
	<-watched
	return file, err
}

// growth tells how a file grows until ended is closed.
func growth(file string, all int64, ended <-chan struct{}, tell Progress) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if info, err := os.Stat(file); err == nil {
				tell("copying", info.Size(), all)
			}
		}
	}
}

const (
	partHead = ".kae-backup-"
	partTail = ".part"
)

// temporary makes an empty file that nobody else may read.
func temporary(dir string) (string, error) {
	f, err := os.CreateTemp(dir, partHead+"*"+partTail)
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// sweep takes away what a backup left that was killed long ago.
func sweep(dir string, now time.Time) {
	left, _ := filepath.Glob(filepath.Join(dir, partHead+"*"+partTail))
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && now.Sub(info.ModTime()) > 24*time.Hour {
			os.Remove(path)
		}
	}
}

// trouble puts what is wrong with a directory into a sentence.
func trouble(dir string, err error) error {
	var ours *kae.Error
	switch {
	case errors.As(err, &ours):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &kae.Error{Code: kae.Unavailable, Message: "The backup was broken off.", Err: err}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("There is no room left in %s for the backup.", dir)}
	case errors.Is(err, os.ErrNotExist):
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The directory %s does not exist: make it first.", dir)}
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("Nothing can be written in %s: let the user that kae runs as write there.", dir)}
	}
	return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The backup can't be written in %s.", dir), Err: err}
}
