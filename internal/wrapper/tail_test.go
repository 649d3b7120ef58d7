package wrapper

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"kae"
)

const value = "hjklmnbcdfgpqrstvwxz"

func TestTheTailIsTheEndOfAllThatWasWritten(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var all []byte
		tail := newTail(mask{value})
		for range random.IntN(6) {
			chunk := bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(3*kae.MaxBody))
			if random.IntN(2) == 0 {
				chunk = chunk[:len(chunk)%50]
			}
			all = append(all, chunk...)
			tail.Write(chunk)
		}
		want := all[max(0, len(all)-kae.MaxBody):]
		if got := tail.text(); !bytes.HasSuffix(want, got) || len(want)-len(got) >= utf8.UTFMax {
			t.Fatalf("%d bytes that are not the end of %d", len(got), len(all))
		}
	}
}

// The value stands at every place relative to where the tail begins, and is
// written in pieces.
func TestTheTokenIsHiddenWhereverItStands(t *testing.T) {
	for before := range 2 * len(value) {
		for _, piece := range []int{1, 7, 20, 1 << 20} {
			text := []byte("start " + value + strings.Repeat("x", kae.MaxBody-before))
			tail := newTail(mask{value})
			for len(text) > 0 {
				n := min(piece, len(text))
				tail.Write(text[:n])
				text = text[n:]
			}
			hidden := "start " + strings.Repeat("*", len(value)) + strings.Repeat("x", kae.MaxBody-before)
			want := hidden[max(0, len(hidden)-kae.MaxBody):]
			if got := string(tail.text()); got != want {
				t.Errorf("%d bytes before the end, in pieces of %d: it begins with %.30q, want %.30q", before, piece, got, want)
			}
		}
	}
}

func TestATextIsNotCutInsideACharacter(t *testing.T) {
	tail := newTail(nil)
	for range kae.MaxBody {
		tail.Write([]byte("→"))
	}
	if got := tail.text(); !utf8.Valid(got) || len(got) < kae.MaxBody-utf8.UTFMax {
		t.Errorf("%d bytes, begins with %q", len(got), got[:6])
	}
}

func TestTerminalsAreNotSteeredByAnswers(t *testing.T) {
	if got := oneLine("\x1b[31mred\x07\r\n\u009b31m two\tlines \xff"); got != "[31mred 31m two lines �" {
		t.Errorf("%q", got)
	}
}
