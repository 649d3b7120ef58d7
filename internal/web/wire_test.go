package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// wire is a browser's end of a stream.
type wire struct {
	mu       sync.Mutex
	header   http.Header
	status   int
	buf      bytes.Buffer
	deadline time.Time
	stuck    bool   // the browser reads no more: writes last until the deadline
	first    func() // called with the first write
}

func (w *wire) Header() http.Header    { return w.header }
func (w *wire) WriteHeader(status int) { w.status = status }
func (w *wire) Flush()                 {}

func (w *wire) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		return errors.New("a stream has no read deadline")
	}
	return nil
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	return nil
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	first, stuck, deadline := w.first, w.stuck, w.deadline
	w.first = nil
	w.mu.Unlock()
	if first != nil {
		first()
	}
	if stuck {
		time.Sleep(time.Until(deadline))
		return 0, os.ErrDeadlineExceeded
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(b)
}

// event is one server-sent event.
type event struct{ name, data string }

// take gives the events since it was last called.
func (w *wire) take() (events []event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.buf.String()
	w.buf.Reset()
	for block := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		if block == "" {
			continue
		}
		var e event
		var data []string
		for line := range strings.SplitSeq(block, "\n") {
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				e.name = name
			} else if d, ok := strings.CutPrefix(line, "data: "); ok {
				data = append(data, d)
			} else {
				panic("no field of an event: " + line)
			}
		}
		e.data = strings.Join(data, "\n")
		events = append(events, e)
	}
	return events
}

// brief tells events without the blocks of the header: "row 3", "block counts".
func brief(events []event) (told []string) {
	for _, e := range events {
		switch e.name {
		case "gone":
			told = append(told, "gone "+e.data)
		case "row":
			told = append(told, "row "+rows(e.data)[0])
		case "block":
			_, id, _ := strings.Cut(e.data, `id="`)
			id, _, _ = strings.Cut(id, `"`)
			told = append(told, "block "+id)
		default:
			told = append(told, e.name)
		}
	}
	return told
}

// find gives the data of the last event of a name whose data has a string.
func find(events []event, name, has string) string {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].name == name && strings.Contains(events[i].data, has) {
			return events[i].data
		}
	}
	return ""
}

// listen opens a stream; end tells the browser to leave and waits.
func listen(s *Server, path string, w *wire) (end func(), done <-chan struct{}) {
	w.header = http.Header{}
	ctx, cancel := context.WithCancel(context.Background())
	r := httptest.NewRequest("GET", path, nil).WithContext(ctx)
	r.Host = "localhost:20999"
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.ServeHTTP(w, r)
	}()
	synctest.Wait()
	return func() { cancel(); <-ended }, ended
}

// live is a world whose clock runs, inside a bubble.
func liveWorld() *world {
	w := newWorld()
	w.now = time.Time{}
	return w
}
