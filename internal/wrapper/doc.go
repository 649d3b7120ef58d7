// Package wrapper runs a command and tells kae how it went. It is what
// “kae exec”, “kae ping” and “kae flush” are made of.
//
// The job comes first. Everything here follows from that: the command runs, on
// time, with its own input, output, signals and exit status, whatever happens
// to kae, the network, the spool or the disk. A report is tried again while
// there is time; what can't be delivered is put into the spool, with the time
// at which it happened, and sent later. What goes wrong with reports is said
// on standard error and changes nothing else.
//
//   - job.go: a command from its start to its last report;
//   - command.go, signals.go, passage.go: running it, unnoticed;
//   - target.go, report.go, send.go: heartbeats over HTTP;
//   - courier.go, spool.go, flush.go: what is delivered when, and kept;
//   - tail.go, mask.go: the end of the output, without secrets.
package wrapper
