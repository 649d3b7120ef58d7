package hub

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func change(id, beats int64) kae.Change { return kae.Change{Token: kae.Token{ID: id, Beats: beats}} }

func beats(changes []kae.Change) map[int64]int64 {
	m := map[int64]int64{}
	for _, c := range changes {
		m[c.Token.ID] = c.Token.Beats
	}
	return m
}

func awake(s *Subscription) bool {
	select {
	case <-s.Wake():
		return true
	default:
		return false
	}
}

func TestASubscriberHoldsTheLatestOfWhatItWants(t *testing.T) {
	h := New()
	s := h.Subscribe(func(id int64) bool { return id < 3 })
	defer s.Close()
	for n := range int64(1000) {
		h.Publish([]kae.Change{change(1, n), change(2, -n), change(3, n)})
	}
	if !awake(s) || awake(s) {
		t.Error("it is not awake exactly once")
	}
	changes := s.Take()
	if diff := cmp.Diff(map[int64]int64{1: 999, 2: -999}, beats(changes)); diff != "" || len(changes) != 2 {
		t.Errorf("%d changes\n%s", len(changes), diff)
	}
	if got := s.Take(); got != nil {
		t.Errorf("taken twice: %v", got)
	}
	h.Publish([]kae.Change{change(3, 1)})
	if !awake(s) {
		t.Error("another token's change does not wake it: the counts would be stale")
	}
	if got := s.Take(); got != nil {
		t.Errorf("unwanted: %v", got)
	}
	h.Publish(nil)
	if awake(s) {
		t.Error("nothing was published, and it is awake")
	}
}

func TestAClosedSubscriptionGetsNothing(t *testing.T) {
	h := New()
	all, gone := h.Subscribe(nil), h.Subscribe(nil)
	gone.Close()
	h.Publish([]kae.Change{change(7, 1)})
	if len(all.Take()) != 1 || len(gone.Take()) != 0 || awake(gone) {
		t.Error("the wrong one was told")
	}
	all.Close()
	if len(h.subs) != 0 {
		t.Error("a closed subscription is kept")
	}
	h.Close()
	h.Close()
	<-h.Done()
}

func TestNothingIsLostBetweenTwoTakes(t *testing.T) {
	h := New()
	s := h.Subscribe(nil)
	defer s.Close()
	const last = 20000
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for n := range int64(last + 1) {
			h.Publish([]kae.Change{change(n%5, n)})
		}
	})
	seen := map[int64]int64{}
	for range s.Wake() {
		for id, n := range beats(s.Take()) {
			if n < seen[id] {
				t.Fatalf("token %d went from %d back to %d", id, seen[id], n)
			}
			seen[id] = n
		}
		if seen[last%5] == last {
			break
		}
	}
	publisher.Wait()
	for id, n := range beats(s.Take()) {
		seen[id] = n
	}
	if diff := cmp.Diff(map[int64]int64{0: 20000, 1: 19996, 2: 19997, 3: 19998, 4: 19999}, seen); diff != "" {
		t.Error(diff)
	}
}
