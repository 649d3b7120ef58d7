package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"kae"
)

//go:embed static
var staticTree embed.FS

// The types are named here: what a machine's mime tables say differs.
var staticTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",

	".webmanifest": "application/manifest+json",
}

// staticBase is where the files are: under the hash of all of them, so that
// they can be cached for ever and never mix with those of another version.
var staticBase = "/static/" + treeHash(staticTree)

func treeHash(tree fs.FS) string {
	sum := sha256.New()
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		sum.Write([]byte(name + "\x00" + strconv.Itoa(len(data)) + "\x00"))
		sum.Write(data)
		return err
	})
	if err != nil {
		panic(err) // it is embedded: it is there
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// zippedFiles has the files that get smaller, zipped once.
var zippedFiles = sync.OnceValue(func() map[string][]byte {
	zipped := map[string][]byte{}
	fs.WalkDir(staticTree, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := staticTree.ReadFile(name)
		var buf bytes.Buffer
		z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // the level is valid
		z.Write(data)
		if z.Close(); buf.Len() < len(data)*9/10 {
			zipped[strings.TrimPrefix(name, "static/")] = buf.Bytes()
		}
		return err
	})
	return zipped
})

func (s *Server) staticFile(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("path")
	data, err := staticTree.ReadFile("static/" + name)
	if err != nil || "/static/"+r.PathValue("hash") != staticBase {
		return &kae.Error{Code: kae.NotFound, Message: "There is no such file."}
	}
	w.Header().Set("Vary", "Accept-Encoding")
	if small, ok := zippedFiles()[name]; ok && acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		data = small
	}
	writeFile(w, name, data, "public, max-age=31536000, immutable")
	return nil
}

// favicon is for what asks without having seen a page.
func (s *Server) favicon(w http.ResponseWriter, r *http.Request) error {
	data, err := staticTree.ReadFile("static/favicon.svg")
	if err != nil {
		return err
	}
	writeFile(w, "favicon.svg", data, "public, max-age=86400")
	return nil
}

func writeFile(w http.ResponseWriter, name string, data []byte, caching string) {
	kind := staticTypes[path.Ext(name)]
	if path.Ext(name) == ".svg" {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Header().Set("Cache-Control", caching)
	w.Write(data)
}

func robots(w http.ResponseWriter, r *http.Request) error {
	w.Header()["Content-Type"] = plainText
	_, err := w.Write([]byte("User-agent: *\nDisallow: /\n"))
	return err
}
