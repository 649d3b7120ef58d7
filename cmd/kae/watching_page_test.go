package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.yaml.in/yaml/v3"
)

const watchingPage = "../../docs/watching.md"

// allMetrics is what a kae that has all kinds of metrics tells Prometheus.
func allMetrics(t *testing.T) string {
	t.Helper()
	p := launch(t, t.TempDir(), "-metrics-names", "-backup-every", "1h", "-backup-to", t.TempDir())
	made := p.create("job", 3600)
	p.beat(made.Value)
	text := p.scrape()
	if strings.Contains(text, made.Value) || strings.Contains(text, made.UUID) {
		t.Error("the metrics hold a token's value")
	}
	return text
}

// scrape gives what kae tells Prometheus.
func (p *program) scrape() string {
	p.Helper()
	response, err := http.Get(p.url + "/metrics")
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		p.Fatalf("%s, %v: %s", response.Status, err, text)
	}
	return string(text)
}

// metricsTable is the part of the page about kae's own metrics.
func metricsTable(text string) string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | |\n|---|---|---|---|\n")
	kinds, labels := map[string]string{}, map[string][]string{}
	for line := range strings.Lines(text) {
		if name, kind, ok := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " "); ok && strings.HasPrefix(line, "# TYPE ") {
			kinds[name] = strings.TrimSpace(kind)
		}
		if m := regexp.MustCompile(`^(\w+)\{(.*)\} `).FindStringSubmatch(line); m != nil {
			name := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(m[1], "")
			for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(m[2], -1) {
				if l[1] != "le" && !slices.Contains(labels[name], "`"+l[1]+"`") {
					labels[name] = append(labels[name], "`"+l[1]+"`")
				}
			}
		}
	}
	for line := range strings.Lines(text) {
		if name, help, ok := strings.Cut(strings.TrimPrefix(line, "# HELP "), " "); ok && strings.HasPrefix(line, "# HELP kae_") {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, kinds[name], strings.Join(labels[name], ", "), strings.TrimSpace(help))
		}
	}
	return b.String()
}

func TestWatchingPageTellsOfEveryMetric(t *testing.T) {
	t.Parallel()
	text := allMetrics(t)
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	page, err := os.ReadFile(watchingPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "-update -->\n\n", "\n<!-- end -->"
	head, rest, ok := strings.Cut(string(page), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the page has no place for the metrics")
	}
	want := head + begin + metricsTable(text) + end + tail
	if *update {
		if err := os.WriteFile(watchingPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/watching.md is out of date; go test ./cmd/kae -run WatchingPage -update\n%s", diff)
	}
}

// A rule about a metric that is not there never fires.
func TestAlertRulesAreAboutMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../../deploy/kae.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(file)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	text := allMetrics(t)
	metric := regexp.MustCompile(`\b(kae_\w+)(\{[^}]*\})?`)
	n := 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			n++
			if rule.Labels["severity"] == "" || !strings.Contains(rule.Annotations["summary"], ". ") {
				t.Errorf("%s does not say what is wrong and what to do", rule.Alert)
			}
			found := metric.FindAllStringSubmatch(rule.Expr, -1)
			if len(found) == 0 && rule.Alert != "KaeDown" {
				t.Errorf("%s is about no metric", rule.Alert)
			}
			for _, m := range found {
				line := regexp.MustCompile(`(?m)^` + m[1] + `\b.*` + regexp.QuoteMeta(strings.Trim(m[2], "{}")))
				if !line.MatchString(text) {
					t.Errorf("%s is about %s, which kae does not export", rule.Alert, m[0])
				}
			}
			for _, m := range metric.FindAllStringSubmatch(rule.Annotations["summary"], -1) {
				if !strings.Contains(text, "# TYPE "+m[1]+" ") {
					t.Errorf("%s points to %s, which kae does not export", rule.Alert, m[1])
				}
			}
		}
	}
	if n < 7 {
		t.Errorf("only %d rules were read", n)
	}
}

// logCall is one place that logs: its message, and its fields in order.
type logCall struct {
	file, message string
	level         string
	fields        []string
}

// Every message at info and above stands in the page with its fields, and no
// other does.
func TestWatchingPageTellsOfEveryLogMessage(t *testing.T) {
	page, err := os.ReadFile(watchingPage)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| msg | level | fields | |\n|---|---|---|---|\n")
	told := map[string][2]string{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 6 {
			told[strings.Trim(cells[1], " `")] = [2]string{strings.TrimSpace(cells[2]), cells[3]}
		}
	}
	seen := map[string]bool{}
	for _, call := range logCalls(t) {
		if call.level == "Debug" {
			continue
		}
		cells, ok := told[call.message]
		if !ok {
			t.Errorf("%s logs what docs/watching.md does not tell of: %s", call.file, call.message)
			continue
		}
		seen[call.message] = true
		if call.level != "LogAttrs" && cells[0] != strings.ToLower(call.level) {
			t.Errorf("%q is logged at %s, and the page says %s", call.message, call.level, cells[0])
		}
		var fields []string
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			fields = append(fields, m[1])
		}
		if diff := cmp.Diff(call.fields, fields); diff != "" {
			t.Errorf("%q has other fields (-code +page)\n%s", call.message, diff)
		}
	}
	for message := range told {
		if !seen[message] {
			t.Errorf("docs/watching.md tells of what kae does not log: %s", message)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d messages were found", len(seen))
	}
}

// logCalls finds the calls of methods of a [slog.Logger] in all that belongs to
// a running kae. Of LogAttrs the fields are those that the function makes.
func logCalls(t *testing.T) (calls []logCall) {
	t.Helper()
	files, err := filepath.Glob("../../internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := filepath.Glob("*.go")
	for _, path := range append(files, own...) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			ast.Inspect(d, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				f, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || !slices.Contains([]string{"log", "Log"}, lastName(f.X)) {
					return true
				}
				c := logCall{file: path, level: f.Sel.Name}
				switch c.level {
				case "Debug", "Info", "Warn", "Error":
					c.message = textOf(t, path, call.Args[0])
					for i := 1; i < len(call.Args); i += 2 {
						c.fields = append(c.fields, textOf(t, path, call.Args[i]))
					}
				case "LogAttrs":
					c.message, c.fields = textOf(t, path, call.Args[2]), attrs(t, path, d)
				case "Log", "With", "WithGroup", "DebugContext", "InfoContext", "WarnContext", "ErrorContext":
					t.Errorf("%s calls %s of a log, which this test can't read", path, c.level)
					return true
				default:
					return true
				}
				calls = append(calls, c)
				return true
			})
		}
	}
	return calls
}

// attrs gives the keys of all attributes that are made in a function.
func attrs(t *testing.T, path string, in ast.Decl) (keys []string) {
	ast.Inspect(in, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && strings.HasPrefix(callee(call), "slog.") && len(call.Args) == 2 {
			if key := textOf(t, path, call.Args[0]); !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		return true
	})
	return keys
}

// lastName gives log of b.log.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func textOf(t *testing.T, path string, e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != gotoken.STRING {
		t.Errorf("%s logs a message or a field that is not written out", path)
		return ""
	}
	text, _ := strconv.Unquote(lit.Value)
	return text
}
