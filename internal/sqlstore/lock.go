package sqlstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"kae"
)

// lockFile takes the lock that lies beside a database file, then makes the
// file if there is none. It gives the file's path without symbolic links, so
// that one database has one lock. The kernel holds the lock: it is free when
// the process ends, however it ends.
func lockFile(name string) (string, io.Closer, error) {
	path, err := resolve(name)
	if err != nil {
		return "", nil, explainPath(name, err)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", nil, &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s is not a file.", name)}
	}
	if err := recognize(name, path); err != nil {
		return "", nil, err
	}
	lock, err := takeLock(name, path)
	if err != nil {
		return "", nil, err
	}
	// It holds secrets; SQLite itself would let everybody read it.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		lock.Close()
		return "", nil, explainPath(name, err)
	}
	file.Close()
	return path, lock, nil
}

// takeLock takes the lock of the database at path.
func takeLock(name, path string) (*os.File, error) {
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, explainPath(name, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, inUse(name)
		}
		return nil, &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("The database %s can't be locked.", name), Err: err}
	}
	return lock, nil
}

// recognize refuses a file that is no database before anything is written
// beside it. An empty file becomes one (SQLite's file format, section 1.3).
func recognize(name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return nil // it is not there, or what follows says why it can't be opened
	}
	defer file.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	switch n, err := io.ReadFull(file, head); {
	case n == 0 && err == io.EOF, err == nil && string(head) == magic:
		return nil
	}
	return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The file %s is not a database.", name)}
}

// resolve gives the absolute path of what name leads to, which need not exist.
func resolve(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	for range 40 { // as many links as the kernel follows
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, filepath.Base(path))
		target, err := os.Readlink(path)
		switch {
		case err != nil: // no link
			return path, nil
		case filepath.IsAbs(target):
			path = target
		default:
			path = filepath.Join(dir, target)
		}
	}
	return "", syscall.ELOOP
}

func explainPath(name string, err error) error {
	bad := &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The database %s can't be written.", name), Err: err}
	var errno syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		bad.Message, bad.Err = fmt.Sprintf("The directory of the database %s does not exist.", name), nil
	case errors.As(err, &errno):
		bad.Message, bad.Err = fmt.Sprintf("The database %s can't be written: %s.", name, errno), nil
	}
	return bad
}
