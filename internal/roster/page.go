package roster

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"kae"
)

// Query says which tokens a page shows.
type Query struct {
	Is    string // one of [States], or "" for all that are not removed
	After Key    // go on after it; the zero Key: from the start
	Limit int
}

// States are the words that a [Query] may ask for, worst first.
var States = []string{"firing", "late", "unknown", "running", "up", "new", "disabled", "removed"}

// Key is a token's place in the order "worst first".
type Key struct {
	Rank int
	At   int64 // microseconds, negative where the newest comes first
	ID   int64
}

// String gives what [ParseKey] reads.
func (k Key) String() string { return fmt.Sprintf("%d.%d.%d", k.Rank, k.At, k.ID) }

// ParseKey reads a key; what is none is an error of code [kae.Invalid].
func ParseKey(s string) (Key, error) {
	var k Key
	if _, err := fmt.Sscanf(s, "%d.%d.%d", &k.Rank, &k.At, &k.ID); err != nil || k.String() != s {
		return Key{}, &kae.Error{Code: kae.Invalid, Field: "after", Message: "That is not a place in the list."}
	}
	return k, nil
}

func compare(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
}

// The ranks, worst first.
const (
	rankFiring = iota + 1
	rankLate
	rankUnknown
	rankRunning
	rankUp
	rankNew
	rankDisabled
	rankRemoved
)

func (e *entry) rank() int {
	switch {
	case e.removed != 0:
		return rankRemoved
	case e.status == kae.Firing:
		return rankFiring
	case e.status == kae.Disabled:
		return rankDisabled
	case e.late:
		return rankLate
	case e.unknown:
		return rankUnknown
	case e.started != 0:
		return rankRunning
	case e.status == kae.Up:
		return rankUp
	}
	return rankNew
}

// Rank tells how bad a token's state is: 1 is the worst.
func Rank(t kae.Token, now time.Time) int {
	var e entry
	e.pack(t, now)
	return e.rank()
}

// key orders the known trouble behind the new, and what waits by its due time.
func (e *entry) key() Key {
	k := Key{Rank: e.rank(), ID: e.id.id}
	switch k.Rank {
	case rankFiring, rankDisabled:
		k.At = -e.flipped
	case rankNew:
		k.At = -e.id.created
	case rankRemoved:
		k.At = -e.removed
	default:
		k.At = e.due
	}
	return k
}

func (e *entry) is(state string) bool {
	if e.removed != 0 {
		return state == "removed"
	}
	switch state {
	case "":
		return true
	case "late":
		return e.late
	case "unknown":
		return e.unknown
	case "running":
		return e.started != 0
	}
	return string(e.status) == state
}

// Page gives tokens worst first, then due soonest, and where more follow the
// key to go on after.
func (r *Roster) Page(q Query) (page []kae.Token, next Key, more bool) {
	type row struct {
		Key
		*entry
	}
	// One row more than the page tells whether more follow.
	rows := make([]row, 0, q.Limit+1)
	worst := Key{Rank: math.MaxInt}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, e := range r.byID {
		if !e.is(q.Is) {
			continue
		}
		k := e.key()
		if compare(k, q.After) <= 0 || compare(k, worst) >= 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(rows, k, func(r row, k Key) int { return compare(r.Key, k) })
		if len(rows) == q.Limit+1 {
			rows = rows[:q.Limit]
		}
		rows = slices.Insert(rows, i, row{k, e})
		if len(rows) == q.Limit+1 {
			worst = rows[q.Limit].Key
		}
	}
	more = len(rows) > q.Limit
	rows = rows[:min(len(rows), q.Limit)]
	for _, r := range rows {
		page = append(page, r.token())
	}
	if more {
		next = rows[len(rows)-1].Key
	}
	return page, next, more
}
