package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"
)

// decode reads a screenshot, with its corner at 0, 0.
func decode(shot []byte) (*image.RGBA, error) {
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	flat := image.NewRGBA(image.Rect(0, 0, size.X, size.Y))
	draw.Draw(flat, flat.Bounds(), img, img.Bounds().Min, draw.Src)
	return flat, nil
}

// count counts the colours of pictures.
func count(pictures ...*image.RGBA) map[color.RGBA]int {
	n := map[color.RGBA]int{}
	for _, img := range pictures {
		for i := 0; i < len(img.Pix); i += 4 {
			n[color.RGBA{img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3]}]++
		}
	}
	return n
}

// shade is a colour and how many pixels have it.
type shade struct {
	c [4]uint8
	n int
}

// box is a part of the space of colours: those in it become one.
type box []shade

// widest gives the channel in which the box is longest, and how long it is.
func (b box) widest() (channel int, length int) {
	for ch := range 4 {
		low, high := uint8(255), uint8(0)
		for _, s := range b {
			low, high = min(low, s.c[ch]), max(high, s.c[ch])
		}
		if l := int(high) - int(low); l > length {
			channel, length = ch, l
		}
	}
	return channel, length
}

// worth is how much is gained by splitting the box.
func (b box) worth() int {
	_, length := b.widest()
	pixels := 0
	for _, s := range b {
		pixels += s.n
	}
	return length * length * min(pixels, 1<<12)
}

// split cuts the box where half of its pixels are on either side.
func (b box) split() (box, box) {
	ch, _ := b.widest()
	slices.SortFunc(b, func(x, y shade) int { return int(x.c[ch]) - int(y.c[ch]) })
	all := 0
	for _, s := range b {
		all += s.n
	}
	at, before := 1, b[0].n
	for at < len(b)-1 && 2*before < all {
		before += b[at].n
		at++
	}
	return b[:at], b[at:]
}

// color gives the one that most of the box's pixels have: what is plain in a
// page stays exactly what it was.
func (b box) color() color.Color {
	most := slices.MaxFunc(b, func(x, y shade) int { return x.n - y.n })
	return color.RGBA{most.c[0], most.c[1], most.c[2], most.c[3]}
}

// medianCut chooses at most n colours that stand for all (Heckbert, “Color
// image quantization for frame buffer display”, 1982).
func medianCut(counts map[color.RGBA]int, n int) color.Palette {
	var all box
	for c, pixels := range counts {
		all = append(all, shade{[4]uint8{c.R, c.G, c.B, c.A}, pixels})
	}
	// The order of a map is chance, and pictures are to be the same each time.
	slices.SortFunc(all, func(x, y shade) int { return slices.Compare(x.c[:], y.c[:]) })
	boxes := []box{all}
	for len(boxes) < n {
		i, best := 0, 0
		for j, b := range boxes {
			if w := b.worth(); w > best {
				i, best = j, w
			}
		}
		if best == 0 {
			break // each box is one colour
		}
		a, b := boxes[i].split()
		boxes[i] = a
		boxes = append(boxes, b)
	}
	var palette color.Palette
	for _, b := range boxes {
		palette = append(palette, b.color())
	}
	return palette
}

// painter paints pictures in the colours of a palette.
type painter struct {
	palette color.Palette
	nearest map[color.RGBA]uint8
}

func newPainter(p color.Palette) *painter { return &painter{p, map[color.RGBA]uint8{}} }

// paint paints a part of a picture. Where the picture is as the one before,
// unless that is nil, the last colour of the palette stands, which is to be
// transparent.
func (p *painter) paint(img *image.RGBA, part image.Rectangle, before *image.RGBA) *image.Paletted {
	out := image.NewPaletted(part, p.palette)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			c := img.RGBAAt(x, y)
			if before != nil && before.RGBAAt(x, y) == c {
				out.SetColorIndex(x, y, uint8(len(p.palette)-1))
				continue
			}
			i, known := p.nearest[c]
			if !known {
				i = uint8(p.palette.Index(c))
				p.nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}

// fewColors gives a screenshot in 256 colours: enough for a page, and a third
// of the bytes.
func fewColors(shot []byte) ([]byte, error) {
	img, err := decode(shot)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&out, newPainter(medianCut(count(img), 256)).paint(img, img.Rect, nil))
	return out.Bytes(), err
}
