package wrapper

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kae"
)

// The pauses between two tries of one report. Each is made longer or shorter
// by up to a half: all machines that lost the network together should not come
// back together.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// oneTry is how long kae may take to answer.
const oneTry = 10 * time.Second

// answer is what became of one try.
type answer struct {
	delivered bool
	refused   bool          // for good: the same request will not succeed later
	reason    string        // why it was not delivered
	after     time.Duration // how long kae asks to be left alone
}

func (a answer) final() bool { return a.delivered || a.refused }

// sender sends heartbeats.
type sender struct {
	client *http.Client
	agent  string
	secret mask
}

func newSender(agent string, secret mask) *sender {
	return &sender{
		client: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: oneTry}).DialContext,
				TLSHandshakeTimeout: oneTry,
				ForceAttemptHTTP2:   true,
				// A connection that lay idle for the length of a job is not to be trusted.
				IdleConnTimeout: 5 * time.Second,
			},
			// A redirection would turn a POST with its output into a GET without,
			// and a page to log in would look like a success.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		agent:  agent,
		secret: secret,
	}
}

// send tries once, by POST: what link previews and scanners do is none.
func (s *sender) send(ctx context.Context, to string, body []byte) answer {
	return s.request(ctx, http.MethodPost, to, body)
}

func (s *sender) request(ctx context.Context, method, to string, body []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return answer{refused: true, reason: "its address is not one"}
	}
	r.Header.Set("User-Agent", s.agent)
	if len(body) > 0 {
		kind := "application/octet-stream"
		if utf8.Valid(body) {
			kind = "text/plain; charset=utf-8"
		}
		r.Header.Set("Content-Type", kind)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return answer{reason: s.why(err)}
	}
	defer response.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(response.Body, 500))
	return s.judge(response, said)
}

// why puts the error of a request into words. It leaves out what net/http puts
// before it: the URL, and with it the token's value.
func (s *sender) why(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return "no answer in time"
		}
		err = e.Err
	}
	switch {
	case errors.Is(err, io.EOF):
		return "the connection was closed without an answer"
	case errors.Is(err, context.Canceled):
		return "there was no time to wait for the answer"
	}
	return oneLine(s.secret.hideIn(err.Error()))
}

// judge decides what an answer means: 2xx is delivered; of the others, 5xx and
// what RFC 9110, 6585 and 8470 call temporary may succeed later.
func (s *sender) judge(r *http.Response, said []byte) answer {
	if r.StatusCode/100 == 2 {
		return answer{delivered: true}
	}
	a := answer{reason: strconv.Itoa(r.StatusCode) + " " + http.StatusText(r.StatusCode)}
	switch {
	case r.StatusCode/100 == 3:
		a.reason += ", which leads elsewhere: give the address that it should be sent to"
		a.refused = true
		return a
	case r.StatusCode/100 == 5, r.StatusCode == http.StatusRequestTimeout,
		r.StatusCode == http.StatusTooEarly, r.StatusCode == http.StatusTooManyRequests:
		a.after = retryAfter(r.Header.Get("Retry-After"), time.Now())
	default:
		a.refused = true
	}
	// kae says what is wrong in a sentence; a proxy's page of HTML is no help.
	if text := oneLine(s.secret.hideIn(string(said))); text != "" && !strings.HasPrefix(text, "<") {
		a.reason = strconv.Itoa(r.StatusCode) + " " + kae.CleanText(text, 200)
	}
	return a
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds,
// or a date.
func retryAfter(text string, now time.Time) time.Duration {
	const most = 24 * time.Hour
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, most)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(at.Sub(now), most))
	}
	return 0
}

// deliver tries until there is a final answer or no time for another try. It
// calls tried, unless that is nil, after the first.
func (s *sender) deliver(ctx context.Context, to string, body []byte, tried func()) answer {
	var last answer
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		a := s.send(ctx, to, body)
		if tried != nil {
			tried()
			tried = nil
		}
		// Of a try that was cut short, the one before it says more.
		if a.final() || ctx.Err() == nil || last.reason == "" {
			last = a
		}
		if a.final() {
			break
		}
		wait := max(a.after, pause/2+rand.N(pause))
		if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	if !last.delivered && last.reason == "" {
		last.reason = "there was no time to try"
	}
	return last
}
