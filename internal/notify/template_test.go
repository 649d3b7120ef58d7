package notify

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kae"
)

// refused gives what stands beside the body when a channel with it is saved; "":
// it is saved.
func refused(t *testing.T, body string) string {
	t.Helper()
	_, err := Open("webhook", map[string]string{"url": "https://hooks.example.com", "headers": "Content-Type: text/plain", "body": body}, Options{})
	if err == nil {
		return ""
	}
	if got := fields(t, err); got != "body" {
		t.Errorf("%.100s: errors of %q", body, got)
	}
	e, _ := errors.AsType[*kae.Error](err)
	return e.Message
}

// big is a template's beginning after which $s is a text of 131,072 bytes.
var big = `{{$s := "<'\" "}}` + strings.Repeat(`{{$s = print $s $s}}`, 15)

// What could run for ever, or fill the memory, is refused when the channel is
// saved: also where it is of no consequence for the alerts that it is tried with.
func TestTemplatesThatMightNotEnd(t *testing.T) {
	const (
		ranges = "A range goes over .Alerts or over .Tags"
		nested = "can't stand in another one"
		pieces = "Write the body in one piece"
		prints = "printf takes a format that is written out"
		method = "A method takes what is written out"
		much   = "The body makes more than 5 MB of text, or takes longer than 2 s. Up to 500 alerts come at once"
	)
	for _, c := range []struct{ name, body, want string }{
		{"over a number", `{{range 1000000000000}}{{end}}`, ranges},
		{"over a small one", `{{range 3}}x{{end}}`, ranges},
		{"over a number of an alert", `{{range .Alerts}}{{range .Token.ID}}{{end}}{{end}}`, ranges},
		{"over a variable", `{{$n := 1000000000000}}{{range $n}}{{end}}`, ranges},
		{"over a variable by another", `{{$n := 1000000000000}}{{range $i := $n}}{{end}}`, ranges},
		{"over the dot", `{{with 1000000000000}}{{range .}}{{end}}{{end}}`, ranges},
		{"over what a function gives", `{{range len .Text}}{{end}}`, ranges},
		{"over what a function gives, in brackets", `{{range (len .Text)}}{{end}}`, ranges},
		{"over what comes by a pipe", `{{range .Alerts | len}}{{end}}`, ranges},
		{"over what a method gives", `{{range .Sent.Unix}}{{end}}`, ranges},
		{"where no alert comes", `{{if eq .Title "never"}}{{range 9}}{{end}}{{end}}`, ranges},
		{"else, where no alert comes", `{{if .Title}}{{else if .Text}}{{else}}{{range 9}}{{end}}{{end}}`, ranges},
		{"with, where no alert comes", `{{with .Title}}{{range 9}}{{end}}{{end}}`, ranges},
		{"else of with", `{{with .Title}}{{else}}{{range 9}}{{end}}{{end}}`, ranges},
		{"else of a range", `{{range .Alerts}}{{else}}{{range 9}}{{end}}{{end}}`, ranges},
		{"alerts in alerts", `{{range .Alerts}}{{range $.Alerts}}{{end}}{{end}}`, nested},
		{"alerts in alerts, with tags between", `{{range $i, $a := .Alerts}}{{range $a.Token.Tags}}{{if $}}{{range $.Alerts}}{{end}}{{end}}{{end}}{{end}}`, nested},
		{"tags in tags", `{{range .Alerts}}{{range .Token.Tags}}{{range (index $.Alerts 0).Token.Tags}}{{end}}{{end}}{{end}}`, nested},
		{"a template that calls itself", `{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`, pieces},
		{"the body calls itself", `{{template "body"}}`, pieces},
		{"each calls another twice", `{{define "a"}}a{{end}}{{define "b"}}{{template "a"}}{{template "a"}}{{end}}{{if .Test}}{{template "b"}}{{end}}`, pieces},
		{"a block", `{{block "x" .}}{{end}}`, pieces},
		{"a body that is defined", `{{define "body"}}{{range 9}}{{end}}{{end}}`, ranges},
		{"a wide number", `{{printf "%1000000000d" 1}}`, prints},
		{"many that are less wide", `{{printf "%999d %999d" 1 2}}`, prints},
		{"exact to many places", `{{printf "%.999f" 1.5}}`, prints},
		{"as wide as an argument says", `{{printf "%*d" 999999 1}}`, prints},
		{"one argument many times", `{{printf "%[1]s%[1]s" .Text}}`, prints},
		{"a format that is not written out", `{{printf .Title}}`, prints},
		{"a format by a pipe", `{{"%1000000d" | printf}}`, prints},
		{"a format in brackets", `{{len (printf (print "%" 999999 "d") 1)}}`, prints},
		{"a format of a condition", `{{if printf "%999d" 1}}{{end}}`, prints},
		{"a format of a with", `{{with printf "%999d" 1}}{{end}}`, prints},
		{"a format of a range", `{{range (index .Alerts (len (printf .Title))).Token.Tags}}{{end}}`, prints},
		{"a format of a field", `{{if .Test}}{{(index .Alerts (len (printf .Title))).Title}}{{end}}`, prints},
		{"a method doubles", `{{$s := "1"}}{{$s = .Sent.Format $s}}`, method},
		{"a method by a pipe doubles", `{{print "1" | .Sent.Format}}`, method},
		{"a method of a method doubles", `{{.Sent.Format (.Sent.Format "1")}}`, method},
		{"a method takes the dot", `{{with print "1"}}{{$.Sent.Format .}}{{end}}`, method},
		{"a method takes a text of an alert", `{{.Sent.Format .Text}}`, method},
		{"a method in brackets", `{{len ((index .Alerts 0).At.Format (print "1" "1"))}}`, method},

		{"a text is doubled", `{{$s := "x"}}` + strings.Repeat(`{{$s = print $s $s}}`, 60), much},
		{"a text is doubled by a format", `{{$s := "x"}}` + strings.Repeat(`{{$s = printf "%s%s" $s $s}}`, 60), much},
		{"quotes are quoted", `{{.Title` + strings.Repeat(` | json`, 60) + `}}`, much},
		{"escapes are escaped", `{{"'"` + strings.Repeat(` | js`, 60) + `}}`, much},
		{"it is long", big + `{{range .Alerts}}{{$s}}{{end}}`, much},
		{"all of them for each", `{"a":[{{range $i, $a := .Alerts}}{{if $i}},{{end}}{{json $}}{{end}}]}`, much},
		{"json of much", big + `{{range .Alerts}}{{$x := json $s}}{{end}}`, much},
		{"clip of much", big + `{{range .Alerts}}{{$x := clip 1000000 $s}}{{end}}`, much},
		{"print of much", big + `{{range .Alerts}}{{$x := print $s}}{{end}}`, much},
		{"println of much", big + `{{range .Alerts}}{{$x := println $s}}{{end}}`, much},
		{"printf of much", big + `{{range .Alerts}}{{$x := printf "%.1s" $s}}{{end}}`, much},
		{"printf of all", `{{range .Alerts}}{{$x := printf "%.1s" $}}{{end}}`, much},
		{"html of much", big + `{{range .Alerts}}{{$x := html $s}}{{end}}`, much},
		{"js of much", big + `{{range .Alerts}}{{$x := js $s}}{{end}}`, much},
		{"urlquery of much", big + `{{range .Alerts}}{{$x := urlquery $s}}{{end}}`, much},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := refused(t, c.body); !strings.Contains(got, c.want) {
				t.Errorf("it says %q, want %q", got, c.want)
			}
			p := payload{Title: `a "title"`, Text: strings.Repeat("text ", 20_000), Alerts: make([]payloadAlert, 60)}
			if _, err := (&maker{ctx: t.Context()}).body(c.body, p); c.want == much && !errors.Is(err, errMadeTooMuch) {
				t.Errorf("with all the time, it says %v", err)
			}
		})
	}
}

// Tokens that never sent anything have no heartbeat, and in a storm none is told.
func TestATemplateDoesWithoutHeartbeats(t *testing.T) {
	if got := refused(t, `{{range .Alerts}}{{.Beat.Message}}{{end}}`); !strings.HasPrefix(got, "A heartbeat may be missing: write {{with .Beat}}") {
		t.Errorf("it says %q", got)
	}
	if got := refused(t, `{{range .Alerts}}{{with .Beat}}{{.Message}}{{end}}{{end}}`); got != "" {
		t.Errorf("it says %q", got)
	}
}

func TestTemplatesThatEnd(t *testing.T) {
	for body, want := range map[string]string{
		`{{range .Alerts}}{{range .Token.Tags}}{{.}} {{end}}{{end}}`:                                                                                   "db prod ",
		`{{range $i, $a := .Alerts}}{{$i}}{{range $j, $t := $a.Token.Tags}}{{$j}}{{$t}}{{end}}{{end}}`:                                                 "00db1prod",
		`{{range (index .Alerts 0).Token.Tags}}{{if eq . "prod"}}{{break}}{{end}}{{.}}{{else}}{{end}}`:                                                 "db",
		`{{range .Alerts}}{{else}}{{range .Alerts}}{{end}}{{end}}{{range .Alerts}}{{continue}}{{end}}{{define "x"}}{{end}}.`:                           ".",
		`{{.Sent.Format "15:04"}} {{.Sent.Sub (index .Alerts 0).At}} {{range .Alerts}}{{.At.AddDate 0 0 1}}{{end}}`:                                    "02:04 1s 2026-11-25 02:04:12 +0000 UTC",
		`{{with index .Alerts 0}}{{with .Beat}}{{printf "%d %06.2f" .Exit .Took}}{{end}}{{printf " %s %q %-5t|100%%" .Token.Tags .To .Firing}}{{end}}`: `1 245.18 [db prod] "firing" true |100%`,
		`{{print 1 2 "a" nil}} {{println .Firing}}{{html "<" 1}} {{js "'"}} {{"ä b" | urlquery}} {{slice .Title 0 7}}`:                                 "1 2a<nil> true\n&lt;1 \\' %C3%A4+b Nightly",
		`{{len .Alerts}}{{with (index .Alerts 0).Due}}{{.Unix}}{{else}} none{{end}}`:                                                                   "1 none",
	} {
		if wrong := refused(t, body); wrong != "" {
			t.Errorf("%s: %s", body, wrong)
			continue
		}
		got, err := webhookBody(t.Context(), body, payloadOf(scenes(t)["failed"]))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", body, got, err, want)
		}
	}
}

// endless compares long texts for half a minute, without writing anything.
var endless = big + `{{$s = print $s $s}}{{$s = print $s $s}}{{$t := print "" $s}}{{range .Alerts}}` + strings.Repeat(`{{if ne $s $t}}{{end}}`, 2_500) + `{{end}}`

// A template that takes its time is refused when it is saved, and ends with the
// sending.
func TestSlowTemplates(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sendWebhook(ctx, newOutside(Options{}), settings{"url": "http://nobody.invalid", "body": endless}, scenes(t)["storm"]); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "no answer") {
		t.Errorf("a sending that is over: %v", err)
	}
	if got := refused(t, endless); !strings.Contains(got, "or takes longer than 2 s") {
		t.Errorf("saved, it says %q", got)
	}
	p := payload{Alerts: make([]payloadAlert, 1)}
	if _, err := webhookBody(ctx, `{{range .Alerts}}{{end}}`, p); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a range that writes nothing: %v", err)
	}
	if _, err := webhookBody(ctx, `{{if print .Title}}{{end}}`, p); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a function: %v", err)
	}
}

// A template is judged by the names of fields, so a name is a list, or a time,
// wherever it stands.
func TestListsAndTimesHaveNamesOfTheirOwn(t *testing.T) {
	moment := reflect.TypeFor[time.Time]()
	seen := map[string]bool{}
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		if typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		for m := range reflect.PointerTo(typ).Methods() {
			if slices.Contains(listFields, m.Name) || slices.Contains(timeFields, m.Name) {
				t.Errorf("%s has a method %s", typ, m.Name)
			}
		}
		if typ == moment || typ.Kind() != reflect.Struct {
			return
		}
		for f := range typ.Fields() {
			seen[f.Name] = true
			isTime := f.Type == moment || f.Type == reflect.PointerTo(moment)
			switch kind := f.Type.Kind(); {
			case (kind == reflect.Slice) != slices.Contains(listFields, f.Name), isTime != slices.Contains(timeFields, f.Name):
				t.Errorf("%s.%s is a %s", typ, f.Name, f.Type)
			case kind == reflect.Map, kind == reflect.Func, kind == reflect.Chan, kind == reflect.Interface, kind == reflect.Array:
				t.Errorf("%s.%s is a %s, which the rules for templates don't know", typ, f.Name, f.Type)
			}
			look(f.Type)
		}
	}
	look(reflect.TypeFor[payload]())
	for _, name := range slices.Concat(listFields, timeFields) {
		if !seen[name] {
			t.Errorf("there is no field %s", name)
		}
	}
}
