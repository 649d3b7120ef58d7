// Command box is what a Debian root needs to be played as a machine without an
// init system: it is the first process, and stands in for systemctl under that
// name. As systemd does, it starts what a unit file says, waits until that
// calls itself ready, and stops it.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	var err error
	if filepath.Base(os.Args[0]) == "systemctl" {
		err = systemctl(os.Args[1:])
	} else {
		err = first(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, filepath.Base(os.Args[0])+":", err)
		os.Exit(1)
	}
}

// first is the first process of a machine whose only network is loopback. It
// runs a command, reaps whatever ends, and ends with the command.
func first(args []string) error {
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		switch pid, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case pid == cmd.Process.Pid && status.ExitStatus() != 0:
			return fmt.Errorf("%s: exit status %d", args[0], status.ExitStatus())
		case pid == cmd.Process.Pid:
			return nil
		}
	}
}

// loopbackUp is “ip link set lo up”; netdevice(7).
func loopbackUp() error {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); e != 0 {
		return e
	}
	return nil
}

func systemctl(args []string) error {
	if len(args) < 2 || args[0] != "restart" && args[0] != "start" {
		return nil // what packages ask for has nobody to do it here either
	}
	name := strings.TrimSuffix(args[len(args)-1], ".service")
	unit, err := read(name)
	if err != nil {
		return err
	}
	if err := unit.stop(); err != nil {
		return err
	}
	return unit.start()
}

// unit is what a unit file says, as far as it matters here; systemd.exec(5).
type unit struct {
	name   string
	values map[string][]string
}

func read(name string) (unit, error) {
	b, err := os.ReadFile("/lib/systemd/system/" + name + ".service")
	u := unit{name, map[string][]string{}}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			u.values[key] = append(u.values[key], value)
		}
	}
	return u, err
}

func (u unit) one(key string) string {
	if all := u.values[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

func (u unit) pidFile() string { return "/run/" + u.name + ".pid" }

func (u unit) stop() error {
	b, err := os.ReadFile(u.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	pid, err := strconv.Atoi(string(b))
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s did not run any more: %w", u.name, err)
	}
	return within(time.Minute, func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

func (u unit) start() error {
	if u.one("Type") != "notify" {
		return fmt.Errorf("%s is of type %q, not notify", u.name, u.one("Type"))
	}
	who, err := user.Lookup(u.one("User"))
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	env, err := u.environment(uid, gid)
	if err != nil {
		return err
	}
	socket := "/run/" + u.name + ".notify"
	os.Remove(socket)
	ready, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer ready.Close()
	os.Chmod(socket, 0o777)

	call := strings.Fields(u.one("ExecStart"))
	log, err := os.OpenFile("/var/log/"+u.name+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(call[0], call[1:]...)
	cmd.Env = append(env, "HOME="+who.HomeDir, "USER="+who.Username, "PATH=/usr/bin:/bin", "NOTIFY_SOCKET="+socket)
	cmd.Dir = u.one("WorkingDirectory")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
		// As a service that may bind ports below 1024 and no more.
		AmbientCaps: []uintptr{10},
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := os.WriteFile(u.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	ready.SetReadDeadline(time.Now().Add(time.Minute))
	for b := make([]byte, 4096); ; {
		n, err := ready.Read(b)
		if err != nil {
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s does not become ready: %w\n%s", u.name, err, said)
		}
		if strings.Contains(string(b[:n]), "READY=1") {
			return nil
		}
	}
}

// environment makes the directories and credentials that a unit is promised,
// and gives its variables.
func (u unit) environment(uid, gid int) ([]string, error) {
	for _, state := range u.values["StateDirectory"] {
		dir := "/var/lib/" + state
		if err := errors.Join(os.MkdirAll(dir, 0o750), os.Chown(dir, uid, gid)); err != nil {
			return nil, err
		}
	}
	dir := "/run/credentials/" + u.name + ".service"
	if err := errors.Join(os.MkdirAll(filepath.Dir(dir), 0o755), os.MkdirAll(dir, 0o700), os.Chown(dir, uid, gid)); err != nil {
		return nil, err
	}
	for _, credential := range u.values["LoadCredential"] {
		name, path, _ := strings.Cut(credential, ":")
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o400); err != nil {
			return nil, err
		}
		if err := os.Chown(filepath.Join(dir, name), uid, gid); err != nil {
			return nil, err
		}
	}
	env := []string{"CREDENTIALS_DIRECTORY=" + dir}
	for _, pair := range u.values["Environment"] {
		env = append(env, strings.ReplaceAll(pair, "%d", dir))
	}
	for _, path := range u.values["EnvironmentFile"] {
		b, err := os.ReadFile(strings.TrimPrefix(path, "-"))
		if err != nil && !strings.HasPrefix(path, "-") {
			return nil, err
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				env = append(env, line)
			}
		}
	}
	return env, nil
}

func within(limit time.Duration, done func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		if done() {
			return nil
		}
	}
	return fmt.Errorf("not within %v", limit)
}
