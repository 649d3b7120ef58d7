package wrapper

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// line answers requests without a network, and knows when they were made.
type line struct {
	begin   time.Time
	answers []func(*http.Request) (*http.Response, error)
	tries   []time.Duration
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.tries = append(l.tries, time.Since(l.begin))
	next := l.answers[0]
	if len(l.answers) > 1 {
		l.answers = l.answers[1:]
	}
	return next(r)
}

func says(status int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("Text."))}
		if len(header) == 2 {
			r.Header.Set(header[0], header[1])
		}
		return r, nil
	}
}

func breaks(*http.Request) (*http.Response, error) { return nil, errors.New("the line is cut") }

func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

type answering = []func(*http.Request) (*http.Response, error)

// deliverOver delivers one report within a time.
func deliverOver(t *testing.T, limit time.Duration, answers answering) (answer, []time.Duration, time.Duration) {
	t.Helper()
	l := &line{begin: time.Now(), answers: answers}
	s := newSender("test", nil)
	s.client.Transport = l
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	a := s.deliver(ctx, "http://kae/hb/x", nil, nil)
	return a, l.tries, time.Since(l.begin)
}

func TestDelivery(t *testing.T) {
	for name, test := range map[string]struct {
		answers     answering
		limit       time.Duration
		want        answer
		least, most int // tries
		ends        [2]time.Duration
	}{
		"at once":                      {answering{says(200)}, time.Minute, answer{delivered: true}, 1, 1, [2]time.Duration{0, 0}},
		"a pause that doubles":         {answering{says(500), says(502), says(200)}, time.Minute, answer{delivered: true}, 3, 3, [2]time.Duration{750 * time.Millisecond, 2250 * time.Millisecond}},
		"a broken line is tried again": {answering{breaks, says(200)}, time.Minute, answer{delivered: true}, 2, 2, [2]time.Duration{250 * time.Millisecond, 750 * time.Millisecond}},
		"Retry-After in seconds":       {answering{says(503, "Retry-After", "20"), says(200)}, time.Minute, answer{delivered: true}, 2, 2, [2]time.Duration{20 * time.Second, 20 * time.Second}},
		"Retry-After as a date": {
			answering{says(429, "Retry-After", "Sat, 01 Jan 2000 00:00:30 GMT"), says(200)}, time.Minute,
			answer{delivered: true}, 2, 2, [2]time.Duration{30 * time.Second, 30 * time.Second},
		},
		"Retry-After beyond the time there is": {
			answering{says(503, "Retry-After", "61"), says(200)}, time.Minute,
			answer{reason: "503 Text.", after: 61 * time.Second}, 1, 1, [2]time.Duration{0, 0},
		},
		"refused for good":             {answering{says(404)}, time.Minute, answer{refused: true, reason: "404 Text."}, 1, 1, [2]time.Duration{0, 0}},
		"no answer is given up":        {answering{silent, says(200)}, time.Minute, answer{delivered: true}, 2, 2, [2]time.Duration{oneTry, oneTry + time.Second}},
		"no time for a whole try":      {answering{breaks, silent}, 5 * time.Second, answer{reason: "the line is cut"}, 2, 2, [2]time.Duration{5 * time.Second, 5 * time.Second}},
		"no time at all":               {answering{says(200)}, 0, answer{reason: "there was no time to try"}, 0, 0, [2]time.Duration{0, 0}},
		"for an hour, but not eagerly": {answering{says(500)}, time.Hour, answer{reason: "500 Text."}, 60, 250, [2]time.Duration{59 * time.Minute, time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, tries, took := deliverOver(t, test.limit, test.answers)
				if got != test.want {
					t.Errorf("got %+v, want %+v", got, test.want)
				}
				if len(tries) < test.least || len(tries) > test.most {
					t.Errorf("%d tries, want %d to %d", len(tries), test.least, test.most)
				}
				if took < test.ends[0] || took > test.ends[1] {
					t.Errorf("it took %v, want %v", took, test.ends)
				}
			})
		})
	}
}

func TestWhichAnswersAreForGood(t *testing.T) {
	for status, refused := range map[int]bool{
		301: true, 400: true, 401: true, 403: true, 404: true, 405: true, 413: true,
		408: false, 425: false, 429: false, 500: false, 502: false, 503: false, 504: false,
	} {
		r, _ := says(status)(nil)
		if a := newSender("test", nil).judge(r, nil); a.refused != refused || a.delivered || a.reason == "" {
			t.Errorf("%d: %+v", status, a)
		}
	}
}

func TestErrorsOfTheNetworkDoNotShowTheToken(t *testing.T) {
	target, err := ParseTarget(value, "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	a := newSender("test", target.secret).send(t.Context(), target.heartbeat("fail", nil), nil)
	if a.reason == "" || strings.Contains(a.reason, value) || strings.Contains(a.reason, "/hb/") {
		t.Errorf("%q", a.reason)
	}
}
