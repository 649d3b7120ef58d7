package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// stream writes events to one browser.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buf     bytes.Buffer      // what is not yet sent
	said    map[string]string // the newest of each block
	html    bytes.Buffer
}

// block sends a block, by the name of its template, unless it is as it was.
func (st *stream) block(name string, data any) {
	if html, ok := st.render(name, data); ok && st.said[name] != html {
		st.said[name] = html
		st.event("block", html)
	}
}

func (st *stream) send(event, name string, data any) {
	if html, ok := st.render(name, data); ok {
		st.event(event, html)
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

// flush sends what there is and tells whether the browser still listens.
func (st *stream) flush() bool {
	if st.buf.Len() == 0 {
		return true
	}
	st.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := st.w.Write(st.buf.Bytes())
	st.buf.Reset()
	return err == nil && st.control.Flush() == nil
}
