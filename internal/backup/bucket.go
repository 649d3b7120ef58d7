package backup

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"kae"
)

// bucket is a place at an S3 server.
type bucket struct {
	client *minio.Client
	where  string // the server, for people
	bucket string
	prefix string // empty, or with a slash at its end
	dir    string // for what is not yet a backup
}

func openBucket(text, dir string, s S3) (*bucket, error) {
	name, prefix, _ := strings.Cut(text, "/")
	prefix = strings.Trim(prefix, "/")
	if name == "" || strings.ContainsAny(text, "?#") {
		return nil, &kae.Error{Code: kae.Invalid, Message: "A bucket is written s3://bucket or s3://bucket/prefix."}
	}
	if prefix != "" {
		prefix += "/"
	}
	client, where, err := s.client()
	if err != nil {
		return nil, err
	}
	return &bucket{client, where, name, prefix, dir}, nil
}

func (b *bucket) Name(name string) string               { return "s3://" + b.bucket + "/" + b.prefix + name }
func (b *bucket) work() string                          { return b.dir }
func (b *bucket) name(at time.Time, kind string) string { return hourly(at, kind) }

// partSize is how much is sent in one request, and held in memory.
const partSize = 16 << 20

// put sends a file and looks at what arrived. The server checks each request
// against its MD5, and shows an object only when all of it is there.
func (b *bucket) put(ctx context.Context, name, file string, tell Progress) (int64, error) {
	in, err := os.Open(file)
	if err != nil {
		return 0, trouble(b.dir, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return 0, trouble(b.dir, err)
	}
	size, key := info.Size(), b.prefix+name
	_, err = b.client.PutObject(ctx, b.bucket, key, in, size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", SendContentMd5: true, PartSize: partSize,
		Progress: &sent{step: "uploading", all: size, tell: tell},
	})
	if err == nil {
		err = b.arrived(ctx, key, in, size)
	}
	if err != nil {
		b.undo(ctx, key, errors.Is(err, errArrived))
		return 0, b.explain(name, err)
	}
	b.sweep(ctx)
	return size, nil
}

// errArrived is an object that is not what was sent.
var errArrived = errors.New("what arrived is not what was sent")

// arrived compares an object with the file that it should be: size and MD5,
// which is its ETag. Where it is not, as with some encryption at the server,
// the object is read.
func (b *bucket) arrived(ctx context.Context, key string, file *os.File, size int64) error {
	found, err := b.client.StatObject(ctx, b.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return err
	}
	if found.Size != size {
		return errArrived
	}
	want, err := etag(file)
	if err != nil || found.ETag == want {
		return err
	}
	object, err := b.client.GetObject(ctx, b.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer object.Close()
	got, err := digest(sha256.New(), object)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum, err := digest(sha256.New(), file)
	if err == nil && !bytes.Equal(got, sum) {
		err = errArrived
	}
	return err
}

// etag gives what S3 makes of a file that is sent in parts of partSize: its
// MD5, or for several parts the MD5 of theirs, and how many.
func etag(file io.ReaderAt) (string, error) {
	var sums []byte
	for n := int64(0); ; n++ {
		h := md5.New()
		size, err := io.Copy(h, io.NewSectionReader(file, n*partSize, partSize))
		switch {
		case err != nil:
			return "", err
		case size == 0 && n > 1:
			all := md5.Sum(sums)
			return fmt.Sprintf("%s-%d", hex.EncodeToString(all[:]), n), nil
		case size == 0 && n == 1:
			return hex.EncodeToString(sums), nil
		}
		sums = h.Sum(sums)
	}
}

func digest(h hash.Hash, r io.Reader) ([]byte, error) {
	_, err := io.Copy(h, r)
	return h.Sum(nil), err
}

// undo takes away what a failed upload left: parts, which nobody sees and
// somebody pays for, and an object that is not what was sent.
func (b *bucket) undo(ctx context.Context, key string, object bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if object {
		b.client.RemoveObject(ctx, b.bucket, key, minio.RemoveObjectOptions{})
	}
	b.client.RemoveIncompleteUpload(ctx, b.bucket, key)
}

// sweep takes away the parts of uploads that were cut off for good. It needs a
// permission that not every key has, so it is an attempt.
func (b *bucket) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for left := range b.client.ListIncompleteUploads(ctx, b.bucket, b.prefix, false) {
		if left.Err != nil {
			return
		}
		if _, _, ours := parseName(strings.TrimPrefix(left.Key, b.prefix)); ours && time.Since(left.Initiated) > 24*time.Hour {
			b.client.RemoveIncompleteUpload(ctx, b.bucket, left.Key)
		}
	}
}

func (b *bucket) list(ctx context.Context) ([]copied, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the goroutine behind the channel
	var all []copied
	for o := range b.client.ListObjects(ctx, b.bucket, minio.ListObjectsOptions{Prefix: b.prefix}) {
		if o.Err != nil {
			return nil, b.explain("", o.Err)
		}
		name := strings.TrimPrefix(o.Key, b.prefix)
		if _, _, ok := parseName(name); ok {
			all = append(all, copied{name, o.LastModified})
		}
	}
	return all, nil
}

func (b *bucket) remove(ctx context.Context, name string) error {
	err := b.client.RemoveObject(ctx, b.bucket, b.prefix+name, minio.RemoveObjectOptions{})
	if err != nil {
		return b.explain(name, err)
	}
	return nil
}

func (b *bucket) open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	object, err := b.client.GetObject(ctx, b.bucket, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, 0, b.explain(name, err)
	}
	info, err := object.Stat()
	if err != nil {
		object.Close()
		return nil, 0, b.explain(name, err)
	}
	return object, info.Size, nil
}

// sent is told of what was sent by being read, which is how the client wants
// it.
type sent struct {
	step      string
	done, all int64
	tell      Progress
}

func (s *sent) Read(p []byte) (int, error) {
	s.done += int64(len(p))
	s.tell(s.step, min(s.done, s.all), s.all) // a request sent again counts again
	return len(p), nil
}
