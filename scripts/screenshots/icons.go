package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// icon is the eye on a home screen.
type icon struct {
	name  string
	size  int64
	eye   float64 // its width, of the icon's
	round float64 // radius of the corners, of the icon's width
}

// Apple and Android cut the corners themselves; of a maskable icon only the
// circle in the middle, four fifths as wide, is sure to be seen.
var icons = []icon{
	{"icon-192.png", 192, 0.88, 0.22},
	{"icon-512.png", 512, 0.88, 0.22},
	{"icon-maskable-512.png", 512, 0.72, 0},
	{"apple-touch-icon.png", 180, 0.84, 0},
}

// drawIcons draws the favicon on paper.
func drawIcons(ctx context.Context, b *tab, _, to string) error {
	const static = "internal/web/static"
	eye, err := os.ReadFile(filepath.Join(to, static, "favicon.svg"))
	if err != nil {
		return err
	}
	if err := b.media("light", "reduce"); err != nil {
		return err
	}
	// What is not painted is transparent. None at all would not be sent.
	clear := emulation.SetDefaultBackgroundColorOverrideParams{Color: &cdp.RGBA{A: 1e-6}}
	if _, err := chromedp.Call(b.ctx, emulation.SetDefaultBackgroundColorOverride, clear); err != nil {
		return err
	}
	for _, i := range icons {
		if err := b.do(chromedp.EmulateViewport(i.size, i.size), chromedp.Navigate("about:blank")); err != nil {
			return err
		}
		html := fmt.Sprintf(`<div style="position:fixed;inset:0;display:grid;place-items:center;background:#faf9f7;border-radius:%gvw"><div style="width:%gvw;line-height:0">%s</div></div>`,
			100*i.round, 100*i.eye, eye)
		if err := b.run(fmt.Sprintf("document.body.innerHTML = %q", html)); err != nil {
			return err
		}
		shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			return err
		}
		small, err := fewColors(shot)
		if err != nil {
			return err
		}
		if err := write(to, filepath.Join(static, i.name), small); err != nil {
			return err
		}
	}
	return nil
}
