package wrapper

import (
	"sync"
	"unicode/utf8"

	"kae"
)

// tail keeps the end of all that is written to it. It keeps a little more than
// it gives, so that a secret that begins before the end is still found whole.
type tail struct {
	secret mask

	mu  sync.Mutex
	buf []byte // twice as long as what is kept: full, its second half moves to the front
	cut bool   // something before buf is gone
}

func newTail(secret mask) *tail { return &tail{secret: secret} }

func (t *tail) keep() int { return kae.MaxBody + t.secret.longest() }

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, keep := len(b), t.keep()
	if len(b) > keep {
		b, t.buf, t.cut = b[len(b)-keep:], t.buf[:0], true
	}
	if len(t.buf)+len(b) > 2*keep {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-keep:]...)
		t.cut = true
	}
	t.buf = append(t.buf, b...)
	return n, nil
}

// text gives the last [kae.MaxBody] bytes with every secret hidden. What is
// cut out of a text does not begin in the middle of a character.
func (t *tail) text() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.secret.hide(append([]byte(nil), t.buf...))
	cut := t.cut
	if len(text) > kae.MaxBody {
		text, cut = text[len(text)-kae.MaxBody:], true
	}
	for i := 0; cut && i < utf8.UTFMax && i < len(text); i++ {
		if utf8.Valid(text[i:]) {
			return text[i:]
		}
	}
	return text
}
