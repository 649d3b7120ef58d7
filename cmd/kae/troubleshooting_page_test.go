package main

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Faults of the program itself, parts of other messages, and what only the demo says.
var unexplained = []string{
	"the default of … is wrong: …", "the default of -… is wrong: …", "the store is closed", "the transaction is over",
	"…", "…: …", "a whole … from … to …", "… (SQLSTATE …)", "write ", ", … or …",
}

// docs/troubleshooting.md says of every message what to do.
func TestTroubleshootingPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Join(strings.Fields(string(page)), " ")
	n := 0
	for _, dir := range []string{".", "../../internal/sqlstore", "../../internal/keeper", "../../internal/backup", "../../internal/wrapper", "../../internal/roster", "../../internal/web", "../../internal/notify"} {
		files, _ := filepath.Glob(dir + "/*.go")
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == "demo.go" {
				continue
			}
			for _, message := range messages(t, file) {
				n++
				if !slices.Contains(unexplained, message) && !strings.Contains(known, strings.TrimSpace(strings.TrimSuffix(message, "…"))) {
					t.Errorf("%s says what docs/troubleshooting.md does not explain: %s", file, message)
				}
			}
		}
	}
	if n < 150 {
		t.Errorf("only %d messages were found", n)
	}
}

var verb = regexp.MustCompile(`%\[?[0-9]*\]?[sqvdw]`)

// messages gives the texts of the errors that a file makes, with … for what
// is put in.
func messages(t *testing.T, path string) (all []string) {
	file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := func(e ast.Expr) { // what a text that is put together begins with will do
		begun := false
		ast.Inspect(e, func(n ast.Node) bool {
			if begun {
				return false
			}
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
				begun = true
				s, _ := strconv.Unquote(lit.Value)
				if s = verb.ReplaceAllString(s, "…"); strings.Contains(s, " ") || len(s) > 20 {
					all = append(all, s)
				}
			}
			return true
		})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if name := callee(n); len(n.Args) > 0 && slices.Contains([]string{"usage", "possible", "fmt.Errorf", "errors.New"}, name) {
				text(n.Args[0])
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Message" {
				if call, ok := n.Value.(*ast.CallExpr); ok && len(call.Args) > 0 {
					text(call.Args[0])
				} else {
					text(n.Value)
				}
			}
		}
		return true
	})
	return all
}

func callee(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}
