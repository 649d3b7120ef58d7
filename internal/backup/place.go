package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kae"
)

// Place is where backups are: a file, a directory or a bucket.
type Place interface {
	// Name gives a backup's name for people: where it is, without secrets.
	Name(name string) string

	name(at time.Time, kind string) string
	work() string // a directory for what is not yet a backup
	put(ctx context.Context, name, file string, tell Progress) (size int64, err error)
	list(ctx context.Context) ([]copied, error)
	remove(ctx context.Context, name string) error
	open(ctx context.Context, name string) (r io.ReadCloser, size int64, err error)
}

// copied is a backup that there is, or some other file.
type copied struct {
	name string
	made time.Time
}

// Open finds the place that a text names: s3://bucket/prefix, a directory, or
// a file that need not exist. work is where to prepare what is sent to a
// bucket.
func Open(text, work string, s S3) (Place, error) {
	if rest, ok := strings.CutPrefix(text, "s3://"); ok {
		return openBucket(rest, work, s)
	}
	if text == "" || strings.Contains(text, "://") {
		return nil, &kae.Error{Code: kae.Invalid, Message: "A place for backups is a file, a directory or s3://bucket/prefix."}
	}
	info, err := os.Stat(text)
	switch {
	case err == nil && info.IsDir():
		return &folder{dir: text}, nil
	case strings.HasSuffix(text, string(filepath.Separator)):
		return nil, trouble(text, os.ErrNotExist)
	case err == nil && !info.Mode().IsRegular():
		return nil, &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("%s is neither a file nor a directory.", text)}
	}
	return &folder{dir: filepath.Dir(text), file: filepath.Base(text)}, nil
}

// Newest gives when the newest backup of a place was made, zero where there is
// none.
func Newest(ctx context.Context, p Place) (time.Time, error) {
	all, err := p.list(ctx)
	var newest time.Time
	for _, c := range all {
		if c.made.After(newest) {
			newest = c.made
		}
	}
	return newest, err
}

// folder is a directory, or one file in it.
type folder struct {
	dir  string
	file string // empty: a file for each hour
}

func (f *folder) Name(name string) string { return filepath.Join(f.dir, name) }
func (f *folder) work() string            { return f.dir }

func (f *folder) name(at time.Time, kind string) string {
	if f.file != "" {
		return f.file
	}
	return hourly(at, kind)
}

// put moves a file to its name. Both are in the same directory.
func (f *folder) put(_ context.Context, name, file string, _ Progress) (int64, error) {
	path := f.Name(name)
	// A log beside it: it is in use, or was when its kae was killed.
	for _, end := range []string{"-wal", "-journal"} {
		if _, err := os.Lstat(path + end); err == nil {
			return 0, &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("%s is a database that is in use: choose another name for the backup.", path)}
		}
	}
	info, err := os.Stat(file)
	if err == nil {
		err = syncPath(file)
	}
	if err == nil {
		err = os.Rename(file, path)
	}
	if err == nil {
		err = syncPath(f.dir)
	}
	if err != nil {
		return 0, trouble(f.dir, err)
	}
	return info.Size(), nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (f *folder) list(context.Context) ([]copied, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, trouble(f.dir, err)
	}
	var all []copied
	for _, e := range entries {
		_, _, ok := parseName(e.Name())
		if f.file != "" && e.Name() != f.file || f.file == "" && !ok {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			all = append(all, copied{e.Name(), info.ModTime()})
		}
	}
	return all, nil
}

func (f *folder) remove(_ context.Context, name string) error {
	if err := os.Remove(f.Name(name)); err != nil {
		return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The old backup %s can't be removed.", f.Name(name)), Err: err}
	}
	return nil
}

func (f *folder) open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	path := f.Name(name)
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, unread(path, err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, unread(path, err)
	}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		file.Close()
		return nil, 0, &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("%s is no backup but a database that is in use: make one with “kae backup -db %s FILE”.", path, path)}
	}
	return file, info.Size(), nil
}

func unread(name string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &kae.Error{Code: kae.NotFound, Message: fmt.Sprintf("There is no backup %s.", name)}
	case errors.Is(err, os.ErrPermission):
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The backup %s may not be read.", name)}
	}
	return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The backup %s can't be read.", name), Err: err}
}

// Fetch writes a backup, uncompressed, into a file that is there: the one that
// text names or, where that is a directory or the prefix of a bucket, the
// newest in it. It gives the backup's name for people.
func Fetch(ctx context.Context, text, into string, s S3, tell Progress) (string, error) {
	p, name, err := find(ctx, text, s)
	if err != nil {
		return "", err
	}
	shown := p.Name(name)
	from, size, err := p.open(ctx, name)
	if err != nil {
		return shown, err
	}
	defer from.Close()
	to, err := os.OpenFile(into, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return shown, trouble(filepath.Dir(into), err)
	}
	w := &writing{file: to}
	err = expand(ctx, w, counted(ctx, from, "fetching", size, tell))
	if err == nil {
		err = w.note(to.Sync())
	}
	err = errors.Join(err, to.Close())
	switch {
	case err == nil:
		return shown, nil
	case w.err != nil, ctx.Err() != nil:
		return shown, trouble(filepath.Dir(into), err)
	}
	return shown, &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The backup %s can't be read: it is damaged, or its server broke off.", shown), Err: err}
}

// writing remembers what went wrong with writing, and not with reading.
type writing struct {
	file *os.File
	err  error
}

func (w *writing) note(err error) error {
	if err != nil {
		w.err = err
	}
	return err
}

func (w *writing) Write(b []byte) (int, error) {
	n, err := w.file.Write(b)
	return n, w.note(err)
}

// find gives the place and the name of the backup that a text names.
func find(ctx context.Context, text string, s S3) (Place, string, error) {
	if rest, ok := strings.CutPrefix(text, "s3://"); ok {
		dir, base := rest, ""
		if i := strings.LastIndexByte(rest, '/'); i > 0 {
			if _, _, is := parseName(rest[i+1:]); is {
				dir, base = rest[:i], rest[i+1:]
			}
		}
		p, err := openBucket(dir, "", s)
		if err != nil || base != "" {
			return p, base, err
		}
		return newest(ctx, p, text)
	}
	p, err := Open(text, "", s)
	if err != nil {
		return nil, "", err
	}
	if f := p.(*folder); f.file != "" {
		return p, f.file, nil
	}
	return newest(ctx, p, text)
}

// newest gives the newest backup by its name: copying files about changes
// their times.
func newest(ctx context.Context, p Place, text string) (Place, string, error) {
	all, err := p.list(ctx)
	if err != nil {
		return nil, "", err
	}
	if len(all) == 0 {
		return nil, "", &kae.Error{Code: kae.NotFound, Message: fmt.Sprintf("There is no backup in %s: its names are such as kae-2026-11-22T10.db.zst.", text)}
	}
	last := slices.MaxFunc(all, func(a, b copied) int { return strings.Compare(a.name, b.name) })
	return p, last.name, nil
}
