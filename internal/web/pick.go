package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kae"
)

// pickForm is a choice of tokens as it was typed.
type pickForm struct {
	Which  string // "any", "tags" or "tokens"
	Tags   string
	Tokens string // one a line: "#12 Nightly backup"
}

// pickOf reads which tokens a form means, from the fields which, tags and
// tokens behind a prefix. Without which, what is filled in counts. Of kept
// tokens the number stays even if they are gone. Its error is [kae.Invalid]
// and belongs to one of the three; what was typed is given with it.
func (s *Server) pickOf(sent url.Values, prefix string, kept []int64) (p kae.Pick, typed pickForm, err error) {
	typed = pickForm{sent.Get(prefix + "which"), sent.Get(prefix + "tags"), sent.Get(prefix + "tokens")}
	if typed.Which == "" {
		switch {
		case strings.TrimSpace(typed.Tokens) != "":
			typed.Which = "tokens"
		case strings.TrimSpace(typed.Tags) != "":
			typed.Which = "tags"
		default:
			typed.Which = "any"
		}
	}
	field, message := typed.Which, ""
	switch typed.Which {
	case "any":
	case "tags":
		if p.Tags = kae.ParseTags(typed.Tags); len(p.Tags) == 0 {
			message = "Write at least one tag, or choose any token."
		}
	case "tokens":
		if p.Tokens, message = s.tokensOf(typed.Tokens, kept); message == "" && len(p.Tokens) == 0 {
			message = "Name at least one token, or choose any token."
		}
	default:
		field, message = "which", "Which tokens (which) is any, tags or tokens."
	}
	if message == "" {
		for _, e := range (&kae.Policy{Except: p}).Validate() { // whatever a choice is part of, its limits are the same
			message = e.Message
		}
	}
	if message != "" {
		return kae.Pick{}, typed, &kae.Error{Code: kae.Invalid, Field: prefix + field, Message: message}
	}
	return p, typed, nil
}

// tokensOf finds the tokens that are named, on lines or between commas, or says
// what is wrong with the first that it can't find.
func (s *Server) tokensOf(typed string, kept []int64) (ids []int64, message string) {
	byName := map[string][]int64{}
	most := 1 // parts of a name between commas
	s.Roster.All(func(t kae.Token) bool {
		if !t.Removed() {
			name := plainName(t.Name)
			most = max(most, strings.Count(name, ",")+1)
			byName[name] = append(byName[name], t.ID)
		}
		return true
	})
	for line := range strings.Lines(typed) {
		for rest := strings.Split(line, ","); len(rest) > 0; {
			if strings.TrimSpace(rest[0]) == "" {
				rest = rest[1:]
				continue
			}
			// Names may have commas: the longest that there is counts.
			used, found := 1, []int64(nil)
			for n := min(len(rest), most); n > 0 && found == nil; n-- {
				name := plainName(strings.Join(rest[:n], ","))
				if id, words, ok := numbered(name); !ok {
					used, found = n, byName[name]
				} else if n == 1 || slices.Contains(byName[words], id) {
					used, found = n, []int64{id}
				}
			}
			one := strings.TrimSpace(rest[0])
			switch {
			case len(found) == 0:
				return nil, fmt.Sprintf("There is no token “%s”. Write its name as the list has it, or its number, such as #12.", clip(one, 60))
			case len(found) > 1:
				slices.Sort(found)
				numbers := make([]string, 0, 5)
				for _, id := range found[:min(len(found), cap(numbers))] {
					numbers = append(numbers, fmt.Sprintf("#%d", id))
				}
				name := strings.TrimSpace(strings.Join(rest[:used], ","))
				return nil, fmt.Sprintf("%d tokens have the name “%s”. Write which one: %s.", len(found), clip(name, 60), oneOf(numbers))
			}
			if _, ok := s.Roster.Get(found[0]); !ok && !slices.Contains(kept, found[0]) {
				return nil, fmt.Sprintf("There is no token #%d, or it is gone for good. Take it off the list.", found[0])
			}
			if !slices.Contains(ids, found[0]) {
				ids = append(ids, found[0])
			}
			rest = rest[used:]
		}
	}
	return ids, ""
}

// plainName is a name as it is compared: one is typed in any case, and with any
// spaces.
func plainName(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// numbered reads the number of a token, and the words behind it.
func numbered(text string) (id int64, words string, ok bool) {
	number, ok := strings.CutPrefix(text, "#")
	number, words, _ = strings.Cut(number, " ")
	id, err := strconv.ParseInt(number, 10, 64)
	return id, words, ok && err == nil && id > 0
}

// pickFormOf gives a choice as it would be typed.
func (s *Server) pickFormOf(p kae.Pick) pickForm {
	typed := pickForm{Which: "any", Tags: strings.Join(p.Tags, " ")}
	switch {
	case len(p.Tokens) > 0:
		typed.Which = "tokens"
	case len(p.Tags) > 0:
		typed.Which = "tags"
	}
	var all []string
	for _, id := range p.Tokens {
		line := fmt.Sprintf("#%d", id)
		if t, ok := s.Roster.Get(id); ok {
			line += " " + t.Name
		}
		all = append(all, line)
	}
	typed.Tokens = strings.Join(all, "\n")
	return typed
}

// pickWords tells a choice: “tokens tagged db or web”.
func (s *Server) pickWords(p kae.Pick) string {
	if p.All() {
		return "any token"
	}
	var all []string
	if n := len(p.Tags); n == 1 {
		all = append(all, "tokens tagged "+p.Tags[0])
	} else if n > 1 {
		all = append(all, "tokens tagged "+oneOf(p.Tags))
	}
	name := func(id int64) string {
		if t, ok := s.Roster.Get(id); ok {
			return t.Name
		}
		return fmt.Sprintf("#%d", id)
	}
	switch n := len(p.Tokens); n {
	case 0:
	case 1:
		all = append(all, name(p.Tokens[0]))
	case 2:
		all = append(all, name(p.Tokens[0])+" and "+name(p.Tokens[1]))
	default:
		all = append(all, fmt.Sprintf("%s and %d more", name(p.Tokens[0]), n-1))
	}
	return strings.Join(all, ", and ")
}
