package wrapper

import (
	"net/url"
	"regexp"
	"strings"

	"kae"
)

// Target is where the heartbeats of one token go.
type Target struct {
	url    *url.URL
	secret mask // what must not be shown: the token's value
}

var (
	tokenValue = regexp.MustCompile(`^[bcdfghjklmnpqrstvwxyz]{20}$`)
	tokenUUID  = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// IsToken tells whether a word looks like a token, and not like a command or a
// signal: a value, a UUID, a whole URL, or a file that holds one of them.
func IsToken(word string) bool {
	return tokenValue.MatchString(word) || tokenUUID.MatchString(word) || strings.HasPrefix(word, "file:") ||
		strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://")
}

// ParseTarget reads a token: a value or UUID, which belongs to the kae at
// base, or a whole URL. Its errors are [kae.Invalid] and do not repeat the
// token: it may be a secret with a typing error.
func ParseTarget(token, base string) (*Target, error) {
	token = strings.TrimSpace(token)
	switch {
	case tokenValue.MatchString(token) || tokenUUID.MatchString(token):
		token = strings.TrimRight(base, "/") + "/hb/" + token
	case !strings.HasPrefix(token, "http://") && !strings.HasPrefix(token, "https://"):
		return nil, noToken
	}
	u, err := url.Parse(strings.TrimRight(token, "/"))
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
		return nil, noToken
	}
	u.Fragment = ""
	return &Target{u, secretsOf(u)}, nil
}

var noToken = &kae.Error{
	Code: kae.Invalid, Field: "token",
	Message: "what is given as the token is none: a token is 20 letters, a UUID, or a whole URL such as https://kae.example.org/hb/…",
}

// shortSecret is the length below which a part of somebody else's URL is taken
// for a plain word; hiding “api” wherever it stands would hide too much.
const shortSecret = 8

// secretsOf finds what is secret in a URL: what follows /hb/ and, where kae
// does not know its way about, everything that is long enough.
func secretsOf(u *url.URL) mask {
	var found mask
	if password, ok := u.User.Password(); ok {
		found.add(password)
	}
	path := u.EscapedPath()
	_, after, ours := strings.Cut(path, "/hb/")
	if ours {
		path = after
	}
	for part := range strings.SplitSeq(path, "/") {
		if ours || len(part) >= shortSecret {
			found.add(part)
			if plain, err := url.PathUnescape(part); err == nil {
				found.add(plain)
			}
		}
	}
	for _, values := range u.Query() {
		for _, value := range values {
			if len(value) >= shortSecret {
				found.add(value)
				found.add(url.QueryEscape(value))
			}
		}
	}
	return found
}

// heartbeat gives the URL of one heartbeat: signal is what stands below
// the token's URL, or nothing.
func (t *Target) heartbeat(signal string, query url.Values) string {
	u := *t.url
	if signal != "" {
		u = *u.JoinPath(signal)
	}
	switch q := query.Encode(); {
	case q == "":
	case u.RawQuery == "":
		u.RawQuery = q
	default:
		u.RawQuery += "&" + q
	}
	return u.String()
}
