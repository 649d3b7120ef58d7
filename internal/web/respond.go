package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"kae"
)

// handler answers a request or returns why it can't.
type handler func(w http.ResponseWriter, r *http.Request) error

// Codes that only HTTP knows.
const (
	badRequest   kae.Code = "bad_request"
	badMethod    kae.Code = "bad_method"
	badMedia     kae.Code = "bad_media"
	tooLarge     kae.Code = "too_large"
	tooMany      kae.Code = "too_many"
	unauthorized kae.Code = "unauthorized"
	forbidden    kae.Code = "forbidden"
	conflict     kae.Code = "conflict"
)

var statuses = map[kae.Code]int{
	kae.Invalid:     http.StatusUnprocessableEntity,
	kae.NotFound:    http.StatusNotFound,
	kae.Unavailable: http.StatusServiceUnavailable,
	kae.Refused:     http.StatusMethodNotAllowed,
	kae.Internal:    http.StatusInternalServerError,
	badRequest:      http.StatusBadRequest,
	badMethod:       http.StatusMethodNotAllowed,
	badMedia:        http.StatusUnsupportedMediaType,
	tooLarge:        http.StatusRequestEntityTooLarge,
	tooMany:         http.StatusTooManyRequests,
	unauthorized:    http.StatusUnauthorized,
	forbidden:       http.StatusForbidden,
	conflict:        http.StatusConflict,
}

// headers that tell what to do about an error.
var remedies = map[kae.Code][2]string{
	kae.Unavailable: {"Retry-After", "5"},
	tooMany:         {"Retry-After", "6"},
	unauthorized:    {"WWW-Authenticate", `Basic realm="kae", charset="UTF-8"`},
}

// reject sets the headers of an error and gives its status and the sentence
// for whoever asked.
func reject(w http.ResponseWriter, err error) (status int, message string) {
	code, message := kae.ErrorCode(err), "Something went wrong inside kae. Its log says what."
	if e, ok := errors.AsType[*kae.Error](err); ok {
		message = e.Message
	}
	if h, ok := remedies[code]; ok {
		w.Header().Set(h[0], h[1])
	}
	return statuses[code], message
}

// heartbeats adapts the handlers of heartbeats: errors are a line of text, and
// a success is logged for those who look for it only.
func (s *Server) heartbeats(pattern string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := recovered(h, w, r)
		level, status := slog.LevelDebug, http.StatusOK
		switch {
		case err == nil:
		case r.Context().Err() != nil:
			status = 0 // nobody waits for an answer
		default:
			if counter := s.metrics.refused[kae.ErrorCode(err)]; counter != nil {
				counter.Inc()
			}
			var message string
			if status, message = reject(w, err); status >= 500 {
				level = slog.LevelWarn
			} else {
				level = slog.LevelInfo
			}
			w.Header().Del("Content-Length")
			w.WriteHeader(status)
			fmt.Fprintln(w, message)
		}
		if s.Log.Enabled(r.Context(), level) {
			attrs := []slog.Attr{slog.String("method", method(r)), slog.String("route", pattern),
				slog.Int("status", status), slog.String("remote", s.client(r).String())}
			if err != nil {
				attrs = append(attrs, slog.Any("err", err))
			}
			s.Log.LogAttrs(r.Context(), level, "heartbeat", attrs...)
		}
	})
}

// pages adapts all other handlers: it sets the headers that every answer has,
// shows errors as a page or as JSON, and logs one line a request.
func (s *Server) pages(pattern string, usual slog.Level, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, level := time.Now(), usual
		secure(w.Header())
		rec := &recorder{ResponseWriter: w}
		err := recovered(h, rec, r)
		gone := r.Context().Err() != nil
		if err != nil && !gone && rec.status == 0 {
			s.showError(rec, r, err)
		}
		attrs := []slog.Attr{slog.String("method", method(r)), slog.String("route", pattern), slog.Int("status", rec.status),
			slog.Float64("took_ms", float64(time.Since(start).Microseconds())/1000), slog.String("remote", s.client(r).String())}
		switch {
		case err == nil || gone:
		case rec.status >= 500 && kae.ErrorCode(err) == kae.Internal:
			level, attrs = slog.LevelError, append(attrs, slog.Any("err", err))
		default:
			level, attrs = max(level, slog.LevelInfo), append(attrs, slog.Any("err", err))
		}
		s.Log.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
	})
}

// showError answers with an error.
func (s *Server) showError(w http.ResponseWriter, r *http.Request, err error) {
	status, message := reject(w, err)
	if wantsJSON(r) {
		field := ""
		if e, ok := errors.AsType[*kae.Error](err); ok {
			field = e.Field
		}
		s.json(w, r, status, problem{message, field})
		return
	}
	page := errorPage{frame: s.frame(s.clock()), Status: status, Message: message}
	page.Title = http.StatusText(status) + ", kae"
	if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests {
		page.strip() // strangers learn nothing about the tokens
	}
	if err := s.html(w, r, status, "error.html", page); err != nil {
		http.Error(w, message, status)
	}
}

// problem is an error in JSON.
type problem struct {
	Error string `json:"error"`
	Field string `json:"field,omitempty"`
}

type errorPage struct {
	frame
	Status  int
	Message string
}

// lost answers what nothing else does. A page that is there for another method
// says for which.
func lost(mux *http.ServeMux) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "/" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			return &kae.Error{Code: kae.NotFound, Message: "There is no such page."}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return &kae.Error{Code: badMethod, Message: "This address takes only " + strings.Join(allowed, " and ") + " requests."}
	}
}

// panicked is an error made of a panic. Its value may hold anything, a token's
// value too, so that only runtime errors are told in words.
type panicked struct {
	what  string
	stack []byte
}

func (p *panicked) Error() string { return "panic: " + p.what + "\n" + string(p.stack) }

// recovered calls h and makes an error of a panic.
func recovered(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case runtime.Error:
			err = &panicked{v.Error(), debug.Stack()}
		default:
			if v == http.ErrAbortHandler {
				panic(v)
			}
			err = &panicked{fmt.Sprintf("a value of type %T", v), debug.Stack()}
		}
	}()
	return h(w, r)
}

// secure sets the headers that every answer but a heartbeat's has.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "+
		"connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// method gives the method for the log, if it is one: it is free text.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
