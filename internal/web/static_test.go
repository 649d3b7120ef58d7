package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestStaticFilesAreCachedForEver(t *testing.T) {
	s := newWorld().server()
	err := fs.WalkDir(staticTree, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rest := strings.TrimPrefix(name, "static/")
		got := get(s, staticBase+"/"+rest)
		if got.Code != 200 || got.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: status %d, Cache-Control %q", rest, got.Code, got.Header().Get("Cache-Control"))
		}
		if kind := got.Header().Get("Content-Type"); kind == "" || kind != staticTypes[path.Ext(name)] {
			t.Errorf("%s: type %q", rest, kind)
		}
		if other := get(s, "/static/000000000000/"+rest); other.Code != 404 || strings.Contains(other.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s of another version: status %d, Cache-Control %q", rest, other.Code, other.Header().Get("Cache-Control"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/", "/nothing.css", "/fonts", "/%2e%2e/server.go"} {
		if got := get(s, staticBase+name); got.Code != 404 {
			t.Errorf("%q: status %d", name, got.Code)
		}
	}
}

func TestStaticFilesAreZipped(t *testing.T) {
	s := newWorld().server()
	for name, smaller := range map[string]bool{"kae.css": true, "kae.js": true, "fonts/inter.woff2": false} {
		want, err := staticTree.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", staticBase+"/"+name, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		got := httptest.NewRecorder()
		s.ServeHTTP(got, r)
		if zipped := got.Header().Get("Content-Encoding") == "gzip"; zipped != smaller || got.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: zipped %t, want %t; Vary %q", name, zipped, smaller, got.Header().Get("Vary"))
			continue
		}
		var body io.Reader = got.Body
		if smaller {
			if body, err = gzip.NewReader(got.Body); err != nil {
				t.Fatal(err)
			}
		}
		if data, err := io.ReadAll(body); err != nil || !bytes.Equal(data, want) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(data), len(want), err)
		}
	}
}

func TestPagesNameFilesThatExist(t *testing.T) {
	w, _ := scene(t)
	s := w.server()
	links := regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(get(s, "/").Body.String(), -1)
	if len(links) < 4 {
		t.Fatalf("only %d files are named", len(links))
	}
	for _, l := range links {
		if got := get(s, l[1]); got.Code != 200 {
			t.Errorf("%s: status %d", l[1], got.Code)
		}
	}
}

func TestPagesUseIconsThatExist(t *testing.T) {
	var all strings.Builder
	for _, name := range []string{"layout", "icons", "list", "token", "form", "error"} {
		b, err := templateTree.ReadFile("templates/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	defined := map[string]bool{}
	for _, m := range regexp.MustCompile(`<symbol id="i-(\w+)"`).FindAllStringSubmatch(all.String(), -1) {
		defined[m[1]] = true
	}
	used := []string{"miss", "fail", "log", "fire", "gone"}
	for _, m := range regexp.MustCompile(`template "(?:i|ln)" "(\w+)"`).FindAllStringSubmatch(all.String(), -1) {
		used = append(used, m[1])
	}
	for _, look := range looks {
		used = append(used, look.Icon)
	}
	for _, icon := range used {
		if !defined[icon] {
			t.Errorf("there is no icon %q", icon)
		}
	}
}

func TestRobotsStayOut(t *testing.T) {
	if got := get(newWorld().server(), "/robots.txt"); got.Body.String() != "User-agent: *\nDisallow: /\n" {
		t.Errorf("got %q", got.Body)
	}
}
