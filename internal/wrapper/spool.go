package wrapper

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"kae"
)

// Bounds of the spool. What is beyond them is dropped, the oldest first.
const (
	spoolCount = 1_000
	spoolBytes = 10_000_000
	spoolAge   = 7 * 24 * time.Hour
)

// Spool keeps reports that could not be delivered, a file each, in a directory
// that several kae may use at once. Files are named by when the report
// happened, so their order is that of the names. They hold tokens' values:
// nobody else may read them.
type Spool struct{ dir string }

// OpenSpool gives the spool in dir or, when that is empty, in the user's
// directory for the state of programs (XDG Base Directory Specification).
// Nothing is made before there is something to keep.
func OpenSpool(dir string, getenv func(string) string) Spool {
	if dir != "" {
		return Spool{dir}
	}
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // the specification wants relative ones ignored
		home := getenv("HOME")
		if home == "" {
			return Spool{}
		}
		state = filepath.Join(home, ".local", "state")
	}
	return Spool{filepath.Join(state, "kae")}
}

var spooled = regexp.MustCompile(`^[0-9a-f]{16}-[0-9a-f]{8}\.heartbeat$`)

const unfinished = ".unfinished-"

var errNoSpool = errors.New("there is no directory for it: give -spool, or set HOME")

// put keeps a report. When it returns, the report is on disk, whole or not at
// all. It gives how many old ones were dropped for it.
func (s Spool) put(r report) (dropped int, err error) {
	if s.dir == "" {
		return 0, errNoSpool
	}
	text, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return 0, err
	}
	var random [4]byte
	rand.Read(random[:])
	name := fmt.Sprintf("%016x-%x.heartbeat", max(0, r.At.UnixMicro()), random)
	if err := writeWhole(s.dir, name, text); err != nil {
		return 0, err
	}
	return s.prune(time.Now()), nil
}

// writeWhole writes a file so that a crash leaves all of it or nothing.
func writeWhole(dir, name string, text []byte) error {
	f, err := os.CreateTemp(dir, unfinished+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = cmp.Or(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	// The name is in the directory, which is a file of its own.
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}

// entry is a file in the spool.
type entry struct {
	name string
	at   time.Time
	size int64
}

// list gives what is kept, oldest first. In a directory that others may write
// to it takes only files of its own user: whoever puts one there must not make
// kae send it.
func (s Spool) list() ([]entry, error) {
	if s.dir == "" {
		return nil, nil
	}
	files, err := os.ReadDir(s.dir) // sorted by name
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var all []entry
	for _, f := range files {
		info, err := f.Info()
		if err != nil || !spooled.MatchString(f.Name()) || !info.Mode().IsRegular() || !mine(info) {
			continue
		}
		micro, _ := strconv.ParseInt(f.Name()[:16], 16, 64)
		all = append(all, entry{f.Name(), time.UnixMicro(micro), info.Size()})
	}
	return all, nil
}

func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// read gives a kept report. One that is damaged can't be sent ever: it is an
// error of code [kae.Invalid].
func (s Spool) read(e entry) (report, error) {
	var r report
	text, err := os.ReadFile(filepath.Join(s.dir, e.name))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil || r.URL == "" || r.At.IsZero() {
		return r, &kae.Error{Code: kae.Invalid, Message: "its file is damaged", Err: err}
	}
	return r, nil
}

func (s Spool) drop(e entry) { os.Remove(filepath.Join(s.dir, e.name)) }

// prune keeps the spool within its bounds and gives how many reports that
// cost. Several kae may do it at once: what is gone is gone.
func (s Spool) prune(now time.Time) (dropped int) {
	all, err := s.list()
	if err != nil {
		return 0
	}
	count, bytes := len(all), int64(0)
	for _, e := range all {
		bytes += e.size
	}
	for _, e := range all {
		if count <= spoolCount && bytes <= spoolBytes && now.Sub(e.at) <= spoolAge {
			break
		}
		s.drop(e)
		count, bytes, dropped = count-1, bytes-e.size, dropped+1
	}
	s.sweep(now)
	return dropped
}

// sweep takes away what a crash left half written.
func (s Spool) sweep(now time.Time) {
	left, _ := filepath.Glob(filepath.Join(s.dir, unfinished+"*"))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && mine(info) && now.Sub(info.ModTime()) > time.Hour {
			os.Remove(path)
		}
	}
}

// lock makes the caller the only one that sends from the spool; ok is false
// while somebody else does. The kernel holds the lock, so a kae that was
// killed holds none. Where files can't be locked, kae goes on without: the
// worst is a report that is sent twice, and it has its run id.
func (s Spool) lock() (release io.Closer, ok bool) {
	f, err := os.OpenFile(filepath.Join(s.dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return io.NopCloser(nil), true
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, false
	}
	return f, true
}
