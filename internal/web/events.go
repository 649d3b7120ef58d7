package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// How often a stream speaks.
const (
	minPause     = 250 * time.Millisecond // after an answer to changes
	tickPause    = 5 * time.Second        // signs of life
	writeTimeout = 10 * time.Second       // a browser that takes longer is dropped
	maxRows      = 2 * listSize           // a page may ask for so many
)

// events streams what changes on a page: first all of it anew, then whatever
// changes. An event's data is HTML, made by the blocks that made the page; the
// browser swaps elements by their ids.
//
//	row    a row of the list
//	gone   the id of a row to take away
//	block  other elements
//	tick   the server's time and the newest heartbeat's: kae is alive
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	p, err := s.pageOf(r)
	if err != nil {
		return err
	}
	st := newStream(w, r)
	st.control.SetReadDeadline(time.Time{})
	if r.Method == http.MethodHead {
		return nil
	}

	defer st.close()
	s.metrics.streams.Inc()
	defer s.metrics.streams.Dec()

	// Before the roster is read, so that nothing falls between.
	sub := s.Hub.Subscribe(p.wants)
	defer sub.Close()

	ctx := r.Context()
	p.all(ctx, st)
	s.tick(st)
	ticker := time.NewTicker(tickPause)
	defer ticker.Stop()
	for st.flush() {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Hub.Done():
			return nil
		case <-ticker.C:
			p.around(ctx, st)
			s.tick(st)
		case <-sub.Wake():
			p.some(ctx, st, sub.Take())
			if st.buf.Len() > 0 {
				s.tick(st)
			}
			if !st.flush() || !s.pause(ctx) {
				return nil
			}
		}
	}
	return nil
}

// pause lets changes gather; it tells whether to go on.
func (s *Server) pause(ctx context.Context) bool {
	timer := time.NewTimer(minPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.Hub.Done():
	}
	return false
}

func (s *Server) tick(st *stream) {
	last := stamp(s.Roster.LastBeat())
	data, err := json.Marshal(struct {
		Now  stamp `json:"now"`
		Last stamp `json:"last"`
	}{stamp(s.stamp()), last})
	if err == nil { // times always can be
		st.event("tick", string(data))
	}
}
