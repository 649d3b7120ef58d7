package web

import (
	"html/template"
	"math"
	"strconv"

	"kae"
)

// drawing is paths, relative within each, so that they are short and alike.
type drawing struct {
	buf  []byte
	wide int // of a cell
	mid  float64
	x, y float64 // where the pen is
	open bool    // whether the path has begun
}

func (d *drawing) html() template.HTML { return template.HTML(d.buf) } // letters and numbers only

func (d *drawing) begin(class string) *drawing {
	d.open = false
	d.buf = append(d.buf, `<path class="`...)
	d.buf = append(d.buf, class...)
	d.buf = append(d.buf, `" d="`...)
	return d
}

func (d *drawing) end() { d.buf = append(d.buf, `"/>`...) }

func (d *drawing) text(s string) *drawing { d.buf = append(d.buf, s...); return d }

func (d *drawing) number(n float64) *drawing {
	d.buf = coordinate(d.buf, n)
	return d
}

// coordinate writes a number as short as it goes, to a tenth.
func coordinate(buf []byte, n float64) []byte {
	return strconv.AppendFloat(buf, math.Round(n*10)/10, 'f', -1, 64)
}

// pair writes two numbers; a minus separates by itself.
func (d *drawing) pair(a, b float64) *drawing {
	d.number(a)
	if b >= 0 {
		d.text(" ")
	}
	return d.number(b)
}

// to lifts the pen and sets it down.
func (d *drawing) to(x, y float64) *drawing {
	if d.open {
		d.text("m").pair(x-d.x, y-d.y)
	} else {
		d.text("M").pair(x, y)
	}
	d.x, d.y, d.open = x, y, true
	return d
}

// shape draws something whose end lies dx and dy from its start.
func (d *drawing) shape(s string, dx, dy float64) {
	d.text(s)
	d.x, d.y = d.x+dx, d.y+dy
}

// look is how an outcome is drawn.
type look struct {
	kae.Outcome
	class string
	draw  func(d *drawing, x float64, n int) // n cells from x
}

// inOne draws a run of cells in one.
func inOne(dx, dy, longer float64) func(*drawing, float64, int) {
	return func(d *drawing, x float64, n int) {
		long := float64(n*d.wide) + longer
		d.to(x+dx, d.mid+dy).text("h").number(long)
		d.x += long
	}
}

// perCell draws a shape for each cell.
func perCell(dx, dy float64, shape string, endX, endY float64) func(*drawing, float64, int) {
	return func(d *drawing, x float64, n int) {
		for i := range n {
			d.to(x+dx+float64(i*d.wide), d.mid+dy).shape(shape, endX, endY)
		}
	}
}

// cells draws outcomes, the first of them in the cell of a number.
func (d *drawing) cells(looks []look, cells []kae.Outcome, first int) {
	for _, look := range looks {
		begun := false
		for i := 0; i < len(cells); {
			if cells[i] != look.Outcome {
				i++
				continue
			}
			n := 1
			for i+n < len(cells) && cells[i+n] == look.Outcome {
				n++
			}
			if !begun {
				d.begin(look.class)
				begun = true
			}
			look.draw(d, float64((first+i)*d.wide), n)
			i += n
		}
		if begun {
			d.end()
		}
	}
}
