package roster

import (
	"math"
	"slices"
	"strings"
	"time"

	"kae"
)

// States are the words that a [Query] may ask for by Is, worst first, and
// after them why a token fires.
var States = []string{"firing", "late", "unknown", "running", "up", "new", "disabled", "removed", "missed", "failed", "overran"}

// Query says which tokens to give, and in which order. Without any wish it
// gives all that are not removed.
type Query struct {
	Is    []string // each, of [States], has to hold
	Tags  []string // each has to be there, without regard to case
	Words []string // each, in lower case, stands in the name, the description or a tag
	Sort  Sort
	After Key // go on after it; the zero Key: from the start
	Limit int
}

// Page is a part of what a [Query] asks for.
type Page struct {
	Tokens []kae.Token
	Total  int  // all that match, on whatever page
	More   bool // others follow
	Next   Key  // the place to go on after, if so
}

// is tells whether a token is in a state.
func (e *entry) is(state string) bool {
	switch state {
	case "removed":
		return e.removed != 0
	case "late":
		return e.late
	case "unknown":
		return e.unknown
	case "running":
		return e.started != 0
	case "missed", "failed", "overran":
		return e.status == kae.Firing && string(e.reason) == state
	}
	return string(e.status) == state
}

func (e *entry) matches(q *Query) bool {
	if e.removed != 0 && !slices.Contains(q.Is, "removed") {
		return false
	}
	for _, state := range q.Is {
		if !e.is(state) {
			return false
		}
	}
	for _, tag := range q.Tags {
		if !slices.ContainsFunc(e.id.settings.Tags, func(own string) bool { return strings.EqualFold(own, tag) }) {
			return false
		}
	}
	for _, word := range q.Words {
		if !strings.Contains(e.id.text, word) {
			return false
		}
	}
	return true
}

// total counts what matches, where the counts say it.
func (r *Roster) total(q *Query) (n int, known bool) {
	c := &r.counts
	switch {
	case len(q.Tags)+len(q.Words) > 0 || len(q.Is) > 1:
		return 0, false
	case len(q.Is) == 0:
		return c.New + c.Up + c.Firing + c.Disabled, true
	}
	n, known = map[string]int{
		"firing": c.Firing, "late": c.Late, "unknown": c.Unknown, "running": c.Running,
		"up": c.Up, "new": c.New, "disabled": c.Disabled, "removed": c.Removed,
	}[q.Is[0]]
	return n, known
}

// few is how many tokens are sorted rather than picked out of an order that all
// the others are in, too.
const few = 5000

// Page gives a part of the tokens that a query asks for, in its order.
func (r *Roster) Page(q Query) Page {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if q.After.Sort != q.Sort {
		q.After = Key{}
	}
	page := Page{Tokens: make([]kae.Token, 0, q.Limit)}
	add := func(p place) bool {
		switch {
		case q.After != Key{} && !q.After.before(p.Key):
		case len(page.Tokens) == q.Limit:
			page.More = true
		default:
			page.Tokens = append(page.Tokens, p.token())
			page.Next = p.Key
		}
		return !page.More
	}
	var known bool
	if page.Total, known = r.total(&q); !known {
		found := r.find(&q)
		if page.Total = len(found); page.Total <= few {
			for _, p := range sorted(found, q.Sort) {
				if !add(p) {
					break
				}
			}
			return page.closed()
		}
	}
	r.orders[q.Sort].AscendGreaterOrEqual(place{Key: q.from()}, func(p place) bool { return !p.matches(&q) || add(p) })
	return page.closed()
}

// from is where to begin in an order.
func (q *Query) from() Key {
	if q.After != (Key{}) {
		return q.After
	}
	return Key{Sort: q.Sort, At: math.MinInt64}
}

// closed leaves no place to go on after where nothing follows.
func (p Page) closed() Page {
	if !p.More {
		p.Next = Key{}
	}
	return p
}

// find gives what matches, in no order.
func (r *Roster) find(q *Query) []*entry {
	var found []*entry
	for _, e := range r.all {
		if e.matches(q) {
			found = append(found, e)
		}
	}
	return found
}

func sorted(entries []*entry, s Sort) []place {
	places := make([]place, len(entries))
	for i, e := range entries {
		places[i] = place{e.key(s), e}
	}
	slices.SortFunc(places, func(a, b place) int { return a.Key.compare(b.Key) })
	return places
}

// Match gives the ids of all tokens that a query asks for, in its order.
func (r *Roster) Match(q Query) []int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	places := sorted(r.find(&q), q.Sort)
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = p.id.id
	}
	return ids
}

// NextToFire gives the token that fires first if no heartbeat comes any more,
// and when; false if none waits.
func (r *Roster) NextToFire() (t kae.Token, at time.Time, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	first, ok := r.orders[byFires].Min()
	if !ok || first.Rank > 0 {
		return t, at, false
	}
	return first.token(), moment(first.At), true
}

// NextDue gives the token that is due next and not late; false if none waits.
func (r *Roster) NextDue() (t kae.Token, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var next *entry
	for _, rank := range []int{rankUnknown, rankRunning, rankUp} {
		r.orders[Worst].AscendGreaterOrEqual(place{Key: Key{Rank: rank, At: 1}}, func(p place) bool {
			if p.Rank == rank && p.due != 0 && (next == nil || p.due < next.due) {
				next = p.entry
			}
			return false
		})
	}
	if next == nil {
		return kae.Token{}, false
	}
	return next.token(), true
}
