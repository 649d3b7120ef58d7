// Package hub tells committed changes to whoever listens: open pages, and
// later whatever else follows along.
//
// Publishing never blocks and nobody is dropped for being slow. A subscriber
// holds only the latest change of each token that it wants, so its memory is
// bounded by what its page shows, and one wake-up, however much has happened.
package hub

import (
	"sync"

	"kae"
)

// Hub is safe for use by several goroutines.
type Hub struct {
	mu   sync.Mutex
	subs map[*Subscription]struct{}
	once sync.Once
	done chan struct{}
}

// New makes a hub without subscribers.
func New() *Hub {
	return &Hub{subs: map[*Subscription]struct{}{}, done: make(chan struct{})}
}

// Publish tells changes that are committed and installed, in their order.
func (h *Hub) Publish(changes []kae.Change) {
	if len(changes) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.offer(changes)
	}
}

// Close tells every subscriber, present and future, that no more will come.
func (h *Hub) Close() { h.once.Do(func() { close(h.done) }) }

// Done is closed by [Hub.Close].
func (h *Hub) Done() <-chan struct{} { return h.done }

// Subscribe begins to collect the changes of the tokens that wants accepts;
// nil accepts all. wants is called while publishing and must be quick. The
// subscription has to be closed.
func (h *Hub) Subscribe(wants func(tokenID int64) bool) *Subscription {
	s := &Subscription{hub: h, wants: wants, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[s] = struct{}{}
	return s
}

// Subscription collects changes for one listener.
type Subscription struct {
	hub   *Hub
	wants func(int64) bool
	wake  chan struct{}

	mu     sync.Mutex
	place  map[int64]int // of a token's change in latest
	latest []kae.Change
}

func (s *Subscription) offer(changes []kae.Change) {
	s.mu.Lock()
	for _, c := range changes {
		if s.wants != nil && !s.wants(c.Token.ID) {
			continue
		}
		if i, ok := s.place[c.Token.ID]; ok {
			s.latest[i] = c
			continue
		}
		if s.place == nil {
			s.place = map[int64]int{}
		}
		s.place[c.Token.ID] = len(s.latest)
		s.latest = append(s.latest, c)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Wake receives after anything was published, of other tokens too: counts may
// have changed.
func (s *Subscription) Wake() <-chan struct{} { return s.wake }

// Take gives the latest change of each wanted token since the last call, in
// the order in which the tokens first changed.
func (s *Subscription) Take() []kae.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes := s.latest
	s.latest, s.place = nil, nil
	return changes
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}
