package kae

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// part is a piece of a schedule's text that knows where in it it stands.
type part struct {
	text string
	at   int // in bytes
}

// from gives what follows the first n bytes.
func (p part) from(n int) part { return part{p.text[n:], p.at + n} }

// to gives the first n bytes.
func (p part) to(n int) part { return part{p.text[:n], p.at} }

func (p part) trim() part {
	rest := strings.TrimLeft(p.text, " \t\n")
	return part{strings.TrimRight(rest, " \t\n"), p.at + len(p.text) - len(rest)}
}

// cut gives what stands before and after the first sep.
func (p part) cut(sep string) (before, after part, found bool) {
	i := strings.Index(p.text, sep)
	if i < 0 {
		return p, part{"", p.at + len(p.text)}, false
	}
	return p.to(i), p.from(i + len(sep)), true
}

// split gives the pieces between the seps.
func (p part) split(sep string) []part {
	var all []part
	for {
		before, after, found := p.cut(sep)
		all = append(all, before)
		if !found {
			return all
		}
		p = after
	}
}

// words gives the pieces between blanks.
func (p part) words() []part {
	var all []part
	for p = p.trim(); p.text != ""; p = p.trim() {
		n := strings.IndexAny(p.text, " \t")
		if n < 0 {
			n = len(p.text)
		}
		all = append(all, p.to(n))
		p = p.from(n)
	}
	return all
}

// number reads a whole number that the part begins with; the last result is
// how many bytes it has, 0 where there is none. It stops counting far above
// whatever is possible.
func (p part) number() (n int64, size int) {
	for size < len(p.text) && p.text[size] >= '0' && p.text[size] <= '9' {
		n = min(n*10+int64(p.text[size]-'0'), 1e12)
		size++
	}
	return n, size
}

// fault is what is wrong with a schedule, and where.
type fault struct {
	field string // minute, hour, …; "" is the whole
	at    int    // in bytes; ignored for the whole
	says  string // a sentence
}

func (p part) fault(field, says string, a ...any) *fault {
	return &fault{field, p.at, fmt.Sprintf(says, a...)}
}

// in makes an error of a fault: “In the minute (character 1): 70 is not …”.
func (f *fault) in(text string) *Error {
	if f.field == "" {
		return invalid("interval", f.says)
	}
	before := text[:f.at]
	where := fmt.Sprintf("character %d", utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])+1)
	if strings.Contains(text, "\n") {
		where = fmt.Sprintf("line %d, %s", strings.Count(before, "\n")+1, where)
	}
	return invalid("interval", fmt.Sprintf("In the %s (%s): %s", f.field, where, f.says))
}

// quoted gives the part to be shown in a sentence, without what could hide
// the rest of it.
func (p part) quoted() string {
	const most = 20
	var b strings.Builder
	n := 0
	for _, r := range p.text {
		if n++; n > most {
			b.WriteRune('…')
			break
		}
		if !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	return "“" + b.String() + "”"
}
