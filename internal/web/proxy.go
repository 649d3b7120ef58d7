package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// client gives the address a request came from: the peer's or, when the peer
// is a trusted proxy, the nearest one that it forwards for and that is none.
// It is invalid when the peer has no address.
func (s *Server) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	forwarded := r.Header["X-Forwarded-For"]
	if len(forwarded) == 0 || !s.trusted(addr) {
		return addr
	}
	// From the right: only what trusted proxies wrote can be believed.
	for i := len(forwarded) - 1; i >= 0; i-- {
		hops := strings.Split(forwarded[i], ",")
		for j := len(hops) - 1; j >= 0; j-- {
			hop, ok := parseHop(strings.TrimSpace(hops[j]))
			if !ok {
				return addr
			}
			addr = hop
			if !s.trusted(addr) {
				return addr
			}
		}
	}
	return addr
}

// parseHop reads an address as proxies write it, with or without a port. Its
// zone means nothing elsewhere, and may be any text.
func parseHop(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if peer, err := netip.ParseAddrPort(s); err == nil {
		return peer.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func (s *Server) trusted(addr netip.Addr) bool {
	for _, p := range s.TrustProxy {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// base gives the public base URL, without a slash at its end.
func (s *Server) base(r *http.Request) string {
	if s.URL != "" {
		return s.URL
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto == "http" || proto == "https" {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && s.trusted(peer.Addr().Unmap()) {
			scheme = proto
		}
	}
	return scheme + "://" + r.Host
}

// forwarded tells whether a proxy says that it asks for somebody else. Many
// give the Host header a loopback address.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// loopbackHost tells whether a Host header names this machine itself, as only
// a browser on this machine would.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// originOf cuts a base URL to what browsers send as Origin.
func originOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	return u.Scheme + "://" + u.Host
}
