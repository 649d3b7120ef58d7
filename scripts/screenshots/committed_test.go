package main

import (
	"fmt"
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// top is the folder of the module.
const top = "../.."

func TestTheFilmIsSmallAndRunsForEver(t *testing.T) {
	path := filepath.Join(top, "assets/kae.gif")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > mostFilm {
		t.Errorf("it has %d bytes", info.Size())
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	film, err := gif.DecodeAll(f)
	if err != nil {
		t.Fatal(err)
	}
	hundredths := 0
	for _, d := range film.Delay {
		hundredths += d
	}
	if w := film.Config.Width; w < 800 || w > 1000 || film.LoopCount != 0 || hundredths < 1000 || hundredths > 4000 {
		t.Errorf("%d pixels wide, %d s, %d times", w, hundredths/100, film.LoopCount)
	}
}

// What the texts show is there, is made here, and is as wide as it says.
func TestThePicturesAreThoseThatAreShown(t *testing.T) {
	made := map[string]still{}
	for _, s := range stills {
		made["docs/screenshots/"+s.name+".png"] = s
		if width, theme := fmt.Sprintf("-%d-", s.width), "-"+s.theme; !strings.Contains(s.name, width) || !strings.HasSuffix(s.name, theme) {
			t.Errorf("%s is %d wide and %s", s.name, s.width, s.theme)
		}
	}
	texts, err := filepath.Glob(top + "/docs/*.md")
	if err != nil || len(texts) == 0 {
		t.Fatal(texts, err)
	}
	shown := 0
	for _, text := range append(texts, top+"/README.md") {
		b, err := os.ReadFile(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:!\[[^\]]+\]\(|<img [^>]*src=")([^)"]+)[)"]`).FindAllSubmatch(b, -1) {
			shown++
			path, err := filepath.Rel(top, filepath.Join(filepath.Dir(text), string(m[1])))
			if _, known := made[path]; !known && path != "assets/kae.gif" || err != nil {
				t.Errorf("%s shows %s, which is not made here", text, path)
			}
		}
	}
	if shown < 5 {
		t.Errorf("only %d pictures are shown", shown)
	}
	for path, s := range made {
		f, err := os.Open(filepath.Join(top, path))
		if err != nil {
			t.Error(err)
			continue
		}
		img, err := png.DecodeConfig(f)
		f.Close()
		if err != nil || float64(img.Width) != float64(s.width)*s.scale() {
			t.Errorf("%s is %d wide: %v", path, img.Width, err)
		}
	}
	files, err := filepath.Glob(top + "/docs/screenshots/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if path, _ := filepath.Rel(top, file); made[path].name == "" {
			t.Errorf("nothing makes %s", path)
		}
	}
}

func TestKaeSaysWhereItIs(t *testing.T) {
	for said, want := range map[string]string{
		"kae is at http://127.0.0.1:4711":                                 "127.0.0.1:4711",
		"kae is at http://127.0.0.1:20999 (listening on 127.0.0.1:4711)":  "127.0.0.1:4711",
		"kae is at https://kae.example.org (listening on 127.0.0.1:4711)": "127.0.0.1:4711",
	} {
		if m := address.FindStringSubmatch(said); m == nil || m[1] != want {
			t.Errorf("%q: %q", said, m)
		}
	}
}
