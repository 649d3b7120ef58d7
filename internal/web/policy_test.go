package web

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// written is a policy as the form sends it: Slack at once; mail if it still
// fires after 15 minutes, again every 4 hours; nothing in the night but what is
// critical.
var written = []string{
	"rules.0.which", "any", "rules.0.reasons", "", "rules.0.channels", "1", "rules.0.after", "0", "rules.0.every", "0", "rules.0.hours", "any", "rules.0.from", "22:00", "rules.0.to", "07:00", "rules.0.ends", "yes",
	"rules.7.which", "tags", "rules.7.tags", "db, prod", "rules.7.reasons", "missed overran", "rules.7.channels", "1", "rules.7.channels", "2", "rules.7.after", "15m", "rules.7.every", "4h",
	"rules.7.hours", "not", "rules.7.from", "12:00", "rules.7.to", "13:30", "rules.7.ends", "no",
	"quiet", "yes", "quiet.from", "22:00", "quiet.to", "07:00", "except.which", "tags", "except.tags", "critical", "zone", "Europe/Madrid",
}

func policyWorld(t *testing.T) (*world, *board, *Server) {
	t.Helper()
	w := newWorld()
	b := w.alerts()
	b.channel(t, "ops mail", "email", map[string]string{"to": "ops@example.com"})
	b.channel(t, "#ops", "slack", map[string]string{"url": "https://hooks.example.com"})
	return w, b, w.server()
}

// sendPolicy sends the form; a field may be there several times.
func sendPolicy(s *Server, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return request{method: "POST", path: "/policy", form: form}.do(s)
}

func TestAPolicyIsSavedAsItWasWritten(t *testing.T) {
	_, b, s := policyWorld(t)
	answer := sendPolicy(s, written...)
	if answer.Code != http.StatusSeeOther || !strings.HasPrefix(answer.Header().Get("Location"), "/channels?done=") {
		t.Fatalf("%d %s\n%s", answer.Code, answer.Header().Get("Location"), answer.Body)
	}
	zone, err := kae.LoadZone("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	want := kae.Policy{
		Zone: zone,
		Rules: []kae.Rule{
			{Channels: []int64{1}, Ends: true},
			{Pick: kae.Pick{Tags: []string{"db", "prod"}}, Reasons: []kae.Reason{kae.Missed, kae.Overran}, Channels: []int64{1, 2}, After: 15 * time.Minute, Every: 4 * time.Hour, Hours: kae.Hours{From: 720, To: 810}},
		},
		Quiet: kae.Hours{From: 1320, To: 420}, Except: kae.Pick{Tags: []string{"critical"}},
	}
	same := cmp.Comparer(func(x, y *time.Location) bool { return x.String() == y.String() })
	if d := cmp.Diff(want, *b.Policy(), same); d != "" {
		t.Error(d)
	}
	// What the form shows can be sent again, and is the same.
	before := *b.Policy()
	again := sendPolicy(s, fieldsOf(t, get(s, "/channels").Body.String())...)
	if d := cmp.Diff(before, *b.Policy(), same); d != "" || again.Code != http.StatusSeeOther {
		t.Errorf("sent again: %d\n%s", again.Code, d)
	}

	var got map[string]any
	if err := json.Unmarshal(getJSON(s, "/policy").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	var told map[string]any
	err = json.Unmarshal([]byte(`{"zone":"Europe/Madrid","rules":[
		{"tags":[],"tokens":[],"reasons":[],"channels":[1],"after":0,"every":0,"hours":null,"ends":true},
		{"tags":["db","prod"],"tokens":[],"reasons":["missed","overran"],"channels":[1,2],"after":900,"every":14400,"hours":{"from":"12:00","to":"13:30","only":false},"ends":false}],
		"quiet":{"from":"22:00","to":"07:00"},"except":{"tags":["critical"],"tokens":[]}}`), &told)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(told, got); d != "" {
		t.Error(d)
	}
}

// fieldsOf gives what a browser would send of the policy's form.
func fieldsOf(t *testing.T, page string) []string {
	t.Helper()
	var pairs []string
	_, form, ok := strings.Cut(page, `action="/policy#policy"`)
	form, _, ok2 := strings.Cut(form, "</form>")
	if !ok || !ok2 {
		t.Fatal("there is no form")
	}
	value := func(tag, name string) string {
		_, rest, _ := strings.Cut(tag, name+`="`)
		v, _, _ := strings.Cut(rest, `"`)
		return v
	}
	in := "" // the select around options
	for _, tag := range strings.Split(form, "<")[1:] {
		tag, after, _ := strings.Cut(tag, ">")
		switch kind, _, _ := strings.Cut(tag, " "); {
		case kind == "select":
			in = value(tag, "name")
		case kind == "option" && strings.HasSuffix(tag, " selected"):
			pairs = append(pairs, in, value(tag, "value"))
		case kind == "input" && (!strings.Contains(tag, "checkbox") || strings.Contains(tag, " checked")):
			pairs = append(pairs, value(tag, "name"), value(tag, "value"))
		case kind == "textarea":
			pairs = append(pairs, value(tag, "name"), after)
		}
	}
	return pairs
}

func TestWhatIsWrongStandsInItsSentence(t *testing.T) {
	_, b, s := policyWorld(t)
	b.world.make(t, "Backup", "1h", "")
	before := fmt.Sprint(b.Policy().Rules)
	for _, c := range []struct{ name, field, says, kept string }{
		{"no channel", "rules.1.channels", "Choose at least one channel", `value="db"`},
		{"no tag", "rules.1.tags", "Write at least one tag", ""},
		{"a token that is not there", "rules.1.tokens", "There is no token “Bckup”", "Bckup"},
		{"no length of time", "rules.1.after", "Write a length of time", `<option value="soon" selected>`},
		{"too often", "rules.1.every", "at most once a minute", `<option value="10s" selected>`},
		{"no time of the clock", "rules.1.hours", "Write two times of the clock", `value="late"`},
		{"the same time twice", "rules.1.hours", "there are none", ""},
		{"no reason", "rules.1.reasons", "because it is missed, failed or overran", ""},
		{"no such zone", "zone", "There is no time zone", `value="Madrid"`},
		{"quiet, and not said when", "quiet", "Write two times of the clock", ""},
		{"exceptions without tags", "except.tags", "Write at least one tag", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			fields := map[string]string{"rules.4.channels": "1", "rules.9.which": "tags", "rules.9.tags": "db", "rules.9.channels": "2", "zone": "UTC", "quiet": "no"}
			switch c.name {
			case "no channel":
				delete(fields, "rules.9.channels")
			case "no tag":
				fields["rules.9.tags"] = " "
			case "a token that is not there":
				fields["rules.9.which"], fields["rules.9.tokens"] = "tokens", "Backup\nBckup"
			case "no length of time":
				fields["rules.9.after"] = "soon"
			case "too often":
				fields["rules.9.every"] = "10s"
			case "no time of the clock":
				fields["rules.9.hours"], fields["rules.9.from"], fields["rules.9.to"] = "only", "22:00", "late"
			case "the same time twice":
				fields["rules.9.hours"], fields["rules.9.from"], fields["rules.9.to"] = "not", "22:00", "22:00"
			case "no reason":
				fields["rules.9.reasons"] = "first"
			case "no such zone":
				fields["zone"] = "Madrid"
			case "quiet, and not said when":
				fields["quiet"] = "yes"
			case "exceptions without tags":
				fields["quiet"], fields["quiet.from"], fields["quiet.to"], fields["except.which"] = "yes", "22:00", "07:00", "tags"
			}
			var pairs []string
			for name, value := range fields {
				pairs = append(pairs, name, value)
			}
			answer := post(s, "/policy", pairs...)
			page := answer.Body.String()
			if says := said(page, `id="`+c.field+`-says"`, "</p>"); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(says, c.says) {
				t.Errorf("%d, and beside %s stands %q", answer.Code, c.field, says)
			}
			if !strings.Contains(page, `aria-describedby="`+c.field+`-says"`) && c.field != "rules.1.channels" {
				t.Error("the field does not name what is wrong with it")
			}
			if !strings.Contains(page, c.kept) || !strings.Contains(page, "This is not saved yet.") {
				t.Error("what was typed is lost, or nothing says that it is not saved")
			}
			if fmt.Sprint(b.Policy().Rules) != before {
				t.Errorf("the policy is another: %+v", b.Policy().Rules)
			}
		})
	}
}

// The buttons of the form change what is on the page, not what holds.
func TestSentencesAreAddedAndTakenAwayBeforeTheyAreSaved(t *testing.T) {
	_, b, s := policyWorld(t)
	before := fmt.Sprint(b.Policy().Rules)
	count := func(page string) int { return strings.Count(page, "Sentence ") }
	added := sendPolicy(s, append([]string{"add", "1"}, written...)...)
	if page := added.Body.String(); added.Code != http.StatusOK || count(page) != 3 || !strings.Contains(page, "This is not saved yet.") || !strings.Contains(page, `value="db, prod"`) {
		t.Errorf("added: %d, %d sentences", added.Code, count(page))
	}
	dropped := sendPolicy(s, append([]string{"drop", "0"}, written...)...)
	if page := dropped.Body.String(); dropped.Code != http.StatusOK || count(page) != 1 || !strings.Contains(page, `value="db, prod"`) {
		t.Errorf("dropped: %d, %d sentences", dropped.Code, count(page))
	}
	if fmt.Sprint(b.Policy().Rules) != before {
		t.Errorf("the policy is another: %+v", b.Policy().Rules)
	}
	none := post(s, "/policy", "zone", "UTC", "quiet", "no")
	if none.Code != http.StatusSeeOther || len(b.Policy().Rules) != 0 {
		t.Errorf("without any: %d, %+v", none.Code, b.Policy().Rules)
	}
	if page := get(s, "/channels").Body.String(); strings.Count(page, "it hears nothing") != 2 {
		t.Error("nothing says that the channels hear nothing")
	}
	b.world.make(t, "Backup", "1h", "")
	if page := get(s, "/").Body.String(); !strings.Contains(page, "Alerts go nowhere yet") {
		t.Error("the list does not say that alerts go nowhere")
	}
}

// A token's tags decide who is told of it, also of what waits already.
func TestAnEditHasWhatWaitsJudgedAnew(t *testing.T) {
	w, b, s := policyWorld(t)
	w.make(t, "Backup", "1h", "")
	for i, send := range []func(){
		func() { post(s, "/tokens/1", "tags", "db") },
		func() { post(s, "/tokens", "do", "tag", "id", "1", "tags", "prod") },
	} {
		if send(); b.woken != i+1 {
			t.Errorf("after edit %d it was woken %d times", i+1, b.woken)
		}
	}
}

// Two people have the page open: who saves last is told of the other.
func TestAPolicyThatWasChangedMeanwhile(t *testing.T) {
	_, b, s := policyWorld(t)
	first := fieldsOf(t, get(s, "/channels").Body.String())
	b.policy.Rules = append(b.policy.Rules, kae.Rule{Channels: []int64{2}})
	if answer := sendPolicy(s, first...); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "Somebody changed the policy meanwhile.") {
		t.Errorf("%d", answer.Code)
	} else if again := sendPolicy(s, fieldsOf(t, answer.Body.String())...); again.Code != http.StatusSeeOther || len(b.policy.Rules) != 1 {
		t.Errorf("saved again: %d, %+v", again.Code, b.policy.Rules)
	}
	if answer := (request{method: "POST", path: "/policy", form: url.Values{}, header: asJSON}).do(s); answer.Code != http.StatusUnprocessableEntity || len(b.policy.Rules) != 1 {
		t.Errorf("nothing at all: %d %s", answer.Code, answer.Body)
	}
}

// What is switched off in the form is not lost with a mistake elsewhere.
func TestWhatIsSwitchedOffStaysTyped(t *testing.T) {
	_, _, s := policyWorld(t)
	page := post(s, "/policy", "rules.0.which", "any", "quiet", "no", "quiet.from", "21:15", "quiet.to", "06:45", "except.which", "tags", "except.tags", "urgent", "zone", "UTC").Body.String()
	for _, typed := range []string{`value="21:15"`, `value="06:45"`, `value="urgent"`} {
		if !strings.Contains(page, typed) {
			t.Errorf("%s is lost", typed)
		}
	}
}

func TestAPolicyThatCanNotBeSavedIsNotLost(t *testing.T) {
	_, b, s := policyWorld(t)
	b.fails = &kae.Error{Code: kae.Unavailable, Message: "kae can’t write to its database now."}
	answer := sendPolicy(s, written...)
	if page := answer.Body.String(); answer.Code != http.StatusServiceUnavailable || !strings.Contains(page, `value="db, prod"`) || !strings.Contains(page, "kae can’t write to its database now.") {
		t.Errorf("%d", answer.Code)
	}
	refused := request{method: "POST", path: "/policy", form: url.Values{"rules.0.after": {"soon"}}, header: asJSON}.do(s)
	if refused.Code != http.StatusUnprocessableEntity || !strings.Contains(refused.Body.String(), `"field":"rules.0.after"`) {
		t.Errorf("in JSON: %d %s", refused.Code, refused.Body)
	}
}

func TestWhoWouldHear(t *testing.T) {
	w, b, s := policyWorld(t)
	token := w.make(t, "Nightly backup", "1h", "", "db")
	w.beat(token, kae.Success, time.Minute, "", "")
	would := func() string {
		return said(get(s, fmt.Sprintf("/channels?token=%d", token.ID)).Body.String(), `id="would"`, "</section>")
	}
	if got := would(); !strings.Contains(got, "If it fired now: ops mail at once, #ops at once.") {
		t.Error(got)
	}
	b.policy.Rules = []kae.Rule{
		{Channels: []int64{1}, Reasons: []kae.Reason{kae.Failed}},
		{Channels: []int64{2}, Reasons: []kae.Reason{kae.Failed}, After: 5 * time.Minute, Every: time.Hour},
	}
	if got := would(); !strings.Contains(got, "If it was missed now: no channel would hear of it.") ||
		!strings.Contains(got, "If it failed now: ops mail at once; #ops in 5 m (if it still fires then), again every 1 h.") {
		t.Error(got)
	}
	b.policy.Rules = []kae.Rule{{Channels: []int64{1}, Hours: kae.Hours{From: 11 * 60, To: 13 * 60}}} // it is noon
	if got := would(); !strings.Contains(got, "If it fired now: ops mail in 1 h (quiet hours).") {
		t.Error(got)
	}
	if got := said(get(s, fmt.Sprintf("/tokens/%d", token.ID)).Body.String(), `id="side"`, "</main>"); !strings.Contains(got, "ops mail in 1 h (quiet hours)") {
		t.Error("its own page does not say so")
	}
}

var anyTag = regexp.MustCompile("<[^>]*>")

// said gives the words between two places of a page.
func said(page, from, to string) string {
	_, page, _ = strings.Cut(page, from)
	page, _, _ = strings.Cut(page, to)
	return html.UnescapeString(strings.Join(strings.Fields(anyTag.ReplaceAllString(strings.TrimPrefix(page, ">"), "")), " "))
}
