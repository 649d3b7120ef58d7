package web

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"kae"
)

func TestABodyIsCutAtItsHead(t *testing.T) {
	long := strings.Repeat("line of a log\n", 500)
	for name, tt := range map[string]struct {
		body string
		text string // how it begins
		left string
		end  string
	}{
		"short":           {"one\ntwo\n", "one\n", "", "two\n"},
		"many lines":      {long + "the reason\n", "line of a log\n", "… the first ", "the reason\n"},
		"one long line":   {strings.Repeat("é", 3000), "é", "… the first 4.0 kB are left out", "é"},
		"as long as kept": {strings.Repeat("x", kae.MaxBody), "x", "… all but the last 2.0 kB is left out", "x"},
		"blank lines":     {"a" + strings.Repeat("\n", 50), "a\n", "", "\n"},
	} {
		room := inlineBudget
		v := bodyOf(kae.Token{ID: 1, Beats: 1}, kae.Heartbeat{Number: 1, Body: []byte(tt.body), BodySize: len(tt.body)}, &room)
		if !strings.HasPrefix(v.Text, tt.text) || !strings.HasSuffix(v.Text, tt.end) || !strings.HasPrefix(v.Left, tt.left) || (v.Left == "") != (tt.left == "") {
			t.Errorf("%s: %q, %.20q…", name, v.Left, v.Text)
		}
		if len(v.Text) > inlineBody || !strings.HasSuffix(tt.body, v.Text) || room != inlineBudget-len(v.Text) {
			t.Errorf("%s: %d bytes, room for %d", name, len(v.Text), room)
		}
		if lines := strings.Count(strings.TrimRight(v.Text, "\n"), "\n") + 1; lines > inlineLines {
			t.Errorf("%s: %d lines", name, lines)
		}
	}
	room := 0
	v := bodyOf(kae.Token{ID: 1, Beats: 1}, kae.Heartbeat{Number: 1, Body: []byte("x"), BodySize: 1}, &room)
	if v.Text != "" || v.URL == "" {
		t.Errorf("a page without room: %+v", v)
	}
}

func TestTextThatWasCutInsideACharacterIsText(t *testing.T) {
	cut := append([]byte("\xa9"), bytes.Repeat([]byte("é"), kae.MaxBody/2)...)[:kae.MaxBody-1]
	cut = append(cut, 'x')
	if text, ok := textOf(cut); !ok || text[0] == 0xa9 {
		t.Errorf("%t, %x…", ok, text[:4])
	}
	for _, body := range []string{"\xa9 short", "a\x00b", "\xff"} {
		if _, ok := textOf([]byte(body)); ok {
			t.Errorf("%q is text", body)
		}
	}
}

func TestBodiesInTheLog(t *testing.T) {
	w, tokens := signals(t)
	page := get(w.server(), "/tokens/1").Body.String()
	if tokens["bodies"].ID != 1 {
		t.Fatal("another token")
	}
	for _, want := range []string{
		"dumping &lt;b&gt;orders&lt;/b&gt;\nNo space left on device\n</pre>", `<details id="body-4" open>`, "<i>… the first 4.0 kB are left out</i>",
		`<details id="body-1"><summary>Body, 13 bytes</summary>`, `<a href="/tokens/1/heartbeats/4/body?download" download>Download</a>`,
		`<a href="/tokens/1/heartbeats/2/body" download>Download the body</a> <span class="muted">4 bytes, not text</span>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the log is without %s", want)
		}
	}
	if strings.Contains(page, "<b>orders") {
		t.Error("a body is interpreted")
	}
}

func TestBodiesAreOfferedForDownload(t *testing.T) {
	w, _ := signals(t)
	s := w.server()
	for path, want := range map[string][2]string{
		"/tokens/1/heartbeats/4/body":          {"text/plain; charset=utf-8", ""},
		"/tokens/1/heartbeats/4/body?download": {"text/plain; charset=utf-8", `attachment; filename="heartbeat-1-4.txt"`},
		"/tokens/1/heartbeats/2/body":          {"application/octet-stream", `attachment; filename="heartbeat-1-2.bin"`},
	} {
		got := get(s, path)
		if got.Code != 200 || got.Header().Get("Content-Type") != want[0] || got.Header().Get("Content-Disposition") != want[1] {
			t.Errorf("%s: status %d, %v", path, got.Code, got.Header())
		}
		if policy := got.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestBodiesOfOldHeartbeatsAreNoLongerKept(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	w.beat(token, kae.Success, time.Hour, "", "gone by now")
	for range kae.BodiesKept {
		w.beat(token, kae.Log, time.Minute, "", "")
	}
	rows, _, _ := logOf(kae.Token{ID: 1, Beats: kae.BodiesKept + 1}, kae.History{Beats: w.beats[1][kae.BodiesKept:]}, place{}, nil, clock{noon, time.UTC})
	if b := rows[0].Body; b == nil || b.URL != "" || b.Text != "" || b.Size != "11 bytes" {
		t.Errorf("got %+v", b)
	}
}
