package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"kae"
	"kae/internal/wrapper"
)

// possible says what could have been written instead.
func possible(what string) error { return errors.New("write " + what) }

func parseAddr(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.ContainsAny(host, " /@") {
		return "", possible("host:port, such as 127.0.0.1:20999, or :20999 for every address, with a port up to 65535")
	}
	return net.JoinHostPort(host, port), nil
}

// isLoopback tells whether what listens there is reached from this machine
// only. A name that can't be looked up is taken for one that is not.
func isLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	if host == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return err == nil && len(ips) > 0 &&
		!slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !ip.Unmap().IsLoopback() })
}

func isPostgres(db string) bool {
	return strings.HasPrefix(db, "postgres://") || strings.HasPrefix(db, "postgresql://")
}

// parseDB never repeats what it read: it may hold a password.
func parseDB(text string) (string, error) {
	db, err := readSecret(text)
	switch {
	case err != nil:
		return "", err
	case db != text && !isPostgres(db):
		return "", errors.New("the file holds no postgres:// URL; a database in a file is named by its path alone")
	case isPostgres(db):
		if _, err := url.Parse(db); err != nil {
			return "", possible("a URL such as postgres://user:password@host:5432/kae, with %40 for an @ in the password")
		}
	case db == "" || strings.Contains(db, "://"):
		return "", possible("a file, or a postgres:// URL")
	}
	return db, nil
}

// readSecret gives what is written, or what stands in the file that
// “file:/path” names, without the end of its line.
func readSecret(text string) (string, error) {
	path, ok := strings.CutPrefix(text, "file:")
	if !ok {
		return text, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const most = 10_000 // somebody who names a wrong file should not wait for it
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return "", err
	}
	b = bytes.TrimRight(b, "\r\n")
	if len(b) == 0 {
		return "", fmt.Errorf("the file %s is empty", path)
	}
	return string(b), nil
}

// parseWatch never repeats what it read: it holds a token.
func parseWatch(text string) (*wrapper.Target, error) {
	text, err := readSecret(text)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		return nil, noWatch
	}
	target, err := wrapper.ParseTarget(text, "")
	if err != nil {
		return nil, noWatch
	}
	return target, nil
}

var noWatch = possible("the whole URL of a heartbeat at another kae or service, such as https://kae.example.org/hb/…")

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "1", "true", "yes", "on":
		return true, nil
	case "0", "false", "no", "off":
		return false, nil
	}
	return false, possible("true or false")
}

func parseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return "", possible("http:// or https:// and a host, without a path, such as https://kae.example.org")
	}
	return u.Scheme + "://" + u.Host, nil
}

var proxyWords = map[string][]netip.Prefix{
	"none":     nil,
	"loopback": {netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	"private": {
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7"),
	},
}

func parseProxies(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if known, ok := proxyWords[part]; ok {
			all = append(all, known...)
		} else if addr, err := netip.ParseAddr(part); err == nil {
			addr = addr.Unmap().WithZone("")
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
		} else if prefix, err := netip.ParsePrefix(part); err == nil {
			all = append(all, prefix.Masked())
		} else {
			return nil, possible("addresses or prefixes such as 10.0.0.0/8, separated by commas, or loopback, private or none")
		}
	}
	return all, nil
}

func parseWhole(text, what string, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, possible(fmt.Sprintf("a whole %s from %d to %d", what, least, most))
	}
	return n, nil
}

func parseLength(text string) (time.Duration, error) {
	d, err := kae.ParseDuration(text)
	if err != nil || d > kae.MaxInterval {
		return 0, possible("a length of time such as 24h, 90m or 7d, up to 3650d; a bare number is seconds")
	}
	return d, nil
}

func parseWord(text string, words ...string) (string, error) {
	if !slices.Contains(words, text) {
		last := len(words) - 1
		return "", possible(strings.Join(words[:last], ", ") + " or " + words[last])
	}
	return text, nil
}
