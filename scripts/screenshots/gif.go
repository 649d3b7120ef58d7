package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"time"
)

// mostFilm is how many bytes the film may have.
const mostFilm = 2_000_000

// frame is a picture of a film, and when it was taken.
type frame struct {
	*image.RGBA
	at time.Time
}

// develop makes a GIF of frames that runs for ever. Of each frame only the
// rectangle is kept that differs from the one before; the last one stands for
// a while.
func develop(frames []frame, rest time.Duration) ([]byte, error) {
	frames = distinct(frames, rest)
	if len(frames) < 2 {
		return nil, errors.New("nothing moves")
	}
	var pictures []*image.RGBA
	for _, f := range frames[:len(frames)-1] {
		pictures = append(pictures, f.RGBA)
	}
	p := newPainter(append(medianCut(count(pictures...), 255), color.Transparent))
	film := &gif.GIF{Config: image.Config{ColorModel: p.palette, Width: pictures[0].Rect.Dx(), Height: pictures[0].Rect.Dy()}}
	var before *image.RGBA
	for i, img := range pictures {
		film.Image = append(film.Image, p.paint(img, differs(before, img), before))
		// Counted from the beginning, so that nothing is rounded away.
		from, to := frames[i].at.Sub(frames[0].at), frames[i+1].at.Sub(frames[0].at)
		film.Delay = append(film.Delay, int(to/(10*time.Millisecond)-from/(10*time.Millisecond)))
		film.Disposal = append(film.Disposal, gif.DisposalNone)
		before = img
	}
	var out bytes.Buffer
	if err := gif.EncodeAll(&out, film); err != nil {
		return nil, err
	}
	if out.Len() > mostFilm {
		return nil, fmt.Errorf("the film has %d bytes; at most %d are possible", out.Len(), mostFilm)
	}
	return out.Bytes(), nil
}

// distinct leaves frames away that are as the one before, and adds one that
// is only the end of the last one's time.
func distinct(frames []frame, rest time.Duration) []frame {
	var kept []frame
	for _, f := range frames {
		if len(kept) == 0 || !bytes.Equal(f.Pix, kept[len(kept)-1].Pix) {
			kept = append(kept, f)
		}
	}
	if len(frames) > 0 {
		kept = append(kept, frame{at: frames[len(frames)-1].at.Add(rest)})
	}
	return kept
}

// differs gives the smallest rectangle outside of which two pictures are the
// same.
func differs(a, b *image.RGBA) image.Rectangle {
	if a == nil {
		return b.Rect
	}
	var part image.Rectangle
	for y := range b.Rect.Dy() {
		i, j := b.PixOffset(0, y), b.PixOffset(b.Rect.Dx(), y)
		if bytes.Equal(a.Pix[i:j], b.Pix[i:j]) {
			continue
		}
		left, right := i, j
		for a.Pix[left] == b.Pix[left] {
			left++
		}
		for a.Pix[right-1] == b.Pix[right-1] {
			right--
		}
		part = part.Union(image.Rect((left-i)/4, y, (right-i+3)/4, y+1))
	}
	return part
}
