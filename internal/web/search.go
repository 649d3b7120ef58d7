package web

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kae"
	"kae/internal/roster"
)

// maxSearch is how long a search may be, in characters.
const maxSearch = 500

// term is one part of a search; all of them have to hold.
type term struct {
	op    string // "is" or "tag"; "": the value is free text
	value string
}

// parseSearch reads what a list is searched for:
//
//	backup            in the name, the description or a tag, in any case
//	"nightly backup"  the same, with a space in it
//	tag:db            has this tag
//	is:late           is in this state
//
// All parts have to hold. Whatever else has a colon in it is free text, and so
// is what stands in quotes as a whole. An error is of code [kae.Invalid] and
// says what is possible.
func parseSearch(q string) (roster.Query, error) {
	wrong := func(format string, args ...any) (roster.Query, error) {
		return roster.Query{}, &kae.Error{Code: kae.Invalid, Field: "q", Message: fmt.Sprintf(format, args...)}
	}
	if n := utf8.RuneCountInString(q); n > maxSearch {
		return wrong("The search has %d characters; at most %d are possible.", n, maxSearch)
	}
	var query roster.Query
	add := func(list *[]string, value string) {
		if !slices.Contains(*list, value) {
			*list = append(*list, value)
		}
	}
	for _, t := range terms(q) {
		switch t.op {
		case "is":
			state := strings.ToLower(t.value)
			if !slices.Contains(roster.States, state) {
				return wrong("“is:%s” is no state. Possible are is: with %s.", t.value, oneOf(roster.States))
			}
			add(&query.Is, state)
		case "tag":
			if t.value == "" {
				return wrong("Which tag? Write it right behind the colon: tag:db.")
			}
			add(&query.Tags, t.value)
		default:
			add(&query.Words, strings.ToLower(t.value))
		}
	}
	return query, nil
}

// searchText writes a search so that [parseSearch] reads it.
func searchText(q roster.Query) string {
	var parts []string
	for op, values := range [][]string{q.Is, q.Tags, q.Words} {
		for _, value := range values {
			parts = append(parts, term{[]string{"is", "tag", ""}[op], value}.String())
		}
	}
	return strings.Join(parts, " ")
}

// terms cuts a search into its parts.
func terms(q string) []term {
	var all []term
	for rest := []rune(q); ; {
		for len(rest) > 0 && unicode.IsSpace(rest[0]) {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return all
		}
		var t term
		if t, rest = cutTerm(rest); t.op != "" || strings.TrimSpace(t.value) != "" {
			all = append(all, t)
		}
	}
}

// closing are the quotes that end what one begins: phones write curly ones. One
// that is never ended goes to the end, as it does while it is typed.
var closing = map[rune]string{'"': `"`, '“': `”"`, '„': `“”"`}

// cutTerm takes the first part off a search that does not begin with a space.
// In straight quotes a backslash stands before a quote or another backslash.
func cutTerm(rest []rune) (t term, after []rune) {
	var value strings.Builder
	var ends string // the quotes that end what is quoted; "": nothing is
	i, quoted := 0, false
	for ; i < len(rest); i++ {
		switch r := rest[i]; {
		case ends == `"` && r == '\\' && i+1 < len(rest) && (rest[i+1] == '"' || rest[i+1] == '\\'):
			i++
			value.WriteRune(rest[i])
		case ends != "" && strings.ContainsRune(ends, r):
			ends = ""
		case ends == "" && closing[r] != "":
			ends, quoted = closing[r], true
		case ends == "" && unicode.IsSpace(r):
			return term{t.op, value.String()}, rest[i:]
		case r == ':' && !quoted && t.op == "" && isOperator(value.String()):
			t.op = strings.ToLower(value.String())
			value.Reset()
		default:
			value.WriteRune(r)
		}
	}
	return term{t.op, value.String()}, nil
}

func isOperator(word string) bool {
	word = strings.ToLower(word)
	return word == "is" || word == "tag"
}

// String writes a part as it is read: in quotes where it would not be without.
func (t term) String() string {
	special := func(r rune) bool { return unicode.IsSpace(r) || closing[r] != "" }
	before, _, colon := strings.Cut(t.value, ":")
	value := t.value
	if strings.ContainsFunc(value, special) || t.op == "" && colon && isOperator(before) {
		value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	}
	if t.op == "" {
		return value
	}
	return t.op + ":" + value
}

// oneOf lists words: a, b or c.
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
