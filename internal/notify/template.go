package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"kae"
)

// Whoever has the console writes the body of a webhook, and whatever it says
// must come to its end without taking kae's memory:
//
//   - It calls no templates, and a range goes over the alerts or the tags and
//     stands in no other one over the same. So nothing is done more often than
//     there are alerts, times the tags of one.
//   - What is written, and what functions take and make, is counted: a text that
//     is doubled forty times has a terabyte. Where counting comes too late, the
//     size shows before: printf's format is written out, and methods, which
//     can't be counted, take nothing but what is written out, and times.
//   - The time is looked at in each round of a range, and whenever something is
//     counted.
const (
	mostMade     = 5_000_000 // bytes; in a storm kae's own JSON has some 200,000
	templateTime = 2 * time.Second
)

var (
	errMadeTooMuch = errors.New("the template makes more than 5 MB of text")
	errTookTooLong = errors.New("the template takes longer than 2 s")
)

// webhookBody gives the message as JSON, or what a template makes of it.
func webhookBody(ctx context.Context, text string, p payload) ([]byte, error) {
	if text == "" {
		return plainJSON(p)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, templateTime, errTookTooLong)
	defer cancel()
	return (&maker{ctx: ctx}).body(text, p)
}

// isBody tells what is wrong with a template before it is tried.
func isBody(text string) string {
	_, wrong := (&maker{}).read(text)
	return wrong
}

// tryTemplate tells what is wrong with a template, by what it makes of alerts
// whose texts have quotes and line ends in them: of one that fires, of one that
// is over, and of as many as come at once, which have no heartbeats.
func tryTemplate(s settings) string {
	if s["body"] == "" {
		return ""
	}
	at := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	beat := &kae.Heartbeat{Number: 1, At: at, Kind: kae.Failure, Body: []byte("two\nlines")}
	beat.Message = `a "quoted" word`
	event := func(id int64, to kae.Status, beat *kae.Heartbeat) Event {
		return Event{
			Alert: kae.Alert{TokenID: id, Number: 2, At: at, From: kae.Up, To: to, Reason: kae.Failed, Fired: at},
			Token: kae.Token{ID: id, Name: `"A" \ token`, Tags: []string{"db", "night"}, Schedule: kae.Every(time.Hour)}, Beat: beat,
		}
	}
	var storm []Event
	for id := range int64(mostAtOnce) {
		storm = append(storm, event(id+1, kae.Firing, nil))
	}
	kind := headersOf(s["headers"]).Get("Content-Type")
	inJSON := (kind == "" || kind == "application/json") && !elsewhere(s["headers"])
	for _, events := range [][]Event{{event(1, kae.Firing, beat)}, {event(1, kae.Up, beat)}, storm} {
		body, err := webhookBody(context.Background(), s["body"], payloadOf(Message{Key: "try", Sent: at, Events: events}))
		switch {
		case errors.Is(err, errMadeTooMuch), errors.Is(err, errTookTooLong):
			return fmt.Sprintf("The body makes more than 5 MB of text, or takes longer than 2 s. Up to %d alerts come at once: take less of each, such as {{clip 200 .Title}}.", mostAtOnce)
		case err != nil && strings.Contains(err.Error(), "nil pointer evaluating *notify.payloadBeat"):
			return "A heartbeat may be missing: write {{with .Beat}}{{.Message}}{{end}} instead of {{.Beat.Message}}."
		case err != nil:
			return notATemplate(err)
		case !inJSON || json.Valid(body):
		case len(events) > 1:
			return "The body would not be JSON where several alerts come at once: put commas between them, as in {{range $i, $a := .Alerts}}{{if $i}}, {{end}}…{{end}}."
		default:
			return "The body would not be JSON: write texts as {{json .Title}}, without quotes around it, or name another Content-Type among the headers."
		}
	}
	return ""
}

func notATemplate(err error) string {
	return "The body can't be used as a template: " + kae.CleanText(strings.TrimPrefix(err.Error(), "template: "), 200)
}

// rules are held against a template.
type rules struct{ wrong string }

func (r *rules) refuse(why string) {
	if r.wrong == "" {
		r.wrong = why
	}
}

// look looks at a part of a template. over are the lists that are gone through
// around it.
func (r *rules) look(node parse.Node, over ...string) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil { // there may be no else
			for _, one := range n.Nodes {
				r.look(one, over...)
			}
		}
	case *parse.ActionNode:
		r.look(n.Pipe)
	case *parse.IfNode:
		r.look(n.Pipe)
		r.look(n.List, over...)
		r.look(n.ElseList, over...)
	case *parse.WithNode:
		r.look(n.Pipe)
		r.look(n.List, over...)
		r.look(n.ElseList, over...)
	case *parse.RangeNode:
		r.lookAtRange(n, over)
	case *parse.PipeNode:
		for i, command := range n.Cmds {
			r.lookAtCommand(command, i > 0)
		}
	case *parse.ChainNode:
		r.look(n.Node)
	case *parse.TemplateNode:
		r.refuse("Write the body in one piece, without {{template}} and {{block}}.")
	}
}

func (r *rules) lookAtRange(n *parse.RangeNode, over []string) {
	list := ""
	if len(n.Pipe.Cmds) == 1 && len(n.Pipe.Cmds[0].Args) == 1 {
		list = fieldOf(n.Pipe.Cmds[0].Args[0])
	}
	switch {
	case !slices.Contains(listFields, list):
		r.refuse("A range goes over .Alerts or over .Tags, such as {{range .Alerts}}, and over nothing else.")
	case slices.Contains(over, list):
		r.refuse("A range over ." + list + " can't stand in another one over ." + list + ".")
	}
	r.look(n.Pipe)
	r.look(n.List, append(slices.Clone(over), list)...)
	r.look(n.ElseList, over...)
	// Each round writes something, if nothing else this empty text, so that it
	// can be stopped.
	n.List.Nodes = slices.Insert(n.List.Nodes, 0, parse.Node(&parse.TextNode{NodeType: parse.NodeText}))
}

// What a command takes and makes is counted if it is a function, but for what is
// in a format. Else it is a value or, with arguments, a method.
func (r *rules) lookAtCommand(c *parse.CommandNode, piped bool) {
	for _, arg := range c.Args {
		r.look(arg)
	}
	if function, ok := c.Args[0].(*parse.IdentifierNode); ok {
		if function.Ident == "printf" && (len(c.Args) == 1 || !isFormat(c.Args[1])) {
			r.refuse(`printf takes a format that is written out, without * and [, and with widths up to 99, such as {{printf "%s: %s" .Title .Text}}.`)
		}
		return
	}
	if piped || slices.ContainsFunc(c.Args[1:], func(n parse.Node) bool { return !isSmall(n) }) {
		r.refuse(`A method takes what is written out, and times, such as {{.Sent.Format "15:04"}} or {{$.Sent.Sub .At}}, and nothing else.`)
	}
}

// Fields are known by their names: no two of a payload have one name and are a
// list, or a time, here and something else there.
var (
	listFields = []string{"Alerts", "Tags"}
	timeFields = []string{"Sent", "At", "Fired", "Due", "Last"}
)

// fieldOf gives the name of the field that a part of a template is, else "".
func fieldOf(node parse.Node) string {
	var path []string
	switch n := node.(type) {
	case *parse.FieldNode:
		path = n.Ident
	case *parse.VariableNode:
		path = n.Ident[1:] // the first is the variable
	case *parse.ChainNode:
		path = n.Field
	}
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1]
}

func isSmall(node parse.Node) bool {
	switch node.(type) {
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode, *parse.NilNode:
		return true
	}
	return slices.Contains(timeFields, fieldOf(node))
}

var plainFormat = regexp.MustCompile(`^([^%]|%[-+# 0]*[0-9]{0,2}(\.[0-9]{0,2})?[a-zA-Z%])*$`)

func isFormat(node parse.Node) bool {
	text, ok := node.(*parse.StringNode)
	return ok && plainFormat.MatchString(text.Text)
}

// maker makes a text by a template, and counts.
type maker struct {
	ctx  context.Context
	made int
	out  bytes.Buffer
}

// read gives a template that comes to its end, or tells what is wrong with it.
func (m *maker) read(text string) (t *template.Template, wrong string) {
	t, err := template.New("body").Funcs(m.functions()).Parse(text)
	if err != nil {
		return nil, notATemplate(err)
	}
	if t.Tree == nil { // there are definitions only
		return t, ""
	}
	r := &rules{}
	r.look(t.Root)
	return t, r.wrong
}

// body gives what a template makes of a message.
func (m *maker) body(text string, p payload) ([]byte, error) {
	t, wrong := m.read(text)
	if wrong != "" {
		return nil, errors.New(wrong)
	}
	err := t.Execute(m, p)
	return m.out.Bytes(), err
}

// count stops the template once it has gone through too much, or its time is over.
func (m *maker) count(bytes int) error {
	if m.made += bytes; m.made > mostMade {
		return errMadeTooMuch
	}
	return context.Cause(m.ctx)
}

func (m *maker) Write(p []byte) (int, error) {
	if err := m.count(len(p)); err != nil {
		return 0, err
	}
	return m.out.Write(p)
}

// functions are those of docs/alerts.md, and those of text/template that make
// texts.
func (m *maker) functions() template.FuncMap {
	made := func(text string) (string, error) { return text, m.count(len(text)) }
	printed := func(make func(...any) string) func(...any) (string, error) {
		return func(args ...any) (string, error) {
			args, err := m.printable(args)
			if err != nil {
				return "", err
			}
			return made(make(args...))
		}
	}
	escaped := func(escape func(string) string) func(...any) (string, error) {
		return printed(func(args ...any) string { return escape(fmt.Sprint(args...)) })
	}
	return template.FuncMap{
		"json": func(v any) (string, error) {
			b, err := plainJSON(v)
			return string(b), cmp.Or(err, m.count(len(b)))
		},
		"clip":    func(most int, text string) (string, error) { return made(clip(text, max(most, len("…")))) },
		"print":   printed(fmt.Sprint),
		"println": printed(fmt.Sprintln),
		"printf": func(format string, args ...any) (string, error) {
			return printed(func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
		},
		"html":     escaped(template.HTMLEscapeString),
		"js":       escaped(template.JSEscapeString),
		"urlquery": escaped(url.QueryEscape),
	}
}

// printable counts what is to be printed. Numbers and texts stay what they are,
// for a format, also behind a pointer; whatever else becomes a text.
func (m *maker) printable(args []any) ([]any, error) {
	all := make([]any, len(args))
	for i, arg := range args {
		v := reflect.ValueOf(arg)
		for v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
		text := ""
		switch {
		case v.Kind() == reflect.String:
			text, all[i] = v.String(), v.Interface()
		case v.CanInt(), v.CanUint(), v.CanFloat(), v.CanComplex(), v.Kind() == reflect.Bool:
			all[i] = v.Interface()
		default:
			text = fmt.Sprint(arg)
			all[i] = text
		}
		if err := m.count(len(text)); err != nil {
			return nil, err
		}
	}
	return all, nil
}
