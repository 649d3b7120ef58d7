// Command bench measures how many durable heartbeats kae takes, as a ratio to
// a handler that does nothing, on the same machine in the same minutes.
//
//	go run ./bench [-pairs 5] [-seconds 10] [-connections 64] [-tokens 10000] [-keep 10] [-db URL]
//
//	go run ./bench list
//
// The second form measures the console: a page of the list out of 100, 10,000
// and 100,000 tokens, what a first visit loads, and what an open page costs
// (with Debian's chromium).
//
// The first needs wrk. Both need Linux and send traffic to loopback only. Absolute figures depend on
// the machine and on what else it does; quote the ratio.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
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

var (
	pairs       = flag.Int("pairs", 5, "pairs of runs: the handler that does nothing, then kae")
	seconds     = flag.Int("seconds", 10, "length of a run")
	connections = flag.Int("connections", 64, "connections that send heartbeats")
	tokens      = flag.Int("tokens", 10_000, "tokens that get them, at random")
	keep        = flag.Int("keep", 10, "kae's -keep: with 10 the journal is being cut within seconds")
	db          = flag.String("db", "", "kae's -db; default: SQLite in a temporary folder")
	noop        = flag.String("noop", "", "serve the handler that does nothing at this address (used by the bench itself)")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	if *noop != "" {
		log.Fatal(serveNothing(*noop))
	}
	if err := run(); err != nil {
		log.Fatal("bench: ", err)
	}
}

// serveNothing answers heartbeats without looking at them.
func serveNothing(addr string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hb/{value}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "OK") })
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return http.ListenAndServe(addr, mux)
}

func run() error {
	dir, err := os.MkdirTemp("", "kae-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "kae")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/kae")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if flag.Arg(0) == "list" {
		return lists(binary)
	}
	return heartbeats(dir, binary)
}

// heartbeats prints the ratio.
func heartbeats(dir, binary string) error {
	database := *db
	if database == "" {
		database = filepath.Join(dir, "kae.sqlite")
	}
	kaeAt, stopKae, err := start(binary, "serve", "-addr", "ADDR", "-db", database, "-keep", strconv.Itoa(*keep), "-log-level", "warn")
	if err != nil {
		return err
	}
	defer stopKae()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	nothingAt, stopNothing, err := start(self, "-noop", "ADDR")
	if err != nil {
		return err
	}
	defer stopNothing()

	values, err := createTokens(kaeAt, *tokens)
	if err != nil {
		return err
	}
	script := filepath.Join(dir, "heartbeats.lua")
	if err := os.WriteFile(script, []byte(lua(values)), 0o600); err != nil {
		return err
	}
	fmt.Printf("%d connections, %d tokens, runs of %d s\n", *connections, *tokens, *seconds)
	var ratios []float64
	acked := 0
	for i := range *pairs {
		nothing, err := load(nothingAt, script)
		if err != nil {
			return err
		}
		kae, err := load(kaeAt, script)
		if err != nil {
			return err
		}
		acked += kae.requests
		ratios = append(ratios, kae.rate/nothing.rate)
		fmt.Printf("%d: nothing %7.0f/s p99 %s   kae %7.0f/s p99 %s   ratio %.3f\n", i+1, nothing.rate, nothing.p99, kae.rate, kae.p99, kae.rate/nothing.rate)
	}
	slices.Sort(ratios)
	fmt.Printf("median ratio %.3f\n", ratios[len(ratios)/2])
	return check(kaeAt, acked)
}

// start runs a program that serves at a free loopback address, which replaces
// ADDR among its arguments, and waits until it answers.
func start(program string, args ...string) (base string, stop func(), err error) {
	base, _, stop, err = startWith(program, args...)
	return base, stop, err
}

// startWith gives the process's id, too.
func startWith(program string, args ...string) (base string, pid int, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", 0, nil, err
	}
	addr := l.Addr().String()
	l.Close()
	for i, a := range args {
		if a == "ADDR" {
			args[i] = addr
		}
	}
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", 0, nil, err
	}
	stop = func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get("http://" + addr + "/healthz")
		if err == nil {
			resp.Body.Close()
			return "http://" + addr, cmd.Process.Pid, stop, nil
		}
		if time.Now().After(deadline) {
			stop()
			return "", 0, nil, err
		}
	}
}

func createTokens(base string, n int) ([]string, error) {
	values := make([]string, n)
	var group errgroup.Group
	group.SetLimit(64)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64
	for i := range n {
		group.Go(func() error {
			form := url.Values{"name": {fmt.Sprintf("token %d", i)}, "interval": {"1h"}, "tags": {[]string{"db", "web prod", "iot"}[i%3]}}
			req, err := http.NewRequest("POST", base+"/newtoken", strings.NewReader(form.Encode()))
			if err != nil {
				return err
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Accept", "application/json")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var token struct{ Value string }
			if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || resp.StatusCode != http.StatusCreated {
				return fmt.Errorf("POST /newtoken: %s, %w", resp.Status, err)
			}
			values[i] = token.Value
			return nil
		})
	}
	return values, group.Wait()
}

func lua(values []string) string {
	var b bytes.Buffer
	b.WriteString("local values = {\n")
	for _, v := range values {
		fmt.Fprintf(&b, "%q,\n", v)
	}
	b.WriteString("}\nmath.randomseed(os.time())\nrequest = function() return wrk.format('GET', '/hb/' .. values[math.random(#values)]) end\n")
	return b.String()
}

type result struct {
	requests int
	rate     float64
	p99      string
}

var (
	rateLine     = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	requestsLine = regexp.MustCompile(`(\d+) requests in`)
	p99Line      = regexp.MustCompile(`99%\s+(\S+)`)
	failedLine   = regexp.MustCompile(`Non-2xx or 3xx responses: \d+|Socket errors: .*`)
)

func load(base, script string) (result, error) {
	out, err := exec.Command("wrk", "-t1", "-c", strconv.Itoa(*connections), "-d", fmt.Sprintf("%ds", *seconds), "--latency", "-s", script, base).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	if failed := failedLine.Find(out); failed != nil {
		return result{}, fmt.Errorf("wrk: %s", failed)
	}
	rate, requests, p99 := rateLine.FindSubmatch(out), requestsLine.FindSubmatch(out), p99Line.FindSubmatch(out)
	if rate == nil || requests == nil || p99 == nil {
		return result{}, fmt.Errorf("wrk printed\n%s", out)
	}
	var r result
	r.rate, _ = strconv.ParseFloat(string(rate[1]), 64)
	r.requests, _ = strconv.Atoi(string(requests[1]))
	r.p99 = string(p99[1])
	return r, nil
}

// check counts the heartbeats that kae has: no fewer than it acknowledged.
func check(base string, acked int) error {
	beats, next := 0, "/"
	for next != "" {
		req, err := http.NewRequest("GET", base+next, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		var page struct {
			Tokens []struct{ Beats int }
			Next   string
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		resp.Body.Close()
		if err != nil {
			return err
		}
		for _, t := range page.Tokens {
			beats += t.Beats
		}
		next = page.Next
	}
	fmt.Printf("%d acknowledged, %d recorded\n", acked, beats)
	if beats < acked {
		return fmt.Errorf("%d acknowledged heartbeats are missing", acked-beats)
	}
	return nil
}
