package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/maphash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stream writes events to one browser.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buf     bytes.Buffer      // what is not yet sent
	said    map[string]uint64 // of each block and row, what it said the last time
	html    bytes.Buffer
	zip     *gzip.Writer // nil: as it is
}

// newStream begins an answer. It is zipped where that is understood: a page's
// rows are alike, and all of them come anew whenever a browser connects.
func newStream(w http.ResponseWriter, r *http.Request) *stream {
	st := &stream{w: w, control: http.NewResponseController(w), said: map[string]uint64{}}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	h.Add("Vary", "Accept-Encoding")
	if acceptsGzip(r) && r.Header.Get("Sec-Fetch-Site") != "cross-site" { // see send
		h.Set("Content-Encoding", "gzip")
		st.zip, _ = gzip.NewWriterLevel(w, gzip.DefaultCompression) // the level is valid
	}
	return st
}

// block sends a block, by the name of its template, unless it is as it was.
func (st *stream) block(name string, data any) { st.tell("block", name, name, data) }

// row sends a row of the list, unless it is as it was.
func (st *stream) row(id int64, data any) {
	st.tell("row", "row "+strconv.FormatInt(id, 10), "row", data)
}

// gone takes a row away.
func (st *stream) gone(id int64) {
	delete(st.said, "row "+strconv.FormatInt(id, 10))
	st.event("gone", strconv.FormatInt(id, 10))
}

func (st *stream) tell(event, key, name string, data any) {
	html, ok := st.render(name, data)
	if !ok {
		return
	}
	if said := gist(html); st.said[key] != said {
		st.said[key] = said
		st.event(event, html)
	}
}

// seed makes the sums of this process its own.
var seed = maphash.MakeSeed()

// gist is a sum of what HTML says, without how long ago or ahead something is:
// that changes by itself, here as in the browser.
func gist(html string) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for {
		before, time, ok := strings.Cut(html, ` data-f="rel"`)
		h.WriteString(before)
		if !ok {
			return h.Sum64()
		}
		if _, html, ok = strings.Cut(time, "</time>"); !ok {
			return h.Sum64()
		}
	}
}

// render uses the blocks of the page, which the page's own tests render; one
// that fails is left out and the stream goes on.
func (st *stream) render(name string, data any) (string, bool) {
	st.html.Reset()
	err := templates.ExecuteTemplate(&st.html, name, data)
	return strings.TrimSpace(st.html.String()), err == nil
}

func (st *stream) event(name, data string) {
	fmt.Fprintf(&st.buf, "event: %s\n", name)
	for line := range strings.SplitSeq(data, "\n") {
		fmt.Fprintf(&st.buf, "data: %s\n", line)
	}
	st.buf.WriteByte('\n')
}

// close ends an answer, so that it does not look torn.
func (st *stream) close() {
	if st.zip != nil {
		st.zip.Close()
	}
}

// flush sends what there is and tells whether the browser still listens.
func (st *stream) flush() bool {
	if st.buf.Len() == 0 {
		return true
	}
	st.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	var err error
	if st.zip == nil {
		_, err = st.w.Write(st.buf.Bytes())
	} else if _, err = st.zip.Write(st.buf.Bytes()); err == nil {
		err = st.zip.Flush()
	}
	st.buf.Reset()
	return err == nil && st.control.Flush() == nil
}
