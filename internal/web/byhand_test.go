package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func TestAHeartbeatByHand(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	w.beat(token, kae.Failure, 10*time.Minute, "disk full", "")
	s := w.server()

	got := post(s, "/tokens/1/heartbeat", "m", " the disk is\nlarger now ")
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/tokens/1" {
		t.Fatalf("status %d, to %q", got.Code, got.Header().Get("Location"))
	}
	want := kae.Heartbeat{TokenID: 1, Number: 2, At: noon, Kind: kae.Success, Message: "sent by hand from the console: the disk is larger now", Posted: true, ByHand: true, Remote: "127.0.0.1"}
	if d := cmp.Diff(want, w.beats[1][0]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if now, _ := w.roster.Get(1); now.Status != kae.Up || w.flips[1][0].Reason != kae.Recovered {
		t.Errorf("the token is %s, by %v", now.Status, w.flips[1][0])
	}

	asked := request{method: "POST", path: "/tokens/1/heartbeat", header: http.Header{"Accept": {"application/json"}}}.do(s)
	if view := decode[struct{ Beats int64 }](t, asked, 200); view.Beats != 3 || w.beats[1][0].Message != sentByHand {
		t.Errorf("%d heartbeats, the newest says %q", view.Beats, w.beats[1][0].Message)
	}

	long := post(s, "/tokens/1/heartbeat", "m", strings.Repeat("é", 2*kae.MaxMessage))
	if n := len([]rune(w.beats[1][0].Message)); long.Code != http.StatusSeeOther || n != kae.MaxMessage {
		t.Errorf("status %d, %d characters are kept", long.Code, n)
	}
}

// What a token asks of its job it does not ask of a person.
func TestAHeartbeatByHandIsNotJudged(t *testing.T) {
	strict := kae.Token{BodyHas: "DONE", BodyLacks: "", PostOnly: true}
	if got := strict.Judge(kae.Heartbeat{Kind: kae.Success, ByHand: true}); got.Kind != kae.Success {
		t.Errorf("it is a %s: %s", got.Kind, got.Message)
	}
	if got := strict.Judge(kae.Heartbeat{Kind: kae.Success}); got.Kind != kae.Failure {
		t.Error("a job that does not comply passes")
	}
}

func TestAHeartbeatByHandThatCantBe(t *testing.T) {
	w := newWorld()
	token := w.make(t, "a", "1h", "")
	s := w.server()
	if got := post(s, "/tokens/2/heartbeat"); got.Code != 404 {
		t.Errorf("for no token: %d", got.Code)
	}
	foreign := request{method: "POST", path: "/tokens/1/heartbeat", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}.do(s)
	if foreign.Code != 403 {
		t.Errorf("from another site: %d", foreign.Code)
	}
	if got := get(s, "/tokens/1/heartbeat"); got.Code != 405 {
		t.Errorf("by GET: %d", got.Code)
	}
	w.do(token, 0, kae.Token.Remove)
	if got := post(s, "/tokens/1/heartbeat"); got.Code != 409 {
		t.Errorf("for a removed token: %d", got.Code)
	}
	if n := len(w.beats[1]); n != 0 {
		t.Errorf("%d were recorded", n)
	}
}
