package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func strayJSON(t *testing.T, s *Server) straysPage {
	t.Helper()
	var page struct {
		Strays []struct {
			Value, Remote, Agent string
			Kind                 kae.Kind
			Count                int64
			Hints                []strayHint
		}
		Total int64
	}
	answer := request{method: "GET", path: "/strays", header: asJSON}.do(s)
	if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil {
		t.Fatalf("%v: %s", err, answer.Body)
	}
	got := straysPage{Total: page.Total}
	for _, v := range page.Strays {
		got.Strays = append(got.Strays, strayView{Value: v.Value, Remote: v.Remote, Agent: v.Agent, Kind: v.Kind, Count: v.Count, Hints: v.Hints})
	}
	return got
}

func knock(s *Server, path, from string) {
	request{method: "GET", path: path, remote: from + ":1", header: http.Header{"User-Agent": {"curl/8.5.0"}}}.do(s)
}

func TestATypingErrorBecomesVisible(t *testing.T) {
	w := newWorld()
	token := w.make(t, "Nightly backup", "1d", "")
	s := w.server()
	wrong := token.Value[:15] + "xyzxy"
	knock(s, "/hb/"+wrong, "10.0.0.7")
	w.sleep(time.Hour)
	knock(s, "/hb/"+wrong+"/fail", "10.0.0.7")
	knock(s, "/hb/"+wrong, "10.0.0.8")
	request{method: "GET", path: "/hb/start", header: http.Header{"Authorization": {"Bearer zzz"}}}.do(s)
	knock(s, "/hb/"+token.Value, "10.0.0.7")
	for _, path := range []string{"/hb", "/hb/", "/hb/" + wrong + "/nonsense", "/hb/" + wrong + "/start/x", "/hb/" + wrong + "/400"} {
		knock(s, path, "10.0.0.9") // no heartbeats
	}

	like := []strayHint{{token.ID, "Nightly backup", hintLike}}
	want := straysPage{Total: 4, Strays: []strayView{
		{Value: "zzz", Remote: "127.0.0.1", Kind: kae.Start, Count: 1, Hints: []strayHint{}},
		{Value: wrong[:4] + "…", Remote: "10.0.0.8", Agent: "curl/8.5.0", Kind: kae.Success, Count: 1, Hints: like},
		{Value: wrong[:4] + "…", Remote: "10.0.0.7", Agent: "curl/8.5.0", Kind: kae.Failure, Count: 2, Hints: like},
	}}
	if d := cmp.Diff(want, strayJSON(t, s), cmp.AllowUnexported(straysPage{}, strayView{}), cmp.Comparer(func(a, b stamp) bool { return true })); d != "" {
		t.Error(d)
	}
	page := get(s, "/strays").Body.String()
	for _, text := range []string{wrong[:4] + "…", "10.0.0.7", "curl/8.5.0: failure, 2 times since", "zzz", "No token’s value begins like it", "Nightly backup"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	if list := get(s, "/").Body.String(); !strings.Contains(list, `href="/strays">4 stray heartbeats</a>`) {
		t.Error("the list does not lead there")
	}
	if got := fmt.Sprintf("%s %+v %+v", page, s.strays.byKey, s.strays.recent.Front().Value); strings.Contains(got, wrong) || strings.Contains(page, wrong[:5]) {
		t.Error("the value is kept")
	}
}

func TestStraysTellWhoseTheyMayBe(t *testing.T) {
	w := newWorld()
	s := w.server()
	removed, renewed, back := w.make(t, "Removed", "1d", ""), w.make(t, "Renewed", "1d", ""), w.make(t, "Back", "1d", "")
	post(s, fmt.Sprintf("/tokens/%d/remove", removed.ID))
	post(s, fmt.Sprintf("/tokens/%d/remove", back.ID))
	post(s, fmt.Sprintf("/tokens/%d/newvalue", renewed.ID))
	for _, token := range []kae.Token{removed, renewed, back} {
		knock(s, "/hb/"+token.Value, "10.0.0.7")
	}
	post(s, fmt.Sprintf("/tokens/%d/undo", back.ID))
	var got [][]strayHint
	for _, v := range strayJSON(t, s).Strays {
		got = append(got, v.Hints)
	}
	want := [][]strayHint{{{back.ID, "Back", hintBack}}, {{renewed.ID, "Renewed", hintFormer}}, {{removed.ID, "Removed", hintRemoved}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	page := get(s, "/strays").Body.String()
	for _, text := range []string{"had this value and was removed", "before it got a new one", "takes heartbeats again"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
}

// The surest hints stay when many values begin alike.
func TestOnlyTheSurestHintsAreGiven(t *testing.T) {
	w := newWorld()
	s := w.server()
	for id := range int64(200) { // every 21st begins alike
		w.make(t, fmt.Sprint("token ", id+1), "1d", "")
	}
	last, _ := w.roster.Get(190)
	post(s, "/tokens/190/remove")
	knock(s, "/hb/"+last.Value, "10.0.0.7")
	want := []strayHint{{190, "token 190", hintRemoved}, {1, "token 1", hintLike}, {22, "token 22", hintLike}}
	if d := cmp.Diff(want, strayJSON(t, s).Strays[0].Hints); d != "" {
		t.Error(d)
	}
}

func TestTheMemoryOfStraysIsBounded(t *testing.T) {
	w := newWorld()
	s := w.server()
	for i := range 10 * maxStrays {
		knock(s, "/hb/"+strings.Repeat("é", i+1), "10.0.0.9")
		if i%(maxStrays/2) == 0 {
			knock(s, "/hb/again", "10.0.0.7") // seen now and then, it stays
		}
		w.sleep(time.Second)
	}
	got := strayJSON(t, s).Strays
	i := slices.IndexFunc(got, func(v strayView) bool { return v.Remote == "10.0.0.7" })
	if len(got) != maxStrays || len(s.strays.byKey) != maxStrays || i < 0 || got[i].Count != 20 {
		t.Errorf("%d strays, %d in the map; the frequent one is at %d", len(got), len(s.strays.byKey), i)
	}
	if d := cmp.Diff("éééé…", got[0].Value); d != "" {
		t.Error(d)
	}
	for i := range 3 * maxFormer {
		s.strays.renewed(kae.Token{ID: int64(i), Value: fmt.Sprint(i)})
		s.strays.renewed(kae.Token{ID: int64(i), Value: fmt.Sprint(i)})
	}
	if len(s.strays.former) != maxFormer || len(s.strays.order) != maxFormer {
		t.Errorf("%d former values in %d places", len(s.strays.former), len(s.strays.order))
	}
}

func TestStraysAreForgotten(t *testing.T) {
	w := newWorld()
	s := w.server()
	knock(s, "/hb/old", "10.0.0.7")
	w.sleep(keepStrays)
	knock(s, "/hb/new", "10.0.0.7")
	if n := len(strayJSON(t, s).Strays); n != 2 {
		t.Fatalf("%d strays within the week", n)
	}
	w.sleep(time.Second)
	if got := strayJSON(t, s).Strays; len(got) != 1 || got[0].Value != "new" || len(s.strays.byKey) != 1 {
		t.Errorf("after the week: %+v", got)
	}
	if got := post(s, "/strays/forget"); got.Code != 303 || got.Header().Get("Location") != "/" {
		t.Errorf("forgetting: status %d to %s", got.Code, got.Header().Get("Location"))
	}
	if got := strayJSON(t, s); len(got.Strays) != 0 || strings.Contains(get(s, "/").Body.String(), "stray") {
		t.Errorf("they are not forgotten: %+v", got)
	}
	knock(s, "/hb/new", "10.0.0.7")
	if n := len(strayJSON(t, s).Strays); n != 1 {
		t.Errorf("%d strays after one more", n)
	}
}

func BenchmarkStrays(b *testing.B) {
	m, i := newStrays(), 0
	b.ReportAllocs()
	for b.Loop() {
		m.saw(fmt.Sprint("bcdfghjklmnpqr", i), kae.Heartbeat{Remote: "10.0.0.7"}, noon)
		i++
	}
}
