package notify

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program writes a shell script.
func program(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tell")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCommand(t *testing.T) {
	t.Setenv("KAE_PASS", "hunter2222")
	dir := t.TempDir()
	script := program(t, `env | LC_ALL=C sort >"$1/env"; cat >"$1/in"; echo one; echo "told $2"`)
	s := open(t, "command", Options{AllowCommands: true}, "program", script, "arguments", dir+"\r\ntwo words\n\n")
	all := ""
	for _, name := range []string{"failed", "recovered", "mixed", "test"} {
		answer, err := s.Send(t.Context(), scenes(t)[name])
		if err != nil || answer != "exit status 0: told two words" {
			t.Fatalf("%s: %q, %v", name, answer, err)
		}
		env, _ := os.ReadFile(filepath.Join(dir, "env"))
		in, _ := os.ReadFile(filepath.Join(dir, "in"))
		if strings.Contains(string(env), "hunter") {
			t.Error("it sees kae's password")
		}
		var p payload
		if err := json.Unmarshal(in, &p); err != nil || p.Key != "kae-"+name+"-1" {
			t.Errorf("%s: its input is %q: %v", name, in, err)
		}
		all += "==== " + name + "\n\n" + pick(strings.Split(string(env), "\n")) + "\n"
	}
	golden(t, "command", all)
}

// pick gives the variables that are of one line.
func pick(lines []string) string {
	var all []string
	for _, l := range lines {
		if strings.HasPrefix(l, "KAE_") && !strings.HasPrefix(l, "KAE_ALERT_TEXT=") {
			all = append(all, l+"\n")
		}
	}
	return strings.Join(all, "")
}

func TestCommandRefuses(t *testing.T) {
	s := open(t, "command", Options{AllowCommands: true}, "program", program(t, "echo starting; echo it is broken >&2; exit 3"))
	_, err := send(t, s)
	if refused, ok := errors.AsType[*Refused](err); !ok || refused.Permanent || refused.Answer != "The command ended with exit status 3: it is broken" {
		t.Errorf("got %v", err)
	}
	if _, err = send(t, open(t, "command", Options{AllowCommands: true}, "program", "/nowhere/at/all")); err == nil || !strings.HasPrefix(err.Error(), "the command can't be run: ") {
		t.Errorf("got %v", err)
	}
}

// A command that does not end is killed with all that it started.
func TestCommandThatHangsIsKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	s := open(t, "command", Options{AllowCommands: true, Timeout: 200 * time.Millisecond}, "program", program(t, "sleep 100 & echo $! >\"$1\"; wait"), "arguments", file)
	if _, err := send(t, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := json.Unmarshal(text, &pid); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(text)) + "/stat")
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatal("what it started runs on")
		}
	}
}

func TestCommandsNeedLeave(t *testing.T) {
	_, err := Open("command", map[string]string{"program": "/bin/true"}, Options{})
	if err == nil || fields(t, err) != "kind" || !strings.Contains(err.Error(), "-allow-commands") {
		t.Errorf("got %v", err)
	}
}
