package roster

import (
	"time"

	"kae"
)

// agenda is a heap of the tokens that something will happen to, the next one
// first; see [container/heap].
type agenda []*entry

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].wake < a[j].wake }
func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i, j
}
func (a *agenda) Push(x any) {
	e := x.(*entry)
	e.place = len(*a)
	*a = append(*a, e)
}
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	e.place = -1
	return e
}

// reached calls f for the entries whose time has come, until it returns false.
// They stay in the heap: if the commit fails that follows from them, nothing
// has changed.
func (a agenda) reached(now int64, f func(*entry) bool) {
	var walk func(i int) bool
	walk = func(i int) bool {
		if i >= len(a) || a[i].wake > now {
			return true
		}
		return f(a[i]) && walk(2*i+1) && walk(2*i+2)
	}
	walk(0)
}

// Wake tells when the next token is due or overdue; zero if none waits.
func (r *Roster) Wake() time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.agenda) == 0 {
		return time.Time{}
	}
	return moment(r.agenda[0].wake)
}

// Reached gives at most limit tokens that became due or overdue by now and
// were not yet installed as such.
func (r *Roster) Reached(now time.Time, limit int) []kae.Token {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var tokens []kae.Token
	r.agenda.reached(now.UnixMicro(), func(e *entry) bool {
		tokens = append(tokens, e.token())
		return len(tokens) < limit
	})
	return tokens
}

// Overdue counts the tokens whose deadline had passed at a time and that still
// wait.
func (r *Roster) Overdue(at time.Time) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	n := 0
	r.agenda.reached(at.UnixMicro(), func(e *entry) bool {
		if e.dead <= at.UnixMicro() {
			n++
		}
		return true
	})
	return n
}
