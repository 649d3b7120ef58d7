package web

import (
	"cmp"
	"container/list"
	"hash/maphash"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"kae"
)

// What is remembered of heartbeats that are nobody's.
const (
	maxStrays  = 100
	maxFormer  = 1000               // values that tokens had before they got new ones
	keepStrays = 7 * 24 * time.Hour // since they came last
	strayShown = 4                  // characters of a value: the rest may be most of a secret
	maxHints   = 3
)

// strays remembers heartbeats with unknown values, in memory: a typing error
// in a crontab becomes visible. It holds hashes of values, never a value, and
// no more than the constants say, whoever sends how many.
type strays struct {
	seed maphash.Seed

	mu     sync.Mutex
	byKey  map[strayKey]*list.Element
	recent *list.List       // of *stray, the one seen last in front
	former map[uint64]int64 // hashes of values that were replaced, and whose they were
	order  []uint64         // the same hashes, the oldest first
}

// strayKey tells strays apart.
type strayKey struct {
	hash   uint64 // of the value
	remote string
}

// stray is what is known of the heartbeats with one value from one address.
type stray struct {
	key   strayKey
	start string // of the value
	cut   bool   // there was more of it
	kind  kae.Kind
	agent string // of the newest
	count int64
	first time.Time
	last  time.Time
}

func newStrays() *strays {
	return &strays{seed: maphash.MakeSeed(), byKey: map[strayKey]*list.Element{}, recent: list.New(), former: map[uint64]int64{}}
}

func (m *strays) hash(value string) uint64 { return maphash.String(m.seed, value) }

// saw remembers a heartbeat with a value that no token has.
func (m *strays) saw(value string, h kae.Heartbeat, now time.Time) {
	key := strayKey{m.hash(value), h.Remote}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, known := m.byKey[key]
	if !known {
		if m.recent.Len() >= maxStrays {
			m.drop(m.recent.Back())
		}
		s := &stray{key: key, start: begins(value), first: now}
		s.cut = utf8.RuneCountInString(value) > strayShown
		e = m.recent.PushFront(s)
		m.byKey[key] = e
	}
	m.recent.MoveToFront(e)
	s := e.Value.(*stray)
	s.kind, s.agent, s.last = h.Kind, strings.Clone(h.Agent), now // all headers are one string, the bearer's value too
	s.count++
}

// begins gives the part of a value that may be shown: a copy, which does not
// keep the rest in memory.
func begins(value string) string { return strings.Clone(kae.CleanText(value, strayShown)) }

func (m *strays) drop(e *list.Element) {
	delete(m.byKey, e.Value.(*stray).key)
	m.recent.Remove(e)
}

// renewed remembers that a value is about to be replaced.
func (m *strays) renewed(t kae.Token) {
	hash := m.hash(t.Value)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.former[hash]; known {
		return
	}
	if len(m.order) == maxFormer {
		delete(m.former, m.order[0])
		m.order = slices.Delete(m.order, 0, 1)
	}
	m.former[hash] = t.ID
	m.order = append(m.order, hash)
}

// all gives what came lately, the newest first, and how many heartbeats that
// were.
func (m *strays) all(now time.Time) (recent []stray, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for e := m.recent.Front(); e != nil; {
		s, next := *e.Value.(*stray), e.Next()
		if s.last.Before(now.Add(-keepStrays)) {
			m.drop(e)
		} else {
			recent, total = append(recent, s), total+s.count
		}
		e = next
	}
	return recent, total
}

// formerly tells whose value a hash was.
func (m *strays) formerly(hash uint64) (id int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, ok = m.former[hash]
	return id, ok
}

func (m *strays) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recent.Init()
	clear(m.byKey)
}

// straysPage shows them.
type straysPage struct {
	frame  `json:"-"`
	Strays []strayView `json:"strays"`
	Total  int64       `json:"total"` // heartbeats
}

type strayView struct {
	Value   string      `json:"value"` // how it begins
	Remote  string      `json:"remote"`
	Agent   string      `json:"agent"`
	Kind    kae.Kind    `json:"kind"` // of the newest
	Count   int64       `json:"count"`
	FirstAt stamp       `json:"first_at"`
	LastAt  stamp       `json:"last_at"`
	Hints   []strayHint `json:"hints"`

	First moment `json:"-"`
	Last  moment `json:"-"`
}

// strayHint is a token that may have been meant.
type strayHint struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	How  string `json:"how"` // one of the words below
}

// How a token may have been meant, the surest first.
const (
	hintRemoved = "removed" // it is this token's value, but it was removed
	hintFormer  = "former"  // it was this token's value before it got a new one
	hintBack    = "back"    // it is this token's value, which was brought back
	hintLike    = "like"    // it begins like this token's value
)

var hintOrder = []string{hintRemoved, hintFormer, hintBack, hintLike}

func (s *Server) strayList(w http.ResponseWriter, r *http.Request) error {
	c := s.clock()
	recent, total := s.strays.all(c.now)
	page := straysPage{frame: s.frame(c), Strays: []strayView{}, Total: total}
	page.Title = "Stray heartbeats, kae"
	hints := s.strayHints(recent)
	for i, x := range recent {
		v := strayView{
			Value: x.start, Remote: x.key.remote, Agent: x.agent, Kind: x.kind, Count: x.count,
			FirstAt: stamp(x.first), LastAt: stamp(x.last), Hints: hints[i], First: c.at(x.first), Last: c.rel(x.last),
		}
		if x.cut {
			v.Value += "…"
		}
		page.Strays = append(page.Strays, v)
	}
	return s.show(w, r, "strays.html", page)
}

// strayHints looks for the tokens that may have been meant.
func (s *Server) strayHints(recent []stray) [][]strayHint {
	hints, byStart := make([][]strayHint, len(recent)), map[string][]int{}
	for i, x := range recent {
		hints[i] = []strayHint{}
		byStart[x.start] = append(byStart[x.start], i)
		if id, ok := s.strays.formerly(x.key.hash); ok {
			if t, there := s.Roster.Get(id); there {
				hints[i] = append(hints[i], strayHint{id, t.Name, hintFormer})
			}
		}
	}
	for id, who := range s.alike(byStart) {
		t, there := s.Roster.Get(id)
		if !there {
			continue
		}
		for _, i := range who {
			how := hintLike
			if recent[i].key.hash == s.strays.hash(t.Value) {
				how = hintBack
				if t.Removed() {
					how = hintRemoved
				}
			}
			hints[i] = append(hints[i], strayHint{id, t.Name, how})
		}
	}
	for i, h := range hints { // the roster has no order
		slices.SortFunc(h, func(a, b strayHint) int {
			return cmp.Or(cmp.Compare(slices.Index(hintOrder, a.How), slices.Index(hintOrder, b.How)), cmp.Compare(a.ID, b.ID))
		})
		hints[i] = h[:min(maxHints, len(h))]
	}
	return hints
}

// alike gives the tokens whose values begin in one of some ways, and what goes
// with it.
func (s *Server) alike(byStart map[string][]int) map[int64][]int {
	found := map[int64][]int{}
	s.Roster.Values(func(id int64, value string) {
		if who := byStart[value[:min(strayShown, len(value))]]; who != nil {
			found[id] = who
		}
	})
	return found
}

func (s *Server) forgetStrays(w http.ResponseWriter, r *http.Request) error {
	s.strays.forget()
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, straysPage{Strays: []strayView{}})
	}
	seeOther(w, "/", "Done.\n")
	return nil
}
