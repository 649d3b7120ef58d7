package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

const aRun = "0b8e1a52-6c1f-4f0e-9f5e-2f7c4a0d9b11"

func TestSignals(t *testing.T) {
	const hour = time.Hour
	for path, want := range map[string]kae.Heartbeat{
		"":                                    {Kind: kae.Success},
		"/start":                              {Kind: kae.Start},
		"/fail":                               {Kind: kae.Failure},
		"/log?m=note":                         {Kind: kae.Log, Message: "note"},
		"/0":                                  {Kind: kae.Success, Exited: true},
		"/2":                                  {Kind: kae.Failure, Exited: true, Exit: 2},
		"/255":                                {Kind: kae.Failure, Exited: true, Exit: 255},
		"/TERM":                               {Kind: kae.Failure, Message: "killed by SIGTERM"},
		"/SIGKILL?m=":                         {Kind: kae.Failure, Message: "killed by SIGKILL"},
		"/RTMIN+3":                            {Kind: kae.Failure, Message: "killed by SIGRTMIN+3"},
		"/SEGV?m=night+shift&m=x":             {Kind: kae.Failure, Message: "night shift; killed by SIGSEGV"},
		"?s=0":                                {Kind: kae.Success, Exited: true},
		"?s=7":                                {Kind: kae.Failure, Exited: true, Exit: 7},
		"/fail?s=0":                           {Kind: kae.Failure, Exited: true},
		"?rid=" + aRun:                        {Kind: kae.Success, RunID: aRun},
		"/start?rid=" + strings.ToUpper(aRun): {Kind: kae.Start, RunID: aRun},
		"?d=12.5":                             {Kind: kae.Success, Took: 12500 * time.Millisecond},
		"?d=0":                                {Kind: kae.Success, Took: time.Microsecond},
		"?other=x&&m=y":                       {Kind: kae.Success, Message: "y"},
		"?at=" + noon.Add(-hour).Format(time.RFC3339):       {Kind: kae.Success, At: noon.Add(-hour), Received: noon},
		"?at=" + noon.Add(-24*hour).Format(time.RFC3339):    {Kind: kae.Success, At: noon.Add(-24 * hour), Received: noon},
		"?at=" + noon.Add(time.Minute).Format(time.RFC3339): {Kind: kae.Success},
	} {
		w := newWorld()
		token := w.make(t, "a", "1h", "")
		got := get(w.server(), "/hb/"+token.Value+path)
		if got.Code != 200 {
			t.Errorf("%s: status %d, %s", path, got.Code, got.Body)
			continue
		}
		want.TokenID, want.Number, want.Remote = token.ID, 1, "127.0.0.1"
		if want.At.IsZero() {
			want.At = noon
		}
		if d := cmp.Diff([]kae.Heartbeat{want}, w.beats[token.ID]); d != "" {
			t.Errorf("%s: recorded (-want +got):\n%s", path, d)
		}
	}
}

func TestASignalThatIsWrongIsNotRecorded(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	s := w.server()
	for path, status := range map[string]int{
		"/256": 400, "/-1": 400, "/01": 400, "/+1": 400, "/1e1": 404, "/strat": 404, "/term": 404, "/SIG": 404, "/SIGSIGHUP": 404, "/RTMIN+": 404, "/RTMIN+x": 404, "/LATE": 404, "/start/now": 404, "?s=": 400, "?s=ok": 400, "?s=300": 400,
		"?rid=1": 400, "?rid=" + aRun[:35] + "g": 400, "?rid=" + strings.ReplaceAll(aRun, "-", "x"): 400,
		"?d=long": 400, "?d=-1": 400, "?d=NaN": 400, "?d=1e300": 400,
		"?at=yesterday": 400, "?at=-5": 400, "?at=NaN": 400,
		"?at=" + noon.Add(61*time.Second).Format(time.RFC3339):            400,
		"?at=" + noon.Add(-24*time.Hour-time.Second).Format(time.RFC3339): 400,
	} {
		got := get(s, "/hb/"+token.Value+path)
		body := got.Body.String()
		if got.Code != status || !strings.HasSuffix(body, ".\n") || strings.Contains(body, token.Value) {
			t.Errorf("%s: status %d, want %d: %q", path, got.Code, status, body)
		}
	}
	if n := len(w.beats[token.ID]); n != 0 {
		t.Errorf("%d were recorded", n)
	}
}

func TestTimesInSeconds(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	at := noon.Add(-90*time.Second - 250*time.Millisecond)
	text := fmt.Sprintf("%d.%03d", at.Unix(), at.UnixMilli()%1000)
	if got := get(w.server(), "/hb/"+token.Value+"?at="+text); got.Code != 200 {
		t.Fatal(got.Code, got.Body)
	}
	if got := w.beats[token.ID][0]; !got.At.Equal(at) || !got.BackDated() {
		t.Errorf("at %v, want %v", got.At, at)
	}
}

// The value may stand in a header, which proxies do not log.
func TestTheValueInAHeader(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	s := w.server()
	ask := func(path, authorization string) int {
		return request{method: "POST", path: path, header: http.Header{"Authorization": {authorization}}}.do(s).Code
	}
	for path, kind := range map[string]kae.Kind{"/hb": kae.Success, "/hb/start": kae.Start, "/hb/fail": kae.Failure, "/hb/3": kae.Failure, "/hb?m=x": kae.Success} {
		if status := ask(path, "Bearer "+token.Value); status != 200 {
			t.Errorf("%s: status %d", path, status)
			continue
		}
		if got := w.beats[token.ID][0]; got.Kind != kind {
			t.Errorf("%s: %s", path, got.Kind)
		}
	}
	if status := ask("/hb", "bearer  "+token.Value); status != 200 {
		t.Errorf("in small letters: status %d", status)
	}
	before := len(w.beats[token.ID])
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Basic " + token.Value, "Bearer nonsense"} {
		if status := ask("/hb", authorization); status != 404 {
			t.Errorf("%q: status %d", authorization, status)
		}
	}
	if status := ask("/hb/"+token.Value, "Basic YTpi"); status != 200 {
		t.Errorf("with other credentials: status %d", status)
	}
	if n := len(w.beats[token.ID]) - before; n != 1 {
		t.Errorf("%d were recorded", n)
	}
}
