package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"kae/internal/demo"
)

// sunday is the moment of all stills.
var sunday = time.Date(2026, 11, 22, 9, 52, 20, 0, time.UTC)

// still is one picture of the demo.
type still struct {
	name   string // of the file in docs/screenshots, and in it the width and the theme
	width  int64
	height int64  // 0: the whole page
	theme  string // light or dark
	path   string // of the page, or
	token  string // the name of the token whose page it is
	first  string // JavaScript to run before
}

var stills = []still{
	{name: "list-1440-light", width: 1440, height: 1000, theme: "light", path: "/"},
	{name: "list-1440-dark", width: 1440, height: 1000, theme: "dark", path: "/"},
	{name: "list-390-light", width: 390, height: 844, theme: "light", path: "/"},
	{name: "list-390-dark", width: 390, height: 844, theme: "dark", path: "/"},
	{name: "bodies-1440-light", width: 1440, height: 1100, theme: "light", token: "Orders database dump"},
	{name: "token-1440-dark", width: 1440, height: 1100, theme: "dark", token: "Video transcoding"},
	{name: "token-390-light", width: 390, height: 844, theme: "light", token: "Orders database dump"},
	{name: "unknown-1440-light", width: 1440, height: 800, theme: "light", token: "Tape library inventory"},
	{name: "fresh-1440-light", width: 1440, height: 800, theme: "light", token: "Audit log export for the accountants"},
	{name: "strays-1440-light", width: 1440, height: 560, theme: "light", path: "/strays"},
	{name: "channels-1440-light", width: 1440, height: 1200, theme: "light", path: "/channels"},
	{name: "edit-1440-light", width: 1440, height: 1000, theme: "light", token: "Orders database dump/edit"},
}

// scale is how many pixels a picture has for each of the page's: a phone has
// more of them.
func (s still) scale() float64 {
	if s.width < 600 {
		return 2
	}
	return 1
}

// takeStills takes all stills of one demo.
func takeStills(ctx context.Context, b *tab, kae, to string) (err error) {
	url, stop, err := launch(ctx, kae, filepath.Dir(kae), "demo", "-at", sunday.Format(time.RFC3339))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	pages := map[string]string{}
	for _, t := range demo.New(sunday).Tokens {
		page := fmt.Sprintf("/tokens/%d", t.ID)
		pages[t.Name], pages[t.Name+"/edit"] = page, page+"/edit"
	}
	if err := b.stopClock(sunday); err != nil {
		return err
	}
	for _, s := range stills {
		if s.path == "" {
			if s.path = pages[s.token]; s.path == "" {
				return fmt.Errorf("the demo has no token %q", s.token)
			}
		}
		picture, err := b.still(s, url)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := write(to, "docs/screenshots/"+s.name+".png", picture); err != nil {
			return err
		}
	}
	return nil
}

// still takes one picture.
func (b *tab) still(s still, url string) ([]byte, error) {
	if err := b.media(s.theme, "reduce"); err != nil {
		return nil, err
	}
	height := s.height
	if height == 0 {
		height = 900
	}
	if err := b.do(chromedp.EmulateViewport(s.width, height, chromedp.EmulateScale(s.scale()))); err != nil {
		return nil, err
	}
	if err := b.open(url + s.path); err != nil {
		return nil, err
	}
	if s.first != "" {
		if err := b.run(s.first); err != nil {
			return nil, err
		}
	}
	capture := chromedp.CaptureScreenshot()
	if s.height == 0 {
		capture = chromedp.FullScreenshot(100)
	}
	shot, err := chromedp.Run(b.ctx, capture)
	if err != nil {
		return nil, err
	}
	return fewColors(shot)
}
