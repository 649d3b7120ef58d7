package wrapper

import (
	"bytes"
	"slices"
	"strings"
)

// mask is what must not be shown. Longer secrets come first: one may be part
// of another.
type mask []string

func (m *mask) add(secret string) {
	if secret == "" || slices.Contains(*m, secret) {
		return
	}
	*m = append(*m, secret)
	slices.SortStableFunc(*m, func(a, b string) int { return len(b) - len(a) })
}

// longest gives the bytes of the longest secret.
func (m mask) longest() int {
	if len(m) == 0 {
		return 0
	}
	return len(m[0])
}

// hide gives b with as many asterisks as a secret has bytes in place of each,
// so that what stands where does not change.
func (m mask) hide(b []byte) []byte {
	for _, secret := range m {
		b = bytes.ReplaceAll(b, []byte(secret), bytes.Repeat([]byte("*"), len(secret)))
	}
	return b
}

func (m mask) hideIn(text string) string { return string(m.hide([]byte(text))) }

// oneLine makes what somebody else wrote fit for a terminal: one line, without
// what would steer it.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	return strings.Join(strings.Fields(text), " ")
}
