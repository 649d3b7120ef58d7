package notify

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

const mostSecret = 4_000 // bytes

// elsewhere tells whether a secret stands in a file or in a variable of kae's
// environment.
func elsewhere(value string) bool {
	return strings.HasPrefix(value, "file:") || strings.HasPrefix(value, "env:")
}

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// Who may make channels could have the console's password, the backups' keys
	// and the database's password sent to anywhere.
	ownSettings = regexp.MustCompile(`(?m)^\s*(export\s+)?(KAE|AWS)_\w+=`)
	ownVariable = regexp.MustCompile(`^(?i:KAE_.*|AWS_.*|PORT|PGPASSWORD|PGSSLPASSWORD)$`)
)

// wrongPlace tells what is wrong with the place where a secret stands.
func wrongPlace(value string) string {
	place, name, _ := strings.Cut(value, ":")
	switch {
	case place == "file" && !filepath.IsAbs(name):
		return "Name the file with its whole path, such as file:/run/secrets/kae."
	case place == "env" && !variable.MatchString(name):
		return "Name the variable by letters, digits and underscores, such as env:OPS_WEBHOOK."
	case place == "env" && ownVariable.MatchString(name):
		return "The variable " + name + " is one of kae's own, which no channel may send: name another one."
	}
	return ""
}

// readSecret gives the secret that stands elsewhere, and what kind of place that
// is.
func readSecret(value string) (secret, place string, err error) {
	if path, ok := strings.CutPrefix(value, "file:"); ok {
		secret, err = readFile(path)
		place = "file"
	} else {
		name := strings.TrimPrefix(value, "env:")
		secret, ok = os.LookupEnv(name)
		if place = "variable"; !ok {
			err = fmt.Errorf("the variable %s is not set", name)
		}
	}
	if err != nil {
		return "", place, err
	}
	if place == "file" && ownSettings.MatchString(secret) {
		return "", place, errOwn
	}
	text := strings.TrimSpace(secret)
	control := func(r rune) bool { return r != '\n' && r != '\r' && r != '\t' && unicode.IsControl(r) }
	if len(secret) > mostSecret || text == "" || strings.ContainsFunc(text, control) {
		return "", place, errors.New("what stands there is empty, too long for a secret, or no text")
	}
	return text, place, nil
}

var errOwn = errors.New("what stands there is a setting of kae's own")

// isOwn tells whether a file holds a setting of kae's, as the environment says.
func isOwn(file os.FileInfo) bool {
	for _, setting := range os.Environ() {
		name, value, _ := strings.Cut(setting, "=")
		path, ok := strings.CutPrefix(value, "file:")
		if !ok || !ownVariable.MatchString(name) {
			continue
		}
		if own, err := os.Stat(path); err == nil && os.SameFile(own, file) {
			return true
		}
	}
	return false
}

// readFile gives what stands in a file. Of a long one, which was named by
// mistake, it gives only so much that it can be told.
func readFile(path string) (string, error) {
	// Opening a pipe would wait for somebody who writes to it.
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("what is named there is no file")
	case isOwn(info):
		return "", errOwn
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostSecret+1))
	return string(b), err
}
