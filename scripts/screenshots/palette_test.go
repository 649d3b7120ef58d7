package main

import (
	"image"
	"image/color"
	"slices"
	"testing"
)

// gradient is a picture of very many colours on plain paper.
func gradient(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{250, 249, 247, 255}
			if x%2 == 0 {
				c = color.RGBA{uint8(x), uint8(y), uint8(x + y), 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func TestFewColoursStayWhatTheyAre(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 30, 30))
	for i := range 900 {
		img.SetRGBA(i%30, i/30, color.RGBA{uint8(i % 200), 7, 9, 255})
	}
	painted := newPainter(medianCut(count(img), 256)).paint(img, img.Rect, nil)
	for i := range 900 {
		if got, want := color.RGBAModel.Convert(painted.At(i%30, i/30)), img.RGBAAt(i%30, i/30); got != want {
			t.Fatalf("pixel %d is %v, want %v", i, got, want)
		}
	}
}

func TestManyColoursAreStoodForByNearOnes(t *testing.T) {
	img := gradient(200, 200)
	all := count(img)
	palette := medianCut(all, 256)
	if len(palette) != 256 || len(all) < 10_000 {
		t.Fatalf("%d colours of %d", len(palette), len(all))
	}
	for _, c := range palette {
		if all[c.(color.RGBA)] == 0 {
			t.Fatalf("%v is no colour of the picture", c)
		}
	}
	if !slices.Contains(palette, color.Color(color.RGBA{250, 249, 247, 255})) {
		t.Error("the paper is not what it was")
	}
	painted := newPainter(palette).paint(img, img.Rect, nil)
	worst := 0
	for y := range 200 {
		for x := range 200 {
			a, b := img.RGBAAt(x, y), color.RGBAModel.Convert(painted.At(x, y)).(color.RGBA)
			for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B)} {
				worst = max(worst, d, -d)
			}
		}
	}
	if worst > 40 {
		t.Errorf("a channel is off by %d", worst)
	}
}

func TestThePaletteIsTheSameEachTime(t *testing.T) {
	img := gradient(90, 90)
	if a, b := medianCut(count(img), 64), medianCut(count(img), 64); !slices.Equal(a, b) {
		t.Error("two palettes of one picture differ")
	}
}
