package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"kae"
)

// compress writes a file compressed into a new one of a directory, syncs it,
// and reads it again: what it gives is what comes out. The name that it gives,
// unless empty, is to be removed by the caller.
func compress(ctx context.Context, file, dir string, tell Progress) (packed string, err error) {
	if packed, err = temporary(dir); err != nil {
		return "", err
	}
	in, err := os.Open(file)
	if err != nil {
		return packed, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return packed, err
	}
	out, err := os.OpenFile(packed, os.O_RDWR, 0)
	if err != nil {
		return packed, err
	}
	defer out.Close()
	// Who takes heartbeats meanwhile needs the other processors.
	w, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return packed, err
	}
	put := sha256.New()
	if _, err = io.Copy(w, io.TeeReader(counted(ctx, in, "compressing", info.Size(), tell), put)); err != nil {
		return packed, errors.Join(err, w.Close())
	}
	if err = errors.Join(w.Close(), out.Sync()); err != nil {
		return packed, err
	}
	got := sha256.New()
	if _, err = out.Seek(0, io.SeekStart); err == nil {
		err = expand(ctx, got, out)
	}
	if err == nil && !bytes.Equal(put.Sum(nil), got.Sum(nil)) {
		err = &kae.Error{Code: kae.Unavailable, Message: "What was compressed does not come out again: the disk or the memory may be failing."}
	}
	return packed, err
}

var magic = []byte{0x28, 0xb5, 0x2f, 0xfd} // RFC 8878, section 3.1.1

// expand writes what it reads, uncompressed if it is compressed, whatever its
// name says.
func expand(ctx context.Context, to io.Writer, from io.Reader) error {
	in := bufio.NewReaderSize(counted(ctx, from, "", 0, nil), 1<<16)
	head, err := in.Peek(len(magic))
	if err != nil && err != io.EOF {
		return err
	}
	if !bytes.Equal(head, magic) {
		_, err := io.Copy(to, in)
		return err
	}
	r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(to, r)
	return err
}

// counter is a reader that ends with a context and tells how far it is.
type counter struct {
	io.Reader
	ctx       context.Context
	step      string
	done, all int64
	tell      Progress
}

func counted(ctx context.Context, r io.Reader, step string, all int64, tell Progress) *counter {
	if tell == nil {
		tell = func(string, int64, int64) {}
	}
	return &counter{r, ctx, step, 0, all, tell}
}

func (c *counter) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.Reader.Read(b)
	c.done += int64(n)
	c.tell(c.step, c.done, c.all)
	return n, err
}
