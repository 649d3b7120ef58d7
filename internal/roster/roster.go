// Package roster holds every token in memory: by id, by value, by the time
// when something happens to it, and in the order in which people look at them.
//
// The keeper installs what it has committed, one turn under one lock; pages
// take the read lock, copy what they show and render after it. Times are kept
// as microseconds, because a hundred thousand tokens are to fit anywhere.
package roster

import (
	"container/heap"
	"slices"
	"strings"
	"sync"
	"time"

	"kae"
)

// Counts says how many tokens are in which state. New, Up, Firing and Disabled
// add up to all that are not removed; Late, Running and Unknown are "of which".
type Counts struct {
	Firing   int `json:"firing"`
	Up       int `json:"up"`
	New      int `json:"new"`
	Disabled int `json:"disabled"`
	Late     int `json:"late"`
	Running  int `json:"running"`
	Unknown  int `json:"unknown"`
	Removed  int `json:"-"` // can still be brought back
}

const uuidLength = 36

// Roster is safe for use by several goroutines.
type Roster struct {
	mu       sync.RWMutex
	all      []*entry // in no order
	byID     map[int64]*entry
	byValue  map[string]*entry // and by UUID; without removed tokens
	removed  map[int64]*entry
	agenda   agenda
	soonest  *entry // fires first; nil: not known
	orders   orders
	gaps     []kae.Gap
	counts   Counts
	lastBeat time.Time
}

// New makes an empty roster.
func New() *Roster {
	return &Roster{byID: map[int64]*entry{}, byValue: map[string]*entry{}, removed: map[int64]*entry{}, orders: newOrders()}
}

// Install puts the outcome of committed changes in place. The newest change of
// a token comes last. Whether a token is late is decided by now.
func (r *Roster) Install(changes []kae.Change, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range changes {
		r.put(c.Token, now)
		if c.Beat != nil && c.Beat.At.After(r.lastBeat) {
			r.lastBeat = c.Beat.At
		}
	}
}

func (r *Roster) put(t kae.Token, now time.Time) {
	e, known := r.byID[t.ID]
	var before *[sorts]Key
	if known {
		before = e.keys()
		r.tally(e, -1)
		if e.id.value != t.Value || e.id.uuid != t.UUID || t.Removed() {
			delete(r.byValue, e.id.value)
			delete(r.byValue, e.id.uuid)
		}
	} else {
		e = &entry{place: -1}
		r.byID[t.ID] = e
		e.at = len(r.all)
		r.all = append(r.all, e)
	}
	e.pack(t, now)
	if t.LastAt.After(r.lastBeat) {
		r.lastBeat = t.LastAt
	}
	if t.Removed() {
		r.removed[t.ID] = e
	} else {
		delete(r.removed, t.ID)
		r.byValue[t.Value], r.byValue[t.UUID] = e, e
	}
	r.tally(e, 1)
	r.orders.move(e, before)
	r.noteSoonest(e)
	switch {
	case e.wake == 0 && e.place >= 0:
		heap.Remove(&r.agenda, e.place)
	case e.wake != 0 && e.place >= 0:
		heap.Fix(&r.agenda, e.place)
	case e.wake != 0:
		heap.Push(&r.agenda, e)
	}
}

// Drop forgets tokens that are gone for good.
func (r *Roster) Drop(ids []int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		e, ok := r.byID[id]
		if !ok {
			continue
		}
		r.tally(e, -1)
		r.orders.drop(e)
		if r.soonest == e {
			r.soonest = nil
		}
		last := r.all[len(r.all)-1]
		r.all[e.at], last.at = last, e.at
		r.all[len(r.all)-1] = nil
		r.all = r.all[:len(r.all)-1]
		delete(r.byID, id)
		delete(r.removed, id)
		for _, value := range []string{e.id.value, e.id.uuid} {
			if r.byValue[value] == e {
				delete(r.byValue, value)
			}
		}
		if e.place >= 0 {
			heap.Remove(&r.agenda, e.place)
		}
	}
}

func (r *Roster) tally(e *entry, by int) {
	if e.removed != 0 {
		r.counts.Removed += by
		return
	}
	switch e.status {
	case kae.New:
		r.counts.New += by
	case kae.Up:
		r.counts.Up += by
	case kae.Firing:
		r.counts.Firing += by
	case kae.Disabled:
		r.counts.Disabled += by
	}
	if e.late {
		r.counts.Late += by
	}
	if e.started != 0 {
		r.counts.Running += by
	}
	if e.unknown {
		r.counts.Unknown += by
	}
}

// Counts tells how many tokens are in which state.
func (r *Roster) Counts() Counts {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.counts
}

// Len tells how many tokens there are, removed ones included.
func (r *Roster) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.byID)
}

// Get gives a token by id, a removed one too.
func (r *Roster) Get(id int64) (kae.Token, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.byID[id]
	if !ok {
		return kae.Token{}, false
	}
	return e.token(), true
}

// Find gives the id of the token with a value or a UUID, which may have upper
// case letters (RFC 9562, section 4). Removed tokens are not found.
func (r *Roster) Find(value string) (id int64, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(value) == uuidLength {
		value = strings.ToLower(value)
	}
	e, ok := r.byValue[value]
	if !ok {
		return 0, false
	}
	return e.id.id, true
}

// SetGaps puts in place when kae could take no heartbeat, the oldest first.
func (r *Roster) SetGaps(gaps []kae.Gap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps = gaps
}

// AddGap adds the newest one.
func (r *Roster) AddGap(g kae.Gap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// A slice that was handed out stays as it is.
	r.gaps = append(slices.Clone(r.gaps[max(0, len(r.gaps)+1-kae.GapsKept):]), g)
}

// Gaps tells when kae could take no heartbeat, the oldest first. It is not to
// be changed.
func (r *Roster) Gaps() []kae.Gap {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.gaps
}

// LastBeat tells when the newest heartbeat of all came; zero if none did.
func (r *Roster) LastBeat() time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.lastBeat
}

// All calls f for every token, in no order, until it returns false. f must not
// call the roster.
func (r *Roster) All(f func(kae.Token) bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, e := range r.byID {
		if !f(e.token()) {
			return
		}
	}
}

// Values calls f with the id and the value of every token, removed ones too, in
// no order. It is quicker than All. f must not call the roster.
func (r *Roster) Values(f func(id int64, value string)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, e := range r.all {
		f(e.id.id, e.id.value)
	}
}

// RemovedBefore gives the ids of at most limit tokens that were removed before
// a time.
func (r *Roster) RemovedBefore(at time.Time, limit int) []int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var ids []int64
	for id, e := range r.removed {
		if len(ids) == limit {
			break
		}
		if e.removed < at.UnixMicro() {
			ids = append(ids, id)
		}
	}
	return ids
}
