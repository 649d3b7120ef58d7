package roster

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/btree"

	"kae"
)

// Sort is an order in which people look at tokens.
type Sort int

// The orders.
const (
	Worst     Sort = iota // worst first, then due soonest
	ByName                // without regard to case
	ByLast                // newest success or failure first
	ByCreated             // newest first
	sorts
)

// kept are the orders that are kept.
var kept = []Sort{Worst, ByName, ByCreated}

// Key is a token's place in an order.
type Key struct {
	Sort Sort
	Rank int    // of Worst
	At   int64  // microseconds, negative where the newest comes first
	Name string // of ByName, in lower case
	ID   int64
}

// String gives what [ParseKey] reads.
func (k Key) String() string {
	return fmt.Sprintf("%d.%d.%d.%d.%s", k.Sort, k.Rank, k.At, k.ID, k.Name)
}

// ParseKey reads a key; what is none is an error of code [kae.Invalid].
func ParseKey(s string) (Key, error) {
	wrong := &kae.Error{Code: kae.Invalid, Field: "after", Message: "That is not a place in the list."}
	words := strings.SplitN(s, ".", 5)
	if len(words) != 5 {
		return Key{}, wrong
	}
	var n [4]int64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseInt(words[i], 10, 64); err != nil {
			return Key{}, wrong
		}
	}
	k := Key{Sort(n[0]), int(n[1]), n[2], words[4], n[3]}
	if k.Sort < 0 || k.Sort >= sorts || k.String() != s {
		return Key{}, wrong
	}
	return k, nil
}

func (k Key) compare(l Key) int {
	switch {
	case k.Rank != l.Rank:
		return cmp.Compare(k.Rank, l.Rank)
	case k.At != l.At:
		return cmp.Compare(k.At, l.At)
	case k.Name != l.Name:
		return strings.Compare(k.Name, l.Name)
	}
	return cmp.Compare(k.ID, l.ID)
}

func (k Key) before(l Key) bool { return k.compare(l) < 0 }

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

// Rank tells how bad a token's state is: 1 is the worst; see [States].
func Rank(t kae.Token, late bool) int {
	e := entry{status: t.Status, late: late, unknown: t.Unknown, removed: micros(t.RemovedAt), started: micros(t.StartedAt)}
	return e.rank()
}

// key gives a token's place. Known trouble stands behind the new, and what
// waits stands by its due time.
func (e *entry) key(s Sort) Key {
	k := Key{Sort: s, ID: e.id.id}
	switch s {
	case ByName:
		k.Name = e.id.name
	case ByLast:
		k.At = -e.last
	case ByCreated:
		k.At = -e.id.created
	default:
		k.Rank = e.rank()
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
	}
	return k
}

// place is a token in one of the orders. It keeps its key, because that of the
// entry has changed by the time the place is given up.
type place struct {
	Key
	*entry
}

// orders are all tokens in each order that is kept as they change, so that a
// page costs what is on it and not what there is. That of the last heartbeat
// is not: it would cost each heartbeat more than it is worth, and few ask.
type orders [sorts]*btree.BTreeG[place]

func newOrders() (o orders) {
	for _, s := range kept {
		o[s] = btree.NewG(32, func(a, b place) bool { return a.Key.before(b.Key) })
	}
	return o
}

// move puts a token where it belongs after a change; before are its keys from
// before it, if it was there.
func (o *orders) move(e *entry, before *[sorts]Key) {
	for _, s := range kept {
		now := e.key(s)
		if before != nil {
			if before[s] == now {
				continue
			}
			o[s].Delete(place{Key: before[s]})
		}
		o[s].ReplaceOrInsert(place{now, e})
	}
}

func (o *orders) drop(e *entry) {
	for _, s := range kept {
		o[s].Delete(place{Key: e.key(s)})
	}
}

func (e *entry) keys() *[sorts]Key {
	var all [sorts]Key
	for _, s := range kept {
		all[s] = e.key(s)
	}
	return &all
}
