package web

import (
	"crypto/rand"
	"sync"
	"time"
)

// How long, and how much, is remembered of what was done.
const (
	keepNotes   = time.Hour
	maxNotes    = 100
	maxNotedIDs = 1 << 20 // of all notes together: 8 MB
)

// note is what a page says after something was done that has no page of its
// own: to many tokens, or to a channel.
type note struct {
	Text string
	Bad  bool    // it did not go well
	ids  []int64 // what was removed, so that exactly that can be brought back
	at   time.Time
}

// notes remembers them, in memory, under keys that nobody guesses: an address
// can hold a key where it could not hold ten thousand ids.
type notes struct {
	mu    sync.Mutex
	byKey map[string]note
	order []string // the keys, the oldest first
	ids   int      // of all notes
}

func newNotes() *notes { return &notes{byKey: map[string]note{}} }

// put remembers a note and gives its key.
func (m *notes) put(n note, now time.Time) string {
	n.at = now
	key := rand.Text()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byKey[key] = n
	m.order = append(m.order, key)
	m.ids += len(n.ids)
	for len(m.order) > 1 && (len(m.order) > maxNotes || m.ids > maxNotedIDs || m.old(m.order[0], now)) {
		m.ids -= len(m.byKey[m.order[0]].ids)
		delete(m.byKey, m.order[0])
		m.order = append(m.order[:0], m.order[1:]...)
	}
	return key
}

func (m *notes) get(key string, now time.Time) (note, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.byKey[key]
	return n, ok && !m.old(key, now)
}

func (m *notes) old(key string, now time.Time) bool { return now.Sub(m.byKey[key].at) > keepNotes }

// noteView is a note on a page.
type noteView struct {
	Text string
	Bad  bool
	Undo string // the key for bringing back what was removed; "": nothing was
}

// noted gives the note that an address names, if it is still there.
func (s *Server) noted(key string) *noteView {
	n, ok := s.notes.get(key, s.stamp())
	if !ok {
		return nil
	}
	v := &noteView{Text: n.Text, Bad: n.Bad}
	if len(n.ids) > 0 {
		v.Undo = key
	}
	return v
}
