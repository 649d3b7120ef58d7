package wrapper

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"kae"
)

// Job is a command and how it is to be reported.
type Job struct {
	Args  []string // the command and its arguments
	Env   []string // its environment
	Stdin *os.File
	// Where the command's output goes, and kae's own words. Files are handed to
	// the command as they are where kae does not look at its output.
	Stdout, Stderr io.Writer

	Target    *Target // nil: the run is not reported
	Agent     string  // the User-Agent of heartbeats
	Spool     Spool
	Wait      time.Duration // the longest that the start's report holds up the command
	Linger    time.Duration // the longest that the end's report holds up kae
	Timeout   time.Duration // after which the command is ended; 0: never
	KillAfter time.Duration // from the first, polite signal to SIGKILL
	Output    Output
}

// Run runs the command, reports it, and gives its exit status: 128 and the
// number of the signal that killed it, 124 when it took too long, 127 and 126
// when it is not there or can't be run.
func (j *Job) Run() int {
	s := catchSignals()
	defer s.stop()
	if j.Target == nil {
		_, r := j.run(s, nil)
		return r.status
	}
	c := newCourier(j.Agent, j.Target, j.Spool, j.Linger, j.Stderr)
	run := url.Values{"rid": {kae.NewUUID()}}
	select {
	case <-c.begin(j.Target.newReport("start", "", run, nil)):
	case sig := <-s.came: // it is meant for the command: quickly
		s.early = append(s.early, sig)
	case <-time.After(j.Wait):
	}
	body, r := j.run(s, c)
	c.end(j.ended(r, run, body), s.hurry)
	return r.status
}

// run runs the command and gives the end of its output.
func (j *Job) run(s *signals, c *courier) ([]byte, result) {
	say := func(text string) {
		if c != nil {
			c.say("%s", text)
		} else {
			fmt.Fprintln(j.Stderr, "kae: "+text)
		}
	}
	cmd := exec.Command(j.Args[0], j.Args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = j.Env, j.Stdin, j.Stdout, j.Stderr
	if j.Timeout > 0 && !(j.Stdin != nil && inForeground(j.Stdin)) {
		// Its own group can be killed as a whole. Not at a terminal: a group in
		// the background could not read from it.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	var p *passage
	if c != nil && j.Output != OutputNone {
		p = &passage{tail: newTail(j.Target.secret)}
		if err := p.connect(cmd, j.Stdout, j.Stderr); err != nil {
			say("the command's output can't be sent: " + err.Error())
		}
	}
	begin := time.Now()
	status, message := start(cmd)
	if p != nil {
		p.begun()
	}
	if message != "" {
		say(message)
		s.alone()
		return nil, result{status, message, -1, begin}
	}
	overran := j.watch(cmd, s)
	s.alone()
	r := result{took: time.Since(begin), ended: time.Now()}
	r.status, r.message = outcome(cmd.ProcessState)
	if overran {
		r.status, r.message = statusOverran, "overran: killed after "+short(j.Timeout)
		say(r.message)
	}
	return j.collect(p, s, say, r.status), r
}

// collect waits for the last of the output and gives what is sent of it.
func (j *Job) collect(p *passage, s *signals, say func(string), status int) []byte {
	if p == nil {
		return nil
	}
	p.finish(s.hurry)
	for _, text := range p.trouble() {
		say(text)
	}
	if j.Output == OutputOnFailure && status == 0 {
		return nil
	}
	return p.tail.text()
}

// ended makes the report of a run that is over.
func (j *Job) ended(r result, run url.Values, body []byte) report {
	if r.took >= 0 {
		run.Set("d", seconds(r.took))
	}
	end := j.Target.newReport(strconv.Itoa(r.status), r.message, run, body)
	end.At = r.ended
	return end
}
