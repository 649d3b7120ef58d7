package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 22, 9, 52, 20, 0, time.UTC)

// square is white paper with a black square.
func square(at image.Point) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 60, 40))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(0, 0, 8, 8).Add(at), image.Black, image.Point{}, draw.Src)
	return img
}

func TestAFilmShowsItsFrames(t *testing.T) {
	places := []image.Point{{2, 2}, {5, 2}, {5, 2}, {40, 30}}
	var frames []frame
	for i, at := range places {
		frames = append(frames, frame{square(at), start.Add(time.Duration(i) * 105 * time.Millisecond)})
	}
	data, err := develop(frames, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	film, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(film.Image) != 3 || film.LoopCount != 0 || film.Config.Width != 60 || film.Config.Height != 40 {
		t.Fatalf("%d frames of %d×%d, %d times", len(film.Image), film.Config.Width, film.Config.Height, film.LoopCount)
	}
	// The third is as the second: it only makes that stand longer.
	for i, want := range []int{10, 21, 100} {
		if film.Delay[i] != want {
			t.Errorf("frame %d stands for %d hundredths, want %d", i, film.Delay[i], want)
		}
	}
	if part := film.Image[1].Rect; part != image.Rect(2, 2, 13, 10) {
		t.Errorf("the second frame draws %v", part)
	}
	seen := image.NewRGBA(image.Rect(0, 0, 60, 40))
	for i, at := range []image.Point{{2, 2}, {5, 2}, {40, 30}} {
		draw.Draw(seen, film.Image[i].Rect, film.Image[i], film.Image[i].Rect.Min, draw.Over)
		if !bytes.Equal(seen.Pix, square(at).Pix) {
			t.Errorf("frame %d looks different", i)
		}
	}
}

func TestAFilmOfNothingIsRefused(t *testing.T) {
	still := square(image.Point{})
	if _, err := develop(nil, time.Second); err == nil {
		t.Error("a film without a frame")
	}
	if data, err := develop([]frame{{still, start}, {still, start.Add(time.Second)}}, time.Second); err != nil {
		t.Errorf("one picture that stands: %v (%d bytes)", err, len(data))
	}
}

func TestAFilmThatIsTooLargeIsRefused(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	var frames []frame
	for i := range 12 {
		img := image.NewRGBA(image.Rect(0, 0, 600, 400))
		for p := range 600 * 400 {
			img.SetRGBA(p%600, p/600, color.RGBA{uint8(chance.Uint32()) & 0xf0, uint8(chance.Uint32()) & 0xf0, 0, 255})
		}
		frames = append(frames, frame{img, start.Add(time.Duration(i) * time.Second)})
	}
	if _, err := develop(frames, time.Second); err == nil {
		t.Error("noise makes a small film")
	}
}
