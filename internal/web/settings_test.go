package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func inMadrid(t *testing.T, text string) kae.Schedule {
	t.Helper()
	madrid, err := kae.LoadZone("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	s, err := kae.ParseSchedule(text, madrid)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryFieldIsTaken(t *testing.T) {
	w := newWorld()
	got := post(w.server(), "/newtoken", "name", "a", "interval", " Mon..Fri 06:00; Sat 08:00 ", "zone", " Europe/Madrid ", "grace", "15m",
		"max_run", "30m", "fire_after", "3", "body_has", " DONE ", "body_lacks", "WARN", "post_only", "yes")
	if got.Code != 303 {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	token, _ := w.roster.Get(1)
	want := kae.Settings{
		Name: "a", Schedule: inMadrid(t, "Mon..Fri 06:00\nSat 08:00"), Grace: 15 * time.Minute,
		MaxRun: 30 * time.Minute, FireAfter: 3, BodyHas: "DONE", BodyLacks: "WARN", PostOnly: true,
	}
	if d := cmp.Diff(want, token.Settings()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	v := decode[map[string]any](t, request{method: "POST", path: "/tokens/1", form: url.Values{"name": {"b"}}, header: asJSON}.do(w.server()), 200)
	for field, want := range map[string]any{
		"schedule": "Mon..Fri 06:00\nSat 08:00", "zone": "Europe/Madrid", "grace": 900.0, "max_run": 1800.0, "fire_after": 3.0,
		"body_has": "DONE", "body_lacks": "WARN", "post_only": true, "strikes": 0.0, "started_at": nil, "name": "b",
	} {
		if v[field] != want {
			t.Errorf("%s is %v, want %v", field, v[field], want)
		}
	}

	form := get(w.server(), "/tokens/1/edit").Body.String()
	for _, want := range []string{`value="Mon..Fri 06:00; Sat 08:00"`, `value="Europe/Madrid"`, `value="15m"`, `value="30m"`, `value="3"`, `value="DONE"`, `value="WARN"`, `value="yes" checked`, `id="more" open`} {
		if !strings.Contains(form, want) {
			t.Errorf("the form is without %s", want)
		}
	}
}

func TestGraceThatIsLeftOut(t *testing.T) {
	for name, tt := range map[string]struct {
		first, then []string // what is sent; then to edit it
		want        time.Duration
	}{
		"an interval needs none":                     {[]string{"interval", "1d"}, nil, 0},
		"a clock time has ten minutes":               {[]string{"interval", "0 3 * * *"}, nil, 10 * time.Minute},
		"and if the field is empty":                  {[]string{"interval", "0 3 * * *", "grace", " "}, nil, 10 * time.Minute},
		"none at all has to be said":                 {[]string{"interval", "0 3 * * *", "grace", "0"}, nil, 0},
		"none stays none in the form":                {[]string{"interval", "0 3 * * *", "grace", "0"}, []string{"name", "b"}, 0},
		"emptied, it is what is usual":               {[]string{"interval", "0 3 * * *", "grace", "1h"}, []string{"grace", ""}, 10 * time.Minute},
		"it is usual for what the schedule is then":  {[]string{"interval", "1d"}, []string{"interval", "0 3 * * *", "grace", ""}, 10 * time.Minute},
		"what is not sent stays":                     {[]string{"interval", "1d", "grace", "2h"}, []string{"interval", "0 3 * * *"}, 2 * time.Hour},
		"so does none that is not sent, as the rest": {[]string{"interval", "1d"}, []string{"interval", "0 3 * * *"}, 0},
	} {
		w := newWorld()
		s := w.server()
		post(s, "/newtoken", append([]string{"name", "a"}, tt.first...)...)
		if tt.then != nil {
			post(s, "/tokens/1", tt.then...)
		}
		if token, _ := w.roster.Get(1); token.Grace != tt.want || token.Schedule.IsZero() {
			t.Errorf("%s: %v, want %v", name, token.Grace, tt.want)
		}
	}
	w := newWorld()
	post(w.server(), "/newtoken", "name", "a", "interval", "0 3 * * *", "grace", "0")
	if form := get(w.server(), "/tokens/1/edit").Body.String(); !strings.Contains(form, `name="grace" value="0"`) {
		t.Error("the form would give a grace to a token that has none")
	}
}

func TestTheZoneOfNewTokens(t *testing.T) {
	w := newWorld()
	w.config.Zone = inMadrid(t, "0 3 * * *").Zone()
	s := w.server()
	if page := get(s, "/newtoken").Body.String(); !strings.Contains(page, `name="zone" value="Europe/Madrid"`) {
		t.Error("the form does not propose the zone of new tokens")
	}
	post(s, "/newtoken", "name", "a", "interval", "0 3 * * *")
	post(s, "/newtoken", "name", "b", "interval", "0 3 * * *", "zone", "America/New_York")
	post(s, "/tokens/2", "interval", "0 4 * * *")
	post(s, "/newtoken", "name", "c", "interval", "0 3 * * *", "zone", "")
	post(s, "/tokens/3", "zone", "Asia/Kathmandu")
	for id, want := range map[int64]string{1: "0 3 * * * Europe/Madrid", 2: "0 4 * * * America/New_York", 3: "0 3 * * * Asia/Kathmandu"} {
		token, _ := w.roster.Get(id)
		if got := token.Schedule.String() + " " + token.Schedule.Zone().String(); got != want {
			t.Errorf("token %d: %s, want %s", id, got, want)
		}
	}
}

func TestWrongSettingsNameTheirField(t *testing.T) {
	for name, tt := range map[string]struct {
		field, value, says string
	}{
		"an hour that there is not":  {"interval", "0 25 * * *", "In the hour (character 3)"},
		"seconds":                    {"interval", "0 0 3 * * *", "five fields"},
		"the second line":            {"interval", "Mon 06:00; Sun 26:00", "line 2"},
		"a day that never comes":     {"interval", "0 0 30 2 *", "matches no time"},
		"a year that is over":        {"interval", "2020-01-01", "matches no time"},
		"a zone that there is not":   {"zone", "Mars/Olympus", "There is no time zone “Mars/Olympus”"},
		"no length of time":          {"max_run", "long", "maximum run time"},
		"more than ten years":        {"max_run", "4000d", "10 years"},
		"no number":                  {"fire_after", "three", "number"},
		"too many misses":            {"fire_after", "101", "100th"},
		"less than none":             {"fire_after", "-1", "number"},
		"too much to look for":       {"body_has", strings.Repeat("x", 201), "at most 200"},
		"too much that must not be":  {"body_lacks", strings.Repeat("x", 201), "at most 200"},
		"neither yes nor no":         {"post_only", "perhaps", "yes or no"},
		"a grace that is not a time": {"grace", "later", "grace"},
	} {
		form := url.Values{"name": {"a"}, "interval": {"0 3 * * *"}}
		form.Set(tt.field, tt.value)
		w := newWorld()
		p := decode[problem](t, request{method: "POST", path: "/newtoken", form: form, header: asJSON}.do(w.server()), 422)
		if p.Field != tt.field || !strings.Contains(p.Error, tt.says) || !strings.HasSuffix(p.Error, ".") {
			t.Errorf("%s: field %s, %q", name, p.Field, p.Error)
		}
		page := request{method: "POST", path: "/newtoken", form: form}.do(w.server()).Body.String()
		if tt.field != "post_only" && !strings.Contains(page, `value="`+tt.value+`"`) {
			t.Errorf("%s: what was typed is lost", name)
		}
		if rule := strings.Contains("max_run fire_after body_has body_lacks post_only", tt.field); rule != strings.Contains(page, `id="more" open`) {
			t.Errorf("%s: an error hides", name)
		}
	}
}

func TestTheCheckboxCanBeTakenBack(t *testing.T) {
	w := newWorld()
	s := w.server()
	send := func(path string, values ...string) {
		t.Helper()
		form := url.Values{"name": {"a"}, "interval": {"1h"}, "post_only": values}
		if got := (request{method: "POST", path: path, form: form}.do(s)); got.Code != 303 {
			t.Fatalf("status %d: %s", got.Code, got.Body)
		}
	}
	send("/newtoken", "no", "yes")
	if token, _ := w.roster.Get(1); !token.PostOnly {
		t.Error("a checked box is not taken")
	}
	send("/tokens/1")
	if token, _ := w.roster.Get(1); !token.PostOnly {
		t.Error("a field that was not sent does not stay")
	}
	send("/tokens/1", "no")
	if token, _ := w.roster.Get(1); token.PostOnly {
		t.Error("a box that was unchecked is not taken")
	}
}

// A schedule that has ended is not asked about again when something else is
// edited.
func TestAScheduleThatHasEndedMayStay(t *testing.T) {
	w, tokens := signals(t)
	ended := tokens["ended"]
	got := request{method: "POST", path: "/tokens/6", form: url.Values{
		"name": {"New name"}, "interval": {ended.Schedule.String()}, "zone": {"Europe/Madrid"}, "grace": {"10m"},
	}, header: asJSON}.do(w.server())
	if v := decode[struct{ Name string }](t, got, 200); ended.ID != 6 || v.Name != "New name" {
		t.Errorf("got %+v", v)
	}
	got = request{method: "POST", path: "/tokens/6", form: url.Values{"interval": {"2026-11-19 18:00"}}, header: asJSON}.do(w.server())
	if p := decode[problem](t, got, http.StatusUnprocessableEntity); p.Field != "interval" {
		t.Errorf("another that is over: %+v", p)
	}
}
