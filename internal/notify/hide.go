package notify

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"kae"
)

// Shorter texts than this are no secrets, or hiding them would hide too much.
const shortSecret = 4

// hider gives what takes a channel's secrets out of a text: many services
// repeat the path that was asked for in their errors.
func (s settings) hider(fields []Field) func(string) string {
	var secrets []string
	for _, f := range fields {
		if f.Secret {
			secrets = append(secrets, secretParts(s[f.Name])...)
		}
	}
	// The longest first: one may be part of another.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return func(text string) string {
		for _, secret := range secrets {
			if len(secret) >= shortSecret {
				text = strings.ReplaceAll(text, secret, "…")
			}
		}
		return text
	}
}

// secretParts gives a secret and what of it may turn up alone: the path and the
// query of a URL, the words of a header.
func secretParts(value string) []string {
	parts := []string{value}
	for line := range strings.Lines(value) {
		_, after, _ := strings.Cut(line, ":")
		parts = append(parts, strings.TrimSpace(line), strings.TrimSpace(after))
		if words := strings.Fields(after); len(words) > 1 {
			parts = append(parts, words[len(words)-1])
		}
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return parts
	}
	const telling = 8 // shorter parts of a path are words such as services or api
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= telling {
			parts = append(parts, part, url.PathEscape(part))
		}
	}
	if len(u.RequestURI()) > telling {
		parts = append(parts, u.RequestURI(), u.EscapedPath())
	}
	for _, values := range u.Query() {
		for _, v := range values {
			parts = append(parts, v, url.QueryEscape(v))
		}
	}
	if password, ok := u.User.Password(); ok {
		parts = append(parts, password, url.QueryEscape(password))
	}
	return parts
}

var (
	heartbeatURL = regexp.MustCompile(`(https?://[^\s/"'<>]+)?/hb/[^\s"'<>)\]]+`)
	// 20 consonants in a row are no word of any language.
	tokenValue = regexp.MustCompile(`\b[bcdfghjklmnpqrstvwxyz]{20}\b`)
)

// discreet gives the message without what lets its reader send heartbeats: jobs
// print the commands that they run, and those hold heartbeat URLs.
func (m Message) discreet() Message {
	m.Events = slices.Clone(m.Events)
	for i := range m.Events {
		e := &m.Events[i]
		hide := func(text string) string {
			text = heartbeatURL.ReplaceAllString(text, "$1/hb/…")
			for _, secret := range []string{e.Token.Value, e.Token.UUID} {
				if secret != "" {
					text = strings.ReplaceAll(text, secret, "…")
				}
			}
			return tokenValue.ReplaceAllString(text, "…")
		}
		if e.Beat != nil {
			b := *e.Beat
			b.Message, b.RunID, b.Agent = hide(b.Message), hide(b.RunID), hide(b.Agent)
			if b.Body != nil {
				b.Body = []byte(hide(kae.CleanText(string(b.Body), kae.MaxBody)))
			}
			e.Beat = &b
		}
		e.Token.Name, e.Token.Description = hide(e.Token.Name), hide(e.Token.Description)
		e.Token.Tags = slices.Clone(e.Token.Tags)
		for i, tag := range e.Token.Tags {
			e.Token.Tags[i] = hide(tag)
		}
		e.Token.Value, e.Token.UUID = "", ""
	}
	return m
}
