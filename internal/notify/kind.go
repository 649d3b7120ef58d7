package notify

import (
	"cmp"
	"context"
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"kae"
)

// Field is a setting of a kind of channel, as a form asks for it.
type Field struct {
	Name, Label, Hint string
	Secret            bool // shown to nobody; it may be file:/path or env:NAME, which are read at each sending
	Required          bool
	Long              bool     // of several lines
	Choices           []string // what it may be, the usual first; nil: anything

	check func(value string) string // what is wrong with a value, in a sentence; nil: anything will do
}

// Kind is a way to bring a message somewhere.
type Kind struct {
	Name, Label, About string
	Fields             []Field

	check func(s settings) *kae.Error // what no field is to blame for alone; may be nil
	send  func(ctx context.Context, o *outside, s settings, m Message) (answer string, err error)
	most  int           // alerts in a message; 0: as many as there are
	renew time.Duration // how often what goes on is sent again, where the other side forgets it otherwise; 0: never
	where string        // the setting that tells where it goes: a URL, of which only the host is shown, or words
}

// Options are what holds for all channels of a kae.
type Options struct {
	URL           string        // under which the console is reached; "": not known
	Agent         string        // the User-Agent of requests; "" is kae
	Timeout       time.Duration // for one sending; 0 is 10 s
	DenyPrivate   bool          // addresses that the internet does not lead to are not sent to
	AllowCommands bool          // channels may run programs on this machine
}

// settings are those of one channel, without white space around them.
type settings map[string]string

// kinds are all there are, in the order in which they are offered.
var kinds = []Kind{webhook, slack, ntfy, telegram, pagerduty, alertmanager, email, command}

// Open gives what sends to a channel. Its errors are [kae.Invalid], one for
// each field that is wrong, joined.
func Open(kind string, values map[string]string, o Options) (Sender, error) {
	k, err := kindOf(kind, o)
	if err != nil {
		return nil, err
	}
	s := settings{}
	var errs []error
	for _, f := range k.Fields {
		s[f.Name] = strings.TrimSpace(values[f.Name])
		if message := f.wrong(s[f.Name]); message != "" {
			errs = append(errs, &kae.Error{Code: kae.Invalid, Field: f.Name, Message: message})
		}
	}
	if len(errs) == 0 && k.check != nil {
		if wrong := k.check(s); wrong != nil {
			errs = append(errs, wrong)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &channel{k, s, newOutside(o)}, nil
}

// mostOf is how many alerts a message to a kind of channel may have.
func mostOf(name string) int {
	k, _ := kindOf(name, Options{AllowCommands: true})
	return cmp.Or(k.most, mostAtOnce)
}

// renewOf is how often a kind of channel is sent again what goes on.
func renewOf(name string) time.Duration {
	k, _ := kindOf(name, Options{AllowCommands: true})
	return k.renew
}

func kindOf(name string, o Options) (Kind, error) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, &kae.Error{Code: kae.Invalid, Field: "kind", Message: "There is no such kind of channel: choose one of those that are offered."}
	}
	if name == command.Name && !o.AllowCommands {
		return Kind{}, &kae.Error{Code: kae.Invalid, Field: "kind", Message: "A channel may run commands only where kae is started with -allow-commands."}
	}
	return kinds[i], nil
}

// Where tells in a few words without secrets where a channel's messages go.
func Where(kind string, values map[string]string) string {
	k, err := kindOf(kind, Options{AllowCommands: true})
	if err != nil {
		return ""
	}
	value := strings.TrimSpace(values[k.where])
	if elsewhere(value) {
		return ""
	}
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		return u.Hostname()
	}
	if i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Name == k.where }); i >= 0 && k.Fields[i].Secret {
		return ""
	}
	return value
}

// wrong tells what is wrong with a value. What stands in a file or a variable
// is looked at when it is sent: it may change until then.
func (f Field) wrong(value string) string {
	switch {
	case value == "" && f.Required:
		return "This is needed: " + f.Label + "."
	case value == "":
		return ""
	case f.Secret && elsewhere(value):
		return wrongPlace(value)
	case f.Choices != nil && !slices.Contains(f.Choices, value):
		return "Choose one of " + strings.Join(f.Choices, ", ") + "."
	case f.check == nil:
		return ""
	}
	return f.check(value)
}

// channel sends in the way of a kind. It sees to what holds for all of them:
// secrets come from files and variables at the last moment, and neither they
// nor tokens' values come out again.
type channel struct {
	kind    Kind
	written settings
	outside *outside
}

// Send is part of [Sender].
func (c *channel) Send(ctx context.Context, m Message) (string, error) {
	s, err := c.resolve()
	if err != nil {
		return "", err
	}
	answer, err := c.kind.send(ctx, c.outside, s, m.discreet())
	hide := s.hider(c.kind.Fields)
	if refused, ok := errors.AsType[*Refused](err); ok {
		return "", &Refused{Answer: hide(refused.Answer), Permanent: refused.Permanent, Content: refused.Content, After: max(refused.After, 0)}
	}
	if err != nil {
		return "", &discreetError{hide(err.Error()), err}
	}
	return hide(answer), nil
}

// discreetError is an error whose words may be shown.
type discreetError struct {
	text string
	err  error
}

func (e *discreetError) Error() string { return e.text }
func (e *discreetError) Unwrap() error { return e.err }

// resolve reads the settings that stand elsewhere.
func (c *channel) resolve() (settings, error) {
	s := settings{}
	for _, f := range c.kind.Fields {
		s[f.Name] = c.written[f.Name]
		if !f.Secret || !elsewhere(s[f.Name]) {
			continue
		}
		value, place, err := readSecret(s[f.Name])
		if err == nil && f.check != nil && f.check(value) != "" {
			err = errors.New("what stands there can't be used")
		}
		if err != nil {
			return nil, &kae.Error{Code: kae.Unavailable, Field: f.Name, Message: "The setting “" + f.Label + "” can't be read from its " + place + ".", Err: err}
		}
		s[f.Name] = value
	}
	return s, nil
}

// The checks of values that several kinds have in common.

func isURL(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
		return "Write a whole URL, which begins with https:// or http://."
	}
	return ""
}

func isWord(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "This is one word, without spaces."
	}
	return ""
}

func isAddresses(value string) string {
	all, err := mail.ParseAddressList(value)
	if err != nil {
		return "Write e-mail addresses such as ops@example.com, separated by commas."
	}
	if slices.ContainsFunc(all, func(a *mail.Address) bool { return !isASCII(a.Address) }) {
		return notASCII
	}
	return ""
}
