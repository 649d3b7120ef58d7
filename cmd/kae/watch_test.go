package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestItIsToldEveryMinuteThatKaeWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var mu sync.Mutex
		var ill, cut error
		var sent []string
		var logged output
		w := &watch{
			host: "other.example",
			ill: func() error {
				mu.Lock()
				defer mu.Unlock()
				return ill
			},
			send: func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				sent = append(sent, time.Since(begin).String())
				return cut
			},
			log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}})),
		}
		running := start(w.run)
		pass := func(d time.Duration, illness, outage error) {
			mu.Lock()
			ill, cut = illness, outage
			mu.Unlock()
			time.Sleep(d)
			synctest.Wait()
		}
		pass(90*time.Second, nil, nil)                                         // well: at once and after a minute
		pass(2*time.Minute, errors.New("The database fails since noon."), nil) // two are held back
		pass(time.Minute, nil, nil)                                            // at 4m again
		pass(2*time.Minute, nil, errors.New("no answer in time"))              // 5m and 6m are lost
		pass(time.Minute, nil, nil)                                            // 7m
		if err := running.stop(); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour, nil, nil) // a stop sends nothing, then or later
		if diff := cmp.Diff([]string{"0s", "1m0s", "4m0s", "5m0s", "6m0s", "7m0s"}, sent); diff != "" {
			t.Errorf("heartbeats (-want +got)\n%s", diff)
		}
		want := `level=WARN msg="nobody is told that kae works" to=other.example error="The database fails since noon."
level=INFO msg="it is told again that kae works" to=other.example
level=WARN msg="nobody is told that kae works" to=other.example error="no answer in time"
level=INFO msg="it is told again that kae works" to=other.example
`
		if diff := cmp.Diff(want, logged.String()); diff != "" {
			t.Errorf("log (-want +got)\n%s", diff)
		}
	})
}

// A stop while the other one does not answer does not wait, and is no failure.
func TestAStopBreaksTheHeartbeatOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged output
		w := &watch{
			ill: func() error { return nil },
			send: func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			},
			log: slog.New(slog.NewTextHandler(&logged, nil)),
		}
		running := start(w.run)
		time.Sleep(time.Second)
		before := time.Now()
		if err := running.stop(); err != nil || time.Since(before) != 0 || logged.String() != "" {
			t.Errorf("%v after %v, logged %q", err, time.Since(before), logged.String())
		}
	})
}

func TestTwoKaesWatchEachOther(t *testing.T) {
	t.Parallel()
	a := launch(t, t.TempDir())
	forB := a.create("kae B works", 60)
	b := launch(t, t.TempDir(), "-watch-url", a.url+"/hb/"+forB.Value)
	a.expect(forB.ID, "up", 10*time.Second)
	b.stop()
	if beats := a.page(forB.ID).Heartbeats; len(beats) != 1 {
		t.Errorf("%d heartbeats of a kae that started and stopped, want 1", len(beats))
	}
	if wrote := b.stdout.String() + b.stderr.String(); strings.Contains(wrote, forB.Value) {
		t.Errorf("kae wrote the other one's token: %s", wrote)
	}
}

func TestTheWatchURLStaysSecret(t *testing.T) {
	t.Parallel()
	const secret = "hjklmnbcdfgpqrstvwxz"
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"leads elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login?from="+r.URL.Path, http.StatusFound)
		}, "302 Found"},
		"says the path": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no "+r.URL.Path, http.StatusNotFound) }, "404 no /hb/"},
		"says nonsense": {func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close()
			conn.Write([]byte(r.Method + " " + r.URL.Path + " is no answer\r\n\r\n"))
		}, "malformed HTTP"},
		"is gone": {nil, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var heard []string
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				heard = append(heard, r.Method+" "+r.URL.Path)
				mu.Unlock()
				tt.answer(w, r)
			}))
			defer other.Close()
			if tt.answer == nil {
				other.Close()
			}
			p := launch(t, t.TempDir(), "-watch-url", other.URL+"/hb/"+secret, "-log-level", "debug")
			eventually(t, 10*time.Second, func() error { return p.stderr.contains("nobody is told that kae works") })
			p.stop()
			wrote := p.stdout.String() + p.stderr.String()
			if strings.Contains(wrote, secret) || !strings.Contains(wrote, tt.says) || !strings.Contains(wrote, strings.TrimPrefix(other.URL, "http://")) {
				t.Errorf("kae wrote: %s", wrote)
			}
			mu.Lock()
			defer mu.Unlock()
			if tt.answer != nil && (len(heard) != 1 || heard[0] != "GET /hb/"+secret) {
				t.Errorf("heard %q, want one GET", heard)
			}
		})
	}
}
