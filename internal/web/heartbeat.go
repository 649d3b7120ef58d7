package web

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"kae"
)

// Header values that every heartbeat's answer shares.
var (
	plainText = []string{"text/plain; charset=utf-8"}
	noStore   = []string{"no-store"}
	anyOrigin = []string{"*"}
	noSniff   = []string{"nosniff"}
	bodyLimit = []string{strconv.Itoa(kae.MaxBody)}
	okLength  = []string{"2"}
	okBody    = []byte("OK")
)

const beatMethods = "GET, HEAD, POST, PUT, OPTIONS"

// heartbeat takes one heartbeat and answers when it is durable.
func (s *Server) heartbeat(w http.ResponseWriter, r *http.Request) error {
	at := s.stamp() // before the body, which may take its time
	header := w.Header()
	header["Content-Type"] = plainText
	header["Cache-Control"] = noStore
	header["X-Content-Type-Options"] = noSniff
	header["Access-Control-Allow-Origin"] = anyOrigin
	header["X-Body-Limit"] = bodyLimit
	posted := false
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost, http.MethodPut:
		posted = true
	case http.MethodOptions:
		preflight(w)
		return nil
	default:
		header.Set("Allow", beatMethods)
		return &kae.Error{Code: badMethod, Message: "A heartbeat is a GET, HEAD, POST or PUT request."}
	}

	h := kae.Heartbeat{At: at, Posted: posted, Agent: kae.CleanText(r.UserAgent(), kae.MaxUserAgent)}
	if from := s.client(r); from.IsValid() {
		h.Remote = from.String()
	}
	value, err := s.signal(r, &h)
	if err != nil {
		return err
	}
	if posted && r.ContentLength != 0 {
		var err error
		if h.Body, err = readTail(r.Body); err != nil {
			// What came is recorded. The time to answer ran while it came.
			http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		h.BodySize = len(h.Body)
	}
	err = s.Keeper.Heartbeat(r.Context(), value, h)
	if err != nil {
		switch kae.ErrorCode(err) {
		case kae.Refused:
			header.Set("Allow", "POST, PUT")
		case kae.NotFound:
			s.strays.saw(value, h, at)
		}
		return err
	}
	header["Content-Length"] = okLength
	w.Write(okBody)
	return nil
}

// noHeartbeat answers what begins like a heartbeat's URL and is none.
func noHeartbeat(w http.ResponseWriter, r *http.Request) error {
	header := w.Header()
	header["Content-Type"] = plainText
	header["Cache-Control"] = noStore
	header["X-Content-Type-Options"] = noSniff
	header["Access-Control-Allow-Origin"] = anyOrigin
	return &kae.Error{Code: kae.NotFound, Message: "There is nothing at this address. A heartbeat's URL ends in /hb/ and the 20 letters of the token."}
}

// preflight lets scripts of any site send heartbeats.
func preflight(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", beatMethods)
	header.Set("Access-Control-Allow-Headers", "*")
	header.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// tails are buffers of twice the tail that is kept: filled, the second half
// moves to the front.
var tails = sync.Pool{New: func() any { return new([2 * kae.MaxBody]byte) }}

// readTail reads at most kae.MaxBodyRead bytes and gives the last kae.MaxBody
// of them. After an error it gives what had come.
func readTail(body io.Reader) ([]byte, error) {
	buf := tails.Get().(*[2 * kae.MaxBody]byte)
	defer tails.Put(buf)
	limited := io.LimitReader(body, kae.MaxBodyRead)
	n := 0
	for {
		if n == len(buf) {
			n = copy(buf[:], buf[n-kae.MaxBody:n])
		}
		m, err := limited.Read(buf[n:])
		n += m
		if err == nil {
			continue
		}
		if err == io.EOF {
			err = nil
		}
		if n == 0 {
			return nil, err
		}
		return append([]byte(nil), buf[max(0, n-kae.MaxBody):n]...), err
	}
}
