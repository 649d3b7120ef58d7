package roster

import (
	"math"
	"slices"
	"strings"
	"time"

	"kae"
)

// States are the words that a [Query] may ask for by Is, worst first, and
// after them why a token fires, and what people said of it.
var States = []string{"firing", "late", "unknown", "running", "up", "new", "disabled", "removed", "missed", "failed", "overran", "acknowledged", "snoozed"}

// Query says which tokens to give, and in which order. Without any wish it
// gives all that are not removed.
type Query struct {
	Is    []string  // each, of [States], has to hold
	Tags  []string  // each has to be there, without regard to case
	Words []string  // each, in lower case, stands in the name, the description or a tag
	Now   time.Time // what is snoozed is so at this time
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

// is tells whether a token is in a state at a time.
func (e *entry) is(state string, now time.Time) bool {
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
	case "acknowledged":
		return e.ack != nil
	case "snoozed":
		return moment(e.snoozed).After(now)
	}
	return string(e.status) == state
}

func (e *entry) matches(q *Query) bool {
	if e.removed != 0 && !slices.Contains(q.Is, "removed") {
		return false
	}
	for _, state := range q.Is {
		if !e.is(state, q.Now) {
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

// Page gives a part of the tokens that a query asks for, in its order.
func (r *Roster) Page(q Query) Page {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if q.After.Sort != q.Sort {
		q.After = Key{}
	}
	var page Page
	var places []place // one more than the page has, if there is one
	if total, known := r.total(&q); known && r.orders[q.Sort] != nil {
		page.Total, places = total, r.walk(&q)
	} else {
		page.Total, places = r.pick(&q)
	}
	if page.More = len(places) > q.Limit; page.More {
		places = places[:q.Limit]
		page.Next = places[q.Limit-1].Key
	}
	for _, p := range places {
		page.Tokens = append(page.Tokens, p.token())
	}
	return page
}

// walk goes through an order that is kept.
func (r *Roster) walk(q *Query) []place {
	places := make([]place, 0, q.Limit+1)
	from := q.After
	if from == (Key{}) {
		from = Key{At: math.MinInt64}
	}
	r.orders[q.Sort].AscendGreaterOrEqual(place{Key: from}, func(p place) bool {
		if p.matches(q) && p.Key != q.After {
			places = append(places, p)
		}
		return len(places) <= q.Limit
	})
	return places
}

// pick looks at all tokens, in the order in which they lie in memory, and
// keeps the best of those that match.
func (r *Roster) pick(q *Query) (total int, places []place) {
	places = make([]place, 0, q.Limit+2)
	for _, e := range r.all {
		if !e.matches(q) {
			continue
		}
		total++
		p := place{e.key(q.Sort), e}
		if q.After != (Key{}) && !q.After.before(p.Key) || len(places) > q.Limit && !p.Key.before(places[q.Limit].Key) {
			continue
		}
		i, _ := slices.BinarySearchFunc(places, p, func(a, b place) int { return a.Key.compare(b.Key) })
		places = slices.Insert(places, i, p)
		places = places[:min(len(places), q.Limit+1)]
	}
	return total, places
}

// Match gives the ids of all tokens that a query asks for, in its order.
func (r *Roster) Match(q Query) []int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var places []place
	for _, e := range r.all {
		if e.matches(&q) {
			places = append(places, place{e.key(q.Sort), e})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return a.Key.compare(b.Key) })
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = p.id.id
	}
	return ids
}

// Fits tells whether a token matches a query, whose After and Limit do not count.
func (r *Roster) Fits(id int64, q Query) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.byID[id]
	return ok && e.matches(&q)
}

// NextToFire gives the token that fires first if no heartbeat comes any more,
// and when; false if none waits.
func (r *Roster) NextToFire() (t kae.Token, at time.Time, ok bool) {
	r.mu.Lock() // what is found is remembered
	defer r.mu.Unlock()
	if r.soonest == nil {
		for _, e := range r.all {
			if e.fires != 0 && (r.soonest == nil || e.fires < r.soonest.fires) {
				r.soonest = e
			}
		}
	}
	if r.soonest == nil {
		return t, at, false
	}
	return r.soonest.token(), moment(r.soonest.fires), true
}

// noteSoonest keeps the token that fires first as long as the others can only
// fire later; else it is looked for when somebody asks.
func (r *Roster) noteSoonest(e *entry) {
	switch s := r.soonest; {
	case s == e:
		r.soonest = nil // it may have moved
	case s != nil && e.fires != 0 && e.fires < s.fires:
		r.soonest = e
	}
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
