package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// maintained is a kae with maintenance in every state, and a token that is in
// it.
func maintained(t testing.TB) (*world, kae.Token) {
	w, _, tokens := alertScene(t)
	b := w.config.Alerts.(*board)
	madrid, err := kae.LoadZone("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	sunday, err := kae.ParseSchedule("Sun 02:00", madrid)
	if err != nil {
		t.Fatal(err)
	}
	in := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
	b.policy.Windows = []kae.Window{
		{ID: 1, Name: "New <switch>", From: in(-30), To: in(-28)},
		{ID: 2, Name: "Database upgrade", Pick: kae.Pick{Tags: []string{"db", "mail"}}, From: in(-1), To: in(2)},
		{ID: 3, Name: "Patches", Starts: sunday, Length: 90 * time.Minute},
		{ID: 4, Name: "Move to the other data centre", Pick: kae.Pick{Tokens: []int64{tokens["up"].ID, tokens["late"].ID, 999}}, From: in(34), To: in(40)},
	}
	return w, tokens["failed"]
}

func TestMaintenanceInJSON(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	if got := getJSON(s, "/maintenance").Body.String(); got != `{"windows":[]}`+"\n" {
		t.Errorf("none: %s", got)
	}
	made := postJSON(s, "/maintenance", url.Values{"name": {" Database  upgrade "}, "which": {"tags"}, "tags": {"db web"}, "to": {"2h"}})
	want := `{"id":1,"name":"Database upgrade","which":"tags","tags":["db","web"],"tokens":[],"from":"2026-11-22T12:00:00.000000Z","to":"2026-11-22T14:00:00.000000Z",` +
		`"starts":"","zone":"","length":0,"state":"on","until":"2026-11-22T14:00:00.000000Z","next":null}`
	if d := cmp.Diff(want+"\n", made.Body.String()); made.Code != 201 || d != "" {
		t.Errorf("status %d (-want +got):\n%s", made.Code, d)
	}
	again := postJSON(s, "/maintenance", url.Values{"name": {"Patches"}, "starts": {"Sun 02:00; Wed 03:00"}, "length": {"90m"}, "zone": {"Europe/Madrid"}})
	wantAgain := `{"id":2,"name":"Patches","which":"any","tags":[],"tokens":[],"from":null,"to":null,"starts":"Sun 02:00\nWed 03:00","zone":"Europe/Madrid","length":5400,` +
		`"state":"to come","until":null,"next":"2026-11-25T02:00:00.000000Z"}`
	if d := cmp.Diff(wantAgain+"\n", again.Body.String()); again.Code != 201 || d != "" {
		t.Errorf("status %d (-want +got):\n%s", again.Code, d)
	}
	if d := cmp.Diff(`{"windows":[`+want+`,`+wantAgain+`]}`+"\n", getJSON(s, "/maintenance").Body.String()); d != "" {
		t.Errorf("the list (-want +got):\n%s", d)
	}
	if got := postJSON(s, "/maintenance/1", url.Values{"name": {"Upgrade"}}); got.Code != 200 || !strings.Contains(got.Body.String(), `"name":"Upgrade","which":"tags","tags":["db","web"]`) {
		t.Errorf("edited: status %d: %s", got.Code, got.Body)
	}
	w.sleep(time.Hour)
	if got := postJSON(s, "/maintenance/1/end", nil); got.Code != 200 || !strings.Contains(got.Body.String(), `"to":"2026-11-22T13:00:00.000000Z"`) || !strings.Contains(got.Body.String(), `"state":"over"`) {
		t.Errorf("ended: status %d: %s", got.Code, got.Body)
	}
	if got := postJSON(s, "/maintenance/2/remove", nil); got.Code != 200 || got.Body.String() != wantAgain+"\n" || len(b.Policy().Windows) != 1 {
		t.Errorf("removed: status %d: %s", got.Code, got.Body)
	}
	if got := postJSON(s, "/maintenance", url.Values{"name": {"x"}, "to": {"1h"}}); got.Code != 201 || !strings.HasPrefix(got.Body.String(), `{"id":2,`) {
		t.Errorf("the next: status %d: %s", got.Code, got.Body)
	}
	for _, path := range []string{"/maintenance/9", "/maintenance/9/end", "/maintenance/9/remove", "/maintenance/x/remove"} {
		if got := postJSON(s, path, url.Values{"name": {"x"}}); got.Code != 404 || !strings.Contains(got.Body.String(), "There is no such maintenance, or it was removed.") {
			t.Errorf("POST %s: status %d: %s", path, got.Code, got.Body)
		}
	}
	if got := get(s, "/maintenance/9/edit"); got.Code != 404 {
		t.Errorf("the form of none: status %d", got.Code)
	}
	if got := get(newWorld().server(), "/maintenance"); got.Code != 404 {
		t.Errorf("without channels: status %d", got.Code)
	}
}

// A window happens when the form says, in whatever way it says so.
func TestWhenMaintenanceIs(t *testing.T) {
	w := newWorld()
	w.now = w.now.Add(400 * time.Millisecond)
	w.config.Zone, _ = kae.LoadZone("Europe/Madrid")
	b := w.alerts()
	s := w.server()
	for _, tt := range []struct {
		name string
		form url.Values
		want string
	}{
		{"from now on for two hours", url.Values{"to": {"2h"}}, "12:00:00 to 14:00:00"},
		{"by the clock of new tokens", url.Values{"from": {"2026-11-22 22:00"}, "to": {"2026-11-22 23:30"}}, "21:00:00 to 22:30:00"},
		{"as a browser's field sends it", url.Values{"from": {"2026-11-22T22:00"}, "to": {"2026-11-22T23:30"}, "zone": {"UTC"}}, "22:00:00 to 23:30:00"},
		{"with seconds", url.Values{"from": {"2026-11-22  22:00:05"}, "to": {"2026-11-22T23:30:06"}}, "21:00:05 to 22:30:06"},
		{"with an offset", url.Values{"from": {"2026-11-22T22:00:00+05:00"}, "to": {"2026-11-22 18:30Z"}}, "17:00:00 to 18:30:00"},
		{"from then on, for so long", url.Values{"from": {"2026-11-22 22:00"}, "to": {"1h30m"}, "starts": {""}, "length": {" "}}, "21:00:00 to 22:30:00"},
		{"from now until then", url.Values{"from": {""}, "to": {"2026-11-22 22:00"}}, "12:00:00 to 21:00:00"},
		{"again and again", url.Values{"starts": {"0 2 * * Sun"}, "length": {"2h"}, "from": {""}, "to": {""}}, "0 2 * * Sun Europe/Madrid 2h0m0s"},
		{"in another zone", url.Values{"starts": {"Mon..Fri 22:00"}, "length": {"90m"}, "zone": {"America/New_York"}}, "Mon..Fri 22:00 America/New_York 1h30m0s"},
	} {
		tt.form.Set("name", "x")
		b.policy.Windows = nil
		if got := postJSON(s, "/maintenance", tt.form); got.Code != 201 {
			t.Errorf("%s: status %d: %s", tt.name, got.Code, got.Body)
			continue
		}
		made := b.Policy().Windows[0]
		got := made.From.Format(time.TimeOnly) + " to " + made.To.Format(time.TimeOnly)
		if !made.Starts.IsZero() {
			got = fmt.Sprint(made.Starts.String(), " ", made.Starts.Zone(), " ", made.Length)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What is wrong is told beside its field, and what was typed stays.
func TestAFormOfMaintenanceThatIsWrong(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	const when, how = "Write when it ends, such as 2026-11-28 23:30, or for how long, such as 2h.", "Write when it begins by the clock, such as Sun 02:00 or 0 2 * * Sun."
	for _, tt := range []struct {
		name  string
		form  url.Values
		wrong map[string]string // by field
	}{
		{"nothing", url.Values{}, map[string]string{"name": "Say what is done, such as “Database upgrade”.", "to": when}},
		{"a long name", url.Values{"name": {strings.Repeat("x", 101)}, "to": {"1h"}}, map[string]string{"name": "The name has 101 characters; at most 100 are possible."}},
		{"no times", url.Values{"name": {"x"}, "from": {"tonight"}, "to": {"late"}}, map[string]string{"from": "Write when it begins, such as 2026-11-28 22:00, or nothing for now.", "to": when}},
		{"an hour is no length", url.Values{"name": {"x"}, "to": {"23"}}, map[string]string{"to": when}},
		{"over", url.Values{"name": {"x"}, "from": {"2026-11-22 10:00"}, "to": {"1h"}}, map[string]string{"to": "This is over already."}},
		{"the wrong way round", url.Values{"name": {"x"}, "from": {"2026-11-28 23:30"}, "to": {"2026-11-28 22:00"}}, map[string]string{"to": "It has to end after it begins."}},
		{"no zone", url.Values{"name": {"x"}, "to": {"1h"}, "zone": {"Madrid"}}, map[string]string{"zone": "There is no time zone “Madrid”"}},
		{"no tags", url.Values{"name": {"x"}, "to": {"1h"}, "which": {"tags"}}, map[string]string{"tags": "Write at least one tag, or choose any token."}},
		{"no such token", url.Values{"name": {"x"}, "to": {"1h"}, "tokens": {"backup"}}, map[string]string{"tokens": "There is no token “backup”."}},
		{"of which?", url.Values{"name": {"x"}, "to": {"1h"}, "which": {"all"}}, map[string]string{"which": "Which tokens (which) is any, tags or tokens."}},
		{"both", url.Values{"name": {"x"}, "to": {"1h"}, "starts": {"Sun 02:00"}, "length": {"1h"}}, map[string]string{"starts": "It happens once or again and again"}},
		{"never for long", url.Values{"name": {"x"}, "starts": {"Sun 02:00"}}, map[string]string{"length": "Write how long it lasts, such as 90m or 2h."}},
		{"no start", url.Values{"name": {"x"}, "length": {"1h"}}, map[string]string{"starts": how}},
		{"a length of time is no start", url.Values{"name": {"x"}, "starts": {"2h"}, "length": {"1h"}}, map[string]string{"starts": "Write when it begins by the clock"}},
		{"no schedule", url.Values{"name": {"x"}, "starts": {"soon"}, "length": {"1h"}}, map[string]string{"starts": how}},
		{"a part of one", url.Values{"name": {"x"}, "starts": {"Sun 26:00"}, "length": {"long"}}, map[string]string{"starts": "In the hour (character 5)", "length": "Write how long it lasts"}},
		{"never", url.Values{"name": {"x"}, "starts": {"2026-01-01 02:00"}, "length": {"1h"}}, map[string]string{"starts": "This matches no time in the next 400 years: it would never begin."}},
		{"endless", url.Values{"name": {"x"}, "starts": {"*-*-* 02:00"}, "length": {"24h"}}, map[string]string{"length": "It would begin again before it ends"}},
		{"a month and more", url.Values{"name": {"x"}, "starts": {"Sun 02:00"}, "length": {"31d"}}, map[string]string{"length": "It lasts from a minute to 30 days"}},
	} {
		got := request{method: "POST", path: "/maintenance", form: tt.form}.do(s)
		page := got.Body.String()
		if got.Code != 422 || strings.Count(page, `class="hint says bad"`) != len(tt.wrong) || strings.Count(page, " autofocus") > 1 {
			t.Errorf("%s: status %d, %d errors", tt.name, got.Code, strings.Count(page, `class="hint says bad"`))
		}
		for field, message := range tt.wrong {
			_, beside, _ := strings.Cut(page, `id="`+field+`-says">`)
			if beside, _, _ = strings.Cut(beside, "</p>"); !strings.Contains(beside, message) {
				t.Errorf("%s: beside %s stands %q, not %q", tt.name, field, beside, message)
			}
		}
		for field, values := range tt.form {
			typed := fmt.Sprintf(`name="%s" value="%s"`, field, values[0])
			switch field {
			case "which":
				typed += " checked"
			case "tokens":
				typed = ">" + values[0] + "</textarea>"
			}
			if values[0] != "all" && !strings.Contains(page, typed) {
				t.Errorf("%s: what was typed into %s is gone", tt.name, field)
			}
		}
		var problem problem
		answer := postJSON(s, "/maintenance", tt.form)
		if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || answer.Code != 422 || tt.wrong[problem.Field] == "" || !strings.Contains(problem.Error, tt.wrong[problem.Field]) {
			t.Errorf("%s in JSON: status %d, %+v, %v", tt.name, answer.Code, problem, err)
		}
	}
	b.policy.Windows = make([]kae.Window, kae.MaxWindows)
	for i := range b.policy.Windows {
		b.policy.Windows[i] = kae.Window{ID: int64(i) + 1, Name: "x", From: noon, To: noon.Add(time.Hour)}
	}
	got := post(s, "/maintenance", "name", "one more", "to", "1h")
	if page := got.Body.String(); got.Code != 422 || !strings.Contains(page, "There are 101 windows; at most 100 are possible.") || !strings.Contains(page, `value="one more"`) {
		t.Errorf("too many: status %d", got.Code)
	}
}

// full is a database that takes nothing, as kae finds out when it writes.
type full struct{ *board }

func (f full) ChangePolicy(_ context.Context, change func(kae.Policy) (kae.Policy, error)) error {
	if _, err := change(*f.Policy()); err != nil {
		return err
	}
	return errDatabase
}

func TestMaintenanceThatCantBeWrittenIsNotLost(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	w.config.Alerts = full{b}
	b.policy.Windows = []kae.Window{{ID: 4, Name: "Upgrade", From: noon, To: noon.Add(time.Hour)}}
	s := w.server()
	for path, heading := range map[string]string{"/maintenance": "<h1>Maintenance</h1>", "/maintenance/4": "<h1>Edit Upgrade</h1>"} {
		got := post(s, path, "name", "Move", "to", "2h", "which", "tags", "tags", "db")
		page := got.Body.String()
		if got.Code != 503 || got.Header().Get("Retry-After") == "" || !strings.Contains(page, "can’t write") || !strings.Contains(page, heading) ||
			!strings.Contains(page, `value="Move"`) || !strings.Contains(page, `value="db"`) || !strings.Contains(page, `action="`+path+`"`) {
			t.Errorf("%s: status %d: %s", path, got.Code, page)
		}
	}
	for _, path := range []string{"/maintenance/4/end", "/maintenance/4/remove"} {
		if got := post(s, path); got.Code != 503 {
			t.Errorf("%s: status %d", path, got.Code)
		}
	}
	if d := b.Policy().Windows[0]; d.Name != "Upgrade" || !d.To.Equal(noon.Add(time.Hour)) {
		t.Errorf("what is in the policy was changed in place: %+v", d)
	}
}

func TestEditingMaintenance(t *testing.T) {
	w := newWorld()
	w.config.Zone, _ = kae.LoadZone("Europe/Madrid")
	b := w.alerts()
	s := w.server()
	w.make(t, "Nightly backup", "1d", "")
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	sunday, err := kae.ParseSchedule("Sun 02:00", w.config.Zone)
	if err != nil {
		t.Fatal(err)
	}
	// It ends in the second of the two hours that clocks show as 02:00 to 03:00.
	old := kae.Window{ID: 7, Name: "Move", Pick: kae.Pick{Tokens: []int64{1, 88}}, From: at("2027-10-30T20:00:00.000005Z"), To: at("2027-10-31T01:30:00.000007Z")}
	again := kae.Window{ID: 7, Name: "Patches", Pick: kae.Pick{Tags: []string{"db"}}, Starts: sunday, Length: 90 * time.Minute}
	for _, tt := range []struct {
		name string
		old  kae.Window
		form url.Values
		want func(*kae.Window)
	}{
		{"what is not sent stays", old, url.Values{"name": {"Big move"}}, func(w *kae.Window) { w.Name = "Big move" }},
		{"what is sent as it was stays", old, url.Values{"name": {"Move"}, "which": {"tokens"}, "tags": {""}, "tokens": {"#1 Nightly backup\r\n#88"}, "from": {"2027-10-30 22:00"}, "to": {"2027-10-31 02:30"},
			"starts": {""}, "length": {""}, "zone": {"Europe/Madrid"}}, func(*kae.Window) {}},
		{"another end", old, url.Values{"to": {"2027-10-30 23:00"}}, func(w *kae.Window) { w.To = at("2027-10-30T21:00:00Z") }},
		{"another zone", old, url.Values{"zone": {"UTC"}}, func(w *kae.Window) { w.From, w.To = at("2027-10-30T22:00:00Z"), at("2027-10-31T02:30:00Z") }},
		{"other tokens", old, url.Values{"which": {"tags"}, "tags": {"web"}}, func(w *kae.Window) { w.Pick = kae.Pick{Tags: []string{"web"}} }},
		{"any token", old, url.Values{"which": {"any"}, "tokens": {"#1"}}, func(w *kae.Window) { w.Pick = kae.Pick{} }},
		{"from once to again and again", old, url.Values{"starts": {"Sun 02:00"}, "length": {"2h"}}, func(w *kae.Window) {
			w.From, w.To, w.Starts, w.Length = time.Time{}, time.Time{}, sunday, 2*time.Hour
		}},
		{"only longer", again, url.Values{"length": {"2h"}}, func(w *kae.Window) { w.Length = 2 * time.Hour }},
		{"from again and again to once", again, url.Values{"to": {"1h"}}, func(w *kae.Window) {
			w.From, w.To, w.Starts, w.Length = noon, noon.Add(time.Hour), kae.Schedule{}, 0
		}},
	} {
		b.policy.Windows = []kae.Window{{ID: 3, Name: "other", From: noon, To: noon.Add(time.Hour)}, tt.old}
		if got := (request{method: "POST", path: "/maintenance/7", form: tt.form}).do(s); got.Code != 303 {
			t.Errorf("%s: status %d: %s", tt.name, got.Code, got.Body)
		}
		want := tt.old
		tt.want(&want)
		if d := cmp.Diff(want, b.Policy().Windows[1], cmp.Comparer(kae.Schedule.Equal)); d != "" || len(b.Policy().Windows) != 2 {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	b.policy.Windows = []kae.Window{old}
	page := get(s, "/maintenance/7/edit").Body.String()
	for _, text := range []string{`value="Move"`, `value="tokens" checked`, ">#1 Nightly backup\n#88</textarea>", `value="2027-10-30 22:00"`, `value="2027-10-31 02:30"`, `value="Europe/Madrid"`} {
		if !strings.Contains(page, text) {
			t.Errorf("the form lacks %s", text)
		}
	}
}

func TestMaintenanceThatIsOverGoesAfterAWeek(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	ended := func(ago time.Duration) kae.Window {
		return kae.Window{Name: ago.String(), From: noon.Add(-ago - time.Hour), To: noon.Add(-ago)}
	}
	year, err := kae.ParseSchedule("2026-*-01 00:00", nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, left := range map[string]int{"/maintenance": 5, "/maintenance/5": 4, "/maintenance/5/end": 4, "/maintenance/5/remove": 3} {
		b.policy.Windows = []kae.Window{ended(week + time.Second), ended(week - time.Second), ended(time.Hour), {Name: "again", Starts: year, Length: time.Hour}, {Name: "on", From: noon, To: noon.Add(time.Hour)}}
		for i := range b.policy.Windows {
			b.policy.Windows[i].ID = int64(i) + 1
		}
		if got := get(s, "/maintenance"); strings.Count(got.Body.String(), `role="rowheader"`) != 4 {
			t.Errorf("before: %s", got.Body)
		}
		if got := post(s, path, "name", "x", "to", "1h"); got.Code != 303 || len(b.Policy().Windows) != left {
			t.Errorf("%s: status %d, %d are left, want %d", path, got.Code, len(b.Policy().Windows), left)
		}
	}
}

// What is on stands first, and what is over last, the newest above.
func TestMaintenanceIsInOrder(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	for i, hours := range [][2]int{{-9, -8}, {3, 4}, {-1, 9}, {-5, -4}, {-2, 1}, {2, 99}} {
		b.policy.Windows = append(b.policy.Windows, kae.Window{ID: int64(i) + 1, From: noon.Add(time.Duration(hours[0]) * time.Hour), To: noon.Add(time.Duration(hours[1]) * time.Hour)})
	}
	var page struct{ Windows []struct{ ID int } }
	if err := json.Unmarshal(getJSON(w.server(), "/maintenance").Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	var order []int
	for _, v := range page.Windows {
		order = append(order, v.ID)
	}
	if d := cmp.Diff([]int{5, 3, 6, 2, 4, 1}, order); d != "" {
		t.Error(d)
	}
}

func TestEndingAndRemovingMaintenance(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	daily, err := kae.ParseSchedule("11:00", nil)
	if err != nil {
		t.Fatal(err)
	}
	b.policy.Windows = []kae.Window{
		{ID: 1, Name: "Upgrade <1>", From: noon.Add(-time.Hour), To: noon.Add(time.Hour)},
		{ID: 2, Name: "Later", From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)},
		{ID: 3, Name: "Daily", Starts: daily, Length: 2 * time.Hour},
	}
	page := get(s, "/maintenance").Body.String()
	if strings.Count(page, `>End now</button>`) != 1 || !strings.Contains(page, `action="/maintenance/1/end"`) {
		t.Errorf("what can be ended: %s", page)
	}
	for path, says := range map[string]string{"/maintenance/2/end": "This maintenance is not on now.", "/maintenance/3/end": "Edit it, or remove it."} {
		if got := post(s, path); got.Code != 409 || !strings.Contains(got.Body.String(), says) {
			t.Errorf("%s: status %d: %s", path, got.Code, got.Body)
		}
	}
	for path, says := range map[string]string{
		"/maintenance/1/end":    "Ended Upgrade &lt;1&gt;. Channels hear of what is still true.",
		"/maintenance/2/remove": "Removed Later.<",
		"/maintenance/3/remove": "Removed Daily. Channels hear of what is still true.",
	} {
		got := post(s, path)
		if page := get(s, got.Header().Get("Location")).Body.String(); got.Code != 303 || !strings.Contains(page, says) {
			t.Errorf("%s: status %d: %s", path, got.Code, page)
		}
	}
	if all := b.Policy().Windows; len(all) != 1 || !all[0].To.Equal(noon) || !all[0].From.Equal(noon.Add(-time.Hour)) {
		t.Errorf("left: %+v", all)
	}
	for form, says := range map[string]string{"2h": "x is on. Channels hear nothing of any token.", "2026-11-22 18:00": "Saved x: it begins in 1 h."} {
		from := ""
		if form != "2h" {
			from = "2026-11-22 13:00"
		}
		got := post(s, "/maintenance", "name", "x", "from", from, "to", form)
		if page := get(s, got.Header().Get("Location")).Body.String(); got.Code != 303 || !strings.Contains(page, says) {
			t.Errorf("made: status %d: %s", got.Code, page)
		}
	}
}
