package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// lists prints what a page of the list costs, by the number of tokens.
func lists(binary string) error {
	fmt.Println("milliseconds of a page of the list, rendered and zipped, median of 40 requests over loopback:")
	for _, n := range []int{100, 10_000, 100_000} {
		if err := withTokens(binary, n, func(base string, _ []string, _ int) error { return pages(base, n) }); err != nil {
			return err
		}
	}
	return withTokens(binary, 10_000, openPage)
}

// withTokens runs kae with tokens that all had a heartbeat.
func withTokens(binary string, n int, f func(base string, values []string, pid int) error) error {
	dir, err := os.MkdirTemp("", "kae-bench-list-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	base, pid, stop, err := startWith(binary, "serve", "-addr", "ADDR", "-db", filepath.Join(dir, "kae.sqlite"), "-log-level", "warn")
	if err != nil {
		return err
	}
	defer stop()
	values, err := createTokens(base, n)
	if err != nil {
		return err
	}
	if err := beatAll(context.Background(), base, values, 0); err != nil {
		return err
	}
	return f(base, values, pid)
}

// beatAll sends a heartbeat to each token, spread over a time.
func beatAll(ctx context.Context, base string, values []string, over time.Duration) error {
	var group errgroup.Group
	group.SetLimit(64)
	began := time.Now()
	for i, v := range values {
		if wait := time.Until(began.Add(over * time.Duration(i) / time.Duration(len(values)))); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			resp, err := http.Get(base + "/hb/" + v)
			if err != nil {
				return err
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("a heartbeat: %s", resp.Status)
			}
			return nil
		})
	}
	return group.Wait()
}

// get asks as browsers do, and gives the time until the end of the answer.
func get(u string) (body []byte, wire int, took time.Duration, err error) {
	req, err := http.NewRequest("GET", u, nil)
	if err != nil {
		return nil, 0, 0, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Encoding", "gzip")
	began := time.Now()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, 0, 0, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	took, wire = time.Since(began), len(body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", u, resp.Status)
	}
	if err == nil && resp.Header.Get("Content-Encoding") == "gzip" {
		var z *gzip.Reader
		if z, err = gzip.NewReader(strings.NewReader(string(body))); err == nil {
			body, err = io.ReadAll(z)
		}
	}
	return body, wire, took, err
}

var nextLink = regexp.MustCompile(`href="(/\?[^"]*after=[^"]*)"`)

// pages measures the first page in several ways, and one far behind it.
func pages(base string, n int) error {
	queries := map[string]string{
		"worst first": "/", "is:up": "/?q=is:up", "tag:db": "/?q=tag:db", "two words": "/?q=" + url.QueryEscape("token 7"),
		"found nowhere": "/?q=nowhere", "by name": "/?sort=name", "by last": "/?sort=last",
	}
	if body, _, _, err := get(base + "/"); err != nil {
		return err
	} else if m := nextLink.FindSubmatch(body); m != nil {
		queries["the second page"] = strings.ReplaceAll(string(m[1]), "&amp;", "&")
	}
	fmt.Printf("%d tokens:", n)
	for _, name := range sortedKeys(queries) {
		var all []time.Duration
		for range 40 {
			_, _, took, err := get(base + queries[name])
			if err != nil {
				return err
			}
			all = append(all, took)
		}
		slices.Sort(all)
		fmt.Printf("  %s %.1f", name, float64(all[len(all)/2].Microseconds())/1000)
	}
	fmt.Println()
	return weigh(base)
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

var asset = regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`)

// weigh prints what a first visit of the list loads.
func weigh(base string) error {
	body, total, _, err := get(base + "/")
	if err != nil {
		return err
	}
	fmt.Printf("  first load: page %.1f kB", float64(total)/1000)
	seen := map[string]bool{}
	for _, m := range asset.FindAllSubmatch(body, -1) {
		path := string(m[1])
		if seen[path] {
			continue
		}
		seen[path] = true
		_, wire, _, err := get(base + path)
		if err != nil {
			return err
		}
		total += wire
		fmt.Printf(", %s %.1f", filepath.Base(path), float64(wire)/1000)
	}
	fmt.Printf("; %.1f kB in all\n", float64(total)/1000)
	return nil
}

const watched = 30 * time.Second

// openPage measures what an open page costs while 10,000 tokens beat once a
// minute: the browser, and the server beside what heartbeats alone cost it.
func openPage(base string, values []string, pid int) error {
	ctx, cancel := context.WithCancel(context.Background())
	beating := make(chan error, 1)
	go func() {
		var err error
		for err == nil && ctx.Err() == nil {
			err = beatAll(ctx, base, values, time.Minute)
		}
		beating <- err
	}()
	alone := share(func() float64 { return cpu(pid) })
	browser, stop, err := openBrowser(base + "/")
	if err != nil {
		cancel()
		return err
	}
	time.Sleep(5 * time.Second) // the page is loaded and painted
	var with float64
	shown := share(func() float64 { return cpuOfGroup(browser) }, func() { with = share(func() float64 { return cpu(pid) }) })
	stop()
	cancel()
	if err := <-beating; err != nil {
		return err
	}
	fmt.Printf("10,000 tokens that beat once a minute, of one core: browser with the page open %.1f %%; kae without it %.1f %%, with it %.1f %%\n", 100*shown, 100*alone, 100*with)
	return nil
}

// share gives the part of a core that something uses, while the rest runs or
// for a while.
func share(used func() float64, meanwhile ...func()) float64 {
	before, began := used(), time.Now()
	for _, f := range meanwhile {
		f()
	}
	if len(meanwhile) == 0 {
		time.Sleep(watched)
	}
	return (used() - before) / time.Since(began).Seconds()
}

// openBrowser opens a page in a browser of its own, all of whose processes are
// in one process group.
func openBrowser(page string) (group int, stop func(), err error) {
	dir, err := os.MkdirTemp("", "kae-bench-browser-")
	if err != nil {
		return 0, nil, err
	}
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--remote-debugging-port=0", "--window-size=1440,1000", "--user-data-dir="+dir, page)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	return cmd.Process.Pid, func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		os.RemoveAll(dir)
	}, nil
}

// stat reads a process's group and the seconds of processor time that it used;
// see proc_pid_stat(5). A clock tick is a hundredth of a second on Linux.
func stat(pid int) (group int, seconds float64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	fields := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
	if len(fields) < 13 {
		return 0, 0
	}
	group, _ = strconv.Atoi(fields[2])
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return group, (user + system) / 100
}

func cpu(pid int) float64 {
	_, seconds := stat(pid)
	return seconds
}

func cpuOfGroup(group int) (seconds float64) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if g, s := stat(pid); g == group {
				seconds += s
			}
		}
	}
	return seconds
}
