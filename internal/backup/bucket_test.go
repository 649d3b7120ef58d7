package backup

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"kae"
	"kae/internal/s3test"
)

func access(s *s3test.Server) S3 {
	return S3{Endpoint: s.Endpoint, Key: s3test.Key, Secret: s3test.Secret}
}

// objects gives what is in a bucket, unfinished uploads too.
func objects(t *testing.T, s *s3test.Server, bucket string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(filepath.Join(s.Dir, bucket), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(filepath.Join(s.Dir, bucket), path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestS3TakesABackupAndGivesItBack(t *testing.T) {
	server := s3test.Start(t, "backups")
	for name, size := range map[string]int{"small": 10_000, "a whole part": partSize, "several parts": 2*partSize + 12_345} {
		t.Run(name, func(t *testing.T) {
			content := random(t, size)
			prefix := strings.ReplaceAll(name, " ", "-")
			to := "s3://backups/" + prefix
			var told atomic.Int64
			job := Job{
				Source: source(content), To: mustOpen(t, to, access(server)), At: tenthHour,
				Tell: func(step string, done, _ int64) {
					if step == "uploading" {
						told.Store(done)
					}
				},
			}
			r, err := job.Run(t.Context())
			if err != nil || r.Name != to+"/kae-2026-11-22T10.db.zst" || r.Size < int64(size) || told.Load() != r.Size {
				t.Fatalf("%+v, %v; %d bytes told", r, err, told.Load())
			}
			fetched(t, r.Name, access(server), content)
			fetched(t, to, access(server), content)
			if got := files(t, job.To.work()); got != "" {
				t.Errorf("what is left: %s", got)
			}
			if newest, err := Newest(t.Context(), job.To); err != nil || time.Since(newest) > time.Minute {
				t.Errorf("the newest was made %v, %v", newest, err)
			}
		})
	}
}

func TestS3IsPruned(t *testing.T) {
	server := s3test.Start(t, "backups")
	place := mustOpen(t, "s3://backups/a/b/", access(server))
	for i := range 3 {
		job := Job{Source: source([]byte("copy")), To: place, Keep: Keep{Hourly: 2}, At: tenthHour.Add(time.Duration(i) * time.Hour)}
		if r, err := job.Run(t.Context()); err != nil || r.Kept != nil || len(r.Pruned) != i/2 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	want := "a/b/kae-2026-11-22T11.db.zst a/b/kae-2026-11-22T12.db.zst"
	if got := objects(t, server, "backups"); got != want {
		t.Errorf("there are %s, want %s", got, want)
	}
}

func TestWhatS3RefusesIsASentence(t *testing.T) {
	server := s3test.Start(t, "backups")
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	good := access(server)
	with := func(change func(*S3)) S3 {
		s := good
		change(&s)
		return s
	}
	for _, c := range []struct {
		name, to string
		s3       S3
		want     string
	}{
		{"a wrong key", "s3://backups/x", with(func(s *S3) { s.Key = "nobody" }), "): look at AWS_ACCESS_KEY_ID"},
		{"a wrong secret", "s3://backups/x", with(func(s *S3) { s.Secret = "sesame" }), "does not take the key (SignatureDoesNotMatch)"},
		{"no such bucket", "s3://nowhere/x", good, `There is no bucket "nowhere" at ` + server.Endpoint + ": make it first."},
		{"nobody there", "s3://backups/x", with(func(s *S3) { s.Endpoint = "http://" + nobody.Addr().String() }), "No S3 server answers at http://" + nobody.Addr().String()},
	} {
		t.Run(c.name, func(t *testing.T) {
			job := Job{Source: source([]byte("copy")), To: mustOpen(t, c.to, c.s3), At: tenthHour}
			_, err := job.Run(t.Context())
			sentence(t, err, c.want)
			if got := files(t, job.To.work()); got != "" {
				t.Errorf("what is left: %s", got)
			}
			if c.name != "no such bucket" { // an object's absence is all that is told of it
				_, err = Fetch(t.Context(), c.to, "", c.s3, nil)
				sentence(t, err, c.want)
			}
		})
	}
	if got := objects(t, server, "backups"); got != "" {
		t.Errorf("there are %s", got)
	}
	_, err = Fetch(t.Context(), "s3://backups/x", "", good, nil)
	sentence(t, err, "There is no backup in s3://backups/x")
	_, err = Fetch(t.Context(), "s3://backups/x/kae-2026-11-22T10.db.zst", "", good, nil)
	sentence(t, err, "There is no backup s3://backups/x/kae-2026-11-22T10.db.zst.")
}

func sentence(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// cutter is a proxy in front of a server that cuts the connection in the
// middle of a body, once so many bytes went through.
type cutter struct {
	left atomic.Int64
}

func (c *cutter) start(t *testing.T, endpoint string) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
			if r.In.Method == http.MethodPut && c.left.Add(-r.In.ContentLength) < 0 {
				r.Out.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.In.Body, 1000), broken{}))
			}
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: proxy}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return "http://" + l.Addr().String()
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestACutConnectionLeavesNothingHalfWritten(t *testing.T) {
	server := s3test.Start(t, "backups")
	for name, size := range map[string]int{"in one part": 1 << 20, "in several parts": 2*partSize + 1} {
		t.Run(name, func(t *testing.T) {
			content := random(t, size)
			var c cutter
			c.left.Store(int64(size) - 1) // the last part never arrives
			s := access(server)
			s.Endpoint = c.start(t, server.Endpoint)
			to := "s3://backups/" + strings.ReplaceAll(name, " ", "-")
			job := Job{Source: source(content), To: mustOpen(t, to, s), At: tenthHour}
			if _, err := job.Run(t.Context()); kae.ErrorCode(err) != kae.Unavailable {
				t.Fatalf("%v", err)
			} else {
				t.Log(err)
			}
			if got := objects(t, server, "backups"); got != "" {
				t.Errorf("there are %s", got)
			}
			if got := files(t, job.To.work()); got != "" {
				t.Errorf("what is left: %s", got)
			}
		})
	}
}

func TestABackupThatIsBrokenOffLeavesNoParts(t *testing.T) {
	server := s3test.Start(t, "backups")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	job := Job{
		Source: source(random(t, 3*partSize)), To: mustOpen(t, "s3://backups", access(server)), At: tenthHour,
		Tell: func(step string, done, _ int64) {
			if step == "uploading" && done > partSize {
				cancel()
			}
		},
	}
	_, err := job.Run(ctx)
	sentence(t, err, "The backup was broken off.")
	if got := objects(t, server, "backups"); got != "" {
		t.Errorf("there are %s", got)
	}
}

// What an S3 server keeps badly, without a word, is noticed.
func TestAnObjectThatIsNotWhatWasSentIsRemoved(t *testing.T) {
	server := s3test.Start(t, "backups")
	place := mustOpen(t, "s3://backups", access(server)).(*bucket)
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	content := random(t, 1000)
	for path, b := range map[string][]byte{good: content, bad: append(content[:999:999], 0)} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	nobody := func(string, int64, int64) {}
	if _, err := place.put(t.Context(), "kae-2026-11-22T10.db.zst", good, nobody); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(bad)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := place.arrived(t.Context(), "kae-2026-11-22T10.db.zst", f, 1000); err != errArrived {
		t.Errorf("other content: %v", err)
	}
	if err := place.arrived(t.Context(), "kae-2026-11-22T10.db.zst", f, 999); err != errArrived {
		t.Errorf("another size: %v", err)
	}
	place.undo(t.Context(), "kae-2026-11-22T10.db.zst", true)
	if got := objects(t, server, "backups"); got != "" {
		t.Errorf("there are %s", got)
	}
}

func TestPartsOfAnUploadThatWasCutOffGo(t *testing.T) {
	server := s3test.Start(t, "backups")
	place := mustOpen(t, "s3://backups", access(server)).(*bucket)
	const key = "kae-2026-11-22T10.db.zst"
	core := minio.Core{Client: place.client}
	id, err := core.NewMultipartUpload(t.Context(), "backups", key, minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = core.PutObjectPart(t.Context(), "backups", key, id, 1, strings.NewReader("part"), 4, minio.PutObjectPartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if objects(t, server, "backups") == "" {
		t.Fatal("parts can't be seen, so this proves nothing")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel() // as by the signal that broke it off
	place.undo(ended, key, false)
	if got := objects(t, server, "backups"); got != "" {
		t.Errorf("there are %s", got)
	}
}
